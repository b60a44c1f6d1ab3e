"""Table files: read strictly, CSV or Parquet in, a frame of the schema out, or an error with file, line and column; written in one form."""

import csv
import re

import pandas as pd

from . import schema
from .errors import HwlibError

MAX_BYTES = 100_000_000
SIGNIFICANT_DIGITS = 10
_ARROW_TYPES = {"string": "string", "integer": "int64", "number": "float64", "date": "timestamp[s]"}


def read_table(path, name):
    """The committed CSV file `path` as table `name`: its columns in order, its dtypes; see `read_tables`."""
    return read_tables([path], name)


def read_tables(paths, name):
    """The committed CSV files `paths` as one table `name`: its columns in order, its dtypes.

    Raises
    ------
    HwlibError
        Naming file, line, column and what was expected, where a file is cut short or holds another type.
    """
    # Imported here: a tenth of a second that `hwlib --help` need not pay.
    import pyarrow

    whole = pyarrow.concat_tables([_arrow(path, schema.table(name)) for path in paths])
    # One conversion that frees as it goes: half the memory of joining frames.
    return whole.to_pandas(types_mapper={pyarrow.int64(): pd.Int64Dtype()}.get, self_destruct=True, split_blocks=True)


def write_csv(frame, path):
    """Write `frame` to `path` in the project's one format: UTF-8, \\n, shortest number text, dates as YYYY-MM-DD."""
    write_text(frame.to_csv(index=False, lineterminator="\n", float_format=_shortest, date_format="%Y-%m-%d"), path)


def write_text(text, path):
    """Write `text` to `path`, whose folder is made if missing, whole or not at all; an error where that cannot be."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8", newline="")
        temporary.replace(path)
    except OSError as error:
        raise HwlibError(f"{path} cannot be written: {error.strerror}") from None


def slug(text):
    """`text` in lower case with words joined by single hyphens; dots stay between digits.

    >>> slug("Xeon Platinum 8480+ (2 sockets)"), slug("Llama-3.1 8B")
    ('xeon-platinum-8480-2-sockets', 'llama-3.1-8b')
    """
    text = re.sub(r"[^a-z0-9.]+", "-", str(text).lower())
    return re.sub(r"(?<!\d)\.|\.(?!\d)", "-", text).strip("-").replace("--", "-")


def _arrow(path, tab):
    import pyarrow
    import pyarrow.csv

    types = {column.name: _ARROW_TYPES[column.type] for column in tab.columns}
    convert = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=True)
    try:
        arrow = pyarrow.csv.read_csv(path, convert_options=convert, read_options=pyarrow.csv.ReadOptions(use_threads=False))
    except FileNotFoundError:
        raise HwlibError(f"{path.name}: no such file in {path.parent.name}/; `make data` rebuilds the tables") from None
    except pyarrow.ArrowInvalid as error:
        _rows(path, tab, whole=True)
        raise HwlibError(f"{path.name}: {error}") from None
    if arrow.column_names != tab.names or not _ends_with_newline(path):
        _rows(path, tab, whole=True)
    return arrow


def read_user_table(path, name):
    """The user's CSV or Parquet file `path` as table `name`; columns may be missing and in any order, every row is validated.

    Raises
    ------
    HwlibError
        Naming file, line, column and what was expected. Nothing of a faulty file is taken.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise HwlibError(f"{path.name}: {size:,} bytes; expected at most {MAX_BYTES:,}, so split it")
    frame = _parquet(path) if path.suffix == ".parquet" else _csv(path, name)
    try:
        return schema.validate(schema.conform(frame, name), name)
    except HwlibError as error:
        raise HwlibError(f"{path.name}, {str(error).removeprefix(name + ', ')}") from None


def _parquet(path):
    import pyarrow

    try:
        return pd.read_parquet(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise HwlibError(f"{path.name}: expected a Parquet file: {error}") from None


def _csv(path, name):
    """Text cells of a CSV file: users' files are small, and their faults are many, so each cell is looked at."""
    header, rows = _rows(path, schema.table(name), whole=False)
    return pd.DataFrame([[cell or None for cell in row] for row in rows], columns=header, dtype="str")


def _ends_with_newline(path):
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"


def _rows(path, tab, whole):
    """Header and rows of the CSV file `path` as text; an error at its first fault.

    Parameters
    ----------
    path : Path
        Read whole and checked cell by cell: slow, so only asked where a fast read failed or the file is a user's.
    tab : schema.Table
    whole : bool
        Whether it must have just the columns of `tab` in their order; any of them will do otherwise.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise HwlibError(f"{path.name}, line {line}: expected UTF-8 text, found byte {raw[error.start]:#04x}") from None
    lines = csv.reader(text.splitlines())
    header = next(lines, [])
    (_check_whole if whole else _check_part)(path, header, tab)
    columns = [tab.column(name) for name in header]
    rows = []
    for row in lines:
        fault = _row_fault(row, columns)
        if fault:
            raise HwlibError(f"{path.name}, line {lines.line_num}, {fault}")
        rows.append(row)
    if not text.endswith("\n"):
        raise HwlibError(f"{path.name}, line {lines.line_num}: the file ends in the middle of a line")
    return header, rows


def _check_whole(path, header, tab):
    expected = tab.names
    if header != expected:
        wrong = next((i for i, name in enumerate(expected) if i >= len(header) or header[i] != name), len(expected))
        wanted = expected[wrong] if wrong < len(expected) else "no further column"
        found = header[wrong] if wrong < len(header) else "nothing"
        raise HwlibError(f"{path.name}, line 1, column {wrong + 1}: expected {wanted}, found {found}")


def _check_part(path, header, tab):
    if not header or len(set(header)) < len(header):
        raise HwlibError(f"{path.name}, line 1: expected names of columns, each once")
    for name in header:
        try:
            tab.column(name)
        except HwlibError as error:
            raise HwlibError(f"{path.name}, line 1: {error}") from None


def _row_fault(row, columns):
    for column, cell in zip(columns, row, strict=False):
        if cell and not _fits(cell, column.type):
            return f"column {column.name}: expected {column.type}, found {cell!r}"
    if len(row) != len(columns):
        where = columns[min(len(row), len(columns) - 1)].name
        return f"column {where}: expected {len(columns)} cells, found {len(row)}"
    return ""


def _fits(cell, kind):
    try:
        {"integer": int, "number": float, "date": pd.Timestamp, "string": str}[kind](cell)
    except ValueError:
        return False
    return True


def _shortest(value):
    return f"{value:.{SIGNIFICANT_DIGITS}g}"
