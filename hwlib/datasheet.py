"""What a device's data sheet says, as numbers that a fit can use, and what stands in for a figure that it does not state."""

import numpy as np
import pandas as pd

# Precisions whose peak one column states.
LEVELS = {"fp32": 0, "tf32": 1, "fp16": 1, "bf16": 1, "fp8": 2, "int8": 2, "int4": 2, "fp4": 2}
BYTES = {"fp32": 4.0, "tf32": 4.0, "fp16": 2.0, "bf16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.5, "fp4": 0.5}
UNSTATED_LEVEL = 1
# Wide to narrow: a precision of a later rank is never slower.
RANKS = {"fp32": 0, "tf32": 1, "fp16": 2, "bf16": 2, "fp8": 3, "int8": 3, "int4": 4, "fp4": 4}
PEAKS = ("fp32_tflops", "fp16_tflops", "int8_tops")
SHEET = (*PEAKS, "memory_bandwidth_gb_s", "tdp_w", "cores")
# What a scale is explained by: the peak at the precision that runs, then these.
SPECS = ("peak", "memory_bandwidth_gb_s", "tdp_w", "cores")
PRIOR_ROWS = 2.0
PASSES = 30


def log_sheet(devices):
    """Natural logarithms of the columns `SHEET`, one row a device; empty where the data sheet does not say.

    Assumption: matrix units run 16 bits at half the rate of 8 bits, where a sheet states the latter alone.
    """
    half = devices["int8_tops"] / 2
    return np.log(devices[list(SHEET)].assign(fp16_tflops=devices["fp16_tflops"].fillna(half)).to_numpy(dtype=float))


def levels(precision):
    """0, 1 or 2 for precisions of 32, 16 and at most 8 bits; an unstated one counts as 16 bits."""
    return precision.map(LEVELS).fillna(UNSTATED_LEVEL).to_numpy(dtype=int)


def fit_sheets(devices):
    """How the figures of a data sheet go together in each device class: its mean and covariance, from sheets with gaps.

    A normal distribution of the logarithms, by expectation maximisation, held towards independence where sheets are few.
    """
    sheets = log_sheet(devices)
    overall = np.nanmean(sheets, axis=0)
    found = {}
    for kind in sorted(devices["device_class"].unique()):
        mine = sheets[(devices["device_class"] == kind).to_numpy()]
        mean, cover = overall.copy(), np.eye(len(SHEET))
        stated = np.isfinite(mine).any(axis=0)
        for _ in range(PASSES):
            filled, doubt = _expected(mine, mean, cover)
            mean = np.where(stated, filled.mean(axis=0), overall)
            away = filled - mean
            cover = (away.T @ away + doubt + PRIOR_ROWS * np.eye(len(SHEET))) / (len(mine) + PRIOR_ROWS)
        found[kind] = np.vstack([mean, cover])
    return found


def _expected(sheets, mean, cover):
    """`sheets` with each gap at what its stated figures let expect, and the summed covariance of the gaps."""
    filled, doubt = sheets.copy(), np.zeros_like(cover)
    stated = np.isfinite(sheets)
    code = stated @ (1 << np.arange(stated.shape[1]))
    for one in np.unique(code):
        rows = code == one
        pattern = stated[rows.argmax()]
        gaps = ~pattern
        known = cover[np.ix_(pattern, pattern)]
        slope = np.linalg.solve(known, cover[np.ix_(pattern, gaps)]).T
        filled[np.ix_(rows, gaps)] = mean[gaps] + (sheets[np.ix_(rows, pattern)] - mean[pattern]) @ slope.T
        doubt[np.ix_(gaps, gaps)] += rows.sum() * (cover[np.ix_(gaps, gaps)] - slope @ cover[np.ix_(pattern, gaps)])
    return filled, doubt


def specs(found, devices, precision):
    """How far each device's log figures `SPECS` at its `precision` lie from those of its class; gaps filled by `fit_sheets`."""
    away = np.zeros((len(devices), len(SPECS)))
    level = levels(precision)
    sheets, kinds = log_sheet(devices), devices["device_class"].to_numpy()
    for kind, (mean, *cover) in found.items():
        mine = kinds == kind
        if mine.any():
            filled = _expected(sheets[mine], mean, np.array(cover))[0] - mean
            away[mine] = np.concatenate([filled[np.arange(mine.sum()), level[mine]][:, None], filled[:, len(PEAKS) :]], axis=1)
    return away


def stated_peak(devices, precision):
    """Peak rate (TFLOPS or TOPS) at each row's `precision`; empty where the data sheet does not state it."""
    columns = {"fp32": "fp32_tflops", "tf32": "fp16_tflops", "fp16": "fp16_tflops", "bf16": "fp16_tflops", "int8": "int8_tops"}
    found = pd.Series(np.nan, index=devices.index)
    for word, column in columns.items():
        found = found.mask(precision == word, devices[column])
    return found.mask(precision == "fp8", devices["fp8_tflops"].fillna(devices["int8_tops"])).to_numpy(dtype=float)


def gaps(devices, precision):
    """For each device the figures among peak and bandwidth that it does not state, as text; empty where both are."""
    peak = np.array(PEAKS)[levels(precision)]
    missing = devices[list(PEAKS)].isna().to_numpy()[np.arange(len(devices)), levels(precision)]
    narrow = devices["memory_bandwidth_gb_s"].isna().to_numpy()
    words = (
        np.where(missing, peak, "").astype(object) + np.where(missing & narrow, ", ", "") + np.where(narrow, "memory_bandwidth_gb_s", "")
    )
    return pd.Series(words, index=devices.index)


def thin(devices, precision):
    """Whether a data sheet states too little to learn from: no peak at `precision`, nor the cores of a CPU."""
    sheets = log_sheet(devices)
    stated = np.isfinite(sheets[np.arange(len(devices)), levels(precision)])
    return ~stated & ~((devices["device_class"] == "cpu") & devices["cores"].notna()).to_numpy()


def described(devices):
    """Whether a data sheet says anything at all that a scale can be estimated from."""
    return devices[list(SHEET)].notna().any(axis=1)
