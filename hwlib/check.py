"""`hwlib data check`: every row of every committed table held against the schema, and what the tables cover."""

import hashlib
import json

import pandas as pd

from . import columns, data, package, schema
from .errors import HwlibError
from .tables import read_table


def check():
    """A page of text on what the tables cover, after every check has passed.

    Raises
    ------
    HwlibError
        At the first fault: a changed or missing file, a value out of its range, a key that leads nowhere.
    """
    folder = data.data_dir()
    check_files(folder)
    tables = {name: data.load(name) for name in schema.TABLES}
    for name, frame in tables.items():
        schema.validate(frame, name)
    check_references(tables)
    return coverage(tables)


def check_files(folder):
    """Raise `HwlibError` if a file of `folder` is missing, cut short or changed since its descriptor was made."""
    described = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    for part in described:
        path = folder / part["path"]
        if not path.exists():
            raise HwlibError(f"{part['path']}: missing; `make data` rebuilds the tables")
        raw = path.read_bytes()
        if part["hash"] != "sha256:" + hashlib.sha256(raw).hexdigest():
            read_table(path, package.table_of(path.relative_to(folder)))
            raise HwlibError(f"{part['path']}: {len(raw):,} bytes that differ from the {part['bytes']:,} described in datapackage.json")


def check_references(tables):
    """Raise `HwlibError` if a key of one table is missing in the table it points to."""
    known_sources = set(tables["sources"]["source_id"])
    for name, frame in tables.items():
        for column, target in schema.table(name).references.items():
            _refuse(f"{name}.{column}", target, set(frame[column].dropna()) - set(tables[target][schema.table(target).key[0]]))
        if "source_id" in frame:
            used = {part for cell in frame["source_id"].unique() for part in cell.split("+")}
            _refuse(f"{name}.source_id", "sources", used - known_sources)
        if name in ("measurements", "llm_serving"):
            used = {word for cell in frame["quality_flag"].dropna().unique() for word in cell.split(";")}
            _refuse(f"{name}.quality_flag", "the words of QUALITY_FLAGS", used - set(columns.QUALITY_FLAGS))


def _refuse(place, target, missing):
    if missing:
        raise HwlibError(f"{place}: not in {target}: {', '.join(sorted(missing)[:10])} ({len(missing)} in all)")


def coverage(tables):
    """Rows, devices by class, models by task, gaps, and the share of rows told apart by source, as text."""
    rows = tables["measurements"]
    devices, models = tables["devices"], tables["models"]
    measured = devices[devices["device_id"].isin(rows["device_id"])]
    gaps = {column: int(measured[column].isna().sum()) for column in ("tdp_w", "memory_bandwidth_gb_s", "fp16_tflops", "int8_tops")}
    lines = [f"{name:15} {len(frame):7,} rows" for name, frame in tables.items()]
    lines += ["", _block("devices by class, those with measurements", measured["device_class"].value_counts())]
    lines += ["", _block("models by task", models["task"].value_counts())]
    lines += ["", _block("rows by evidence", rows["evidence"].value_counts())]
    lines += ["", _block(f"of {len(measured)} measured devices, without", pd.Series(gaps))]
    lines += ["", _block(f"of {len(models)} measured models, without", models[["gmacs", "params_m"]].isna().sum())]
    return "\n".join([*lines, "", *_resolved(rows, tables["device_aliases"]), "", "all checks passed"])


def _resolved(rows, aliases):
    """Lines with the share of rows by source whose device is known, and that whose device is known or deliberately none."""
    reasoned = rows["device_name"].isin(aliases.loc[aliases["reason"].notna(), "alias"])
    known = rows["device_id"].notna()
    shares = pd.DataFrame({"source": rows["source_id"], "known": known, "settled": known | reasoned})
    by_source = shares.groupby("source").agg(rows=("known", "size"), known=("known", "mean"), settled=("settled", "mean"))
    by_source.loc["all"] = [len(rows), known.mean(), (known | reasoned).mean()]
    head = "share of rows by source whose device is known, and whose device is known or has a stated reason to be none"
    return [head, *(f"  {row.Index:16} {int(row.rows):7,} rows {row.known:8.1%} {row.settled:8.1%}" for row in by_source.itertuples())]


def _block(title, counts):
    return "\n".join([title, *(f"  {name:24} {count:6,}" for name, count in counts.items())])
