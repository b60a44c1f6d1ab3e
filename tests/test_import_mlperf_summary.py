"""MLCommons' result summaries: agreement with the round file of v5.1 on every row, both forms by hand-made samples, and broken files."""

import json
from pathlib import Path

import pandas as pd
import pytest
from broken_files import broken_csv, broken_json, outcome
from hypothesis import HealthCheck, given, settings

from hwlib import HwlibError, schema
from hwlib.importers import mlperf, mlperf_summary

SAMPLES = Path(__file__).parent / "raw_samples"
JSON, CSV = SAMPLES / "summary_results.json", SAMPLES / "summary.csv"
FIGURES = ("throughput_per_s", "latency_ms_p90", "latency_ms_p99", "power_w", "sparsity", "accuracy_value")
WORDS = (
    *(
        "submitter",
        "division",
        "availability",
        "source_id",
        "model_name",
        "device_name",
        "device_count",
        "node_count",
        "system",
        "evidence",
    ),
    *("runtime", "runtime_version", "tuning", "precision", "variant", "scenario", "batch_size", "concurrency", "throughput_unit"),
)


@pytest.fixture(scope="module")
def both(sources):
    """The official summary of v5.1 beside the round file's rows, one row a result."""
    folder = sources / mlperf.FOLDER
    official = mlperf_summary.read_summary(folder / "summary_results_v5.1.json")
    ours = mlperf.read(folder)["measurements"]
    ours = ours[ours["source_id"] == "mlperf-v5.1"]
    return official.merge(ours, on="source_ref", how="left", suffixes=("", "_ours"), validate="one_to_one")


def test_every_result_of_v51_is_read_and_known(both):
    assert len(both) == 1448
    assert both["model_name_ours"].notna().all()


@pytest.mark.parametrize("column", WORDS)
def test_words_and_counts_agree_on_every_row_of_v51(both, column):
    ours = both[f"{column}_ours"]
    assert ((both[column] == ours) | (both[column].isna() & ours.isna())).all()


@pytest.mark.parametrize("column", FIGURES)
def test_figures_agree_on_every_row_of_v51_within_a_thousandth(both, column):
    """Wherever the summary states a figure; it has no rate of a stream and no latency but the official percentile."""
    stated = both[column].notna()
    assert stated.sum() == {"throughput_per_s": 877, "latency_ms_p90": 288, "latency_ms_p99": 281, "power_w": 16}.get(column, stated.sum())
    assert both.loc[stated, f"{column}_ours"].notna().all()
    assert ((both[column] / both[f"{column}_ours"] - 1).abs() <= 0.001)[stated & (both[column] != 0)].all()


def test_what_the_summary_calls_queries_is_counted_in_tokens(both):
    interactive = both[(both["scenario"] == "interactive") & (both["model_name"] == "llama3.1-8b")]
    assert (len(interactive), set(interactive["throughput_unit"])) == (8, {"tokens"})
    assert set(both.loc[both["model_name"] == "whisper", "throughput_unit"]) == {"tokens"}


def test_the_older_form():
    rows = mlperf_summary.read_summary(JSON)
    offline, interactive, single, multi = (rows.iloc[n] for n in range(4))
    assert offline["source_ref"] == "5.1-9001 closed/Acme/results/AcmeOne_H100x8_TRT/resnet50/Offline"
    assert (offline["device_count"], offline["node_count"], offline["power_w"], offline["power_boundary"]) == (16, 2, 20000, "system")
    assert (offline["runtime"], offline["runtime_version"], offline["tuning"], offline["precision"]) == (
        "tensorrt",
        "10.1",
        "engine",
        "int8",
    )
    assert (interactive["throughput_per_s"], interactive["throughput_unit"]) == (50000, "tokens")
    assert (single["latency_ms_p90"], single["device_name"], single["device_count"], single["batch_size"]) == (12.5, "Apple M1", 1, 1)
    assert pd.isna(single["power_w"])
    assert (multi["latency_ms_p99"], multi["batch_size"], multi["quality_flag"]) == (100, 8, "inferred")


def test_the_newer_form_in_csv_and_json(tmp_path):
    rows = mlperf_summary.read_summary(CSV)
    server, video, speech, rag = (rows.iloc[n] for n in range(4))
    assert len(rows) == 4
    assert (server["source_id"], server["source_ref"]) == ("mlperf-v6.1", "closed/Acme/results/acme_two_x8/llama2-70b-99.9/Server")
    assert (server["throughput_per_s"], server["throughput_unit"], server["device_count"], server["power_w"]) == (
        90000,
        "tokens",
        16,
        25000,
    )
    assert (video["latency_ms_p90"], video["variant"]) == (16500, "weights=bf16,fp8,fp4")
    assert (speech["device_name"], speech["device_count"], speech["availability"], speech["evidence"]) == (
        "AMD EPYC 9575F",
        2,
        "rdi",
        "published",
    )
    assert (speech["throughput_unit"], speech["precision"], speech["scenario"]) == ("tokens", "int8", "offline")
    assert (rag["throughput_per_s"], rag["throughput_unit"]) == (0.46, "samples")
    assert pd.isna(rag["precision"])
    frame = pd.read_csv(CSV, dtype="str", keep_default_na=False)
    (tmp_path / "summary.json").write_text(frame.to_json(orient="index"), encoding="utf-8")
    pd.testing.assert_frame_equal(mlperf_summary.read_summary(tmp_path / "summary.json"), rows)


