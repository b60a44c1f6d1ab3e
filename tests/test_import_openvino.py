"""Intel's OpenVINO tables: golden rows, the two runs of a row, devices of one chip, precision, and faults."""

import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import openvino


@pytest.fixture(scope="module")
def rows(sources):
    return openvino.read(sources / openvino.FOLDER)["measurements"]


def one(rows, **cells):
    for column, value in cells.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def flagged(rows, word):
    return rows[rows["quality_flag"].fillna("").str.split(";").map(lambda words: word in words)]


def test_every_figure_is_there_once(rows):
    counts = rows.groupby(["runtime_version", "scenario"]).size().to_dict()
    # 1,376 rows, of which two have no throughput and 965 a latency.
    assert counts[("2022.1", "concurrent_loop")] == 1_374
    assert counts[("2022.1", "batch_loop")] == 965
    assert counts[("2022.2", "concurrent_loop")] == 1_008
    assert counts[("2024.1", "concurrent_loop")] == 141
    assert counts[("2024.1", "batch_loop")] == 52
    assert len(rows) == sum(counts.values())
    frame = schema.conform(rows, "measurements")
    identity = ["source_id", "model_name", "variant", "device_name", "device_count", "precision", "scenario"]
    assert not frame.duplicated(identity).any()


def test_throughput_and_latency_of_a_row_are_two_runs(rows):
    same = {"device_name": "Intel Atom x5-E3940", "runtime_version": "2022.1", "model_name": "bert-base-cased@124", "precision": "int8"}
    throughput = one(rows, scenario="concurrent_loop", **same)
    assert throughput["throughput_per_s"] == 0.904593
    assert throughput[["batch_size", "concurrency", "latency_ms_mean"]].isna().all()
    latency = one(rows, scenario="batch_loop", **same)
    assert latency["latency_ms_mean"] == 1183.7737
    assert (latency["batch_size"], latency["concurrency"]) == (1, 1)
    assert latency["throughput_per_s"] == pytest.approx(1_000 / 1183.7737, rel=1e-5)
    assert latency["quality_flag"] == "throughput_from_latency;input_doubtful"


def test_a_row_without_throughput_keeps_its_latency(rows):
    row = one(rows, device_name="Intel Xeon W1290P", model_name="pp-yolo", precision="int8")
    assert (row["scenario"], row["latency_ms_mean"]) == ("batch_loop", 82.044574)


def test_latency_of_2022_2_is_not_taken(rows):
    assert rows.loc[rows["runtime_version"] == "2022.2", "latency_ms_mean"].isna().all()


def test_latency_of_gpus_in_2024_1_is_that_under_load(rows):
    loaded = flagged(rows, "latency_under_load")
    assert len(loaded) == 18
    assert set(loaded["scenario"]) == {"concurrent_loop"}
    calls = loaded["throughput_per_s"] * loaded["latency_ms_mean"] / 1_000
    on_card = loaded["device_name"].str.contains("Flex|Arc")
    assert calls[on_card].between(15, 16).all()
    assert calls[~on_card].between(3.7, 4).all()
    single = one(rows, device_name="Intel Core Ultra 7-165H iGPU", latency_ms_mean=2.34)
    assert single["scenario"] == "batch_loop"


def test_one_chip_holds_up_to_three_devices(rows):
    names = set(rows["device_name"])
    assert {"Intel Core Ultra 7-165H", "Intel Core Ultra 7-165H iGPU", "Intel Core Ultra 7-165H NPU"} <= names
    both = rows[rows["device_name"].str.endswith("CPU+iGPU")]
    assert len(both) == 347
    assert both["device_count"].isna().all()
    assert set(both["host_cpu"]) <= names
    gpu = one(rows, device_name="Intel Data Center GPU Flex 170", model_name="resnet-50", precision="fp16", scenario="concurrent_loop")
    assert gpu.isna()["host_cpu"]


def test_sockets_are_counted_only_where_that_is_sure(rows):
    xeon = rows[rows["device_name"] == "Intel Xeon Platinum 8270"].groupby("runtime_version")["device_count"].first()
    assert xeon["2024.1"] == 2
    assert xeon[["2022.1", "2022.2"]].isna().all()
    unstated = flagged(rows, "count_unstated")
    assert set(unstated["device_name"].str.extract("Xeon (Gold|Silver|Platinum)")[0]) == {"Gold", "Silver", "Platinum"}
    assert set(rows.loc[rows["device_name"] == "Intel Xeon E-2124G", "device_count"]) == {1}


def test_a_cpu_computes_half_precision_in_single(rows):
    half = rows[rows["variant"] == "weights=fp16"]
    assert len(half) == 240 + 97 + 56
    on_both = half["device_name"].str.endswith("CPU+iGPU")
    assert half.loc[on_both, "precision"].isna().all()
    assert set(half.loc[~on_both, "precision"]) == {"fp32"}
    fp32 = rows[(rows["runtime_version"] == "2022.2") & rows["variant"].isna() & (rows["precision"] == "fp32")]
    pairs = half[~on_both].merge(fp32, on=["device_name", "model_name"])
    assert len(pairs) == 240
    assert (pairs["throughput_per_s_x"] / pairs["throughput_per_s_y"]).median() == pytest.approx(1, abs=0.01)


def test_bert_of_2022_does_not_fit_its_input(rows):
    doubtful = flagged(rows, "input_doubtful")
    assert set(doubtful["model_name"]) == {"bert-base-cased@124"}
    assert set(doubtful["runtime_version"]) == {"2022.1", "2022.2"}
    assert set(rows.loc[rows["runtime_version"] == "2024.1", "model_name"]) == {"resnet-50", "bert-base-cased@128"}


def test_only_2022_1_is_dated(rows):
    dated = rows["measured_on"].notna()
    assert set(rows.loc[dated, "measured_on"]) == {"2022-03-17"}
    assert set(rows.loc[dated, "runtime_version"]) == {"2022.1"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",0.904593,", ",slow,", "line 2, column throughput_per_s: expected a number of at least 0, found 'slow'"),
        (",1183.7737,", ",-1,", "line 2, column latency_ms: expected a number of at least 0, found '-1'"),
        (",OpenVINO 2022.1,", ",OpenVINO 2023.1,", "line 2, column release: 'OpenVINO 2023.1'; did you mean"),
        (",cpu,CPU,", ",cpu,TPU,", "line 2, column compute_unit: 'TPU'"),
        ("compute_unit", "unit", "line 1: missing column compute_unit"),
        ("\nIntel Atom x5-E3940,Intel Atom x5-E3940,cpu", "\nIntel Atom", "line 2: expected 26 cells, found 24"),
    ],
)
def test_faults_are_named(sources, tmp_path, old, new, said):
    text = (sources / openvino.FOLDER / openvino.FILE).read_text(encoding="utf-8")
    (tmp_path / openvino.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=f"{openvino.FILE}, {said}"):
        openvino.read(tmp_path)
