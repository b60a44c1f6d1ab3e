"""Figures of FPGAs: the boards of four releases of AMD's Vitis AI model zoo, and the one figure of InAccel's article."""

import pandas as pd

from .. import units
from ..errors import HwlibError
from . import tidy

SOURCE = "fpga"
FOLDER = "fpga"
ZOO = "vitis_ai_model_zoo.csv"
ARTICLE = "inaccel_article.csv"

TEXTS = [
    "device",
    "accelerator_config",
    "release",
    "model_name_original",
    "task",
    "framework",
    "precision",
    "threads",
    "accuracy_float",
    "accuracy_quantised",
    "source_path",
]
NUMBERS = {"throughput_per_s": "throughput_per_s", "latency_ms": "latency_ms_mean"}

# Oldest first: the newest release that shows a network on a board speaks for it.
RELEASES = {"Vitis AI 1.4.1": "1.4.1", "Vitis AI 2.5": "2.5", "Vitis AI 3.0": "3.0", "Vitis AI 3.5": "3.5"}
PRECISIONS = {"int8": "int8"}
# Host threads -> how requests arrived, and how many at a time; "multi" stands for as many as were fastest.
THREADS = {"single": ("batch_loop", 1), "20": ("concurrent_loop", 20), "multi": ("concurrent_loop", None)}

# Older names of a network -> the newest, which says what was pruned or on what it is built.
RENAMED = {
    "tf_RefineDet-Medical_EDD_320_320_9.83G": "tf_RefineDet-Medical_EDD_320_320_0.88_9.83G",
    "pt_OFA-resnet50_imagenet_160_160_1.8G": "pt_OFA-resnet50_imagenet_160_160_0.88_1.8G",
    # 24.62 of 48.88 billion operations are left: half, as its newer name says.
    "pt_OFA-yolo_coco_640_640_0.6_24.62G": "pt_OFA-yolo_coco_640_640_0.5_24.62G",
    "pt_SemanticFPN_cityscapes_256_512_10G": "pt_SemanticFPN-resnet18_cityscapes_256_512_10.56G",
}
# Part of a name: the share of operations pruned away, before the operations or the release.
PRUNED = r"_(0\.\d+)_(?:[\d.]+[GM]|3\.5)$"
# End of a name: operations and release, which differ for one network between releases.
COUNTED = r"(?:_[\d.]+[GM])?(?:_\d\.\d)?$"
SHARE = r"^(0\.\d+)(?:/0\.\d+)?$"
TOLERANCE = 0.1

DRUNET = "repeats the figure of DRUNet in the row above; the next release prints a twentieth of it"
RCAN = "is the figure of OFA-ResNet-50 on the same kernel; the release before prints 49.92"
UPSCALER = "more than the chip can compute, and over 100 times the figure of the VCK5000, which has the same chip"
POINT = "decimal point lost: the other networks run 2 to 3 times as fast as on the U200, which reaches 1129.2"
SWAPPED = "exchanged with its neighbour: on the other kernel the two networks reach 11.29 and 409.83"
POSE = "twice what the three cores can compute at their clock"
MEDIUM = "more than the 14.9 a second that the one core can compute at its clock, and three times the figure of the ZCU104's equal core"
# (release, device, model, figure printed) -> figure meant, nothing where that is unknown, and why.
CORRECTIONS = {
    ("1.4.1", "U250", "cf_inceptionv2_imagenet_224_224_4G", 23221.0): (2322.1, POINT),
    ("1.4.1", "ZCU102 rev 0432055-04", "cf_openpose_aichallenger_368_368_0.3_189.7G", 38.5): (None, POSE),
    ("2.5", "ZCU102 rev 0432055-04", "cf_openpose_aichallenger_368_368_0.3_189.7G", 38.5): (None, POSE),
    ("2.5", "U250", "cf_inceptionv2_imagenet_224_224_4G", 23221.0): (2322.1, POINT),
    ("2.5", "U50LV", "tf_mlperf_resnet34_coco_1200_1200_433G", 511.8): (14.11, SWAPPED),
    ("2.5", "U50LV", "tf_mlperf_resnet50_imagenet_224_224_8.19G", 14.11): (511.8, SWAPPED),
    ("2.5", "ZCU104", "tf_efficientdet-d2_coco_768_768_11.06G", 63.75): (None, DRUNET),
    ("2.5", "ZCU104", "tf_efficientdet-d2_coco_768_768_11.06G", 152.73): (None, DRUNET),
    ("3.0", "KV260", "pt_yolov6m_coco_640_640_82.4G", 18.07): (None, MEDIUM),
    ("3.0", "KV260", "pt_yolov6m_coco_640_640_82.4G", 20.12): (None, MEDIUM),
    ("3.0", "VCK5000", "pt_OFA-rcan_DIV2K_360_640_45.7G", 3182.58): (None, RCAN),
    ("3.0", "VCK190", "pt_xilinxSR_360_640_DIV2K_364.88G", 2171.43): (None, UPSCALER),
    ("3.0", "VCK190", "pt_xilinxSR_360_640_DIV2K_364.88G", 5443.07): (None, UPSCALER),
}


