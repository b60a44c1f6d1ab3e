"""Rockchip's RKLLM: language models on its NPUs, one stream at a time -> `llm_serving`.

The published rate is that of the tokens after the first, so it is kept as the time per token, its inverse.
"""

import pandas as pd

from .. import units
from . import tidy

SOURCE = "rkllm"
FOLDER = "rknn"
FILE = "rkllm_benchmark.csv"

COLUMNS = ["device", "model", "precision", "runtime", "batch_size", "prompt_tokens", "new_tokens", "throughput_unit", "source_path"]
FIGURES = ["throughput_per_s", "ttft_ms"]
# w4a16_g128: weights of 4 bits with one scale for each 128 of them, activations of 16.
WEIGHTS = {"w8a8": "int8", "w4a16": "int4", "w4a16_g128": "int4"}
SLOWEST = 0.01


def read(folder):
    """Every row as `llm_serving` (ms)."""
    frame = tidy.read_upstream(folder / FILE, [*COLUMNS, *FIGURES])
    tidy.mapped(frame, "throughput_unit", {"decode tokens/s": "tokens"}, FILE)
    software = frame["runtime"].str.partition(" ")
    rows = pd.DataFrame(
        {
            "source_id": SOURCE,
            "source_ref": frame["source_path"] + " " + frame["model"] + " " + frame["precision"],
            "model_name": frame["model"],
            "device_name": frame["device"],
            "device_count": 1,
            "runtime": software[0].str.lower(),
            "runtime_version": software[2],
            "precision": tidy.mapped(frame, "precision", WEIGHTS, FILE),
            "mode": "aggregated",
            "input_tokens": tidy.count(frame, "prompt_tokens", FILE, 1),
            "output_tokens": tidy.count(frame, "new_tokens", FILE, 1),
            "concurrency": tidy.count(frame, "batch_size", FILE, 1),
            "ttft_ms": tidy.number(frame, "ttft_ms", FILE),
            "tpot_ms": tidy.significant(units.MS_PER_S / tidy.number(frame, "throughput_per_s", FILE, SLOWEST)),
            "evidence": "published",
        }
    )
    return {"llm_serving": rows}
