"""Ranking second: options ordered by one criterion, or by several at once."""

import numpy as np

from .workload import PRIORITIES

# Ties go to what is better in these, so that nothing that is beaten in one and better in none comes first.
TIES = ("throughput", "latency", "energy", "cost")


def order(frame, criteria):
    """Positions of the rows of `frame`, best first, as an integer array; rows with an unknown criterion come last.

    Several criteria are joined as a weighted product: the sum of weight x logarithm of each. Ratios count, not differences, so that
    units and the other rows never change who is ahead of whom.

    Parameters
    ----------
    frame : DataFrame
        Needs the columns of `PRIORITIES` that `criteria` name; those of the others settle ties where they are there.
    criteria : dict of str to float
        Criterion -> weight, as `Workload.criteria`.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"usd_per_100k": [4.0, 1.0, None], "throughput_per_s": [10.0, 5.0, 99.0]})
    >>> order(rows, {"cost": 1}).tolist(), order(rows, {"cost": 1, "throughput": 3}).tolist()
    ([1, 0, 2], [0, 1, 2])
    """
    ties = [_signed(frame, name) for name in reversed(TIES) if PRIORITIES[name][0] in frame]
    return np.lexsort([np.nan_to_num(key, nan=np.inf) for key in (*ties, logs(frame, criteria))])


def scored(frame, criteria):
    """`frame`, best first, with score: how many times worse than the best figure in every criterion, weighted; 1 is best in all.

    Parameters
    ----------
    frame : DataFrame
        As for `order`.
    criteria : dict of str to float

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"usd_per_100k": [4.0, 1.0], "latency_ms": [1.0, 4.0]})
    >>> scored(rows, {"cost": 1, "latency": 1})["score"].tolist()
    [2.0, 2.0]
    """
    frame = frame.iloc[order(frame, criteria)]
    total = sum(criteria.values())
    above = sum(weight / total * _above_best(frame, name) for name, weight in criteria.items())
    return frame.assign(score=np.exp(above))


def logs(frame, criteria):
    """What ranks each row on a logarithmic scale, less is better: an array, not a number where a criterion is unknown.

    >>> import pandas as pd
    >>> logs(pd.DataFrame({"usd_per_100k": [1.0], "latency_ms": [5.0]}), {"cost": 2}).tolist()
    [0.0]
    """
    return sum(weight * _log(frame, name) for name, weight in criteria.items())


def _signed(frame, name):
    column, less_is_better = PRIORITIES[name]
    figures = frame[column].to_numpy("float64", na_value=np.nan)
    return figures if less_is_better else -figures


def _log(frame, name):
    column, less_is_better = PRIORITIES[name]
    figures = np.log(frame[column].to_numpy("float64", na_value=np.nan))
    return figures if less_is_better else -figures


def _above_best(frame, name):
    figures = _log(frame, name)
    known = figures[~np.isnan(figures)]
    return figures - known.min() if len(known) else figures
