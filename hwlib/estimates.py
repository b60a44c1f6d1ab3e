"""`estimate`: throughput and latency where nobody measured, with an interval and what is known of the error."""

import numpy as np
import pandas as pd

from . import artefact, asked, beyond, data, datasheet, intervals, roofline, units
from .columns import BASES
from .errors import HwlibError

# No call is faster than this: a figure for a network of no work.
LEAST_SECONDS = 1e-12
# Assumption: where too few sheets with gaps were held out to show what a gap costs, it widens the interval by this share.
GAP_WIDENS = 0.25
IN_WORDS = {
    "seen_both": "for a model and a device that were each measured, but not so together",
    "seen_device_new_model": "for a new model on a device we have data for",
    "seen_model_new_device": "for a model we have data for, on a new device",
    "new_new": "for a new model on a new device",
}


def estimate(queries, calibrate_with=None):
    """`queries` with the estimated throughput (1/s), its 90 % interval, the latency (ms) and what is known of the error.

    Seconds of a call = fixed time + batch x time a sample: costs of each kind of work that add up, fitted for each device
    and stack, times what boosted trees and the network's own measured rows elsewhere say. One call at a time on one device.

    Parameters
    ----------
    queries : DataFrame
        One row a question. The network: model_id, or gmacs (GMAC/sample), params_m (million), mactivations (million/sample)
        and operator counts as in table `operators`. The device: device_id, or device_class with fp32_tflops, fp16_tflops
        (TFLOPS), int8_tops (TOPS), memory_bandwidth_gb_s (GB/s), tdp_w (W) and cores. How it runs: batch_size, precision,
        tuning, runtime; where one is not given, that of the stack most measured on such a device is taken and said.
    calibrate_with : DataFrame, optional
        Own measured rows of the queried networks on any device: the same columns and throughput_per_s (1/s).

    Returns
    -------
    DataFrame
        The queries with precision filled, and: throughput_per_s, throughput_low, throughput_high (1/s, 90 % interval),
        latency_ms (ms), basis, extrapolation (why the question lies outside the data, with the nearest known neighbours;
        empty where it does not), stack (what the figure holds for, and what stands in for unstated figures), error (in
        words) and evidence.

    Raises
    ------
    HwlibError
        Naming the column, the row and what is allowed: an empty frame, an unknown column or key, a negative or missing
        figure, a device of which too little is stated.

    Notes
    -----
    Never above the device's stated peak, never faster than its memory reads the weights once a call; latency and
    throughput rise with the batch; a narrower precision is never slower. How wrong it is stands in table `estimate_error`.

    Examples
    --------
    >>> import pandas as pd
    >>> found = estimate(pd.DataFrame({"model_id": ["yolov3-416"], "device_id": ["nvidia-t4"], "precision": ["fp16"], "batch_size": [8]}))
    >>> found[["basis", "evidence"]].iloc[0].tolist()
    ['seen_both', 'estimated']
    >>> bool(found["throughput_low"].item() < found["throughput_per_s"].item() < found["throughput_high"].item())
    True
    """
    art = artefact.load()
    question = asked.read(queries, art)
    machines, machine = question.machines, question.machine
    shift = np.zeros(len(queries)) if calibrate_with is None else _shift(question, calibrate_with, art)
    floor = _least_seconds(question)
    seconds = np.maximum(question.batch / np.exp(_log_rates(question, art) - shift), floor)
    spoken = _error_rows(question, shift != 0)
    rate = question.batch / seconds
    return queries.assign(
        precision=machines["precision"].to_numpy()[machine],
        throughput_per_s=rate,
        throughput_low=rate * np.exp(np.minimum(spoken["log_low"].to_numpy(), 0.0)),
        throughput_high=np.minimum(rate * np.exp(np.maximum(spoken["log_high"].to_numpy(), 0.0)), question.batch / floor),
        latency_ms=seconds * units.MS_PER_S,
        basis=spoken["met"].to_numpy(),
        extrapolation=beyond.reasons(question, art),
        stack=machines["assumed"].to_numpy()[machine],
        error=spoken["words"].to_numpy(),
        evidence="estimated",
    )


