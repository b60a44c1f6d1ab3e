"""What the notebooks say in words under their pictures holds for the data that draw them."""

import pytest

import hwlib as hw


@pytest.fixture(scope="module")
def sweep():
    rows = hw.load_measurements("resnet50", source_id="nvidia-dle", runtime="tensorflow", precision="fp16", tuning="compiled")
    return rows.pivot(index="batch_size", columns="device_id", values="throughput_per_s")


def test_02_no_device_loses_much_to_the_server_rule_of_resnet50():
    rows = hw.load_measurements("resnet50", source_id="mlperf-v4.1", division="closed", availability="available")
    rows["throughput_per_s"] /= rows["device_count"].astype("float64")
    best = rows.groupby(["device_id", "scenario"])["throughput_per_s"].max().unstack().dropna(subset=["server", "offline"])
    assert (best["server"] / best["offline"]).min() > 0.75


def test_02_a_looser_limit_never_costs_more_and_the_tightest_has_no_winner():
    costs = [hw.decide("resnet50", latency_ms=limit).best["usd_per_100k"] for limit in (50, 10, 5, 3, 0.85)]
    assert costs == sorted(costs)
    assert costs[-1] > 2 * costs[0]
    assert hw.decide("resnet50", latency_ms=0.1).best is None


def test_02_the_soonest_the_fastest_and_the_cheapest_are_three_devices():
    assert len({hw.decide("resnet50", priority=priority).best["device_id"] for priority in ("latency", "throughput", "cost")}) == 3


def test_03_the_small_device_is_full_first_and_the_large_one_gains_most(sweep):
    full = (sweep >= 0.9 * sweep.max()).idxmax()
    assert full.idxmin() == "nvidia-t4"
    assert (sweep.max() / sweep.loc[1]).idxmax() == "nvidia-a100-sxm4-40gb"
    assert sweep.loc[1, "nvidia-a100-sxm4-40gb"] < 1.1 * sweep.loc[1, "nvidia-t4"]


def test_03_at_300_requests_a_second_a_t4_cannot_keep_up_with_batch_1_and_at_3_that_is_best(sweep):
    rows = hw.load_measurements("resnet50", "nvidia-t4", source_id="nvidia-dle", runtime="tensorflow", precision="fp16", tuning="compiled")
    t4 = rows.assign(latency_ms=rows["latency_ms_mean"]).sort_values("batch_size")
    few, many = hw.queueing.response_ms(t4, 3), hw.queueing.response_ms(t4, 300)
    assert few.argmin() <= 1
    assert many[0] == float("inf")
    assert many[1] > 2 * many.min()
    assert t4["batch_size"].iloc[many.argmin()] == 4


def test_06_fewer_bits_slow_a_t4_down_at_small_batches_and_int8_splits_the_cpus_in_two_groups():
    table = hw.variants.precisions("resnet50")
    amp = table.query("device_id == 'nvidia-t4' and runtime == 'pytorch' and choice != reference").set_index("batch_size")["speed_up"]
    assert (amp[[1, 2, 4]] < 1).all()
    assert (amp.loc[8:] > 1).all()
    gains = table.query("choice == 'int8' and reference == 'fp32'").groupby("device_id")["speed_up"].agg(["min", "max", "size"])
    gains = gains[gains["size"] >= 3]
    assert not ((gains["min"] < 2.6) & (gains["max"] > 2.6)).any()


def test_06_the_strict_target_halves_most_devices_and_spares_the_newest():
    table = hw.variants.accuracy_targets("bert-large").query("division == 'closed' and availability == 'available'")
    table = table.query("choice == '99' and reference == '99.9'")
    gains = table.groupby("device_id")["speed_up"].agg(["median", "size"])
    gains = gains.loc[gains["size"] >= 6, "median"]
    spared = gains[gains < 1.3].index
    assert all(name.startswith(("nvidia-h100", "nvidia-h200")) for name in spared)
    assert (gains.drop(spared) > 1.5).all()


def test_06_pruning_two_thirds_of_the_work_away_brings_no_board_three_times_the_speed():
    table = hw.variants.compressions("resnet50").query("source_id in ['vitis-ai-3.0', 'vitis-ai-3.5']")
    assert table["gmacs_ratio"].min() < 1 / 3
    assert table["speed_up"].max() < 2
    busiest = table[(table["device_id"] == "amd-vek280") & (table["setting"] == table["setting"][table["device_id"] == "amd-vek280"].max())]
    assert busiest["speed_up"].max() <= 1


