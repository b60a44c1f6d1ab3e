import json
import math
import re

import pandas as pd
import pytest

import hwlib as hw
from hwlib import charts, panels


@pytest.fixture(scope="module")
def decision():
    return hw.decide("resnet50")


@pytest.fixture(scope="module", params=["ranking", "batch_throughput", "batch_cost", "latency_throughput", "efficiency"])
def spec(request, decision):
    return getattr(panels, request.param)(decision).to_dict()


def titles(node, found=()):
    """Every `title` text of axes in a chart's specification."""
    if isinstance(node, dict):
        own = [node["title"]] if isinstance(node.get("title"), str) else []
        return [*own, *(text for value in node.values() for text in titles(value))]
    return [text for item in node for text in titles(item)] if isinstance(node, list) else []


def test_every_chart_has_units_a_source_line_with_a_day_and_a_description(spec):
    assert any(re.search(r"\(.+\)|per joule$", text) for text in titles(spec))
    caption = " ".join(spec["title"]["text"])
    assert caption.startswith("Figures, ")
    assert "(20" in caption
    assert len(spec["description"]) > 30


def test_every_mark_carries_its_evidence_and_the_key_of_its_row(spec):
    known = set(hw.load_measurements("resnet50")["measurement_id"])
    rows = [row for rows in spec["datasets"].values() for row in rows]
    keyed = [row for row in rows if "measurement_id" in row]
    assert keyed
    assert {row["measurement_id"] for row in keyed} <= known
    assert {row["evidence"] for row in keyed} <= set(charts.EVIDENCE_SHAPES)


def test_a_device_class_keeps_its_colour():
    assert set(charts.CLASS_COLOURS) == set(hw.schema.DEVICE_CLASSES)
    assert len(set(charts.CLASS_COLOURS.values())) == len(charts.CLASS_COLOURS)
    assert set(charts.EVIDENCE_SHAPES) == set(hw.schema.EVIDENCE)


def test_names_beside_points_do_not_cover_each_other():
    frame = pd.DataFrame({"y": [100.0, 101.0, 102.0, 10.0], "group": ["g"] * 4})
    heights = charts.apart(frame, frame["y"], "group")["y"].map(math.log).sort_values()
    gap = math.log(10.2) * charts.LINE_HEIGHT / charts.HEIGHT
    assert (heights.diff().dropna() >= gap * 0.999).all()
    assert heights.min() == math.log(10)


def test_the_pareto_line_joins_no_dominated_point(decision):
    spec = panels.latency_throughput(decision).to_dict()
    rows = [row for rows in spec["datasets"].values() for row in rows if "measurement_id" in row]
    front = [row for row in rows if row["pareto"]]
    assert 0 < len(front) < len(rows)
    for point in front:
        assert not any(o["latency_ms"] < point["latency_ms"] and o["throughput_per_s"] > point["throughput_per_s"] for o in rows)


def test_what_is_seen_together_in_a_batch_chart_is_alike(decision):
    lines = hw.guard.batch_series(panels._usable(decision))
    for _, rows in lines.groupby("stack"):
        assert hw.caveats(rows.drop(columns=["batch_size", "latency_stat"])) == []
    assert lines["stack"].nunique() > 5
    # By which percentile a latency is stated may differ, for none is shown.
    for panel in (panels.batch_throughput, panels.batch_cost):
        spec = json.dumps(panel(decision).to_dict())
        assert "batch_size" in spec
        assert "latency" not in spec


def test_a_model_without_sweep_power_or_latency_gets_sentences(made):
    made["measurements"] = made["measurements"][made["measurements"]["measurement_id"] == "a-1"]
    made["measurements"] = made["measurements"].assign(latency_ms_mean=None).astype({"latency_ms_mean": "float64"})
    decision = hw.decide("net")
    texts = [getattr(panels, name)(decision).data for name in ("batch_throughput", "batch_cost", "latency_throughput", "efficiency")]
    assert all(text.startswith("*") and text.endswith(".*") for text in texts)


def test_the_tables_round_align_and_say_unknown(decision):
    html = panels.options_table(decision).data
    assert "unknown" in html
    assert ">nan<" not in html.lower()
    assert "&lt;NA" not in html
    assert html.count("<tr") == 26


def test_hostile_names_stay_text_in_tables():
    html = panels.table(pd.DataFrame({"name": ["<script>alert(1)</script>"]})).data
    assert "<script>" not in html


def test_a_pivoted_table_has_no_header_without_a_column():
    wide = pd.DataFrame({"device": ["a", "a"], "limit": [1, 2], "value": [3, 4]}).pivot(index="device", columns="limit", values="value")
    assert "limit" not in panels.table(wide.reset_index()).data


def test_the_ranking_draws_the_interval_of_each_figure():
    decision = hw.decide("yolov3-416")
    spec = hw.panels.ranking(decision).to_dict()
    rows = next(iter(spec["datasets"].values()))
    assert any(row["evidence"] == "estimated" for row in rows)
    assert all(row["low"] <= row["usd_per_100k"] <= row["high"] for row in rows)
    assert any(layer["mark"]["type"] == "rule" for layer in spec["vconcat"][0]["layer"])
