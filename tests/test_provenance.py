import pytest

import hwlib as hw
from hwlib import HwlibError


def test_every_source_can_be_traced_from_a_figure():
    for source, rows in hw.load_measurements().groupby("source_id"):
        found = hw.trace(rows["measurement_id"].iloc[-1])
        assert found["source"]["source_id"] == source
        assert found["source"]["licence"]
        assert found["place"]


def test_rows_that_reuse_a_run_are_named():
    rows = hw.load_measurements("resnet50", source_id="mlperf-v0.7")
    shared = rows[rows.duplicated("log_group", keep=False) & rows["log_group"].notna()]
    first = shared.iloc[0]
    found = hw.trace(first["measurement_id"])
    twins = set(hw.load_measurements(log_group=first["log_group"])["measurement_id"]) - {first["measurement_id"]}
    assert set(found["same_run"]) == twins
    assert twins


def test_an_unknown_key_is_refused_with_the_nearest():
    key = hw.load_measurements("resnet50")["measurement_id"].iloc[0]
    with pytest.raises(HwlibError, match=f"did you mean '{key}'"):
        hw.trace(key[:-1])


def test_a_served_figure_can_be_traced_too():
    row = hw.load_llm_serving("llama-2-70b").iloc[0]
    assert hw.trace(row["serving_id"])["source"]["source_id"] == row["source_id"]
