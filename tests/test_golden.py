"""Figures that anybody can look up at the source, read from the committed tables through the public names."""

import pytest

import hwlib as hw


def nvidia(model, version, device, count, scenario="offline", accuracy=None):
    """Throughput of NVIDIA's own closed submission without Triton, MaxQ or a MIG slice."""
    rows = hw.load_measurements(model, device, source_id=f"mlperf-{version}", submitter="NVIDIA", division="closed", scenario=scenario)
    variant = rows["variant"].fillna("")
    plain = ~variant.str.contains("server=|power_mode=|load=")
    target = variant.str.contains(f"accuracy={accuracy}(?:;|$)") if accuracy else plain
    rows = rows[plain & target & (rows["device_count"] == count)]
    assert len(rows) >= 1, (model, version, device, count)
    return rows["throughput_per_s"].max()


def test_resnet50_v0_7_generations_and_scaling():
    t4 = nvidia("resnet50", "v0.7", "nvidia-t4", 1)
    assert (t4, nvidia("resnet50", "v0.7", "nvidia-a100-sxm4-40gb", 1)) == (pytest.approx(6_035.57), pytest.approx(37_479.5))
    assert nvidia("resnet50", "v0.7", "nvidia-a100-sxm4-40gb", 1) / t4 == pytest.approx(6.21, abs=0.005)
    assert nvidia("resnet50", "v0.7", "nvidia-a100-pcie-40gb", 1) / t4 == pytest.approx(5.30, abs=0.005)
    assert nvidia("resnet50", "v0.7", "nvidia-t4", 20) / (20 * t4) == pytest.approx(1.007, abs=0.0005)


@pytest.mark.parametrize(
    ("model", "accuracy", "ratio"),
    [("resnet50", None, 2.17), ("bert-large", "99", 2.61), ("retinanet", None, 2.03), ("3d-unet-kits19", "99", 1.79), ("rnnt", None, 1.64)],
)
def test_h100_over_a100_in_v3_0(model, accuracy, ratio):
    pair = [nvidia(model, "v3.0", device, 1, accuracy=accuracy) for device in ("nvidia-h100-sxm5-80gb", "nvidia-a100-sxm4-80gb")]
    assert pair[0] / pair[1] == pytest.approx(ratio, abs=0.005)


def test_four_point_five_times_was_one_accuracy_target_of_a_preview():
    ratios = {}
    for accuracy in ("99", "99.9"):
        h100, a100 = (nvidia("bert-large", "v2.1", d, 1, accuracy=accuracy) for d in ("nvidia-h100-sxm5-80gb", "nvidia-a100-sxm4-80gb"))
        ratios[accuracy] = h100 / a100
    assert ratios == {"99": pytest.approx(2.36, abs=0.005), "99.9": pytest.approx(4.51, abs=0.005)}
    rows = hw.load_measurements("bert-large", "nvidia-h100-sxm5-80gb", source_id="mlperf-v2.1")
    assert set(rows["availability"]) == {"preview"}


def test_server_is_not_offline_and_the_guard_says_so():
    offline, server = (nvidia("resnet50", "v1.0", "nvidia-a100-sxm4-80gb", 8, scenario) for scenario in ("offline", "server"))
    assert server / offline == pytest.approx(0.853, abs=0.0005)
    assert hw.compare({"scenario": "offline"}, {"scenario": "server"}).verdict == "not comparable"


def test_a_two_socket_cpu_in_v1_0():
    rows = hw.load_measurements("resnet50", "intel-xeon-gold-6258r", source_id="mlperf-v1.0", scenario="offline")
    two_sockets = rows.loc[rows["device_count"] == 2, "throughput_per_s"].max()
    assert two_sockets == pytest.approx(2_673.09)
    assert nvidia("resnet50", "v1.0", "nvidia-a100-pcie-40gb", 1) / two_sockets == pytest.approx(11.6, abs=0.05)
    rows = hw.load_measurements("resnet50", "intel-xeon-platinum-8380h", source_id="mlperf-v1.0", scenario="offline", submitter="NVIDIA")
    assert rows.loc[rows["device_count"] == 4, "throughput_per_s"].max() == pytest.approx(5_763.35)


def test_an_l4_at_launch_was_a_preview():
    rows = hw.load_measurements("resnet50", "nvidia-l4", source_id="mlperf-v3.0", scenario="offline", device_count=1, submitter="NVIDIA")
    assert rows["throughput_per_s"].max() == pytest.approx(13_157.8)
    assert set(rows["availability"]) == {"preview"}


def llama2_70b(device, scenario):
    """Closed results of v5.1 on eight devices at the target of 99 %, tokens per second of one device."""
    rows = hw.load_measurements("llama-2-70b", device, source_id="mlperf-v5.1", scenario=scenario, division="closed", device_count=8)
    rows = rows[rows["variant"].str.contains("accuracy=99(?:;|$)", na=False)]
    assert set(rows["throughput_unit"]) == {"tokens"}
    return rows["throughput_per_s"] / 8


@pytest.mark.parametrize(
    ("device", "offline", "interactive"),
    [
        ("nvidia-b200-sxm", 12_864, 7_856),
        ("nvidia-h200-sxm", 4_415, 2_885),
        ("amd-mi325x", 4_319, 2_356),
        ("nvidia-h200-nvl", 3_908, 2_052),
        ("amd-mi300x", 3_482, 1_105),
    ],
)
def test_llama2_70b_tokens_per_device_in_v5_1(device, offline, interactive):
    assert llama2_70b(device, "offline").max() == pytest.approx(offline, abs=1)
    assert llama2_70b(device, "interactive").max() == pytest.approx(interactive, abs=1)


