"""Cost, energy and carbon of measured rows: DataFrame in, DataFrame with new columns out.

Each formula stands here once, with its units and where it comes from.
"""

import pandas as pd

from . import units
from .errors import HwlibError, unknown
from .frontier import undominated


def usd_per(count, usd_per_hour, throughput_per_s, utilisation=1.0):
    """US dollars for `count` inferences on a machine that is rented by the hour.

    usd = usd_per_hour / 3600 / (throughput_per_s x utilisation) x count

    Parameters
    ----------
    count : int
        How many inferences, such as 100 000 or a million.
    usd_per_hour : float or Series
        Price of the whole machine, USD/h.
    throughput_per_s : float or Series
        What the whole machine finishes per second.
    utilisation : float
        Share of the rented time that does work, over 0 and up to 1.

    Raises
    ------
    HwlibError
        For a utilisation out of its range.

    Notes
    -----
    AWS Neuron's benchmark pages use the same formula for their cost per million inferences.

    Examples
    --------
    >>> round(usd_per(1_000_000, 0.228, 1_056), 3), round(usd_per(1_000_000, 0.328, 2_697.72), 3)
    (0.06, 0.034)
    """
    if not 0 < utilisation <= 1:
        raise HwlibError(f"utilisation {utilisation!r}: expected a share over 0 and up to 1, such as 0.6")
    return usd_per_hour / units.SECONDS_PER_HOUR / (throughput_per_s * utilisation) * count


def cost(frame, utilisation=1.0):
    """`frame` with the cost of 100 000 and of a million inferences in USD.

    Parameters
    ----------
    frame : DataFrame
        Needs usd_per_hour (USD/h) and throughput_per_s (1/s), both for the same whole machine. Adds usd_per_100k and
        usd_per_million (USD); a row without price or throughput gets an empty cost.
    utilisation : float
        Share of the rented time that does work, over 0 and up to 1.

    Raises
    ------
    HwlibError
        For a missing column or a utilisation out of its range.

    See Also
    --------
    usd_per : the formula.

    Examples
    --------
    >>> import pandas as pd
    >>> cost(pd.DataFrame({"usd_per_hour": [0.36], "throughput_per_s": [100.0]})).iloc[0].round(4).to_dict()
    {'usd_per_hour': 0.36, 'throughput_per_s': 100.0, 'usd_per_100k': 0.1, 'usd_per_million': 1.0}
    """
    need(frame, "usd_per_hour", "throughput_per_s")
    hourly, rate = frame["usd_per_hour"], frame["throughput_per_s"]
    return frame.assign(
        usd_per_100k=usd_per(units.PER_100K, hourly, rate, utilisation),
        usd_per_million=usd_per(units.MILLION, hourly, rate, utilisation),
    )


def energy(frame):
    """`frame` with joules per inference, from measured power only.

    joules_per_inference = power_w / throughput_per_s

    Parameters
    ----------
    frame : DataFrame
        Needs power_w (W, measured while the row's throughput was) and throughput_per_s (1/s). Adds
        joules_per_inference (J) and inferences_per_joule (1/J), which is throughput per watt; empty where no power was
        measured. What the meter saw stays in power_boundary.

    Raises
    ------
    HwlibError
        For a missing column.

    Examples
    --------
    >>> import pandas as pd
    >>> energy(pd.DataFrame({"power_w": [200.0, None], "throughput_per_s": [100.0, 100.0]}))["joules_per_inference"].tolist()
    [2.0, nan]
    """
    need(frame, "power_w", "throughput_per_s")
    watts, rate = frame["power_w"], frame["throughput_per_s"]
    return frame.assign(joules_per_inference=watts / rate, inferences_per_joule=rate / watts)


