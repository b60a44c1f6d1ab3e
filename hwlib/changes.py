"""Which figures changed between two data folders."""

from pathlib import Path

import pandas as pd

from . import data, schema
from .errors import HwlibError
from .tables import read_tables

COLUMNS = ("table", "key", "column", "old", "new")


def diff(old, new):
    """Every cell that differs between the data folders `old` and `new`, one a row: table, key, column, old, new.

    A row that only one folder has counts once, with column "(row)" and "there" on its side.

    Parameters
    ----------
    old, new : path
        Folders laid out as the project's `data`.

    Raises
    ------
    HwlibError
        Where a folder is none, or one of its tables is damaged.
    """
    parts = [_changed(name, *(_read(Path(folder), name) for folder in (old, new))) for name in schema.TABLES]
    return pd.concat(parts, ignore_index=True)


def _read(folder, name):
    if not folder.is_dir():
        raise HwlibError(f"{folder} is not a folder")
    frame = read_tables(data.committed_paths(folder, name), name)
    keys = frame[list(schema.table(name).key)].astype("str").fillna("")
    return frame.set_index(keys.agg(" | ".join, axis=1))


def _changed(name, old, new):
    """The differing cells of one table, given both versions with the key as index."""
    gone, come = old.index.difference(new.index), new.index.difference(old.index)
    parts = [_whole_rows(name, gone, "there", None), _whole_rows(name, come, None, "there")]
    both = old.index.intersection(new.index)
    old, new = old.loc[both], new.loc[both]
    for column in schema.table(name).names:
        before, after = old[column], new[column]
        differs = ~((before == after) | (before.isna() & after.isna())).fillna(False).astype(bool)
        cells = {"old": before[differs].astype("str"), "new": after[differs].astype("str")}
        parts.append(pd.DataFrame({"table": name, "key": both[differs], "column": column} | cells))
    return pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=list(COLUMNS))], ignore_index=True)


def _whole_rows(name, keys, old, new):
    return pd.DataFrame({"table": name, "key": keys, "column": "(row)", "old": old, "new": new}, columns=list(COLUMNS))
