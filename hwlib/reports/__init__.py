"""Reports: a notebook with parameters becomes one HTML page that opens offline, with a decision as JSON beside it."""

import json
from pathlib import Path

from .. import data
from ..errors import HwlibError
from ..workload import Workload
from . import engine as engines
from . import batch, files, manifest, plan, site, store, zygote
from .files import RunFault
from .html import start_vega
from .parameters import Parameter, check, read_parameters, shown

__all__ = [
    "MODEL_REPORT",
    "Parameter",
    "RunFault",
    "check",
    "make_report",
    "publish_notebooks",
    "read_parameters",
    "render",
    "render_decided",
    "resume",
    "start",
]

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
    wanted = {"title": title or out.stem, "data_date": data_date}
    return _produce(notebook, parameters, out.parent, out.stem, wanted, engine, timeout_s)[0]


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
    wanted = {"title": title or name, "data_date": data_date, "decided": True}
    return tuple(_produce(notebook, parameters, out_dir, name, wanted, engine, timeout_s))


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
    return render_decided(MODEL_REPORT, workload.model, values, out_dir, title=title, data_date=day, engine=engine, timeout_s=timeout_s)


def start(out, *, models=None, task=None, all_models=False, settings=None, params=None, **how):
    """Render the reports that are asked for into the folder `out`; see `batch.run` for what is yielded.

    Parameters
    ----------
    out : path or address
        Of a folder; s3://... and what else fsspec knows will do.
    models : list of str, optional
        Their ids, or spellings of a source.
    task : str, optional
        Every measured model of this task.
    all_models : bool
        Every model with a measurement.
    settings : dict, optional
        Parameters of every report.
    params : path, optional
        YAML file of parameter sets.
    **how
        engine, jobs, force, scheduler, pdf, standalone, timeout_s; as in `batch.run` and `batch.How`.

    Raises
    ------
    HwlibError
        For faulty parameters, all named at once, before anything runs.
    RunFault
        If the folder or the scheduler cannot be used.
    """
    if sum(map(bool, (models, task, all_models))) > 1:
        raise HwlibError("--models, --task, --all: give one of them")
    wanted = models or (plan.measured(task) if task or all_models else [])
    reports = plan.plan(read_parameters(MODEL_REPORT), wanted, settings or {}, params)
    yield from _run(reports, out, **how)


def resume(out, **how):
    """Go on with the run that was stopped in the folder `out`, as it was asked for; see `start`.

    Raises
    ------
    HwlibError
        If there is none.
    """
    asked = manifest.Manifest(store.open_folder(out)).run
    if not asked:
        raise HwlibError(f"nothing to resume: no run was started in {out}")
    reports = [plan.Report(*report) for report in asked["reports"]]
    yield from _run(reports, out, **{**asked["how"], **{name: value for name, value in how.items() if value}})


def publish_notebooks(notebooks, out):
    """Render the executed `notebooks` with their code into the site at `out` and write its index; returns the pages' names.

    Parameters
    ----------
    notebooks : iterable of path
        Shown with the outputs that they hold; nothing runs.
    out : path or address
        The folder of the reports.

    Raises
    ------
    HwlibError
        For a file that is no notebook.
    RunFault
        If the folder cannot be used.
    """
    folder = store.open_folder(out)
    with folder.alone():
        known = manifest.Manifest(folder)
        site.share_assets(folder, known)
        names = site.write_notebooks(folder, notebooks)
        known.save()
        site.write(folder, known)
    return names


def _run(reports, out, *, engine=None, jobs=1, force=False, scheduler=None, template=MODEL_REPORT, **how):
    engine = engine or ("fork" if zygote.available() else "kernel")
    yield from batch.run(reports, out, batch.How(str(template), engine, **how), jobs=jobs, force=force, scheduler=scheduler)


def _produce(notebook, given, folder, name, wanted, engine, timeout_s):
    """Check all that can be checked, run, and publish what `texts.make` makes of it (by ending) at once; returns the paths."""
    notebook = Path(notebook)
    values = check(read_parameters(notebook), given)
    folder, name = files.check_folder(folder), files.check_name(name)
    failed = folder / f"{name}.failed.ipynb"
    start_vega()
    executed, made, fault = engines.make(notebook, values, {**wanted, "settings": shown(values)}, engine, timeout_s)
    if fault:
        files.publish({failed: json.dumps(executed, indent=1)})
        raise HwlibError(f"{fault.rstrip('.')}. The notebook as far as it came: {failed}")
    paths = {folder / f"{name}{ending}": text for ending, text in made.items()}
    files.publish(paths)
    failed.unlink(missing_ok=True)
    return list(paths)
