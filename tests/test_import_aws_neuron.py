"""AWS's Inferentia tables: golden rows, chips, precision, latency kinds, and faults."""

import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import aws_neuron


@pytest.fixture(scope="module")
def rows(sources):
    return aws_neuron.read(sources / aws_neuron.FOLDER)["measurements"]


def one(rows, **cells):
    for column, value in cells.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_every_row_is_there_and_told_apart(rows):
    assert len(rows) == 149
    assert rows["device_name"].value_counts().to_dict() == {"Inferentia2": 127, "Inferentia": 22}
    frame = schema.conform(rows, "measurements")
    assert not frame.duplicated(["model_name", "variant", "system", "batch_size", "runtime_version"]).any()


def test_bert_base_on_the_smallest_machine(rows):
    row = one(rows, system="inf1.xlarge", throughput_per_s=1_056)
    assert row["model_name"] == "BERT base checkpoint=bert-base-cased-finetuned-mrpc seq=128"
    assert (row["device_count"], row["batch_size"], row["runtime_version"]) == (1, 4, "2.20.0")
    assert (row["latency_ms_p50"], row["latency_ms_p99"]) == (20, 21)
    # At the machine's on-demand price of 0.228 USD/h a million inferences cost 0.06 USD.
    assert 0.228 / 3_600 / row["throughput_per_s"] * 1e6 == pytest.approx(0.06, abs=0.0005)


@pytest.mark.parametrize(
    ("system", "chips"),
    [("inf1.xlarge", 1), ("inf1.2xlarge", 1), ("inf1.6xlarge", 4), ("inf2.xlarge", 1), ("inf2.24xlarge", 6), ("inf2.48xlarge", 12)],
)
def test_chips_of_a_machine(rows, system, chips):
    assert set(rows.loc[rows["system"] == system, "device_count"]) == {chips}


def test_a_distilled_network_under_the_name_of_bert_base_is_told_apart(rows):
    names = rows.loc[rows["model_name"].str.startswith("BERT base checkpoint=distil"), "throughput_per_s"]
    assert names.tolist() == [2_114.8, 2_123.4]


def test_time_per_token_is_not_a_latency(rows):
    tokens = rows[rows["throughput_unit"] == "tokens"]
    assert len(tokens) == 46
    assert tokens[["latency_ms_p50", "latency_ms_p99"]].isna().all(axis=None)
    samples = rows[rows["throughput_unit"] == "samples"]
    assert len(samples) == 103
    assert samples[["latency_ms_p50", "latency_ms_p99"]].notna().all(axis=None)
    assert tokens.loc[tokens["model_name"] == "t5-3b", "variant"].str.endswith("tokens_counted=input+output").all()


def test_precision_is_that_of_the_matrix_work(rows):
    assert rows["precision"].fillna("").value_counts().to_dict() == {"bf16": 125, "": 20, "fp16": 2, "fp32": 2}
    assert set(rows.loc[rows["precision"].isna(), "device_name"]) == {"Inferentia"}
    assert set(rows.loc[rows["precision"] == "fp32", "model_name"]) == {"deepmind/multimodal-perceiver res=16x224x224"}


def test_what_the_page_shows_no_more_is_superseded(rows):
    assert (rows["quality_flag"] == "superseded").sum() == 76
    assert rows["quality_flag"].isna().sum() == 73
    assert set(rows.loc[rows["model_name"].str.contains("(?i)llama"), "quality_flag"]) == {"superseded"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",1056,", ",many,", "inference.csv, line 21, column throughput: expected a number of at least 0, found 'many'"),
        ("inf1.2xlarge,", "inf1.3xlarge,", "inference.csv, line 2, column instance_type: 'inf1.3xlarge'; did you mean"),
        ("on_published_page", "shown", "line 1: missing column on_published_page"),
    ],
)
def test_faults_are_named(sources, tmp_path, old, new, said):
    text = (sources / aws_neuron.FOLDER / aws_neuron.FILE).read_text(encoding="utf-8")
    (tmp_path / aws_neuron.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=said):
        aws_neuron.read(tmp_path)
