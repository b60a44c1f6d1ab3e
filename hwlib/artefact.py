"""The fitted arrays on disk: one npz file of plain numbers and bytes, stamped with the hash of the tables that it was fitted on."""

import functools
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from . import data
from .errors import HwlibError

FILE = "estimator.npz"
# The tables that the fit reads.
FITTED_ON = ("devices", "measurements", "models", "operators")
# The code that shapes the arrays.
FITTED_BY = ("features", "datasheet", "measured_cells", "roofline", "training")


def stamp_of(folder):
    """SHA-256 of the committed tables in `folder` that the fit reads and of the code that fits, as hexadecimal text."""
    digest = hashlib.sha256()
    for name in FITTED_BY:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    for name in FITTED_ON:
        for path in data.committed_paths(folder, name):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def save(art, stamp, path):
    """Write the fitted arrays `art` with the hash `stamp` to `path`."""
    flat = {}
    _flatten(art | {"stamp": pd.Index([stamp])}, "", flat)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **flat)
    temporary.replace(path)


@functools.cache
def load(path=None):
    """The fitted arrays of `path` (the project's own if not given) as a dict; read once a process.

    Raises
    ------
    HwlibError
        Where the file is missing or damaged.
    """
    path = path or data.data_dir() / FILE
    try:
        with np.load(path) as file:
            return _nested({name: file[name] for name in file.files})
    except (OSError, ValueError, KeyError) as error:
        raise HwlibError(f"{path.name}: cannot be read ({error}); `make data` fits it anew") from None


def _flatten(value, name, flat):
    """Put `value` into `flat` as arrays: a dict by its keys, a pandas object by its parts."""
    if isinstance(value, dict):
        for key, part in value.items():
            _flatten(part, f"{name}/{key}" if name else key, flat)
    elif isinstance(value, pd.Index):
        flat[f"{name}@index"] = np.frombuffer("\n".join(map(str, value)).encode(), dtype=np.uint8)
    elif isinstance(value, pd.Series | pd.DataFrame):
        _flatten(value.index, name, flat)
        if value.ndim == 2:
            _flatten(pd.Index(value.columns), f"{name}@columns", flat)
        flat[f"{name}@values"] = value.to_numpy(dtype=float)
    else:
        flat[name] = np.asarray(value)


def _nested(flat):
    art = {}
    for name, value in flat.items():
        if name.endswith(("@values", "@columns@index")) or (name.endswith("@index") and f"{name.removesuffix('@index')}@values" in flat):
            continue
        _put(art, name.removesuffix("@index"), _words(value) if name.endswith("@index") else value)
    for name in flat:
        if name.endswith("@values"):
            _put(art, name.removesuffix("@values"), _frame(flat, name.removesuffix("@values")))
    return art


def _frame(flat, name):
    values, index = flat[f"{name}@values"], _words(flat[f"{name}@index"])
    if values.ndim == 1:
        return pd.Series(values, index=index)
    return pd.DataFrame(values, index=index, columns=_words(flat[f"{name}@columns@index"]))


def _put(art, name, value):
    *path, last = name.split("/")
    for key in path:
        art = art.setdefault(key, {})
    art[last] = value


def _words(raw):
    return pd.Index(raw.tobytes().decode().split("\n"), dtype="object")
