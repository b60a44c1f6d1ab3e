"""YOLOv3 figures that users reported in public threads: weak evidence, but the only sweep over batches on a T4."""

import re

import pandas as pd

from . import names, tidy

SOURCE = "yolo-community"
FOLDER = "yolo-community"
FILE = "yolov3.csv"

TEXTS = ["device", "model", "input_size", "precision", "runtime", "reported_on", "source_path", "note"]
NUMBERS = {"throughput_per_s": "throughput_per_s", "latency_ms": "latency_ms_mean"}
PRECISIONS = {"fp32": "fp32", "fp16": "fp16", "int8": "int8", "": ""}

# Words of a runtime -> how far it prepares the graph; Darknet runs layer by layer.
TUNINGS = {"TensorRT": "engine", "Darknet": "eager"}
RUNTIME = re.compile(r"(?P<name>[A-Za-z][A-Za-z +]*?)(?: \(TensorRT\)| (?P<version>\d+))?(?: \(JetPack (?P<jetpack>[\d.]+)\))?")

# Place of rows that state neither -> input, precision, and what each is inferred from.
INFERRED = {
    "AlexeyAB/darknet issue #6032": (
        "416x416",
        "fp16",
        "the author gives the same table in ceccocats/tkDNN issue 50 and says there that it is FP16; tkDNN's own yolo3.cfg is 416x416, "
        "and the FP16 rates of YOLOv4 at 416, as heavy, on an RTX 2080 Ti (195 at batch 1, 443 at 4) are near these",
    ),
}
# Words of a note -> what was timed, or how well.
NOTES = {
    "whole pipeline": "timed=whole pipeline",
    "includes host work": "timed=whole pipeline",
    "without the YOLO layer": "timed=without the last layer",
    "approximate": "approximate=yes",
}
TOLERANCE = 0.1


def read(folder):
    """Every reported figure as `measurements` (images/s, ms)."""
    raw = tidy.read_upstream(folder / FILE, [*TEXTS, *NUMBERS, "batch_size"])
    raw[TEXTS] = raw[TEXTS].fillna("")
    unstated = raw["source_path"].isin(list(INFERRED)) & (raw["input_size"] == "") & (raw["precision"] == "")
    inferred = raw["source_path"].map(INFERRED)
    raw["input_size"] = raw["input_size"].mask(unstated, inferred.str[0])
    raw["precision"] = raw["precision"].mask(unstated, inferred.str[1])
    stacks = raw["runtime"].map(_stack)
    tidy.refuse(raw, "runtime", stacks.isna(), FILE, "a kind of " + " or ".join(TUNINGS))
    stack = pd.DataFrame(stacks.tolist(), columns=["runtime", "runtime_version", "tuning", "jetpack"])
    rows = pd.DataFrame({ours: tidy.number(raw, theirs, FILE) for theirs, ours in NUMBERS.items()})
    rows = rows.assign(
        source_id=SOURCE,
        source_ref=raw["source_path"],
        measured_on=_days(raw),
        batch_size=tidy.count(raw, "batch_size", FILE, 1),
        model_name=(raw["model"] + "@" + raw["input_size"]).str.removesuffix("@"),
        variant=[_variant(*pair) for pair in zip(raw["note"], stack.pop("jetpack"))],
        device_name=raw["device"],
        device_count=1,
        precision=tidy.mapped(raw, "precision", PRECISIONS, FILE),
        scenario="batch_loop",
        concurrency=1,
        throughput_unit="samples",
        evidence="published",
        **stack,
    )
    rows["quality_flag"] = _flags(rows, raw, unstated)
    return {"measurements": rows.mask(rows == "")}


def _stack(cell):
    """Runtime, version, tuning and JetPack release of one cell, such as 'TensorRT 5 (JetPack 4.2.2)'; None where it names neither kind."""
    found = RUNTIME.fullmatch(cell)
    tuning = next((tuning for word, tuning in TUNINGS.items() if word in cell), None)
    if not found or not tuning:
        return None
    return names.slug(found["name"]), found["version"] or "", tuning, found["jetpack"] or ""


def _variant(note, jetpack):
    pairs = [pair for words, pair in NOTES.items() if words in note]
    return ";".join(pairs + ([f"jetpack={jetpack}"] if jetpack else []))


def _days(raw):
    """The day each figure was reported; a bare year or month is no day."""
    text = raw["reported_on"]
    days = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    bare = text.str.fullmatch(r"(\d{4}(-\d\d)?)?")
    tidy.refuse(raw, "reported_on", days.isna() & ~bare, FILE, "a date")
    return days


def _flags(rows, raw, unstated):
    apart = (tidy.calls_in_flight(rows) - 1).abs() > TOLERANCE
    return tidy.joined(
        {
            "community": pd.Series(True, index=rows.index),
            "third_party": raw["note"].str.contains("quoted"),
            "setting_inferred": unstated,
            "throughput_latency_mismatch": apart,
        }
    )
