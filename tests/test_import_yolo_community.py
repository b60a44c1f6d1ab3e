"""YOLOv3 figures from public threads: the T4 sweep, the K80, what is inferred, notes, dates, and faults."""

import pandas as pd
import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import yolo_community

BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
T4 = [145.507, 241.571, 260.832, 265.315, 283.619, 256.451, 245.872, 243.505, 228.099]


@pytest.fixture(scope="module")
def rows(sources):
    return yolo_community.read(sources / yolo_community.FOLDER)["measurements"]


def flagged(rows, flag):
    return rows[rows["quality_flag"].str.split(";").map(lambda flags: flag in flags)]


def test_every_row_is_there_as_weak_evidence(rows):
    assert len(rows) == 35
    assert len(flagged(rows, "community")) == 35
    assert set(rows["evidence"]) == {"published"}
    assert rows["model_name"].value_counts().to_dict() == {
        "yolov3@416x416": 25,
        "yolov3@608x608": 7,
        "yolov3@288x288": 1,
        "yolov3@512x512": 1,
        "yolov3": 1,
    }
    schema.conform(rows, "measurements")


def test_the_sweep_on_the_t4(rows):
    sweep = rows[rows["device_name"] == "Tesla T4"].sort_values("batch_size")
    assert sweep["batch_size"].tolist() == BATCHES
    assert sweep["throughput_per_s"].tolist() == T4
    assert set(sweep["runtime"]) == {"tkdnn"}
    assert set(sweep["tuning"]) == {"engine"}


def test_what_the_thread_does_not_state_is_marked_as_inferred(rows):
    inferred = flagged(rows, "setting_inferred")
    assert inferred["device_name"].value_counts().to_dict() == {"Tesla T4": 9, "GeForce RTX 2080 Ti": 8}
    assert set(inferred["model_name"]) == {"yolov3@416x416"}
    assert set(inferred["precision"]) == {"fp16"}
    # 65.9 billion operations an image: more than the T4 does in FP32 (8.1 TFLOPS), less than in FP16 (65).
    best = inferred.loc[inferred["device_name"] == "Tesla T4", "throughput_per_s"].max() * 65.9 / 1_000
    assert 8.1 < best < 65
    # No other size is stated for the A100, and none is inferred.
    assert rows.loc[rows["device_name"] == "A100", "model_name"].tolist() == ["yolov3"]


def test_one_die_of_the_k80(rows):
    row = rows[rows["device_name"] == "Tesla K80"].iloc[0]
    assert (row["throughput_per_s"], row["latency_ms_mean"], row["precision"]) == (12, 70, "fp32")
    assert row["variant"] == "timed=whole pipeline;approximate=yes"
    assert (row["runtime"], row["tuning"]) == ("darknet-cudnn", "eager")


def test_rates_that_do_not_fit_the_latency(rows):
    assert set(flagged(rows, "throughput_latency_mismatch")["device_name"]) == {"Tesla K80", "Tesla P40"}
    assert flagged(rows, "third_party")["device_name"].tolist() == ["Tesla V100"]


def test_stacks(rows):
    stacks = rows[["runtime", "runtime_version", "tuning"]].fillna("").drop_duplicates()
    assert set(stacks.itertuples(index=False, name=None)) == {
        ("tkdnn", "", "engine"),
        ("tensorrt", "5", "engine"),
        ("darknet", "", "eager"),
        ("darknet-cudnn", "", "eager"),
    }
    assert rows["variant"].fillna("").str.contains("jetpack=4.2.2").sum() == 3


def test_days(rows):
    assert rows["measured_on"].isna().sum() == 1
    assert rows.loc[rows["device_name"] == "Tesla K80", "measured_on"].iloc[0] == pd.Timestamp("2019-01-26")


@pytest.mark.parametrize("bare", ["2020", "2020-06"])
def test_a_bare_month_is_no_day(altered, bare):
    first = yolo_community.read(altered("2020-06-21", bare))["measurements"].iloc[0]
    assert pd.isna(first["measured_on"])


@pytest.fixture
def altered(sources, tmp_path):
    """A function that copies the file with one text replaced, and gives its folder."""

    def copy(old, new):
        text = (sources / yolo_community.FOLDER / yolo_community.FILE).read_text(encoding="utf-8")
        assert old in text
        (tmp_path / yolo_community.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return copy


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",145.507,", ",fast,", "yolov3.csv, line 2, column throughput_per_s: expected a number of at least 0, found 'fast'"),
        (",145.507,", ",-1,", "line 2, column throughput_per_s"),
        ("tkDNN (TensorRT)", "abacus", "line 2, column runtime: expected a kind of TensorRT or Darknet, found 'abacus'"),
        ("2020-06-21", "2020-13-45", "line 2, column reported_on: expected a date, found '2020-13-45'"),
        ("fp32,Darknet + cuDNN", "fp33,Darknet + cuDNN", "line 19, column precision: 'fp33'"),
        ("Tesla T4,gpu,yolov3", "Tesla T4", "line 2: expected 12 cells, found 10"),
        ("runtime,", "engine,", "line 1: missing column runtime"),
    ],
)
def test_faults_are_named(altered, old, new, said):
    with pytest.raises(HwlibError, match=said):
        yolo_community.read(altered(old, new))
