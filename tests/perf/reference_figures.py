"""The project's own reference figures: `python tests/perf/reference_figures.py [--quick] [--out FOLDER]`, then `make data`.

Builds the fixed set of networks of `networks.py`, measures each with every runtime here over batch sizes and precisions, and writes
the rows with the machine's description into data/curated/own/. Rows of the same device and network are replaced, others stay.
Run it on a machine that does nothing else: rows flagged busy_machine or wide_runs are not worth keeping, and are counted at the end.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import onnx
import pandas as pd
from networks import NETWORKS

from hwlib import data, schema
from hwlib.measuring import machine, runtimes, session, subject
from hwlib.tables import write_csv

SOURCE = "hwlib-own"
FOLDER = Path(__file__).resolve().parents[2] / "data" / "curated" / "own"
PRECISIONS = ("fp32", "bf16", "int8")
FULL = {"batch_sizes": (1, 4, 16), "seconds": 4.0}
QUICK = {"batch_sizes": (1,), "seconds": 0.5}
# What the tables of others do not describe.
TITLES = {"lstm-2x256-seq100": ("LSTM, 2 layers of 256, 100 steps of 40 features", "lstm", "speech_recognition")}


def measure(name, folder, settings):
    """Rows of `measurements`, `devices` and `models` of the network `name`."""
    path = folder / f"{name}.onnx"
    onnx.save(NETWORKS[name](), path)
    precisions = [word for word in PRECISIONS if any(runtimes.able(runtime, word, "fp32") for runtime in runtimes.installed())]
    done = session.run(path, precisions=precisions, name=name, out=folder / f"{name}.csv", progress=told(name), **settings)
    print("\n".join(done.notes), file=sys.stderr)
    kinds = done.rows["runtime"].map(lambda runtime: runtimes.RUNTIMES[runtime].device_class)
    devices = {kind: machine.device(machine.describe(), kind) for kind in kinds.unique()}
    rows = done.rows.assign(
        source_id=SOURCE,
        measurement_id=done.rows["measurement_id"].str.replace("my-", f"{SOURCE}-", n=1),
        model_id=name,
        model_name=name,
        device_id=done.rows["device_id"].str.removeprefix("my-"),
        variant=[f"{cell};values=random" if pd.notna(cell) else "values=random" for cell in done.rows["variant"]],
    )
    fresh = [row | {"device_id": row["device_id"].removeprefix("my-"), "source_id": SOURCE} for row, known in devices.values() if not known]
    return {"measurements": rows, "devices": pd.DataFrame(fresh), "models": models(name, path)}


def models(name, path):
    """The row of `models` of a network that no other source describes; none for the others."""
    if name not in TITLES:
        return pd.DataFrame()
    title, family, task = TITLES[name]
    row = subject.look_at(path, {}, (1,), name)[0].model
    return pd.DataFrame([row | {"model_id": name, "name": title, "family": family, "task": task, "source_id": SOURCE}])


def told(name):
    """Says on the terminal how far it is."""
    return lambda done, total, what: print(f"{name}: {done}/{total} {what}", file=sys.stderr, flush=True)


def keep(found, folder):
    """Merge the rows `found` (by table) into the files of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    replaced = {"measurements": ["device_id", "model_id"], "devices": ["device_id"], "models": ["model_id"]}
    for name, frame in found.items():
        if len(frame):
            path = folder / f"{name}.csv"
            write_csv(merged(schema.conform(frame, name), path, name, replaced[name]), path)


def merged(frame, path, name, keys):
    """The rows of the file `path` but for those that `frame` has anew, and `frame`, as table `name`."""
    if path.exists():
        old = schema.conform(pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""]), name)
        gone = old.set_index(keys).index.isin(frame.set_index(keys).index)
        frame = pd.concat([old[~gone], frame], ignore_index=True)
    return schema.validate(frame, name).sort_values(list(schema.table(name).key))


def main():
    """Measure, keep what is done after each network, and say how much of it is in doubt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="half a second each, at batch size 1: to see that it works")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--networks", default=",".join(NETWORKS), help="names with commas between them")
    options = parser.parse_args()
    settings, doubtful, count = QUICK if options.quick else FULL, 0, 0
    for name in options.networks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(name, Path(folder), settings)
        keep(found, options.out)
        doubtful += int(found["measurements"]["quality_flag"].notna().sum())
        count += len(found["measurements"])
        data.load.cache_clear()
    print(f"{count} rows in {options.out.name}/, {doubtful} of them flagged")


if __name__ == "__main__":
    main()
