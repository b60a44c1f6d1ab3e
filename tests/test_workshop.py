"""The workshop: checks answer every kind of answer kindly, copies equal what the solutions give, an unsolved copy stops kindly."""

import functools
import inspect
import re
import shutil
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import hwlib as hw
from hwlib import cli, workshop
from hwlib.errors import HwlibError
from hwlib.workshop import capstone, cases, checks, choices, copies, kinds, session
from hwlib.workshop.verdicts import OPEN, UnansweredError, Verdict

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks" / "workshop"
SOLUTIONS = sorted((FOLDER / "solutions").glob("*.ipynb"))
COPIES = sorted(FOLDER.glob("*.ipynb"))
SLIDES = {"slide", "subslide", "fragment", "skip", "notes"}
CHECKS = {name: check for module in (checks, choices) for name, check in vars(module).items() if name.startswith("check_")}
NUMBERS = [f"check_{task}" for task in ("benchmark_1", "benchmark_4", "batch_1", "batch_2", "batch_3", "batch_5", "price_1", "price_2")]
NUMBERS += [f"check_{task}" for task in ("price_5", "model_1", "model_4", "power_1", "power_3", "power_4")]
TABLES = ["check_benchmark_2", "check_batch_4", "check_price_4", "check_model_2", "check_power_5"]
ODD = [None, "", "12 ms", "nonsense", True, [], [1, 2], [[]], {}, {1: 2}, set(), (), b"x", 1j, 10**400, float("inf"), print, int]
ODD += [
    float("nan"),
    pd.NA,
    pd.NaT,
    np.float64("nan"),
    np.array([]),
    np.array(3.0),
    np.array([1.0, 2.0]),
    Decimal(1),
    Fraction(1, 3),
    object(),
]
ODD += [pd.DataFrame(), pd.DataFrame({"a": [1]}), pd.Series(dtype=float), pd.Series([1.0]), pd.Index(["a"]), hw.load_devices().head(2)]
ODD += [pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame({("a", "b"): [1]}), pd.DataFrame({1: [1], "a": [2]})]


@pytest.fixture(autouse=True, scope="module")
def _decided_once():
    """Each question is decided once for all tests here; decisions depend on nothing else."""
    remembered = functools.cache(checks.decide)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "decide", remembered)
        patch.setattr(choices, "decide", remembered)
        yield


