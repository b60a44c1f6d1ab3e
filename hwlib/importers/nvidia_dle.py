"""NVIDIA's published inference tables of its DeepLearningExamples: one measurement a table row."""

import re

import pandas as pd

from .. import units
from ..errors import HwlibError, unknown
from . import names, tidy

SOURCE = "nvidia-dle"
FOLDER = "nvidia-dle"
FILE = "inference.csv"

NUMBERS = {
    "gpu_count": "device_count",
    "batch_size": "batch_size",
    "concurrency": "concurrency",
    "throughput": "throughput_per_s",
    "latency_avg_ms": "latency_ms_mean",
    "latency_p50_ms": "latency_ms_p50",
    "latency_p90_ms": "latency_ms_p90",
    "latency_p95_ms": "latency_ms_p95",
    "latency_p99_ms": "latency_ms_p99",
}
TEXTS = [
    "model",
    "framework",
    "variant",
    "gpu",
    "precision",
    "runtime",
    "throughput_unit",
    "readme_path",
    "scenario",
    "source_line",
    "note",
]

# Printed unit -> what is counted, and how many of them one printed unit is a second.
UNITS = {
    "img/s": ("samples", 1),
    "seq/s": ("samples", 1),
    "items/s": ("samples", 1),
    "samples/s": ("samples", 1),
    "sentences/s": ("samples", 1),
    "users/s": ("samples", 1),
    "inferences/s": ("samples", 1),
    "molecules/s": ("samples", 1),
    "mol/ms": ("samples", units.MS_PER_S),
    "Msamples/s": ("samples", units.MILLION),
    "tok/s": ("tokens", 1),
    "frames/s": ("frames", 1),
    "audio samples/s": ("audio_samples", 1),
}
PRECISIONS = {"FP32": "fp32", "TF32": "tf32", "FP16": "fp16", "BF16": "bf16", "INT8": "int8", "AMP": "fp16"}
SCENARIOS = {
    "offline batch loop": "batch_loop",
    "Triton offline (static batch)": "batch_loop",
    "Triton online (dynamic batching)": "concurrent_loop",
    "Triton online streaming": "concurrent_loop",
    "Triton": "concurrent_loop",
}
FRAMEWORKS = {
    "PyTorch": "pytorch",
    "PyTorch (DGL)": "pytorch",
    "TensorFlow 1.x": "tensorflow",
    "TensorFlow 2.x": "tensorflow",
    "MXNet": "mxnet",
    "PaddlePaddle": "paddlepaddle",
}

# Parts of upstream's `variant`: those that change the work of a sample belong to the model's name, facts of the network go
# elsewhere or nowhere, and the rest pins the row apart.
WORK = re.compile(
    r"(seq|res|dim|beam|src len|tgt len|audio|input len|WN channels|mem len|dataset|model size)[= ].*"
    r"|params=\d+B|Base|Large|mel generation only|\d+x\d+"
)
FACT = re.compile(r"MACs=.*|params=.*M|top1=(?P<top1>.*)|.*backbone|.*trained models")
WORDS = {
    "SQuAD": "dataset=SQuAD",
    "ImageNet": "dataset=ImageNet",
    "summarization XSum": "dataset=XSum",
    "LibriSpeech test-other": "dataset=LibriSpeech test-other",
    "denoising": "denoising=yes",
    "no denoising": "denoising=no",
    "TF object-detection zoo": "zoo=TensorFlow object detection",
    "per 600x600 image incl. pre/post-processing": "timed=with pre- and post-processing",
}

# What the notes of the source say, by a few of their words -> flag.
FLAGS = {
    "vendored third-party": "third_party",
    "relative timing": "relative_only",
    "not stated": "count_unstated",
    "not in increasing order": "latency_unordered",
    "identical figures also printed": "repeated_upstream",
    "CHECK:": "throughput_latency_mismatch",
    "GPU not named": "device_unstated",
}

FAR_APART = 2
# (readme, line, column) -> the figure printed, the figure meant, and why.
CORRECTIONS = {
    ("TensorFlow/Classification/ConvNets/resnet50v1.5/README.md", "810", "latency_ms_p95"): (
        1789.0,
        17.89,
        "the decimal point is missing: the mean of the row is 17.55 ms and its 99th percentile 18.19 ms",
    ),
}


