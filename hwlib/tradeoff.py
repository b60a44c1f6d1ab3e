"""What a latency limit costs: speed for a user against output of a device, and who wins at which limit."""

import numpy as np
import pandas as pd

from . import metrics, units
from .errors import unknown

# The figures that the limits trade, and whether less of it is better.
VALUES = {"tokens_per_s_per_device": False, "usd_per_million_tokens": True}
# Held by the run itself; or by the rules of its scenario, for both times at once.
LIMITED = ("tpot_held_ms", "ttft_held_ms", "tpot_limit_ms", "ttft_limit_ms")
NO_LIMIT = float("inf")


def token_cost(rows, utilisation=1.0):
    """`rows` with the cost of a million output tokens in USD.

    Parameters
    ----------
    rows : DataFrame
        Needs tokens_per_s_per_device (1/s) and usd_per_hour_per_device (USD/h: a machine's price over its devices). Adds
        usd_per_million_tokens (USD).
    utilisation : float
        Share of the rented time that does work, over 0 and up to 1.

    Raises
    ------
    HwlibError
        For a missing column or a utilisation out of its range.

    See Also
    --------
    metrics.usd_per : the formula.

    Examples
    --------
    >>> rows = pd.DataFrame({"tokens_per_s_per_device": [1_000.0], "usd_per_hour_per_device": [3.6]})
    >>> token_cost(rows)["usd_per_million_tokens"].round(6).item()
    1.0
    """
    metrics.need(rows, "tokens_per_s_per_device", "usd_per_hour_per_device")
    cost = metrics.usd_per(units.MILLION, rows["usd_per_hour_per_device"], rows["tokens_per_s_per_device"], utilisation)
    return rows.assign(usd_per_million_tokens=cost)


def frontier(rows):
    """The rows that no other betters in both speed for a user and output of a device, for each device, precision and pair of lengths.

    Parameters
    ----------
    rows : DataFrame
        Rows of `serving_rows` that may stand side by side: what is unfit (division, flags) must have been left out.

    Returns
    -------
    DataFrame
        Rows by device, precision and lengths, along tokens_per_s_per_user (1/s); those without both figures are left out.

    Examples
    --------
    >>> from .serving import serving_rows
    >>> best = frontier(serving_rows("gpt-oss-120b").query("device_id == 'nvidia-h200-sxm' and input_tokens == 8192"))
    >>> best["tokens_per_s_per_device"].is_monotonic_decreasing
    True
    """
    figures = ["tokens_per_s_per_user", "tokens_per_s_per_device"]
    line = ["device_id", "precision", "input_tokens", "output_tokens"]
    metrics.need(rows, *line, *figures)
    rows = rows.reset_index(drop=True)
    groups = rows[[*line, *figures]].groupby(line, dropna=False)
    best = [group.index[metrics.pareto(group, maximise=figures)] for _, group in groups]
    return rows.loc[[place for group in best for place in group]].sort_values([*line, *figures], ignore_index=True)


def best_at(rows, value_column="tokens_per_s_per_device", by="tpot_held_ms"):
    """The best figure of each device within each limit: one row a limit (ms), one column a device, empty where no row keeps to it.

    The best changes only where a row comes in, so the limits are the measured values, and infinity for no limit at all,
    where rows without a measured time count too.

    Parameters
    ----------
    rows : DataFrame
        Rows of `serving_rows` that may stand side by side.
    value_column : {"tokens_per_s_per_device", "usd_per_million_tokens"}
        The figure; of the cost less is better, and its unit is USD.
    by : {"tpot_held_ms", "ttft_held_ms", "tpot_limit_ms", "ttft_limit_ms"}
        What is limited: the time that each run held, or the one that its rules held it to. Machines are tuned to the
        limits of the rules, so between two of those the held times favour who stayed further below.

    Raises
    ------
    HwlibError
        For another or a missing column.

    Examples
    --------
    >>> rows = pd.DataFrame({"device_id": ["a", "b", "a"], "tpot_held_ms": [10, 20, None], "tokens_per_s_per_device": [5.0, 7.0, 9.0]})
    >>> best_at(rows).to_dict("index")
    {10.0: {'a': 5.0, 'b': nan}, 20.0: {'a': 5.0, 'b': 7.0}, inf: {'a': 9.0, 'b': 7.0}}
    """
    if value_column not in VALUES:
        raise unknown("value_column", value_column, VALUES)
    if by not in LIMITED:
        raise unknown("by", by, LIMITED)
    metrics.need(rows, "device_id", value_column, by)
    known = rows[rows["device_id"].notna() & rows[value_column].notna()]
    known = known.assign(limit_ms=known[by].astype("float64").fillna(NO_LIMIT))
    table = known.groupby(["limit_ms", "device_id"])[value_column].agg("min" if VALUES[value_column] else "max").unstack()
    return (table.cummin() if VALUES[value_column] else table.cummax()).ffill()


