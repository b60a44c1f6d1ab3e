"""What the explorer says: the answer, where a number comes from, and the call and command that give the same again."""

import shlex
from html import escape

from .. import provenance, words

ROWS = {
    "device_id": "device",
    "device_count": "devices",
    "system": "system",
    "runtime": "runtime",
    "precision": "number format",
    "scenario": "scenario",
    "batch_size": "batch size",
    "throughput_per_s": "throughput, 1/s",
    "latency_ms_mean": "mean latency, ms",
    "latency_ms_p90": "p90 latency, ms",
    "latency_ms_p99": "p99 latency, ms",
    "ttft_ms": "time to first token, ms",
    "tpot_ms": "time per output token, ms",
    "power_w": "measured power, W",
    "evidence": "evidence",
    "quality_flag": "flags",
}


def paragraphs(sentences):
    """Sentences as HTML, a paragraph each, in which a dollar sign starts no formula.

    >>> paragraphs(["less than $1"])
    '<p>less than <span>$</span>1</p>'
    """
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences).replace("$", "<span>$</span>")


def scrolling(table):
    """A table, or the sentence that stands in its place, as HTML that scrolls within its own box."""
    text = table.data if "<table" in table.data else paragraphs([table.data.strip("*")])
    return f'<div class="hw-scroll" tabindex="0">{text}</div>'


def soon(decision):
    """What can be said of `decision` before certainty and flips are worked out."""
    waiting = [] if decision.best is None else ["How sure that is, and what would change it, follows."]
    return paragraphs([*words.at_once(decision), *waiting])


def origin(measurement_id):
    """Where a measured figure comes from, as HTML: row, source, licence, place in it, and how many rows share its run."""
    found = provenance.trace(measurement_id)
    source = found["source"]
    cells = {name: found["row"][key] for key, name in ROWS.items() if key in found["row"]}
    cells |= {
        "published by": f"{source['publisher']}: {source['title']}",
        "on": source.get("published_on", "unknown day"),
        "licence": source["licence"],
        "place": f"{source['url_path']}, {found['place']}",
        "spelled there": " on ".join(filter(None, found["spelled"].values())),
        "rows of the same run": len(found["same_run"]),
        "key": measurement_id,
    }
    lines = "".join(f"<tr><th>{escape(name)}</th><td>{escape(_shown(cell))}</td></tr>" for name, cell in cells.items())
    return f"<table>{lines}</table>".replace("$", "<span>$</span>")


def python(workload):
    """The call that makes this decision again."""
    answers = "".join(f", {name}={value!r}" for name, value in _plain(workload).items())
    return f"import hwlib as hw\n\nworkload = hw.Workload({workload.model!r}{answers})\nhw.decide(workload)"


def command(workload):
    """The command that makes the report of this decision.

    >>> from ..workload import Workload
    >>> command(Workload("resnet50", latency_ms=5, weights="cost=2,latency=1"))
    'hwlib report resnet50 --set weights=cost=2,latency=1 --set latency_ms=5'
    """
    settings = "".join(f" --set {shlex.quote(f'{name}={_typed(value)}')}" for name, value in _plain(workload).items())
    return f"hwlib report {workload.model}{settings}"


def _plain(workload):
    """The answers that are not the default, as plain values."""
    values = workload.to_dict()
    assumed = {name: value for name, value in values["ownership"].items() if value != getattr(type(workload.ownership)(), name)}
    return {name: assumed if name == "ownership" else values[name] for name in workload.changed()}


def _typed(value):
    if isinstance(value, dict):
        return ",".join(f"{name}={number:.10g}" for name, number in value.items())
    return ",".join(value) if isinstance(value, list) else f"{value:.10g}" if isinstance(value, float) else str(value)


def _shown(cell):
    return f"{cell:,.5g}" if isinstance(cell, float) else str(cell)