def test_the_order_of_columns_does_not_matter(tmp_path):
    frame = pd.read_csv(CSV, dtype="str", keep_default_na=False)
    frame[frame.columns[::-1]].assign(more="x").to_csv(tmp_path / "summary.csv", index=False)
    pd.testing.assert_frame_equal(mlperf_summary.read_summary(tmp_path / "summary.csv"), mlperf_summary.read_summary(CSV))


def test_samples_keep_to_the_schema():
    for path in (JSON, CSV):
        rows = mlperf_summary.read_summary(path)
        full = rows.assign(measurement_id=[str(n) for n in range(len(rows))], model_id="any")
        schema.validate(schema.conform(full, "measurements"), "measurements")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"90000.0"', '"fast"', "summary.csv, line 2, column Result: expected a number of at least 0, found 'fast'"),
        ('"90000.0"', '"-1"', "summary.csv, line 2, column Result: expected a number of at least 0, found '-1'"),
        ('"90000.0"', '"1e300"', r"summary.csv, line 2, column Result: expected a number of at most 1e\+18, found '1e300'"),
        ('"90000.0"', '""', "summary.csv, line 2, column Result: expected a value, found nothing"),
        ('"Server"', '"Sever"', "summary.csv, line 2, column Scenario:.*'sever'; did you mean 'server'"),
        ('"Tokens/s"', '"Joules"', "summary.csv, line 2, column Units:.*'Joules'"),
        ('"v6.1"', '"../../x"', "summary.csv, line 2, column version: expected a round such as v5.1"),
        ('"Acme Two"', '"=cmd()"', "summary.csv, line 2, column SystemName: expected a name that is no formula"),
        ('"Acme Two"', '"<b>Two</b>"', "summary.csv, line 2, column SystemName: expected a name that is no formula and holds no markup"),
        ('"16.5"', '"16.5","x"', "summary.csv, line 4: expected 31 cells, found 32"),
        ("MlperfModel,Scenario,", "MlperfModel,Setting,", "summary.csv, line 1: missing column Scenario"),
        ("host_processor_core_count", "Result", "summary.csv, line 1: column Result stands twice"),
    ],
)
def test_a_fault_of_the_newer_form_is_named(tmp_path, old, new, said):
    text = CSV.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "summary.csv").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=said):
        mlperf_summary.read_summary(tmp_path / "summary.csv")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("a#", 2.5, "summary.json, line 2, column a#: expected a whole number of at most 10,000,000, found '2.5'"),
        ("Nodes", -2, "summary.json, line 2, column Nodes: expected a number of at least 0, found '-2'"),
        ("Nodes", None, "summary.json, line 2, column Nodes: expected a value"),
        ("Performance_Result", "NaN", "summary.json, line 2, column Performance_Result: expected a number of at least 0, found 'NaN'"),
        ("Category", "ajar", "summary.json, line 2, column Category:.*'ajar'"),
    ],
)
def test_a_fault_of_the_older_form_is_named(tmp_path, key, value, said):
    results = json.loads(JSON.read_text(encoding="utf-8"))
    results[0][key] = value
    (tmp_path / "summary.json").write_text(json.dumps(results), encoding="utf-8")
    with pytest.raises(HwlibError, match=said):
        mlperf_summary.read_summary(tmp_path / "summary.json")


@pytest.mark.parametrize("text", ["", "[", "3", "[]", "{}", "[3]", "[" * 100_000, '[{"x": 1}]'])
def test_what_is_no_list_of_results_is_refused(tmp_path, text):
    (tmp_path / "summary.json").write_text(text, encoding="utf-8")
    with pytest.raises(HwlibError, match=r"summary\.json"):
        mlperf_summary.read_summary(tmp_path / "summary.json")


def test_a_result_that_stands_twice_is_refused(tmp_path):
    results = json.loads(JSON.read_text(encoding="utf-8"))
    (tmp_path / "summary.json").write_text(json.dumps([*results, results[0]]), encoding="utf-8")
    with pytest.raises(HwlibError, match=r"summary\.json, line 6, column Location: expected each result once, found 'closed/Acme/"):
        mlperf_summary.read_summary(tmp_path / "summary.json")


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=broken_csv(CSV.read_text(encoding="utf-8")))
def test_a_broken_csv_is_refused_or_read_right(tmp_path, raw):
    (tmp_path / "summary.csv").write_bytes(raw)
    assert outcome(lambda: mlperf_summary.read_summary(tmp_path / "summary.csv"), "measurements") in ("refused", "read")


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=broken_json(JSON.read_text(encoding="utf-8")))
def test_a_broken_json_is_refused_or_read_right(tmp_path, raw):
    (tmp_path / "summary.json").write_bytes(raw)
    assert outcome(lambda: mlperf_summary.read_summary(tmp_path / "summary.json"), "measurements") in ("refused", "read")
