"""Every row of every committed table: keys, words, ranges, days, Little's law, and nothing faster than its silicon."""

import datetime

import numpy as np
import pandas as pd
import pytest

import hwlib as hw
from hwlib import check, data, schema, units

# Peak rates that bound a precision, widest first: a type may be computed on the units of a wider one, never on faster ones.
PEAKS = {
    "fp32": ["fp32_tflops", "fp16_tflops"],
    "tf32": ["fp16_tflops"],
    "fp16": ["fp16_tflops"],
    "bf16": ["fp16_tflops"],
    "int8": ["int8_tops"],
    "fp8": ["fp8_tflops", "int8_tops"],
}
# (source_id, model_id, device_id) that beat the peak all the same, each with its reason; one that no longer does fails the test.
BEYOND_PEAK = {}


@pytest.fixture(scope="module")
def rows():
    """All measurements with the work of their network and the data sheet of their device."""
    models = hw.load_models()[["model_id", "gmacs"]]
    return (
        hw.load_measurements().merge(models, on="model_id").merge(hw.load_devices().drop(columns="source_id"), on="device_id", how="left")
    )


@pytest.mark.parametrize("name", schema.TABLES)
def test_every_value_keeps_to_the_schema(name):
    schema.validate(data.load(name), name)


def test_every_key_leads_somewhere():
    check.check_references({name: data.load(name) for name in schema.TABLES})


@pytest.mark.parametrize(("name", "column"), [(t.name, c.name) for t in schema.TABLES.values() for c in t.columns if c.type == "date"])
def test_no_day_lies_in_the_future(name, column):
    days = data.load(name)[column].dropna()
    assert (days <= pd.Timestamp(datetime.date.today())).all()
    assert (days >= pd.Timestamp("2005-01-01")).all()


def test_every_row_without_a_device_has_a_stated_reason(rows):
    none = rows[rows["device_id"].isna()]
    reasons = data.load("device_aliases").set_index("alias")["reason"]
    named = none["device_name"].notna()
    assert none.loc[named, "device_name"].map(reasons).notna().all()
    assert none.loc[~named, "quality_flag"].str.contains("device_unstated").all()


def test_throughput_times_latency_is_batch_times_concurrency(rows):
    """Little's law, within a factor of two, for every row that states all four and is not flagged."""
    mean = rows["latency_ms_mean"].fillna(rows["latency_ms_p50"])
    in_flight = rows["throughput_per_s"] * mean / units.MS_PER_S
    stated = (rows["batch_size"] * rows["concurrency"]).astype("float64")
    ratio = (in_flight / stated)[rows["throughput_unit"] == "samples"].dropna()
    assert len(ratio) > 40_000
    far = rows.loc[ratio[(ratio < 0.5) | (ratio > 2)].index]
    assert far["quality_flag"].notna().all(), far[["measurement_id", "source_ref"]].head()


def test_percentiles_are_in_order_or_flagged(rows):
    columns = [f"latency_ms_{name}" for name in ("p50", "p90", "p95", "p99")]
    fallen = rows[columns].T.ffill().diff().T.lt(-1e-9).any(axis=1)
    words = rows.loc[fallen, "quality_flag"].fillna("")
    assert words.str.contains("latency_unordered|device_corrected").all(), rows.loc[fallen, ["measurement_id", *columns]].head()


def test_nothing_is_faster_than_its_silicon(rows):
    """gmacs x throughput x 2 <= peak of all devices at the row's precision (any known matrix rate where it is not stated)."""
    peak = pd.Series(np.nan, index=rows.index)
    for precision, columns in PEAKS.items():
        mine = rows["precision"] == precision
        peak[mine] = rows.loc[mine, columns].max(axis=1)
    unstated = rows["precision"].isna() & rows["int8_tops"].notna()
    peak[unstated] = rows.loc[unstated, ["fp16_tflops", "int8_tops", "fp8_tflops"]].max(axis=1)
    tops = units.gmacs_to_tops(rows["gmacs"], rows["throughput_per_s"])
    share = (tops / (peak * rows["device_count"].astype("float64")))[rows["throughput_unit"] == "samples"].dropna()
    assert len(share) > 11_000
    beyond = rows.loc[share[share > 1].index, ["source_id", "model_id", "device_id"]].drop_duplicates()
    assert set(map(tuple, beyond.to_numpy())) == set(BEYOND_PEAK)


def test_derived_figures_are_not_stored_as_measured(rows):
    inverse = rows["quality_flag"].str.contains("throughput_from_latency", na=False)
    assert (rows.loc[inverse, "batch_size"] == 1).all()
    assert set(rows["evidence"]) <= {"audited", "published", "own"}


def test_power_is_measured_and_says_where(rows):
    powered = rows["power_w"].notna()
    assert powered.sum() > 8_000
    assert rows.loc[powered, "power_boundary"].notna().all()
    assert rows.loc[~powered, "power_boundary"].isna().all()


def test_prices_are_those_of_whole_machines_unless_they_say_otherwise():
    prices = hw.load_prices()
    assert (prices.loc[prices["instance_type"].str.contains("gpu-attach|per chip"), "priced_unit"] == "accelerator").all()
    assert (prices["device_count"].notna() == prices["device_name"].notna())[prices["priced_unit"] == "machine"].mean() > 0.97


@pytest.mark.parametrize("device_class", schema.DEVICE_CLASSES)
def test_every_class_of_hardware_is_measured(rows, device_class):
    assert (rows["device_class"] == device_class).any()
