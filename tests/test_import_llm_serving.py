"""LLM serving: golden rows of all five lists, the traps of the NVIDIA list, and faults."""

import re
from pathlib import Path

import pandas as pd
import pytest
from broken_files import broken_csv, outcome
from hypothesis import HealthCheck, given, settings

from hwlib import HwlibError, columns, schema
from hwlib.importers import IDENTITY, aws_neuron, identified, llm_serving, mlperf, names, qualcomm_llm, rkllm

SAMPLE = Path(__file__).parent / "raw_samples" / llm_serving.FILE
MODULES = {module.SOURCE: module for module in (llm_serving, qualcomm_llm, rkllm, aws_neuron, mlperf)}


@pytest.fixture(scope="module")
def read(sources):
    return {source: module.read(sources / module.FOLDER)["llm_serving"] for source, module in MODULES.items()}


@pytest.fixture(scope="module")
def rows(read):
    return read["llm-serving"]


@pytest.fixture(scope="module")
def upstream(sources):
    return pd.read_csv(sources / "llm-serving" / "measured.csv")


def one(rows, **cells):
    for column, value in cells.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def of(rows, key):
    return one(rows, source_ref="silicon_sample.csv " + key)


def flagged(rows, word):
    return rows["quality_flag"].fillna("").str.split(";").map(lambda words: word in words)


def test_every_row_of_every_list_keeps_to_the_schema(read):
    assert {source: len(rows) for source, rows in read.items()} == {
        "llm-serving": 4610,
        "qualcomm-ai-hub-llm": 35,
        "rkllm": 87,
        "aws-neuron": 42,
        "mlperf": 750,
    }
    for rows in read.values():
        full = schema.conform(rows.assign(serving_id=[str(n) for n in range(len(rows))], model_id="any"), "llm_serving")
        schema.validate(full, "llm_serving")
        assert not full.duplicated(["source_id", *IDENTITY["llm_serving"]]).any()
        assert set(full["quality_flag"].dropna().str.split(";").explode()) <= set(columns.QUALITY_FLAGS)


def test_keys_are_stable_and_of_the_source(read):
    aliases = pd.DataFrame({"alias": read["aws-neuron"]["device_name"].unique(), "device_id": "a"})
    curated = {"model_names": pd.DataFrame([("aws-neuron", name, "m") for name in read["aws-neuron"]["model_name"].unique()])}
    curated["model_names"].columns = names.CURATED["model_names"]
    part = {"aws-neuron": {"llm_serving": read["aws-neuron"]}}
    ids = [identified("llm_serving", part, curated, aliases)[0]["serving_id"] for _ in range(2)]
    assert ids[0].tolist() == ids[1].tolist()
    assert ids[0].is_unique
    assert ids[0].str.fullmatch("aws-neuron-[0-9a-f]{8}").all()


def test_a_row_of_the_nvidia_list(rows):
    row = of(rows, "dsr1_b200_trtllm_fp8_agg_1024x1024_c8_cfg177")
    assert (row["model_name"], row["device_name"], row["device_count"]) == ("deepseek-ai/DeepSeek-V3 [dsr1]", "b200_sxm", 8)
    assert (row["runtime"], row["precision"], row["mode"], row["concurrency"]) == ("tensorrt-llm", "fp8", "aggregated", 8)
    assert (row["parallelism"], row["quality_flag"]) == ("tp=8;pp=1;dp=1;ep=8", "count_corrected;model_corrected")


def test_gpus_are_those_that_the_row_s_own_key_names(rows, upstream):
    named = upstream["source_id"].str.extract(r"_tp(\d+)(?:_0)?_")[0].astype("float64")
    together = (upstream["mode"] == "agg") & named.notna()
    counted = rows["device_count"].notna()
    assert (together.sum(), (together & counted).sum()) == (2733, 2714)
    assert (rows["device_count"] == named)[together & counted].all()
    # What tp x pp x dp makes instead, in 234 of them.
    product = upstream["tp_size"] * upstream["pp_size"] * upstream["attention_dp_size"].where(upstream["attention_dp_size"] > 0, 1)
    assert (product != named)[together & counted].sum() == (flagged(rows, "count_corrected") & together).sum() == 234


