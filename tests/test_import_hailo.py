"""Hailo's model zoo: golden rows, batches, the accuracies under misleading headers, and faults."""

import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import hailo, tidy

SCORES = ("top1_percent", "map", "map_segmentation", "miou", "mean_accuracy", "psnr", "ap")


@pytest.fixture(scope="module")
def rows(sources):
    rows = hailo.read(sources / hailo.FOLDER)["measurements"]
    return rows.assign(before=rows["variant"].str.extract(r"accuracy_float=([\d.]+)")[0].astype(float))


def row(rows, device, model, batch=1):
    rows = rows[(rows["device_name"] == device) & (rows["model_name"] == model) & (rows["batch_size"] == batch)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_every_row_is_there_and_told_apart(rows):
    assert rows["device_name"].value_counts().to_dict() == {"Hailo-15H": 387, "Hailo-8": 320, "Hailo-8L": 305, "Hailo-15L": 241}
    assert rows["batch_size"].value_counts().to_dict() == {1: 628, 8: 625}
    frame = schema.conform(rows.drop(columns="before"), "measurements")
    assert not frame.duplicated(["model_name", "device_name", "batch_size"]).any()


def test_golden_row(rows):
    first = row(rows, "Hailo-15H", "cas_vit_m")
    assert (first["throughput_per_s"], first["accuracy_metric"], first["accuracy_value"]) == (61, "top1_percent", 81)
    assert first["variant"] == "accuracy_float=81.2;layers=mostly int8"
    assert (first["runtime_version"], first["precision"], first["scenario"]) == ("dfc-5.2.0", "int8", "concurrent_loop")
    assert row(rows, "Hailo-15H", "cas_vit_m", batch=8)["throughput_per_s"] == 130


def test_frames_in_the_pipeline_are_unknown(rows):
    assert not set(rows) & {"concurrency", "latency_ms_mean", "power_w"}


def test_marked_networks_ran_in_performance_mode(rows):
    assert rows["variant"].str.endswith(";mode=performance").sum() == 84 + 12 + 12
    assert row(rows, "Hailo-8", "yolov8m")["variant"].startswith("accuracy_float=49.9;layers=mostly int8")


def test_the_loss_of_hailo_8_is_subtracted(rows):
    resnet = row(rows, "Hailo-8", "resnet_v1_50")
    assert (resnet["before"], resnet["accuracy_value"], resnet["accuracy_metric"]) == (75.2, 74.7, "top1_percent")
    assert resnet.isna()["quality_flag"]


@pytest.mark.parametrize(
    ("model", "printed", "beside"),
    [("vit_tiny_bn", 67.28, 65.62), ("yolov8n", 36.42, 35.82), ("dncnn_color_blind", 33.02, 32.18), ("fast_depth", 0.61, 0.63)],
)
def test_hailo_8l_prints_the_score_one_column_early(rows, model, printed, beside):
    small, large = row(rows, "Hailo-8L", model), row(rows, "Hailo-15H", model)
    assert small["accuracy_value"] == printed
    assert small["quality_flag"] == "accuracy_corrected"
    assert abs(printed - large["accuracy_value"]) < abs(beside - large["accuracy_value"])
    assert small["before"] == large["before"]


def test_scores_agree_between_the_chips(rows, sources):
    printed = tidy.read_upstream(sources / hailo.FOLDER / hailo.FILE, ["accuracy_hardware"])["accuracy_hardware"].astype(float)
    sure = rows.assign(printed=printed)[(rows["batch_size"] == 1) & ~rows["quality_flag"].fillna("").str.contains("doubtful")]
    sure = sure[sure["accuracy_metric"].isin(SCORES)]
    ours, theirs = (sure.pivot_table(index="model_name", columns="device_name", values=name) for name in ("accuracy_value", "printed"))
    gap = (ours["Hailo-8L"] - ours["Hailo-15H"]).dropna().abs()
    as_printed = (theirs["Hailo-8L"] - theirs["Hailo-15H"]).dropna().abs()
    assert len(gap) == len(as_printed) == 137
    assert (round(gap.median(), 2), round(as_printed.median(), 2)) == (0.08, 0.82)
    assert gap.quantile(0.95) < 0.6


@pytest.mark.parametrize(
    ("model", "before", "after"), [("tddfa_mobilenet_v1", 3.68, 4.04), ("stereonet", 8.22, 10.5), ("fast_depth", 0.6, 0.62)]
)
def test_errors_of_hailo_8_grow_with_the_loss(rows, model, before, after):
    error = row(rows, "Hailo-8", model)
    assert (error["before"], error["accuracy_value"], error["quality_flag"]) == (before, after, "accuracy_corrected")
    assert error["accuracy_metric"] in ("nme", "epe", "rmse")
    assert row(rows, "Hailo-15H", model)["accuracy_value"] == pytest.approx(after, rel=0.02)


def test_scores_that_fit_nothing_are_flagged(rows):
    doubtful = rows[rows["quality_flag"].fillna("").str.contains("accuracy_doubtful")]
    assert set(doubtful["model_name"]) == {"yolov4_leaky"}
    assert set(doubtful["device_name"]) == {"Hailo-8", "Hailo-8L"}


def test_metrics_are_named_by_the_newer_tables(rows):
    clip = rows[rows["model_name"] == "clip_vit_b_32_image_encoder"]
    assert set(clip["device_name"]) == {"Hailo-8", "Hailo-8L", "Hailo-15H", "Hailo-15L"}
    assert set(clip["accuracy_metric"]) == {"top1_percent"}
    assert row(rows, "Hailo-8L", "detr_resnet_v1_50")["accuracy_metric"] == "map"
    assert rows["accuracy_metric"].isna().equals(rows["accuracy_value"].isna())
    unnamed = rows[rows["accuracy_metric"].isna() & (rows["device_name"] == "Hailo-8")]
    assert set(unnamed["model_name"]) == {"hand_landmark_lite", "paddle_ocr_v3_recognition", "petrv2_repvggB0_transformer_pp_800x320"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",1,61.0,", ",1,fast,", "line 2, column throughput_per_s: expected a number of at least 0, found 'fast'"),
        (",1,61.0,", ",1,-61.0,", "line 2, column throughput_per_s: expected a number of at least 0, found '-61.0'"),
        (",1,61.0,", ",1.5,61.0,", "line 2, column batch_size: expected a whole number"),
        (",v5.2.0,", ",v9.9.9,", "line 2, column compiler_version: 'v9.9.9'"),
        ("hw_column_header", "header", "line 1: missing column hw_column_header"),
        ("Hailo-15H,Hailo-15H (vision SoC NPU),npu,", "Hailo-15H,", "line 2: expected 24 cells, found 22"),
    ],
)
def test_faults_are_named(sources, tmp_path, old, new, said):
    text = (sources / hailo.FOLDER / hailo.FILE).read_text(encoding="utf-8")
    (tmp_path / hailo.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=f"{hailo.FILE}, {said}"):
        hailo.read(tmp_path)
