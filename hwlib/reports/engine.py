"""Runs a notebook with papermill: in a fresh kernel of the running interpreter, or in a child of a process that has all imported."""

import functools
import logging
from pathlib import Path

from ..errors import HwlibError, unknown
from . import texts, zygote

START_ATTEMPTS = 2  # kernels pick their ports by chance, and a busy machine now and then loses the race
LIVE_CHARTS = {"HWLIB_CHARTS": "html"}  # `hwlib.charts` otherwise draws pictures, for notebooks that are read without running
QUIET_KERNEL = "--IPKernelApp.log_level=40"  # ipykernel otherwise says a line about TCP for each report
ENGINES = ("kernel", "fork")
PYTHON = {"kernel_name": "python3", "language": "python"}
PAPERMILL_NAME = "hwlib-fork"


def execute(notebook, parameters, engine="kernel", timeout_s=300):
    """The executed `notebook`, and None or the sentence that says why it failed.

    Parameters
    ----------
    notebook : path
        It runs in its own folder; the file is only read.
    parameters : dict
        Pure JSON values, checked before.
    engine : str
        A name of `ENGINES`.
    timeout_s : int
        Seconds that each cell may take.

    Returns
    -------
    tuple
        The notebook as far as it came, and the fault (None if there is none).
    """
    executed, _, fault = make(notebook, parameters, None, engine, timeout_s)
    return executed, fault


def make(notebook, parameters, wanted, engine="kernel", timeout_s=300, forker=None):
    """The executed `notebook`, the texts made of it (by ending), and None or the sentence that says why it failed.

    Parameters
    ----------
    notebook, parameters, engine, timeout_s
        As in `execute`.
    wanted : dict or None
        What `texts.make` is to make of it, but for the folder; None for nothing.
    forker : zygote.Zygote, optional
        For the fork engine; one for this call alone if not given.
    """
    notebook = Path(notebook).resolve()
    wanted = wanted and {**wanted, "folder": str(notebook.parent)}
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if engine == "kernel":
        return _kernel(notebook, parameters, wanted, timeout_s)
    if not zygote.available():
        raise HwlibError("engine 'fork': processes cannot be forked safely on this system; 'kernel' runs everywhere")
    if forker:
        return _fork(notebook, parameters, wanted, timeout_s, forker)
    with zygote.Zygote() as own:
        return _fork(notebook, parameters, wanted, timeout_s, own)


def _fork(notebook, parameters, wanted, timeout_s, forker):
    """The fork engine by way of papermill; the child makes the texts too, so that this process stays free and small."""
    import papermill
    from papermill.engines import papermill_engines

    from .forking import ForkEngine

    papermill_engines.register(PAPERMILL_NAME, ForkEngine)  # also where the package is used without having been installed
    progress, made = {"notebook": _template(notebook, notebook.stat().st_mtime_ns), "cell": None}, {}

    def work():
        # In two steps, since papermill would end by formatting all outputs as JSON for a file that nobody asked for.
        prepared = papermill.execute_notebook(
            progress["notebook"], None, parameters, engine_name=PAPERMILL_NAME, prepare_only=True, **PYTHON
        )
        papermill_engines.execute_notebook_with_engine(
            PAPERMILL_NAME,
            prepared,
            progress_bar=False,
            kernel_name=PYTHON["kernel_name"],
            execution_timeout=timeout_s,
            forker=forker,
            folder=str(notebook.parent),
            wanted=wanted,
            made=made,
            progress=progress,
        )

    fault = _account(notebook, timeout_s, progress, work)
    fault = fault or (made.get("fault") and f"{notebook.name}: {made['fault']}")
    return progress["notebook"], made.get("made"), fault


@functools.lru_cache(maxsize=4)
def _template(notebook, _changed):
    """The notebook without the outputs that its file may hold, which would be copied each time; papermill works on a copy."""
    import nbformat

    template = nbformat.read(notebook, as_version=4)
    for cell in template.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    return template


def _kernel(notebook, parameters, wanted, timeout_s):
    """Papermill's own engine."""
    for attempt in range(START_ATTEMPTS):
        progress = {"notebook": _template(notebook, notebook.stat().st_mtime_ns), "cell": None}
        fault = _account(notebook, timeout_s, progress, lambda: _papermill(notebook, parameters, timeout_s, progress))
        if not (fault and progress["cell"] is None and attempt + 1 < START_ATTEMPTS):
            break
    made = None
    if wanted and not fault:
        try:
            made = texts.make(progress["notebook"], **wanted)
        except HwlibError as error:
            fault = str(error)
    return progress["notebook"], made, fault


def _account(notebook, timeout_s, progress, work):
    """Do the `work`, and return the fault or None. Papermill's marks in the notebook lie after a timeout or a dead kernel: only exceptions count."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError
    from papermill.execute import remove_error_markers

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # it warns of every union type; what fails is raised
    try:
        work()
        fault = _ended_early(progress["notebook"])
    except PapermillExecutionError as error:
        progress["notebook"] = remove_error_markers(progress["notebook"])  # they would shift the cells' numbers
        fault = _last_line(error)
    except CellTimeoutError:
        fault = f"it took longer than {timeout_s} s"
    except DeadKernelError:
        fault = "its Python process died (out of memory, or ended from outside)"
    except (RuntimeError, OSError) as error:
        fault = f"the kernel failed: {error}"
    progress["notebook"].metadata.get("papermill", {}).pop("input_path", None)  # the whole input notebook
    return fault and f"{notebook.name}{_where(progress['cell'])}: {fault}"


def _papermill(notebook, parameters, timeout_s, progress):
    """One run; `progress` keeps the notebook and the (number, source) of the cell that runs, which exceptions do not carry."""
    import papermill

    papermill.execute_notebook(
        progress["notebook"],  # not its path, which papermill would fill in like a format string
        None,
        parameters,
        **PYTHON,
        progress_bar=False,
        request_save_on_cell_execute=False,
        execution_timeout=timeout_s,
        iopub_timeout=60,
        shutdown_kernel="immediate",
        extra_arguments=[QUIET_KERNEL],
        kernel_manager_class=_own_interpreter(),
        resources={"metadata": {"path": str(notebook.parent)}},  # the kernel's folder; `cwd` would move this process too
        on_notebook_start=lambda notebook: progress.update(notebook=notebook),
        on_cell_start=lambda cell, cell_index: progress.update(cell=(cell_index + 1, cell.source)),
    )


def _own_interpreter():
    """A kernel manager that looks at no installed kernel but runs `sys.executable`, also in an environment nobody activated."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class OwnInterpreter(AsyncKernelManager):
        kernel_spec = KernelSpec(**get_kernel_dict(), env=LIVE_CHARTS)

    return OwnInterpreter


def _ended_early(notebook):
    """A fault if a cell left by `sys.exit(0)`, which papermill takes for success although the cells after it never ran."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ()) if output.output_type == "error"]
    return _last_line(outputs[0]) if outputs else None


def _last_line(error):
    """The kind of error and the last line of what it says."""
    return f"{error.ename}: {error.evalue.strip().splitlines()[-1]}" if error.evalue.strip() else error.ename


def _where(cell):
    """The words ", cell 4 (`first line`)" for the cell that ran last; empty if none did."""
    return f", cell {cell[0]} (`{cell[1].strip().splitlines()[0]}`)" if cell else ""