def test_gpus_of_all_workers_of_a_disaggregated_run(rows, upstream):
    row = of(rows, "kimik2_5_gb200_trtllm_fp4_disagg_1024x1024_c4_cfg759")
    assert (row["mode"], row["device_count"], row["concurrency"]) == ("disaggregated", 1 * 4 + 4 * 8, 4)
    assert row["parallelism"].startswith(
        "prefill_workers=1;prefill_tp=1;prefill_pp=1;prefill_dp=4;prefill_ep=4;decode_workers=4;decode_tp=8;"
    )
    apart = upstream["mode"] == "disagg"
    assert (apart.sum(), (apart & upstream["prefill_num_workers"].isna()).sum()) == (1454, 1180)
    assert (rows["device_count"].isna() == upstream["prefill_num_workers"].isna())[apart].all()
    assert (flagged(rows, "count_unstated") == rows["device_count"].isna()).all()


def test_no_network_is_larger_than_the_memory_it_ran_in(rows):
    """Weights alone, by the billions of parameters in the network's name, against the GPUs counted."""
    memory = {"h100_sxm": 80, "h200_sxm": 141, "b200_sxm": 180, "gb200": 186, "gb300": 288}
    billions = (
        rows["model_name"]
        .str.extract(r"-(\d+)[bB]")[0]
        .astype("float64")
        .fillna(rows["model_name"].str.contains("DeepSeek").map({True: 671.0}))
    )
    weights = billions * rows["precision"].map({"fp8": 1, "fp4": 0.5, "int4": 0.5, "bf16": 2})
    fits = weights <= rows["device_count"] * rows["device_name"].map(memory)
    known = weights.notna() & rows["device_count"].notna()
    assert known.sum() == 2438
    assert fits[known].all()


def test_requests_in_flight_are_those_of_the_whole_system(rows, upstream):
    in_flight = upstream["source_id"].str.extract(r"_c(\d+)_")[0].astype("float64")
    doubtful = flagged(rows, "concurrency_doubtful")
    assert (doubtful.sum(), rows["concurrency"].isna().sum()) == (30, 37)
    assert (rows["concurrency"] == in_flight)[in_flight.notna() & ~doubtful].all()
    shares = upstream["concurrency_or_batch"] < in_flight
    assert (shares & rows["concurrency"].notna()).sum() > 100


def test_runs_that_stand_in_several_dumps_are_one_run(rows, upstream):
    repeated = flagged(rows, "repeated_upstream")
    assert (rows["log_group"].nunique(), repeated.sum()) == (3384, 4610 - 3384)
    assert set(upstream.loc[repeated, "source_note"]) == {"2026-03-25.csv", "2026-04-06.csv"}
    same = rows.groupby("log_group")
    for column in ("device_name", "runtime", "mode", "input_tokens", "output_tokens", "precision"):
        assert (same[column].nunique(dropna=False) == 1).all()
    # As upstream counts them, 89 of these runs have two different numbers of GPUs.
    assert (same[["concurrency", "device_count"]].nunique() <= 1).all(axis=None)


def test_runs_of_deepseek_r1_go_by_that_name(rows, upstream):
    misnamed = upstream["model"] == "deepseek-ai/DeepSeek-V3"
    assert (misnamed.sum(), (flagged(rows, "model_corrected") == misnamed).all()) == (459, True)
    under_its_name = upstream["model"] == "deepseek-ai/DeepSeek-R1"
    assert rows.loc[misnamed, "log_group"].isin(rows.loc[under_its_name, "log_group"]).sum() == 391


def test_a_total_is_no_tensor_parallel_size(rows, upstream):
    whole = flagged(rows, "count_doubtful")
    assert (whole.sum(), set(rows.loc[whole, "device_name"])) == (55, {"gb200"})
    assert rows.loc[whole, "parallelism"].isna().all()
    assert (rows["device_count"] == upstream["tp_size"])[whole].all()


