"""Reading upstream CSV strictly, and writing our own tables in one sorted, stable form."""

import csv
import io
from pathlib import Path

import pandas as pd

from .. import schema, units
from ..errors import HwlibError, unknown
from ..tables import write_csv

LARGEST_COUNT = 10_000_000
LARGEST_NUMBER = 1e18  # nanoseconds of thirty years: the largest thing that any source counts


def read_upstream(path, columns):
    """The upstream CSV `path` as a text frame, after checking that it has `columns` and that no line is cut short.

    Cells stay text (empty ones are missing), so that each importer converts with `number`, which can name a bad cell.

    Raises
    ------
    HwlibError
        With file, line and what was expected.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HwlibError(f"{path.name}: cannot be read as UTF-8 text: {error}") from None
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, [])
        missing = [column for column in columns if column not in header]
        if missing:
            raise HwlibError(f"{path.name}, line 1: missing column {', '.join(missing)}")
        twice = [column for column in header if header.count(column) > 1]
        if twice:
            raise HwlibError(f"{path.name}, line 1: column {twice[0]} stands twice")
        rows = []
        for row in lines:
            if len(row) != len(header):
                raise HwlibError(f"{path.name}, line {lines.line_num}: expected {len(header)} cells, found {len(row)}")
            rows.append(row)
    except csv.Error as error:
        raise HwlibError(f"{path.name}, line {lines.line_num}: {error}") from None
    if not rows:
        raise HwlibError(f"{path.name}, line 2: expected a row below the header")
    frame = pd.DataFrame(rows, columns=header, dtype="str")
    return frame.mask(frame == "")


def number(frame, column, file, minimum=0.0):
    """The text `column` of `frame` as finite numbers not below `minimum`; empty stays missing.

    Raises
    ------
    HwlibError
        With file, line, column and value.
    """
    text = frame[column].str.replace(",", "", regex=False)
    values = pd.to_numeric(text, errors="coerce").astype("float64")
    bad = (text.notna() & values.isna()) | (values < minimum) | (values == float("inf"))
    refuse(frame, column, bad, file, f"a number of at least {minimum:g}")
    refuse(frame, column, values > LARGEST_NUMBER, file, f"a number of at most {LARGEST_NUMBER:g}")
    return values


def count(frame, column, file, minimum=0):
    """The text `column` of `frame` as whole numbers from `minimum` to `LARGEST_COUNT`; empty stays missing."""
    values = number(frame, column, file, minimum)
    refuse(frame, column, (values % 1 > 0) | (values > LARGEST_COUNT), file, f"a whole number of at most {LARGEST_COUNT:,}")
    return values


def refuse(frame, column, faulty, file, expected):
    """Raise `HwlibError` with file, line, column and value at the first row of the text `frame` where `faulty` holds."""
    if faulty.any():
        row = int(faulty.to_numpy(dtype=bool).argmax())
        given = frame[column].iloc[row]
        found = "nothing" if pd.isna(given) else repr(given)
        raise HwlibError(f"{file}, line {row + 2}, column {column}: expected {expected}, found {found}")


def refuse_active(frame, columns, file):
    """Raise `HwlibError` where the text `columns` would act as a formula in a spreadsheet, as markup, or as a terminal's control."""
    for column in columns:
        active = frame[column].str.contains(schema.HOSTILE_TEXT, na=False)
        refuse(frame, column, active, file, "a name that is no formula and holds no markup")


def mapped(frame, column, words, file):
    """The text `column` of `frame` translated by the dict `words`.

    Raises
    ------
    HwlibError
        With file, line and column where a word is not among `words`.
    """
    strange = ~frame[column].isin(list(words))
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise unknown(f"word in {file}, line {row + 2}, column {column}:", frame[column].iloc[row], words)
    return frame[column].map(words)


def significant(values, digits=6):
    """`values` rounded to `digits` significant digits: timings carry no more.

    >>> significant(pd.Series([0.123456789, 98765.4321])).tolist()
    [0.123457, 98765.4]
    """
    return values.map(lambda value: float(f"{value:.{digits}g}"), na_action="ignore")


def joined(words):
    """For each row the `words` whose mask holds, joined by ;, or nothing.

    >>> joined({"inferred": pd.Series([True, True, False]), "wide_runs": pd.Series([False, True, False])}).fillna("-").tolist()
    ['inferred', 'inferred;wide_runs', '-']
    """
    cells = pd.Series("", index=next(iter(words.values())).index)
    for word, holds in words.items():
        cells = cells.mask(holds, cells + ";" + word)
    return cells.str.removeprefix(";").replace("", pd.NA)


def calls_in_flight(rows):
    """Calls in flight on average over a run: throughput (1/s) x mean latency (ms) / batch, by Little's law; no batch counts as one.

    >>> calls_in_flight(pd.DataFrame({"throughput_per_s": [800.0], "latency_ms_mean": [10.0], "batch_size": [4]})).tolist()
    [2.0]
    """
    return rows["throughput_per_s"] * rows["latency_ms_mean"] / units.MS_PER_S / rows["batch_size"].fillna(1)


def finish(frame, name):
    """`frame` as table `name`: its columns and dtypes, sorted by key, validated."""
    frame = schema.conform(frame, name)
    frame = frame.sort_values(list(schema.table(name).key), na_position="first", ignore_index=True)
    return schema.validate(frame, name)


def write(tables, folder):
    """Write `tables` as CSV under `folder`; measurements go one file a source, into `measurements/`."""
    (folder / "measurements").mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        if name == "measurements":
            for source, part in frame.groupby("source_id", sort=True):
                write_csv(part, folder / "measurements" / f"{source}.csv")
        else:
            write_csv(frame, folder / f"{name}.csv")
