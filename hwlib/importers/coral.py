"""Google's published Coral table: time of one inference on the Edge TPU, by USB or on the Dev Board, and on two CPUs.

The page states latencies of one call at a time and nothing else, so the throughput is their inverse and flagged so. The two
CPUs are not named and their precision is not stated. The Edge TPU on the Dev Board is a device of its own: the chip is the
one of the USB Accelerator, but the board comes with its host, which runs what the compiler leaves over, and DeepLab v3 takes
4.6 times as long there. The nominal power of the accelerator is no measurement and not imported.
"""

import pandas as pd

from .. import units
from . import tidy

SOURCE = "coral"
FOLDER = "coral"
FILE = "coral_edge_tpu.csv"
COLUMNS = ["device", "model", "input_size", "batch_size", "latency_ms", "source_path"]

# Set-up as spelled -> runtime, tuning, precision, flags.
CPU = ("tflite", "graph", None, "device_unstated;throughput_from_latency")
EDGE_TPU = ("tflite-edgetpu", "engine", "int8", "throughput_from_latency")
SET_UPS = {
    "Desktop CPU (host of the Coral page)": CPU,
    "Embedded CPU (Coral page)": CPU,
    "Coral USB Accelerator (USB 3.0) on desktop CPU": EDGE_TPU,
    "Coral Dev Board": EDGE_TPU,
}


def read(folder):
    """Every row of the table as `measurements` (inferences/s, ms)."""
    frame = tidy.read_upstream(folder / FILE, COLUMNS)
    latency = tidy.number(frame, "latency_ms", FILE)
    set_up = tidy.mapped(frame, "device", SET_UPS, FILE).str
    rows = pd.DataFrame(
        {
            "source_id": SOURCE,
            "source_ref": frame["source_path"],
            "model_name": (frame["model"] + "@" + frame["input_size"]).fillna(frame["model"]),
            "device_name": frame["device"],
            "device_count": 1,
            "runtime": set_up[0],
            "tuning": set_up[1],
            "precision": set_up[2],
            "scenario": "batch_loop",
            "batch_size": tidy.count(frame, "batch_size", FILE, 1),
            "concurrency": 1,
            "throughput_per_s": tidy.significant(units.MS_PER_S / latency),
            "throughput_unit": "samples",
            "latency_ms_mean": latency,
            "evidence": "published",
            "quality_flag": set_up[3],
        }
    )
    return {"measurements": rows}
