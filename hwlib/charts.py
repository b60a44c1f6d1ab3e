"""Charts: a table in, an `alt.Chart` out, with units, evidence and sources in sight.

One style for all: a device class keeps its colour everywhere, evidence is the shape of the mark, colours are from palettes
that colour-blind readers can tell apart, and the source line stands beneath.
"""

import math
import os

import altair as alt
import pandas as pd

from . import schema

# Still pictures read anywhere, without a network and without running; a report asks for live charts.
alt.renderers.enable(os.environ.get("HWLIB_CHARTS", "svg"))

CLASS_COLOURS = {
    "gpu": "#0072B2",
    "cpu": "#D55E00",
    "tpu": "#009E73",
    "asic": "#CC79A7",
    "npu": "#B58900",
    "fpga": "#332288",
    "ipu": "#56B4E9",
}
LINE_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B58900", "#332288", "#56B4E9", "#6B6B6B"]
EVIDENCE_SHAPES = {"audited": "circle", "published": "square", "own": "diamond", "derived": "triangle-up", "estimated": "cross"}
LABELS = {
    "throughput_per_s": "throughput",
    "usd_per_100k": "cost of 100,000 inferences",
    "latency_ms": "latency",
    "batch_size": "batch size",
    "inferences_per_joule": "inferences per joule",
    "joules_per_inference": "energy per inference",
}
# Units of computed columns; those of stored ones stand in the schema.
UNITS = {
    "usd_per_100k": "USD",
    "inferences_per_joule": "1/J",
    "joules_per_inference": "J",
    "latency_ms": "ms",
    "throughput_per_s": "per second",
}
WIDTH, HEIGHT, LABEL_WIDTH = 720, 360, 340
LINE_HEIGHT = 26  # of a name beside a line, in pixels, with the room that the axis adds
_LOG = alt.Scale(type="log", nice=False, padding=14)


def axis_title(column):
    """Title of an axis for `column`, with its unit.

    >>> axis_title("latency_ms"), axis_title("batch_size")
    ('latency (ms)', 'batch size (samples)')
    """
    unit = UNITS.get(column) or schema.unit(column)
    words = LABELS.get(column, column.replace("_", " "))
    return f"{words} ({unit})" if unit else words


def batch_curves(frame, y, title, caption):
    """Lines of `y` over batch size, one a device, with a menu that picks the stack: what is seen together is alike.

    Parameters
    ----------
    frame : DataFrame
        Needs stack, device (its name), batch_size, evidence, measurement_id and `y`; the first stack is shown first.
    y : str
        Column to draw, such as throughput_per_s (1/s) or usd_per_100k (USD).
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.

    Returns
    -------
    alt.VConcatChart
    """
    stacks, devices = list(frame["stack"].unique()), sorted(frame["device"].unique())
    menu = alt.binding_select(options=stacks, name="measured with ")
    pick = alt.selection_point("stack", fields=["stack"], bind=menu, value=stacks[0])
    lean = _lean(frame, ["stack", "device", "batch_size", y, "evidence", "measurement_id"])
    doublings = alt.Axis(values=[2**power for power in range(int(frame["batch_size"].max()).bit_length())], format="d")
    base = (
        alt.Chart(lean)
        .transform_filter(pick)
        .encode(
            x=alt.X("batch_size:Q", scale=alt.Scale(type="log", base=2), title=axis_title("batch_size"), axis=doublings),
            y=alt.Y(f"{y}:Q", scale=_LOG, title=axis_title(y), axis=alt.Axis(tickCount=5)),
            color=alt.Color("device:N", scale=alt.Scale(domain=devices, range=_colours(devices)), legend=None),
        )
    )
    tips = _tooltip(["device", "batch_size", y, "evidence", "measurement_id"])
    points = base.mark_point(filled=True, size=45, opacity=1).encode(shape=_shape(frame), tooltip=tips)
    ends = _apart(frame.sort_values("batch_size").drop_duplicates(["stack", "device"], keep="last"), y, "stack")
    labels = base.properties(data=_lean(ends, ["stack", "device", "batch_size", y])).mark_text(align="left", dx=8, fontSize=12)
    chart = alt.layer(base.mark_line(strokeWidth=2), points, labels.encode(text="device:N")).add_params(pick).properties(height=HEIGHT)
    return _finish(chart, title, caption, f"{axis_title(y)} over batch size, one line a device: {', '.join(devices)}")


