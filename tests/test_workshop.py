"""The workshop: checks answer every kind of answer kindly, copies equal what the solutions give, an unsolved copy stops kindly."""

from pathlib import Path

import nbclient
import nbformat
import pytest

from hwlib.workshop import copies
from hwlib.workshop.verdicts import OPEN

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks" / "workshop"
SOLUTIONS = sorted((FOLDER / "solutions").glob("*.ipynb"))
COPIES = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("source", SOLUTIONS, ids=lambda path: path.stem)
def test_a_committed_copy_is_what_its_solution_gives(source):
    assert (FOLDER / source.name).read_text(encoding="utf-8") == copies.copy_text(source)


def test_every_copy_has_a_solution():
    assert [path.name for path in COPIES] == [path.name for path in SOLUTIONS]


@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.stem)
def test_an_unsolved_copy_stops_at_its_first_task_in_one_sentence(path):
    notebook = nbformat.read(path, as_version=4)
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    stopped = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.execution_count][-1]
    assert stopped.source.startswith("workshop.check_")
    assert stopped.source.endswith("_1(answer_1)")
    assert [output["traceback"] for output in stopped.outputs] == [[OPEN]]
