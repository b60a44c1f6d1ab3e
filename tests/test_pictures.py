import re

import pandas as pd
import pytest

import hwlib as hw
from hwlib import charts, curves


@pytest.fixture(scope="module")
def sweep():
    return hw.load_measurements("resnet50", source_id="nvidia-dle", runtime="tensorflow", precision="fp16", tuning="compiled")


@pytest.fixture
def bars(sweep):
    rows = sweep.sort_values("batch_size").drop_duplicates("device_id")
    return rows.assign(low=rows["latency_ms_mean"], high=rows["latency_ms_p99"])


def rows_of(spec):
    return [row for rows in spec["datasets"].values() for row in rows]


def layers(spec):
    found = spec["vconcat"][0]["layer"]
    return [{"data": layer.get("data"), **inner} for layer in found for inner in layer.get("layer", [layer])]


def scales(spec, channel):
    return [layer["encoding"][channel]["scale"] for layer in layers(spec) if "scale" in layer.get("encoding", {}).get(channel, {})]


def test_lines_draw_every_row_with_its_evidence_key_and_name(sweep):
    spec = hw.pictures.lines(sweep, "batch_size", "throughput_per_s", "Sweep").to_dict()
    drawn = [row for row in rows_of(spec) if "measurement_id" in row]
    assert sorted(row["measurement_id"] for row in drawn) == sorted(sweep["measurement_id"])
    assert {row["device"] for row in drawn} == set(hw.pictures.named(sweep)["device"])
    assert {row["evidence"] for row in drawn} == {"published"}
    named = [row["device"] for row in rows_of(spec) if "measurement_id" not in row]
    assert sorted(named) == sorted({row["device"] for row in drawn})


def test_pictures_have_units_a_dated_source_and_words_for_screen_readers(sweep, bars):
    charts_made = [
        hw.pictures.lines(sweep, "batch_size", "throughput_per_s", "Sweep"),
        hw.pictures.spans(bars, "low", "high", ["mean", "p99"], "Tail", axis="latency_ms"),
        hw.pictures.dots(bars, "throughput_per_s", "Batch 1"),
    ]
    for spec in (chart.to_dict() for chart in charts_made):
        caption = " ".join(spec["title"]["text"])
        assert "Figures, published: nvidia-dle (2024-04-04)." in caption
        assert "NVIDIA T4" in spec["description"]
        assert re.search(r"\((ms|inferences per second)\)", spec["description"])


def test_what_the_chart_tells_apart_is_no_caution_and_the_rest_is(sweep):
    other = hw.load_measurements("resnet50", "nvidia-t4", source_id="nvidia-dle", runtime="pytorch", precision="fp32")
    caption = hw.pictures.lines(pd.concat([sweep, other]), "batch_size", "throughput_per_s", "Two stacks").to_dict()["title"]["text"]
    assert "Take care, these rows differ in precision fp16, fp32; tuning compiled, eager." in caption
    assert not any("batch size" in line for line in caption)


def test_a_choice_of_precision_is_told_apart_by_its_line():
    rows = hw.variants.precisions("resnet50").query("device_id == 'nvidia-t4' and runtime == 'pytorch'")
    caption = hw.pictures.lines(rows, "batch_size", "throughput_per_s", "T4", by="choice").to_dict()["title"]["text"]
    assert caption == ["Figures, published: nvidia-dle (2024-04-04)."]


def test_axes_are_logarithmic_only_where_the_figures_span_more_than_a_factor_of_ten(sweep):
    wide = hw.pictures.lines(sweep, "batch_size", "throughput_per_s", "Wide").to_dict()
    assert {scale["type"] for scale in scales(wide, "y")} == {"log"}
    assert {scale["base"] for scale in scales(wide, "x")} == {2}
    narrow = hw.pictures.lines(sweep[sweep["batch_size"] >= 64], "batch_size", "throughput_per_s", "Narrow").to_dict()
    assert all(scale == {"zero": True} for scale in [*scales(narrow, "y"), *scales(narrow, "x")])


def test_lines_of_devices_of_unlike_classes_bear_the_colours_of_the_classes(sweep):
    cpu_and_gpu = hw.load_measurements("dlrm-nvidia", source_id="nvidia-dle", runtime="triton-torchscript", precision="fp32")
    spec = hw.pictures.lines(cpu_and_gpu, "batch_size", "throughput_per_s", "DLRM").to_dict()
    scale = scales(spec, "color")[0]
    colours = dict(zip(scale["domain"], scale["range"], strict=True))
    assert colours == {"Intel Xeon E5-2698 v4": charts.CLASS_COLOURS["cpu"], "NVIDIA V100 SXM2 32GB": charts.CLASS_COLOURS["gpu"]}
    alike = scales(hw.pictures.lines(sweep, "batch_size", "throughput_per_s", "GPUs").to_dict(), "color")[0]["range"]
    assert len(set(alike)) == sweep["device_id"].nunique()


def test_names_keep_apart_where_rows_come_with_the_same_index(sweep):
    twice = pd.concat({"one": sweep, "other": sweep}, names=["copy"]).reset_index("copy")
    twice = twice[twice["device_id"] == "nvidia-t4"]
    spec = hw.pictures.lines(twice, "batch_size", "throughput_per_s", "Twice", by="copy").to_dict()
    ends = [row["throughput_per_s"] for row in rows_of(spec) if "measurement_id" not in row]
    assert len(ends) == len(set(ends)) == 2