def test_a_rate_that_nobody_measured_is_not_stored(rows):
    assert "output_tokens_per_s" not in rows
    assert rows["precision"].isna().sum() == 366


def test_qualcomm_keeps_the_rate_as_time_per_token(read, sources):
    rows = read["qualcomm-ai-hub-llm"]
    row = one(rows, model_name="Qwen2-7B-Instruct")
    assert (row["device_name"], row["precision"], row["runtime"]) == ("qualcomm-snapdragon-8-elite NPU", "int4", "qnn-context-binary")
    assert (row["ttft_ms"], round(1000 / row["tpot_ms"], 2)) == (170.593, 13.65)
    assert "output_tokens_per_s" not in rows
    assert flagged(rows, "prompt_unstated").all()
    upstream = pd.read_csv(sources / "qualcomm-ai-hub" / "qualcomm_ai_hub_llm.csv")
    assert 1000 / rows["tpot_ms"].to_numpy() == pytest.approx(upstream["throughput_per_s"].to_numpy(), rel=1e-5)


def test_qualcomm_s_copied_figures_are_flagged(read):
    rows = read["qualcomm-ai-hub-llm"]
    repeated = rows[flagged(rows, "repeated_upstream")]
    assert len(repeated) == 9
    assert {"Llama-v3-8B-Instruct", "Llama-v3-ELYZA-JP-8B"} <= set(repeated["model_name"])


def test_rockchip_rows(read):
    rows = read["rkllm"]
    row = one(rows, source_ref="airockchip/rknn-llm: benchmark.md Qwen2 0.5B w4a16_g128", device_name="RK3576")
    assert (row["precision"], row["input_tokens"], row["output_tokens"], row["ttft_ms"]) == ("int4", 128, 64, 361.78)
    assert (row["runtime"], row["runtime_version"], round(1000 / row["tpot_ms"], 2)) == ("rkllm", "1.3.0", 30.33)
    assert rows["device_name"].value_counts().to_dict() == {"RK3576": 52, "RK3588": 19, "RV1126B": 12, "RK3562": 4}


def test_neuron_rows(read):
    rows = read["aws-neuron"]
    row = one(rows, model_name="Llama-2-70b", input_tokens=128, output_tokens=1024, concurrency=1)
    assert (row["output_tokens_per_s"], row["tpot_ms"], row["ttft_ms"], row["ttft_ms_p99"]) == (30.07017, 33.15115, 76.33042, 86.52544)
    assert (row["device_count"], row["parallelism"], row["precision"], row["mode"]) == (12, "tp=24", "bf16", "aggregated")
    assert not rows["model_name"].str.contains("t5").any()
    odd = one(rows, model_name="Mistral-7B-Instruct-v0.2", input_tokens=4096, concurrency=1)
    assert odd["quality_flag"] == "superseded;throughput_latency_mismatch"
    assert flagged(rows, "throughput_latency_mismatch").sum() == 6


def test_mlperf_rows(read):
    rows = read["mlperf"]
    assert set(rows["source_id"]) == {"mlperf-v4.1", "mlperf-v5.1"}
    row = one(rows, source_ref="5.1-0001 closed/AMD/results/8xMI300X_2xEPYC_9575F/llama2-70b-99.9/Interactive")
    assert row[["output_tokens_per_s", "ttft_ms", "ttft_ms_p99", "tpot_ms", "tpot_ms_p99"]].tolist() == [
        8840.42,
        201.33,
        435.976,
        32.1025,
        39.5076,
    ]
    assert (row["device_count"], row["scenario"], row["evidence"], row["submitter"]) == (8, "interactive", "audited", "AMD")
    online = rows["scenario"].isin(["server", "interactive"]) & ~rows["model_name"].str.startswith("gptj")
    assert rows.loc[online, ["ttft_ms", "ttft_ms_p99", "tpot_ms", "tpot_ms_p99", "output_tokens_per_s"]].notna().all(axis=None)
    offline = rows[rows["scenario"] == "offline"]
    assert offline[["ttft_ms", "tpot_ms", "concurrency"]].isna().all(axis=None)
    assert not rows["model_name"].str.contains("whisper").any()


