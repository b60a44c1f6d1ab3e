"""The roofline: what a device could do at most for a network, and how much of it was reached.

Two limits bound every run: the device's peak rate of arithmetic, and its memory, which must bring the values that are worked on.
Which of the two binds depends on how much work there is for each byte.
"""

import numpy as np
import pandas as pd

from . import data, metrics, units
from .errors import unknown
from .variants import PEAKS

# Bytes of one weight or activation.
VALUE_BYTES = {"fp32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int8": 1}
# An activation is written once and read once.
PASSES = 2


def placed(rows):
    """Measured `rows` on the roofline of their device: work for each byte (operations/byte), rates of one device (TOP/s), shares of them.

    ops_per_byte = 2 x gmacs / (bytes of a value x (params_m / batch_size + 2 x mactivations));
    roof_tops = min(peak_tops, memory_bandwidth_gb_s x ops_per_byte); reached_tops = 2 x gmacs x throughput_per_s / device_count

    Parameters
    ----------
    rows : DataFrame
        Rows of `measurements`. Adds ops_per_byte, peak_tops (data sheet, dense), roof_tops, reached_tops, share_of_peak and
        share_of_roof; rows without work or peak are left out, and where batch size, activations or bandwidth are unknown
        ops_per_byte, roof_tops and share_of_roof are empty.

    Raises
    ------
    HwlibError
        For a missing column.

    Notes
    -----
    Weights are assumed to be read once a batch, every activation to be written once and read once. A compiler that joins layers, or
    a large cache, moves fewer bytes: a row may then lie above the slanted part of the roof, never above the flat one.

    Examples
    --------
    >>> rows = data.load_measurements("resnet50", "nvidia-t4", source_id="nvidia-dle", runtime="pytorch", precision="fp16", batch_size=256)
    >>> placed(rows)[["ops_per_byte", "roof_tops", "reached_tops", "share_of_peak"]].round(2).values.tolist()
    [[184.14, 58.93, 9.85, 0.15]]
    """
    metrics.need(rows, "model_id", "device_id", "device_count", "precision", "batch_size", "throughput_per_s")
    models = data.load("models").set_index("model_id")[["gmacs", "params_m", "mactivations"]]
    devices = data.load("devices").set_index("device_id")[["memory_bandwidth_gb_s", *{column for column, _ in PEAKS.values()}]]
    known = rows[[column for column in rows if column not in (*models, *devices)]]
    known = known.join(models, on="model_id").join(devices, on="device_id")
    moved = known["params_m"] / known["batch_size"].astype("float64") + PASSES * known["mactivations"]
    ops = units.OPS_PER_MAC * known["gmacs"] * units.GIGA / units.MILLION
    peak = sum(known[column].fillna(0).where(known["precision"] == name, 0) for name, (column, _) in PEAKS.items())
    known = known.assign(
        ops_per_byte=ops / (known["precision"].map(VALUE_BYTES) * moved),
        peak_tops=peak.where(peak > 0),
        reached_tops=units.gmacs_to_tops(known["gmacs"], known["throughput_per_s"]) / known["device_count"].astype("float64"),
    )
    slanted = known["memory_bandwidth_gb_s"] * known["ops_per_byte"] * units.GIGA / units.TERA
    known = known.assign(roof_tops=np.minimum(known["peak_tops"], slanted))
    known = known.assign(share_of_peak=known["reached_tops"] / known["peak_tops"], share_of_roof=known["reached_tops"] / known["roof_tops"])
    return known[known["share_of_peak"].notna()].reset_index(drop=True)


def roofs(devices, precision, low=1, high=10_000):
    """The roof of each device as three points of a line: ops_per_byte (operations/byte) and roof_tops (TOP/s).

    Parameters
    ----------
    devices : list of str
        `device_id`s; one without bandwidth or peak in the tables is left out.
    precision : str
        A key of `PEAKS`, whose data-sheet peak counts.
    low, high : float
        Ends of the line, operations/byte.

    Raises
    ------
    HwlibError
        For an unknown device or precision.

    Examples
    --------
    >>> roofs(["nvidia-t4"], "fp16")[["ops_per_byte", "roof_tops"]].values.tolist()
    [[1.0, 0.32], [203.125, 65.0], [10000.0, 65.0]]
    """
    if precision not in PEAKS:
        raise unknown("precision", precision, PEAKS)
    known = data.load_devices(devices).set_index("device_id").loc[devices].reset_index()
    known = known.assign(peak_tops=known[PEAKS[precision][0]], bandwidth=known["memory_bandwidth_gb_s"] * units.GIGA / units.TERA)
    known = known.dropna(subset=["peak_tops", "bandwidth"])
    ridge = known["peak_tops"] / known["bandwidth"]
    lines = pd.concat([known.assign(ops_per_byte=at) for at in (float(low), ridge, float(high))])
    lines = lines.assign(roof_tops=np.minimum(lines["peak_tops"], lines["bandwidth"] * lines["ops_per_byte"]), device=lines["name"])
    columns = ["device_id", "device", "device_class", "ops_per_byte", "roof_tops", "peak_tops", "memory_bandwidth_gb_s"]
    return lines.sort_index(kind="stable")[columns].reset_index(drop=True)