def test_a_limit_is_marked_at_its_value(sweep):
    spec = hw.pictures.lines(sweep, "batch_size", "latency_ms_mean", "Limited", limit=20).to_dict()
    ruled = [layer for layer in layers(spec) if layer["mark"]["type"] == "rule"]
    assert [spec["datasets"][layer["data"]["name"]] for layer in ruled] == [[{"latency_ms_mean": 20, "text": "limit 20"}]]
    assert not any(
        layer["mark"]["type"] == "rule" for layer in layers(hw.pictures.lines(sweep, "batch_size", "latency_ms_mean", "").to_dict())
    )


def test_a_span_reaches_from_the_lesser_to_the_greater_figure_whichever_end_that_is(bars):
    turned = bars.assign(low=bars["high"], high=bars["low"])
    for frame in (bars, turned):
        spec = hw.pictures.spans(frame, "low", "high", ["one", "other"], "Span", axis="latency_ms").to_dict()
        assert spec["title"]["text"][0] == "Hollow mark: one. Filled mark: other."
        drawn = rows_of(spec)
        assert len(drawn) == len(bars)
        assert all(row["left"] == min(row["low"], row["high"]) and row["right"] == max(row["low"], row["high"]) for row in drawn)
        colours = next(layer["encoding"]["color"]["scale"] for layer in layers(spec) if "color" in layer["encoding"])
        assert colours == {"domain": ["gpu"], "range": [charts.CLASS_COLOURS["gpu"]]}


def test_gains_reach_from_the_least_to_the_most_of_each_device_and_leave_out_the_rarely_measured():
    table = hw.variants.precisions("resnet50").query("choice == 'int8' and reference == 'fp32'")
    spec = hw.pictures.gains(table, "INT8", at_least=3).to_dict()
    own = hw.pictures.named(table).groupby("device")["speed_up"].agg(["min", "max", "median", "size"])
    own = own[own["size"] >= 3].sort_values("median", ascending=False)
    drawn = rows_of(spec)
    assert [row["device"] for row in drawn] == list(own.index)
    assert [row["high"] for row in drawn] == pytest.approx(own["max"].tolist(), rel=1e-4)
    assert [row["low"] for row in drawn] == pytest.approx(own["min"].tolist(), rel=1e-4)
    ends = table.set_index("measurement_id")["speed_up"]
    assert [ends[row["measurement_id"]] for row in drawn] == pytest.approx(own["max"].tolist())
    with pytest.raises(hw.HwlibError, match="no row has device, speed_up"):
        hw.pictures.gains(table, "INT8", at_least=1_000)


def test_names_keep_apart_on_an_axis_from_zero_too():
    frame = pd.DataFrame({"y": [50.0, 51.0, 100.0], "group": "g"})
    heights = charts.apart(frame, frame["y"], "group", log=False)["y"].sort_values()
    assert (heights.diff().dropna() >= 100 * charts.LINE_HEIGHT / charts.HEIGHT * 0.999).all()
    assert heights.iloc[0] == 50


def test_incomplete_rows_are_left_out_and_none_at_all_is_an_error(sweep):
    gaps = sweep.assign(latency_ms_mean=sweep["latency_ms_mean"].mask(sweep["device_id"] == "nvidia-t4"))
    drawn = rows_of(hw.pictures.lines(gaps, "batch_size", "latency_ms_mean", "Gaps").to_dict())
    assert "NVIDIA T4" not in {row["device"] for row in drawn}
    with pytest.raises(hw.HwlibError, match="no row has device, batch_size, power_w"):
        hw.pictures.lines(sweep, "batch_size", "power_w", "Nothing")
    with pytest.raises(hw.HwlibError, match="batch_size"):
        hw.pictures.lines(sweep, "batchsize", "throughput_per_s", "Misspelt")


def test_what_cannot_be_drawn_is_refused_in_a_sentence(sweep, bars):
    with pytest.raises(hw.HwlibError, match="column 'runtime': a picture needs numbers"):
        hw.pictures.lines(sweep, "batch_size", "runtime", "Words")
    with pytest.raises(hw.HwlibError, match="expected two names"):
        hw.pictures.spans(bars, "low", "high", ["one"], "One end")
    with pytest.raises(hw.HwlibError, match="evidence"):
        hw.pictures.dots(sweep.drop(columns="evidence"), "throughput_per_s", "No evidence")
    with pytest.raises(hw.HwlibError, match="choice"):
        hw.pictures.gains(sweep, "No choice")
    with pytest.raises(hw.HwlibError, match="no row has"):
        hw.pictures.dots(sweep.assign(throughput_per_s=float("inf")), "throughput_per_s", "Endless")


def test_a_table_of_winners_has_a_line_for_each_decision_and_says_where_there_is_none():
    decisions = {limit: hw.decide("resnet50", latency_ms=limit) for limit in (50, 0.01)}
    html = hw.panels.winners_table(decisions, "latency limit (ms)").data
    best = decisions[50].best
    assert html.count("<tr") == 3
    assert f"<td>{best['device']} on {best['instance_type']} ({best['provider']})</td>" in html
    assert "<td>none within the limits</td>" in html
    assert "unknown" not in html


def test_doublings_are_whole_numbers_from_the_least_to_the_most():
    assert curves._axis(pd.Series([4, 100]), "batch_size").to_dict()["values"] == [4, 8, 16, 32, 64]


def test_a_table_of_winners_counts_tokens_where_the_model_does():
    html = hw.panels.winners_table({"none": hw.decide("llama-2-70b")}, "limits").data
    assert "cost of 100,000 tokens (USD)" in html
    assert "inferences" not in html