@functools.cache
def answers(path):
    """The solution's answers: name of the check -> answer, from its own cells run here."""
    space, found = {}, {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        asked = re.fullmatch(r"workshop\.(check_\w+)\((.+)\)", cell.source)
        if asked:
            found[asked[1]] = eval(f"({asked[2]},)", space)
        else:
            exec(cell.source, space)
    return found


@functools.cache
def every_answer():
    return {name: answer for path in SOLUTIONS for name, answer in answers(path).items()}


def test_every_check_stands_in_one_solution():
    kind = {float: NUMBERS, int: NUMBERS, pd.DataFrame: TABLES}
    assert all(name in kind.get(type(right), [name]) for name, (right, *_) in every_answer().items())
    assert {*CHECKS, *(f"check_capstone_{number}" for number in (1, 2, 3, 4))} == every_answer().keys()
    assert sum(map(len, map(answers, SOLUTIONS))) == len(every_answer())


@pytest.mark.parametrize("name", CHECKS)
def test_the_right_answer_is_right_and_every_odd_one_gets_a_sentence_that_does_not_tell_it(name):
    check, (right,) = CHECKS[name], every_answer()[name]
    assert check(right).right
    with pytest.raises(UnansweredError, match=re.escape(OPEN)):
        check(...)
    for odd in ODD:
        verdict = check(odd)
        assert not verdict.right, odd
        assert len(verdict.sentence) > 20
        if isinstance(right, (float, str)):
            assert f"{right:.3g}" not in verdict.sentence if isinstance(right, float) else right not in verdict.sentence, odd


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_may_be_rounded_and_a_slip_of_unit_is_told(name):
    check, (right,) = CHECKS[name], every_answer()[name]
    assert check(float(f"{right:.3g}")).right
    assert check(np.float64(right)).right
    assert not check(right * 1.1).right
    assert not check(-right).right
    source = inspect.getsource(check)
    unit = next((unit for unit in kinds.SLIPS if f'"{unit}"' in source), None)
    for factor, looks in kinds.SLIPS.get(unit, {}).items():
        said = check(right * factor).sentence
        assert looks in said, (unit, factor)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_may_be_in_any_order_and_a_renamed_indexed_or_lost_column_is_told(name):
    check, (right,) = CHECKS[name], every_answer()[name]
    key, *_, figure = right.columns
    assert check(right.iloc[::-1].assign(more=1)[[figure, "more", *right.columns[:-1]]]).right
    assert check(right.round({figure: 5})).right
    renamed = check(right.rename(columns={figure: figure + "s"}))
    assert f"the column {figure!r} is missing; is it your {figure + 's'!r}?" in renamed.sentence
    assert ".reset_index()" in check(right.set_index(key)).sentence
    assert "missing" in check(right.drop(columns=figure)).sentence
    assert "rows" in check(right.head(1)).sentence
    assert "rows are not the asked ones" in check(right.assign(**{key: right[key].iloc[0]})).sentence
    assert repr(figure) in check(right.assign(**{figure: 1 / right[figure]})).sentence
    assert repr(figure) in check(right.assign(**{figure: pd.NA})).sentence
    assert repr(figure) in check(right.assign(**{figure: "12"})).sentence
    assert "rows are not the asked ones" in check(right.assign(**{key: [[]] * len(right)})).sentence


def test_common_wrong_answers_are_told_apart():
    rows = hw.load_measurements("bert-large", source_id="mlperf-v2.1", scenario="offline", division="closed", variant="accuracy=99")
    said = {
        "strict target again": workshop.check_benchmark_1(4.5),
        "other way round": workshop.check_benchmark_1(1 / every_answer()["check_benchmark_1"][0]),
        "Did you mean 'preview'": workshop.check_benchmark_3("previw"),
        "whole system": workshop.check_benchmark_4(rows["throughput_per_s"].max()),
        "something is missing": workshop.check_benchmark_5(["server"]),
        "1 of your 2 belong": workshop.check_benchmark_5(["server", "strict"]),
        "longer than 20 ms": workshop.check_batch_2(32),
        "the mean keeps the limit": workshop.check_batch_3(64),
        "queue grows for ever": workshop.check_batch_5(1),
        "dearer, not cheaper": workshop.check_price_1(hw.decide("resnet50").best["usd_per_100k"] / 4),
        "by how many percent": workshop.check_price_2(1 + hw.decide("resnet50").margin),
        "always busy": workshop.check_price_3(hw.decide("resnet50").best["device_id"]),
        "today's price": workshop.check_price_5(hw.decide("resnet50").best["usd_per_hour"]),
        "a share between 0 and 1": workshop.check_price_2(hw.decide("resnet50").margin),
        "params_m": workshop.check_model_1(25.56 / 3.5),
        "looks like percent": workshop.check_model_4(hw.decide("mobilenet-v2").p_best * 100),
        "with estimates allowed": workshop.check_model_5(hw.decide("ssd-resnet34").best["device_id"]),
        "inferences for a joule": workshop.check_power_1(326.25 / 10.5175),
        "least power": workshop.check_power_2("amlogic-s922x"),
        "data sheet": workshop.check_power_3(15),
        "looks like joules": workshop.check_power_4(every_answer()["check_power_4"][0] * 3_600_000),
    }
    for sentence, verdict in said.items():
        assert not verdict.right
        assert sentence in verdict.sentence


@given(
    st.one_of(
        st.none(), st.text(), st.integers(), st.floats(), st.lists(st.text()), st.lists(st.floats()), st.dictionaries(st.text(), st.none())
    )
)
def test_no_kind_of_check_ever_fails_on_an_answer(answer):
    right = pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]})
    for verdict in (
        kinds.number(answer, 12, "ms", "it"),
        kinds.word(answer, "yes", ["yes", "no"], "word", "it"),
        kinds.words(answer, {"yes"}, ["yes", "no"], "word", "it"),
        kinds.table(answer, right, "a", "it"),
        capstone.check_capstone_1(answer),
        capstone.check_capstone_2(answer),
        capstone.check_capstone_3(answer, answer),
        capstone.check_capstone_4(answer),
    ):
        assert isinstance(verdict, Verdict)


def test_a_verdict_reads_the_same_by_eye_and_by_ear():
    for verdict, word in ((Verdict(True, "a < b for $5"), "Right."), (Verdict(False, "a < b for $5"), "Not yet:")):
        assert str(verdict) == f"{word} a < b for $5"
        html = verdict._repr_html_()
        assert f"{word} a &lt; b for <span>$</span>5" in html
        assert 'role="status"' in html
        assert re.findall('<span aria-hidden="true">. </span>', html)


@pytest.mark.parametrize("card", cases.CASES)
def test_a_card_says_what_its_case_says_and_can_be_decided(card):
    text = (FOLDER / "cases" / f"{card}.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|$", text, re.MULTILINE))
    assert shown == {name: str(value) for name, value in cases.CASES[card].items()}
    workload = hw.Workload(**cases.CASES[card])
    assert cases.card_of(workload.model) == workload
    decision = hw.decide(workload)
    assert capstone.check_capstone_1(workload).right
    assert capstone.check_capstone_2(decision).right
    best, second, flip = decision.best, decision.runner_up, decision.flips.query("answer != 'batch_size'").iloc[0]
    parts = [best["device"], second["device_id"], f"{100 * decision.p_best:.0f} percent", f"at {flip['at']:,.4g}", best["source_id"]]
    assert capstone.check_capstone_3("; ".join(parts), decision).right
    for part in parts:
        assert not capstone.check_capstone_3("; ".join(other for other in parts if other != part), decision).right
    settings = " ".join(f"--set {name}={value}" for name, value in cases.CASES[card].items() if name != "model")
    assert capstone.check_capstone_4(f"hwlib report {workload.model} {settings}").right


