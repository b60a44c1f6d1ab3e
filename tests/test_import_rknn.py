"""RKNN's model zoo: golden rows, cores, what is left out, and faults."""

import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import rknn


@pytest.fixture(scope="module")
def rows(sources):
    return rknn.read(sources / rknn.FOLDER)["measurements"]


def rate(rows, model_name, device_name):
    found = rows[(rows["model_name"] == model_name) & (rows["device_name"] == device_name)]
    assert len(found) == 1
    return found.iloc[0]["throughput_per_s"]


def test_every_row_with_a_rate_is_there_and_told_apart(rows):
    assert len(rows) == 315 - 20
    assert rows["throughput_per_s"].notna().all()
    frame = schema.conform(rows, "measurements")
    assert not frame.duplicated(["model_name", "variant", "device_name"]).any()
    assert rows["device_name"].value_counts().to_dict() == {
        **dict.fromkeys(["RK3566/RK3568", "RK3562", "RK3588", "RK3576"], 46),
        **dict.fromkeys(["RV1109", "RV1126", "RK1808"], 37),
    }


def test_mobilenet_v2_over_the_chips(rows):
    chips = ["RK3566/RK3568", "RK3562", "RK3588", "RK3576"]
    assert [rate(rows, "mobilenetv2-12", chip) for chip in chips] == [180.7, 281.3, 450.7, 467.0]
    assert rate(rows, "lprnet", "RK1808") == 30.1


def test_one_core_of_an_npu_is_said(rows):
    one = rows["variant"].fillna("").str.extract(r"cores=(\w+)")[0]
    assert one.groupby(rows["device_name"]).first().dropna().to_dict() == {"RK3588": "1of3", "RK3576": "1of2"}
    assert one.notna().sum() == 2 * 46


def test_precision_is_that_of_the_row(rows):
    plates = rows[rows["model_name"] == "lprnet"].set_index("device_name")["precision"]
    assert plates["RK3588"] == "fp16"
    assert plates["RV1126"] == "int8"
    assert rows["precision"].value_counts().to_dict() == {"int8": 250, "fp16": 45}


def test_what_states_only_a_real_time_factor_is_left_out(rows):
    assert not rows["model_name"].str.contains("whisper|wav2vec|zipformer|yamnet|mms_tts").any()


def test_the_text_encoder_is_measured_twice(rows):
    text = rows[rows["model_name"] == "clip_text"]
    parts = text["variant"].str.extract("part_of=(.*)")[0]
    assert parts.value_counts().to_dict() == {"object detection": 4, "image-text embedding": 4}
    assert text.loc[text["device_name"] == "RK3588", "throughput_per_s"].tolist() == [95.8, 96.0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",180.7,", ",fast,", "zoo.csv, line 2, column throughput_per_s: expected a number of at least 0, found 'fast'"),
        (",180.7,", ",-180.7,", "zoo.csv, line 2, column throughput_per_s: expected a number of at least 0, found '-180.7'"),
        (",int8,RKNN", ",int7,RKNN", "zoo.csv, line 2, column precision: 'int7'; did you mean 'int8'"),
        (",1 core,", ",2 cores,", "zoo.csv, line 4, column npu_cores_used: '2 cores'"),
        ("npu_cores_used,", "cores,", "line 1: missing column npu_cores_used"),
        (",180.7,,,,", ",180.7,", "zoo.csv, line 2: expected 18 cells, found 15"),
    ],
)
def test_faults_are_named(sources, tmp_path, old, new, said):
    text = (sources / rknn.FOLDER / rknn.FILE).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / rknn.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=said):
        rknn.read(tmp_path)
