import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hwlib as hw
from hwlib import HwlibError
from hwlib.candidates import OPTION_COLUMNS
from hwlib.offers import offers

JSON_KEYS = {"workload", "best", "runner_up", "margin", "p_best", "flips", "options", "eliminated", "evidence"}
OPTION_KEYS = {
    "device_id", "instance_type", "provider", "region", "batch_size", "precision", "runtime", "throughput_per_s", "latency_ms",
    "usd_per_hour", "usd_per_100k", "joules_per_inference", "evidence", "source_id",
}  # fmt: skip


def test_cheapest_machine_of_the_best_row_wins(made):
    decision = hw.decide("net")
    assert decision.best[["device_id", "instance_type", "region", "batch_size"]].tolist() == ["acme-a", "a1", "east", 8]
    assert decision.best["usd_per_100k"] == pytest.approx(0.36 / 3600 / 400 * 1e5)
    assert decision.runner_up["device_id"] == "acme-b"
    assert decision.margin == pytest.approx((3.6 / 2000) / (0.36 / 400) - 1)


def test_a_row_on_one_device_is_scaled_to_a_machine_of_four_and_called_derived(made):
    made["prices"] = made["prices"][made["prices"]["instance_type"] != "a1"]
    best = hw.decide("net", batch_size=8).table.set_index("device_id").loc["acme-a"]
    assert (best["throughput_per_s"], best["evidence"], best["note"]) == (1600.0, "derived", "scaled from 1 device")


def test_a_cpu_machine_gets_its_share_of_the_socket(made):
    option = hw.decide("net", batch_size=1).table.set_index("device_id").loc["acme-c"]
    assert (option["instance_type"], option["throughput_per_s"], option["evidence"]) == ("c1", 25.0, "derived")
    assert option["note"] == "scaled from 16 vCPUs"


def test_a_cpu_measured_on_a_rented_machine_is_scaled_from_that_machine(made):
    made["measurements"]["system"] = made["measurements"]["system"].mask(made["measurements"]["device_id"] == "acme-c", "Cloud x.large")
    made["prices"]["instance_type"] = made["prices"]["instance_type"].replace("c1", "x.large")
    options = hw.decide("net", batch_size=1).table.set_index("device_id")
    assert options.loc["acme-c", ["instance_type", "throughput_per_s", "evidence", "note"]].tolist() == ["x.large", 50.0, "published", ""]


def test_a_device_without_a_price_stays_last_with_an_unknown_cost(made):
    table = hw.decide("net", batch_size=1).table
    assert table.iloc[-1]["device_id"] == "acme-d"
    assert table["usd_per_100k"].isna().tolist() == [False, False, False, True]


def test_priority_changes_the_winner(made):
    winners = {priority: hw.decide("net", priority=priority).best["device_id"] for priority in ("cost", "throughput", "latency", "energy")}
    assert winners == {"cost": "acme-a", "throughput": "acme-b", "latency": "acme-b", "energy": "acme-d"}


def test_what_is_left_out_keeps_its_reason(made):
    eliminated = hw.decide("net", latency_ms=5).eliminated.set_index("device_id")["reason"]
    assert eliminated["acme-a"] == "mean 10 ms > 5 ms at batch 1"
    assert eliminated["slice of A"] == "a slice, not the whole device"
    assert hw.decide("net", batch_size=4).eliminated.set_index("device_id")["reason"]["acme-a"] == "measured at batch 1, not 4"


def test_a_doubt_about_a_figure_stays_beside_it(made):
    rows = made["measurements"]
    rows["quality_flag"] = rows["quality_flag"].mask(rows["measurement_id"] == "d-1", "wide_runs;throughput_from_latency")
    option = hw.decide("net", batch_size=1).table.set_index("device_id").loc["acme-d"]
    assert option["note"] == "throughput is the inverse of the latency"


def test_a_preview_is_not_an_option(made):
    made["measurements"] = made["measurements"][made["measurements"]["measurement_id"].isin(["p-1", "a-8"])]
    decision = hw.decide("net")
    assert set(decision.table["device_id"]) == {"acme-a"}
    assert decision.eliminated["reason"].item().startswith("not for sale when measured")


def test_a_limit_that_nothing_meets_gives_a_sentence_not_a_crash(made):
    decision = hw.decide("net", latency_ms=0.001)
    assert (decision.best, decision.runner_up, decision.margin) == (None, None, None)
    assert "no option" in decision.explain()[0]
    assert json.loads(json.dumps(decision.to_dict(), allow_nan=False))["best"] is None


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(), st.sampled_from(["cost", "throughput", "latency", "energy"]))
def test_the_order_of_the_rows_does_not_matter(made, random, priority):
    before = hw.decide("net", priority=priority).table
    for name in ("measurements", "prices"):
        made[name] = made[name].iloc[random.sample(range(len(made[name])), len(made[name]))].reset_index(drop=True)
    assert hw.decide("net", priority=priority).table.equals(before)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.5, 50), st.floats(0.5, 50))