def test_every_card_is_a_case_and_names_a_model_of_its_own():
    assert {path.stem for path in (FOLDER / "cases").glob("*.md")} == cases.CASES.keys()
    assert len({case["model"] for case in cases.CASES.values()}) == len(cases.CASES)


def test_the_capstone_tells_what_is_wrong_with_the_form():
    shop = cases.CASES["shop"]
    said = {
        "also has requests_per_s, usd_per_hour": capstone.check_capstone_1(hw.Workload("resnet50", latency_ms=50)),
        "says nothing of batch_size": capstone.check_capstone_1(hw.Workload(**shop, batch_size=8)),
        "usd_per_hour is not the card's": capstone.check_capstone_1(hw.Workload(**shop | {"usd_per_hour": 3})),
        "looks like seconds": capstone.check_capstone_1(hw.Workload(**shop | {"latency_ms": 0.05})),
        "no card has the model 'mobilenet-v2'": capstone.check_capstone_1(hw.Workload("mobilenet-v2")),
        "you gave a whole decision": capstone.check_capstone_1(hw.decide("resnet50")),
        "such as hw.Workload": capstone.check_capstone_1(shop),
        "the card also has": capstone.check_capstone_2(hw.decide("resnet50")),
        "no option is left": capstone.check_capstone_2(hw.decide("resnet50", latency_ms=0.01)),
        "the decision of Task 2 comes first": capstone.check_capstone_3("We recommend it.", None),
        "a command starts with": capstone.check_capstone_4("report resnet50"),
        "after the model comes": capstone.check_capstone_4("hwlib report resnet50 --latency_ms 50"),
        "without spaces around =": capstone.check_capstone_4("hwlib report resnet50 --set latency_ms"),
        "unknown answer 'latncy_ms'": capstone.check_capstone_4("hwlib report resnet50 --set latncy_ms=50"),
        "unknown model": capstone.check_capstone_4("hwlib report resnt50 --set latency_ms=50"),
        "no closing quotation": capstone.check_capstone_4("hwlib report 'resnet50"),
    }
    for sentence, verdict in said.items():
        assert not verdict.right
        assert sentence in verdict.sentence
    for check in (capstone.check_capstone_1, capstone.check_capstone_2, capstone.check_capstone_4):
        with pytest.raises(UnansweredError):
            check(...)
    with pytest.raises(UnansweredError):
        capstone.check_capstone_3("We recommend it.", ...)


def test_a_name_that_does_not_exist_is_no_check():
    with pytest.raises(AttributeError, match="check_batch_9"):
        workshop.check_batch_9  # noqa: B018
    with pytest.raises(AttributeError):
        workshop.anything  # noqa: B018


@pytest.mark.parametrize("source", SOLUTIONS, ids=lambda path: path.stem)
def test_a_committed_copy_is_what_its_solution_gives(source):
    assert (FOLDER / source.name).read_text(encoding="utf-8") == copies.copy_text(source)


@pytest.mark.parametrize("source", SOLUTIONS, ids=lambda path: path.stem)
def test_a_copy_holds_no_solution_and_the_outputs_of_the_examples_only(source):
    solved, copy = nbformat.read(source, as_version=4), nbformat.read(FOLDER / source.name, as_version=4)
    nbformat.validate(copy)
    kept = {cell.id: cell for cell in copy.cells}
    for cell in solved.cells:
        tags = cell.metadata.get("tags", [])
        assert (cell.id in kept) == ("teacher" not in tags)
        if cell.cell_type == "code":
            outputs = kept[cell.id].outputs
            assert bool(outputs) == ("example" in tags and bool(cell.outputs))
            lines = "".join(copies.REGION.findall(cell.source)).splitlines()
            assert not any(line in kept[cell.id].source for line in lines if line)
    assert "SOLUTION" not in nbformat.writes(copy)
    assert [cell.id for cell in copy.cells] == [cell.id for cell in solved.cells if cell.id in kept]


def test_every_copy_has_a_solution_and_there_are_six():
    assert [path.name for path in COPIES] == [path.name for path in SOLUTIONS]
    assert [path.name[0] for path in SOLUTIONS] == list("123456")


