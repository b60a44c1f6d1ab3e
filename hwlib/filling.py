"""Estimates where nobody measured: rows like those of `measurements`, for devices that can be rented or bought."""

import itertools

import pandas as pd

from . import artefact, data, estimates
from .errors import HwlibError

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
# On a device with fewer measured networks an estimate is off by more than devices differ (table `estimate_error`, new devices).
ENOUGH_NETWORKS = 5
SOURCE = "hwlib-estimates"
# The project's own measured rows: the estimates were fitted on them already.
REFERENCES = "hwlib-own"
# Their figures count tokens or whole sequences of work that one batch of samples says nothing about.
CALIBRATING = ("model_id", "device_id", "batch_size", "precision", "tuning", "throughput_per_s")
UNESTIMATED = ("text_generation", "multimodal", "recommendation", "graph")


def with_estimates(rows, model):
    """`rows` of a model, and estimates (1/s, ms) for each well measured device with a price at the batch sizes that nobody measured.

    Parameters
    ----------
    rows : DataFrame
        Rows of `measurements` of the model; the user's own calibrate the estimates.
    model : str
        `model_id`.

    Returns
    -------
    DataFrame
        `rows`, and rows with evidence "estimated", low_factor and high_factor (the 90 % interval over the figure) and doubts (how far
        such an estimate is typically off).

    Examples
    --------
    >>> found = with_estimates(data.load_measurements("mobilenet-v2"), "mobilenet-v2")
    >>> bool((found["evidence"] == "estimated").any())
    True
    """
    if data.load_models(model)["task"].item() in UNESTIMATED or set(rows["throughput_unit"].dropna()) - {"samples"}:
        return rows
    mine = (rows["evidence"] == "own") & (rows["source_id"] != REFERENCES)
    own = rows.loc[mine, [name for name in CALIBRATING if name in rows]]
    own = own.dropna(subset=["device_id", "batch_size", "throughput_per_s"])
    found = _answered([model], own) if len(own) else _foreseen().get(model)
    # A machine of one's own without a data sheet calibrates nothing.
    found = _answered([model]) if found is None else found
    if found is None:
        return rows
    known = pd.MultiIndex.from_frame(rows[["device_id", "batch_size"]])
    found = found[~pd.MultiIndex.from_frame(found[["device_id", "batch_size"]]).isin(known)]
    return pd.concat([rows, found], ignore_index=True) if len(found) else rows


def foresee(models):
    """Have the estimates of many `models` made in one go and kept: that takes hardly longer than those of one.

    >>> foresee(["mobilenet-v2"])
    """
    found = _answered(artefact.load()["gmacs"].index.intersection(models))
    _foreseen().update({} if found is None else dict(list(found.groupby("model_id"))))


@data.remembered("prices", "devices", "measurements", "models", "operators", "estimate_error")
def _foreseen():
    """The estimates by model, without those for which the user has rows; filled by `foresee`."""
    return {}


@data.remembered("prices", "devices", "measurements")
def _offered():
    """Devices with a price, rented out or a list price at launch, on which enough networks were measured; sorted."""
    rows, devices = data.load("measurements"), data.load("devices")
    swept = rows[(rows["throughput_unit"] == "samples") & rows["batch_size"].notna() & rows["throughput_per_s"].notna()]
    networks = swept.groupby("device_id")["model_id"].nunique()
    priced = {*data.load("prices")["device_id"].dropna(), *devices.loc[devices["launch_price_usd"].notna(), "device_id"]}
    return sorted(priced & set(networks.index[networks >= ENOUGH_NETWORKS]))


def _answered(models, own=None):
    """Estimates, calibrated by `own` rows, as rows of `measurements`; None where nothing tells a network's work or a device's rates."""
    asked = itertools.product(models, _offered(), BATCH_SIZES)
    try:
        found = estimates.estimate(pd.DataFrame(asked, columns=["model_id", "device_id", "batch_size"]), calibrate_with=own)
    except HwlibError:
        return None
    found = found[found["extrapolation"] == ""]
    figure = found["throughput_per_s"]
    return found[["model_id", "device_id", "batch_size", "precision", "throughput_per_s", "evidence"]].assign(
        measurement_id="estimate-" + found["device_id"] + "-" + found["batch_size"].astype("str"),
        source_id=SOURCE,
        device_count=1,
        scenario="batch_loop",
        throughput_unit="samples",
        latency_ms_mean=found["latency_ms"],
        low_factor=found["throughput_low"] / figure,
        high_factor=found["throughput_high"] / figure,
        doubts=found["error"] + ", run as " + found["stack"] + (", calibrated by your own measurements" if own is not None else ""),
    )
