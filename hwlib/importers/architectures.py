"""Operator counts of timm's networks, text encoders and YOLOv3; timm's networks keep the total work of timm's own files."""

import pandas as pd

from .. import schema
from . import tidy, timm

SOURCE = "architectures"
FOLDER = "architectures"
COLUMNS = ["architecture", "params_m", "gmacs_total"]
OPERATORS = [name for name in schema.OPERATORS.names if name not in ("model_id", "source_id")]


def read(folder):
    """Encoders by sequence length and YOLOv3 by image size as `models` (million parameters, GMAC); counts of all as `operators`."""
    text = _counts(folder / "nlp_architectures.csv", "sequence_length")
    image = _counts(folder / "yolov3.csv", "img_size")
    counted = [
        text.assign(model_id=text["architecture"] + "-seq" + text["size"]),
        image.assign(model_id=image["architecture"] + "-" + image["size"]),
        _timm(_counts(folder / "timm_architectures.csv", "img_size")),
    ]
    return {
        "models": pd.concat([_encoders(text), _detectors(image)], ignore_index=True),
        "operators": pd.concat(counted, ignore_index=True)[[*OPERATORS, "model_id"]].assign(source_id=SOURCE),
    }


def _timm(frame):
    """`frame` with the keys that timm's own importer gives."""
    return frame.assign(model_id=[timm.model_id(f"{name}@{size}") for name, size in zip(frame["architecture"], frame["size"], strict=True)])


def _counts(path, size):
    frame = tidy.read_upstream(path, [*COLUMNS, size, *OPERATORS])
    for column in ("params_m", "gmacs_total", *OPERATORS):
        read = tidy.count if column.startswith("ops_") else tidy.number
        frame[column] = read(frame, column, path.name)
    return frame.rename(columns={size: "size", "gmacs_total": "gmacs"})[["architecture", "size", "params_m", "gmacs", *OPERATORS]]


def _encoders(frame):
    return _models(frame, "-seq", " at {} tokens", "{} tokens", "language_understanding")


def _detectors(frame):
    return _models(frame, "-", " at {}", "3x{0}x{0}", "object_detection")


def _models(frame, mark, name, size, task):
    """`frame` as rows of `models`, with `name` and `size` as patterns for the input's size."""
    return pd.DataFrame(
        {
            "model_id": frame["architecture"] + mark + frame["size"],
            "name": frame["architecture"] + frame["size"].map(name.format),
            "family": frame["architecture"].str.split("-").str[0],
            "task": task,
            "params_m": frame["params_m"],
            "gmacs": frame["gmacs"],
            "input": frame["size"].map(size.format),
            "source_id": SOURCE,
        }
    )
