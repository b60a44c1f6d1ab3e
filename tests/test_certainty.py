"""How sure a decision is: spread of repeats against published figures, probabilities against closed forms."""

import math
from statistics import NormalDist

import numpy as np
import pytest

import hwlib as hw
from hwlib import certainty, data, spread
from hwlib.candidates import options
from hwlib.workload import Workload


@pytest.mark.parametrize(("device", "share"), [("nvidia-h200-sxm", 0.007), ("amd-mi325x", 0.017), ("nvidia-b200-sxm", 0.071)])
def test_repeats_of_an_mlperf_round_spread_as_published(device, share):
    """Standard deviation over submitters of Llama-2-70B Offline in v5.1, eight accelerators."""
    rows = data.load_measurements("llama-2-70b", source_id="mlperf-v5.1", scenario="offline")
    found = spread.spread(rows)[((rows["device_id"] == device) & (rows["device_count"] == 8) & (rows["division"] == "closed")).to_numpy()]
    assert found.min() == pytest.approx(share, rel=0.35)


def test_a_row_that_nobody_repeated_has_the_typical_spread():
    audited, published = spread.typical()
    rows = data.load_measurements("resnet50", source_id="nvidia-dle")
    assert set(spread.spread(rows)) == {published}
    assert 0.01 < audited < published < 0.1


def test_the_interval_holds_nine_of_ten():
    low, high = spread.interval(100.0, 0.1)
    share = NormalDist().cdf(math.log(high / 100) / 0.1) - NormalDist().cdf(math.log(low / 100) / 0.1)
    assert share == pytest.approx(0.9, abs=1e-3)


def test_the_probability_is_that_of_two_normal_spreads(made):
    """Two options, one price each: P(ln A < ln B) in closed form."""
    made["prices"] = made["prices"][made["prices"]["instance_type"].isin(["a1", "b1"]) & (made["prices"]["region"] == "east")]
    made["prices"] = made["prices"].assign(usd_per_hour=[0.36, 0.36 * 5 * 1.05])
    work = Workload("net", batch_size=1)
    table = options(work)[0].head(2).assign(throughput_low=lambda t: t["throughput_per_s"] / np.exp(1.645 * 0.05))
    table["throughput_high"] = table["throughput_per_s"] * np.exp(1.645 * 0.05)
    found = certainty.certainty(table, work, draws=200_000)
    expected = NormalDist().cdf(math.log(1.05) / (0.05 * math.sqrt(2)))
    assert found["p_best"].iloc[0] == pytest.approx(expected, abs=0.005)
    assert (found["low"] < table["usd_per_100k"]).all()
    assert (found["high"] > table["usd_per_100k"]).all()
    assert found["high"].iloc[0] / found["low"].iloc[0] == pytest.approx(np.exp(2 * 1.645 * 0.05), rel=0.01)


def test_without_any_spread_the_winner_is_sure(made):
    made["prices"] = made["prices"][made["prices"]["region"] == "east"]
    decision = hw.decide("net")
    certain = decision.table.assign(throughput_low=decision.table["throughput_per_s"], throughput_high=decision.table["throughput_per_s"])
    assert certainty.certainty(certain, decision.workload)["p_best"].tolist() == [1.0] + [0.0] * (len(certain) - 1)


def test_a_machine_sold_at_two_prices_is_drawn_at_both(made):
    """a1 stands at 0.36 and 0.72 USD/h; at the dearer one the CPU machine is still behind."""
    found = hw.decide("net").certainty
    assert found["high"].iloc[0] / found["low"].iloc[0] > 1.9


@pytest.mark.parametrize("answers", [{}, {"batch_size": 1}, {"priority": "throughput"}, {"requests_per_s": 500, "latency_ms": 50}])
def test_probabilities_add_up_and_repeat(answers):
    one, other = (hw.decide("resnet50", **answers).certainty for _ in range(2))
    assert one.equals(other)
    assert one["p_best"].sum() == pytest.approx(1)
    ranked = one[one["low"].notna()]
    figures = hw.decide("resnet50", **answers)
    values = figures.table.loc[ranked.index, figures.metric]
    assert ((ranked["low"] <= values * (1 + 1e-9)) & (values <= ranked["high"] * (1 + 1e-9))).mean() > 0.95


def test_options_on_one_measured_row_move_together():
    """Two providers rent the same device: only prices decide between them."""
    decision = hw.decide("resnet50", batch_size=1, providers="aws,azure", regions="us-east-1,eastus")
    t4 = decision.table[decision.table["device_id"] == "nvidia-t4"]
    assert len(t4) == 2
    assert decision.certainty.loc[t4.index, "p_best"].min() == 0