def energy_bound(frame):
    """`frame` with the joules per inference that its cooling allows at most: a bound from TDP, never a measured figure.

    joules_per_inference_tdp_bound = tdp_w x device_count / throughput_per_s

    Parameters
    ----------
    frame : DataFrame
        Needs tdp_w (W per device), device_count and throughput_per_s (1/s, all devices). Adds
        joules_per_inference_tdp_bound (J): devices only, without host, memory and cooling.

    Raises
    ------
    HwlibError
        For a missing column.

    Examples
    --------
    >>> import pandas as pd
    >>> energy_bound(pd.DataFrame({"tdp_w": [70.0], "device_count": [2], "throughput_per_s": [7.0]})).iloc[0, -1]
    np.float64(20.0)
    """
    need(frame, "tdp_w", "device_count", "throughput_per_s")
    watts = frame["tdp_w"] * frame["device_count"].astype("float64")
    return frame.assign(joules_per_inference_tdp_bound=watts / frame["throughput_per_s"])


def carbon(frame, gco2e_per_kwh, pue=1.0):
    """`frame` with grams of CO2 equivalent for a million inferences.

    gco2e_per_million = joules_per_inference x 1e6 / 3.6e6 x PUE x gco2e_per_kwh

    Parameters
    ----------
    frame : DataFrame
        Needs joules_per_inference (J, as `energy` adds it) or joules_per_inference_tdp_bound (J, as `energy_bound` does).
        Adds gco2e_per_million (g) for the one, gco2e_per_million_tdp_bound (g), a bound and no measured figure, for the other.
    gco2e_per_kwh : float
        Carbon intensity of the grid, g/kWh (table `grid_carbon`).
    pue : float
        Power usage effectiveness of the building, 1 or more.

    Raises
    ------
    HwlibError
        For a missing column, an intensity that is negative or infinite, or a PUE below 1.

    Examples
    --------
    >>> import pandas as pd
    >>> carbon(pd.DataFrame({"joules_per_inference": [3.6]}), gco2e_per_kwh=500, pue=1.2)["gco2e_per_million"].item()
    600.0
    """
    if not 0 <= gco2e_per_kwh < float("inf"):
        raise HwlibError(f"gco2e_per_kwh {gco2e_per_kwh!r}: expected a number of at least 0")
    if not 1 <= pue < float("inf"):
        raise HwlibError(f"pue {pue!r}: expected a number of at least 1")
    if "joules_per_inference_tdp_bound" not in frame:
        need(frame, "joules_per_inference")
    for kind in ("", "_tdp_bound"):
        if f"joules_per_inference{kind}" in frame:
            kwh = units.joules_to_kwh(frame[f"joules_per_inference{kind}"] * units.MILLION)
            frame = frame.assign(**{f"gco2e_per_million{kind}": kwh * pue * gco2e_per_kwh})
    return frame


def pareto(frame, maximise=(), minimise=()):
    """Whether no other row of `frame` is at least as good in every column and better in one: a boolean Series.

    Parameters
    ----------
    frame : DataFrame
        Needs the columns named.
    maximise, minimise : sequence of str
        Columns where more, or less, is better. A row with an empty cell in one of them is never in the set.

    Raises
    ------
    HwlibError
        For a missing column, or when no column is named.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"latency_ms": [1, 2, 3], "throughput_per_s": [10, 30, 20]})
    >>> pareto(rows, maximise=["throughput_per_s"], minimise=["latency_ms"]).tolist()
    [True, True, False]
    """
    columns = [*maximise, *minimise]
    if not columns:
        raise HwlibError("pareto: name at least one column to maximise or minimise")
    need(frame, *columns)
    values = frame[columns].astype("float64").to_numpy(copy=True)
    values[:, : len(maximise)] *= -1
    complete = frame[columns].notna().all(axis=1).to_numpy()
    best = complete.copy()
    best[complete] = undominated(values[complete])
    return pd.Series(best, index=frame.index)


def need(frame, *columns):
    """Raise `HwlibError` if `frame` lacks one of `columns`, with the nearest column it has."""
    for column in columns:
        if column not in frame:
            raise unknown("column", column, frame.columns)
