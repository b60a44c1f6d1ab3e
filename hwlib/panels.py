"""Panels: one answer of a decision each, as a chart or table with its sources beneath, or a sentence where data lack.

Notebooks, reports and the explorer show these; what is computed and drawn stands in the modules below.
"""

import textwrap

import pandas as pd

from . import charts, data, guard, metrics
from .decision import expect
from .offers import offers
from .rows import TABLES, usable
from .units import PERCENT

ROWS_SHOWN = 15
CAPTION_WIDTH = 115
SPREAD = "The line behind a mark holds nine of ten draws of its spread."


def ranking(decision):
    """Chart of the figure that ranks (USD, per second, ms or J) with its 90 % interval, the best option of each device, best first."""
    table = expect(decision).table[decision.table[decision.metric].notna()].drop_duplicates("device_id").head(ROWS_SHOWN)
    if table.empty:
        return note(f"No option has a known {charts.axis_title(decision.metric)}.")
    table = table.assign(option=counted(table) + placed_at(table)).join(decision.certainty[["low", "high"]])
    axis = charts.axis_title(decision.metric, table)
    title = f"{axis[0].upper()}{axis[1:]}, best option of each device"
    return charts.dots(table, decision.metric, "option", title, [*caption(table), SPREAD])


def batch_throughput(decision):
    """Chart of throughput (per second) over batch size, one line a device; or a sentence if nobody measured a sweep."""
    rows = _sweeps(decision.workload.model)
    if rows.empty:
        return note("No source publishes a sweep of batch sizes for this model on a single device.")
    return charts.batch_curves(rows, "throughput_per_s", _names(rows), "Batch size and throughput of one device", origin(rows))


def batch_cost(decision):
    """Chart of the cost of 100,000 inferences (USD) over batch size, on the cheapest machine with one such device."""
    rows = _sweeps(decision.workload.model)
    if rows.empty:
        return note("Without a sweep of batch sizes there is no cost to draw over them.")
    priced = priced_sweeps(rows, decision.workload)
    if priced.empty:
        return note("No device with a sweep of batch sizes has a machine of its own at these terms.")
    unpriced = [name for name in _names(rows) if name not in set(priced["device"])]
    without = wrap(f"No machine with just one, at these terms: {', '.join(unpriced)}.") if unpriced else []
    machines = "; ".join(map(_machine, priced.drop_duplicates("device_id").to_dict("records")))
    beneath = [*origin(priced), *wrap(f"Cheapest machine with one: {machines}."), *without]
    return charts.batch_curves(priced, "usd_per_100k", _names(rows), "Batch size and cost", beneath)


def priced_sweeps(rows, workload):
    """`rows` of batch sweeps with usd_per_100k (USD) on the cheapest machine with one such device, at the terms of `workload`."""
    offered = offers(workload)
    single = offered[offered["device_count"] == 1].sort_values("usd_per_hour").drop_duplicates("device_id")
    priced = rows.merge(single.drop(columns="device_count"), on="device_id")
    return metrics.cost(priced, workload.utilisation)


def _machine(row):
    day = f"of {row['price_as_of']:%Y-%m-%d}" if pd.notna(row["price_as_of"]) else "of unknown day"
    return f"{row['device']} on {row['instance_type']} ({row['provider']}) ${row['usd_per_hour']:,.3f}/h {day}"


def latency_throughput(decision):
    """Chart of throughput of one device (per second) over latency (ms) with the Pareto set marked.

    Of each device only the rows that none of its own beats in both are drawn.
    """
    rows = fronts(_usable(decision))
    if rows.empty:
        return note("No source states both a latency and a throughput of this model.")
    stern = "Latency is the sternest figure stated: p99 of server runs, p90 of single streams, p99 or the mean of batch loops."
    inverse = rows["quality_flag"].str.contains("throughput_from_latency", na=False).any()
    inverted = ["Where a source states only the latency of one call at a time, the throughput is its inverse."] * bool(inverse)
    return charts.latency_throughput(rows, "Latency and throughput", [*caption(rows), stern, *inverted])


