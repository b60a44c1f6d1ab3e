"""Many reports: render what changed, note what failed, and never lose what is done."""

import contextlib
import functools
import json
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from typing import NamedTuple

from .. import data
from ..errors import HwlibError, unknown
from . import cluster, engine, files, manifest, pdf, site, store, summary, zygote
from .parameters import read_parameters, shown


class How(NamedTuple):
    """How reports are rendered, alike for all of a run."""

    template: str
    engine: str
    standalone: bool = False
    pdf: bool = False
    timeout_s: int = 300


class Done(NamedTuple):
    """One report of a run: its name, what was made of it (a record of the manifest), or the fault."""

    name: str
    record: dict
    fault: str | None = None


def run(reports, out, how, *, jobs=1, force=False, scheduler=None):
    """Render those of `reports` that changed into `out`, yielding first how many are unchanged and how many not, then a `Done` for each as it comes.

    However the run ends, the manifest, the failures and the index say what is there; a run that was killed is made up for by the next.

    Parameters
    ----------
    reports : list of Report
        From `plan.plan`.
    out : path or address
        Of the folder.
    how : How
        Applies to all.
    jobs : int
        Reports at once on this machine.
    force : bool
        Whether to render also what did not change.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then render.

    Raises
    ------
    RunFault
        If the folder cannot be used, or not any more.
    """
    if how.engine not in engine.ENGINES:
        raise unknown("engine", how.engine, engine.ENGINES)
    if how.pdf:
        pdf.find_browser()
    folder = store.open_folder(out)
    with folder.alone():
        known = manifest.Manifest(folder)
        keys = manifest.keys(reports, how.template, how.standalone, how.pdf)
        kept = set() if force else known.current(keys)
        todo = [report for report in reports if report.name not in kept]
        yield len(kept), len(todo)
        with _renderer(folder, how, jobs, scheduler, todo) if todo else contextlib.nullcontext() as render:
            known.begin(how._asdict(), reports)
            _clear(folder, known, keys)
            site.share_assets(folder, known)
            try:
                for done in render() if todo else ():
                    _note(known, done, keys)
                    yield done
                known.run["finished"] = True
            finally:
                _finish(folder, known, reports)


def _clear(folder, known, keys):
    """Remove the reports of models that no table knows any more: nothing would ever bring them up to date."""
    models = set(data.load("models")["model_id"])
    for name in [name for name, record in known.reports.items() if name not in keys and record["model"] not in models]:
        for file in known.reports.pop(name)["files"]:
            folder.remove(file)


def _note(known, done, keys):
    if done.fault:
        known.failed(done.name, done.record | {"error": done.fault})
        return
    before = known.reports.get(done.name, {})
    changes = summary.changes(before.get("summary"), done.record["summary"])
    known.succeeded(done.name, done.record | {"key": keys[done.name], "changes": changes})


def _finish(folder, known, reports):
    """Write what stands for the whole folder: manifest, failures of this run, index."""
    known.save()
    failures = [{"name": report.name, **known.failures[report.name]} for report in reports if report.name in known.failures]
    folder.write({"failures.json": json.dumps(failures, indent=1)})
    site.write(folder, known)


@contextlib.contextmanager
def _renderer(folder, how, jobs, scheduler, todo):
    """A function that renders the reports `todo`, yielding each `Done` as it comes: in threads that wait for children, or on a cluster."""
    if scheduler:
        with cluster.connect(scheduler) as client:
            yield lambda: cluster.render(client, todo, str(folder), how)
        return
    with contextlib.ExitStack() as stack:
        forker = None
        if how.engine == "fork":
            models = {report.parameters["model"] for report in todo}
            forker = stack.enter_context(zygote.Zygote(standalone=how.standalone, models=models))
        pool = ThreadPoolExecutor(jobs)
        stack.callback(pool.shutdown, cancel_futures=True)
        if forker:
            stack.callback(forker.close)  # ends the children, so that nobody waits for them

        def render():
            for future in as_completed([pool.submit(_in_thread, report, folder, how, forker) for report in todo]):
                yield future.result()

        yield render


def _in_thread(report, folder, how, forker):
    if forker:
        return render_one(report, folder, how, forker)
    from jupyter_core.utils import ensure_event_loop

    # The kernel's client makes an event loop for each thread and leaves it open.
    with contextlib.closing(ensure_event_loop()):
        return render_one(report, folder, how)


def render_one(report, folder, how, forker=None):
    """Render `report` into `folder`; returns its `Done`.

    Raises
    ------
    RunFault
        If the folder cannot be written to: then no other report can either.
    """
    start = time.perf_counter()
    record = {"model": report.parameters["model"], "parameters": report.parameters, "own": _own(report, how)}
    wanted = {
        "title": title(report),
        "settings": shown(report.parameters),
        "data_date": data_date(),
        "decided": True,
        "assets": None if how.standalone else site.ASSETS,
    }
    executed, made, fault = engine.make(how.template, report.parameters, wanted, how.engine, how.timeout_s, forker)
    failed = f"{report.name}.failed.ipynb"
    try:
        if fault:
            raise HwlibError(fault)
        if how.pdf:
            made[".pdf"] = pdf.make(made[".html"])
    except HwlibError as error:
        folder.write({failed: json.dumps(executed, indent=1)})
        return Done(report.name, record | {"notebook": failed}, str(error))
    written = {f"{report.name}{ending}": text for ending, text in made.items()}
    folder.write(written)
    folder.remove(failed)
    record |= {
        "files": {name: store.stamp(text) for name, text in written.items()},
        "summary": summary.of(json.loads(made[".json"])),
        "rendered": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - start, 3),
    }
    return Done(report.name, record)


def _own(report, how):
    """The names of the parameters that are not as the notebook has them by itself."""
    defaults = _defaults(how.template)
    return [name for name, value in report.parameters.items() if name != "model" and value != defaults[name].default]


@functools.cache
def _defaults(template):
    return read_parameters(template)


def title(report):
    """The page's title."""
    models, model = data.load("models"), report.parameters["model"]
    return f"Hardware for {next(iter(models.loc[models['model_id'] == model, 'name']), model)}"


def data_date():
    """The day of the newest price list, as text."""
    return f"{data.load('prices')['as_of'].max():%Y-%m-%d}"
