"""What the workshop's exercises, hints, teacher's notes and verdicts say in words holds for the data."""

import pandas as pd
import pytest

import hwlib as hw
from hwlib.workshop import checks, choices
from hwlib.workshop.cases import CASES

H100, A100 = "nvidia-h100-sxm5-80gb", "nvidia-a100-sxm4-80gb"


@pytest.fixture(scope="module")
def busy():
    return hw.decide("resnet50")


@pytest.fixture(scope="module")
def single():
    return choices._single()


def test_1_the_factor_is_4_5_and_2_4_and_only_one_device_pays_for_the_strict_target():
    rows = hw.load_measurements("bert-large", [H100, A100], source_id="mlperf-v2.1", submitter="NVIDIA", scenario="offline", device_count=1)
    wide = rows.pivot(index="device_id", columns="variant", values="throughput_per_s")
    factor = (wide.loc[H100] / wide.loc[A100]).round(1)
    assert factor[["accuracy=99.9", "accuracy=99"]].tolist() == [4.5, 2.4]
    gain = wide["accuracy=99"] / wide["accuracy=99.9"]
    assert gain[H100] < 1.1
    assert gain[A100] == pytest.approx(2, abs=0.05)


def test_1_both_devices_state_the_same_precisions_and_the_h100_is_a_preview():
    rows = hw.load_measurements("bert-large", [H100, A100], source_id="mlperf-v2.1", submitter="NVIDIA", scenario="offline", device_count=1)
    stated = rows.groupby(["device_id", "variant"])["precision"].unique().map(list).unstack()
    assert stated["accuracy=99"].tolist() == [["int8"], ["int8"]]
    assert stated["accuracy=99.9"].tolist() == [["fp16"], ["fp16"]]
    assert set(rows.loc[rows["device_id"] == H100, "availability"]) == {"preview"}
    peaks = hw.load_devices([H100, A100]).set_index("device_id")["fp8_tflops"]
    assert peaks[H100] > 0
    assert pd.isna(peaks[A100])


def test_1_the_largest_system_has_no_fast_devices():
    rows = hw.load_measurements("bert-large", source_id="mlperf-v2.1", scenario="offline", division="closed", variant="accuracy=99")
    largest = rows.loc[rows["throughput_per_s"].idxmax()]
    h100 = rows.loc[rows["device_id"] == H100, "throughput_per_s"].item()
    assert largest["device_count"] > 8
    assert h100 > 2 * largest["throughput_per_s"] / largest["device_count"]


def test_2_the_device_fills_up_and_its_latency_bends():
    v100 = checks._sweep("nvidia-v100-sxm2-16gb")
    assert len(v100) == 9
    assert v100.loc[2, "throughput_per_s"] > 1.9 * v100.loc[1, "throughput_per_s"]
    assert v100.loc[256, "throughput_per_s"] < 1.1 * v100.loc[64, "throughput_per_s"]
    assert v100.loc[4, "latency_ms_mean"] < 1.1 * v100.loc[1, "latency_ms_mean"]
    assert v100.loc[256, "latency_ms_mean"] > 1.9 * v100.loc[128, "latency_ms_mean"]


def test_2_a_batch_gains_the_t4_between_5_and_10_times():
    rates = checks._sweep("nvidia-t4")["throughput_per_s"]
    assert 5 < rates[64] / rates[1] < 10


def test_2_the_mean_of_the_a100_keeps_the_limit_at_64_and_its_percentile_is_three_times_as_long():
    a100 = checks._sweep("nvidia-a100-sxm4-40gb")
    assert checks._largest(a100, "latency_ms_mean") == 64
    assert checks._largest(a100, "latency_ms_p99") < 64
    assert a100.loc[64, "latency_ms_p99"] / a100.loc[64, "latency_ms_mean"] == pytest.approx(3, abs=0.3)


def test_2_with_few_requests_small_batches_answer_sooner_and_with_many_batch_1_cannot_keep_up():
    t4 = checks._sweep("nvidia-t4")
    rows = t4.assign(latency_ms=t4["latency_ms_mean"])
    few = hw.queueing.response_ms(rows, 3)
    assert list(few) == sorted(few)
    assert hw.queueing.response_ms(rows, 300)[0] == float("inf")


def test_3_the_runner_up_is_dearer_by_about_a_third(busy):
    assert busy.margin == pytest.approx(0.3, abs=0.05)


