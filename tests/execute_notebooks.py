"""Execute the notebooks of the workbook and store their outputs: `make notebooks`.

Outputs are what a reader of a code host sees and what nbval compares, so nothing volatile is kept.
"""

import sys
from pathlib import Path

import nbclient
import nbformat

WIDGET = "application/vnd.jupyter.widget-view+json"
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def execute(path):
    """Run the notebook at `path` in its folder and write it back with its outputs, without times, versions and widgets."""
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    # A widget without its kernel is an empty box; the picture and the words beside it stay.
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET, None)
    notebook.metadata["language_info"] = {"name": "python"}
    temporary = path.with_suffix(".part")
    nbformat.write(notebook, temporary)
    temporary.replace(path)


def main(names):
    """Execute the named notebooks, or all; those of `hwlib workshop copies` are made from the solutions, not executed."""
    every = sorted(path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    paths = [Path(name) for name in names] or [path for path in every if path.parent.name != "workshop"]
    for path in paths:
        print(path.name, flush=True)
        execute(path.resolve())


if __name__ == "__main__":
    main(sys.argv[1:])