def _log_rates(question, art):
    """Log samples a second of each question, such that no narrower precision of the device is slower, whatever stack each is answered for.

    A measured precision is raised to the measured wider ones; one that was not measured lies between those that were. On a
    device never measured each is raised to all wider ones.
    """
    rates, machines = _on_stack(question, art), question.machines
    rank, new = machines["precision"].map(datasheet.RANKS).fillna(-1).to_numpy(dtype=int), ~machines["seen"].to_numpy(dtype=bool)
    low, high = np.full(len(rates), -np.inf), np.full(len(rates), np.inf)
    for precision, other_rank in datasheet.RANKS.items():
        stack, met = asked.other_stacks(machines, precision)
        wider = rank > other_rank
        wanted = (stack != machines["stack"].to_numpy()) & (rank >= 0) & (rank != other_rank) & (met | (wider & new))
        if wanted.any():
            found = _elsewhere(question, wanted, precision, art)
            wider = wider[question.machine]
            low, high = np.where(wider, np.fmax(low, found), low), np.where(wider, high, np.fmin(high, found))
    measured = machines["seen_env"].to_numpy()[question.machine]
    return np.maximum(low, np.where(measured, rates, np.minimum(rates, high)))


def _elsewhere(question, wanted, precision, art):
    """Log samples a second at `precision` of the questions on the machines `wanted`; empty for the others."""
    rows = wanted[question.machine]
    machine = (np.cumsum(wanted) - 1)[question.machine[rows]]
    machines = asked.restacked(question.machines[wanted], precision, art)
    found = np.full(len(rows), np.nan)
    found[rows] = _on_stack(asked.Question(question.networks, machines, question.network[rows], machine, question.batch[rows]), art)
    return found


def _on_stack(question, art):
    """Log samples a second of each question on its stack, such that no narrower precision of that stack is slower.

    What was measured pulls: precisions measured on the device and stack are made monotone among themselves, and one that was
    not lies between them.
    """
    machines, size = question.machines, len(question.machines)
    rank = machines["precision"].map(datasheet.RANKS).fillna(-1).to_numpy(dtype=int)
    met = machines["device_id"] + "|" + machines["stack"] + "|"
    parts, places = [machines], {}
    for precision in datasheet.RANKS:
        keys = (met + precision).to_numpy(dtype=object)
        rows = np.flatnonzero((art["envs"].get_indexer(keys) >= 0) & (machines["precision"] != precision).to_numpy() & (rank >= 0))
        if len(rows):
            parts.append(machines.iloc[rows].assign(precision=precision).set_index(keys[rows]))
            places[precision] = np.full(size, -1)
            places[precision][rows] = np.arange(len(rows)) + sum(map(len, parts[:-1]))
    rates = _rates(question, pd.concat(parts), [np.arange(size), *places.values()], art)
    others = [(datasheet.RANKS[precision], rates[:, number]) for number, precision in enumerate(places, start=1)]
    return _ordered(rates[:, 0], rank[question.machine], machines["seen_env"].to_numpy()[question.machine], others)