def limit_flips(rows, value_column="tokens_per_s_per_device", by="tpot_held_ms"):
    """The winner as a function of the limit, exactly: from each limit_ms (ms) on, until the next, the best device and its figure.

    Parameters
    ----------
    rows, value_column, by
        As for `best_at`.

    Returns
    -------
    DataFrame
        limit_ms (infinity: without any limit), device_id, value (in the unit of `value_column`) and changed, whether another
        device won below this limit. Under the first limit nobody serves. Of equals the first by name wins.

    Examples
    --------
    >>> rows = pd.DataFrame({"device_id": ["a", "b", "a"], "tpot_held_ms": [10, 20, None], "tokens_per_s_per_device": [5.0, 7.0, 9.0]})
    >>> limit_flips(rows)[["device_id", "changed"]].values.tolist()
    [['a', False], ['b', True], ['a', True]]
    """
    best = best_at(rows, value_column, by)
    less = VALUES[value_column]
    value, winner = (best.min(axis=1), best.idxmin(axis=1)) if less else (best.max(axis=1), best.idxmax(axis=1))
    steps = pd.DataFrame({"limit_ms": best.index, "device_id": winner.to_numpy(), "value": value.to_numpy()})
    steps = steps[(steps["value"] != steps["value"].shift()) | (steps["device_id"] != steps["device_id"].shift())]
    before = steps["device_id"].shift()
    return steps.assign(changed=before.notna() & (before != steps["device_id"])).reset_index(drop=True)


def order_flips(rows, value_column="tokens_per_s_per_device", by="tpot_held_ms"):
    """Every limit (ms) at which one device overtakes another that was ahead of it below.

    Parameters
    ----------
    rows, value_column, by
        As for `best_at`.

    Returns
    -------
    DataFrame
        limit_ms, ahead, behind (devices), ahead_value, behind_value (unit of `value_column`) at that limit. A device that
        cannot keep to a limit is behind one that can.

    Examples
    --------
    >>> rows = pd.DataFrame({"device_id": ["a", "b"], "tpot_held_ms": [10, 20], "tokens_per_s_per_device": [5.0, 7.0]})
    >>> order_flips(rows).values.tolist()
    [[20.0, 'b', 'a', 7.0, 5.0]]
    """
    best = best_at(rows, value_column, by)
    # What cannot serve is worse than anything that can.
    merit = (-best if VALUES[value_column] else best).fillna(-NO_LIMIT).to_numpy()
    one, other = merit[:, :, None], merit[:, None, :]
    lead = (one > other).astype(int) - (one < other)
    # A tie is no change of order: the lead before it stands.
    last = np.maximum.accumulate(np.where(lead != 0, np.arange(len(lead))[:, None, None], 0), axis=0)
    lead = np.take_along_axis(lead, last, axis=0)
    turned = np.argwhere((lead[1:] == 1) & (lead[:-1] == -1))
    found = [(best.index[at + 1], *best.columns[[i, j]], *best.iloc[at + 1, [i, j]]) for at, i, j in turned]
    return pd.DataFrame(found, columns=["limit_ms", "ahead", "behind", "ahead_value", "behind_value"])
