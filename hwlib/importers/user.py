"""`hwlib data import`: one file that a user fetched -> tables in the user's own folder, checked whole before anything is written.

Known are MLCommons' published summaries (`mlperf`), price catalogues of SkyPilot and gpuhunt, and our own tables by name, as CSV
or Parquet.
"""

import datetime
from pathlib import Path

import pandas as pd

from .. import data, importers, schema, tables
from ..errors import HwlibError, unknown
from . import mlperf_summary, names, price_catalogues, tidy

OWN_TABLES = tuple(name for name in schema.TABLES if name != "device_classes")
SOURCES = ("mlperf", "skypilot", "gpuhunt", *OWN_TABLES)
CREDITS = {
    "mlperf": (
        "MLCommons",
        "MLPerf Inference {version} results",
        "MLPerf Inference {version}, MLCommons. MLPerf is a trademark of MLCommons.",
    ),
    "skypilot-catalog": ("SkyPilot project", "SkyPilot catalogue", "Prices from the SkyPilot catalogue."),
    "gpuhunt": ("dstack", "gpuhunt catalogue", "Prices from gpuhunt by dstack."),
}


def import_file(source, place, out=None, *, provider=None, as_of=None, sha256=None):
    """Read `place` as `source` and write it as tables of the user's; returns the paths written and the devices not known.

    Parameters
    ----------
    source : str
        One of `SOURCES`.
    place : str or path
        A file, or an address that starts with http:// or https://.
    out : path, optional
        Folder for the tables; the user's own data folder if not given.
    provider : str, optional
        Of a SkyPilot catalogue, such as "aws"; the name of the file's folder if not given.
    as_of : str, optional
        Day of a price catalogue, YYYY-MM-DD; today if not given.
    sha256 : str, optional
        Checksum that a download must have.

    Returns
    -------
    paths : list of Path
    unknown : list of str
        Spellings of devices that no table knows; their rows carry no device until `device_aliases` has them.

    Raises
    ------
    HwlibError
        With file, line, column and value of what cannot be read; nothing is written then.
    """
    if source not in SOURCES:
        raise unknown("source", source, SOURCES)
    path = _fetched(str(place), sha256)
    if source in OWN_TABLES:
        found, strange = {source: tables.read_user_table(path, source)}, []
    else:
        found, strange = _read(source, path, provider or path.resolve().parent.name, _day(as_of))
    folder = Path(out) if out else data.user_dir()
    stem = names.slug(f"{source}-{path.stem}")
    return _write({folder / name / f"{stem}.csv": (name, frame) for name, frame in found.items() if len(frame)}), strange


def _fetched(place, sha256):
    """`place` as a file, downloaded into the cache of this user if it is an address."""
    if place.startswith(("http://", "https://")):
        import pooch

        try:
            return Path(pooch.retrieve(place, known_hash=sha256 and f"sha256:{sha256}", path=pooch.os_cache("hwlib")))
        except (OSError, ValueError) as error:
            raise HwlibError(f"{place}: could not be fetched: {error}") from None
    path = Path(place)
    if not path.is_file():
        raise HwlibError(f"{place}: no such file")
    if path.stat().st_size > tables.MAX_BYTES:
        raise HwlibError(f"{path.name}: {path.stat().st_size:,} bytes; expected at most {tables.MAX_BYTES:,}")
    return path


def _day(as_of):
    try:
        return f"{pd.Timestamp(as_of or datetime.date.today()):%Y-%m-%d}"
    except ValueError:
        raise HwlibError(f"as_of {as_of!r}: expected a day such as 2026-11-20") from None


def _read(source, path, provider, day):
    """The tables in `path`, names resolved, and the spellings of devices that are not known."""
    if source == "mlperf":
        return _measured(mlperf_summary.read_summary(path))
    prices = price_catalogues.read_skypilot(path, provider, day) if source == "skypilot" else price_catalogues.read_gpuhunt(path, day)
    prices, strange = _with_devices(prices, prices["device_name"])
    return {"prices": prices, "sources": _credits(prices["source_id"], day)}, strange


def _measured(rows):
    """MLPerf rows with keys; a network that no table knows gets a key from its name and a row of its own."""
    known = data.load("model_aliases").query("source == 'mlperf'").set_index("alias")["model_id"]
    ids = rows["model_name"].map(known).fillna(rows["model_name"].map(names.slug))
    rows, strange = _with_devices(rows.assign(model_id=ids), rows["device_name"])
    rows = schema.conform(rows, "measurements")
    rows["measurement_id"] = importers.row_ids(rows, importers.IDENTITY["measurements"])
    fresh = rows[~rows["model_id"].isin(data.load("models")["model_id"])].drop_duplicates("model_id")
    models = fresh[["model_id", "model_name", "source_id"]].rename(columns={"model_name": "name"}).assign(family="unknown", task="other")
    return {"measurements": rows, "models": models, "sources": _credits(rows["source_id"], None)}, strange


def _with_devices(rows, spelled):
    aliases = data.load("device_aliases").set_index("alias")["device_id"]
    strange = sorted(set(spelled.dropna()) - set(aliases.index))
    return rows.assign(device_id=spelled.map(aliases)), strange


def _credits(source_ids, day):
    """Rows of `sources` for those of `source_ids` that the table lacks."""
    rows = []
    for source_id in sorted({part for cell in source_ids.unique() for part in cell.split("+")} - set(data.load("sources")["source_id"])):
        kind = next(kind for kind in CREDITS if source_id.startswith(kind))
        version = source_id.removeprefix(kind).strip("-")
        publisher, title, credit = (text.format(version=version) for text in CREDITS[kind])
        rows.append(
            {"source_id": source_id, "publisher": publisher, "title": title, "version": version, "published_on": day}
            | {"licence": "not stated", "citation": credit}
        )
    return pd.DataFrame(rows, columns=schema.SOURCES.names)


def _write(parts):
    """Write each (table, frame) of `parts` by path, after all of them proved valid."""
    finished = {path: tidy.finish(frame, name) for path, (name, frame) in parts.items()}
    for path, frame in finished.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        tidy.write_csv(frame, path)
    data.load.cache_clear()
    return list(finished)
