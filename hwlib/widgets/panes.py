"""What each chart of the explorer is fed: rows, names beside them, caption and note, computed from a decision."""

import json

import pandas as pd

from .. import charts, data, guard, limits, live, metrics, panels
from ..rows import measured, usable
from ..words import flip_sentence
from ..workload import Workload

ROWS = 12
NAMES = ("ranking", "economics", "sensitivity", "speed", "batch_throughput", "batch_cost")
DRAWN = ["device", "device_class", "precision", "batch_size", "evidence", "measurement_id"]
TOLD = (*DRAWN, "device_id", "device_count", "instance_type", "provider", "pricing", "throughput_unit", "source_id", "price_as_of")
BATCH_TITLES = {"throughput_per_s": "Does a larger batch pay in speed?", "usd_per_100k": "Does a larger batch pay in money?"}
TABLES = ("measurements", "llm_serving", "devices", "device_aliases", "prices", "models", "sources")
VARIED = {
    "latency_ms": "latency limit",
    "ttft_ms": "limit to the first token",
    "tpot_ms": "limit per output token",
    "batch_size": "batch size",
    "requests_per_s": "request rate",
    "utilisation": "utilisation",
    "hours_per_day": "hours a day",
}


def first(decision, stack=None):
    """The panes that an answer changes at once, as a dict of name -> dict."""
    return {
        "ranking": ranking(decision),
        "economics": economics(decision),
        "speed": speed(decision),
        "batch_throughput": batch(decision, "throughput_per_s", stack),
        "batch_cost": batch(decision, "usd_per_100k", stack),
    }


def second(decision):
    """The panes that take a simulation or a search: the ranking with its intervals, and what would change the winner."""
    return {"ranking": ranking(decision, decision.certainty), "sensitivity": sensitivity(decision)}


def ranking(decision, certainty=None):
    """The best option of each device, best first; with `certainty` also the 90 % interval of its figure."""
    metric = decision.metric
    table = _told(decision, metric).drop_duplicates("device_id").head(ROWS)
    pane = {"title": "Which device is best, and how sure is its figure?"}
    if table.empty:
        return pane | {"note": f"No option has a known {charts.axis_title(metric)}."}
    table = table.assign(option=panels.counted(table) + ", " + table["instance_type"].fillna(table["pricing"]).fillna("not rented out"))
    if certainty is not None:
        table = table.join(certainty[["low", "high"]])
    wide = bool(table[metric].max() > charts.WIDE_SPAN * table[metric].min())
    columns = ["option", *DRAWN, metric, *(name for name in ("low", "high") if name in table)]
    return pane | {
        "spec": live.ranking(metric, _unit(table), wide),
        "data": {"rows": _records(table, columns)},
        "params": {"height": live.BAR_HEIGHT * len(table)},
        "caption": _text(panels.origin(table), panels.price_line(table), [panels.SPREAD]),
        "description": f"{charts.axis_title(metric, table)}, in order: {', '.join(table['option'].head(5))}",
    }


def economics(decision):
    """Every option by what an inference costs and how fast the machine is, with the set that nothing beats in both."""
    speed, better = ("latency_ms", "minimise") if decision.workload.priority == "latency" else ("throughput_per_s", "maximise")
    table = _told(decision, speed, "usd_per_100k")
    pane = {"title": "How much cost for how much performance?"}
    if table.empty:
        return pane | {"note": "No option has both a known cost and a known speed."}
    aims = {"minimise": ["usd_per_100k"], "maximise": []}
    aims[better] = [*aims[better], speed]
    table = table.assign(pareto=metrics.pareto(table, **aims), allowed=True, option=panels.counted(table) + panels.placed_at(table))
    caption = _text(["Each point is an option; nothing beats those on the dashed line in both."], panels.price_line(table))
    return pane | _scatter(table, speed, "usd_per_100k", caption)


def speed(decision):
    """Measured rows by latency and throughput of one device; those beyond a limit step back."""
    work = decision.workload
    pane = {"title": "Latency or throughput?"}
    drawn = _fronts(work.model)
    if drawn is None:
        return pane | {"note": "No source states both a latency and a throughput of this model."}
    found, _ = limits.failed(measured(work), work)
    fit = set(measured(work)["measurement_id"].to_numpy()[found == -1])
    rows = [row | {"allowed": row["measurement_id"] in fit} for row in drawn["data"]["rows"]]
    return pane | drawn | {"data": drawn["data"] | {"rows": rows}, "params": {"limit": work.latency_ms or 0}}


def batch(decision, y, stack):
    """Throughput or cost over batch size, of the stack that is looked at."""
    work = decision.workload
    terms = Workload(work.model, pricing=work.pricing, providers=work.providers, regions=work.regions, utilisation=work.utilisation)
    pane = _batch(terms, y, stack)
    return pane | {"params": pane.get("params", {}) | {"batch": 0 if work.batch_size == "any" else work.batch_size}}


