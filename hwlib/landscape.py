"""Pictures of the notebooks: a question each, as a chart or table with its sources beneath, like `panels`."""

import pandas as pd

from . import charts, data, metrics, panels, shapes
from .decision import expect
from .errors import HwlibError, unknown
from .rooflines import placed
from .rooflines import roofs as roof_lines
from .rows import usable
from .setups import SETTING
from .units import PERCENT

LEGIBLE = 12  # lines of a chart
SURE = 0.99
FIGURES = ("throughput_per_s", "latency_ms")


def classes(*columns):
    """Table of the classes of hardware with the `columns` of table device_classes that are asked for.

    >>> "Tensor processing unit" in classes("strengths").data
    True
    """
    known = data.load_device_classes()
    metrics.need(known, *columns)
    return panels.table(known[["name", *columns]].rename(columns=lambda name: name.replace("_", " ")))


def by_class(model, figure, batch_size=None):
    """Chart of the best measured `figure` of each device, by class, the best of each class named; or a sentence without any.

    Parameters
    ----------
    model : str
        `model_id`.
    figure : {"throughput_per_s", "latency_ms"}
        Throughput is that of one device; latency the sternest figure stated.
    batch_size : int, optional
        Only rows of this batch size.

    Raises
    ------
    HwlibError
        For an unknown model or figure.
    """
    if figure not in FIGURES:
        raise unknown("figure", figure, FIGURES)
    rows = usable(data.find_model(model))
    rows = rows[rows[figure].notna() & ((rows["batch_size"] == batch_size) if batch_size else True)]
    if rows.empty:
        return panels.note(f"Nobody measured {charts.axis_title(figure)} of this model so.")
    rows = rows.assign(throughput_per_s=rows["throughput_per_s"] / rows["device_count"].astype("float64"))
    rows = rows.sort_values([figure, "measurement_id"], ascending=[figure == "latency_ms", True]).drop_duplicates("device_id")
    rows = rows.assign(group=rows["device_class"].map(data.load_device_classes().set_index("device_class")["name"]))
    axis = charts.axis_title(figure, rows)
    title = f"{axis[0].upper()}{axis[1:]} of one device, best row of each, by class"
    return shapes.strip(rows, figure, "group", "device", title, panels.caption(rows.drop(columns="device_count")))


def rooflines(rows, series, label="model_id", low=10, high=1_000):
    """Chart of measured `rows` under the roofs of their devices (TOP/s over operations a byte); or a sentence where facts lack.

    Parameters
    ----------
    rows : DataFrame
        Rows of `measurements` of one precision.
    series : str
        Column that gives the colour.
    label : str
        Column that names the points.
    low, high : float
        Ends of the axis, operations a byte.

    Raises
    ------
    HwlibError
        For rows of several precisions, whose roofs differ, or a missing column.
    """
    metrics.need(rows, "precision", series, label)
    if rows["precision"].nunique() > 1:
        raise HwlibError(f"precision {', '.join(sorted(rows['precision'].dropna().unique()))}: each has a roof of its own; choose one")
    points = placed(rows)
    points = points[points["roof_tops"].notna()]
    if points.empty:
        return panels.note("Work per sample, activations, peak or bandwidth are unknown for these rows.")
    precision = points["precision"].iloc[0]
    roofs = roof_lines(list(points["device_id"].unique()), precision, low, high)
    points = points.merge(roofs[["device_id", "device"]].drop_duplicates(), on="device_id")
    caption = [
        *panels.origin(points),
        *panels.wrap(
            "Roofs: data sheets, dense. Assumed: weights read once a batch, each activation written once and read once. "
            "Memory a compiler or cache saves moves a point to the right of where it stands."
        ),
    ]
    return shapes.roofline(roofs, points, series, label, f"Roofline, {precision}", caption)


def roofline_table(rows):
    """Table of measured `rows` on the roofline: work per byte, rate reached, what the roof allows, share of the peak."""
    points = placed(rows).sort_values("share_of_peak", ascending=False)
    columns = {
        "model": points["model_id"],
        "tuning": points["tuning"],
        "operations per byte": points["ops_per_byte"],
        "reached (TOP/s)": points["reached_tops"],
        "roof (TOP/s)": points["roof_tops"],
        "share of the peak (%)": points["share_of_peak"] * PERCENT,
    }
    return panels.table(pd.DataFrame(columns))


