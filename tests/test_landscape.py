"""The landscape of the notebooks: what is drawn is what was measured, with units, sources, evidence and a description."""

import re

import pandas as pd
import pytest

import hwlib as hw
from hwlib import charts, landscape, money
from hwlib.rows import usable

CARD = {"device": "nvidia-rtx-4090", "source_id": "timm", "runtime_version": "2.9.1", "precision": "fp16"}
CHIPS = {"source_id": "openvino-2022.1", "precision": "int8", "batch_size": 1}
DRAWN = {
    "rooflines": lambda: landscape.rooflines(hw.load_measurements(["resnet50", "mobilenet-v2"], **CARD), "tuning"),
    "by_class": lambda: landscape.by_class("resnet50", "throughput_per_s"),
    "by_class_latency": lambda: landscape.by_class("resnet50", "latency_ms", batch_size=1),
    "peak_shares": lambda: landscape.peak_shares(hw.load_measurements("resnet50", scenario="offline", division="closed", precision="int8")),
    "gains": lambda: landscape.gains(hw.load_measurements(**CARD), "tuning", "eager"),
    "class_costs": lambda: landscape.class_costs({name: hw.decide(name) for name in ("resnet50", "bert-large", "llama-2-70b")}),
    "on_one_chip": lambda: landscape.on_one_chip(hw.load_measurements(**CHIPS)),
    "costs": lambda: money.costs(hw.decide("resnet50")),
    "terms": lambda: money.terms(hw.decide("resnet50", pricing="on_demand,spot,purchase")),
}
CURVES = {
    "fleets": lambda: money.fleets(hw.Workload("resnet50", latency_ms=50), [3, 300, 30_000]),
    "cheapest_within": lambda: money.cheapest_within("resnet50", [1, 10, 100]),
}


@pytest.fixture(scope="module", params=DRAWN)
def spec(request):
    return DRAWN[request.param]().to_dict()


@pytest.fixture(scope="module", params=CURVES)
def curve(request):
    return CURVES[request.param]().to_dict()


def drawn(spec):
    return [row for rows in spec["datasets"].values() for row in rows]


def texts(node):
    if isinstance(node, dict):
        own = [node["title"]] if isinstance(node.get("title"), str) else []
        return [*own, *(text for value in node.values() for text in texts(value))]
    return [text for item in node for text in texts(item)] if isinstance(node, list) else []


def test_every_picture_has_units_a_source_line_with_a_day_and_a_description(spec):
    assert any(re.search(r"\(.+\)$|times as fast|throughput of", text) for text in texts(spec["vconcat"]))
    caption = " ".join(spec["title"]["text"])
    assert caption.startswith("Figures, ")
    assert "(20" in caption
    assert len(spec["description"]) > 30


def test_curves_tell_their_units_sources_and_days_of_prices(curve):
    assert sum(bool(re.search(r"\(.+\)$|a second$", text)) for text in texts(curve["vconcat"])) >= 2
    caption = " ".join(curve["title"]["text"])
    assert caption.startswith("Figures, ")
    assert "Prices: lists of 20" in caption
    assert len(curve["description"]) > 30


def test_every_mark_carries_its_evidence_and_the_key_of_a_row(spec):
    keyed = [row for row in drawn(spec) if "measurement_id" in row]
    known = set(hw.load_measurements()["measurement_id"])
    assert keyed
    assert {row["measurement_id"] for row in keyed if row["evidence"] != "estimated"} <= known
    assert {row["evidence"] for row in keyed} <= set(charts.EVIDENCE_SHAPES)


def test_points_lie_under_the_roof_that_is_drawn():
    points = [row for row in drawn(DRAWN["rooflines"]().to_dict()) if "reached_tops" in row]
    roof = {row["device"]: row["roof_tops"] for row in drawn(DRAWN["rooflines"]().to_dict()) if "roof_tops" in row}
    assert {row["label"] for row in points} == {"resnet50", "mobilenet-v2"}
    assert all(row["reached_tops"] <= roof[row["device"]] for row in points)


def test_the_named_device_is_the_best_of_its_class():
    rows = usable("resnet50")
    each = rows["throughput_per_s"] / rows["device_count"].astype("float64")
    best = rows.assign(each=each).sort_values("each").drop_duplicates("device_class", keep="last").set_index("device_class")["device"]
    named = [rows for rows in DRAWN["by_class"]().to_dict()["datasets"].values() if "measurement_id" not in rows[0]]
    assert {row["device_class"]: row["device"] for row in named[0]} == best.to_dict()


def test_a_gain_is_the_ratio_of_two_rows_that_differ_in_nothing_else():
    rows = hw.load_measurements("resnet50", **CARD).set_index("tuning")["throughput_per_s"]
    spec = landscape.gains(hw.load_measurements("resnet50", **CARD), "tuning", "eager").to_dict()
    found = [row for row in drawn(spec) if "median" in row]
    assert found[0]["median"] == pytest.approx(rows["compiled"] / rows["eager"], rel=1e-4)


