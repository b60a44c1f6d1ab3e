"""The data descriptor: `datapackage.json` (Frictionless Data Package) and `data/README.md`, both made from `schema`."""

import hashlib
import json

from . import columns, schema

TITLE = "Inference Hardware Workbook: measured figures, devices, models and prices"


def descriptor(folder, sources):
    """The Frictionless descriptor of the tables in `folder` as a dict; `sources` is the table of that name."""
    return {
        "profile": "tabular-data-package",
        "name": "inference-hardware-workbook",
        "title": TITLE,
        "sources": [
            {"title": f"{row.publisher}: {row.title}", "path": row.url_path, "version": row.version}
            for row in sources.fillna("").itertuples()
        ],
        "licenses": [{"name": "other-at-source", "title": "facts from many publishers: sources.csv states the licence of each"}],
        "resources": [_resource(folder, path) for path in table_paths(folder)],
    }


def table_paths(folder):
    """Every committed table file of `folder`, sorted, as paths relative to it."""
    single = [folder / f"{name}.csv" for name in schema.TABLES if name != "measurements"]
    return [path.relative_to(folder) for path in sorted([*single, *(folder / "measurements").glob("*.csv")])]


def table_of(path):
    """Name of the table that the file at `path` (relative to the data folder) belongs to."""
    return "measurements" if path.parts[0] == "measurements" else path.stem


def write(folder, sources):
    """Write `datapackage.json` and `README.md` into `folder`."""
    package = descriptor(folder, sources)
    (folder / "datapackage.json").write_text(json.dumps(package, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(readme(package, sources), encoding="utf-8")


def _resource(folder, path):
    raw = (folder / path).read_bytes()
    tab = schema.table(table_of(path))
    return {
        "profile": "tabular-data-resource",
        "name": "-".join(path.with_suffix("").parts).replace("_", "-"),
        "path": path.as_posix(),
        "title": tab.meaning,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(raw),
        "hash": "sha256:" + hashlib.sha256(raw).hexdigest(),
        "schema": {"fields": [_field(column) for column in tab.columns], "primaryKey": list(tab.key), "missingValues": [""]},
    }


def _field(column):
    constraints = {"required": column.required or None, "enum": list(column.allowed) or None}
    constraints |= {"minimum": column.minimum, "maximum": column.maximum}
    field = {"name": column.name, "type": column.type, "description": column.meaning}
    if column.unit:
        field["unit"] = column.unit
    kept = {key: value for key, value in constraints.items() if value is not None}
    return field | ({"constraints": kept} if kept else {})


def readme(package, sources):
    """`data/README.md` as text: what each table is, every column, every source with its licence."""
    lines = [
        "# Data",
        "",
        "Generated from `hwlib/schema.py` and `datapackage.json` by `make data`; do not edit by hand.",
        "What is kept by hand stands in `curated/`; all other tables are built from the sources by `hwlib/importers/`.",
        "Figures are facts and keep their credit in `sources.csv`; an empty cell means unknown.",
        "",
    ]
    for tab in schema.TABLES.values():
        lines += [f"## {tab.name}", "", tab.meaning, "", f"Key: {', '.join(f'`{name}`' for name in tab.key)}.", ""]
        lines += ["| column | type | unit | meaning |", "|---|---|---|---|", *map(_column_line, tab.columns), ""]
    lines += ["## Words of `quality_flag`", "", *(f"- `{word}`: {meaning}" for word, meaning in columns.QUALITY_FLAGS.items()), ""]
    lines += ["## Files", "", "| file | bytes |", "|---|---|"]
    lines += [f"| `{part['path']}` | {part['bytes']:,} |" for part in package["resources"]]
    lines += ["", "## Sources", "", "| source | publisher | version | licence |", "|---|---|---|---|"]
    lines += [f"| `{row.source_id}` | {row.publisher} | {row.version} | {row.licence} |" for row in sources.fillna("").itertuples()]
    return "\n".join(lines) + "\n"


def _column_line(column):
    allowed = f" One of: {', '.join(column.allowed)}." if column.allowed else ""
    return f"| `{column.name}` | {column.type} | {column.unit} | {column.meaning}.{allowed} |"