def fronts(rows):
    """Of each device the `rows` that none of its own beats in both throughput of one device (1/s) and latency (ms), with pareto (bool)."""
    rows = rows[rows["latency_ms"].notna() & rows["throughput_per_s"].notna()]
    if rows.empty:
        return rows
    rows = rows.assign(throughput_per_s=rows["throughput_per_s"] / rows["device_count"].astype("float64"))
    rows = rows.sort_values("measurement_id").drop_duplicates(["device_id", "throughput_per_s", "latency_ms"])
    # From a device's fastest row on, each that answers sooner than all before it.
    sooner = rows.sort_values(["throughput_per_s", "latency_ms"], ascending=[False, True])["latency_ms"]
    best = sooner.groupby(rows["device_id"]).cummin()
    beaten = sooner >= best.groupby(rows["device_id"]).shift()
    rows = rows[~beaten.reindex(rows.index)]
    return rows.assign(pareto=metrics.pareto(rows, maximise=["throughput_per_s"], minimise=["latency_ms"]))


def efficiency(decision):
    """Chart of inferences per joule of measured power, the best row a device; or a sentence if nobody measured power."""
    rows = metrics.energy(_usable(decision))
    rows = rows[rows["inferences_per_joule"].notna()].sort_values(["inferences_per_joule", "measurement_id"], ascending=[False, True])
    rows = rows.drop_duplicates("device_id").head(ROWS_SHOWN)
    if rows.empty:
        return note("Nobody measured the power of this model; the thermal design power of a device is no substitute.")
    rows = rows.assign(system=counted(rows))
    wall = "Power of the whole system at the wall, measured while the figure was."
    return charts.dots(rows, "inferences_per_joule", "system", "Work for a joule of measured energy", [*caption(rows), wall])


def options_table(decision, rows=25):
    """Table of the best options with price, evidence and source of each."""
    if decision.table.empty:
        return note("No row of this model is within the limits.")
    best = decision.table.head(rows)
    chance = decision.certainty["p_best"].head(rows)
    several = {"machines": best["machines"], "answers within (ms)": best["response_ms"]} if best["machines"].notna().any() else {}
    declared = best["variant"].str.extract("weights=([^;]+)")[0].astype("str").str.replace(",", " or ")
    scaled = (", " + best["note"]).where(best["note"] != "", "")
    columns = {
        "option": counted(best) + placed_at(best),
        "batch": best["batch_size"],
        "measured with": best["precision"].fillna(declared).fillna("unknown precision") + ", " + best["runtime"].fillna("unknown runtime"),
        "throughput (1/s)": best["throughput_per_s"],
        "latency (ms)": _formatted(best["latency_ms"], "{:.3g} ") + best["latency_stat"],
        **several,
        "price ($/h)": _formatted(best["usd_per_hour"], "{:,.3f}"),
        "cost ($/100k)": best["usd_per_100k"],
        "energy (J)": best["joules_per_inference"],
        "best in": _formatted(chance.where(best["score"].notna()) * PERCENT, "{:.0f} % of draws"),
        "evidence": best["evidence"] + scaled,
        "figure from": best["source_id"] + (" by " + best["submitter"]).fillna(""),
        "price from": best["price_source_id"].str.replace(r"\+.*", "", regex=True) + best["price_as_of"].dt.strftime(" %Y-%m-%d"),
    }
    return table(pd.DataFrame(columns))


def eliminated_table(decision):
    """Table of the devices left out, each with its commonest reason,; or a sentence if there are none."""
    if decision.eliminated.empty:
        return note("Nothing was left out.")
    names = data.load_devices().set_index("device_id")["name"]
    shown = decision.eliminated.assign(device=decision.eliminated["device_id"].map(names).fillna(decision.eliminated["device_id"]))
    return table(shown[["device", "reason", "rows"]].rename(columns={"reason": "why it was left out", "rows": "rows behind it"}))


def winners_table(decisions, question):
    """Table of several decisions, one a line: the answer that differs, who wins and by how much, how sure that is and who comes second.

    Parameters
    ----------
    decisions : dict
        The answer that differs -> its `Decision`.
    question : str
        What differs, with its unit, such as "latency limit (ms)".
    """
    return table(pd.DataFrame([{question: str(answer), **_winner(decision)} for answer, decision in decisions.items()]))


