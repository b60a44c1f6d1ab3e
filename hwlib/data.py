"""Loading the project's tables as plain DataFrames, with errors that name file, line and column."""

import functools
import os
from pathlib import Path

import pandas as pd

from . import schema
from .errors import HwlibError, unknown
from .tables import read_tables, read_user_table

KEPT_RESULTS = 64
_HERE = Path(__file__).resolve().parent
_WAYS_OUT = {
    "model": "`hwlib models` lists them.",
    "device": "`hwlib devices` lists them.",
    "source": "`hwlib sources` lists them.",
}


def data_dir():
    """Folder of the committed tables: beside the package in a checkout, inside it when installed from a wheel."""
    beside = _HERE.parent / "data"
    return beside if (beside / "curated").is_dir() else _HERE / "data"


def load_sources():
    """Every publisher of figures, with version, licence and credit: table `sources`.

    >>> load_sources().set_index("source_id").loc["timm", "licence"]
    'Apache-2.0'
    """
    return load("sources")


def load_device_classes():
    """Strengths, weaknesses and uses of each class of hardware: table `device_classes`.

    >>> "fpga" in set(load_device_classes()["device_class"])
    True
    """
    return load("device_classes")


def load_devices(device=None, **where):
    """Devices with data-sheet figures (W, GB, GB/s, TFLOPS, TOPS): table `devices`.

    Parameters
    ----------
    device : str or list of str, optional
        `device_id` wanted.
    **where
        Any column of the table = the value or list of values wanted.

    Raises
    ------
    HwlibError
        For an unknown device or column.

    >>> load_devices("nvidia-t4")["tdp_w"].item()
    70.0
    """
    return _select(load("devices"), "devices", {"device_id": device, **where})


def load_models(model=None, **where):
    """Networks with parameters (million) and work per sample (GMAC): table `models`.

    Parameters
    ----------
    model : str or list of str, optional
        `model_id` wanted.
    **where
        Any column of the table = the value or list of values wanted.

    Raises
    ------
    HwlibError
        For an unknown model or column.

    >>> load_models("resnet50")["gmacs"].round(1).item()
    4.1
    """
    return _select(load("models"), "models", {"model_id": model, **where})


def load_measurements(model=None, device=None, **where):
    """Measured figures (per second, ms, W), one a row, all sources in one frame: table `measurements`.

    Parameters
    ----------
    model, device : str or list of str, optional
        `model_id` and `device_id` wanted.
    **where
        Any column of the table = the value or list of values wanted, such as ``scenario="offline"``.

    Raises
    ------
    HwlibError
        For an unknown model, device, column, or word of a column with a fixed vocabulary.

    >>> rows = load_measurements("resnet50", "nvidia-t4", scenario="offline", source_id="mlperf-v0.7", submitter="NVIDIA", device_count=1)
    >>> float(rows["throughput_per_s"].max())
    6035.57
    """
    return _select(load("measurements"), "measurements", {"model_id": model, "device_id": device, **where})


def load_llm_serving(model=None, device=None, **where):
    """Served language models: time to first token (ms), time per output token (ms) and tokens per second: table `llm_serving`.

    Parameters
    ----------
    model, device : str or list of str, optional
        `model_id` and `device_id` wanted.
    **where
        Any column of the table = the value or list of values wanted, such as ``mode="aggregated"``.

    Raises
    ------
    HwlibError
        For an unknown model, device, column, or word of a column with a fixed vocabulary.

    >>> served = load_llm_serving("llama-2-70b", "nvidia-b200-sxm")
    >>> bool(served["output_tokens_per_s"].max() > 100_000)
    True
    """
    return _select(load("llm_serving"), "llm_serving", {"model_id": model, "device_id": device, **where})


def load_prices(device=None, **where):
    """Hourly prices of machines (USD/h) as of a stated day: table `prices`.

    Parameters
    ----------
    device : str or list of str, optional
        `device_id` wanted.
    **where
        Any column of the table = the value or list of values wanted.

    Raises
    ------
    HwlibError
        For an unknown device, column, or word of a column with a fixed vocabulary.

    >>> load_prices("nvidia-t4", provider="aws", instance_type="g4dn.xlarge", pricing="on_demand")["usd_per_hour"].item()
    0.526
    """
    return _select(load("prices"), "prices", {"device_id": device, **where})