def peak_shares(rows):
    """Chart of the share of the data-sheet peak (%) that measured `rows` reach: median, least and most of the rows of each device."""
    points = placed(rows)
    if points.empty:
        return panels.note("Work per sample or peak are unknown for these rows.")
    points = points.assign(percent=points["share_of_peak"] * PERCENT)
    ranges = points.groupby("device_id")["percent"].agg(["median", "min", "max"])
    shown = points.sort_values(["source_id", "measurement_id"]).drop_duplicates("device_id").join(ranges, on="device_id")
    shown = _named(shown).sort_values("median", ascending=False)
    shown = shown.assign(name=shown["device"] + ", " + shown["peak_tops"].map("{:,.0f} TOP/s".format))
    caption = [*panels.caption(points.drop(columns="device_count")), "Bars: from the least to the most of the rows of a device."]
    title = "How much of its peak a device reaches"
    return shapes.spans(shown, "median", "min", "max", "name", title, caption, "share of the data-sheet peak (%)")


def gains(rows, choice, reference, group="family"):
    """Chart of how many times as fast `rows` are as the `reference` of their `choice`, other things equal: median, least and most.

    Parameters
    ----------
    rows : DataFrame
        Rows of `measurements`.
    choice : str
        The only column in which the rows of a pair may differ, such as tuning.
    reference : str
        The value of `choice` that others are held against.
    group : str
        Column of table models that makes a line of the chart.

    Raises
    ------
    HwlibError
        For a column that is missing.
    """
    metrics.need(rows, choice)
    metrics.need(data.load_models(), group)
    setting = [name for name in (*SETTING, "variant") if name not in (choice, "setup")]
    slow = rows[rows[choice] == reference].drop_duplicates(setting)
    pairs = rows[rows[choice] != reference].merge(slow[[*setting, "throughput_per_s"]], on=setting, suffixes=("", "_reference"))
    if pairs.empty:
        return panels.note(f"No two rows differ in {choice} alone.")
    pairs = pairs.assign(gain=pairs["throughput_per_s"] / pairs["throughput_per_s_reference"])
    pairs = pairs.merge(data.load_models()[["model_id", group]], on="model_id")
    ranges = pairs.groupby(group)["gain"].agg(["median", "min", "max"]).assign(networks=pairs.groupby(group)["model_id"].nunique())
    shown = _named(pairs).drop_duplicates(group).drop(columns=["min", "max"], errors="ignore").join(ranges, on=group)
    shown = shown.sort_values("networks", ascending=False).head(LEGIBLE).sort_values("median", ascending=False)
    shown = shown.assign(name=shown[group] + shown["networks"].map(" ({} networks)".format))
    caption = [
        *panels.caption(pairs),
        f"{len(pairs):,} pairs of rows; bars: from the least to the most of a family. The largest families.",
    ]
    title = f"What {' or '.join(pairs[choice].unique())} gains over {reference}"
    return shapes.spans(shown, "median", "min", "max", "name", title, caption, f"times as fast as {reference}")


def _named(rows):
    """`rows` with device (its name) and device_class."""
    devices = data.load_devices().rename(columns={"name": "device"})[["device_id", "device", "device_class"]]
    return rows.drop(columns=["device", "device_class"], errors="ignore").merge(devices, on="device_id")


def winners(decisions):
    """Table of who wins each decision: option, machines of a fleet, price, cost, margin and how sure.

    Parameters
    ----------
    decisions : dict
        A name for each row -> its `Decision`.
    """
    return panels.table(pd.DataFrame([_winner(name, decision) for name, decision in decisions.items()]).dropna(axis=1, how="all"))


