"""The explorer without a browser: each answer asked and refused, what the charts are fed, what is said where data lack."""

import asyncio
import re
import shlex

import pytest

import hwlib as hw
from hwlib import live, rows, schema, workload
from hwlib.widgets import controls, panes, words
from hwlib.widgets.board import PATHS, Board


@pytest.fixture(scope="module")
def explorer():
    return hw.explore("resnet50")


@pytest.fixture(autouse=True)
def fresh(explorer):
    """Every test starts from the same answers."""
    quickly(setattr, explorer.presets, "value", "offline_archive")
    yield
    quickly(setattr, explorer.presets, "value", "")
    assert "could not be worked out" not in explorer.board.answer


def quickly(call, *arguments):
    """Call it in a loop that ends before the reader pauses, so that only what is answered at once is worked out."""

    async def at_once():
        call(*arguments)

    asyncio.run(at_once())


def answer(explorer, field, value):
    """Give an answer as the browser does; what is refused, as text."""
    quickly(setattr, explorer.controls[field].input, "value", value)
    return re.sub("<[^>]+>", "", explorer.controls[field].refusal.value)


def shown(explorer, name):
    return getattr(explorer.board, name)


def test_there_is_one_labelled_control_for_every_answer(explorer):
    assert set(explorer.controls) == {"model", *hw.ANSWERS}
    assert [*controls.FIVE] == [*explorer.controls][:5]
    assert all(len(control.input.description) > 10 for control in explorer.controls.values())


def test_first_come_the_five_questions_and_the_rest_is_folded(explorer):
    for title, box in explorer.more.items():
        button, inner = box.children
        assert (button.description, inner.layout.display) == (f"{title}: show", "none")
        button.value = True
        assert (button.description, inner.layout.display) == (f"{title}: hide", None)
        button.value = False


def test_a_tighter_latency_changes_winner_sentences_and_charts_together(explorer):
    answer(explorer, "pricing", "on_demand")
    before = explorer.decision.best["device"], shown(explorer, "ranking")["data"]["rows"][0]["device"]
    answer(explorer, "latency_ms", "3")
    after = explorer.decision.best["device"], shown(explorer, "ranking")["data"]["rows"][0]["device"]
    assert before[0] == before[1] != after[0] == after[1]
    assert after[0] in explorer.board.answer
    same = hw.decide("resnet50", latency_ms=3)
    assert explorer.decision.table["device_id"].tolist() == same.table["device_id"].tolist()
    speed = shown(explorer, "speed")
    assert speed["params"]["limit"] == 3
    assert all(row["latency_ms"] <= 3 for row in speed["data"]["rows"] if row["allowed"])
    assert any(not row["allowed"] for row in speed["data"]["rows"])


def test_an_answer_changes_data_and_parameters_and_no_chart(explorer):
    specs = dict(explorer.board.specs)
    for limit in ("3", "1", "20", ""):
        answer(explorer, "latency_ms", limit)
    answer(explorer, "batch_size", 8)
    assert {name: explorer.board.specs[name] for name in ("speed", "economics", "batch_throughput", "batch_cost")} == {
        name: specs[name] for name in ("speed", "economics", "batch_throughput", "batch_cost")
    }
    assert shown(explorer, "batch_cost")["params"]["batch"] == 8


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("model", "resnet5", "did you mean"),
        ("latency_ms", "abc", "expected milliseconds"),
        ("latency_ms", "-1", "over 0"),
        ("latency_ms", "nan", "expected milliseconds"),
        ("latency_ms", "1e99", "at most"),
        ("premium_per_doubling", "0.5", "priority throughput or latency"),
        ("requests_per_s", "<script>", "requests a second"),
        ("precisions", "int9", "did you mean 'int8'"),
        ("pricing", "on_demnd", "did you mean 'on_demand'"),
        ("providers", "awss", "did you mean 'aws'"),
        ("weights", "cost", "expected a number"),
        ("ownership", "year=3", "did you mean 'years'"),
        ("utilisation", "60", "a share"),
        ("ttft_ms", "500", "no serving of"),
        ("input_tokens", "2.5", "whole number"),
    ],
)
def test_nonsense_is_refused_where_it_is_typed_and_the_answer_stays(explorer, field, typed, said):
    work, before = explorer.workload, explorer.board.answer
    sentence = answer(explorer, field, typed)
    assert said in sentence.replace("&#x27;", "'")
    assert (explorer.workload, explorer.board.answer) == (work, before)
    assert "<script" not in explorer.controls[field].refusal.value
    answer(explorer, "batch_size", 1)
    assert explorer.controls[field].input.value == typed, "a good answer elsewhere takes nothing out of the field"
    assert explorer.workload.batch_size == 1


def test_what_was_refused_beside_another_answer_is_taken_once_that_fits(explorer):
    assert "needs priority" in answer(explorer, "premium_per_doubling", "0.5")
    assert answer(explorer, "priority", "latency") == ""
    assert explorer.workload.premium_per_doubling == 0.5
    assert explorer.controls["premium_per_doubling"].refusal.value == ""


def test_a_spelling_of_a_source_becomes_the_models_own_name(explorer):
    answer(explorer, "model", "bert-99")
    assert explorer.controls["model"].input.value == "bert-large"
    sizes = {size for _, size in explorer.controls["batch_size"].input.options}
    assert sizes - {"any"} <= set(hw.load_measurements("bert-large")["batch_size"].dropna())


