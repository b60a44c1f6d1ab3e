"""Rockchip's RKNN model zoo: frames a second of the NPU alone, one measurement a model and chip.

The 20 speech and sound rows are left out: they state a real-time factor and neither a rate nor a latency.
"""

import pandas as pd

from . import tidy

SOURCE = "rknn"
FOLDER = "rknn"
FILE = "rknn_model_zoo.csv"

COLUMNS = ["device", "npu_cores_used", "model", "task", "precision", "batch_size", "throughput_per_s", "input_size", "source_path"]
PRECISIONS = {"int8": "int8", "fp16": "fp16"}
ONE_CORE, WHOLE = "1 core", "all (single-core NPU or as shipped)"
# Cores of the NPUs of which the figures use one.
CORES = {"RK3588": 3, "RK3576": 2}
# The one network that the table holds twice: as a part of CLIP and as a part of YOLO-World.
SHARED = "clip_text"


def read(folder):
    """Every row that states a rate as `measurements` (calls/s of the NPU, at its highest clock, without pre- and post-processing)."""
    frame = tidy.read_upstream(folder / FILE, COLUMNS)
    rate = tidy.number(frame, "throughput_per_s", FILE)
    rows = pd.DataFrame(
        {
            "source_id": SOURCE,
            "source_ref": frame["source_path"],
            "model_name": frame["model"],
            "variant": _variant(frame),
            "device_name": frame["device"],
            "device_count": 1,
            "runtime": "rknn",
            "tuning": "engine",
            "precision": tidy.mapped(frame, "precision", PRECISIONS, FILE),
            "scenario": "batch_loop",
            "batch_size": tidy.number(frame, "batch_size", FILE, 1),
            "concurrency": 1,
            "throughput_per_s": rate,
            "throughput_unit": "samples",
            "evidence": "published",
        }
    )
    rows = rows.mask(rows == "")
    return {"measurements": rows[rate.notna()].reset_index(drop=True)}


def _variant(frame):
    """Cores of the NPU that were used where they are not all, and what a network that is listed twice is a part of."""
    one = tidy.mapped(frame, "npu_cores_used", {ONE_CORE: True, WHOLE: False}, FILE)
    cores = frame["device"].map(CORES).map("cores=1of{:.0f}".format, na_action="ignore").where(one).fillna("")
    part = ("part_of=" + frame["task"]).where(frame["model"] == SHARED, "")
    return (cores + ";" + part).str.strip(";")
