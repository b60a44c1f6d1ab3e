"""Reports: a notebook with parameters becomes one HTML page that opens offline, with a decision as JSON beside it."""

import json
from pathlib import Path

from .. import data
from ..errors import HwlibError
from ..workload import Workload
from . import engine as engines
from . import files
from .html import DECISION, page, start_vega
from .parameters import Parameter, check, read_parameters

__all__ = ["MODEL_REPORT", "Parameter", "check", "make_report", "read_parameters", "render", "render_decided"]

# Beside the package in a checkout, inside it when installed from a wheel.
MODEL_REPORT = data.data_dir().parent / "notebooks" / "model_report.ipynb"


def render(notebook, parameters, out, *, title=None, data_date=None, engine="kernel", timeout_s=300):
    """Run `notebook` with `parameters` and write it as the page `out`; returns its path.

    An existing page stays as it is if anything fails; the notebook as far as it came is then kept beside it as `*.failed.ipynb`.

    Parameters
    ----------
    notebook : path
        With one cell tagged `parameters`; see `read_parameters`.
    parameters : dict
        Values by name; defaults fill the rest.
    out : path
        Ends in .html; its folder exists.
    title : str, optional
        Of the page; the file name without ending if not given.
    data_date : str, optional
        The day the data are of; shown in header and footer.
    engine : str
        What runs the notebook.
    timeout_s : int
        Seconds that each cell may take.

    Raises
    ------
    HwlibError
        For parameters that do not fit, a cell that fails, or a place that cannot be written to.
    """
    out = Path(out)
    if out.suffix != ".html":
        raise HwlibError(f"{out.name}: expected a file name that ends in .html")

    def texts(executed, settings):
        return {".html": page(executed, title=title or out.stem, settings=settings, data_date=data_date, folder=Path(notebook).parent)}

    return _produce(notebook, parameters, out.parent, out.stem, texts, engine, timeout_s)[0]


def render_decided(notebook, name, parameters, out_dir, *, title=None, data_date=None, engine="kernel", timeout_s=300):
    """Run `notebook` as `render` does and write the decision that it displays beside the page; returns both paths.

    Parameters
    ----------
    notebook : path
        One of its outputs carries the decision.
    name : str
        Of both files, without ending.
    parameters, title, data_date, engine, timeout_s
        As in `render`.
    out_dir : path
        A folder; made if only its last part is missing.

    Raises
    ------
    HwlibError
        As in `render`, and if no output carries a decision. Either both files are written or neither.
    """

    def texts(executed, settings):
        html = page(executed, title=title or name, settings=settings, data_date=data_date, folder=Path(notebook).parent)
        return {".html": html, ".json": _decision(executed)}

    return tuple(_produce(notebook, parameters, out_dir, name, texts, engine, timeout_s))


def make_report(model, settings, out_dir, *, engine="kernel", timeout_s=300):
    """Write the report of `model` and its decision into `out_dir`; returns the paths of the HTML page and the JSON file.

    Parameters
    ----------
    model : str
        `model_id`, which names both files, or a spelling of it that a source uses.
    settings : dict
        Other parameters of notebooks/model_report.ipynb, the fields of `hwlib.Workload`; text is converted to their types.
    out_dir : path
        A folder; made if only its last part is missing.
    engine, timeout_s
        As in `render`.

    Raises
    ------
    HwlibError
        For a model, name or value that does not fit, before anything runs; otherwise as in `render_decided`.
    """
    if "model" in settings:
        raise HwlibError(f"the model is given twice: {model!r} and {settings['model']!r}")
    values = check(read_parameters(MODEL_REPORT), {**settings, "model": model})
    workload = Workload(**values)
    title = f"Hardware for {data.load_models(workload.model)['name'].item()}"
    day = f"{data.load_prices()['as_of'].max():%Y-%m-%d}"
    values["model"] = workload.model
    return render_decided(
        MODEL_REPORT, workload.model, values, out_dir, title=title, data_date=day, engine=engine, timeout_s=timeout_s
    )


def _produce(notebook, given, folder, name, texts, engine, timeout_s):
    """Check all that can be checked, run, and publish what `texts` makes of it (by ending) at once; returns the paths."""
    notebook = Path(notebook)
    parameters = read_parameters(notebook)
    values = check(parameters, given)
    folder, name = files.check_folder(folder), files.check_name(name)
    settings = [(key, _shown(value)) for key, value in values.items()]
    failed = folder / f"{name}.failed.ipynb"
    start_vega()
    executed, fault = engines.execute(notebook, values, engine, timeout_s)
    try:
        if fault:
            raise HwlibError(fault)
        made = {folder / f"{name}{ending}": text for ending, text in texts(executed, settings).items()}
    except HwlibError as error:
        files.publish({failed: json.dumps(executed, indent=1)})
        raise HwlibError(f"{str(error).rstrip('.')}. The notebook as far as it came: {failed}") from None
    files.publish(made)
    failed.unlink(missing_ok=True)
    return list(made)


def _decision(notebook):
    """The last decision among the outputs of `notebook`, as JSON text."""
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    found = [data[DECISION] for data in outputs if DECISION in data]
    if not found:
        raise HwlibError(f"no output of the notebook carries a decision ({DECISION})")
    return json.dumps(found[-1], indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _shown(value):
    """A parameter's value as a reader would write it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
