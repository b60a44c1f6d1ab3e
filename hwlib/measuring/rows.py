"""Runs as rows of the tables, and the rows in the user's data folder."""

import datetime
import os
from pathlib import Path

import pandas as pd

from .. import data, schema, units
from ..errors import HwlibError
from ..tables import slug, write_csv

SOURCE = "my-measurements"
CREDIT = {"publisher": "you", "title": "Measured with hwlib measure", "licence": "not stated", "citation": "Own measurements."}
SOURCE_ROW = {"source_id": SOURCE, **CREDIT}
# LoadGen's names of what a latency column holds, and of the least number of calls behind which a percentile says anything.
LATENCIES = {
    "latency_ms_mean": ("mean_latency_ns", 1),
    "latency_ms_p50": ("50.00_percentile_latency_ns", 1),
    "latency_ms_p90": ("90.00_percentile_latency_ns", 10),
    "latency_ms_p95": ("95.00_percentile_latency_ns", 20),
    "latency_ms_p99": ("99.00_percentile_latency_ns", 100),
}


def model_id(name):
    """The key of the user's own network called `name`, told from every published one.

    >>> model_id("resnet50"), model_id("my model")
    ('my-resnet50', 'my-model')
    """
    key = slug(name)
    if not key:
        raise HwlibError(f"name {name!r}: expected letters or digits")
    return key if key.startswith("my-") else f"my-{key}"


def check_model(row):
    """Raise `HwlibError` if the tables know another network under the key of the model `row`."""
    known = data.load("models")
    for other in known[known["model_id"] == row["model_id"]].itertuples():
        same = all(abs(getattr(other, name) - row[name]) <= 1e-3 * row[name] for name in ("params_m", "gmacs"))
        if not same or other.input != row["input"]:
            raise HwlibError(
                f"{row['model_id']} is already a network of {other.params_m:g} M parameters and {other.gmacs:g} GMACs at {other.input}; "
                "give this one another name with --name"
            )


def check_place(folder):
    """Raise `HwlibError` if nothing can be written into `folder`, or it cannot be made: better before hours of measuring than after."""
    there = next(place for place in [Path(folder).resolve(), *Path(folder).resolve().parents] if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise HwlibError(f"{folder}: {there} is no folder that can be written to")


def latencies(figures):
    """The latency columns (ms) from LoadGen's `figures`, those that enough calls stand behind."""
    calls = figures["query_count"]
    return {column: units.ns_to_ms(figures[name]) for column, (name, least) in LATENCIES.items() if calls >= least}


def table(cells, model, file):
    """The `cells` of each run (dicts) as rows of `measurements` of the network `model`, a row of `models`, read from `file`, in words."""
    now = datetime.datetime.now()
    frame = pd.DataFrame(cells)
    common = {"model_id": model["model_id"], "model_name": model["name"], "measured_on": f"{now:%Y-%m-%d}", "node_count": 1}
    common |= {"throughput_unit": "samples", "evidence": "own", "source_id": SOURCE}
    keys = [f"{model['model_id']}-{now:%Y%m%d-%H%M%S-%f}-{number:03}" for number in range(1, len(frame) + 1)]
    frame = frame.assign(**common, measurement_id=keys, source_ref=f"{file}; " + frame["source_ref"])
    return _checked(frame, "measurements")


def save(frame, model, devices, operators):
    """Put the rows `frame` and what they point to into the user's data folder, all checked before the first is written; returns the paths.

    Parameters
    ----------
    frame : DataFrame
        Rows of `measurements`.
    model : dict
        A row of `models`.
    devices : list of dict
        Rows of `devices` that no table has.
    operators : DataFrame
        The work in the network by kind of operator; kept as architectures/<model_id>.csv.
    """
    folder, key = data.user_dir(), model["model_id"]
    parts = {
        folder / "sources" / f"{SOURCE}.csv": ("sources", [SOURCE_ROW]),
        folder / "models" / f"{key}.csv": ("models", [model]),
        **{folder / "devices" / f"{device['device_id']}.csv": ("devices", [device]) for device in devices},
    }
    finished = {path: _checked(pd.DataFrame(part).assign(source_id=SOURCE), name) for path, (name, part) in parts.items()}
    finished[folder / "measurements" / f"{frame['measurement_id'].iloc[0]}.csv"] = frame
    finished[folder / "architectures" / f"{key}.csv"] = operators.assign(architecture=key)
    for path, part in finished.items():
        write(part, path)
    data.load.cache_clear()
    return list(finished)


def _checked(frame, name):
    return schema.validate(schema.conform(frame, name), name)


def write(frame, path):
    """Write `frame` to the CSV file `path`, whole or not at all; its folder is made.

    Raises
    ------
    HwlibError
        Where it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_csv(frame, path)
    except OSError as error:
        raise HwlibError(f"{path} could not be written: {error.strerror}") from None
