"""What would change a decision: every place that is named is checked by deciding on either side of it."""

import pytest

import hwlib as hw
from hwlib import candidates
from hwlib.words import flip_sentence
from hwlib.workload import NUMBERS

JUST = 1e-6


def winner(decision):
    return decision.best["device_id"]


def flips(decision, answer):
    found = decision.flips
    return found[found["answer"] == answer].set_index("side")


@pytest.mark.parametrize(
    ("model", "answers"),
    [
        ("resnet50", {"latency_ms": 5}),
        ("resnet50", {"latency_ms": 5, "power_w": 75}),
        ("resnet50", {"batch_size": 8}),
        ("resnet50", {"requests_per_s": 300, "latency_ms": 20, "peak_factor": 3}),
        ("resnet50", {"requests_per_s": 40_000}),
        ("resnet50", {"pricing": "on_demand,purchase", "hours_per_day": 8, "utilisation": 0.5}),
        ("resnet50", {"weights": "cost=1,latency=2"}),
        ("bert-large", {"latency_ms": 20, "batch_size": 1}),
        ("mobilenet-v2", {"requests_per_s": 3, "latency_ms": 100}),
        ("llama-2-70b", {"ttft_ms": 450, "tpot_ms": 40}),
        ("deepseek-r1", {"input_tokens": 1024, "output_tokens": 1024}),
        ("ssd-resnet34", {"priority": "throughput", "latency_ms": 33, "premium_per_doubling": 0.5}),
    ],
)
def test_on_either_side_of_a_flip_another_device_wins(model, answers):
    decision = hw.decide(model, **answers)
    checked = 0
    for flip in decision.flips.to_dict("records"):
        if flip["answer"] in ("usd_per_hour", "batch_size"):
            continue
        checked += 1
        near, beyond = (flip["at"] * (1 + sign * JUST) for sign in ((-1, 1) if flip["side"] == "above" else (1, -1)))
        assert winner(hw.decide(model, **answers | {flip["answer"]: beyond})) == flip["device_id"] != winner(decision), flip
        if flip["now"] == flip["now"] and flip["now"] is not None:
            assert winner(hw.decide(model, **answers | {flip["answer"]: near})) == winner(decision), flip
    assert checked or set(decision.flips["answer"]) <= {"usd_per_hour", "batch_size"}


@pytest.mark.parametrize("answers", [{}, {"requests_per_s": 1500.0, "latency_ms": 50}, {"weights": "cost=2,throughput=1"}])
def test_at_the_price_named_the_runner_up_wins(made, answers):
    made["prices"] = made["prices"][made["prices"]["region"] == "east"].drop_duplicates("device_id")
    before = hw.decide("net", **answers)
    found = before.flips[before.flips["answer"] == "usd_per_hour"].set_index("side")
    for side, direction in (("above", 1), ("below", -1)):
        prices = made["prices"]
        machine = prices["instance_type"] == found.at[side, "instance_type"]
        for beyond in (False, True):
            at = found.at[side, "at"] * (1 + (direction if beyond else -direction) * JUST)
            made["prices"] = prices.assign(usd_per_hour=prices["usd_per_hour"].mask(machine, at))
            assert (winner(hw.decide("net", **answers)) == found.at[side, "device_id"]) == beyond
        made["prices"] = prices


def test_the_nearest_batch_size_with_another_winner_is_named():
    decision = hw.decide("resnet50", batch_size=8)
    for side, flip in flips(decision, "batch_size").iterrows():
        assert winner(hw.decide("resnet50", batch_size=int(flip["at"]))) == flip["device_id"]
        between = hw.load_measurements("resnet50")["batch_size"].dropna().unique()
        nearer = [b for b in between if (8 < b < flip["at"] if side == "above" else flip["at"] < b < 8)]
        for size in nearer:
            other = hw.decide("resnet50", batch_size=int(size)).best
            assert other is None or other["device_id"] == winner(decision)


def test_a_small_rate_wants_a_small_machine():
    decision = hw.decide("resnet50", requests_per_s=300, latency_ms=20, peak_factor=3)
    rates = flips(decision, "requests_per_s")
    assert set(rates.index) == {"above", "below"}
    assert rates.at["below", "at"] < 300 < rates.at["above", "at"]


def test_few_hours_a_day_are_rented_and_many_bought():
    found = flips(hw.decide("resnet50", pricing="on_demand,purchase", utilisation=0.6), "hours_per_day")
    assert found.index.tolist() == ["below"]
    assert hw.decide("resnet50", pricing="on_demand,purchase", utilisation=0.6).best["pricing"] == "purchase"
    few = hw.decide("resnet50", pricing="on_demand,purchase", utilisation=0.6, hours_per_day=found["at"].iloc[0] * 0.99)
    assert few.best["pricing"] == "on_demand"


def test_a_budget_that_fewer_hours_would_break_is_no_crash():
    """Paid around the clock, a bought machine costs more for each of fewer hours, until the budget leaves nobody."""
    decision = hw.decide("resnet50", pricing="purchase", usd_per_hour=0.7, evidence="audited")
    assert decision.best is not None
    assert hw.decide("resnet50", pricing="purchase", usd_per_hour=0.7, evidence="audited", hours_per_day=1).best is None
    assert set(decision.flips["answer"]) <= {"usd_per_hour", "latency_ms", "batch_size", "hours_per_day", "utilisation"}


def test_the_second_best_language_server_changes_with_the_limit_while_the_best_stays():
    """Dollars a token of Llama-2-70B: behind the B200 stands a graphics card without a limit, and the H200 at interactive speed."""
    free, chat = hw.decide("llama-2-70b"), hw.decide("llama-2-70b", ttft_ms=450, tpot_ms=40)
    assert (winner(free), winner(chat)) == ("nvidia-b200-sxm", "nvidia-b200-sxm")
    assert free.runner_up["device_id"] == "nvidia-rtx-pro-6000-blackwell-server"
    assert chat.runner_up["device_id"] == "nvidia-h200-sxm"


def test_sentences_of_flips_name_side_place_and_winner():
    sentences = [
        flip_sentence(flip) for flip in hw.decide("resnet50", batch_size=1, evidence="audited,published,derived").flips.to_dict("records")
    ]
    assert sentences[0] == "above $0.883/h for Standard_NC4as_T4_v3 (now $0.526) NVIDIA T4 loses to NVIDIA A10"
    assert "below a latency limit of 16 ms NVIDIA A10 wins" in sentences


def test_a_decision_without_a_winner_has_no_flips(made):
    assert hw.decide("net", latency_ms=0.001).flips.empty


def test_what_takes_longer_than_any_limit_flips_nothing():
    """An estimate on a slow processor takes longer than the largest limit that a workload may have."""
    decision = hw.decide("pspnet-473")
    rows = candidates.measured(decision.workload)
    assert rows["latency_ms"].max() > NUMBERS["latency_ms"][1]
    assert (decision.flips.query("answer == 'latency_ms'")["at"] <= NUMBERS["latency_ms"][1]).all()
