"""ByteMLPerf's reports: golden rows, overlap, sparsity, types, accuracy units, and faults."""

import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import bytemlperf, tidy


@pytest.fixture(scope="module")
def rows(sources):
    return bytemlperf.read(sources / bytemlperf.FOLDER)["measurements"]


def one(rows, **cells):
    for column, value in cells.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_every_row_is_there_and_told_apart(rows):
    assert rows["device_name"].value_counts().to_dict() == {
        "Intel Habana Gaudi2": 25,
        "Graphcore C600": 19,
        "Stream Computing STCP920": 6,
        "Moffett S30": 5,
    }
    assert rows["model_name"].nunique() == 13
    assert not rows.duplicated(["device_name", "model_name", "precision", "batch_size"]).any()
    schema.conform(rows, "measurements")


def test_golden_rows(rows):
    card = one(rows, device_name="Graphcore C600", model_name="resnet50-torch-fp32", precision="fp8", batch_size=32)
    assert card[["throughput_per_s", "latency_ms_mean", "latency_ms_p99"]].tolist() == [18_851, 6.7, 8.54]
    assert card["host_cpu"] == "Intel(R) Xeon(R) Gold 6342 CPU @ 2.80GHz"
    assert card["variant"] == "backend=IPU;dataset=OPEN_IMAGENET"
    sparse = one(rows, device_name="Moffett S30", model_name="resnet50-torch-fp32")
    assert sparse[["throughput_per_s", "batch_size", "sparsity"]].tolist() == [52_423.97, 48, 0.9375]


def test_a_loop_is_one_batch_at_a_time(rows):
    alone = rows[rows["scenario"] == "batch_loop"]
    assert alone["device_name"].value_counts().to_dict() == {"Intel Habana Gaudi2": 25, "Moffett S30": 5}
    assert tidy.calls_in_flight(alone).between(0.95, 1.05).all()
    assert (alone["concurrency"] == 1).all()
    others = rows[rows["scenario"] == "concurrent_loop"]
    assert others["concurrency"].isna().all()
    # Stream Computing's card works on eight batches at once.
    stream = others[others["device_name"] == "Stream Computing STCP920"]
    assert tidy.calls_in_flight(stream).between(7.9, 8.1).all()


def test_tails_are_not_below_means(rows):
    assert (rows["latency_ms_p99"] >= rows["latency_ms_mean"]).all()


def test_precision_is_left_open_where_two_types_are_named(rows):
    mixed = rows[rows["precision"].isna()]
    assert len(mixed) == 4
    assert mixed["variant"].str.contains("types=int8\\+bf16").all()
    assert rows["precision"].value_counts().to_dict() == {"bf16": 25, "fp16": 21, "fp8": 4, "int8": 1}
    assert rows["sparsity"].dropna().eq(0.9375).all()
    assert set(rows.loc[rows["sparsity"].notna(), "device_name"]) == {"Moffett S30"}


def test_accuracy_keeps_to_one_unit_a_metric(rows):
    by_metric = rows.groupby("accuracy_metric")["accuracy_value"]
    assert by_metric.min()["f1"] > 80
    assert by_metric.min()["top1_percent"] > 60
    assert by_metric.max()["mean_difference"] < 0.01
    assert one(rows, device_name="Moffett S30", model_name="resnet50-torch-fp32")["accuracy_value"] == 76.613
    assert rows["accuracy_metric"].isna().equals(rows["accuracy_value"].isna())


def test_unstated_counts_are_flagged(rows):
    unstated = rows["device_count"].isna()
    assert set(rows.loc[unstated, "device_name"]) == {"Stream Computing STCP920", "Moffett S30"}
    assert rows.loc[unstated, "quality_flag"].eq("count_unstated").all()
    assert rows.loc[~unstated, "quality_flag"].isna().all()


def test_part_of_the_graph_ran_on_the_host(rows):
    partly = rows["variant"].str.extract(r"graph_on_device_percent=([\d.]+)")[0].astype("float64")
    assert partly.notna().sum() == 5
    assert partly.min() == 88.89


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",507,1.97,", ",fast,1.97,", "bytemlperf_general.csv, line 2, column throughput_per_s: expected a number.* found 'fast'"),
        (",507,1.97,", ",507,-1.97,", "line 2, column latency_ms:"),
        (",bf16,", ",bf17,", "line 2, column precision: 'bf17'"),
        ("F1 Score,87.66915", "Recall,87.66915", "line 2, column accuracy_metric: 'Recall'"),
        (",507,1.97,", ",507\n", "line 2: expected 24 cells, found 14"),
        ("sparsity_ratio,", "zeros,", "line 1: missing column sparsity_ratio"),
    ],
)
def test_faults_are_named(sources, tmp_path, old, new, said):
    text = (sources / bytemlperf.FOLDER / bytemlperf.FILE).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / bytemlperf.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=said):
        bytemlperf.read(tmp_path)