def test_07_large_devices_lose_most_where_requests_come_one_at_a_time():
    rows = hw.energy(hw.load_measurements("resnet50", division="closed", availability="available"))
    rows = rows[rows["power_w"].notna() & ~rows["quality_flag"].str.contains("inferred", na=False)]
    best = rows.groupby(["device_id", "scenario"])["inferences_per_joule"].max().unstack().dropna(subset=["single_stream", "offline"])
    share = best["single_stream"] / best["offline"]
    assert (share < 0.75).all()
    assert share["nvidia-a100-pcie-80gb"] < 0.1 < share["qualcomm-cloud-ai-100-dm-2"]


def test_07_a_device_that_keeps_a_cap_by_its_tdp_was_measured_above_it():
    winner = hw.decide("resnet50", power_w=15, segment="edge", priority="throughput").best
    rows = hw.load_measurements("resnet50", winner["device_id"], division="closed", availability="available", scenario="offline")
    assert winner["tdp_w"] <= 15
    assert winner["power_w"] != winner["power_w"]
    assert rows["power_w"].min() > 15


def test_07_the_choice_of_the_device_matters_more_than_the_place():
    rows = hw.energy(hw.load_measurements("resnet50", division="closed", availability="available", scenario="offline"))
    joules = rows.groupby("device_id")["joules_per_inference"].min().dropna()
    grids = [hw.regions.grid(region)["gco2e_per_kwh"] for region in ("NOR", "IND")]
    assert max(grids) / min(grids) > 10
    assert joules.max() / joules.min() > max(grids) / min(grids)


def test_08_without_a_limit_on_the_first_token_a_queue_looks_like_speed():
    rows = hw.serving.serving_rows("gpt-oss-120b").query("input_tokens == 8192 and output_tokens == 1024")
    free, soon = (
        hw.tradeoff.frontier(part).groupby("device_id")["tokens_per_s_per_device"].max() for part in (rows, rows[rows["ttft_ms"] <= 2_000])
    )
    assert free["nvidia-h100-sxm5-80gb"] > 2 * soon["nvidia-h100-sxm5-80gb"]
    assert free["nvidia-h100-sxm5-80gb"] > free["nvidia-h200-sxm"]
    assert soon["nvidia-h100-sxm5-80gb"] < soon["nvidia-h200-sxm"]


def test_08_the_winner_by_cost_stays_at_every_limit_and_the_places_behind_it_change():
    limits = ({}, {"ttft_ms": 2000, "tpot_ms": 200}, {"ttft_ms": 450, "tpot_ms": 40})
    decisions = [hw.decide("llama-2-70b", **limit) for limit in limits]
    assert {decision.best["device_id"] for decision in decisions} == {"nvidia-b200-sxm"}
    assert [decision.runner_up["device_id"] for decision in decisions] == [
        "nvidia-rtx-pro-6000-blackwell-server",
        "nvidia-rtx-pro-6000-blackwell-server",
        "nvidia-h200-sxm",
    ]
    costs = [decision.table.drop_duplicates("device_id").set_index("device_id")["usd_per_million"] for decision in decisions]
    ahead = [cost["amd-mi300x"] < cost["nvidia-h200-sxm"] for cost in costs]
    assert ahead == [True, False, False]


def test_08_the_order_of_four_devices_is_the_same_at_each_limit():
    runs = hw.serving.serving_rows("llama-2-70b").query("source_id == 'mlperf-v5.1' and device_count == 8 and division == 'closed'")
    runs = runs[
        (runs["availability"] == "available") & runs["device_id"].isin(["nvidia-b200-sxm", "nvidia-h200-sxm", "amd-mi325x", "amd-mi300x"])
    ]
    best = runs.groupby(["scenario", "device_id"])["tokens_per_s_per_device"].max().unstack()
    orders = {tuple(row.sort_values(ascending=False).index) for _, row in best.iterrows()}
    assert orders == {("nvidia-b200-sxm", "nvidia-h200-sxm", "amd-mi325x", "amd-mi300x")}
    left = best.loc["interactive"] / best.loc["offline"]
    assert left.max() < 0.68
