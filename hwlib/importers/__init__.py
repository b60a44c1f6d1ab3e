"""Importers: one module a source, upstream format -> tidy tables; `build` turns them all into `data/`.

The contract of a module here:

- ``SOURCE``: its short name, which is also the `source` of its rows in `model_aliases`;
- ``FOLDER``: its folder under the sources;
- ``read(folder) -> dict[str, DataFrame]``: table name -> rows with columns of that table in `hwlib.schema`. Rows of
  `measurements` and `llm_serving` carry `model_name` and `device_name` as the source spells them, and neither `model_id`,
  `device_id` nor a key: `build` adds those;
- ``model_id(model_name) -> str`` (optional): the rule for names that `data/curated/model_names.csv` does not list.

`read` raises `HwlibError` naming file, line, column and value, and touches nothing but its folder.
"""

import hashlib
import importlib
import pkgutil
from pathlib import Path

import pandas as pd

from .. import check, package, schema
from ..tables import read_table
from . import names, own, tidy

# What makes a row the same row when its figures are corrected upstream: all but the figures themselves.
IDENTITY = {
    "measurements": (
        *("source_ref", "model_name", "variant", "device_name", "device_count", "runtime", "runtime_version", "tuning", "precision"),
        *("scenario", "batch_size", "concurrency"),
    ),
    "llm_serving": (
        *("source_ref", "model_name", "device_name", "device_count", "runtime", "runtime_version", "precision", "mode", "parallelism"),
        *("input_tokens", "output_tokens", "scenario", "concurrency"),
    ),
}


# Tables that no source gives: `make bench` measures them and a build carries them over.
MEASURED_HERE = ("estimate_error",)


def importers():
    """Every importer module of this package, by name; found by walking it, so that none is forgotten."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "SOURCE"):
            found[module.SOURCE] = module
    return found


def build(sources, data, out=None):
    """Write every table of `schema.TABLES` from the `sources` folder and `data`/curated; returns the tables.

    Parameters
    ----------
    sources : path
        Folder with one folder a source.
    data : path
        The project's data folder, whose `curated` holds what is kept by hand.
    out : path, optional
        Where the tables go; `data` if not given.
    """
    sources, data = Path(sources), Path(data)
    read = {name: module.read(sources / module.FOLDER) for name, module in importers().items()}
    read[own.NAME] = own.read(data / "curated" / own.NAME)
    curated = names.load_curated(data / "curated")
    tables = assemble(read, curated) | {name: read_table(data / f"{name}.csv", name) for name in MEASURED_HERE}
    for name, frame in tables.items():
        tables[name] = tidy.finish(frame, name)
    check.check_references(tables)
    tidy.write(tables, Path(out or data))
    package.write(Path(out or data), tables["sources"])
    return tables


def assemble(read, curated):
    """All tables from what the importers `read` and what is `curated` by hand; not yet sorted or validated."""
    devices = names.combine(curated["devices"], [part["devices"] for part in read.values() if "devices" in part], "device_id")
    aliases = names.device_aliases(devices, curated["device_names"], [p["device_aliases"] for p in read.values() if "device_aliases" in p])
    measurements, spelled = identified("measurements", read, curated, aliases)
    serving, spelled_serving = identified("llm_serving", read, curated, aliases)
    models = names.combine(curated["models"], [part["models"] for part in read.values() if "models" in part], "model_id")
    prices = pd.concat([part["prices"] for part in read.values() if "prices" in part], ignore_index=True)
    kept = {*measurements["model_id"], *serving["model_id"]}
    operators = pd.concat([part["operators"] for part in read.values() if "operators" in part])
    return {
        "sources": curated["sources"],
        "device_classes": curated["device_classes"],
        "devices": devices,
        "device_aliases": aliases,
        "models": models[models["model_id"].isin(kept)],
        "model_aliases": pd.concat([spelled, spelled_serving]).drop_duplicates(),
        "operators": operators[operators["model_id"].isin(kept)],
        "measurements": measurements,
        "llm_serving": serving,
        "prices": names.with_device_ids(prices, aliases, cpu_column="host_cpu"),
        "grid_carbon": pd.concat([part["grid_carbon"] for part in read.values() if "grid_carbon" in part]),
    }


def identified(table, read, curated, aliases):
    """The rows of `table` that the importers `read`, each with its key, `model_id` and `device_id`; and what the models are called."""
    frames, spellings = [], []
    for source, part in read.items():
        if table in part:
            frame = names.with_model_ids(part[table], source, curated["model_names"], importers().get(source, own))
            spellings.append(frame[["model_name", "model_id"]].drop_duplicates().assign(source=source))
            frames.append(schema.conform(names.with_device_ids(frame, aliases), table))
    rows = pd.concat(frames, ignore_index=True)
    (key,) = schema.table(table).key
    rows[key] = row_ids(rows, IDENTITY[table])
    return rows, pd.concat(spellings).rename(columns={"model_name": "alias"})


def row_ids(frame, identity):
    """A stable key for each row: its source and eight hex digits of its `identity` columns, with a count for repeats."""
    text = frame[list(identity)].astype("str").fillna("").agg("|".join, axis=1)
    digest = text.map(lambda row: hashlib.sha256(row.encode()).hexdigest()[:8])
    keys = frame["source_id"] + "-" + digest
    repeat = keys.groupby(keys).cumcount()
    return keys.where(repeat == 0, keys + "-" + (repeat + 1).astype("str"))