def test_mlperf_limits_hold_where_they_are_the_rule(read):
    """The rules allow 200 ms per token in Server and 40 in Interactive for Llama 2 70B, 99th percentile."""
    rows = read["mlperf"]
    llama = rows[rows["model_name"].str.startswith("llama2-70b") & (rows["evidence"] == "audited")]
    worst = llama.groupby("scenario")["tpot_ms_p99"].max()
    assert worst["server"] <= 200
    assert worst["interactive"] <= 40
    assert llama["ttft_ms_p99"].max() <= 2000


def test_previews_are_told_apart(read):
    rows = read["mlperf"]
    assert flagged(rows, "preview").sum() == 22
    assert "NVIDIA B200-SXM-180GB" in set(rows.loc[flagged(rows, "preview") & (rows["source_id"] == "mlperf-v4.1"), "device_name"])


@pytest.mark.parametrize(
    ("module", "old", "new", "said"),
    [
        (
            llm_serving,
            ",195.51323120103916,",
            ",soon,",
            "measured.csv, line 2, column ttft_ms: expected a number of at least 0, found 'soon'",
        ),
        (llm_serving, ",195.51323120103916,", ",-1,", "measured.csv, line 2, column ttft_ms: expected a number of at least 0, found '-1'"),
        (llm_serving, ",disagg,1024,", ",disagg,10.5,", "measured.csv, line 2, column isl: expected a whole number"),
        (llm_serving, ",trtllm,", ",tensor,", "measured.csv, line 2, column backend:.*'tensor'"),
        (llm_serving, "2026-04-18", "April", "measured.csv, line 2, column measured_on: expected a day .* found 'April'"),
        (llm_serving, "tpot_ms", "tpot", "measured.csv, line 1: missing column tpot_ms"),
        (llm_serving, ",db-dump,", ",", "measured.csv, line 2: expected 35 cells, found 34"),
        (qualcomm_llm, ",w4a16,", ",w3,", "qualcomm_ai_hub_llm.csv, line 2, column precision:.*'w3'"),
        (qualcomm_llm, ",7.72,", ",0,", "qualcomm_ai_hub_llm.csv, line 2, column throughput_per_s: .* at least 0.01, found '0'"),
        (rkllm, ",41.58,", ",-41.58,", "rkllm_benchmark.csv, line 2, column throughput_per_s: .*'-41.58'"),
        (rkllm, "decode tokens/s", "tokens", "rkllm_benchmark.csv, line 2, column throughput_unit:.*'tokens'"),
        (rkllm, ",145.90,", ",,145.90,", "rkllm_benchmark.csv, line 2: expected 21 cells, found 22"),
    ],
)
def test_faults_are_named(sources, tmp_path, module, old, new, said):
    text = (sources / module.FOLDER / module.FILE).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / module.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=re.sub(r"(?<!\.)\*", r"\*", said)):
        module.read(tmp_path)


def test_the_hand_made_sample():
    rows = llm_serving.read(SAMPLE.parent)["llm_serving"]
    assert rows["device_count"].tolist() == [2, 8, 8, 28]
    assert rows["parallelism"].tolist()[:3] == ["tp=2;pp=1;dp=1;ep=1", "tp=8;pp=1;dp=1;ep=8", "tp=1;pp=1;dp=8;ep=8"]
    assert rows["quality_flag"].fillna("").tolist() == ["", "count_corrected;repeated_upstream", "", ""]
    assert rows["concurrency"].tolist() == [16, 8, 8, 6]


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=broken_csv(SAMPLE.read_text(encoding="utf-8")))
def test_a_broken_list_is_refused_or_read_right(tmp_path, raw):
    (tmp_path / llm_serving.FILE).write_bytes(raw)
    assert outcome(lambda: llm_serving.read(tmp_path)["llm_serving"], "llm_serving") in ("refused", "read")
