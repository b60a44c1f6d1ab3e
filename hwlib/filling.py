"""Estimates where nobody measured: rows like those of `measurements`, for devices that can be rented or bought."""

import pandas as pd

from . import data, estimates
from .errors import HwlibError

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
# On a device with fewer measured networks an estimate is off by more than devices differ (table `estimate_error`, new devices).
ENOUGH_NETWORKS = 5
SOURCE = "hwlib-estimates"
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
    known = set(zip(rows["device_id"], rows["batch_size"], strict=True))
    asked = [(device, batch) for device in _offered() for batch in BATCH_SIZES if (device, batch) not in known]
    if not asked:
        return rows
    queries = pd.DataFrame(asked, columns=["device_id", "batch_size"]).assign(model_id=model)
    found = _answered(queries, rows)
    return pd.concat([rows, found], ignore_index=True) if len(found) else rows


@data.remembered("prices", "devices", "measurements")
def _offered():
    """Devices with a price, rented out or a list price at launch, on which enough networks were measured; sorted."""
    rows, devices = data.load("measurements"), data.load("devices")
    swept = rows[(rows["throughput_unit"] == "samples") & rows["batch_size"].notna() & rows["throughput_per_s"].notna()]
    networks = swept.groupby("device_id")["model_id"].nunique()
    priced = {*data.load("prices")["device_id"].dropna(), *devices.loc[devices["launch_price_usd"].notna(), "device_id"]}
    return sorted(priced & set(networks.index[networks >= ENOUGH_NETWORKS]))


def _answered(queries, rows):
    """The estimates for `queries` as rows of `measurements`; none where nothing tells how much work the network is."""
    own = rows.loc[rows["evidence"] == "own", [name for name in CALIBRATING if name in rows]]
    own = own.dropna(subset=["device_id", "batch_size", "throughput_per_s"])
    found = _estimated(queries, own) if len(own) else None
    # A machine of one's own without a data sheet calibrates nothing.
    found = _estimated(queries, None) if found is None else found
    if found is None:
        return rows.iloc[:0]
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
        doubts=found["error"] + ", run as " + found["stack"],
    )


def _estimated(queries, own):
    """The estimates, calibrated by `own` rows; None where nothing tells the work of the network or the rates of the own device."""
    try:
        return estimates.estimate(queries, calibrate_with=own)
    except HwlibError:
        return None