def _winner(decision):
    best, second = decision.best, decision.runner_up
    figure = charts.axis_title(decision.metric, None if decision.table.empty else decision.table)
    return {
        "winner": "none within the limits" if best is None else _option(best),
        figure: "" if best is None else float(best[decision.metric]),
        "comes first in": "" if best is None else f"{decision.p_best:.0%} of the draws",
        "runner-up": "" if second is None else _option(second),
        "behind by": "" if second is None else f"{decision.margin:.0%}",
    }


def _option(row):
    frame = row.to_frame().T
    return (counted(frame) + placed_at(frame)).item()


def sources_table(decision):
    """Table of every source behind the figures and prices shown, with licence, version and credit,."""
    cells = pd.concat([_usable(decision)["source_id"], decision.table["price_source_id"].dropna()]).unique()
    used = {part for cell in cells for part in cell.split("+")}
    rows = data.load_sources()
    rows = rows[rows["source_id"].isin(used)]
    shown = rows[["source_id", "citation", "url_path", "version", "published_on", "licence"]]
    return table(shown.rename(columns={"source_id": "source", "citation": "credit", "url_path": "place", "published_on": "published"}))


def table(frame):
    """`frame` as HTML without an index, numbers rounded to what they support, unknown cells called so.

    >>> import pandas as pd
    >>> "<td>unknown</td>" in table(pd.DataFrame({"latency (ms)": [12.3456, None]})).data
    True
    """
    from IPython.display import HTML

    html = frame.rename_axis(columns=None).map(_cell).to_html(index=False, border=0, justify="unset")
    # A dollar sign of its own element is no formula to the notebook's typesetter.
    return HTML(html.replace("$", "<span>$</span>"))


def note(sentence):
    """A sentence that stands where a chart would, as something a notebook displays."""
    from IPython.display import Markdown

    return Markdown(f"*{sentence}*")


def _cell(value):
    if pd.isna(value):
        return "unknown"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _usable(decision):
    """The measured rows of the model that could be shown at all: device told apart, for sale, network unchanged."""
    return usable(decision.workload.model)


@data.remembered(*TABLES)
def _sweeps(model):
    return guard.batch_series(usable(model))


def _names(rows):
    return sorted(rows["device"].unique())


def _formatted(values, form):
    """Text of each number; unknown ones stay missing, also where all are."""
    return values.map(form.format, na_action="ignore").astype("str")


def counted(frame):
    """Such as 8 x NVIDIA T4 for each row, without the 1 x of a single device."""
    several = _formatted(frame["device_count"].astype("float64"), "{:.0f} x ")
    return several.mask(frame["device_count"] == 1, "") + frame["device"]


def placed_at(frame):
    """Where each option stands: its machine and provider, bought, or not rented out."""
    rented = " on " + frame["instance_type"] + " (" + frame["provider"] + ")"
    return rented.fillna(", not rented out").mask(frame["pricing"] == "purchase", ", bought")


def caption(rows):
    """Lines for under a chart: the sources of `rows` with their days, in which ways the rows differ, and the days of their prices."""
    words = guard.caveats(rows)
    care = wrap("Take care, these rows differ in " + "; ".join(words) + ".") if words else []
    return [*origin(rows), *care, *(price_line(rows) if "price_as_of" in rows else [])]


def origin(rows):
    """The sources of `rows` with the day each was published, as caption lines."""
    days = _days()
    evidence = " and ".join(sorted(rows["evidence"].unique()))
    return wrap(f"Figures, {evidence}: " + ", ".join(name + days[name] for name in sorted(rows["source_id"].unique())) + ".")


@data.remembered("sources")
def _days():
    """The day each source was published, in brackets."""
    return data.load("sources").set_index("source_id")["published_on"].dt.strftime(" (%Y-%m-%d)").fillna("")


def price_line(table):
    """The days of the price lists behind `table`, as a caption line; none where nothing is priced."""
    days = table["price_as_of"].dropna()
    return [f"Prices: lists of {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}."] if len(days) else []


def wrap(text):
    """`text` in lines as long as a caption has them, a list of str."""
    return textwrap.wrap(text, CAPTION_WIDTH)
