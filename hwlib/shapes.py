"""More charts in the style of `charts`: rooflines, lines over an answer, intervals, and devices by class."""

import altair as alt
import pandas as pd

from .charts import (
    HEIGHT,
    LABEL_WIDTH,
    LINE_COLOURS,
    LOG_SCALE,
    WIDE_SPAN,
    WIDTH,
    apart,
    axis_title,
    class_colour,
    finish,
    lean,
    shape,
    tooltip,
)

INK = "#333333"
DASHES = [[1, 0], [7, 4], [2, 3]]
PLAIN_LOG = alt.Scale(type="log", nice=False)
ROW_HEIGHT, STRIP_HEIGHT = 26, 42  # of a line of the chart, in pixels; the taller has room for a name above its marks
_HALO = {"stroke": "white", "strokeWidth": 4, "strokeOpacity": 0.9}


def roofline(roofs, points, series, label, title, caption):
    """Roofs of devices with measured points beneath: rate (TOP/s) over work for each byte (operations), both logarithmic.

    Parameters
    ----------
    roofs : DataFrame
        Lines as `hwlib.rooflines.roofs` gives them.
    points : DataFrame
        Rows as `hwlib.rooflines.placed` gives them, with device (its name); those of one `label` and device are joined by a line.
    series : str
        Column of `points` that gives the colour, such as tuning.
    label : str
        Column of `points` that names them; the highest point of each name carries it.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.

    Returns
    -------
    alt.VConcatChart
    """
    x = alt.X("ops_per_byte:Q", scale=PLAIN_LOG, title="work for each byte moved (operations)", axis=alt.Axis(tickCount=5))
    y = alt.Y("roof_tops:Q", scale=LOG_SCALE, title="rate of one device (tera-operations per second)", axis=alt.Axis(tickCount=5))
    lines = alt.Chart(lean(roofs, ["device", "ops_per_byte", "roof_tops"])).encode(x=x, y=y, detail="device:N")
    ends = alt.Chart(lean(roofs.drop_duplicates("device", keep="last"), ["device", "ops_per_byte", "roof_tops"])).encode(x=x, y=y)
    names = ends.encode(text="device:N").mark_text(align="right", dy=-9, fontSize=12, color=INK)
    shown = ["label", "series", "device", "ops_per_byte", "reached_tops", "share_of_peak", "evidence", "measurement_id"]
    drawn = lean(points.assign(label=points[label], series=points[series]), shown)
    base = alt.Chart(drawn).encode(x=x, y=alt.Y("reached_tops:Q"))
    words = list(dict.fromkeys(drawn["series"]))
    colour = alt.Color("series:N", scale=alt.Scale(domain=words, range=LINE_COLOURS[: len(words)]), title=series)
    marks = base.mark_point(filled=True, size=80, opacity=1).encode(color=colour, shape=shape(points), tooltip=shown)
    joined = base.mark_line(color="#999999", strokeWidth=1.5).encode(detail=["label:N", "device:N"])
    top = base.properties(data=drawn.sort_values("reached_tops").drop_duplicates("label", keep="last")).encode(text="label:N").mark_text
    text = {"align": "center", "dy": -11, "fontSize": 11}
    layers = alt.layer(lines.mark_line(color=INK, strokeWidth=2), names, joined, marks, top(**text, **_HALO), top(**text))
    said = f"roofs of {', '.join(roofs['device'].unique())}; points of {', '.join(drawn['label'].unique())}, all {share_words(points)}"
    return finish(layers.properties(height=HEIGHT + 60), title, caption, said)


def share_words(points):
    """Least and largest share of the peak that `points` reach, in words.

    >>> import pandas as pd
    >>> share_words(pd.DataFrame({"share_of_peak": [0.021, 0.4]}))
    '2 % to 40 % of the peak'
    """
    return f"{points['share_of_peak'].min():.0%} to {points['share_of_peak'].max():.0%} of the peak".replace("%", " %")


