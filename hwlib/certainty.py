"""How sure a ranking is: every option drawn many times within the spread of its figures and prices."""

import numpy as np
import pandas as pd

from . import ranking, spread
from .offers import region_prices
from .workload import PRIORITIES

DRAWS = 4_000
SEED = 20_240_229


def certainty(table, workload, draws=DRAWS, seed=SEED):
    """For each option of `table` the probability that it is best, and the 90 % interval of the figure that ranks.

    A draw moves each throughput by the spread of its measurement or estimate (options that rest on one row move together; latency, cost and
    energy follow) and each price to that of one of the regions that sell the machine (options of one provider move together).

    Parameters
    ----------
    table : DataFrame
        Options as `candidates.options` gives them.
    workload : Workload
        What ranked them.
    draws : int
        How many times, at least 2,000 for two digits.
    seed : int
        Start of the random numbers: the same answer each time.

    Returns
    -------
    DataFrame
        p_best (share of draws), low and high (5th and 95th percentile of the figure), with the index of `table`.

    Examples
    --------
    >>> from .candidates import options
    >>> from .workload import Workload
    >>> work = Workload("resnet50")
    >>> round(float(certainty(options(work)[0], work)["p_best"].sum()), 6)
    1.0
    """
    metric, _ = PRIORITIES[workload.priority] if len(workload.criteria) == 1 else ("score", True)
    ranked = table["score"].notna().to_numpy()
    found = pd.DataFrame({"p_best": 0.0, "low": np.nan, "high": np.nan}, index=table.index)
    if ranked.any():
        moves = _moves(table[ranked], workload, draws, np.random.default_rng(seed))
        drawn = ranking.logs(table[ranked], workload.criteria) + moves
        found.loc[ranked, "p_best"] = np.bincount(drawn.argmin(axis=1), minlength=ranked.sum()) / draws
        sign = -1 if workload.criteria.keys() == {"throughput"} else 1
        ends = np.sort(np.exp(sign * np.quantile(moves / sum(workload.criteria.values()), [0.05, 0.95], axis=0)), axis=0)
        found.loc[ranked, ["low", "high"]] = (ends * table.loc[ranked, metric].to_numpy()).T
    return found


def _moves(table, workload, draws, rng):
    """What each draw adds to the logarithm that ranks each option: an array of draws x options."""
    speed = _speeds(table, draws, rng)
    moves = dict.fromkeys(PRIORITIES, -speed)
    if "cost" in workload.criteria:
        moves["cost"] = _prices(table, workload, draws, rng) + (_machines(table, workload, speed) if workload.requests_per_s else -speed)
    return sum(weight * moves[name] for name, weight in workload.criteria.items())


def _machines(table, workload, speed):
    """The logarithm of how many more machines the same requests need at that speed."""
    exact = workload.requests_per_s * workload.peak_factor / table["capacity_per_s"].to_numpy()
    return np.log(np.ceil(exact * np.exp(-speed)) / np.ceil(exact))


def _speeds(table, draws, rng):
    """Logarithms of factors on the throughput: draws x options, the same for options that rest on one measured row."""
    rows, first = np.unique(table["measurement_id"].fillna("").to_numpy(str), return_inverse=True)
    # An estimate may err further to one side than to the other.
    figures = table["throughput_per_s"].to_numpy()
    down, up = (np.nan_to_num(np.abs(np.log(table[f"throughput_{end}"].to_numpy() / figures))) / spread.Z_90 for end in ("low", "high"))
    normal = rng.standard_normal((draws, len(rows)))[:, first]
    return normal * np.where(normal < 0, down, up)


def _prices(table, workload, draws, rng):
    """Logarithms of factors on the price: draws x options, where each provider's options stand at the same rank among their regions."""
    prices = region_prices(workload).groupby(["provider", "instance_type", "pricing"])["usd_per_hour"].agg(list)
    providers, landlord = np.unique(table["provider"].fillna("").to_numpy(str), return_inverse=True)
    rank = rng.random((draws, len(providers)))[:, landlord]
    moves = np.zeros((draws, len(table)))
    machines = table[["provider", "instance_type", "pricing", "usd_per_hour"]].itertuples(index=False, name=None)
    for column, (*machine, price) in enumerate(machines):
        sold = np.sort(prices.get(tuple(machine), [price]))
        moves[:, column] = np.log(sold / price)[(rank[:, column] * len(sold)).astype(int)]
    return moves