def test_a_tighter_limit_never_adds_a_device(made, one, other):
    loose, tight = (set(hw.decide("net", latency_ms=limit).table["device_id"]) for limit in (max(one, other), min(one, other)))
    assert tight <= loose


def test_halving_a_price_never_worsens_its_rank(made):
    before = hw.decide("net").table["device_id"].tolist().index("acme-b")
    halved = made["prices"]["usd_per_hour"] / (1 + (made["prices"]["instance_type"] == "b1"))
    made["prices"] = made["prices"].assign(usd_per_hour=halved)
    assert hw.decide("net").table["device_id"].tolist().index("acme-b") <= before


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"model": "resnet5"}, "unknown model 'resnet5'; did you mean 'resnet50'"),
        ({"priority": "cots"}, "unknown priority 'cots'; did you mean 'cost'"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"batch_size": 2.5}, "batch_size 2.5"),
        ({"batch_size": True}, "batch_size True"),
        ({"latency_ms": -1}, "latency_ms -1"),
        ({"latency_ms": float("nan")}, "latency_ms nan"),
        ({"utilisation": 1.5}, "utilisation 1.5"),
        ({"pricing": "on-demand"}, "did you mean 'on_demand'"),
        ({"providers": "awz"}, "did you mean 'aws'"),
    ],
)
def test_a_faulty_answer_is_refused_by_name(answers, words):
    with pytest.raises(HwlibError) as error:
        hw.Workload(**{"model": "resnet50"} | answers)
    assert words in str(error.value)


def test_resnet50_decision_from_the_committed_tables_holds_together():
    decision = hw.decide("resnet50")
    table = decision.table
    assert list(table.columns) == list(OPTION_COLUMNS)
    assert {"gpu", "cpu", "asic"} <= set(table["device_class"])
    priced = table[table["usd_per_hour"].notna()]
    assert (priced["usd_per_100k"] * priced["throughput_per_s"] * 36 - priced["usd_per_hour"] * 1_000).abs().max() < 1e-6
    assert priced["price_as_of"].dropna().max().year == 2026
    assert not table["evidence"].isna().any()
    assert not table["source_id"].isna().any()


def test_the_json_has_the_promised_keys_and_plain_values():
    record = hw.decide("resnet50", batch_size=8).to_dict()
    assert record.keys() >= JSON_KEYS
    assert all(option.keys() >= OPTION_KEYS for option in record["options"])
    assert record["best"] == record["options"][0]
    assert json.loads(json.dumps(record, allow_nan=False)) == record


@pytest.mark.parametrize("pricing", ["on_demand", "spot"])
def test_every_offer_with_an_accelerator_counts_it(pricing):
    offered = offers(hw.Workload("resnet50", pricing=pricing)).merge(hw.load_devices()[["device_id", "device_class"]], on="device_id")
    assert ((offered["device_class"] == "cpu") == offered["device_count"].isna()).all()
    assert (offered["device_count"].dropna() % 1 == 0).all()


def test_models_counted_in_tokens_are_ranked_among_themselves():
    table = hw.decide("gpt-j-6b").table
    assert set(table["throughput_unit"]) == {"tokens"}
    assert "tokens" in hw.panels.ranking(hw.decide("gpt-j-6b")).to_dict()["description"]


def test_a_language_model_is_not_scaled_to_fewer_devices_than_it_ran_on():
    table = hw.decide("llama-3.1-405b").table
    rented = table[table["instance_type"].notna()]
    measured = rented["measurement_id"].map(hw.load_measurements("llama-3.1-405b").set_index("measurement_id")["device_count"])
    assert len(rented) > 0
    assert (rented["device_count"] >= measured.astype("float64")).all()


@pytest.mark.parametrize("provider", ["runpod", "lambda", "aws", "azure", "gcp"])
def test_sentences_hold_no_placeholder_whatever_the_provider_leaves_out(provider):
    text = " ".join(hw.decide("resnet50", providers=provider).explain())
    assert provider in text
    assert not any(word in text for word in (" nan", "NaT", "None", "<NA>"))


def test_a_tie_between_units_is_settled_the_same_way_each_time(made):
    rows = made["measurements"][made["measurements"]["measurement_id"].isin(["a-1", "b-1"])].copy()
    rows["throughput_unit"] = ["samples", "tokens"]
    made["measurements"] = rows
    decision = hw.decide("net")
    assert set(decision.table["device_id"]) == {"acme-a"}
    assert decision.eliminated["reason"].item() == "counts tokens per second where the rows compared count samples"
