"""What would change a decision: the price, load, batch size, latency limit or utilisation at which another device wins.

Each is solved, not scanned for: a winner can only change where an option appears, vanishes or needs one more machine, or where two
costs meet, and those places are known.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from . import candidates, limits, ranking
from .queueing import response_ms
from .units import HOURS_PER_DAY
from .workload import NUMBERS

COLUMNS = ("answer", "side", "at", "now", "device_id", "device", "instance_type", "evidence", "loser")
# More machines than this of a kind are a cloud of their own; the cost of one more no longer decides.
MOST_MACHINES = 1_000
# A rate just beyond a place where a machine more is needed, and how many rates are looked at together.
NEAR, CHUNK = 1e-9, 100


def flips(decision):
    """Where the winner changes: one row a place.

    Parameters
    ----------
    decision : Decision
        With a best option.

    Returns
    -------
    DataFrame
        answer (what is varied: a field of `Workload`, or usd_per_hour of the machine in instance_type), side (above, below or at), at (the
        value), now (today's value), device_id, device and instance_type (who wins then, at a price: whose price it is), evidence (what
        that rests on), loser.

    Examples
    --------
    >>> from .decision import decide
    >>> found = flips(decide("resnet50", batch_size=1))
    >>> set(found["answer"]) >= {"usd_per_hour"}
    True
    """
    if decision.best is None:
        return pd.DataFrame(columns=COLUMNS)
    found = [*_prices(decision), *_limits(decision), *_batches(decision), *_rates(decision), *_shares(decision)]
    return pd.DataFrame(found, columns=COLUMNS)


def _prices(decision):
    """The winner's price above which the runner-up wins, and the runner-up's price below which it does."""
    best, other = decision.best, decision.runner_up
    weight = decision.workload.criteria.get("cost")
    if other is None or not weight:
        return
    first, second = ranking.logs(pd.DataFrame([best, other]), decision.workload.criteria)
    factor = np.exp((second - first) / weight)
    if factor > 1:
        for option, at, side in ((best, best["usd_per_hour"] * factor, "above"), (other, other["usd_per_hour"] / factor, "below")):
            priced = dict(other) | {"instance_type": option["instance_type"]}
            yield _flip("usd_per_hour", side, at, option["usd_per_hour"], priced, best)


def _limits(decision):
    rows = candidates.measured(decision.workload)
    for answer, column in limits.LIMIT_COLUMNS.items():
        # The time of a whole answer is a language model's limit only where somebody set it.
        if column in rows and (answer != "latency_ms" or "ttft_held_ms" not in rows or decision.workload.latency_ms):
            # What takes longer than any limit that may be set is beyond all of them.
            figures = rows[column].where(rows[column] <= NUMBERS[answer][1])
            yield from _tighter(decision, answer, figures)
            if getattr(decision.workload, answer) is not None:
                yield from _looser(decision, answer, figures)


def _tighter(decision, answer, figures):
    """Lower the limit to just under what the winner needs, again and again, until another device wins or nothing is left."""
    now = getattr(decision.workload, answer)
    at = limit = figures.max() if now is None else now
    while pd.notna(limit):
        winner = candidates.winner(replace(decision.workload, **{answer: float(limit)}))
        if winner is None:
            return
        if winner["device_id"] != decision.best["device_id"]:
            yield _flip(answer, "below", at, now, winner, decision.best)
            return
        at = figures[winner["row"]]
        limit = figures[figures < at].max()
        if answer == "latency_ms" and decision.workload.requests_per_s:
            # With fewer milliseconds to wait the winner needs one more machine.
            at, limit = winner["response_ms"], winner["response_ms"] * (1 - NEAR)


def _looser(decision, answer, figures):
    """Raise the limit to the next one at which some row beats the winner, until another device wins."""
    work, winner = decision.workload, candidates.winner(decision.workload)
    limit = getattr(work, answer)
    pairs = candidates.everything(replace(work, **{answer: None}))
    while True:
        better, needed = _better(pairs, work, winner["value"])
        if needed is None or answer != "latency_ms":
            needed = figures.reindex(pairs["row"]).to_numpy("float64")
        further = needed[better & (needed > limit * (1 + NEAR)) & (needed * (1 + NEAR) <= NUMBERS[answer][1])]
        if not len(further):
            return
        limit = further.min()
        winner = candidates.winner(replace(work, **{answer: float(limit * (1 + NEAR / 10))}))
        if winner["device_id"] != decision.best["device_id"]:
            yield _flip(answer, "above", limit, getattr(work, answer), winner, decision.best)
            return


def _better(pairs, work, value):
    """Which pairs could beat `value`, and with a request rate the time (ms) in which as many machines as that pays for answer."""
    weight = work.criteria.get("cost")
    if not work.requests_per_s or not weight:
        return ranking.logs(pairs, work.criteria) < value, None
    machines = (pairs["usd_per_hour_fleet"] / pairs["usd_per_hour"]).to_numpy()
    each = ranking.logs(pairs, work.criteria) - weight * np.log(machines)
    affordable = np.nan_to_num(np.ceil(np.exp((value - each) / weight) * (1 - NEAR)) - 1)
    answered = response_ms(pairs, work.requests_per_s * work.peak_factor, np.maximum(affordable, 1), work.latency_percentile)
    return affordable >= machines, answered


def _batches(decision):
    """The nearest batch size on either side at which another device wins; for any batch size, what wins at 1."""
    now = decision.workload.batch_size
    winners = candidates.winner_by_batch(decision.workload)
    others = [(size, winner) for size, winner in winners if winner["device_id"] != decision.best["device_id"]]
    if now == "any":
        sides = {"at": [pair for pair in others if pair[0] == 1]}
    else:
        sides = {"below": [pair for pair in others if pair[0] < now][-1:], "above": [pair for pair in others if pair[0] > now]}
    for side, found in sides.items():
        for size, winner in found[:1]:
            yield _flip("batch_size", "at" if side == "at" else side, size, now, winner, decision.best)


def _flip(answer, side, at, now, winner, loser):
    return answer, side, float(at), now, winner["device_id"], winner["device"], winner["instance_type"], winner["evidence"], loser["device"]


def _rates(decision):
    """The nearest request rates on either side at which the fleet of another device is the better one.

    Going up, that can only be where the winner's fleet needs one more machine; going down, where another's needs one less.
    """
    work = decision.workload
    if not work.requests_per_s or "cost" not in work.criteria:
        return
    pairs = candidates.pairs(work)
    own = (pairs["device_code"] == pairs["device_code"].iloc[0]).to_numpy()
    step = pairs["capacity_per_s"].to_numpy() / work.peak_factor
    counts = np.arange(MOST_MACHINES) + 1
    up, down = (np.unique(np.outer(step[mine & (step > 0)], counts)) for mine in (own, ~own))
    for side, rates, beside in (
        ("above", up[up > work.requests_per_s], 1 + NEAR),
        ("below", down[down < work.requests_per_s][::-1], 1 - NEAR),
    ):
        at = _first_lost(pairs, own, step, rates * beside, work.criteria)
        winner = None if at is None else candidates.winner(replace(work, requests_per_s=at))
        if winner and winner["device_id"] != decision.best["device_id"]:
            yield _flip("requests_per_s", side, at, work.requests_per_s, winner, decision.best)


def _first_lost(pairs, own, step, rates, criteria):
    """The first of `rates` at which a pair that is not `own` is ahead; None for none."""
    machines = (pairs["usd_per_hour_fleet"] / pairs["usd_per_hour"]).to_numpy()
    machine = ranking.logs(pairs, criteria) - criteria["cost"] * np.log(machines)
    for start in range(0, len(rates), CHUNK):
        some = rates[start : start + CHUNK, None]
        worth = machine + criteria["cost"] * np.log(np.ceil(some / step))
        worth = np.where(np.isnan(worth), np.inf, worth)
        lost = np.where(own, np.inf, worth).min(axis=1) < np.where(own, worth, np.inf).min(axis=1)
        if lost.any():
            return float(some[lost.argmax(), 0])
    return None


def _shares(decision):
    """The hours a day and the utilisation at which machines paid around the clock change places with others.

    Each is solved from two straight lines: the price of an hour is a + b x t, with t = 1 / hours_per_day, or t = utilisation.
    """
    work = decision.workload
    if "cost" not in work.criteria:
        return
    pairs = candidates.pairs(work)
    fixed, running = pairs["usd_per_hour_fixed"], pairs["usd_per_hour_running"]
    around_the_clock = fixed.where(pairs["committed"] == 1, 0.0)
    by_hours = (fixed - around_the_clock + running * work.utilisation, around_the_clock * work.hours_per_day)
    meetings = np.unique(1 / _meetings(pairs, *by_hours, work.criteria))
    yield from _crossings(decision, "hours_per_day", meetings[meetings <= HOURS_PER_DAY])
    if not work.requests_per_s:
        meetings = np.unique(_meetings(pairs, fixed, running, work.criteria))
        yield from _crossings(decision, "utilisation", meetings[meetings <= 1])


def _meetings(pairs, level, slope, criteria):
    """The positive t at which the winner's line meets another's."""
    worth = ranking.logs(pairs, criteria) / criteria["cost"] - np.log(pairs["usd_per_hour"].to_numpy())
    level, slope = level.to_numpy() * np.exp(worth), slope.to_numpy() * np.exp(worth)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (level[1:] - level[0]) / (slope[0] - slope[1:])
    return found[np.isfinite(found) & (found > 0)]


def _crossings(decision, answer, meetings):
    now = getattr(decision.workload, answer)
    for side, places, beside in (("above", meetings[meetings > now], 1 + NEAR), ("below", meetings[meetings < now][::-1], 1 - NEAR)):
        for at in places:
            winner = candidates.winner(replace(decision.workload, **{answer: float(at * beside)}))
            # Beyond a budget there may be nobody left.
            if winner and winner["device_id"] != decision.best["device_id"]:
                yield _flip(answer, side, at, now, winner, decision.best)
                break
