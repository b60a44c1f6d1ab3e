"""From the answers to the decision questions to a ranking: limits first, ranking second, reasons kept."""

import functools
from dataclasses import asdict, dataclass, field
from html import escape

import pandas as pd

from . import data, guard
from .candidates import options
from .errors import HwlibError
from .workload import PRIORITIES, Workload

WORDS = {
    "usd_per_100k": "cost",
    "throughput_per_s": "throughput",
    "latency_ms": "latency",
    "joules_per_inference": "measured energy",
}
MIME_TYPE = "application/vnd.hwlib.decision+json"


@dataclass(frozen=True)
class Decision:
    """A ranking with its reasons: `table` (best first), `eliminated`, `best`, `runner_up`, `margin`, `explain()`."""

    workload: Workload
    table: pd.DataFrame = field(repr=False)
    eliminated: pd.DataFrame = field(repr=False)

    @property
    def metric(self):
        """The column that ranks the options."""
        return PRIORITIES[self.workload.priority][0]

    @functools.cached_property
    def best(self):
        """The first option as a Series; None where no option has the figure that ranks."""
        ranked = self.table[self.table[self.metric].notna()]
        return ranked.iloc[0] if len(ranked) else None

    @functools.cached_property
    def runner_up(self):
        """The first option on another device than the best one, or None."""
        if self.best is None:
            return None
        others = self.table[self.table[self.metric].notna() & (self.table["device_id"] != self.best["device_id"])]
        return others.iloc[0] if len(others) else None

    @property
    def margin(self):
        """How much more the worse of best and runner-up needs, or the better gives, as a share: 0.25 is 25 %; None without one."""
        if self.runner_up is None:
            return None
        figures = self.best[self.metric], self.runner_up[self.metric]
        return float(max(figures) / min(figures) - 1)

    @property
    def comparison(self):
        """What the guard says of the best option against the runner-up, or None without one."""
        return None if self.runner_up is None else guard.compare(self.best, self.runner_up)

    def explain(self):
        """The decision in plain sentences: winner, margin, how alike the figures are, what was left out."""
        return [sentence for part in (_winner, _behind, _against, _alike, _left_out) if (sentence := part(self))]

    def to_dict(self):
        """The decision as plain JSON values: workload, best, runner_up, margin, comparison, options, eliminated."""
        options = [_plain(row) for row in self.table.to_dict("records")]
        named = {name: None if row is None else options[row.name] for name, row in (("best", self.best), ("runner_up", self.runner_up))}
        return {
            "workload": asdict(self.workload),
            **named,
            "margin": self.margin,
            "comparison": None if self.comparison is None else str(self.comparison),
            "explanation": self.explain(),
            "options": options,
            "eliminated": [_plain(row) for row in self.eliminated.to_dict("records")],
        }

    def _repr_mimebundle_(self, include=None, exclude=None):
        lines = self.explain()
        # A dollar sign in an element of its own is no formula to the notebook's typesetter.
        paragraphs = [f"<p>{escape(line)}</p>".replace("$", "<span>$</span>") for line in lines]
        html = f'<div class="answer">{"".join(paragraphs)}</div>'
        return {"text/plain": " ".join(lines), "text/html": html, MIME_TYPE: self.to_dict()}


def decide(workload, **answers):
    """The ranking of every way to serve `workload`, best first, with the reasons of what was left out.

    Parameters
    ----------
    workload : Workload or str
        The answers to the decision questions, or just a model.
    **answers
        Fields of `Workload`, where `workload` is a model.

    Returns
    -------
    Decision

    Raises
    ------
    HwlibError
        For a faulty answer.

    Examples
    --------
    >>> decision = decide("resnet50", batch_size=8)
    >>> decision.best["usd_per_100k"] <= decision.runner_up["usd_per_100k"]
    np.True_
    """
    if not isinstance(workload, Workload):
        workload = Workload(workload, **answers)
    elif answers:
        raise HwlibError("decide: give either a Workload or a model with answers, not both")
    table, eliminated = options(workload)
    metric, ascending = PRIORITIES[workload.priority]
    table = table.sort_values([metric, "device_id", "provider", "instance_type"], ascending=[ascending, True, True, True])
    return Decision(workload, table.reset_index(drop=True), eliminated)


