"""A user's own tables: layered over the committed ones, CSV and Parquet, and refused whole where faulty."""

import contextlib

import pandas as pd
import pytest
from conftest import measured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hwlib as hw
from hwlib import HwlibError, data, schema, tables

OWN = measured(
    measurement_id="own-1", source_id="timm", model_id="resnet50", device_id="nvidia-t4", evidence="own", throughput_per_s=7777.0
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of the user's own, in force."""
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path))
    data.load.cache_clear()
    yield tmp_path
    data.load.cache_clear()


def own_rows():
    return hw.load_measurements("resnet50", evidence="own").query("source_id != 'hwlib-own'")


@pytest.mark.parametrize("place", ["measurements.csv", "measurements/mine.csv", "measurements/mine.parquet", "measurements.parquet"])
def test_own_rows_join_the_committed_ones(folder, place):
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    frame = pd.DataFrame([OWN])
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
    assert own_rows()["throughput_per_s"].tolist() == [7777.0]
    assert len(hw.load_measurements("resnet50")) > 2_000
    assert "own" in set(hw.decide("resnet50", batch_size=8).table["evidence"])


def test_an_own_row_replaces_the_committed_one_with_its_key(folder):
    before = hw.load_prices(provider="aws", instance_type="g4dn.xlarge", pricing="on_demand")
    before.assign(usd_per_hour=0.111).to_csv(folder / "prices.csv", index=False)
    data.load.cache_clear()
    after = hw.load_prices(provider="aws", instance_type="g4dn.xlarge", pricing="on_demand")
    assert after["usd_per_hour"].tolist() == [0.111]


BAD = {
    "text for a number": {"throughput_per_s": "fast"},
    "negative": {"throughput_per_s": -1.0},
    "absurd": {"throughput_per_s": 1e15},
    "infinite": {"throughput_per_s": "inf"},
    "another word": {"precision": "fp17"},
    "missing value": {"model_id": None},
    "formula": {"system": "=cmd|' /C calc'!A0"},
    "markup": {"system": "<img src=x onerror=alert(1)>"},
    "control character": {"system": "a\x1b[31mb"},
    "day": {"measured_on": "yesterday"},
}


@pytest.mark.parametrize("cells", BAD.values(), ids=BAD)
def test_a_faulty_cell_is_named_and_nothing_is_taken(folder, cells):
    rows = [measured(measurement_id=f"own-{i}", source_id="timm", model_id="resnet50", evidence="own") for i in range(3)]
    pd.DataFrame([*rows, OWN | cells]).to_csv(folder / "measurements.csv", index=False)
    column = next(iter(cells))
    with pytest.raises(HwlibError, match=rf"measurements\.csv.*line 5, column {column}: expected "):
        own_rows()


def test_a_key_twice_an_unknown_column_and_no_parquet_are_named(folder):
    pd.DataFrame([OWN, OWN]).to_csv(folder / "measurements.csv", index=False)
    with pytest.raises(HwlibError, match=r"measurements\.csv.*line 3, column measurement_id: expected a key that stands once"):
        own_rows()
    pd.DataFrame([OWN | {"thruput": 1}]).to_csv(folder / "measurements.csv", index=False)
    with pytest.raises(HwlibError, match=r"measurements\.csv, line 1: .*'thruput'; did you mean .*'throughput_per_s'"):
        own_rows()
    (folder / "measurements.csv").unlink()
    (folder / "measurements.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(HwlibError, match=r"measurements\.parquet: expected a Parquet file"):
        own_rows()


def test_a_file_too_large_is_refused_unread(folder):
    path = folder / "measurements.csv"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(HwlibError, match=r"measurements\.csv: 200,000,000 bytes; expected at most 100,000,000"):
        own_rows()


WHOLE = pd.DataFrame([OWN]).to_csv(index=False).encode()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_broken_file_gives_an_error_or_valid_rows_never_another_exception(tmp_path, data):
    cut = data.draw(st.integers(0, len(WHOLE)))
    junk = data.draw(st.binary(max_size=12))
    path = tmp_path / "measurements.csv"
    path.write_bytes(WHOLE[:cut] + junk + WHOLE[data.draw(st.integers(cut, len(WHOLE))) :])
    with contextlib.suppress(HwlibError):
        schema.validate(tables.read_user_table(path, "measurements"), "measurements")


def test_no_pickle_is_ever_read(root):
    for path in (root / "hwlib").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        # The forking engine hands its own tables to its own child over a pipe; nothing from a file or from outside.
        assert "pickle" not in text or path.name == "zygote.py", path.name
        assert "joblib" not in text
