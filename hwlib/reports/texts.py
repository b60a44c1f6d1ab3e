"""The texts that a report consists of, made of the notebook that ran."""

import json

from ..errors import HwlibError
from . import html


def make(notebook, *, title, settings, data_date, folder, assets=None, decided=False):
    """The page of `notebook` by its ending, ".html", and where `decided` the decision that it displays, ".json".

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        After a run without fault.
    title, settings, data_date, folder, assets
        As in `html.page`.
    decided : bool
        Whether one of its outputs must carry a decision.

    Raises
    ------
    HwlibError
        If none does.
    """
    made = {".html": html.page(notebook, title=title, settings=settings, data_date=data_date, folder=folder, assets=assets)}
    return made | ({".json": _decision(notebook)} if decided else {})


def _decision(notebook):
    """The last decision among the outputs of `notebook`, as JSON text."""
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    found = [data[html.DECISION] for data in outputs if html.DECISION in data]
    if not found:
        raise HwlibError(f"no output of the notebook carries a decision ({html.DECISION})")
    return json.dumps(found[-1], indent=2, ensure_ascii=False, allow_nan=False) + "\n"
