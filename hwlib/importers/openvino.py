"""Intel's published OpenVINO benchmarks of three releases: processors, their integrated GPUs and NPUs, cards and sticks.

Throughput and latency are two runs, so a row of the source becomes two rows here. Throughput comes from benchmark_app
with as many requests in flight as it likes: scenario concurrent_loop, neither batch nor concurrency known. Latency is the
time of one synchronous call: scenario batch_loop at batch 1 with one call in flight, where the throughput is the inverse of
the latency and flagged so; whether it is the mean or the median of the calls is not said, and it stands as the mean.

Not imported: prices and TDP (data sheet), rates per dollar and per watt of TDP, and the "latency" of release 2022.2, whose
unit cannot be milliseconds.
"""

import pandas as pd

from .. import units
from . import tidy

SOURCE = "openvino"
FOLDER = "openvino"
FILE = "openvino_benchmarks.csv"

TEXTS = ["device", "compute_unit", "release", "test_date", "model", "precision", "input_size", "source_path"]
FIGURES = ["throughput_per_s", "latency_ms"]

RELEASES = {"OpenVINO 2022.1": "2022.1", "OpenVINO 2022.2 docs file": "2022.2", "OpenVINO 2024.1": "2024.1"}
# Unit that computes -> what to add to the name of the part, for a processor holds up to three devices.
COMPUTE_UNITS = {"CPU": "", "dGPU": "", "VPU": "", "iGPU": " iGPU", "NPU": " NPU", "CPU+iGPU": " CPU+iGPU"}
PRECISIONS = {word: word for word in ("fp32", "fp16", "bf16", "int8")}

# Tokens of bert-base-cased by release, from the questions and answers beside the tables; the tables do not tell them.
BERT = "bert-base-cased"
BERT_TOKENS = {"2022.1": "124", "2024.1": "128"}
# Its 124 tokens in the releases of 2022 are doubtful: it runs 2.6 to 4.3 times as fast as bert-large at 384 tokens, the ratio of
# their work at equal length (3.5; with 128 tokens 11), and the same CPUs run it 2.5 to 4.3 times as fast in release 2024.1,
# but ResNet-50 only 0.8 to 1.4 times.
DOUBTFUL_RELEASES = ("2022.1", "2022.2")

# Release 2024.1 prints for GPUs the latency under load: times throughput it is 3.7 to 4.0 calls on integrated GPUs and 15.1 to
# 16.0 on cards, whole numbers of requests less a little. One GPU row, of 1.3 calls, is that of a single call.
LOADED_CALLS = 3
MULTI_SOCKET = "Xeon (?:Gold|Silver|Platinum)"


def read(folder):
    """Every row of the tables as `measurements` (inferences/s, ms), throughput and latency apart."""
    frame = tidy.read_upstream(folder / FILE, [*TEXTS, *FIGURES, "sockets"])
    frame = frame.assign(**{column: tidy.number(frame, column, FILE) for column in FIGURES}, sockets=tidy.count(frame, "sockets", FILE, 1))
    frame["release"] = tidy.mapped(frame, "release", RELEASES, FILE)
    rows, loaded = _rows(frame), _loaded(frame)
    measured = _throughput(rows, frame, loaded)[frame["throughput_per_s"].notna()]
    single = _latency(rows, frame)[frame["latency_ms"].notna() & ~loaded]
    return {"measurements": pd.concat([measured, single], ignore_index=True)}


def _rows(frame):
    """What the throughput and the latency of a row of the source have in common."""
    suffix = tidy.mapped(frame, "compute_unit", COMPUTE_UNITS, FILE)
    weights, precision = _precision(frame)
    return pd.DataFrame(
        {
            "source_id": SOURCE + "-" + frame["release"],
            "source_ref": frame["source_path"],
            "measured_on": frame["test_date"],
            "model_name": _model_name(frame),
            "variant": weights,
            "device_name": frame["device"] + suffix,
            "device_count": _device_count(frame),
            "host_cpu": frame["device"].where(suffix != ""),
            "runtime": "openvino",
            "runtime_version": frame["release"],
            "tuning": "engine",
            "precision": precision,
            "throughput_unit": "samples",
            "evidence": "published",
        }
    )


def _throughput(rows, frame, loaded):
    flags = {"latency_under_load": loaded, **_doubts(rows, frame)}
    return rows.assign(
        scenario="concurrent_loop",
        throughput_per_s=frame["throughput_per_s"],
        latency_ms_mean=frame["latency_ms"].where(loaded),
        quality_flag=tidy.joined(flags),
    )


def _latency(rows, frame):
    flags = {"throughput_from_latency": frame["latency_ms"].notna(), **_doubts(rows, frame)}
    return rows.assign(
        scenario="batch_loop",
        batch_size=1,
        concurrency=1,
        throughput_per_s=tidy.significant(units.MS_PER_S / frame["latency_ms"]),
        latency_ms_mean=frame["latency_ms"],
        quality_flag=tidy.joined(flags),
    )


def _doubts(rows, frame):
    doubtful = (frame["model"] == BERT) & frame["release"].isin(DOUBTFUL_RELEASES)
    uncounted = rows["device_count"].isna() & (frame["compute_unit"] == "CPU")
    return {"count_unstated": uncounted, "input_doubtful": doubtful}


def _loaded(frame):
    calls = tidy.calls_in_flight(frame.rename(columns={"latency_ms": "latency_ms_mean"}).assign(batch_size=1))
    return (frame["release"] == "2024.1") & frame["compute_unit"].isin(["iGPU", "dGPU"]) & (calls > LOADED_CALLS)


def _model_name(frame):
    size = frame["input_size"].mask(frame["model"] == BERT, frame["input_size"].fillna(frame["release"].map(BERT_TOKENS)))
    return (frame["model"] + "@" + size).fillna(frame["model"])


def _precision(frame):
    """Type of the weights where it is not that of the matrix work, and the type of the matrix work.

    OpenVINO's CPU plugin computes FP16 networks in FP32 (rates in the file agree: a median of 1.005 times the FP32 rate), and
    a CPU and a GPU at work together on one use both types.
    """
    stated = tidy.mapped(frame, "precision", PRECISIONS, FILE)
    half = stated == "fp16"
    on_cpu, on_both = half & (frame["compute_unit"] == "CPU"), half & (frame["compute_unit"] == "CPU+iGPU")
    weights = pd.Series("weights=fp16", index=frame.index).where(on_cpu | on_both)
    return weights, stated.mask(on_cpu, "fp32").mask(on_both)


def _device_count(frame):
    """Sockets as stated; else one of everything that is not made for several sockets, and unknown for what is."""
    unknown = (frame["compute_unit"] == "CPU+iGPU") | frame["device"].str.contains(MULTI_SOCKET)
    return frame["sockets"].fillna((~unknown).map({True: 1.0, False: None}))
