"""timm's published inference runs: thirteen files of PyTorch timings, and each network's work and accuracy."""

import re

import pandas as pd

from ..errors import HwlibError
from . import names, tidy

SOURCE = "timm"
FOLDER = "timm"

FILE_NAME = re.compile(
    r"benchmark-infer-(?P<recipe>amp|amp_bf16|bf16|fp32)-(?P<layout>nchw|nhwc)-pt(?P<torch>\d{3})"
    r"-(?:cu\d+|cpu)-(?P<device>\w+)(?P<dynamo>-dynamo)?\.csv"
)
RUN_COLUMNS = ["model", "infer_img_size", "infer_samples_per_sec", "infer_step_time", "infer_batch_size", "param_count"]
WORK_COLUMNS = ["infer_gmacs", "infer_macts"]

# The file's word for the numeric recipe -> precision of the matrix work, and how the network got there.
RECIPES = {"amp": ("fp16", "autocast"), "amp_bf16": ("bf16", "autocast"), "bf16": ("bf16", "cast"), "fp32": ("fp32", "")}

# Networks of other sources that timm measures only with TensorFlow's padding, which changes neither weights nor work.
SHARED = {
    "tf_efficientnet_b4@380": "efficientnet-b4-380",
    "tf_mobilenetv3_large_minimal_100@224": "mobilenet-v3-large-minimalistic",
    "tf_mobilenetv3_small_minimal_100@224": "mobilenet-v3-small-minimalistic",
}
USUAL_SIZE = "224"
# First words that name an origin or a test size and not a family.
NO_FAMILY = ("tf", "test", "legacy", "dm", "nf", "ese", "eca", "wide")


def read(folder):
    """The timings of every benchmark file as `measurements` (images/s, ms), and what they say of each network as `models`."""
    paths = sorted(folder.glob("benchmark-infer-*.csv"))
    if not paths:
        raise HwlibError(f"{folder.name}: no benchmark-infer-*.csv found")
    runs = pd.concat([_run(path) for path in paths], ignore_index=True)
    accuracy = _accuracy(folder / "results-imagenet.csv")
    return {"measurements": _measurements(runs), "models": _models(runs, accuracy)}


def model_id(model_name):
    """The key of `model_name` (architecture@pixels); the usual 224 pixels are not said.

    >>> model_id("resnet50@224"), model_id("resnet50@288"), model_id("mobilenetv2_050@224"), model_id("vit_base_patch16_384@384")
    ('resnet50', 'resnet50-288', 'mobilenet-v2-0.5', 'vit-base-patch16-384')
    """
    if model_name in SHARED:
        return SHARED[model_name]
    architecture, size = model_name.split("@")
    key = _mobilenet(architecture) or names.slug(architecture).replace("mobilenetv", "mobilenet-v")
    return key if size == USUAL_SIZE or key.endswith(f"-{size}") else f"{key}-{size}"


def _mobilenet(architecture):
    """The key of a plain MobileNet v1 to v3, whose width other sources write as 0.5 and leave out at 1; else None."""
    found = re.fullmatch(r"mobilenet(v[123])(?:_(small|large))?_(\d{3})", architecture)
    if not found:
        return None
    version, kind, percent = found.groups()
    width = "" if percent == "100" else f"{int(percent) / 100:g}"
    return "-".join(part for part in ("mobilenet", version, kind, width) if part)


def family(architecture):
    """The family of an architecture: its first telling word without the depth.

    >>> [family(name) for name in ("resnet50", "tf_efficientnet_b4", "mobilenetv3_large_100", "res2net50_26w_4s")]
    ['resnet', 'efficientnet', 'mobilenetv3', 'res2net']
    """
    words = architecture.split("_")
    first = words[1] if words[0] in NO_FAMILY and len(words) > 1 else words[0]
    return re.sub(r"(?<!v)(\d\d+[a-z]{0,2}\d*|\d)$", "", first)


def _run(path):
    """One benchmark file as numbers, with what its name says of the run."""
    found = FILE_NAME.fullmatch(path.name)
    if not found:
        raise HwlibError(f"{path.name}: expected a name such as benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv")
    said = found.groupdict()
    # The oldest file has no counts of work.
    work = [] if said["torch"] == "221" else WORK_COLUMNS
    frame = tidy.read_upstream(path, RUN_COLUMNS + work)
    for column in RUN_COLUMNS[2:] + work:
        frame[column] = tidy.number(frame, column, path.name)
    frame["model_name"] = frame["model"] + "@" + frame["infer_img_size"]
    return frame.assign(file=path.name, **said)


def _measurements(runs):
    recipes = runs["recipe"].map(RECIPES)
    recipe = recipes.str[1].map(lambda word: f"recipe={word}" if word else "")
    layout = runs["layout"].map({"nchw": "", "nhwc": "layout=nhwc"})
    return pd.DataFrame(
        {
            "source_id": SOURCE,
            "source_ref": runs["file"],
            "model_name": runs["model_name"],
            "variant": (recipe + ";" + layout).str.strip(";").replace("", pd.NA),
            "device_name": runs["device"],
            "device_count": 1,
            "runtime": "pytorch",
            "runtime_version": runs["torch"].map(".".join),
            "tuning": runs["dynamo"].map(lambda word: "compiled" if word == "-dynamo" else "eager"),
            "precision": recipes.str[0],
            "scenario": "batch_loop",
            "batch_size": runs["infer_batch_size"],
            "concurrency": 1,
            "throughput_per_s": runs["infer_samples_per_sec"],
            "throughput_unit": "samples",
            "latency_ms_mean": runs["infer_step_time"],
            "evidence": "published",
        }
    )


def _models(runs, accuracy):
    """One row a network; a few were counted anew between releases, so the newest PyTorch's file speaks first."""
    newest = runs.sort_values("torch", ascending=False, kind="stable").groupby("model_name").first().reset_index()
    pixels = newest["infer_img_size"]
    top1 = newest["model_name"].map(accuracy)
    suffix = pixels.map(lambda size: "" if size == USUAL_SIZE else f" at {size}")
    return pd.DataFrame(
        {
            "model_id": newest["model_name"].map(model_id),
            "name": newest["model"] + suffix,
            "family": newest["model"].map(family),
            "task": "image_classification",
            "params_m": newest["param_count"],
            "gmacs": newest["infer_gmacs"],
            "mactivations": newest["infer_macts"],
            "input": "3x" + pixels + "x" + pixels,
            "accuracy_metric": top1.map(lambda percent: "top1_percent", na_action="ignore"),
            "accuracy_value": top1,
            "source_id": SOURCE,
        }
    )


def _accuracy(path):
    """Best top-1 accuracy in % over all published weights, by architecture@pixels."""
    frame = tidy.read_upstream(path, ["model", "img_size", "top1"])
    names_at = frame["model"].str.split(".").str[0] + "@" + frame["img_size"]
    return tidy.number(frame, "top1", path.name).groupby(names_at).max()
