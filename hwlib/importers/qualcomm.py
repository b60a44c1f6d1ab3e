"""Qualcomm's AI Hub: one measurement a model (or part of one), precision, chip and runtime; language models are left to their own table.

A chip's NPU, GPU and CPU are devices of their own, and the unit that ran most layers is taken as the one that worked. A part of a split
network carries the part in its name and has a key of its own, so that it is never read as the whole.
"""

import pandas as pd

from .. import units
from . import tidy

SOURCE = "qualcomm-ai-hub"
FOLDER = "qualcomm-ai-hub"
FILE = "qualcomm_ai_hub_perf.csv"
SCORES_FILE = "qualcomm_ai_hub_accuracy.csv"

TEXTS = ["device", "chipset", "compute_unit", "model", "model_id", "component", "precision", "runtime", "qairt_version", "source_path"]
LAYERS = {"NPU": "layers_npu", "GPU": "layers_gpu", "CPU": "layers_cpu"}
SCORES = ["model_id", "chipset", "precision", "runtime", "metric", "unit", "accuracy_reference", "accuracy_on_device"]
# What a row's run is known by; upstream scores exactly one chip.
RUN = ["model_id", "chipset", "precision", "runtime"]
FINEST_MS = 0.001

# Mixed precision goes by the type of the weights, the narrower operand of the multiplication: w8a16 counts as INT8. There is no
# word for 16-bit integers. On a chip's GPU or CPU the source does not say what a model was turned into, so it stays open there.
ON_NPU = {
    "float": "fp16",
    "w8a8": "int8",
    "w8a8_mixed_int16": "int8",
    "w8a16": "int8",
    "w8a16_mixed_int16": "int8",
    "w8a16_mixed_fp16": "int8",
    "w16a16": "",
}
RUNTIMES = {
    "tflite": "tflite",
    "qnn_dlc": "qnn-dlc",
    "qnn_context_binary": "qnn-context-binary",
    "onnx": "onnxruntime",
    "precompiled_qnn_onnx": "onnxruntime-qnn-context",
}
# Metric / unit -> our name, which says the unit. The masked-word scores are shares although their unit reads %.
METRICS = {
    "Classification Accuracy / %": "top1_percent",
    "Colorfulness / ": "colorfulness",
    "Delta Threshold Accuracy / δ1": "delta1_percent",
    "Mean Angular Error / MAE (Degrees)": "mean_angular_error_deg",
    "Mean Average Precision / mAP": "map_percent",
    "Mean Average Precision / mAP@0.5:0.95": "map_50_95_percent",
    "Mean Intersection Over Union / mIOU": "miou_percent",
    "Normalized Mean Error / NME": "nme",
    "Peak Signal-to-Noise Ratio (PSNR) / dB": "psnr_db",
    "Structural Similarity / SSIM": "ssim",
    "Top-1 Masked LM Accuracy / %": "masked_lm_top1",
}
# Every figure of this chip's stand-in is that of another board of the list, to the last digit: it was that board that ran.
STAND_IN, BOARD = "qualcomm-qcs8275-proxy", "qualcomm-sa7255p"


def read(folder):
    """Every profiled run as `measurements` (ms a call, calls/s computed from them), with the score of the same run where there is one."""
    frame = tidy.read_upstream(folder / FILE, [*TEXTS, "latency_ms", "layers_total", *LAYERS.values()])
    frame[TEXTS] = frame[TEXTS].fillna("")
    latency = tidy.number(frame, "latency_ms", FILE, FINEST_MS)
    elsewhere = _layers_elsewhere(frame)
    rows = pd.DataFrame(
        {
            "source_id": SOURCE,
            "source_ref": frame["source_path"],
            "model_name": (frame["model"] + " " + frame["component"]).str.strip(),
            "variant": _variant(frame, elsewhere),
            "device_name": frame["chipset"] + " " + frame["compute_unit"],
            "device_count": 1,
            "system": frame["device"],
            "runtime": tidy.mapped(frame, "runtime", RUNTIMES, FILE),
            "runtime_version": frame["qairt_version"].where(frame["runtime"].str.startswith("qnn")),
            "tuning": (frame["compute_unit"] == "NPU").map({True: "engine", False: "graph"}),
            "precision": tidy.mapped(frame, "precision", ON_NPU, FILE).where(frame["compute_unit"] == "NPU"),
            "scenario": "batch_loop",
            "batch_size": 1,
            "concurrency": 1,
            "throughput_per_s": tidy.significant(units.MS_PER_S / latency),
            "throughput_unit": "samples",
            "latency_ms_mean": latency,
            "evidence": "published",
            "quality_flag": _flags(frame, elsewhere > 0),
        }
    )
    rows[["accuracy_metric", "accuracy_value"]] = _scores(frame, folder)
    return {"measurements": rows.mask(rows == "")}


def _layers_elsewhere(frame):
    """How many layers of each row's network ran on another unit than the one it is counted for."""
    total = tidy.number(frame, "layers_total", FILE)
    own = pd.DataFrame({unit: tidy.number(frame, column, FILE) for unit, column in LAYERS.items()})
    unit = tidy.mapped(frame, "compute_unit", {unit: unit for unit in LAYERS}, FILE)
    return total - sum(own[name].where(unit == name, 0) for name in LAYERS)


def _variant(frame, elsewhere):
    """Quantisation, the vendor's compiler where it is not the runtime itself, and the layers that ran on another unit."""
    words = "quant=" + frame["precision"]
    beneath = ~frame["runtime"].str.startswith("qnn") & (frame["qairt_version"] != "")
    words = words.mask(beneath, words + ";qairt=" + frame["qairt_version"])
    share = elsewhere.astype("int64").astype("str") + "of" + frame["layers_total"]
    return words.mask(elsewhere > 0, words + ";layers_elsewhere=" + share)


def _flags(frame, mixed):
    run = ["model_id", "component", "precision", "runtime", "latency_ms"]
    twins = frame[frame["chipset"].isin((STAND_IN, BOARD))]
    repeated = twins.duplicated(run, keep=False).reindex(frame.index, fill_value=False)
    words = {
        "throughput_from_latency": pd.Series(True, index=frame.index),
        "device_proxy": frame["chipset"].str.endswith("-proxy"),
        "repeated_upstream": repeated & (frame["chipset"] == STAND_IN),
        "partly_elsewhere": mixed,
    }
    return tidy.joined(words)


def _scores(frame, folder):
    """Metric and score of each row's run; a network whose reference itself scores nothing was not evaluated rightly."""
    scores = tidy.read_upstream(folder / SCORES_FILE, SCORES)
    tidy.refuse(scores, RUN[0], scores.duplicated(RUN), SCORES_FILE, "each scored run once")
    scores["value"] = tidy.number(scores, "accuracy_on_device", SCORES_FILE)
    scores["metric"] = scores["metric"] + " / " + scores["unit"].fillna("")
    scores["metric"] = tidy.mapped(scores, "metric", METRICS, SCORES_FILE)
    scores = scores[tidy.number(scores, "accuracy_reference", SCORES_FILE) > 0]
    found = frame[RUN].merge(scores[[*RUN, "metric", "value"]], on=RUN, how="left", validate="many_to_one")
    return found[["metric", "value"]].where(frame["component"] == "").to_numpy()