@pytest.mark.parametrize("source", SOLUTIONS, ids=lambda path: path.stem)
def test_an_exercise_has_all_its_parts_and_every_cell_a_place_in_the_slides(source):
    notebook = nbformat.read(source, as_version=4)
    assert all(cell.metadata["slideshow"]["slide_type"] in SLIDES for cell in notebook.cells)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for part in ("# ", "**Goal.**", "**Time**", "**Before this**", "## The question", "## Worked example", "## Recap", "## Discuss"):
        assert part in text, part
    tasks = re.findall(r"^## Task (\d): [^\n]+\n\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert [number for number, _ in tasks] == [str(number) for number in range(1, len(tasks) + 1)]
    assert 3 <= len(tasks) <= 5
    assert all("<details><summary>Hint" in body and f"`answer_{number}" in body for number, body in tasks)
    assert text.count("*You should see") >= len(tasks) - 1
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.stem)
def test_an_unsolved_copy_stops_at_its_first_task_in_one_sentence(path):
    notebook = nbformat.read(path, as_version=4)
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    stopped = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.execution_count][-1]
    assert re.fullmatch(r"workshop\.check_\w+_1\(answer_1\)", stopped.source)
    assert [output["traceback"] for output in stopped.outputs] == [[OPEN]]


def test_cells_out_of_order_and_errors_of_the_library_are_one_sentence_in_a_kernel():
    sources = ["import hwlib as hw\nfrom hwlib import workshop\n\nworkshop.start()", "workshop.check_batch_2(answer_2)", "rows = 1", "rws"]
    sources += ['hw.decide("resnt50")', "1 / 0"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    shown = [output for cell in notebook.cells[1:] for output in cell.outputs]
    assert shown[0]["traceback"] == [session.missing("answer_2", {})]
    assert shown[1]["traceback"][0].startswith("`rws` is not there yet. Did you mean `rows`?")
    assert len(shown[2]["traceback"]) == 1
    assert "did you mean 'resnet50'" in shown[2]["traceback"][0]
    assert "ZeroDivisionError" in "".join(shown[3]["traceback"])


def test_the_command_writes_the_copies_and_refuses_what_it_cannot_open(tmp_path):
    (tmp_path / "solutions").mkdir()
    shutil.copy(SOLUTIONS[0], tmp_path / "solutions")
    done = CliRunner().invoke(cli.main, ["workshop", "copies", str(tmp_path)])
    assert done.exit_code == 0
    assert done.output.split() == [str(tmp_path / SOLUTIONS[0].name)]
    assert (tmp_path / SOLUTIONS[0].name).read_text(encoding="utf-8") == (FOLDER / SOLUTIONS[0].name).read_text(encoding="utf-8")
    refused = CliRunner().invoke(cli.main, ["workshop", "copies", str(tmp_path / "nowhere")])
    assert refused.exit_code == 2
    assert "it has no solutions/*.ipynb" in refused.output


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("# BEGIN SOLUTION\nanswer_1 = 1", "needs both"),
        ("answer_1 = 1\n# END SOLUTION", "needs both"),
        ("# BEGIN SOLUTION\nx = 1\n# END SOLUTION", "must set an answer"),
    ],
)
def test_a_region_without_end_or_answer_is_refused(tmp_path, source, fault):
    (tmp_path / "solutions").mkdir()
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="here")])
    shutil.copy(SOLUTIONS[0], tmp_path / "solutions" / "0_fine.ipynb")
    nbformat.write(broken, tmp_path / "solutions" / "1_broken.ipynb")
    with pytest.raises(HwlibError, match=f"1_broken.ipynb, cell here: .*{fault}"):
        copies.write_copies(tmp_path)
    assert not list(tmp_path.glob("*.ipynb"))


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "1_cut.ipynb").write_text('{"cells": [', encoding="utf-8")
    refused = CliRunner().invoke(cli.main, ["workshop", "copies", str(tmp_path)])
    assert refused.exit_code == 2
    assert "1_cut.ipynb: this is no notebook" in refused.output


def test_a_whole_cell_can_be_a_solution():
    assert copies.open_answers("x = 2\nanswer_3 = x\nanswer_3", whole=True) == "answer_3 = ...  # your answer"
    cell = nbformat.v4.new_markdown_cell("We recommend it.", metadata={"tags": ["solution"]})
    assert copies._copied(cell, "n").source == copies.TO_WRITE


def test_copies_in_a_place_that_cannot_be_written_are_answered_with_a_sentence(tmp_path):
    shutil.copytree(FOLDER / "solutions", tmp_path / "solutions")
    (tmp_path / ".6_capstone.ipynb.part").mkdir()
    found = CliRunner().invoke(cli.main, ["workshop", "copies", str(tmp_path)])
    assert found.exit_code == 2
    assert "6_capstone.ipynb cannot be written: Is a directory" in found.output
