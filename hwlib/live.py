"""Charts that are drawn once and then fed: Vega-Lite specifications with named data and parameters, for the explorer.

Same colours, shapes and units as `charts`; data arrive later under the name "rows" (and "names" for those written beside lines),
so that an answer changes the drawing and not the chart. `picked` is the device that the reader selected, in every chart.
"""

import functools

import altair as alt
import pandas as pd

from . import charts

HEIGHT = 300
# Of one row of a chart with a row an option; the parameter "height" is as many of them as there are rows.
BAR_HEIGHT = 26
# What is beyond the limits, or not of the device that was picked, steps back.
FAINT = 0.15
WORDS = ("option", "device", "device_class", "precision", "evidence", "measurement_id")
# Words at a dot stay on its side of today's line.
SIDES = (("datum.factor < 1", "left"), ("datum.factor >= 1", "right"))
_PICKED = "picked == '' || datum.device == picked"


@functools.cache
def ranking(metric, unit, log):
    """One dot of `metric` an option, best first, with the 90 % interval as a line behind it once that is known.

    Parameters
    ----------
    metric : str
        Column that ranks.
    unit : str
        What is counted, a word of `throughput_unit`.
    log : bool
        Whether the options span so much that only a log axis shows them.

    Returns
    -------
    dict
        A Vega-Lite specification without data.
    """
    shown = ["option", "device", "device_class", "precision", "batch_size", metric, "evidence", "measurement_id"]
    base = _base().encode(y=alt.Y("option:N", sort=None, title=None, axis=alt.Axis(labelLimit=210, grid=True, labelFontSize=11)))
    scale = charts.LOG_SCALE if log else alt.Scale(zero=True, padding=14)
    axis = alt.X(f"{metric}:Q", title=_title(metric, unit), axis=alt.Axis(tickCount=4), scale=scale)
    spread = base.transform_filter("isValid(datum.low)").mark_rule(color="#666666", strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    marks = base.mark_point(filled=True, size=100).encode(
        x=axis, color=_class(), shape=_evidence(), opacity=_dim(), tooltip=_tips(shown, unit)
    )
    figures = base.mark_text(align="left", dx=9, dy=-7, fontSize=11).encode(x=axis, text=alt.Text(f"{metric}:Q", format=",.3~r"))
    return _spec(alt.layer(spread, marks, figures).properties(height=BAR_HEIGHT), "picked")


@functools.cache
def scatter(x, y, unit):
    """Points of `y` over `x`, the Pareto set joined by a dashed line; a dotted line at `limit` where the latency is limited.

    Parameters
    ----------
    x, y : str
        Columns, each on a log axis. Rows also need option, device, device_class, precision, batch_size, evidence, measurement_id,
        pareto and allowed
        (bool); rows of "names" need device, `x` and `y`.
    unit : str
        What is counted, a word of `throughput_unit`.

    Returns
    -------
    dict
        A Vega-Lite specification without data.
    """
    axis = {"scale": charts.LOG_SCALE, "axis": alt.Axis(tickCount=5)}
    base = _base().encode(x=alt.X(f"{x}:Q", title=_title(x, unit), **axis), y=alt.Y(f"{y}:Q", title=_title(y, unit), **axis))
    shown = ["option", "device", "device_class", "precision", "batch_size", x, y, "evidence", "measurement_id"]
    points = base.mark_point(filled=True).encode(
        color=_class(),
        shape=_evidence(),
        opacity=_dim("datum.allowed"),
        size=alt.when("datum.pareto").then(alt.value(90)).otherwise(alt.value(35)),
        tooltip=_tips(shown, unit),
    )
    front = base.transform_filter("datum.pareto").mark_line(color="#444444", strokeDash=[4, 3], interpolate="step-after")
    limit = _base().transform_filter("limit > 0").transform_aggregate(n="count()").transform_calculate(at="limit")
    wall = limit.mark_rule(color="#444444", strokeDash=[1, 3], strokeWidth=2, clip=True).encode(x=alt.X("at:Q", scale=charts.LOG_SCALE))
    layers = [front, points, *_names(base), *([wall] if x == "latency_ms" else [])]
    return _spec(alt.layer(*layers).properties(height=HEIGHT), "picked", "limit")


@functools.cache
def batches(y, unit, largest, devices):
    """Lines of `y` over batch size, one a device, of the stack named by the parameter `stack`; a dotted line at the batch size `batch`.

    Parameters
    ----------
    y : str
        Column to draw.
    unit : str
        What is counted, a word of `throughput_unit`.
    largest : int
        Largest batch size.
    devices : tuple of str
        All devices that may be drawn: each keeps its colour.

    Returns
    -------
    dict
        A Vega-Lite specification without data.
    """
    doublings = alt.Axis(values=[2**power for power in range(largest.bit_length())], format="d", labelOverlap=True)
    scale = alt.Scale(type="log", base=2, padding=8)
    across = alt.X("batch_size:Q", scale=scale, title=_title("batch_size"), axis=doublings)
    colours = [charts.LINE_COLOURS[i % len(charts.LINE_COLOURS)] for i in range(len(devices))]
    base = _base("datum.stack == stack").encode(
        x=across,
        y=alt.Y(f"{y}:Q", scale=charts.LOG_SCALE, title=_title(y, unit), axis=alt.Axis(tickCount=5)),
        color=alt.Color("device:N", scale=alt.Scale(domain=list(devices), range=colours), legend=None),
        opacity=_dim(),
    )
    tips = _tips(["device", "batch_size", y, "evidence", "measurement_id"], unit)
    points = base.mark_point(filled=True, size=45).encode(shape=_evidence(), tooltip=tips)
    chosen = _base("batch > 0").transform_aggregate(n="count()").transform_calculate(at="batch")
    rule = chosen.mark_rule(color="#444444", strokeDash=[1, 3], strokeWidth=2).encode(x=alt.X("at:Q", scale=scale))
    return _spec(
        alt.layer(base.mark_line(strokeWidth=2), points, *_names(base), rule).properties(height=HEIGHT), "picked", "stack", "batch"
    )


@functools.cache
def sensitivity():
    """One dot an answer: by what factor it must change until another device wins; the line at 1 is today.

    Returns
    -------
    dict
        A Vega-Lite specification without data; rows need answer, factor, sentence and text.

    Examples
    --------
    >>> sensitivity()["layer"][1]["data"]
    {'name': 'rows'}
    """
    base = _base().encode(y=alt.Y("answer:N", sort=None, title=None, axis=alt.Axis(labelLimit=260, grid=True)))
    title = "times what it is today, on a log axis"
    scale = alt.Scale(type="log", padding=30, nice=False)
    axis = alt.X("factor:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5, format="~r"))
    arrows = base.mark_rule(color="#666666", strokeWidth=2).encode(x=axis, x2=alt.X2Datum(1))
    ends = base.mark_point(filled=True, size=80, color="#0072B2", opacity=1).encode(x=axis, tooltip=["sentence:N"])
    text = base.encode(x=axis, text="text:N")
    texts = [text.transform_filter(side).mark_text(align=align, dy=-10, fontSize=11) for side, align in SIDES]
    today = _base().transform_aggregate(n="count()").transform_calculate(at="1")
    now = today.mark_rule(strokeDash=[4, 3], color="#444444").encode(x=alt.X("at:Q", scale=scale))
    return _spec(alt.layer(now, arrows, ends, *texts).properties(height=BAR_HEIGHT))


def _base(keep="true"):
    return alt.Chart(alt.NamedData("rows")).transform_filter(keep)


def _names(base):
    """Layers that write devices beside their points, moved apart beforehand, on a pale edge that keeps them legible over marks."""
    text = base.properties(data=alt.NamedData("names")).encode(text="device:N", opacity=_dim()).mark_text
    style = {"align": "left", "dx": 8, "fontSize": 11}
    return text(**style, stroke="white", strokeWidth=4), text(**style)


def _title(column, unit="samples"):
    return charts.axis_title(column, pd.DataFrame({"throughput_unit": [unit]}))


def _tips(columns, unit):
    """What a point tells when it is pointed at; named data have no types that Altair could look up."""
    told = {name: _title(name, unit) for name in columns}
    return [
        alt.Tooltip(f"{name}:N" if name in WORDS else f"{name}:Q", title=title, **({} if name in WORDS else {"format": ",.4~r"}))
        for name, title in told.items()
    ]


def _dim(also="true"):
    return alt.when(f"({_PICKED}) && {also}").then(alt.value(0.9)).otherwise(alt.value(FAINT))


def _class():
    scale = alt.Scale(domain=list(charts.CLASS_COLOURS), range=list(charts.CLASS_COLOURS.values()))
    return alt.Color("device_class:N", scale=scale, legend=None)


def _evidence():
    scale = alt.Scale(domain=list(charts.EVIDENCE_SHAPES), range=list(charts.EVIDENCE_SHAPES.values()))
    return alt.Shape("evidence:N", scale=scale, legend=None)


PARAMETERS = {"picked": "", "stack": "", "limit": 0, "batch": 0}


def _spec(chart, *names):
    """The specification of `chart`, as wide as its place, with the parameters `names` and the style of all charts."""
    chart = chart.add_params(*(alt.param(name=name, value=PARAMETERS[name]) for name in names))
    chart = chart.properties(width="container", background="white")
    chart = chart.configure_view(stroke=None).configure_axis(
        gridColor="#e6e6e6", labelFontSize=11, titleFontSize=11, titleFontWeight="normal"
    )
    return chart.to_dict()
