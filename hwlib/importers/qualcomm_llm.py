"""Qualcomm's AI Hub: language models on the NPU of a phone or car, one stream at a time -> `llm_serving`.

The published rate is that of the tokens after the first, so it is kept as the time per token, its inverse. Of the two times to the first
token the shorter is kept: the longer is nearly always the same time 32 times, so the first holds for a 32nd of the context of 4,096
tokens; but the source does not say so, and one network has both alike.
"""

import pandas as pd

from .. import units
from . import tidy

SOURCE = "qualcomm-ai-hub-llm"
FOLDER = "qualcomm-ai-hub"
FILE = "qualcomm_ai_hub_llm.csv"
PUBLISHER = "qualcomm-ai-hub"

TEXTS = ["chipset", "device_class", "model", "precision", "runtime", "source_path"]
FIGURES = ["throughput_per_s", "ttft_ms_min", "ttft_ms_max"]
# w4a16: weights of 4 bits, activations of 16.
WEIGHTS = {"w4a16": "int4", "w4": "int4"}
RUNTIMES = {"genie": "genie", "qnn_context_binary": "qnn-context-binary"}
SLOWEST = 0.01


def read(folder):
    """Every row as `llm_serving` (ms)."""
    frame = tidy.read_upstream(folder / FILE, [*TEXTS, *FIGURES])
    rate = tidy.number(frame, "throughput_per_s", FILE, SLOWEST)
    figures = ["chipset", "precision", "runtime", *FIGURES]
    rows = pd.DataFrame(
        {
            "source_id": PUBLISHER,
            "source_ref": frame["source_path"] + " " + frame["precision"],
            "model_name": frame["model"],
            "device_name": frame["chipset"] + " " + tidy.mapped(frame, "device_class", {"npu": "NPU"}, FILE),
            "device_count": 1,
            "runtime": tidy.mapped(frame, "runtime", RUNTIMES, FILE),
            "precision": tidy.mapped(frame, "precision", WEIGHTS, FILE),
            "mode": "aggregated",
            "concurrency": 1,
            "ttft_ms": tidy.number(frame, "ttft_ms_min", FILE),
            "tpot_ms": tidy.significant(units.MS_PER_S / rate),
            "evidence": "published",
            "quality_flag": tidy.joined(
                {
                    "prompt_unstated": pd.Series(True, index=frame.index),
                    "repeated_upstream": frame.duplicated(figures, keep=False),
                }
            ),
        }
    )
    return {"llm_serving": rows}
