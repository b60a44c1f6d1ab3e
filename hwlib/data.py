"""Loading the project's tables as plain DataFrames, with errors that name file, line and column."""

import csv
import functools
from pathlib import Path

import pandas as pd

from . import schema
from .errors import HwlibError, unknown

_HERE = Path(__file__).resolve().parent
_ARROW_TYPES = {"string": "string", "integer": "int64", "number": "float64", "date": "timestamp[s]"}
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
    known = set(load("models")["model_id"])
    wanted = str(name).strip().lower()
    if wanted in known:
        return wanted
    aliases = load("model_aliases")
    meant = aliases.loc[aliases["alias"].str.lower() == wanted, "model_id"].unique()
    if len(meant) == 1:
        return meant[0]
    raise unknown("model", name, known, _WAYS_OUT["model"])


def read_table(path, name):
    """The CSV file `path` as table `name`: its columns in order, its dtypes.

    Raises
    ------
    HwlibError
        Naming file, line, column and what was expected, where the file is cut short or holds another type.
    """
    # Imported here: a tenth of a second that `hwlib --help` need not pay.
    import pyarrow
    import pyarrow.csv

    tab = schema.table(name)
    types = {column.name: _ARROW_TYPES[column.type] for column in tab.columns}
    convert = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=True)
    try:
        arrow = pyarrow.csv.read_csv(path, convert_options=convert)
    except FileNotFoundError:
        raise HwlibError(f"{path.name}: no such file in {path.parent.name}/; `make data` rebuilds the tables") from None
    except pyarrow.ArrowInvalid as error:
        raise _diagnosis(path, tab) or HwlibError(f"{path.name}: {error}") from None
    if arrow.column_names != tab.names or not _ends_with_newline(path):
        raise _diagnosis(path, tab)
    return arrow.to_pandas(types_mapper={pyarrow.int64(): pd.Int64Dtype()}.get)


@functools.cache
def load(name):
    """Table `name` of the committed data, whole; read once a process.

    Raises
    ------
    HwlibError
        For an unknown table, or a file that is missing or damaged.

    >>> load("device_classes")["device_class"].is_unique
    True
    """
    schema.table(name)
    folder = data_dir()
    if name == "measurements":
        paths = sorted((folder / name).glob("*.csv"))
        if not paths:
            raise HwlibError(f"no measurements in {folder.name}/measurements; `make data` rebuilds the tables")
        return pd.concat([read_table(path, name) for path in paths], ignore_index=True)
    return read_table(folder / f"{name}.csv", name)


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


def _ends_with_newline(path):
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"


def _diagnosis(path, tab):
    """The first fault of the CSV file `path`, found line by line: slow, so only asked after a fast read failed."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return HwlibError(f"{path.name}, line {line}: expected UTF-8 text, found byte {raw[error.start]:#04x}")
    rows = csv.reader(text.splitlines())
    header = next(rows, [])
    if header != tab.names:
        wrong = next((i for i, name in enumerate(tab.names) if i >= len(header) or header[i] != name), len(tab.names))
        expected = tab.names[wrong] if wrong < len(tab.names) else "no further column"
        found = header[wrong] if wrong < len(header) else "nothing"
        return HwlibError(f"{path.name}, line 1, column {wrong + 1}: expected {expected}, found {found}")
    for row in rows:
        fault = _row_fault(row, tab)
        if fault:
            return HwlibError(f"{path.name}, line {rows.line_num}, {fault}")
    if not text.endswith("\n"):
        return HwlibError(f"{path.name}, line {rows.line_num}: the file ends in the middle of a line")
    return None


def _row_fault(row, tab):
    for column, cell in zip(tab.columns, row, strict=False):
        if cell and not _fits(cell, column.type):
            return f"column {column.name}: expected {column.type}, found {cell!r}"
    if len(row) != len(tab.columns):
        where = tab.names[min(len(row), len(tab.columns) - 1)]
        return f"column {where}: expected {len(tab.columns)} cells, found {len(row)}"
    return ""


def _fits(cell, kind):
    try:
        {"integer": int, "number": float, "date": pd.Timestamp, "string": str}[kind](cell)
    except ValueError:
        return False
    return True
