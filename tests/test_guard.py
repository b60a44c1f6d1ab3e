import pandas as pd
import pytest
from conftest import measured
from hypothesis import given
from hypothesis import strategies as st

import hwlib as hw
from hwlib import HwlibError, guard

BASE = measured()


def against(**cells):
    return hw.compare(BASE, measured(**cells))


def test_a_row_is_alike_to_itself_and_the_order_does_not_matter():
    assert hw.compare(BASE, BASE).verdict == guard.ALIKE
    other = measured(precision="int8", tuning="engine", batch_size=64)
    assert hw.compare(BASE, other) == hw.compare(other, BASE) or hw.compare(BASE, other).verdict == hw.compare(other, BASE).verdict


@pytest.mark.parametrize(
    ("cells", "verdict", "words"),
    [
        ({"batch_size": 1024}, guard.REFUSED, "batch 8 against batch 1024"),
        ({"batch_size": 16}, guard.CAVEAT, "batch 8 against batch 16"),
        ({"precision": "int8", "tuning": "engine"}, guard.CAVEAT, "vendor engine int8 against eager fp16"),
        ({"precision": "fp32"}, guard.CAVEAT, "fp16 against fp32"),
        ({"model_id": "other"}, guard.REFUSED, "different networks: net against other"),
        ({"throughput_unit": "tokens"}, guard.REFUSED, "samples per second against tokens per second"),
        ({"scenario": "server"}, guard.REFUSED, "batch_loop against server"),
        ({"scenario": "offline"}, guard.CAVEAT, "batch_loop against offline"),
        ({"source_id": "mlperf-v1.0"}, guard.CAVEAT, "an MLPerf result against a figure measured outside MLPerf"),
        ({"device_count": 8}, guard.CAVEAT, "1 device against 8 devices"),
        ({"device_count": None}, guard.CAVEAT, "1 device against an unstated number"),
        ({"concurrency": 64}, guard.REFUSED, "1 against 64 calls in flight"),
        ({"sparsity": 0.9375}, guard.CAVEAT, "dense or unstated against 94% of weights zero"),
        ({"runtime": "jax"}, guard.CAVEAT, "pytorch against jax"),
        ({"variant": "timed=whole pipeline"}, guard.CAVEAT, "timed unstated against whole pipeline"),
        ({"availability": "preview"}, guard.CAVEAT, "one is a preview system, not known to be for sale"),
        ({"quality_flag": "upper_bound"}, guard.CAVEAT, "one is an 'up to' figure"),
        ({"evidence": "estimated"}, guard.CAVEAT, "published against estimated figures"),
        ({"evidence": "audited"}, guard.CAVEAT, "published against audited figures"),
        ({"latency_ms_mean": None, "latency_ms_p99": 12.0}, guard.CAVEAT, "mean latency against p99 latency"),
    ],
)
def test_each_unlike_pair_is_marked_in_words(cells, verdict, words):
    comparison = against(**cells)
    assert comparison.verdict == verdict
    assert words in comparison.reasons


def test_mlperf_rounds_divisions_targets_and_states_of_sale():
    old = measured(source_id="mlperf-v0.7", division="closed", availability="available", variant="accuracy=99")
    assert "MLPerf v0.7 against v3.0: software of different years" in hw.compare(old, old | {"source_id": "mlperf-v3.0"}).reasons
    assert hw.compare(old, old | {"division": "open"}).verdict == guard.REFUSED
    assert hw.compare(old, old | {"availability": "preview"}).verdict == guard.REFUSED
    assert hw.compare(old, old | {"variant": "accuracy=99.9"}).reasons == ("accuracy target 99 % against 99.9 %",)


