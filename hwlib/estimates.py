"""`estimate`: throughput and latency where nobody measured, with an interval and what is known of the error."""

import numpy as np
import pandas as pd

from . import artefact, asked, beyond, data, datasheet, intervals, roofline, units
from .errors import HwlibError

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
    shift = 0.0 if calibrate_with is None else _shift(question, calibrate_with, art)
    batch, floor = question["batch_size"].to_numpy(dtype=float), _least_seconds(question)
    seconds = np.maximum(batch / np.exp(_log_rates(question, art) - shift), floor)
    spoken = _error_rows(question, calibrate_with is not None)
    rate = batch / seconds
    return queries.assign(
        precision=question["precision"].to_numpy(),
        throughput_per_s=rate,
        throughput_low=rate * np.exp(np.minimum(spoken["log_low"].to_numpy(), 0.0)),
        throughput_high=np.minimum(rate * np.exp(np.maximum(spoken["log_high"].to_numpy(), 0.0)), batch / floor),
        latency_ms=seconds * units.MS_PER_S,
        basis=question["basis"].to_numpy(),
        extrapolation=beyond.reasons(question, art),
        stack=question["assumed"].to_numpy(),
        error=_in_words(question, spoken),
        evidence="estimated",
    )


def _log_rates(question, art):
    """Log samples a second at each question's batch and precision, such that no narrower precision of the stack is slower.

    What was measured pulls: precisions measured on the device and stack are made monotone among themselves, and one that was
    not lies between them.
    """
    own = _log_rate(question, art)
    rank = question["precision"].map(datasheet.RANKS).fillna(-1).to_numpy()
    met = question["device_id"] + "|" + question["stack"] + "|"
    others = {}
    for precision, other in datasheet.RANKS.items():
        asked_too = (met + precision).isin(art["envs"]).to_numpy() & (rank >= 0)
        rates = np.full(len(question), np.nan)
        if asked_too.any():
            same = question[asked_too].assign(precision=precision, env=(met + precision)[asked_too])
            rates[asked_too] = _log_rate(same, art)
        others[precision] = (other, rates)
    settled = {name: (other, _between(rates, other, others)) for name, (other, rates) in others.items()}
    result = own.copy()
    for number in sorted(set(rank) - {-1}):
        mine = rank == number
        result[mine] = np.where(question["seen_env"][mine], _between(own, number, others)[mine], _clipped(own, number, settled)[mine])
    return result


def _between(rates, rank, others):
    """The mean of `rates` raised to the fastest wider precision and lowered to the slowest narrower one: monotone in rank and batch."""
    wider = np.fmax.reduce([found for other, found in others.values() if other < rank] + [np.full(len(rates), -np.inf)])
    narrower = np.fmin.reduce([found for other, found in others.values() if other > rank] + [np.full(len(rates), np.inf)])
    return (np.maximum(rates, wider) + np.minimum(rates, narrower)) / 2


def _clipped(rates, rank, settled):
    wider = np.fmax.reduce([found for other, found in settled.values() if other < rank] + [np.full(len(rates), -np.inf)])
    narrower = np.fmin.reduce([found for other, found in settled.values() if other > rank] + [np.full(len(rates), np.inf)])
    return np.clip(rates, wider, narrower)


def _log_rate(question, art):
    """Log samples a second of each question on its own env; each network on an env is worked out once, whatever the batches."""
    key = question["model_key"] + "|" + question["env"] + "|" + question["sheet_key"]
    place, _ = pd.factorize(key)
    once = question[~key.duplicated()]
    log_seconds, half = roofline.log_seconds(art, once, once["model_id"].to_numpy(), once.set_index("env"))
    batch = question["batch_size"].to_numpy(dtype=float)
    return -(log_seconds[place] + np.log1p(half[place] / batch))


def _least_seconds(question):
    """Seconds that a call takes at least: its work at the stated peak, and its weights once through the memory."""
    gmacs, batch = question["gmacs"].to_numpy(dtype=float), question["batch_size"].to_numpy(dtype=float)
    peak = datasheet.stated_peak(question, question["precision"])
    compute = units.gmacs_to_tops(gmacs, 1.0) * batch / peak
    size = question["precision"].map(datasheet.BYTES).to_numpy(dtype=float) * question["params_m"].to_numpy(dtype=float) * units.MILLION
    weights = size / (question["memory_bandwidth_gb_s"].to_numpy(dtype=float) * units.GIGA)
    return np.fmax(np.fmax(compute, weights), 1e-12)


def _shift(question, rows, art):
    """Log seconds that own measurements add to each question on the same network: the miss there, held towards zero, and nearer if alike."""
    if "throughput_per_s" not in rows:
        raise HwlibError("calibrate_with: throughput_per_s (1/s) is missing; give own measured rows")
    measured = asked.read(rows.drop(columns="throughput_per_s"), art)
    asked.check_numbers(rows, "throughput_per_s")
    miss = -np.log(rows["throughput_per_s"].to_numpy(dtype=float)) - -_log_rates(measured, art)
    strange = set(measured["model_key"]) - set(question["model_key"])
    if strange:
        raise HwlibError("calibrate_with: a row is of a network that queries does not ask for; give the same model_id or the same figures")
    total = np.zeros(len(question))
    for level, hold in roofline.EFFECT_HOLD.items():
        here = pd.Series(roofline.effect_keys(measured["model_key"].to_numpy(), measured, level))
        table = art["effects"][level]["rows"]
        known = table.reindex(roofline.effect_keys(measured["model_id"].to_numpy(), measured, level)).fillna(0.0).to_numpy()
        grouped = pd.DataFrame({"miss": miss, "known": known}).groupby(here.to_numpy())
        move = grouped["miss"].sum() / (grouped.size() + grouped["known"].first() + hold)
        total += move.reindex(roofline.effect_keys(question["model_key"].to_numpy(), question, level)).fillna(0.0).to_numpy()
        miss = miss - move.reindex(here).to_numpy()
    return total


def _error_rows(question, calibrated):
    """For each question the row of `estimate_error` that speaks for it; what was never measured so on the device counts as a new device."""
    table = data.load("estimate_error")
    basis = question["basis"].where(question["seen_env"], question["basis"].map(intervals.AS_NEW_DEVICE))
    asked_for = pd.DataFrame(
        {"basis": basis, "device_class": question["device_class"], "toolchain": question["chain"].str.split(" ").str[1]}
    )
    sheet = np.where(question["gaps"] == "", "full", "partial")
    asked_for["detail"] = intervals.detail(basis, question["ops_conv"].notna().to_numpy(), sheet)
    asked_for["calibration"] = "none"
    return intervals.look_up(table[table["calibration"] == "none"], asked_for)


def _in_words(question, spoken):
    """Sentences such as `typically within 12 %, for a new model on a device we have data for`."""
    share = spoken["median_ape"].map("typically within {:.0f} %, ".format).to_numpy()
    kind = question["basis"].map(IN_WORDS).to_numpy()
    unmet = np.where(question["seen_env"] | ~question["seen_device"], "", " with a stack or precision never measured there")
    return share + kind + unmet
