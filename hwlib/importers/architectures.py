"""Operator counts of text encoders and YOLOv3, as `models`; timm's networks keep the counts of timm's own files."""

import pandas as pd

from . import tidy

SOURCE = "architectures"
FOLDER = "architectures"
COLUMNS = ["architecture", "params_m", "gmacs_total"]


def read(folder):
    """The counted encoders by sequence length and YOLOv3 by image size as `models` (million parameters, GMAC a sample)."""
    text = _counts(folder / "nlp_architectures.csv", "sequence_length")
    image = _counts(folder / "yolov3.csv", "img_size")
    return {"models": pd.concat([_encoders(text), _detectors(image)], ignore_index=True)}


def _counts(path, size):
    frame = tidy.read_upstream(path, [*COLUMNS, size])
    for column in ("params_m", "gmacs_total"):
        frame[column] = tidy.number(frame, column, path.name)
    return frame.rename(columns={size: "size", "gmacs_total": "gmacs"})[["architecture", "size", "params_m", "gmacs"]]


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
