"""Hailo's published model zoo: frames/s of each network at batch 1 and 8 on four chips, and its accuracy there.

The chip works on several frames at once in a pipeline, so even at batch 1 the frames in flight are unknown: scenario
concurrent_loop with the stated batch, no concurrency and no latency. Weights and activations are int8 for the most part; some
layers may be 4 or 16 bit, and the tables do not say which. The host is not stated.

The tables of Hailo-8 and Hailo-8L (compiler 3.33.0) print the accuracy under headers that mislead, see `_scores`. The
accuracy of the network before quantisation stands in `variant` as accuracy_float.
"""

import pandas as pd

from . import names, tidy

SOURCE = "hailo"
FOLDER = "hailo"
FILE = "hailo_model_zoo.csv"

TEXTS = [
    "device",
    "model",
    "variant_note",
    "task",
    "compiler_version",
    "accuracy_metric",
    "hw_column_header",
    "source_path",
]
SCORES = ["accuracy_float", "accuracy_hardware", "accuracy_degradation"]

COMPILERS = {"v3.33.0": "dfc-3.33.0", "v5.2.0": "dfc-5.2.0"}
# Marks of the networks in the vendor's benchmark and in its application suites: those were compiled in performance mode.
MODES = {"": "", "rocket": ";mode=performance", "star": ";mode=performance", "rocket star": ";mode=performance"}
METRICS = {"Accuracy (top1)": "top1_percent"}
MISLEADING = "Hardware Degradation"
ERROR_TASKS = ("depth estimation", "facial landmark detection", "stereo depth estimation")
# On Hailo-8 its float score is 42.37 and its loss -4.73, on Hailo-8L its score 42.37; on Hailo-15 it goes from 48.3 to 47.1.
DOUBTFUL = ("yolov4_leaky",)


def read(folder):
    """Every row of the tables as `measurements` (frames/s)."""
    frame = tidy.read_upstream(folder / FILE, [*TEXTS, *SCORES, "batch_size", "throughput_per_s"])
    for column in SCORES:
        frame[column] = tidy.number(frame, column, FILE, minimum=-100.0)
    frame["variant_note"] = frame["variant_note"].fillna("")
    accuracy = _accuracy(frame)
    before = accuracy.pop("accuracy_float").map("accuracy_float={:g};".format, na_action="ignore").fillna("")
    rows = pd.DataFrame(
        {
            "source_id": SOURCE,
            "source_ref": frame["source_path"],
            "model_name": frame["model"],
            "variant": before + "layers=mostly int8" + tidy.mapped(frame, "variant_note", MODES, FILE),
            "device_name": frame["device"],
            "device_count": 1,
            "runtime": "hailo",
            "runtime_version": tidy.mapped(frame, "compiler_version", COMPILERS, FILE),
            "tuning": "engine",
            "precision": "int8",
            "scenario": "concurrent_loop",
            "batch_size": tidy.count(frame, "batch_size", FILE, 1),
            "throughput_per_s": tidy.number(frame, "throughput_per_s", FILE),
            "throughput_unit": "samples",
            "evidence": "published",
        }
    )
    return {"measurements": pd.concat([rows, accuracy], axis=1)}


def _accuracy(frame):
    """Metric, accuracy on the chip and before quantisation, in the metric's own unit, and flags."""
    metric = _metric(frame)
    score, before, corrected = _scores(frame)
    known = metric.notna() & score.notna()
    doubtful = frame["model"].isin(DOUBTFUL) & frame["device"].isin(["Hailo-8", "Hailo-8L"])
    return pd.DataFrame(
        {
            "accuracy_metric": metric.where(known),
            "accuracy_value": tidy.significant(score.where(known)),
            "accuracy_float": before.where(known),
            "quality_flag": tidy.joined({"accuracy_corrected": known & corrected, "accuracy_doubtful": doubtful}),
        }
    )


def _scores(frame):
    """Score on the chip, score before quantisation, and where the first is not what its header says.

    Under "Hardware Degradation" stand three things. On Hailo-8 the loss; for four networks the score itself. On Hailo-8L the
    column before it holds the score on the chip, not that of the float network, and this one the same score less the loss
    once more: for 136 of 138 networks the score plus the difference of the two columns is, within 0.3, the float score of
    the other tables. For errors (lower is better) the tables of Hailo-8 subtract the loss instead of adding it: a landmark
    error of 3.68 became 3.32 there, and 4.03 or 4.04 on the other chips.
    """
    printed, misleading = frame["accuracy_float"], frame["hw_column_header"] == MISLEADING
    shifted = misleading & (frame["device"] == "Hailo-8L")
    mirrored = (frame["device"] == "Hailo-8") & frame["task"].isin(ERROR_TASKS)
    renamed = misleading & frame["accuracy_hardware"].notna()
    score = frame["accuracy_hardware"].fillna(printed - frame["accuracy_degradation"])
    score = score.mask(mirrored, 2 * printed - score).mask(shifted, printed)
    before = printed.mask(shifted)
    before = before.fillna(before.groupby(frame["model"]).transform("first"))
    return score, before, renamed | mirrored


def _metric(frame):
    """Name of the metric: that of the network, else of its task, in the tables of Hailo-15; the older ones give none or a wrong one."""
    named = frame["accuracy_metric"].where(frame["device"].str.startswith("Hailo-15"))
    of_model = named.groupby(frame["model"]).transform("first")
    of_task = named.groupby(frame["task"]).transform(lambda words: words.dropna().iloc[0] if words.nunique() == 1 else None)
    return of_model.fillna(of_task).map(_metric_word, na_action="ignore")


def _metric_word(name):
    return METRICS.get(name) or names.slug(name).replace("-", "_")
