"""What the notebooks say in words under their pictures holds for the data that draw them."""

import pytest

import hwlib as hw

NETWORKS = ["mobilenet-v1", "mobilenet-v2", "efficientnet-b0", "resnet50", "vit-base-patch16-224", "ssd-mobilenet-v1"]
NETWORKS += ["ssd-resnet34", "retinanet", "bert-large", "dlrm", "3d-unet-kits19", "llama-2-70b"]
ALIKE = {"precision": "fp32", "runtime": "pytorch", "tuning": "eager"}
MACHINES = ["c5.4xlarge", "p2.xlarge", "g4dn.2xlarge", "p3.2xlarge"]


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


def test_03_each_batch_size_has_another_winner_and_two_of_them_are_estimates():
    best = {size: hw.decide("resnet50", batch_size=size) for size in (1, 8, 64, "any")}
    assert len({decision.best["device_id"] for decision in best.values()}) == 4
    assert [size for size, decision in best.items() if decision.best["evidence"] == "estimated"] == [1, 64]
    assert best[8].p_best < 0.3


def test_04_what_speed_is_worth_an_estimate_answers_until_it_is_worth_much():
    answers = {"priority": "latency", "batch_size": 1}
    best = [hw.decide("resnet50", **answers, premium_per_doubling=premium).best for premium in (0.02, 0.05, 0.1, 0.5, 2)]
    assert [row["evidence"] for row in best] == ["estimated"] * 4 + ["audited"]
    assert best[-1]["usd_per_100k"] > best[0]["usd_per_100k"]
    assert best[-1]["latency_ms"] < best[0]["latency_ms"]


def test_05_the_measured_winners_are_gpus_and_most_estimated_ones_win_about_half_of_the_draws():
    decisions = [hw.decide(name) for name in NETWORKS]
    guessed = [decision.p_best for decision in decisions if decision.best["evidence"] == "estimated"]
    assert {decision.best["device_class"] for decision in decisions if decision.best["evidence"] != "estimated"} == {"gpu"}
    assert sum(0.4 < chance < 0.6 for chance in guessed) > len(guessed) / 2


def test_05_a_single_input_costs_more_and_eight_of_ten_winners_are_estimates_of_one_chip():
    one = {name: hw.decide(name, batch_size=1).best for name in NETWORKS}
    assert {name for name, best in one.items() if best is None} == {"dlrm", "llama-2-70b"}
    one = {name: best for name, best in one.items() if best is not None}
    assert all(best["usd_per_100k"] > hw.decide(name).best["usd_per_100k"] for name, best in one.items())
    guessed = [best["device_id"] for best in one.values() if best["evidence"] == "estimated"]
    assert guessed == ["aws-inferentia"] * 8
    assert len(one) == 10


def test_05_mobilenet_is_decided_between_two_estimates():
    decision = hw.decide("mobilenet-v2")
    assert {decision.best["evidence"], decision.runner_up["evidence"]} == {"estimated"}
    priced = decision.table[decision.table["usd_per_100k"].notna()]
    assert set(priced["evidence"]) == {"estimated"}


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


def test_11_yolov3_is_undecided_between_gpus_like_for_like():
    cells = hw.sweep("yolov3-416", MACHINES, **ALIKE)
    assert set(cells["evidence"]) == {"estimated"}
    gpus = cells[cells["instance_type"] != "c5.4xlarge"]
    assert set(hw.sweeps.claim(gpus, "throughput_per_s", "p3.2xlarge").values()) == {"undecided"}
    assert set(hw.sweeps.claim(gpus, "usd_per_100k", "g4dn.2xlarge").values()) == {"undecided"}
    middle = gpus.set_index(["batch_size", "instance_type"])
    assert (middle["throughput_per_s"].groupby("batch_size").idxmax().str[1] == "p3.2xlarge").all()
    assert (middle["usd_per_100k"].groupby("batch_size").idxmin().str[1] == "g4dn.2xlarge").all()


def test_11_the_cpu_is_surely_behind_in_yolov3_at_the_larger_batches_only():
    cells = hw.sweep("yolov3-416", MACHINES, **ALIKE)
    ahead = {name: hw.sweeps.claim(cells, "throughput_per_s", name, ["c5.4xlarge"]) for name in MACHINES[1:]}
    sure = [{size for size, verdict in told.items() if verdict == "supported"} for told in ahead.values()]
    assert sure == [set(), set(), {4, 8}]
    assert not any("contradicted" in told.values() for told in ahead.values())


