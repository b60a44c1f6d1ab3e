"""The roofline: physics by hand, and every measured row below the flat part of its roof."""

import pandas as pd
import pytest

import hwlib as hw
from hwlib import rooflines


def test_placed_is_what_a_pocket_calculator_says():
    rows = hw.load_measurements("resnet50", "nvidia-rtx-4090", source_id="timm", runtime_version="2.9.1", precision="fp16")
    row = rooflines.placed(rows).set_index("tuning").loc["compiled"]
    # 4.11 GMAC, 25.56 M weights, 11.11 M activations, batch 1 024, two bytes each; 330 TFLOPS and 1 010 GB/s on the data sheet.
    intensity = 2 * 4.11e9 / (2 * (25.56e6 / 1024 + 2 * 11.11e6))
    assert row["ops_per_byte"] == pytest.approx(intensity, rel=2e-3)
    assert row["reached_tops"] == pytest.approx(2 * 4.11e9 * 8039.05 / 1e12, rel=2e-3)
    assert row["roof_tops"] == pytest.approx(1010e9 * intensity / 1e12, rel=2e-3)
    assert row["share_of_peak"] == pytest.approx(row["reached_tops"] / 330)


def test_several_devices_share_the_work():
    rows = hw.load_measurements("resnet50", "nvidia-h100-sxm5-80gb", source_id="mlperf-v4.1", scenario="offline", precision="int8")
    one = rooflines.placed(rows.assign(device_count=1))["share_of_peak"]
    assert (rooflines.placed(rows.assign(device_count=2))["share_of_peak"] * 2 - one).abs().max() < 1e-12


def test_no_usable_row_beats_the_peak_of_its_device():
    rows = hw.load_measurements(["resnet50", "mobilenet-v2", "vgg16", "bert-large"], division="closed")
    assert rooflines.placed(rows)["share_of_peak"].between(0, 1).all()


def test_unknown_batch_sizes_keep_the_share_but_get_no_place():
    rows = hw.load_measurements("resnet50", "nvidia-t4", source_id="mlperf-v0.7", scenario="offline", precision="int8")
    placed = rooflines.placed(rows)
    assert placed["batch_size"].isna().any()
    assert placed.loc[placed["batch_size"].isna(), "ops_per_byte"].isna().all()
    assert placed["share_of_peak"].notna().all()


def test_roofs_bend_where_bandwidth_meets_peak_and_skip_what_no_sheet_states():
    lines = rooflines.roofs(["nvidia-t4", "intel-core-i9-10940x", "nvidia-l4"], "int8", 1, 5_000)
    assert lines["device_id"].unique().tolist() == ["nvidia-t4", "nvidia-l4"]
    for _, line in lines.groupby("device_id"):
        bend = line.iloc[1]
        assert bend["ops_per_byte"] * bend["memory_bandwidth_gb_s"] / 1_000 == pytest.approx(bend["peak_tops"])
        assert line["roof_tops"].iloc[2] == bend["peak_tops"]


@pytest.mark.parametrize(
    "call", [lambda: rooflines.roofs(["nvidia-t4"], "fp4"), lambda: rooflines.placed(pd.DataFrame({"model_id": ["a"]}))]
)
def test_faulty_questions_are_refused(call):
    with pytest.raises(hw.HwlibError):
        call()
