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
# {} stands for what the rows count: inferences, tokens, ...
LABELS = {
    "throughput_per_s": "throughput ({} per second)",
    "usd_per_100k": "cost of 100,000 {} (USD)",
    "inferences_per_joule": "{} per joule",
    "joules_per_inference": "energy of one of the {} (J)",
    "latency_ms": "latency (ms)",
    "latency_ms_mean": "mean latency (ms)",
    "latency_ms_p50": "median latency (ms)",
    "latency_ms_p99": "latency of the slowest 1 in 100 (ms)",
    "waiting_ms": "waiting for a batch to fill (ms)",
    "response_ms": "time to an answer, waiting included (ms)",
    "power_w": "power of the whole system (W)",
    "speed_up": "speed-up (times the reference)",
    "accuracy_lost_percent": "accuracy lost (% of the reference)",
    "gco2e_per_million": "carbon of a million {} (g CO2e)",
    "tokens_per_s_per_user": "speed for one user (tokens per second)",
    "tokens_per_s_per_device": "output of one device (tokens per second)",
    "usd_per_million_tokens": "cost of a million output tokens (USD)",
    "batch_size": "batch size (samples)",
    "concurrency": "requests in flight (concurrency)",
}
COUNTED = {"samples": "inferences", "tokens": "tokens", "frames": "frames", "audio_samples": "audio samples"}
WIDTH, HEIGHT, LABEL_WIDTH = 640, 340, 300
LINE_HEIGHT = 15  # of a name beside a point, in pixels
WIDE_SPAN = 10
LOG_SCALE = alt.Scale(type="log", nice=False, padding=14)


def axis_title(column, frame=None):
    """Title of an axis for `column`, with its unit; the rows of `frame` say what they count.

    >>> axis_title("latency_ms"), axis_title("usd_per_100k"), axis_title("tdp_w")
    ('latency (ms)', 'cost of 100,000 inferences (USD)', 'tdp w (W)')
    """
    if column in LABELS:
        unit = "samples" if frame is None else frame["throughput_unit"].iloc[0]
        return LABELS[column].format(COUNTED[unit])
    unit = schema.unit(column)
    return column.replace("_", " ") + (f" ({unit})" if unit else "")


def batch_curves(frame, y, devices, title, caption):
    """Lines of `y` over batch size, one a device, with a menu that picks the stack: what is seen together is alike.

    Parameters
    ----------
    frame : DataFrame
        Needs stack, device (its name), batch_size, throughput_unit, evidence, measurement_id and `y`; the first stack is shown first.
    y : str
        Column to draw, such as throughput_per_s (1/s) or usd_per_100k (USD).
    devices : list of str
        All names that charts shown together may draw: a device keeps its colour from one to the next.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.

    Returns
    -------
    alt.VConcatChart
    """
    stacks = list(frame["stack"].unique())
    menu = alt.binding_select(options=stacks, name="measured with ")
    pick = alt.selection_point("stack", fields=["stack"], bind=menu, value=stacks[0])
    drawn = lean(frame, ["stack", "device", "batch_size", y, "evidence", "measurement_id"])
    doublings = alt.Axis(values=[2**power for power in range(int(frame["batch_size"].max()).bit_length())], format="d")
    base = (
        alt.Chart(drawn)
        .transform_filter(pick)
        .encode(
            x=alt.X("batch_size:Q", scale=alt.Scale(type="log", base=2), title=axis_title("batch_size"), axis=doublings),
            y=alt.Y(f"{y}:Q", scale=LOG_SCALE, title=axis_title(y, frame), axis=alt.Axis(tickCount=5)),
            color=alt.Color(
                "device:N",
                scale=alt.Scale(domain=devices, range=[LINE_COLOURS[i % len(LINE_COLOURS)] for i in range(len(devices))]),
                legend=None,
            ),
        )
    )
    tips = tooltip(["device", "batch_size", y, "evidence", "measurement_id"], frame)
    points = base.mark_point(filled=True, size=45, opacity=1).encode(shape=shape(frame), tooltip=tips)
    ends = apart(frame.sort_values("batch_size").drop_duplicates(["stack", "device"], keep="last"), frame[y], "stack")
    labels = beside(base, lean(ends, ["stack", "device", "batch_size", y]))
    chart = alt.layer(base.mark_line(strokeWidth=2), points, *labels).add_params(pick).properties(height=HEIGHT)
    return finish(
        chart, title, caption, f"{axis_title(y, frame)} over batch size, one line a device: {', '.join(sorted(frame['device'].unique()))}"
    )