def test_the_timm_gpu_and_cpu_rows_are_not_put_side_by_side():
    rows = hw.load_measurements("resnet50", ["nvidia-rtx-4090", "intel-core-i9-10940x"], source_id="timm")
    gpu = rows[(rows["batch_size"] == 1024) & rows["throughput_per_s"].between(4_217, 4_218)]
    cpu = rows[(rows["device_id"] == "intel-core-i9-10940x") & rows["throughput_per_s"].between(67.1, 67.3)]
    assert (len(gpu), len(cpu)) == (1, 1)
    with pytest.raises(HwlibError, match="not comparable: batch 1024 against batch 1"):
        hw.side_by_side(pd.concat([gpu, cpu]))


def test_offline_is_not_read_as_server_in_real_rows():
    rows = hw.load_measurements(
        "resnet50", source_id="mlperf-v1.0", submitter="NVIDIA", scenario=["offline", "server"], availability="available"
    )
    assert hw.caveats(rows)[0] == "scenario offline, server"
    with pytest.raises(HwlibError, match="offline against server"):
        hw.side_by_side(rows)


def one(model=None, device=None, **where):
    """The first row of `measurements` that fits."""
    return hw.load_measurements(model, device, **where).iloc[0]


OFFLINE = {"scenario": "offline", "submitter": "NVIDIA", "device_count": 1}


def test_an_engine_against_the_eager_framework():
    fast = one("resnet50", "nvidia-t4", source_id="nvidia-dle", tuning="engine", precision="fp16", batch_size=8)
    slow = one("resnet50", "nvidia-t4", source_id="nvidia-dle", tuning="eager", precision="fp32", batch_size=8)
    assert "vendor engine fp16 against eager fp32" in hw.compare(fast, slow).reasons


def test_a_preview_of_an_older_round_is_flagged_twice():
    h100 = [one("resnet50", "nvidia-h100-sxm5-80gb", source_id=f"mlperf-{version}", **OFFLINE) for version in ("v2.1", "v3.0")]
    assert hw.compare(*h100) == (
        guard.REFUSED,
        ("preview system against available system", "MLPerf v2.1 against v3.0: software of different years"),
    )
    l4 = one("resnet50", "nvidia-l4", source_id="mlperf-v3.0", **OFFLINE)
    t4 = hw.load_measurements("resnet50", "nvidia-t4", source_id="mlperf-v0.7", **OFFLINE)
    t4 = t4[t4["variant"].isna()].iloc[0]
    assert l4["throughput_per_s"] / t4["throughput_per_s"] == pytest.approx(2.18, abs=0.005)
    assert hw.compare(l4, t4) == (
        guard.REFUSED,
        ("preview system against available system", "MLPerf v3.0 against v0.7: software of different years"),
    )


def test_an_estimate_is_told_before_all_other_caveats():
    reasons = against(evidence="estimated", precision="int8", source_id="other", device_count=2).reasons
    assert reasons[0] == "published against estimated figures"
    assert against(evidence="audited", precision="int8").reasons[-1] == "published against audited figures"


def test_a_latency_limit_is_another_question_than_none():
    pair = [one("llama-2-70b", "nvidia-h200-sxm", source_id="mlperf-v5.1", scenario=kind) for kind in ("offline", "interactive")]
    assert hw.compare(*pair).verdict == guard.REFUSED
    assert hw.compare(*pair).reasons[0] == "offline against interactive"


def test_capped_power_and_a_server_in_front_are_told():
    rows = hw.load_measurements("resnet50", "nvidia-a100-sxm4-80gb", source_id="mlperf-v1.0", scenario="offline", submitter="NVIDIA")
    rows = rows[rows["device_count"] == 8]
    plain, capped, triton = (rows[rows["variant"].fillna("") == name].iloc[0] for name in ("", "power_mode=maxq", "server=triton"))
    assert hw.compare(plain, capped).reasons == ("power mode unstated against maxq",)
    assert hw.compare(plain, triton).reasons == ("server unstated against triton",)


