"""AWS's published inference tables of Inferentia and Inferentia2: one measurement a row, for the whole instance.

Rows of language models that count output tokens stand in `llm_serving` too. Their model is split over all NeuronCores of the machine,
two to a chip, so `tp` counts cores and prompts and answers share them.
"""

import pandas as pd

from .. import units
from . import tidy

SOURCE = "aws-neuron"
FOLDER = "aws-neuron"
FILE = "inference.csv"

TEXTS = [
    "instance_type",
    "accelerator",
    "model",
    "framework",
    "sequence_length",
    "image_size",
    "input_length",
    "output_length",
    "precision",
    "autocast",
    "weight_storage",
    "throughput_unit",
    "latency_kind",
    "application_type",
    "run_mode",
    "tp_degree",
    "neuron_release",
    "optimized_for",
    "on_published_page",
    "csv_path",
    "note",
]
NUMBERS = ["batch_size", "throughput", "latency_p50_ms", "latency_p99_ms"]
TTFT = ["ttft_p50_ms", "ttft_p99_ms"]

CHIPS = {
    "inf1.xlarge": 1,
    "inf1.2xlarge": 1,
    "inf1.6xlarge": 4,
    "inf2.xlarge": 1,
    "inf2.8xlarge": 1,
    "inf2.24xlarge": 6,
    "inf2.48xlarge": 12,
}
UNITS = {"inferences/s": "samples", "output tokens/s": "tokens", "tokens/s (input+output)": "tokens"}

# Type of the model / what the compiler casts to -> precision of the matrix work. The tables of Inferentia do not name the
# cast, and it has no FP32 matrix unit, so an FP32 model there stays open.
PRECISIONS = {
    "FP32 / Matmult-BF16": "bf16",
    "FP16 / Matmult-BF16": "bf16",
    "FP32, BF16 / Matmult-BF16": "bf16",
    "FP32 / None": "fp32",
    "FP16 / ": "fp16",
    "FP32 / ": "",
}

# Our key in `variant` -> upstream's column.
VARIANT = {
    "framework": "framework",
    "model_type": "precision",
    "weights": "weight_storage",
    "run_mode": "run_mode",
    "cores_per_model": "tp_degree",
    "application": "application_type",
    "optimized_for": "optimized_for",
}
SERVING = {
    "input_tokens": "input_length",
    "output_tokens": "output_length",
    "concurrency": "batch_size",
    "ttft_ms": "ttft_p50_ms",
    "ttft_ms_p99": "ttft_p99_ms",
    "tpot_ms": "latency_p50_ms",
    "tpot_ms_p99": "latency_p99_ms",
    "output_tokens_per_s": "throughput",
}
SHARED = ["source_id", "source_ref", "model_name", "device_name", "device_count", "runtime", "runtime_version", "evidence"]
# Share by which a published rate may differ from what the times to and per token make of it; 36 of 42 rows keep to it.
AGREEMENT = 0.1

GENERATION = {"sequence": "sequence_length", "input": "input_length", "output": "output_length"}


def read(folder):
    """Every row of the tables as `measurements` and `llm_serving` (samples or tokens a second of the whole instance, ms)."""
    frame = tidy.read_upstream(folder / FILE, TEXTS + NUMBERS + TTFT)
    frame[TEXTS] = frame[TEXTS].fillna("")
    frame["types"] = frame["precision"] + " / " + frame["autocast"]
    figures = pd.DataFrame({column: tidy.number(frame, column, FILE) for column in NUMBERS})
    # A time per output token is not the latency of a call.
    per_call = frame["latency_kind"] == "per request (batch)"
    rows = pd.DataFrame(
        {
            "source_id": SOURCE,
            "source_ref": frame["csv_path"],
            "model_name": frame.apply(_model_name, axis=1),
            "variant": frame.apply(_variant, axis=1),
            "device_name": frame["accelerator"],
            "device_count": tidy.mapped(frame, "instance_type", CHIPS, FILE),
            "node_count": 1,
            "system": frame["instance_type"],
            "runtime": "neuron",
            "runtime_version": frame["neuron_release"],
            "tuning": "engine",
            "precision": tidy.mapped(frame, "types", PRECISIONS, FILE),
            "scenario": "concurrent_loop",
            "batch_size": figures["batch_size"],
            "throughput_per_s": figures["throughput"],
            "throughput_unit": tidy.mapped(frame, "throughput_unit", UNITS, FILE),
            "latency_ms_p50": figures["latency_p50_ms"].where(per_call),
            "latency_ms_p99": figures["latency_p99_ms"].where(per_call),
            "evidence": "published",
            "quality_flag": tidy.mapped(frame, "on_published_page", {"no": "superseded", "yes": ""}, FILE),
        }
    )
    return {"measurements": rows.mask(rows == ""), "llm_serving": _serving(frame, rows)}


def _serving(frame, rows):
    """The rows that count output tokens, with the times to the first token and per token after it."""
    language = frame["throughput_unit"] == "output tokens/s"
    frame = frame.mask(frame == "")
    serving = rows[SHARED].assign(
        mode="aggregated",
        parallelism="tp=" + frame["tp_degree"],
        precision=frame["weight_storage"],
        **{ours: tidy.number(frame, theirs, FILE) for ours, theirs in SERVING.items()},
    )
    tokens, rate = serving["concurrency"] * serving["output_tokens"], serving["output_tokens_per_s"]
    made = tokens / (serving["ttft_ms"] + (serving["output_tokens"] - 1) * serving["tpot_ms"]) * units.MS_PER_S
    serving["quality_flag"] = tidy.joined(
        {"superseded": rows["quality_flag"] == "superseded", "throughput_latency_mismatch": (rate / made - 1).abs() > AGREEMENT}
    )
    return serving[language]


def _model_name(row):
    """The model as spelled, with the checkpoint where the note names it and the input where that fixes the work of a sample."""
    parts = [row["model"]]
    checkpoint = row["note"].partition("checkpoint: ")[2].partition(";")[0]
    if checkpoint:
        parts.append(f"checkpoint={checkpoint}")
    if row["sequence_length"] and not row["output_length"]:
        parts.append(f"seq={row['sequence_length']}")
    if row["image_size"]:
        parts.append(f"res={row['image_size']}")
    return " ".join(parts)


def _variant(row):
    """What pins the row apart; a list in a cell is joined by +, for ; parts the pairs."""
    columns = VARIANT | (GENERATION if row["output_length"] else {})
    pairs = {key: row[column].replace("; ", "+").replace(", ", "+") for key, column in columns.items()}
    if "input+output" in row["throughput_unit"]:
        pairs["tokens_counted"] = "input+output"
    return ";".join(f"{key}={value}" for key, value in pairs.items() if value)