def latency_throughput(frame, title, caption):
    """Points of throughput per device over latency, with the Pareto set joined by a line.

    Parameters
    ----------
    frame : DataFrame
        Needs latency_ms (ms), throughput_per_s (1/s, of one device), throughput_unit, device (its name), device_class, precision,
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
    base = alt.Chart(lean(frame, [*shown, "pareto"])).encode(
        x=alt.X("latency_ms:Q", scale=LOG_SCALE, title=axis_title("latency_ms"), axis=alt.Axis(tickCount=5)),
        y=alt.Y(
            "throughput_per_s:Q",
            scale=LOG_SCALE,
            title=f"{axis_title('throughput_per_s', frame)} of one device",
            axis=alt.Axis(tickCount=5),
        ),
    )
    chosen = alt.selection_point("device_class", fields=["device_class"], bind="legend")
    points = base.mark_point(filled=True).encode(
        color=class_colour(frame),
        shape=shape(frame),
        size=alt.when("datum.pareto").then(alt.value(110)).otherwise(alt.value(35)),
        opacity=alt.when(chosen).then(alt.value(0.85)).otherwise(alt.value(0.08)),
        tooltip=tooltip(shown, frame),
    )
    front = base.transform_filter("datum.pareto")
    line = front.mark_line(color="#444444", strokeDash=[4, 3], interpolate="step-after")
    first = frame[frame["pareto"]].sort_values("latency_ms").drop_duplicates("device")
    labels = beside(base, lean(apart(first, frame["throughput_per_s"], "pareto"), ["device", "latency_ms", "throughput_per_s"]))
    chart = alt.layer(line, points.add_params(chosen), *labels).properties(height=HEIGHT)
    best = ", ".join(frame.loc[frame["pareto"], "device"].unique())
    return finish(chart, title, caption, f"throughput over latency; no other point is both faster and sooner than those of {best}")


def dots(frame, x, label, title, caption):
    """One dot of `x` a row in the order given, labelled with its figure, coloured by device class, shaped by evidence.

    Parameters
    ----------
    frame : DataFrame
        Needs `x`, `label`, throughput_unit, device_class, precision, evidence and measurement_id; where it has low and high, a line
        behind each dot spans them.
    x : str
        Column to draw; on a log axis where the rows span more than a factor of ten.
    label : str
        Column that names the rows.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.

    Returns
    -------
    alt.VConcatChart
    """
    wide = frame[x].max() > WIDE_SPAN * frame[x].min()
    ends = [name for name in ("low", "high") if name in frame]
    base = alt.Chart(lean(frame, [label, "device_class", "precision", x, *ends, "evidence", "measurement_id"])).encode(
        y=alt.Y(f"{label}:N", sort=None, title=None, axis=alt.Axis(labelLimit=LABEL_WIDTH, grid=True)),
        x=alt.X(f"{x}:Q", title=axis_title(x, frame), axis=alt.Axis(tickCount=5), scale=LOG_SCALE if wide else alt.Scale(zero=True)),
    )
    tips = tooltip([label, "precision", x, "evidence", "measurement_id"], frame)
    marks = base.mark_point(filled=True, size=110, opacity=1).encode(color=class_colour(frame), shape=shape(frame), tooltip=tips)
    form = "$.3~r" if x.startswith("usd") else ",.3~r"
    figures = base.mark_text(align="left", dx=9, dy=-7 if ends else 0, fontSize=11).encode(text=alt.Text(f"{x}:Q", format=form))
    spread = [base.mark_rule(color="#666666", strokeWidth=2).encode(x="low:Q", x2="high:Q")] if ends else []
    chart = alt.layer(*spread, marks, figures).properties(height=alt.Step(24))
    return finish(chart, title, caption, f"{axis_title(x, frame)}, in order: {', '.join(frame[label].head(8))}", WIDTH - LABEL_WIDTH + 80)


def tooltip(columns, frame):
    """What a pointer on a mark shows: each of `columns` with its unit."""
    return [alt.Tooltip(name, title=axis_title(name, frame)) for name in columns]


def apart(frame, drawn, group, log=True):
    """`frame` with the column of that name moved up so far that names beside its points do not cover each other.

    Parameters
    ----------
    frame : DataFrame
        The points that get a name.
    drawn : Series
        All values on that axis; its name is the column.
    group : str
        Points of unlike groups are never seen together.
    log : bool
        Whether the axis is logarithmic; else it starts at zero.
    """
    height_of, value_of = (math.log, math.exp) if log else (float, float)
    gap = (height_of(drawn.max()) - (height_of(drawn.min()) if log else 0)) * LINE_HEIGHT / HEIGHT or 1
    moved = {}
    for _, part in frame[drawn.name].map(height_of).groupby(frame[group]):
        last = -math.inf
        for row, height in part.sort_values().items():
            last = max(height, last + gap)
            moved[row] = value_of(last)
    return frame.assign(**{drawn.name: pd.Series(moved)})


def beside(base, frame, name="device"):
    """Layers that write the name beside the points of `frame`, on a pale edge that keeps it legible over marks."""
    text = base.properties(data=frame).encode(text=f"{name}:N").mark_text
    style = {"align": "left", "dx": 9, "fontSize": 12}
    return text(**style, stroke="white", strokeWidth=4, strokeOpacity=0.9), text(**style)


def lean(frame, columns):
    """Only what the chart draws, with numbers cut to five digits: a page of five charts must fit a mail."""
    lean = frame[columns].copy()
    for name in lean.select_dtypes("float").columns:
        lean[name] = lean[name].map("{:.5g}".format, na_action="ignore").astype("float64")
    return lean


def shape(frame):
    """The evidence of each row as the shape of its mark."""
    words = [word for word in EVIDENCE_SHAPES if (frame["evidence"] == word).any()]
    scale = alt.Scale(domain=words, range=[EVIDENCE_SHAPES[word] for word in words])
    # One kind of evidence needs no key: the caption of such a chart names it.
    return alt.Shape("evidence:N", scale=scale, title="evidence", legend=alt.Legend() if len(words) > 1 else None)


def class_colour(frame):
    """The device class of each row as the colour of its mark."""
    words = [word for word in CLASS_COLOURS if (frame["device_class"] == word).any()]
    return alt.Color("device_class:N", scale=alt.Scale(domain=words, range=[CLASS_COLOURS[word] for word in words]), title="device class")


def finish(chart, title, caption, description, width=WIDTH):
    """The one style: title above, sources beneath, a description for screen readers."""
    above = alt.TitleParams(title, anchor="start", fontSize=15)
    beneath = alt.TitleParams(caption, orient="bottom", anchor="start", fontSize=11, fontWeight="normal", color="#555555", offset=12)
    config = alt.Config(
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(gridColor="#e6e6e6", labelFontSize=12, titleFontSize=12, titleFontWeight="normal", titlePadding=8),
        legend=alt.LegendConfig(labelFontSize=12, titleFontSize=12, orient="top", direction="horizontal"),
    )
    # All at once: altair copies the whole chart at each step of a chain.
    drawn = chart.properties(width=width, title=above)
    return alt.vconcat(drawn, title=beneath, description=description, background="white", config=config)