def read(folder):
    """Every figure as `measurements` (frames/s with the host's share of the work; ms a frame)."""
    return {"measurements": pd.concat([_zoo(folder / ZOO), _article(folder / ARTICLE)], ignore_index=True)}


def _zoo(path):
    raw = tidy.read_upstream(path, TEXTS + list(NUMBERS))
    raw["version"] = tidy.mapped(raw, "release", RELEASES, path.name)
    raw["network"] = raw["model_name_original"].replace(RENAMED)
    arrival = tidy.mapped(raw, "threads", THREADS, path.name)
    rows = pd.DataFrame({ours: tidy.number(raw, theirs, path.name) for theirs, ours in NUMBERS.items()})
    rows = rows.assign(
        source_id="vitis-ai-" + raw["version"],
        source_ref=raw["source_path"],
        model_name=raw["model_name_original"],
        variant=_variant(raw),
        device_name=raw["device"],
        device_count=1,
        runtime="vitis-ai",
        # The oldest boards were not measured again: their configuration still names the release that did.
        runtime_version=raw["accelerator_config"].str.extract(r" V([\d.]+)$")[0].fillna(raw["version"]),
        tuning="engine",
        precision=tidy.mapped(raw, "precision", PRECISIONS, path.name),
        scenario=arrival.str[0],
        batch_size=None,
        concurrency=arrival.str[1],
        throughput_unit="samples",
        accuracy_value=_top1(raw, "accuracy_quantised"),
        evidence="published",
    )
    rows["accuracy_metric"] = rows["accuracy_value"].map(lambda percent: "top1_percent", na_action="ignore")
    corrected = _correct(rows, raw, path.name)
    rows["quality_flag"] = _flags(rows, raw, corrected)
    return rows


def _variant(raw):
    """What pins a row apart as key=value; pruning here takes operations away, so it is no share of zero weights."""
    pruned = raw["network"].str.extract(PRUNED)[0].str.rstrip("0")
    top1 = _top1(raw, "accuracy_float").map("{:g}".format, na_action="ignore").astype("str")
    pairs = {"framework": raw["framework"], "kernel": raw["accelerator_config"], "threads": raw["threads"], "pruned": pruned}
    pairs["float_top1_percent"] = top1
    cells = pd.DataFrame({key: key + "=" + values for key, values in pairs.items()})
    return cells.apply(lambda row: ";".join(row.dropna()), axis=1)


def _top1(raw, column):
    """Top-1 accuracy on ImageNet in %; the metric of the other networks is not named, so they get none."""
    classifies = raw["model_name_original"].str.contains("_imagenet_") | (raw["task"] == "Image Classification")
    imagenet = classifies & ~raw["model_name_original"].str.contains("vehicle")
    share = raw[column].str.extract(SHARE)[0].astype("float64")
    return tidy.significant(share.where(imagenet) * units.PERCENT)


def _correct(rows, raw, file):
    """Make `CORRECTIONS` in `rows` and say which rows they are; one whose printed figure is gone from the source is an error."""
    corrected = pd.Series(False, index=rows.index)
    printed = rows["throughput_per_s"].copy()
    for (version, device, model, figure), (meant, reason) in CORRECTIONS.items():
        here = (raw["version"] == version) & (raw["device"] == device) & (raw["model_name_original"] == model) & (printed == figure)
        if not here.any():
            raise HwlibError(f"{file}, {version} {device} {model}: expected throughput_per_s {figure:g} to correct ({reason})")
        rows.loc[here, "throughput_per_s"] = meant
        corrected |= here
    return corrected


def _flags(rows, raw, corrected):
    network = raw["network"].str.replace(COUNTED, "", regex=True).str.lower()
    age = raw["version"].map(list(RELEASES.values()).index)
    newest = age.groupby([raw["device"], network]).transform("max")
    apart = (tidy.calls_in_flight(rows) - 1).abs() > TOLERANCE
    # Twenty threads wait for a frame, yet the time printed is that of about four frames at the rate printed.
    return tidy.joined(
        {
            "superseded": age < newest,
            "throughput_corrected": corrected,
            "throughput_latency_mismatch": apart | (raw["threads"] == "20"),
        }
    )


def _article(path):
    """InAccel's one figure, which its article gives as "up to"."""
    raw = tidy.read_upstream(path, ["device", "model", "precision", "batch_size", "throughput_per_s", "source_path"])
    return pd.DataFrame(
        {
            "source_id": "inaccel",
            "source_ref": raw["source_path"],
            "model_name": raw["model"],
            "device_name": raw["device"],
            "device_count": 1,
            "runtime": "inaccel",
            "tuning": "engine",
            "precision": tidy.mapped(raw, "precision", PRECISIONS, path.name),
            "scenario": "batch_loop",
            "batch_size": tidy.count(raw, "batch_size", path.name, 1),
            "throughput_per_s": tidy.number(raw, "throughput_per_s", path.name),
            "throughput_unit": "samples",
            "evidence": "published",
            "quality_flag": "upper_bound",
        }
    )