def test_sparse_weights_made_up_inputs_and_unlike_pipelines_in_real_rows():
    dense = one("resnet50", "graphcore-c600", source_id="bytemlperf", precision="fp8", batch_size=32)
    sparse = one("resnet50", "moffett-s30", source_id="bytemlperf")
    assert "dense or unstated against 94% of weights zero" in hw.compare(dense, sparse).reasons
    fake, real = (one(device="graphcore-c600", source_id="bytemlperf", model=name) for name in ("clip-text-seq77", "resnet50"))
    assert any("data set FAKE_DATASET against OPEN_IMAGENET" in reason for reason in hw.compare(fake, real).reasons)
    t4, k80 = (one("yolov3-416", device, source_id="yolo-community", batch_size=1) for device in ("nvidia-t4", "nvidia-k80"))
    comparison = hw.compare(t4, k80)
    assert comparison.verdict == guard.CAVEAT
    assert "timed unstated against whole pipeline, approximate figure unstated against yes" in comparison.reasons
    assert "vendor engine fp16 against eager fp32" in comparison.reasons


def test_serving_at_other_lengths_loads_and_modes_is_other_work():
    rows = hw.load_llm_serving(source_id="aiconfigurator")
    rows = rows[rows["model_id"] == rows["model_id"].mode().item()]
    short, long = (rows.loc[position] for position in (rows["input_tokens"].idxmin(), rows["input_tokens"].idxmax()))
    assert hw.compare(short, long).verdict == guard.REFUSED
    assert f"prompts of {short['input_tokens']} against {long['input_tokens']} tokens" in hw.compare(short, long).reasons
    quiet, busy = (rows.loc[position] for position in (rows["concurrency"].idxmin(), rows["concurrency"].idxmax()))
    assert f"{quiet['concurrency']} against {busy['concurrency']} calls in flight" in hw.compare(quiet, busy).reasons
    modes = [rows[rows["mode"] == mode].iloc[0] for mode in ("aggregated", "disaggregated")]
    assert "aggregated against disaggregated serving" in hw.compare(*modes).reasons


def test_tokens_are_not_counted_alike_by_all():
    rows = hw.load_measurements(source_id="aws-neuron", throughput_unit="tokens")
    both = rows["variant"].str.contains("tokens_counted=input")
    assert "input+output tokens counted against output tokens" in hw.compare(rows[both].iloc[0], rows[~both].iloc[0]).reasons


def test_a_preview_among_served_models_is_told_by_its_flag():
    rows = hw.load_llm_serving(source_id="mlperf-v4.1")
    preview = rows["quality_flag"].fillna("").str.contains("preview")
    assert any("preview system" in reason for reason in hw.compare(rows[preview].iloc[0], rows[~preview].iloc[0]).reasons)


def priced(kind, **where):
    price = hw.load_prices(**where).iloc[0]
    return measured(usd_per_hour=price["usd_per_hour"], price_as_of=price["as_of"], **{name: price[name] for name in kind})


def test_prices_of_unlike_terms_days_and_units_in_real_rows():
    spot, fixed = (priced(["pricing"], pricing=pricing) for pricing in ("spot", "on_demand"))
    assert hw.compare(spot, fixed, by="usd_per_100k").reasons[0] == "spot price against on_demand price"
    chip, whole = (priced(["priced_unit"], priced_unit=unit) for unit in ("accelerator", "machine"))
    comparison = hw.compare(chip, whole, by="usd_per_100k")
    assert comparison.verdict == guard.REFUSED
    assert comparison.reasons[0] == "price of the accelerator against price of the machine"
    days = hw.load_prices()["as_of"].dropna()
    first, last = (measured(usd_per_hour=1.0, price_as_of=day) for day in (days.min(), days.max()))
    assert hw.compare(first, last).reasons == (f"prices of {days.min():%Y-%m-%d} against {days.max():%Y-%m-%d}",)
    assert hw.compare(first, last, by="throughput_per_s").verdict == guard.ALIKE
    undated = measured(usd_per_hour=1.0, price_as_of=pd.NaT)
    assert hw.compare(undated, last).reasons == ("one price is of unknown day",)