def _winner(decision):
    work = decision.workload
    batch = "at any batch size" if work.batch_size == "any" else f"at batch size {work.batch_size}"
    limit = f" within {work.latency_ms:g} ms" if work.latency_ms else ""
    name = data.load_models(work.model)["name"].item()
    question = f"{name} {batch}{limit}, ranked by {work.priority}"
    if decision.best is None:
        served = len(data.load_llm_serving(work.model))
        hint = f"; {served} figures of serving it stand in hw.load_llm_serving({work.model!r})" if served else ""
        return f"{question}: no option has a known {WORDS[decision.metric]}{hint}."
    return f"{question}: {_named(decision.best, decision.metric)}."


def _behind(decision):
    return "" if decision.best is None else f"Behind it: {_evidence(decision.best)}."


def _against(decision):
    if decision.runner_up is None:
        return ""
    words = {"cost": "{} dearer", "throughput": "the best is {} faster", "latency": "{} slower", "energy": "{} more energy"}
    more = words[decision.workload.priority].format(f"{decision.margin:.0%}")
    option = decision.runner_up
    return f"Runner-up on another device: {_named(option, decision.metric)}, {more}. Behind it: {_evidence(option)}."


def _named(option, metric):
    count = f"{option['device_count']:.0f} x " if option["device_count"] != 1 else ""
    rented = pd.notna(option["instance_type"])
    where = ", ".join(option[name] for name in ("provider", "region") if pd.notna(option[name]))
    place = f" on {option['instance_type']} ({where})" if rented else " (not rented out)"
    return f"{count}{option['device']}{place}, {_figure(option[metric], metric, option['throughput_unit'])}"


def _evidence(option):
    stack = " with ".join(str(option[name]) for name in ("precision", "runtime") if pd.notna(option[name]))
    scaled = f", {option['note']}" if option["note"] else ""
    submitter = f" by {option['submitter']}" if pd.notna(option["submitter"]) else ""
    origin = f"({option['evidence']}, {option['source_id']}{submitter}{scaled})"
    rate = f"{_rounded(option['throughput_per_s'])} {option['throughput_unit']}/s, {stack} {origin}"
    if pd.isna(option["usd_per_hour"]):
        return rate
    day = f", list of {option['price_as_of']:%Y-%m-%d}" if pd.notna(option["price_as_of"]) else ", price of unknown day"
    return f"{rate}, at ${option['usd_per_hour']:,.3f}/h{day}"


def _figure(value, metric, unit):
    return {
        "usd_per_100k": f"${value:,.3g} per 100,000 {unit}",
        "throughput_per_s": f"{_rounded(value)} {unit}/s",
        "latency_ms": f"{value:,.3g} ms",
        "joules_per_inference": f"{value:,.3g} J per inference",
    }[metric]


def _rounded(value):
    return f"{value:,.0f}" if value >= 1_000 else f"{value:,.3g}"


def _alike(decision):
    if decision.comparison is None:
        return ""
    return f"The two figures are {decision.comparison}."


def _left_out(decision):
    unknown_figure = int(decision.table[decision.metric].isna().sum())
    parts = [f"{unknown_figure} options with an unknown {WORDS[decision.metric]} stand last"] if unknown_figure else []
    if len(decision.eliminated):
        parts.append(f"{len(decision.eliminated)} devices were left out, each with its reason")
    return ("; ".join(parts) + ".").capitalize() if parts else ""


def _plain(row):
    """A record with plain JSON values: missing is None, days are text, numbers are Python's own."""
    return {key: _plain_value(value) for key, value in row.items()}


def _plain_value(value):
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value.item() if hasattr(value, "item") else value