def test_without_facts_a_sentence_stands_in_place_of_the_picture():
    unknown = hw.load_measurements("bert-large", source_id="mlperf-v4.1", precision="int8")
    for shown in (
        landscape.rooflines(unknown, "tuning"),
        landscape.peak_shares(unknown),
        landscape.gains(unknown, "tuning", "eager"),
        landscape.by_class("resnet50", "latency_ms", batch_size=12_345),
    ):
        assert shown.data.startswith("*")


def test_the_lowest_line_of_the_fleets_is_the_winner_of_the_decision():
    rows = [row for row in drawn(CURVES["fleets"]().to_dict()) if row["rate"] == 300]
    lowest = min(rows, key=lambda row: row["usd_per_hour_fleet"])
    best = hw.decide("resnet50", latency_ms=50, requests_per_s=300).best
    assert (lowest["device"], lowest["usd_per_hour_fleet"]) == (best["device"], pytest.approx(best["usd_per_hour_fleet"], rel=1e-4))


def test_a_looser_limit_never_costs_more():
    rows = [row for row in drawn(CURVES["cheapest_within"]().to_dict()) if "text" not in row]
    by_limit = {row["limit_ms"]: row["usd_per_100k"] for row in rows}
    assert list(by_limit) == [1, 10, 100]
    assert by_limit[1] >= by_limit[10] >= by_limit[100]


def test_intervals_hold_their_dot():
    rows = [row for row in drawn(DRAWN["costs"]().to_dict()) if "low" in row]
    assert rows
    assert all(row["low"] <= row["usd_per_100k"] * 1.001 and row["usd_per_100k"] <= row["high"] * 1.001 for row in rows)


def test_rent_and_purchase_cost_the_same_where_the_lines_meet():
    offer = {"device_id": ["nvidia-a10"], "device_count": [1], "usd_per_hour": [1.1], "provider": ["x"], "instance_type": ["y"]}
    table = hw.ownership.break_even_table(pd.DataFrame(offer).assign(price_as_of=pd.Timestamp("2026-06-18")))
    spec = money.rent_or_buy(table.iloc[0]).to_dict()
    mark = next(row for row in drawn(spec) if "text" in row)
    # 2,800 USD and 5,000 for the host over three years, 100 USD a month; 150 W at 0.15 USD/kWh and PUE 1.5.
    fixed, running = 7_800 / (3 * 8_760) + 1_200 / 8_760, 0.15 * 0.15 * 1.5
    assert mark["hours"] == pytest.approx(24 * fixed / (1.1 - running), rel=1e-4)
    assert mark["usd"] == pytest.approx(1.1 * mark["hours"], rel=1e-4)


def test_winners_name_each_best_option_and_say_when_there_is_none():
    html = landscape.winners({"open": hw.decide("resnet50"), "shut": hw.decide("resnet50", latency_ms=0.001)}).data
    assert hw.decide("resnet50").best["device"] in html
    assert "<td>none</td>" in html


def test_money_without_prices_gets_a_sentence():
    nothing = hw.decide("resnet50", pricing="reserved_1y")
    for shown in (money.costs(nothing), money.terms(nothing), money.cheapest_within("resnet50", [0.001])):
        assert shown.data.startswith("*")
    assert "no option has a known cost" in landscape.words(nothing).data


def test_the_chip_picture_holds_a_graphics_unit_against_its_own_cpu():
    rows = hw.load_measurements("mobilenet-v2", **CHIPS).set_index(["device_id", "model_name"])["throughput_per_s"]
    chips = ["intel-core-i7-1185g7", "intel-core-i9-12900", "intel-celeron-6305e", "intel-atom-x6425e"]
    ratios = pd.concat([rows[f"{chip}-igpu"] / rows[chip] for chip in chips])
    found = next(row for row in drawn(DRAWN["on_one_chip"]().to_dict()) if row.get("name") == "MobileNet v2")
    assert [found[name] for name in ("median", "min", "max")] == pytest.approx([ratios.median(), ratios.min(), ratios.max()], rel=1e-4)
    assert found["device_class"] == "cpu"


def test_tokens_do_not_stand_beside_samples():
    spec = DRAWN["class_costs"]().to_dict()
    assert {row["question"] for row in drawn(spec)} == {"resnet50", "bert-large"}
    assert "llama-2-70b" in " ".join(spec["title"]["text"])


def test_models_and_chips_without_figures_get_a_sentence():
    for shown in (landscape.class_costs({"m": hw.decide("yolov3")}), landscape.on_one_chip(hw.load_measurements("bert-large"))):
        assert shown.data.startswith("*")


@pytest.mark.parametrize(
    "call",
    [
        lambda: landscape.by_class("resnt50", "latency_ms"),
        lambda: landscape.by_class("resnet50", "latency"),
        lambda: landscape.classes("strength"),
        lambda: landscape.rooflines(hw.load_measurements("resnet50", "nvidia-t4"), "tuning"),
        lambda: landscape.gains(hw.load_measurements(**CARD), "tunning", "eager"),
        lambda: money.fleets(hw.Workload("resnet50"), []),
        lambda: money.fleets(hw.Workload("resnet50"), [-3]),
        lambda: money.cheapest_within("resnet50", [-1]),
    ],
)
def test_faulty_questions_are_refused_with_a_sentence(call):
    with pytest.raises(hw.HwlibError):
        call()