@pytest.mark.parametrize("name", ["web_images", "video_streams", "offline_archive", "medical_images", "edge_camera", "llm_chat"])
def test_what_is_taken_along_gives_the_same_answers(explorer, name):
    quickly(setattr, explorer.presets, "value", name)
    assert explorer.workload == hw.preset(name)
    given = {}
    exec(explorer.python.text.replace("hw.decide(workload)", ""), given)
    assert given["workload"] == explorer.workload
    program, report, model, *settings = shlex.split(explorer.command.text)
    assert (program, report) == ("hwlib", "report")
    assert settings[::2] == ["--set"] * (len(settings) // 2)
    values = hw.reports.check(
        hw.reports.read_parameters(hw.reports.MODEL_REPORT), dict(s.split("=", 1) for s in settings[1::2]) | {"model": model}
    )
    assert hw.Workload(**values) == explorer.workload


def test_every_answer_survives_the_way_to_text_and_back():
    work = hw.Workload(
        "resnet50", weights="cost=2,latency=1", precisions="fp16,int8", pricing="purchase", ownership="years=4,pue=1.2", utilisation=0.5
    )
    given = {}
    exec(words.python(work).replace("hw.decide(workload)", ""), given)
    assert given["workload"] == work
    for field in ("weights", "precisions", "ownership", "utilisation"):
        control = controls.control(field, field, "resnet50")
        controls.show(control, work)
        assert hw.Workload("resnet50", **{field: controls.answer(control)}) == hw.Workload("resnet50", **{field: getattr(work, field)})


def test_after_a_change_the_case_is_no_longer_the_common_one(explorer):
    assert explorer.presets.value == "offline_archive"
    answer(explorer, "power_w", "5")
    assert explorer.presets.value == ""


def test_a_model_without_usable_figures_says_so_and_offers_relatives(explorer):
    models = hw.load_models()["model_id"]
    alone = next(model for model in models if rows.usable(model).empty)
    explorer.controls["model"].input.value = alone
    assert "no measured row of it can be used" in explorer.board.answer
    assert "Nearest measured relatives" in explorer.board.answer
    sentence, *buttons = explorer.relatives.children
    assert "No device has a usable figure" in sentence.value
    assert all(not pane.get("data") and pane["note"] for pane in (shown(explorer, name) for name in panes.NAMES))
    buttons[0].click()
    assert explorer.workload.model == buttons[0].description
    assert len(explorer.decision.table)


def test_charts_without_figures_say_why(explorer):
    explorer.controls["latency_ms"].input.value = "0.0001"
    assert shown(explorer, "ranking")["note"].startswith("No option")
    assert "data" not in shown(explorer, "ranking")
    assert "no option is left within the limits" in explorer.board.answer
    assert "Tightest is" in explorer.board.answer


def test_a_point_that_is_picked_shows_its_origin_and_stands_out_where_it_is_drawn(explorer):
    row = shown(explorer, "speed")["data"]["rows"][0]
    explorer.board.picked = {"device": row["device"], "measurement_id": row["measurement_id"]}
    found = hw.trace(row["measurement_id"])
    assert found["source"]["licence"] in explorer.origin.value
    assert found["place"] in explorer.origin.value
    assert explorer.tables.titles[explorer.tables.selected_index] == "Where a number comes from"
    for name in panes.NAMES:
        pane = shown(explorer, name)
        drawn = any(one["device"] == row["device"] for one in pane.get("data", {}).get("rows", ()))
        assert pane["params"].get("picked", "") == (row["device"] if drawn else "")
    explorer.board.picked = {}
    assert shown(explorer, "speed")["params"]["picked"] == ""


def test_the_keyboard_reaches_the_origin_of_every_ranked_option(explorer):
    explorer._complete()
    label, key = explorer.key.options[1]
    explorer.key.value = key
    assert explorer.decision.best["device"] in label
    assert key in explorer.origin.value


def test_the_batch_curves_follow_the_stack(explorer):
    stack = explorer.stack.options[1]
    explorer.stack.value = stack
    assert {row["stack"] for row in shown(explorer, "batch_throughput")["data"]["rows"]} == {stack}
    assert shown(explorer, "batch_cost")["params"].get("stack", stack) == stack


def test_an_unforeseen_fault_is_a_sentence(explorer, monkeypatch):
    from hwlib.widgets import explorer as module

    def fault(work):
        raise ZeroDivisionError("by <b>")

    with monkeypatch.context() as patched:
        patched.setattr(module, "decide", fault)
        answer(explorer, "latency_ms", "5")
        assert "could not be worked out (ZeroDivisionError: by &lt;b&gt;)" in explorer.board.answer
    answer(explorer, "latency_ms", "6")


def test_dollars_start_no_formula(explorer):
    for text in (explorer.board.answer, explorer.ranked.value, explorer.origin.value):
        assert text.count("$") == text.count("<span>$</span>")


def test_where_no_widget_can_be_shown_there_are_a_picture_and_words(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"].startswith("ResNet-50")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_board_holds_all_it_needs():
    script = Board([])._esm
    assert len(script) > 500_000
    assert "esm.sh" not in script
    assert "cdn.jsdelivr" not in script


def test_every_shape_and_colour_is_in_the_key(explorer):
    from hwlib import charts

    assert set(PATHS) == set(charts.EVIDENCE_SHAPES.values())
    assert all(word in explorer.board.key for word in (*schema.EVIDENCE, *(name.upper() for name in schema.DEVICE_CLASSES)))


@pytest.mark.parametrize("metric", [metric for metric, _ in workload.PRIORITIES.values()] + ["score"])
def test_live_charts_have_units_and_named_data(metric):
    spec = live.ranking(metric, "samples", True)
    assert spec["data"] == {"name": "rows"} or all(layer["data"]["name"] == "rows" for layer in spec["layer"])
    assert "datasets" not in spec
    assert spec["width"] == "container"