def latency_throughput(frame, title, caption):
    """Points of throughput per device over latency, with the Pareto set joined by a line.

    Parameters
    ----------
    frame : DataFrame
        Needs latency_ms (ms), throughput_per_s (1/s, of one device), device (its name), device_class, precision,
        batch_size, evidence, measurement_id and pareto (bool).
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.

    Returns
    -------
    alt.VConcatChart
    """
    shown = ["device", "device_class", "precision", "batch_size", "latency_ms", "throughput_per_s", "evidence", "measurement_id"]
    base = alt.Chart(_lean(frame, [*shown, "pareto"])).encode(
        x=alt.X("latency_ms:Q", scale=_LOG, title=axis_title("latency_ms"), axis=alt.Axis(tickCount=5)),
        y=alt.Y("throughput_per_s:Q", scale=_LOG, title="throughput of one device (per second)", axis=alt.Axis(tickCount=5)),
    )
    chosen = alt.selection_point("device_class", fields=["device_class"], bind="legend")
    points = base.mark_point(filled=True).encode(
        color=_class_colour(frame),
        shape=_shape(frame),
        size=alt.when("datum.pareto").then(alt.value(110)).otherwise(alt.value(35)),
        opacity=alt.when(chosen).then(alt.value(0.85)).otherwise(alt.value(0.08)),
        tooltip=_tooltip(shown),
    )
    front = base.transform_filter("datum.pareto")
    line = front.mark_line(color="#444444", strokeDash=[4, 3], interpolate="step-after")
    first = _apart(frame[frame["pareto"]].sort_values("latency_ms").drop_duplicates("device"), "throughput_per_s", "pareto")
    labels = base.properties(data=_lean(first, ["device", "latency_ms", "throughput_per_s"])).mark_text(align="left", dx=9, fontSize=11)
    chart = alt.layer(line, points.add_params(chosen), labels.encode(text="device:N")).properties(height=HEIGHT)
    best = ", ".join(frame.loc[frame["pareto"], "device"].unique())
    return _finish(chart, title, caption, f"throughput over latency; no other point is both faster and sooner than those of {best}")


def bars(frame, x, label, title, caption):
    """Horizontal bars of `x` in the order given, each labelled with its figure and coloured by device class.

    Parameters
    ----------
    frame : DataFrame
        Needs `x`, `label`, device_class, precision, evidence and measurement_id.
    x : str
        Column to draw.
    label : str
        Column that names the bars.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.

    Returns
    -------
    alt.VConcatChart
    """
    lean = _lean(frame, [label, "device_class", "precision", x, "evidence", "measurement_id"])
    base = alt.Chart(lean).encode(
        y=alt.Y(f"{label}:N", sort=None, title=None, axis=alt.Axis(labelLimit=LABEL_WIDTH)),
        x=alt.X(f"{x}:Q", title=axis_title(x), axis=alt.Axis(tickCount=6)),
        tooltip=_tooltip([label, "precision", x, "evidence", "measurement_id"]),
    )
    form = "$.3~r" if x == "usd_per_100k" else ",.3~r"
    figures = base.mark_text(align="left", dx=9, fontSize=11).encode(text=alt.Text(f"{x}:Q", format=form))
    marks = base.mark_point(filled=True, size=40, color="#222222", opacity=1).encode(shape=_shape(frame))
    chart = alt.layer(base.mark_bar().encode(color=_class_colour(frame)), figures, marks).properties(height=alt.Step(24))
    return _finish(chart, title, caption, f"{axis_title(x)}, in order: {', '.join(lean[label].head(8))}", WIDTH - LABEL_WIDTH + 80)


def _tooltip(columns):
    return [alt.Tooltip(name, title=axis_title(name)) for name in columns]


def _apart(frame, y, group):
    """`frame` with `y` moved just so far that names drawn there, on a log axis, do not cover each other within a `group`."""
    heights = frame[y].map(math.log)
    gap = (heights.max() - heights.min()) * LINE_HEIGHT / HEIGHT or 1
    moved = {}
    for _, part in heights.groupby(frame[group]):
        last = -math.inf
        for row, height in part.sort_values().items():
            last = max(height, last + gap)
            moved[row] = math.exp(last)
    return frame.assign(**{y: pd.Series(moved)})


def _lean(frame, columns):
    """Only what the chart draws, with numbers cut to four digits: a page of five charts must fit a mail."""
    lean = frame[columns].copy()
    for name in lean.select_dtypes("float").columns:
        lean[name] = lean[name].map("{:.4g}".format, na_action="ignore").astype("float64")
    return lean


def _shape(frame):
    words = [word for word in EVIDENCE_SHAPES if (frame["evidence"] == word).any()]
    scale = alt.Scale(domain=words, range=[EVIDENCE_SHAPES[word] for word in words])
    # One kind of evidence needs no key: the caption of such a chart names it.
    return alt.Shape("evidence:N", scale=scale, title="evidence", legend=alt.Legend() if len(words) > 1 else None)


def _class_colour(frame):
    words = [word for word in CLASS_COLOURS if (frame["device_class"] == word).any()]
    return alt.Color("device_class:N", scale=alt.Scale(domain=words, range=[CLASS_COLOURS[word] for word in words]), title="device class")


def _colours(names):
    return [LINE_COLOURS[i % len(LINE_COLOURS)] for i in range(len(names))]


def _finish(chart, title, caption, description, width=WIDTH):
    """The one style: title above, sources beneath, a description for screen readers."""
    above = alt.TitleParams(title, anchor="start", fontSize=15)
    beneath = alt.TitleParams(caption, orient="bottom", anchor="start", fontSize=11, fontWeight="normal", color="#555555", offset=12)
    return (
        alt.vconcat(chart.properties(width=width, title=above), title=beneath)
        .properties(description=description, background="white")
        .configure_view(stroke=None)
        .configure_axis(gridColor="#e6e6e6", labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
        .configure_legend(labelFontSize=12, titleFontSize=12, orient="top", direction="horizontal")
    )