def read(folder):
    """Every row of the tables as `measurements` (units/s of `throughput_unit`, ms)."""
    frame = tidy.read_upstream(folder / FILE, [*TEXTS, *NUMBERS])
    frame[TEXTS] = frame[TEXTS].fillna("")
    rows = pd.DataFrame({ours: tidy.number(frame, theirs, FILE) for theirs, ours in NUMBERS.items()})
    counted = tidy.mapped(frame, "throughput_unit", UNITS | {"": ("samples", 1)}, FILE)
    parts = frame["variant"].map(lambda text: text.split("; ") if text else [])
    rows = rows.assign(
        source_id=SOURCE,
        source_ref=frame["readme_path"] + "#L" + frame["source_line"],
        model_name=_model_names(frame["model"], parts),
        variant=_variants(frame, parts),
        device_name=frame["gpu"],
        precision=tidy.mapped(frame, "precision", PRECISIONS | {"": ""}, FILE),
        scenario=tidy.mapped(frame, "scenario", SCENARIOS, FILE),
        throughput_per_s=rows["throughput_per_s"] * counted.str[1],
        throughput_unit=counted.str[0],
        accuracy_value=parts.map(_top1),
        evidence="published",
        quality_flag=frame["note"].map(_flags),
    )
    rows["accuracy_metric"] = rows["accuracy_value"].map(lambda percent: "top1_percent", na_action="ignore")
    native = frame["runtime"].str.startswith("native")
    tidy.refuse(frame, "framework", native & ~frame["framework"].isin(list(FRAMEWORKS)), FILE, "a framework such as PyTorch")
    rows[["runtime", "tuning"]] = [_stack(*pair) for pair in zip(frame["framework"], frame["runtime"], strict=True)]
    rows = _doubted(_corrected(_settled(rows, frame), frame))
    return {"measurements": rows.mask(rows == "")}


def _doubted(rows):
    """`rows` with a flag where latency and throughput cannot be of one run: TensorFlow 1 means include slow first iterations."""
    share = tidy.calls_in_flight(rows) / rows["concurrency"]
    apart = (rows["throughput_unit"] == "samples") & ((share < 1 / FAR_APART) | (share > FAR_APART))
    flags = rows["quality_flag"].mask(apart & (rows["quality_flag"] == ""), "throughput_latency_mismatch")
    return rows.assign(quality_flag=flags)


def _model_names(models, parts):
    work = parts.map(lambda words: " ".join(word for word in words if WORK.fullmatch(word)))
    return (models + " " + work).str.strip()


def _variants(frame, parts):
    budgets = frame["batch_size"].where(_token_budget(frame), "")
    return [_variant(*row) for row in zip(frame["framework"], parts, budgets, frame["precision"], strict=True)]


def _variant(framework, words, budget, precision):
    pairs = [f"framework={framework}"]
    pairs += [_pair(word) for word in words if not WORK.fullmatch(word) and not FACT.fullmatch(word)]
    pairs += [f"token_budget={budget}"] if budget else []
    pairs += ["recipe=amp"] if precision == "AMP" else []
    return ";".join(pairs)


def _pair(word):
    """One part of upstream's variant as key=value."""
    if word in WORDS:
        return WORDS[word]
    key, equals, value = word.partition("=")
    if not equals:
        raise unknown(f"part of variant in {FILE}", word, WORDS)
    return f"{names.slug(key).replace('-', '_')}={value}"


def _top1(words):
    found = [FACT.fullmatch(word) for word in words]
    return next((float(match["top1"]) for match in found if match and match["top1"]), None)


def _flags(note):
    return ";".join(flag for words, flag in FLAGS.items() if words in note)


def _stack(framework, runtime):
    """Runtime and tuning: what ran the network, and how far the graph was prepared for it."""
    if runtime.startswith("native"):
        name = FRAMEWORKS[framework]
        tuning = "compiled" if runtime == "native+XLA" else "eager" if name == "pytorch" else "graph"
        return name, tuning
    return names.slug(runtime), _prepared(runtime)


def _prepared(runtime):
    if "TensorRT" in runtime or "TRT" in runtime:
        return "engine"
    # Kaldi's decoder is written by hand for the GPU: none of the words fits.
    return "" if "Kaldi" in runtime else "graph"


def _token_budget(frame):
    return frame["note"].str.contains("token budget")


def _settled(rows, frame):
    """`rows` with the counts that the source states in words, and without those that it does not state."""
    unstated = rows["quality_flag"].str.contains("count_unstated")
    sockets = frame["gpu"].str.extract(r"^CPU: (\d+)x ")[0].astype("float64")
    rows["device_count"] = rows["device_count"].fillna(sockets).mask(unstated)
    rows["concurrency"] = rows["concurrency"].fillna(1.0).where(rows["concurrency"].notna() | (rows["scenario"] == "batch_loop"))
    unprinted = frame["note"].str.contains("precision and batch not printed")
    rows["precision"] = rows["precision"].mask(unprinted, "")
    rows["batch_size"] = rows["batch_size"].mask(unprinted | _token_budget(frame))
    return rows


def _corrected(rows, frame):
    """`rows` with `CORRECTIONS` made; one whose printed figure is gone from the source is an error."""
    for (readme, line, column), (printed, meant, reason) in CORRECTIONS.items():
        here = (frame["readme_path"] == readme) & (frame["source_line"] == line) & (rows[column] == printed)
        if not here.any():
            raise HwlibError(f"{FILE}, {readme} line {line}, column {column}: expected {printed:g} to correct ({reason})")
        rows.loc[here, column] = meant
        rows.loc[here, "quality_flag"] = "latency_corrected"
    return rows
