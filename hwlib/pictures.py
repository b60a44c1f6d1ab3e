"""Pictures of rows that a reader picked: device names, classes and sources are looked up, the drawing is done by `curves` and `charts`."""

import pandas as pd

from . import charts, curves, data, metrics, panels
from .errors import HwlibError

NEEDED = ("evidence", "measurement_id", "source_id", "throughput_unit")
DEVICE = {"device": "name", "device_class": "device_class"}


def named(rows):
    """`rows` with device, the name of each device_id, and device_class, where they lack them.

    Examples
    --------
    >>> import pandas as pd
    >>> named(pd.DataFrame({"device_id": ["nvidia-t4"]}))[["device", "device_class"]].values.tolist()
    [['NVIDIA T4', 'gpu']]
    """
    metrics.need(rows, "device_id")
    devices = data.load_devices().set_index("device_id")
    return rows.assign(**{new: rows["device_id"].map(devices[old]) for new, old in DEVICE.items() if new not in rows})


def lines(rows, x, y, title, by="device", limit=None, notes=()):
    """Chart of `y` over `x`, one line for each value of `by`, with the sources of the rows beneath.

    Parameters
    ----------
    rows : DataFrame
        Rows of `measurements` or of `llm_serving`, as the library loads them, with `x`, `y` and `by`; rows without, or with an
        infinite figure, are left out.
    x, y : str
        Columns of numbers, such as batch_size and throughput_per_s (1/s).
    title : str
        What the chart shows.
    by : str
        Column that tells the lines apart.
    limit : float, optional
        Value of `y`, in its unit, that is marked across.
    notes : sequence of str
        Sentences to stand beneath, such as an assumption.

    Raises
    ------
    HwlibError
        For a missing column, one of words in place of numbers, or where no row has both figures.

    Examples
    --------
    >>> rows = data.load_measurements("resnet50", "nvidia-t4", source_id="nvidia-dle", runtime="pytorch", precision="fp16")
    >>> lines(rows, "batch_size", "throughput_per_s", "T4").to_dict()["title"]["text"][0]
    'Figures, published: nvidia-dle (2024-04-04).'
    """
    rows = _complete(rows, by, x, y)
    return curves.lines(rows, x, y, by, title, _beneath(rows, (x, y, by), notes), limit)


def dots(rows, x, title, by="device", notes=()):
    """Chart of `x`, one dot a row in the order given, named by the column `by`; see `lines` for the rest."""
    rows = _complete(rows, by, x)
    return charts.dots(rows, x, by, title, _beneath(rows, (x, by), notes))


def spans(rows, low, high, ends, title, by="device", axis=None, notes=()):
    """Chart of a bar from `low` to `high`, one a row in the order given, whose two `ends` are told in words; see `lines` for the rest."""
    if len(ends) != 2:
        raise HwlibError(f"ends {ends!r}: expected two names, of the hollow and of the filled mark")
    rows = _complete(rows, by, low, high)
    return curves.spans(rows, low, high, by, ends, title, _beneath(rows, (by,), notes), axis)


def gains(table, title, at_least=1):
    """Chart of the speed-ups of each device, from the least to the most, best median first.

    Parameters
    ----------
    table : DataFrame
        As `variants.precisions`, `accuracy_targets` or `compressions` give it, down to one choice. The filled end of a bar is its row.
    title : str
        What the chart shows.
    at_least : int
        Devices with fewer pairs of choice and reference are left out.

    Raises
    ------
    HwlibError
        For a missing column, or where no row is left.

    Examples
    --------
    >>> from .variants import precisions
    >>> gains(precisions("resnet50").query("choice == 'fp8'"), "FP8 over FP16").to_dict()["description"]
    'speed-up (times the reference), from least to most: Graphcore C600'
    """
    metrics.need(table, "choice", "reference", "speed_up")
    rows = _complete(table[table["choice"] != table["reference"]], "device", "speed_up")
    own = rows.groupby("device_id")["speed_up"]
    rows = rows.assign(low=own.transform("min"), high=own.transform("max"), middle=own.transform("median"))
    rows = _complete(rows[own.transform("size") >= at_least], "device", "speed_up")
    shown = rows.sort_values(["middle", "device_id", "speed_up"], ascending=[False, True, False]).drop_duplicates("device_id")
    beneath = _beneath(rows, ("device", "choice"), [])
    return curves.spans(shown, "low", "high", "device", ["least", "most"], title, beneath, "speed_up")


def _complete(rows, by, *figures):
    """`rows` with names, those that have a finite number in each of `figures` and something in `by`."""
    rows = named(rows)
    metrics.need(rows, *NEEDED, by, *figures)
    for words in (name for name in figures if not pd.api.types.is_numeric_dtype(rows[name])):
        raise HwlibError(f"column {words!r}: a picture needs numbers there; name another column")
    finite = rows[list(figures)].astype("float64").abs().lt(float("inf")).all(axis=1)
    rows = rows[finite & rows[by].notna()].reset_index(drop=True)
    if rows.empty:
        raise HwlibError(f"no row has {', '.join((by, *figures))}; look at the rows, or choose others")
    return rows


def _beneath(rows, drawn, notes):
    """Sources and cautions; what the chart itself tells apart is no caution."""
    told = [column for column in drawn if column not in ("evidence", "source_id")]
    # A choice of `variants` says the precision.
    told += ["precision"] if "choice" in drawn else []
    return [*panels.caption(rows.drop(columns=told)), *(line for note in notes for line in panels.wrap(note))]