def load_grid(**where):
    """Carbon intensity of electricity (g CO2e per kWh) by region: table `grid_carbon`.

    Parameters
    ----------
    **where
        Any column of the table = the value or list of values wanted.

    >>> load_grid(region="FRA")["gco2e_per_kwh"].item() < load_grid(region="POL")["gco2e_per_kwh"].item()
    True
    """
    return _select(load("grid_carbon"), "grid_carbon", where)


def find_model(name):
    """The `model_id` that `name` means: the id itself or a spelling of one of the sources.

    Raises
    ------
    HwlibError
        For a name nobody uses, with the nearest known ones.

    >>> find_model("bert-99"), find_model("ResNet50")
    ('bert-large', 'resnet50')
    """
    known = _model_ids()
    wanted = str(name).strip().lower()
    if wanted in known:
        return wanted
    aliases = load("model_aliases")
    meant = aliases.loc[aliases["alias"].str.lower() == wanted, "model_id"].unique()
    if len(meant) == 1:
        return meant[0]
    raise unknown("model", name, known, _WAYS_OUT["model"])


@functools.cache
def load(name):
    """Table `name`, whole: the committed rows with the user's own layered over them; read once a process.

    A row of the user's replaces the committed one with the same key.

    Raises
    ------
    HwlibError
        For an unknown table, or a file that is missing or damaged.

    >>> load("device_classes")["device_class"].is_unique
    True
    """
    committed = read_tables(committed_paths(data_dir(), name), name)
    own = [read_user_table(path, name) for path in user_paths(user_dir(), name)]
    if not own:
        return committed
    return pd.concat([committed, *own]).drop_duplicates(list(schema.table(name).key), keep="last", ignore_index=True)


def remembered(*names):
    """Decorator: results are kept by arguments for as long as `load` gives the very same tables `names`.

    The newest results only, so that a walk over all models does not fill the memory. What is kept is shared: never change it in place.
    """

    def decorate(function):
        results, tables = {}, []

        @functools.wraps(function)
        def call(*args):
            current = [load(name) for name in names]
            if len(tables) != len(current) or any(old is not new for old, new in zip(tables, current, strict=True)):
                results.clear()
                tables[:] = current
            if args not in results:
                if len(results) >= KEPT_RESULTS:
                    results.pop(next(iter(results)))
                results[args] = function(*args)
            return results[args]

        return call

    return decorate


@remembered("models")
def _model_ids():
    return frozenset(load("models")["model_id"])


def user_dir():
    """Folder of the user's own tables: the environment variable HWLIB_DATA, else the platform's place for user data."""
    # Imported here: a place that nobody asks about need not be looked up.
    import platformdirs

    return Path(os.environ.get("HWLIB_DATA") or platformdirs.user_data_path("hwlib", appauthor=False))


def committed_paths(folder, name):
    """The files of table `name` in the data folder `folder`: one, or one a source for measurements."""
    if name != "measurements":
        return [folder / f"{schema.table(name).name}.csv"]
    paths = sorted((folder / name).glob("*.csv"))
    if not paths:
        raise HwlibError(f"no measurements in {folder.name}/measurements; `make data` rebuilds the tables")
    return paths


def user_paths(folder, name):
    """The user's files of table `name`: <name>.csv or .parquet, and any in a folder of that name."""
    found = [*folder.glob(f"{name}.*"), *(folder / name).glob("*.*")]
    return sorted(path for path in found if path.suffix in (".csv", ".parquet"))


def _select(frame, name, where):
    """The rows of `frame` whose columns hold the wanted values; a wanted value nobody has is an error."""
    for column, wanted in where.items():
        schema.table(name).column(column)
        if wanted is None:
            continue
        values = [wanted] if isinstance(wanted, str | int | float) else list(wanted)
        _check_known(frame, name, column, values)
        frame = frame[frame[column].isin(values)]
    # A new frame each time: what a caller changes stays with the caller (copy-on-write makes it free).
    return frame.reset_index(drop=True)


def _check_known(frame, name, column, wanted):
    argument, known = column.removesuffix("_id"), frame[column]
    if column in ("model_id", "device_id"):
        known = load("models" if column == "model_id" else "devices")[column]
    elif allowed := schema.table(name).column(column).allowed:
        known = pd.Series(allowed)
    elif not column.endswith("_id"):
        return
    for value in wanted:
        if value not in set(known.dropna()):
            raise unknown(argument, value, known.dropna().unique(), _WAYS_OUT.get(argument, ""))
