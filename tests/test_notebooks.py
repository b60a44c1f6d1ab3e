"""Notebooks: outputs are there (nbval passes a stripped one whatever it prints), cells are short, charts are pictures."""

import json
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
# The learners' copies in workshop/ have no outputs of their own; test_workshop.py holds them to the solutions.
PATHS = [
    path
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb"))
    if ".ipynb_checkpoints" not in path.parts and path.parent.name != "workshop"
]
IMPORTS = {"import hwlib as hw", "import hwlib as hw\nfrom hwlib import workshop\n\nworkshop.start()"}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_notebooks_are_there():
    named = {"00_start_here.ipynb", "09_measure_your_model.ipynb", "11_check_the_claims.ipynb", "model_report.ipynb"}
    assert {path.name for path in PATHS} >= named


def test_every_code_cell_was_executed_in_order_without_error(notebook):
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert outputs
    assert not any(output.output_type in ("error", "stream") and output.get("name") != "stdout" for output in outputs)


def test_every_cell_that_ends_in_an_expression_shows_something(notebook):
    for cell in code(notebook):
        last = cell.source.strip().splitlines()[-1]
        silent = last.startswith(("import ", "#")) or " = " in last.split("(")[0] or "parameters" in cell.metadata.get("tags", [])
        assert silent or cell.outputs, cell.source


def test_the_first_code_is_one_import_and_cells_are_short(notebook):
    cells = [cell for cell in code(notebook) if "parameters" not in cell.metadata.get("tags", [])]
    assert cells[0].source in IMPORTS
    assert all(len(cell.source.splitlines()) <= 10 for cell in cells)
    assert not any("def " in cell.source for cell in cells)


def test_charts_are_pictures_that_read_without_running(notebook):
    pictures = [output for cell in code(notebook) for output in cell.outputs if "image/svg+xml" in output.get("data", {})]
    assert pictures
    assert not any("cdn" in json.dumps(output) or "altair-viz" in json.dumps(output) for cell in code(notebook) for output in cell.outputs)


def test_a_price_is_no_formula(notebook):
    for cell in code(notebook):
        for output in cell.outputs:
            html = "".join(output.get("data", {}).get("text/html", ""))
            assert html.count("$") == html.count("<span>$</span>"), "JupyterLab would set what stands between two $ as a formula"
    for cell in notebook.cells:
        assert cell.cell_type == "code" or cell.source.count("$") < 2


def test_running_a_notebook_overwrites_no_report_of_the_user(notebook):
    for cell in code(notebook):
        assert "make_report" not in cell.source or '"../reports/tour"' in cell.source


def test_nothing_of_this_machine_is_in_them(notebook):
    assert str(ROOT) not in nbformat.writes(notebook)


def test_the_template_has_one_parameters_cell_whose_first_is_the_model():
    from hwlib import reports

    parameters = reports.read_parameters(reports.MODEL_REPORT)
    assert next(iter(parameters)) == "model"
    assert all(parameter.help for parameter in parameters.values())
