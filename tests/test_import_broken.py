"""Every importer, given damaged files, refuses them by name or reads rows that keep to the schema; never another exception."""

import contextlib
import csv
import io
import shutil

import pytest
from broken_files import validated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwlib import HwlibError
from hwlib.importers import importers

ROWS = 25
CELLS = ["", "nan", "inf", "-1", "1e30", "fast", "=cmd()", "<b>x</b>", "\x1b[2J", "12;13", "0", "München", "x" * 5_000]


@pytest.fixture(scope="module", params=sorted(importers()))
def sample(request, sources, tmp_path_factory):
    """An importer with a small copy of its folder: the first rows of each file."""
    module = importers()[request.param]
    folder = tmp_path_factory.mktemp(module.FOLDER)
    for path in sorted((sources / module.FOLDER).iterdir()):
        if path.suffix == ".csv":
            rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))[: ROWS + 1]
            (folder / path.name).write_text(_text(rows), encoding="utf-8")
    return module, folder


def _text(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _damaged(draw, raw):
    """The bytes `raw` of a CSV file with one kind of damage."""
    kind = draw(st.sampled_from(["cut", "junk", "cell", "column", "row twice", "encoding", "empty"]))
    rows = list(csv.reader(io.StringIO(raw.decode())))
    at = draw(st.integers(0, len(raw)))
    if kind == "cut":
        return raw[:at]
    if kind == "junk":
        return raw[:at] + draw(st.binary(min_size=1, max_size=8)) + raw[at:]
    if kind == "encoding":
        return raw.decode().encode("utf-16")
    if kind == "empty":
        return b""
    row, column = draw(st.integers(1, max(1, len(rows) - 1))), draw(st.integers(0, len(rows[0]) - 1))
    if kind == "cell" and row < len(rows):
        rows[row][column] = draw(st.sampled_from(CELLS))
    if kind == "column":
        rows = [cells[:column] + cells[column + 1 :] for cells in rows]
    if kind == "row twice" and row < len(rows):
        rows.insert(row, rows[row])
    return _text(rows).encode()


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damage_is_refused_by_name_or_harmless(sample, tmp_path_factory, data):
    module, whole = sample
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(whole, folder, dirs_exist_ok=True)
    path = data.draw(st.sampled_from(sorted(folder.glob("*.csv"))))
    path.write_bytes(_damaged(data.draw, path.read_bytes()))
    with contextlib.suppress(HwlibError):
        for name, frame in module.read(folder).items():
            if not frame.empty and name != "models":
                validated(frame.reset_index(drop=True), name)
    shutil.rmtree(folder)