def _rates(question, env, places, art):
    """Log samples a second of each question on its row of `env` in each of `places`; each network on an env is worked out once."""
    machine = np.stack([place[question.machine] for place in places], axis=1)
    pair = np.where(machine >= 0, question.network[:, None] * len(env) + machine, -1)
    once, back = np.unique(pair, return_inverse=True)
    known = once[once >= 0]
    log_seconds, half = roofline.log_seconds(art, question.networks, env, known // len(env), known % len(env))
    empty = np.full(len(once) - len(known), np.nan)
    log_seconds, half = np.concatenate([empty, log_seconds]), np.concatenate([empty, half])
    back = back.reshape(pair.shape)
    return -(log_seconds[back] + np.log1p(half[back] / question.batch[:, None]))


def _ordered(own, rank, measured, others):
    """`own` rates between those of wider and narrower precisions: monotone in the rank, and in the batch where all of them are."""
    result = own.copy()
    settled = [(other, _between(found, other, others)) for other, found in others]
    for number in np.unique(rank[rank >= 0]):
        mine = rank == number
        wider, narrower = _bounds(own, number, settled)
        result[mine] = np.where(measured, _between(own, number, others), np.clip(own, wider, narrower))[mine]
    return result


def _between(rates, rank, others):
    """The mean of `rates` raised to the fastest wider precision and `rates` lowered to the slowest narrower one."""
    wider, narrower = _bounds(rates, rank, others)
    return (np.maximum(rates, wider) + np.minimum(rates, narrower)) / 2


def _bounds(rates, rank, others):
    """The fastest of the wider and the slowest of the narrower precisions, row by row; infinite where there is none."""
    none = np.full(len(rates), np.inf)
    wider = np.fmax.reduce([-none, *(found for other, found in others if other < rank)])
    return wider, np.fmin.reduce([none, *(found for other, found in others if other > rank)])


def _least_seconds(question):
    """Seconds that a call takes at least: its work at the stated peak, and its weights once through the memory."""
    networks, machines = question.networks, question.machines
    peak = datasheet.stated_peak(machines, machines["precision"])[question.machine]
    compute = units.gmacs_to_tops(networks["gmacs"].to_numpy()[question.network], 1.0) * question.batch / peak
    size = machines["precision"].map(datasheet.BYTES).to_numpy(dtype=float) / (machines["memory_bandwidth_gb_s"].to_numpy() * units.GIGA)
    weights = networks["params_m"].to_numpy()[question.network] * units.MILLION * size[question.machine]
    return np.fmax(np.fmax(compute, weights), LEAST_SECONDS)


def _shift(question, rows, art):
    """Log seconds that own measured `rows` add to each question on the same network."""
    if not isinstance(rows, pd.DataFrame) or "throughput_per_s" not in rows:
        raise HwlibError("calibrate_with: expected a DataFrame with throughput_per_s (1/s) beside the columns of queries")
    asked.check_numbers(rows, "throughput_per_s")
    measured = asked.read(rows.drop(columns="throughput_per_s"), art)
    here, there = _pairs(measured), _pairs(question)
    strange = set(here["network"]) - set(there["network"])
    if strange:
        raise HwlibError(
            f"calibrate_with: queries ask nothing of network {min(strange)}; give the same model_id, or the same figures, in both"
        )
    miss = -np.log(rows["throughput_per_s"].to_numpy(dtype=float)) + _log_rates(measured, art)
    known = roofline.effect(art, measured.networks.index, measured.machines, measured.network, measured.machine, "rows")
    return roofline.carried(miss, here, there, known)


def _pairs(question):
    """Network (id, GMAC and parameters as one text), device class, chain and device of each question."""
    networks = question.networks
    names = [
        f"{name} ({gmacs:.6g} GMAC, {params:.6g} M)" for name, gmacs, params in zip(networks.index, networks["gmacs"], networks["params_m"])
    ]
    machines = question.machines[["device_class", "chain", "device_id"]].iloc[question.machine].reset_index(drop=True)
    return machines.assign(network=np.array(names, dtype=object)[question.network])


def _error_rows(question, helped):
    """For each question the row of `estimate_error` that speaks for it, its basis (`met`) and the error in `words`.

    What was never measured so on a device counts as a new device. One measurement of a new network narrows its interval as
    far as it did on held-out networks.
    """
    networks, machines = question.networks, question.machines
    kind = (networks["seen"] * 2 + networks["counted"]).to_numpy(dtype=int)[question.network]
    code, back = np.unique((question.machine * 4 + kind) * 2 + helped, return_inverse=True)
    asked_for = machines.iloc[code // 8][["device_class", "seen", "seen_env", "gaps", "stack"]].reset_index(drop=True)
    seen_model, counted, helped = code // 4 % 2 == 1, code // 2 % 2 == 1, code % 2 == 1
    met = np.array(BASES)[2 * ~asked_for["seen"].to_numpy(dtype=bool) + ~seen_model]
    basis = np.where(asked_for["seen_env"], met, pd.Series(met).map(intervals.AS_NEW_DEVICE))
    detail = intervals.detail(basis, counted, np.where(asked_for["gaps"] == "", "full", "partial"))
    wanted = asked_for.assign(basis=basis, source=intervals.source_family(asked_for["stack"]), detail=detail)
    calibrated = helped & np.isin(basis, intervals.NEW_MODEL)
    spoken = _spoken(wanted.assign(calibration=np.where(calibrated, "one_point", "none")))
    unmet = np.where(asked_for["seen_env"] | ~asked_for["seen"], "", " with a stack or precision never measured there")
    words = (
        spoken["median_ape"].map("typically within {:.0f} %, ".format).to_numpy(dtype=object)
        + pd.Series(met).map(IN_WORDS).to_numpy()
        + unmet
    )
    return spoken.assign(met=met, words=words).iloc[back]


def _spoken(wanted):
    """The row of `estimate_error` for each of `wanted`; a gap in the data sheet always widens the interval of a full one."""
    table = data.load("estimate_error")
    spoken = intervals.look_up(table, wanted)
    gap = (wanted["detail"] == "partial_sheet").to_numpy()
    full = intervals.look_up(table, wanted.assign(detail="full_sheet"))
    low, high = np.minimum(spoken["log_low"], full["log_low"]), np.maximum(spoken["log_high"], full["log_high"])
    inside = (high - low) < (full["log_high"] - full["log_low"]) * (1 + GAP_WIDENS)
    wider = np.where(inside, 1 + GAP_WIDENS, 1.0)
    return spoken.assign(
        log_low=spoken["log_low"].where(~gap, low * wider),
        log_high=spoken["log_high"].where(~gap, high * wider),
        median_ape=spoken["median_ape"].where(~gap, np.maximum(spoken["median_ape"], full["median_ape"])),
    )
