"""Papermill's engine `hwlib-fork`, found by its entry point: ``papermill.execute_notebook(..., engine_name="hwlib-fork")``."""

import os

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from . import zygote


def __getattr__(name):
    """`ForkEngine`, made when papermill asks for it: papermill loads its entry points while it is itself being imported."""
    if name != "ForkEngine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from papermill.engines import Engine

    class ForkEngine(Engine):
        """Runs each notebook in a forked child of a process that has imported everything once."""

        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, **kwargs):
            """Run the cells of papermill's `nb_man`; papermill calls this."""
            _run(nb_man, **kwargs)

    return globals().setdefault(name, ForkEngine)


def _run(manager, forker=None, folder=None, wanted=None, made=None, progress=None, execution_timeout=None, **_):
    """Let a child run the cells and keep papermill's account of them; `made` and `progress` are filled on the way."""
    notebook, state = manager.nb, {"cell": None} if progress is None else progress
    state.update(notebook=notebook)
    request = {"notebook": notebook, "folder": folder or os.getcwd(), "wanted": wanted}
    try:
        (forker or zygote.lasting()).call(request, lambda event: _note(event, manager, state, made), execution_timeout)
    except TimeoutError:
        raise CellTimeoutError(f"no answer within {execution_timeout} s") from None
    except EOFError:
        raise DeadKernelError("the child died") from None
    finally:
        _complete(manager, state.get("number"))


def _note(event, manager, state, made):
    """Write into the notebook what the child says of it."""
    cells = manager.nb.cells
    if "cell" in event:
        _complete(manager, state.get("number"))
        number = event["cell"]
        state.update(number=number, cell=(number + 1, cells[number].source))
        manager.cell_start(cells[number], number)
    elif "outputs" in event:
        _file(event, cells, state["number"])
        if any(output.output_type == "error" for output in cells[state["number"]].outputs):
            manager.cell_exception(cells[state["number"]], state["number"])
    elif made is not None:
        made.update({key: event[key] for key in ("made", "fault") if key in event})


def _complete(manager, number):
    if number is not None:
        manager.cell_complete(manager.nb.cells[number], number)


def _file(event, cells, number):
    cells[number].execution_count = event["count"]
    for index, outputs in event["outputs"].items():
        cells[int(index)].outputs = nbformat.from_dict(outputs)
