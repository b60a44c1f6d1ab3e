"""Broken versions of a file, for property tests of the readers: cut, wrongly encoded, with cells or columns spoilt, lost or doubled."""

import csv
import io
import json

from hypothesis import strategies as st

from hwlib import schema
from hwlib.errors import HwlibError

ODD_NUMBERS = ("NaN", "inf", "-inf", "-1", "-0.5", "0", "0.5", "1.5", "1e308", "1e999", "9" * 400, "1_000", "1,5", "٣", "1.2.3", "0x10")
ODD_WORDS = (
    "",
    " ",
    "None",
    "N/A",
    "=cmd()",
    '=HYPERLINK("x")',
    "+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "<b>T4</b>",
    "../../etc",
    "\x00",
)
WORDS = st.sampled_from(ODD_NUMBERS + ODD_WORDS) | st.text(max_size=12)
JSON_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.lists(st.integers(), max_size=2)
SPOILT_BYTES = (b"\xff", b"\x00", b'"', b"\n", b",", "é".encode("latin-1"))


@st.composite
def broken_csv(draw, text):
    """Bytes of the CSV `text` with up to three faults."""
    rows = list(csv.reader(io.StringIO(text)))
    for _ in range(draw(st.integers(1, 3))):
        draw(st.sampled_from((_spoil_cell, _spoil_cell, _spoil_cell, _lose_column, _double_column, _double_row, _lose_cell)))(draw, rows)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return draw(_bytes(out.getvalue()))


@st.composite
def broken_json(draw, text):
    """Bytes of the JSON `text`, a list of objects, with up to three faults."""
    rows = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        key = draw(st.sampled_from(sorted(row) or ["x"]))
        fault = draw(st.sampled_from(("spoil", "spoil", "lose", "double")))
        if fault == "spoil":
            row[key] = draw(JSON_VALUES)
        elif fault == "lose":
            row.pop(key, None)
        else:
            rows.append(dict(row))
    return draw(_bytes(json.dumps(rows)))


def outcome(read, table):
    """Whether `read` "refused" with `HwlibError` or "read" rows that pass validation; any other error passes through."""
    try:
        frame = read()
    except HwlibError:
        return "refused"
    validated(frame, table)
    return "read"


def validated(frame, table):
    """`frame` as an importer reads it, with the keys that `build` would add, after validation as `table`."""
    own = {"measurement_id": "m-" + frame.index.astype("str")} if table == "measurements" else {}
    own |= {"serving_id": "s-" + frame.index.astype("str")} if table == "llm_serving" else {}
    frame = frame.assign(**own, **({"model_id": "any"} if own else {}))
    return schema.validate(schema.conform(frame, table), table)


@st.composite
def _bytes(draw, text):
    raw = text.encode("utf-8", "surrogatepass")
    how = draw(st.sampled_from(("whole", "whole", "whole", "cut", "spoilt", "utf-16")))
    if how == "utf-16":
        return text.encode("utf-16", "surrogatepass")
    place = draw(st.integers(0, len(raw)))
    if how == "cut":
        return raw[:place]
    return raw[:place] + draw(st.sampled_from(SPOILT_BYTES)) + raw[place:] if how == "spoilt" else raw


def _spoil_cell(draw, rows):
    row = rows[draw(st.integers(0, len(rows) - 1))]
    if row:
        row[draw(st.integers(0, len(row) - 1))] = draw(WORDS)


def _lose_cell(draw, rows):
    row = rows[draw(st.integers(0, len(rows) - 1))]
    if row:
        row.pop(draw(st.integers(0, len(row) - 1)))


def _lose_column(draw, rows):
    place = draw(st.integers(0, len(rows[0])))
    for row in rows:
        del row[place : place + 1]


def _double_column(draw, rows):
    place = draw(st.integers(0, len(rows[0])))
    for row in rows:
        row[place:place] = row[place : place + 1]


def _double_row(draw, rows):
    rows.append(list(rows[draw(st.integers(0, len(rows) - 1))]))
