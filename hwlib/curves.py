"""Charts of rows that a reader picked: lines over any figure, and spans from one figure to another. The style is that of `charts`."""

import altair as alt
import pandas as pd

from . import charts

FIGURE_WIDTH = 54  # pixels
DOUBLING = ("batch_size", "concurrency")  # told in powers of two


def lines(frame, x, y, series, title, caption, limit=None):
    """Lines of `y` over `x`, each with its name at its end; axes are logarithmic where the values span more than a factor of ten.

    Parameters
    ----------
    frame : DataFrame
        Needs `x`, `y`, `series`, throughput_unit, evidence and measurement_id; device_class where the series are devices.
    x, y : str
        Columns of numbers over 0, or from 0 on.
    series : str
        Column that names the line of a row; devices of unlike classes (device_class) bear the colours of their classes.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.
    limit : float, optional
        Value of `y` that is marked by a dashed line across.

    Returns
    -------
    alt.VConcatChart
    """
    names, colours = _colours(frame, series)
    base = alt.Chart(charts.lean(frame, [series, x, y, "evidence", "measurement_id"])).encode(
        x=alt.X(f"{x}:Q", title=charts.axis_title(x, frame), scale=_scale(frame[x], x), axis=_axis(frame[x], x)),
        y=alt.Y(f"{y}:Q", title=charts.axis_title(y, frame), scale=_scale(frame[y], y), axis=_axis(frame[y], y)),
        color=alt.Color(f"{series}:N", scale=alt.Scale(domain=names, range=colours), legend=None),
    )
    marks = base.mark_point(filled=True, size=45, opacity=1)
    points = marks.encode(shape=charts.shape(frame), tooltip=charts.tooltip([series, x, y, "evidence", "measurement_id"], frame))
    ends = frame.sort_values(x).drop_duplicates(series, keep="last").assign(shown="together")
    ends = charts.lean(charts.apart(ends, frame[y], "shown", _wide(frame[y])), [series, x, y])
    layers = [base.mark_line(strokeWidth=2), points, *charts.beside(base, ends, series)]
    across = [_limit(limit, y)] if limit is not None else []
    chart = alt.layer(*across, *layers).properties(height=charts.HEIGHT)
    words = f"{charts.axis_title(y, frame)} over {charts.axis_title(x, frame)}, one line each: {', '.join(map(str, names))}"
    return charts.finish(chart, title, caption, words)


def spans(frame, low, high, label, ends, title, caption, axis=None):
    """A bar from `low` to `high` for each row, hollow and filled at its ends, coloured by device class, with both figures.

    Parameters
    ----------
    frame : DataFrame
        Needs `low`, `high`, `label`, throughput_unit, device_class, evidence and measurement_id.
    low, high : str
        Columns of the same kind of figure.
    label : str
        Column that names the rows.
    ends : list of str
        What the hollow and the filled end stand for.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.
    axis : str, optional
        Column whose title the axis bears, by default `high`.

    Returns
    -------
    alt.VConcatChart
    """
    axis = axis or high
    shown = charts.lean(frame, [label, "device_class", low, high, "evidence", "measurement_id"])
    shown = shown.assign(left=shown[[low, high]].min(axis=1), right=shown[[low, high]].max(axis=1))
    base = alt.Chart(shown).encode(y=alt.Y(f"{label}:N", sort=None, title=None, axis=alt.Axis(labelLimit=charts.LABEL_WIDTH, grid=True)))
    marked = base.encode(color=charts.class_colour(frame), tooltip=charts.tooltip([label, low, high, "evidence", "measurement_id"], frame))
    # Room for the figure before the first mark.
    wide = _wide(pd.concat([frame[low], frame[high]]))
    scale = alt.Scale(type="log", nice=False, padding=FIGURE_WIDTH) if wide else alt.Scale(zero=True)
    left = alt.X("left:Q", title=charts.axis_title(axis, frame), scale=scale, axis=alt.Axis(tickCount=5))
    bars = marked.mark_rule(strokeWidth=2).encode(x=left, x2="right:Q")
    first = marked.mark_point(filled=False, fill="white", size=80, strokeWidth=2, opacity=1).encode(x=f"{low}:Q", shape=charts.shape(frame))
    last = marked.mark_point(filled=True, size=90, opacity=1).encode(x=f"{high}:Q", shape=charts.shape(frame))
    text = [_figures(base, "left", "right", -9), _figures(base, "right", "left", 9)]
    chart = alt.layer(bars, first, last, *text).properties(height=alt.Step(24))
    words = f"{charts.axis_title(axis, frame)}, from {ends[0]} to {ends[1]}: {', '.join(frame[label].head(8))}"
    return charts.finish(
        chart, title, [f"Hollow mark: {ends[0]}. Filled mark: {ends[1]}.", *caption], words, charts.WIDTH - charts.LABEL_WIDTH + 80
    )


def _colours(frame, series):
    """The names of the lines, and the colour of each."""
    first = frame.drop_duplicates(series)
    names = list(first[series])
    if series == "device" and first["device_class"].nunique() > 1:
        return names, [charts.CLASS_COLOURS[name] for name in first["device_class"]]
    return names, [charts.LINE_COLOURS[place % len(charts.LINE_COLOURS)] for place in range(len(names))]


def _figures(base, at, align, dx):
    return base.mark_text(align=align, dx=dx, fontSize=11).encode(x=f"{at}:Q", text=alt.Text(f"{at}:Q", format=",.3~r"))


def _limit(limit, y):
    at = alt.Chart(alt.InlineData(values=[{y: limit, "text": f"limit {limit:g}"}])).encode(y=f"{y}:Q")
    style = {"color": "#444444"}
    text = at.mark_text(align="left", dy=-7, fontSize=12, **style).encode(x=alt.value(4), text="text:N")
    return alt.layer(at.mark_rule(strokeDash=[6, 4], **style), text)


def _wide(values):
    return values.min() > 0 and values.max() > charts.WIDE_SPAN * values.min()


def _scale(values, column):
    if not _wide(values):
        return alt.Scale(zero=True)
    return alt.Scale(type="log", base=2) if column in DOUBLING else charts.LOG_SCALE


def _axis(values, column):
    if column not in DOUBLING or not _wide(values):
        return alt.Axis(tickCount=5)
    doublings = range(int(values.min()).bit_length() - 1, int(values.max()).bit_length())
    return alt.Axis(values=[2**power for power in doublings], format="d")
