"""How far a measured throughput may be off: the spread of repeated measurements, as a standard deviation of its logarithm."""

import numpy as np
import pandas as pd

from . import data

# Results that should agree: the same network, machine size and scenario in one MLPerf round, by several submitters.
REPEATED = ["source_id", "model_id", "variant", "device_id", "device_count", "scenario", "precision"]
# Figures that should agree, by several publishers.
ELSEWHERE = ["model_id", "device_id", "precision", "tuning"]
ENOUGH = 3
Z_90 = 1.645


def spread(rows):
    """The standard deviation of the logarithm of each row's throughput, as an array.

    Where at least three submitters repeated the measurement in one MLPerf round it is theirs. Elsewhere it is the typical one: of such
    repeats for audited rows, of publishers among each other for all others.

    Parameters
    ----------
    rows : DataFrame
        All rows of a model in `measurements`.

    Examples
    --------
    >>> rows = data.load_measurements("llama-2-70b", "nvidia-h200-sxm", source_id="mlperf-v5.1", scenario="offline", device_count=8)
    >>> bool(spread(rows).min() < 0.02)
    True
    """
    audited, published = typical()
    repeated = _deviations(rows[rows["division"] == "closed"], REPEATED, "submitter", ENOUGH).rename("own").reset_index()
    own = rows[REPEATED].merge(repeated, on=REPEATED, how="left")["own"].to_numpy("float64")
    own = np.where(rows["division"] == "closed", own, np.nan)
    return np.where(np.isnan(own), np.where(rows["evidence"] == "audited", audited, published), own)


@data.remembered("measurements")
def typical():
    """The median spread of repeated MLPerf results, and of publishers among each other: two standard deviations of the logarithm.

    Examples
    --------
    >>> audited, published = typical()
    >>> 0.01 < audited < published < 0.2
    True
    """
    rows = data.load("measurements")
    closed = rows[(rows["division"] == "closed") & (rows["availability"] == "available")]
    others = rows[rows["device_id"].notna() & rows["precision"].notna() & (rows["division"] != "open")]
    # MLPerf's rounds count as one publisher, so that progress of software is no spread.
    others = others.assign(publisher=others["source_id"].str.replace("mlperf-.*", "mlperf", regex=True))
    repeats, publishers = _deviations(closed, REPEATED, "submitter", ENOUGH), _deviations(others, ELSEWHERE, "publisher", 2)
    return tuple(float(found.median()) if len(found) else 0.0 for found in (repeats, publishers))


def interval(throughput_per_s, deviation):
    """The 90 % interval of a throughput (1/s) with that standard deviation of the logarithm: low and high.

    >>> low, high = interval(100.0, 0.0)
    >>> float(low), float(high)
    (100.0, 100.0)
    """
    factor = np.exp(Z_90 * deviation)
    return throughput_per_s / factor, throughput_per_s * factor


def _deviations(rows, keys, by, enough):
    """Standard deviation of log throughput for each `keys` over the best figure of each `by`, where there are enough of them."""
    rows = rows[rows["throughput_per_s"].notna() & rows["device_count"].notna()]
    logs = np.log(rows["throughput_per_s"] / rows["device_count"].astype("float64")).rename("log")
    best = pd.concat([rows[[*keys, by]], logs], axis=1).groupby([*keys, by], dropna=False)["log"].max()
    best = best.groupby(level=keys, dropna=False)
    return best.std()[best.size() >= enough]