def test_3_few_requests_have_another_winner_and_the_cost_falls_with_the_rate(busy):
    shop, middle, giant = (checks._served(rate) for rate in (3, 300, 30_000))
    assert shop["device_id"] != busy.best["device_id"]
    assert shop["usd_per_100k"] > middle["usd_per_100k"] > giant["usd_per_100k"]
    assert shop["usd_per_hour"] < giant["usd_per_hour"]


def test_3_one_turning_point_is_the_price_of_the_winners_own_machine_and_one_of_the_second(busy):
    flips = busy.flips.query("answer == 'usd_per_hour'").set_index("side")
    assert flips.loc["above", "instance_type"] == busy.best["instance_type"]
    assert flips.loc["above", "at"] > busy.best["usd_per_hour"]
    assert flips.loc["below", "instance_type"] == busy.runner_up["instance_type"]
    assert {busy.flips["loser"].iloc[0]} == {busy.best["device"]}


def test_4_resnet50_makes_more_work_and_one_chip_has_two_winners():
    gmacs = hw.load_models(["resnet50", "mobilenet-v2"]).set_index("model_id")["gmacs"]
    assert 10 < gmacs["resnet50"] / gmacs["mobilenet-v2"] < 20
    rows = hw.load_measurements(source_id="openvino-2022.1", precision="int8", batch_size=1)
    wide = rows[rows["device_id"].isin([choices.CPU, choices.GPU])].pivot_table(
        index="model_id", columns="device_id", values="throughput_per_s"
    )
    times = wide[choices.GPU] / wide[choices.CPU]
    assert times["ssd-mobilenet-v1"] < 1 < times["yolov4-608"]


def test_4_two_winners_are_estimates_and_measurements_cost_more_than_the_estimate_promised():
    decisions = {name: hw.decide(name) for name in choices.NETWORKS}
    guessed = [name for name, decision in decisions.items() if decision.best["evidence"] == "estimated"]
    assert guessed == ["mobilenet-v2", "ssd-resnet34"]
    measured = hw.decide("ssd-resnet34", evidence=choices.MEASURED).best
    assert measured["device_id"] != decisions["ssd-resnet34"].best["device_id"]
    assert measured["usd_per_100k"] > decisions["ssd-resnet34"].best["usd_per_100k"]


def test_5_the_energies_lie_more_than_two_powers_of_ten_apart_and_all_are_of_whole_systems(single):
    assert single["joules_per_inference"].max() > 100 * single["joules_per_inference"].min()
    assert set(single["power_boundary"]) == {"system"}
    assert (single["precision"] == "fp32").tolist() == sorted(single["precision"] == "fp32")
    assert single["precision"].iloc[-1] == "fp32"


def test_5_least_power_is_not_least_energy(single):
    least = single.sort_values("power_w").iloc[0]
    frugal = single.iloc[0]
    assert least["device_id"] != frugal["device_id"]
    assert frugal["power_w"] > single["power_w"].median()
    assert frugal["throughput_per_s"] > 10 * least["throughput_per_s"]


def test_5_the_winner_keeps_to_15_w_by_its_tdp_only():
    best = hw.decide("resnet50", power_w=15, segment="edge", priority="throughput").best
    assert pd.isna(best["power_w"])
    assert best["tdp_w"] <= 15
    measured = choices._edge().query("device_id == @best.device_id and scenario == 'offline'")["power_w"]
    assert measured.min() > 15


def test_6_two_cards_are_clear_one_is_near_a_turn_one_is_open_and_one_is_decided_by_its_limits():
    decisions = {card: hw.decide(hw.Workload(**case)) for card, case in CASES.items()}
    assert min(decisions["shop"].p_best, decisions["clinic"].p_best) > 0.99
    desk = decisions["help_desk"].flips
    near = desk[desk["answer"].isin(["latency_ms", "requests_per_s"])]
    assert (near["at"] / near["now"].astype(float)).sub(1).abs().min() < 0.05
    assert decisions["crossing"].p_best < 0.5
    assert decisions["crossing"].runner_up["evidence"] == "estimated"
    assert (decisions["chat"].flips["answer"] == "ttft_ms").any()


def test_6_the_first_turning_point_of_both_texts_is_the_price_of_the_winners_machine():
    for workload in (hw.Workload("resnet50", pricing="on_demand,spot", usd_per_hour=5), hw.Workload(**CASES["shop"])):
        decision = hw.decide(workload)
        first = decision.flips.iloc[0]
        assert (first["answer"], first["side"]) == ("usd_per_hour", "above")
        assert first["instance_type"] == decision.best["instance_type"]