def test_power_is_held_against_power_of_the_same_boundary_and_never_against_tdp():
    system = measured(power_w=100.0, power_boundary="system", joules_per_inference=2.0)
    device = measured(power_w=60.0, power_boundary="device", joules_per_inference=1.2)
    bound = measured(joules_per_inference_tdp_bound=1.0)
    assert hw.compare(system, device).reasons == ("power of the system against power of the device",)
    assert hw.compare(system, bound, by="joules_per_inference") == (guard.REFUSED, ("measured energy against a bound from TDP",))
    assert hw.compare(system, bound, by="usd_per_100k").verdict == guard.ALIKE
    assert hw.compare(bound, bound).verdict == guard.ALIKE
    untold = system | {"batch_size": None}
    assert hw.compare(system, untold, by="gco2e_per_million").reasons == ("energy at a batch size that is not stated",)
    free = system | {"batch_size": None, "scenario": "offline"}
    assert hw.compare(free, free).verdict == guard.ALIKE


def test_models_of_unlike_work_are_told_with_their_work():
    a, b = (measured(model_id=name, gmacs=gmacs) for name, gmacs in (("resnet50", 4.1), ("mobilenet-v2", 0.3)))
    assert hw.compare(a, b).reasons == ("different networks: resnet50 against mobilenet-v2 (4.1 against 0.3 GMAC)",)
    assert hw.compare(a, a | {"gmacs": 8.2}).reasons == ("4.1 against 8.2 GMAC a sample",)
    assert hw.compare(a, a | {"gmacs": 4.11}).verdict == guard.ALIKE


def test_latencies_that_share_a_statistic_can_be_held_against_each_other():
    both = measured(latency_ms_p90=9.0)
    assert hw.compare(measured(), both).verdict == guard.ALIKE
    p99 = measured(latency_stat="p99")
    assert hw.compare(p99, measured(latency_stat="p90"), by="latency_ms").reasons == ("p99 latency against p90 latency",)
    assert hw.compare(p99, measured(latency_stat="p90"), by="throughput_per_s").verdict == guard.ALIKE


def test_a_figure_that_is_none_is_refused_by_name():
    with pytest.raises(HwlibError, match="unknown figure 'cots'"):
        hw.compare(BASE, BASE, by="cots")


@given(st.data())
def test_the_verdict_depends_neither_on_order_nor_on_the_kind_of_row(real_rows, drawn):
    places = st.integers(0, len(real_rows) - 1)
    a, b = (real_rows.iloc[drawn.draw(places)] for _ in range(2))
    there, back = hw.compare(a, b), hw.compare(b, a)
    assert there.verdict == back.verdict
    assert len(there.reasons) == len(back.reasons)
    assert there == hw.compare(a.to_dict(), b.to_dict())
    assert hw.compare(a, a).verdict == guard.ALIKE
    refused = there.verdict == guard.REFUSED
    try:
        hw.side_by_side(real_rows.loc[[a.name, b.name]])
    except HwlibError:
        assert refused
    else:
        assert not refused


@pytest.fixture(scope="module")
def real_rows():
    """Every eleventh row of one much measured network, all sources."""
    return hw.load_measurements("resnet50").iloc[::11]


def test_lines_over_batch_size_hold_one_stack_each_and_the_widest_comes_first():
    figures = [("a", "x", 1), ("a", "x", 2), ("b", "x", 1), ("b", "x", 2), ("a", "y", 1), ("a", "y", 2), ("a", "y", 4), ("c", "y", 1)]
    rows = pd.DataFrame(
        [measured(measurement_id=f"{d}{r}{b}", device_id=d, runtime=r, batch_size=b, throughput_per_s=100.0 * b) for d, r, b in figures]
    ).reindex(columns=hw.schema.MEASUREMENTS.names)
    lines = guard.batch_series(rows)
    assert lines["stack"].unique().tolist() == ["fp16, x eager (made)", "fp16, y eager (made)"]
    assert lines.groupby("stack")["device_id"].unique().map(set).tolist() == [{"a", "b"}, {"a"}]