@pytest.mark.parametrize(("model", "tuning"), [("ssd-resnet50-fpn-320", "graph"), ("resnet50", "compiled")])
def test_11_measured_relatives_of_yolov3_bear_the_claims_on_t4_and_v100_out(model, tuning):
    cells = hw.sweep(model, ["g4dn.2xlarge", "p3.2xlarge"], (1, 8, 64), precision="fp16", runtime="tensorflow", tuning=tuning)
    assert set(cells["evidence"]) == {"published"}
    assert set(hw.sweeps.claim(cells, "usd_per_100k", "g4dn.2xlarge").values()) == {"supported"}
    assert [hw.sweeps.claim(cells, "throughput_per_s", "p3.2xlarge")[size] for size in (8, 64)] == ["supported"] * 2
    costs = cells.pivot(index="batch_size", columns="instance_type", values="usd_per_100k")
    assert (costs["p3.2xlarge"] / costs["g4dn.2xlarge"]).is_monotonic_decreasing


def test_11_efficientnet_is_cheaper_on_the_cpu_one_by_one_and_dearer_than_a_gpus_batch():
    rows = hw.load_measurements("efficientnet-b0", source_id="ncnn", batch_size=1)
    rate = rows.loc[rows["device_name"] == "AWS c5.4xlarge Instance [CPU]", "throughput_per_s"].item()
    price = hw.load_prices(instance_type="c5.4xlarge", pricing="on_demand")["usd_per_hour"].min()
    cost = hw.metrics.usd_per(100_000, price, rate)
    for size, cheaper in ((1, True), ("any", False)):
        table = hw.decide("efficientnet-b0", batch_size=size).table
        gpus = table[(table["evidence"] != "estimated") & table["usd_per_100k"].notna()]
        assert set(gpus["device_class"]) == {"gpu"}
        assert (gpus["usd_per_100k"].min() > 3 * cost) if cheaper else (gpus["usd_per_100k"].max() < cost / 3)


def test_11_two_thirds_of_the_gpu_lines_need_batch_64():
    lines = hw.pictures.named(hw.guard.batch_series(hw.load_measurements("resnet50"))).query("device_class == 'gpu'")
    wide = lines.pivot(index=["stack", "device"], columns="batch_size", values="throughput_per_s")
    wide = wide[wide.loc[:, 64:].notna().any(axis=1)]
    full = wide.ge(0.9 * wide.max(axis=1), axis=0).idxmax(axis=1)
    assert (full >= 64).mean() == pytest.approx(2 / 3, abs=0.02)


def test_11_fpgas_are_last_in_int8_throughput_and_latency_and_nobody_measured_their_power():
    rows = hw.pictures.named(hw.load_measurements("resnet50", precision="int8", throughput_unit="samples"))
    rows = rows[rows["division"] != "open"]
    rate = (rows["throughput_per_s"] / rows["device_count"].astype("float64")).groupby(rows["device_class"]).max()
    soonest = rows[rows["batch_size"] == 1].groupby("device_class")["latency_ms_mean"].min()
    assert rate.idxmin() == soonest.idxmax() == "fpga"
    power = hw.pictures.named(hw.load_measurements()).groupby("device_class")["power_w"].count()
    assert power[["fpga", "tpu"]].tolist() == [0, 0]
    table = hw.decide("resnet50", precisions="int8").table.dropna(subset=["usd_per_100k"]).groupby("device_class")["usd_per_100k"].min()
    assert table["fpga"] > 10 * table["gpu"]


def test_11_the_factor_of_the_h100_depends_on_the_target():
    rows = hw.load_measurements("bert-large", source_id="mlperf-v2.1", submitter="NVIDIA", scenario="offline", device_count=1)
    rows = rows[rows["variant"].isin(["accuracy=99", "accuracy=99.9"])]
    wide = rows.pivot_table(index="variant", columns="device_id", values="throughput_per_s")
    factor = (wide["nvidia-h100-sxm5-80gb"] / wide["nvidia-a100-sxm4-80gb"]).round(1)
    assert factor.to_dict() == {"accuracy=99": 2.4, "accuracy=99.9": 4.5}


def test_11_no_pair_is_slower_in_int8_than_in_fp32():
    pairs = hw.variants.precisions("resnet50").query("choice == 'int8' and reference == 'fp32'")
    assert pairs["speed_up"].min() > 1.5
