"""The start of an exercise: a name that is not known yet, and an error of the library, are told in one sentence."""

import re

from ..errors import HwlibError, nearest


def start():
    """Say that the notebook is ready; from now on it tells unknown names and errors of the library in one sentence.

    >>> start()
    Ready. Run the cells from the top, in their order.
    """
    import sys

    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.set_custom_exc((NameError, HwlibError), _told)
    print("Ready. Run the cells from the top, in their order.")


def _told(shell, kind, error, trace, tb_offset=None):
    """Show `error` as a sentence; a run of all cells stops as it does at any error."""
    sentence = missing(error.name, shell.user_ns) if isinstance(error, NameError) else str(error)
    error._render_traceback_ = lambda: [sentence]
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def missing(name, known):
    """What to do about the unknown `name`, a str, where the names in `known` exist.

    >>> missing("answer_2", {"answer_1": 5})
    '`answer_2` is not there yet. Run the cell of Task 2 first, in which `answer_2` gets its value.'
    >>> missing("rws", {"rows": 5})
    '`rws` is not there yet. Did you mean `rows`? If not, run the cells above: menu Run, then Run All Above Selected Cell.'
    """
    task = re.fullmatch(r"answer_(\d+)", name or "")
    if task:
        return f"`{name}` is not there yet. Run the cell of Task {task[1]} first, in which `{name}` gets its value."
    close = nearest(name, [word for word in known if not word.startswith("_")], n=1)
    mean = f"Did you mean `{close[0]}`? If not, run" if close else "Run"
    return f"`{name}` is not there yet. {mean} the cells above: menu Run, then Run All Above Selected Cell."