def sensitivity(decision):
    """By what factor a price, a rate or a limit must change until another device wins."""
    pane = {"title": "What would change the winner?"}
    flips = decision.flips
    known = pd.to_numeric(flips["now"], errors="coerce")
    found = flips[known > 0].assign(now=known)
    if found.empty:
        why = "; ".join(flip_sentence(flip) for _, flip in flips.iterrows())
        return pane | {
            "note": f"{why}." if why else "No change of one price, rate or limit alone changes the winner among what was measured."
        }
    answer = found["answer"].map(VARIED).fillna("price of " + found["instance_type"].fillna("a bought one")) + ", " + found["side"]
    sentences = [flip_sentence(flip) for _, flip in flips.loc[found.index].iterrows()]
    found = found.assign(answer=answer, factor=found["at"] / found["now"], sentence=sentences, text=found["device"] + " wins")
    return pane | {
        "spec": live.sensitivity(),
        "data": {"rows": _records(found, ["answer", "factor", "sentence", "text", "device"])},
        "params": {"height": live.BAR_HEIGHT * 1.4 * len(found)},
        "caption": "How far each alone must move from today (dashed) until another device wins: " + "; ".join(sentences) + ".",
        "description": "; ".join(sentences),
    }


def stacks(model):
    """The stacks whose batch sweeps can be drawn, those measured on most devices first."""
    rows = _sweeps(model)
    return [] if rows.empty else rows["stack"].unique().tolist()


@data.remembered(*TABLES)
def _sweeps(model):
    return guard.batch_series(usable(model))


@data.remembered(*TABLES)
def _fronts(model):
    """What does not depend on the answers but for the model; None where there is nothing to draw."""
    rows = panels.fronts(usable(model))
    if rows.empty:
        return None
    rows = rows.assign(allowed=True, option=panels.counted(rows) + ", " + rows["runtime"].fillna("unknown runtime"))
    caption = (
        "Of each device the rows that none of its own beats in both; nothing at all beats those on the dashed line. "
        "Pale ones break a limit; dotted is that on latency."
    )
    return _scatter(rows, "latency_ms", "throughput_per_s", caption)


@data.remembered(*TABLES)
def _batch(terms, y, stack):
    rows = _sweeps(terms.model)
    pane = {"title": BATCH_TITLES[y]}
    if rows.empty:
        return pane | {"note": "No source publishes a sweep of batch sizes for this model on a single device."}
    devices, largest, stack = tuple(sorted(rows["device"].unique())), int(rows["batch_size"].max()), stack or rows["stack"].iloc[0]
    shown = rows[rows["stack"] == stack]
    shown = shown if y == "throughput_per_s" else panels.priced_sweeps(shown, terms)
    if shown.empty:
        return pane | {"note": "No device of these sweeps has a machine of its own at these terms."}
    ends = charts.apart(shown.sort_values("batch_size").drop_duplicates("device", keep="last"), shown[y], "stack")
    return pane | {
        "spec": live.batches(y, _unit(shown), largest, devices),
        "data": {"rows": _records(shown, ["stack", *DRAWN, y]), "names": _records(ends, ["stack", "device", "batch_size", y])},
        "params": {"stack": stack},
        "caption": _text([f"Measured with {stack}."], panels.origin(shown), panels.price_line(shown) if "price_as_of" in shown else []),
        "description": f"{charts.axis_title(y, shown)} over batch size, one line a device: {', '.join(sorted(shown['device'].unique()))}",
    }


def _told(decision, *columns):
    """The options with known `columns`, and of each only what a chart tells: narrow, because choosing rows copies every column."""
    table = decision.table[list({*TOLD, *columns})]
    return table[table[list(columns)].notna().all(axis=1)]


def _scatter(frame, x, y, caption):
    """Data, caption and description of a scatter; the first point of each device on the front carries its name."""
    first = frame[frame["pareto"]].sort_values(x).drop_duplicates("device")
    best = ", ".join(first["device"])
    return {
        "spec": live.scatter(x, y, _unit(frame)),
        "data": {
            "rows": _records(frame, ["option", *DRAWN, x, y, "pareto", "allowed"]),
            "names": _records(charts.apart(first, frame[y], "pareto"), ["device", x, y]),
        },
        "caption": _text([caption], panels.origin(frame)),
        "description": f"{charts.axis_title(y, frame)} over {charts.axis_title(x, frame)}; nothing beats those of {best} in both",
    }


def _unit(frame):
    return str(frame["throughput_unit"].iloc[0])


def _records(frame, columns):
    return json.loads(charts.lean(frame, columns).to_json(orient="records"))


def _text(*lines):
    return " ".join(line for part in lines for line in part)


def still(decision):
    """The answer for where no widget can be shown: a picture of the ranking, where there is one, and words."""
    from vl_convert import vegalite_to_svg

    chart = panels.ranking(decision)
    picture = {"image/svg+xml": vegalite_to_svg(chart.to_dict())} if hasattr(chart, "to_dict") else {}
    return picture | {"text/plain": "\n".join(decision.explain())}