def test_the_lead_of_one_device_doubles_under_a_latency_limit():
    lead = {kind: llama2_70b("nvidia-h200-sxm", kind).max() / llama2_70b("amd-mi300x", kind).max() for kind in ("offline", "interactive")}
    assert lead == {"offline": pytest.approx(1.27, abs=0.005), "interactive": pytest.approx(2.61, abs=0.005)}


@pytest.mark.parametrize(
    ("device", "results", "percent"), [("nvidia-h200-sxm", 8, 0.7), ("amd-mi325x", 9, 1.7), ("nvidia-b200-sxm", 10, 7.1)]
)
def test_spread_of_one_device_over_submitters_in_v5_1(device, results, percent):
    rates = llama2_70b(device, "offline")
    assert len(rates) == results
    assert 100 * rates.std(ddof=0) / rates.mean() == pytest.approx(percent, abs=0.05)


def test_few_results_of_v5_1_have_measured_power():
    rows = hw.load_measurements(source_id="mlperf-v5.1")
    assert rows["power_w"].notna().sum() == 24
    assert set(rows.loc[rows["power_w"].notna(), "power_boundary"]) == {"system"}


def test_the_sxm_board_over_the_pcie_board_in_v3_0():
    for model, accuracy, ratio in (("resnet50", None, 0.62), ("bert-large", "99", 0.63)):
        boards = [nvidia(model, "v3.0", device, 1, accuracy=accuracy) for device in ("nvidia-h100-pcie-80gb", "nvidia-h100-sxm5-80gb")]
        assert boards[0] / boards[1] == pytest.approx(ratio, abs=0.005)


def test_triton_server_and_the_maxq_setting_in_v1_0():
    rows = hw.load_measurements("resnet50", "nvidia-a100-sxm4-80gb", source_id="mlperf-v1.0", submitter="NVIDIA", device_count=8)
    rates = rows.assign(variant=rows["variant"].fillna("plain")).set_index(["variant", "scenario"])["throughput_per_s"]
    assert rates["server=triton", "server"] / rates["server=triton", "offline"] == pytest.approx(0.596, abs=0.0005)
    assert rates["power_mode=maxq", "offline"] / rates["plain", "offline"] == pytest.approx(0.888, abs=0.0005)


def test_pcie_boards_do_more_per_joule_than_sxm_in_v1_0():
    rows = hw.load_measurements("resnet50", source_id="mlperf-v1.0", submitter="NVIDIA", scenario="offline", device_count=8)
    rows = hw.energy(rows[rows["variant"] == "power_mode=maxq"]).set_index("device_id")["inferences_per_joule"]
    assert rows["nvidia-a100-sxm4-80gb"] == pytest.approx(78.3, abs=0.05)
    assert rows["nvidia-a100-pcie-40gb"] == pytest.approx(97.3, abs=0.05)


@pytest.mark.parametrize(
    ("model", "gpu", "cpu"), [("resnet50", 4_217.6, 67.2), ("mobilenet-v3-large", 14_191, 176.3), ("vit-base-patch16-224", 2_787, 32.4)]
)
def test_timm_on_a_large_gpu_and_a_desktop_cpu(model, gpu, cpu):
    common = {"source_id": "timm", "runtime_version": "2.4.0"}
    gpus = hw.load_measurements(model, "nvidia-rtx-4090", tuning="eager", batch_size=1024, **common)
    plain = gpus[~gpus["variant"].fillna("").str.contains("nhwc")]
    assert plain["throughput_per_s"].item() == pytest.approx(gpu, rel=5e-4)
    cpus = hw.load_measurements(model, "intel-core-i9-10940x", batch_size=1, **common)
    assert cpus["throughput_per_s"].item() == pytest.approx(cpu, rel=5e-3)


@pytest.mark.parametrize(
    ("precision", "rates"),
    [("fp32", [98, 186, 325, 363, 409, 420, 428, 426, 415]), ("fp16", [79, 156, 317, 652, 1050, 1128, 1165, 1190, 1198])],
)
def test_the_t4_batch_sweep_in_pytorch(precision, rates):
    sweep = hw.load_measurements("resnet50", "nvidia-t4", source_id="nvidia-dle", runtime="pytorch", precision=precision)
    sweep = sweep.sort_values("batch_size")
    assert sweep["batch_size"].tolist() == [2**power for power in range(9)]
    assert sweep["throughput_per_s"].tolist() == rates


def test_the_chart_draws_the_tables_own_figure():
    decision = hw.decide("resnet50")
    chart = hw.panels.batch_throughput(decision).to_dict()
    drawn = [row for rows in chart["datasets"].values() for row in rows if "measurement_id" in row]
    wanted = hw.load_measurements("resnet50", "nvidia-t4", source_id="nvidia-dle", runtime="pytorch", precision="fp32", batch_size=256)
    points = [row for row in drawn if row["measurement_id"] == wanted["measurement_id"].item()]
    assert [point["throughput_per_s"] for point in points] == [wanted["throughput_per_s"].item()]