def lines(frame, x, y, name, title, caption, titles, log=True, steps=False, marks=None, colours=None):
    """Lines of `y` over `x`, one a `name`, each named at its right end.

    Parameters
    ----------
    frame : DataFrame
        Needs `x`, `y` and `name`, in the order that the lines take their colours.
    x, y, name : str
        Columns.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.
    titles : tuple of str
        Of both axes, with units.
    log : bool
        Whether both axes are logarithmic.
    steps : bool
        Whether a value holds until the next.
    marks : DataFrame, optional
        Points to mark, with `x`, `y` and a column text beside them.
    colours : dict, optional
        Colour of each name; those of one colour differ in their dashes.

    Returns
    -------
    alt.VConcatChart
    """
    words = list(frame[name].unique())
    tones = [colours[word] for word in words] if colours else LINE_COLOURS[: len(words)]
    dashes = [DASHES[tones[:place].count(tone) % len(DASHES)] for place, tone in enumerate(tones)]
    scale = LOG_SCALE if log else alt.Scale(nice=False, padding=6)
    ticks = alt.Axis(tickCount=6, format=",.4~r")
    base = alt.Chart(lean(frame, [name, x, y])).encode(
        x=alt.X(f"{x}:Q", scale=PLAIN_LOG if log else alt.Scale(nice=False), title=titles[0], axis=ticks),
        y=alt.Y(f"{y}:Q", scale=scale, title=titles[1], axis=ticks),
        color=alt.Color(f"{name}:N", scale=alt.Scale(domain=words, range=tones), legend=None),
        strokeDash=alt.StrokeDash(f"{name}:N", scale=alt.Scale(domain=words, range=dashes), legend=None),
    )
    ends = frame.sort_values(x, kind="stable").drop_duplicates(name, keep="last")
    ends = apart(ends.assign(group=0), frame[y], "group") if log else ends
    text = base.properties(data=lean(ends, [name, x, y])).encode(text=f"{name}:N").mark_text
    style = {"align": "left", "dx": 8, "fontSize": 12}
    layers = [base.mark_line(strokeWidth=2.5, interpolate="step-after" if steps else "linear"), text(**style, **_HALO), text(**style)]
    if marks is not None:
        spots = alt.Chart(lean(marks, [x, y, "text"])).encode(x=f"{x}:Q", y=f"{y}:Q", text="text:N")
        note = {"align": "left", "dx": 9, "dy": -12 if log else 18, "fontSize": 12}
        layers += [
            spots.mark_point(size=90, color=INK, strokeWidth=2),
            spots.mark_text(**note, **_HALO),
            spots.mark_text(**note, color=INK),
        ]
    said = f"{titles[1]} over {titles[0]}, one line each: {', '.join(words)}"
    return finish(alt.layer(*layers).properties(height=HEIGHT), title, caption, said)


