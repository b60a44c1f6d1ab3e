"""The articles' worked example: YOLOv3 on four rented machines over batch sizes, each cell measured or estimated, and its claims tested."""

import pandas as pd
import pytest

import hwlib as hw
from hwlib import HwlibError
from hwlib.sweeps import SUPPORTED, UNDECIDED, claim

MACHINES = ["c5.4xlarge", "p2.xlarge", "g4dn.2xlarge", "p3.2xlarge"]


@pytest.fixture(scope="module")
def cells():
    return hw.sweep("yolov3-416", MACHINES)


def test_every_cell_is_there_and_says_whether_it_was_measured(cells):
    assert cells[["instance_type", "batch_size"]].values.tolist() == [[machine, size] for machine in MACHINES for size in (1, 2, 4, 8)]
    t4 = cells[cells["instance_type"] == "g4dn.2xlarge"]
    assert set(t4["evidence"]) == {"published"}
    assert cells.loc[(cells["instance_type"] == "p2.xlarge") & (cells["batch_size"] == 1), "evidence"].item() == "published"
    estimated = cells[cells["evidence"] == "estimated"]
    assert estimated["note"].str.contains("typically within").all()
    assert (estimated["throughput_low"] < estimated["throughput_per_s"]).all()
    assert cells["usd_per_hour"].drop_duplicates().tolist() == [0.68, 0.9, 0.752, 3.06]


def test_costs_follow_from_price_and_throughput(cells):
    assert (cells["usd_per_100k"] * cells["throughput_per_s"] * 3600 / 1e5 / cells["usd_per_hour"]).to_numpy() == pytest.approx(1)
    assert (cells["usd_per_100k_low"] <= cells["usd_per_100k"]).all()
    assert (cells["usd_per_100k"] <= cells["usd_per_100k_high"]).all()


def test_the_t4_sweep_is_the_published_one(cells):
    t4 = cells[cells["instance_type"] == "g4dn.2xlarge"].set_index("batch_size")
    rows = hw.load_measurements("yolov3-416", "nvidia-t4", precision="fp16")
    assert t4["throughput_per_s"].tolist() == [rows.loc[rows["batch_size"] == size, "throughput_per_s"].max() for size in (1, 2, 4, 8)]


def test_the_guard_says_that_the_points_are_of_unlike_stacks(cells):
    k80 = cells[(cells["instance_type"] == "p2.xlarge") & (cells["batch_size"] == 1)].iloc[0]
    t4 = cells[(cells["instance_type"] == "g4dn.2xlarge") & (cells["batch_size"] == 1)].iloc[0]
    assert hw.compare(k80, t4, by="throughput_per_s").reasons
    assert any(words.startswith("precision") for words in hw.caveats(cells))


def test_claims_of_the_article_on_like_stacks():
    """PyTorch, FP32, eager on all four: the figures point the article's way, and their intervals are too wide to settle it."""
    alike = hw.sweep("yolov3-416", MACHINES, precision="fp32", runtime="pytorch", tuning="eager")
    assert set(alike["evidence"]) == {"estimated"}
    speed, cost = (alike.pivot(index="batch_size", columns="instance_type", values=name) for name in ("throughput_per_s", "usd_per_100k"))
    assert (speed["p3.2xlarge"] == speed.max(axis=1)).all()
    assert (cost["g4dn.2xlarge"] == cost.min(axis=1)).all()
    assert (cost["p3.2xlarge"] / cost["g4dn.2xlarge"]).is_monotonic_decreasing
    verdicts = {*claim(alike, "throughput_per_s", "p3.2xlarge").values(), *claim(alike, "usd_per_100k", "g4dn.2xlarge").values()}
    assert verdicts == {UNDECIDED}
    k80 = alike[(alike["instance_type"] == "p2.xlarge") & (alike["batch_size"] == 1)].iloc[0]
    assert k80["throughput_low"] < 12 < k80["throughput_high"]


def test_a_verdict_needs_intervals_apart():
    cells = pd.DataFrame({"instance_type": ["a", "b"], "batch_size": 1, "usd_per_100k_low": [1.0, 1.5], "usd_per_100k_high": [2.0, 3.0]})
    assert claim(cells, "usd_per_100k", "a") == {1: UNDECIDED}
    assert claim(cells.assign(usd_per_100k_low=[1.0, 2.5]), "usd_per_100k", "a") == {1: SUPPORTED}


def test_unknown_machines_figures_and_models_are_named():
    with pytest.raises(HwlibError, match=r"unknown machine 'g4dn\.2xlrge'; did you mean 'g4dn\.2xlarge'"):
        hw.sweep("yolov3-416", ["g4dn.2xlrge"])
    with pytest.raises(HwlibError, match="unknown figure 'cost'"):
        claim(pd.DataFrame({"instance_type": ["a"], "batch_size": [1]}), "cost", "a")
