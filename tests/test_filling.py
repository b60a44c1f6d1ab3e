"""Estimates beside measured rows: the same whether they were made for one network or for many at once."""

import pandas as pd
import pytest

from hwlib import data, filling

MODELS = ("resnet50", "mobilenet-v2", "yolov3-416", "bert-base-seq128")


@pytest.fixture
def nothing_foreseen():
    filling._foreseen().clear()
    yield
    filling._foreseen().clear()


def test_estimates_made_for_many_are_those_made_for_one(nothing_foreseen):
    rows = {model: data.load_measurements(model) for model in MODELS}
    alone = {model: filling.with_estimates(rows[model], model) for model in MODELS}
    filling.foresee([*MODELS, "dlrm-v2"])
    assert set(filling._foreseen()) >= set(MODELS)
    for model in MODELS:
        together = filling.with_estimates(rows[model], model).reset_index(drop=True)
        pd.testing.assert_frame_equal(together, alone[model].reset_index(drop=True))


def test_nothing_measured_is_estimated_again():
    rows = filling.with_estimates(data.load_measurements("resnet50"), "resnet50")
    places = rows.groupby(["device_id", "batch_size"])["evidence"].agg(set)
    assert (places == {"estimated"}).any()
    assert not places.map(lambda kinds: "estimated" in kinds and len(kinds) > 1).any()


def test_own_rows_move_the_estimates_and_are_named():
    rows = data.load_measurements("resnet50")
    rows = rows[rows["device_id"] == "nvidia-t4"].dropna(subset=["batch_size", "throughput_per_s"])
    plain = filling.with_estimates(rows, "resnet50").query("evidence == 'estimated'").set_index("measurement_id")
    slow = rows.head(1).assign(evidence="own", source_id="my-measurements", throughput_per_s=rows["throughput_per_s"].iloc[0] / 4)
    moved = filling.with_estimates(slow, "resnet50").query("evidence == 'estimated'").set_index("measurement_id")
    assert (moved["throughput_per_s"].reindex(plain.index) < plain["throughput_per_s"]).all()
    assert moved["doubts"].str.endswith("calibrated by your own measurements").all()
    assert not plain["doubts"].str.contains("your own").any()


def test_the_projects_own_figures_calibrate_nothing_a_second_time():
    rows = data.load_measurements("mobilenet-v2").assign(evidence="own", source_id=filling.REFERENCES)
    found = filling.with_estimates(rows, "mobilenet-v2")
    assert not found["doubts"].dropna().str.contains("your own").any()