def spans(frame, x, low, high, label, title, caption, xtitle=None, at=None):
    """One dot of `x` a row with its interval from `low` to `high`, coloured by device class, shaped by evidence.

    Parameters
    ----------
    frame : DataFrame
        Needs `x`, `low`, `high`, `label`, throughput_unit, device_class, evidence and measurement_id.
    x, low, high, label : str
        Columns; a row without an interval shows its dot alone.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.
    xtitle : str, optional
        Title of the axis with its unit, where `x` is no column of the tables.
    at : float, optional
        Where to draw a line upright, such as 1 for equals.

    Returns
    -------
    alt.VConcatChart
    """
    xtitle = xtitle or axis_title(x, frame)
    wide = frame[high].fillna(frame[x]).max() > WIDE_SPAN / 2 * frame[low].fillna(frame[x]).min()
    base = alt.Chart(lean(frame, [label, "device_class", x, low, high, "evidence", "measurement_id"])).encode(
        y=alt.Y(f"{label}:N", sort=None, title=None, axis=alt.Axis(labelLimit=LABEL_WIDTH + 40, grid=True)),
        x=alt.X(f"{x}:Q", title=xtitle, axis=alt.Axis(tickCount=5), scale=LOG_SCALE if wide else alt.Scale(zero=True)),
        color=class_colour(frame).legend(symbolOpacity=1),
    )
    bars = base.mark_rule(strokeWidth=3, opacity=0.45).encode(x=alt.X(f"{low}:Q", title=xtitle), x2=f"{high}:Q")
    marks = base.mark_point(filled=True, size=110, opacity=1).encode(shape=shape(frame), tooltip=tooltip([label, x, "evidence"], frame))
    form = "$.3~r" if x.startswith("usd") else ",.3~r"
    figures = base.mark_text(align="left", dx=-9, dy=-11, fontSize=11).encode(text=alt.Text(f"{x}:Q", format=form), color=alt.value(INK))
    said = f"{xtitle} with intervals, in order: {', '.join(frame[label].head(8))}"
    upright = [] if at is None else [alt.Chart(pd.DataFrame({"at": [at]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="at:Q")]
    return finish(
        alt.layer(*upright, bars, marks, figures).properties(height=alt.Step(ROW_HEIGHT)), title, caption, said, WIDTH - LABEL_WIDTH + 80
    )


def strip(frame, x, row, label, title, caption, xtitle=None, every=False):
    """All values of `x` of each `row` on one line, coloured by device class; the first of each row carries its `label`.

    Parameters
    ----------
    frame : DataFrame
        Needs `x`, `row`, `label`, throughput_unit, device_class, evidence and measurement_id; rows in the order to draw.
    x, row, label : str
        Columns: the figure, on a log axis, the line it stands on, and its name.
    title : str
        What the chart shows.
    caption : list of str
        Sources and dates, drawn beneath.
    xtitle : str, optional
        Title of the axis with its unit, where `x` is no column of the tables.
    every : bool
        Whether all marks carry their label.

    Returns
    -------
    alt.VConcatChart
    """
    xtitle = xtitle or axis_title(x, frame)
    base = alt.Chart(lean(frame, [row, label, "device_class", x, "evidence", "measurement_id"])).encode(
        y=alt.Y(f"{row}:N", sort=None, title=None, axis=alt.Axis(labelLimit=LABEL_WIDTH + 40, grid=True)),
        x=alt.X(f"{x}:Q", title=xtitle, axis=alt.Axis(tickCount=5), scale=alt.Scale(type="log", nice=False, padding=70)),
        color=class_colour(frame),
    )
    tips = tooltip([row, label, x, "evidence", "measurement_id"], frame)
    marks = base.mark_point(filled=True, size=90, opacity=0.75).encode(shape=shape(frame), tooltip=tips)
    above = frame.groupby(row).cumcount() % 2 == 0
    named = (frame[above], frame[~above]) if every else (frame.drop_duplicates(row),)
    texts = [text for part, dy in zip(named, (-13, 17)) for text in _beside(base, lean(part, [row, label, "device_class", x]), label, dy)]
    first = frame.drop_duplicates(row)
    best = ", ".join(f"{name} {device}" for name, device in zip(first[row], first[label], strict=True))
    layers = alt.layer(marks, *texts).properties(height=alt.Step(STRIP_HEIGHT * 4 / 3 if every else STRIP_HEIGHT))
    return finish(layers, title, caption, f"{xtitle} of devices by row, the best of each: {best}", WIDTH - 80)


def _beside(base, frame, label, dy):
    """Layers that write `label` above or beneath the marks of `frame`, on a pale edge."""
    text = base.properties(data=frame).encode(text=f"{label}:N", color=alt.value(INK)).mark_text
    style = {"align": "center", "dy": dy, "fontSize": 11}
    return text(**style, **_HALO), text(**style)