def _winner(name, decision):
    if decision.best is None:
        return {"question": name, "winner": "none"}
    best = decision.table.loc[[decision.best.name]]
    fleet = best["usd_per_hour_fleet"].fillna(best["usd_per_hour"]).item()
    return {
        "question": name,
        "winner": (panels.counted(best) + panels.placed_at(best)).item(),
        "class": best["device_class"].item(),
        "machines": best["machines"].item(),
        "load (%)": best["load"].item() * PERCENT if pd.notna(best["load"].item()) else None,
        "price ($/h)": fleet,
        "cost ($/100k)": best["usd_per_100k"].item(),
        "latency (ms)": best["latency_ms"].item(),
        "throughput (1/s)": best["throughput_per_s"].item(),
        "best in (% of draws)": "over 99" if decision.p_best > SURE else f"{decision.p_best * PERCENT:.0f}",
        "evidence": best["evidence"].item(),
    }


def words(decision):
    """The decision in sentences alone, without the table that a notebook would keep beside it."""
    from IPython.display import HTML

    return HTML(expect(decision)._repr_mimebundle_()["text/html"])


def class_costs(decisions):
    """Chart of the cost of 100,000 inferences (USD), one line a model: the cheapest option of each class of device, the winner named.

    Parameters
    ----------
    decisions : dict
        A name for each line -> its `Decision`; those of other units than samples, and those without a known cost, are left out.
    """
    tables = [decision.table.assign(question=name) for name, decision in decisions.items()]
    if not tables:
        return panels.note("No model was asked for.")
    table = pd.concat([table[table["usd_per_100k"].notna()].drop_duplicates("device_class") for table in tables])
    table = table[table["throughput_unit"] == "samples"]
    without = [name for name in decisions if name not in set(table["question"])]
    if table.empty:
        return panels.note("No option of these models has a known cost.")
    table = table.assign(device=panels.counted(table)).sort_values("usd_per_100k", kind="stable")
    caption = [*panels.caption(table.drop(columns="device_count")), *panels.price_line(table)]
    if without:
        caption += panels.wrap(f"No known cost, or counted in another unit: {', '.join(without)}.")
    title = "Cost of 100,000 inferences, cheapest option of each class"
    return shapes.strip(table, "usd_per_100k", "question", "device", title, caption)


def on_one_chip(rows):
    """Chart of how many times as fast as its CPU the graphics unit of the same chip is, by model: median, least and most of the chips.

    Parameters
    ----------
    rows : DataFrame
        Rows of `measurements`; those with a host_cpu are held against the rows of that CPU alone, other things equal.
    """
    alike = ["model_id", "model_name", "source_id", "runtime", "runtime_version", "precision", "scenario", "batch_size", "variant"]
    rows = _named(rows)
    graphics = rows[(rows["device_class"] == "gpu") & rows["host_cpu"].notna()]
    central = rows[(rows["device_class"] == "cpu") & (rows["device_count"] == 1)].assign(host_cpu=lambda cpu: cpu["device"])
    central = central.drop_duplicates([*alike, "host_cpu"])[[*alike, "host_cpu", "throughput_per_s"]]
    pairs = graphics.merge(central, on=[*alike, "host_cpu"], suffixes=("", "_cpu"))
    if pairs.empty:
        return panels.note("No chip was measured with both its CPU and its graphics unit.")
    pairs = pairs.assign(gain=pairs["throughput_per_s"] / pairs["throughput_per_s_cpu"])
    ranges = pairs.groupby("model_id")["gain"].agg(["median", "min", "max"])
    shown = pairs.drop_duplicates("model_id").join(ranges, on="model_id").sort_values("median")
    shown = shown.merge(data.load_models()[["model_id", "name"]], on="model_id")
    # The colour is that of the faster one.
    shown = shown.assign(device_class=shown["median"].gt(1).map({True: "gpu", False: "cpu"}))
    chips = ", ".join(sorted(pairs["host_cpu"].unique()))
    caption = [*panels.caption(pairs), *panels.wrap(f"Chips: {chips}. Bars: least to most of them. Colour: which of the two is faster.")]
    title = "The graphics unit against the CPU of the same chip"
    return shapes.spans(shown, "median", "min", "max", "name", title, caption, "throughput of the graphics unit / of the CPU", at=1)
