"""Measured speed of many reports: `python tests/perf/bench_reports.py [ways | many | all | workers]`; `make bench` runs the first two.

`ways` sets the same template and parameters side by side, report by report so that all see the same machine: the plain papermill loop, this
project's engines, a peer, and the bare Python that computes and writes the same content. `many` and `all` run batches as an operator does.
"""

import contextlib
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DASK = str(Path(sys.executable).with_name("dask"))
PANELS = (
    "ranking",
    "batch_throughput",
    "batch_cost",
    "latency_throughput",
    "efficiency",
    "options_table",
    "eliminated_table",
    "sources_table",
)


def sample(count):
    """The ids of `count` models: resnet50, the one with most figures, and others by chance, always the same."""
    from hwlib.reports import plan

    models = plan.measured()
    return ["resnet50", *random.Random(7).sample(models, count - 1)]


def ways(count=12):
    """Print seconds per report of each way, and how many times as long as the bare Python that is."""
    import bench_reports as here  # by its own name: ploomber-engine takes that of the main module

    from hwlib.reports import MODEL_REPORT, batch, plan, read_parameters, store, zygote

    template, models = read_parameters(MODEL_REPORT), sample(count)
    reports = plan.plan(template, models, {})
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        forker = stack.enter_context(zygote.Zygote(standalone=False, models=models))
        # Processes of their own: what one way has computed must not help another.
        alone, theirs = (stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"), here.foresee, [models])) for _ in range(2))
        out = store.open_folder(folder)
        how = {engine: batch.How(str(MODEL_REPORT), engine) for engine in ("kernel", "fork")}
        made = {
            "bare Python: decide, panels, JSON, write": lambda report: alone.submit(here.bare, report, folder).result(),
            "hwlib, fork engine": lambda report: batch.render_one(report, out, how["fork"], forker),
            "ploomber-engine + nbconvert": lambda report: theirs.submit(here.ploomber, report, folder).result(),
            "hwlib, kernel engine": lambda report: batch.render_one(report, out, how["kernel"]),
            "papermill.execute_notebook loop + nbconvert": lambda report: plain(report, folder),
        }
        if not installed("ploomber_engine"):
            made.pop("ploomber-engine + nbconvert")
            print("ploomber-engine is not installed and left out: `pip install ploomber-engine` in an environment of your own")
        times = {name: [] for name in made}
        for number, report in enumerate([reports[0], *reports]):
            for name, way in made.items():
                start = time.perf_counter()
                way(report)
                if number:  # the first round is not measured
                    times[name].append(time.perf_counter() - start)
    show(times)


def foresee(models):
    """What the fork engine does beforehand for all reports of a run."""
    from hwlib import filling

    filling.foresee(models)


def show(times):
    bare_times, plain_times = next(iter(times.values())), list(times.values())[-1]
    print(f"{'per report, same template and parameters':48} {'median':>8} {'mean':>8} {'x bare':>8} {'plain x':>8}")
    for name, own in times.items():
        limit = statistics.median(one / other for one, other in zip(own, bare_times))
        faster = statistics.median(other / one for one, other in zip(own, plain_times))
        print(
            f"{name:48} {statistics.median(own):7.3f}s {statistics.mean(own):7.3f}s {limit:8.1f} {faster:8.1f}   n={len(own)}", flush=True
        )


def installed(name):
    import importlib.util

    return importlib.util.find_spec(name) is not None


def bare(report, folder):
    """What the notebook computes, drawn and written in this process, without notebook, page or isolation."""
    import altair as alt

    import hwlib as hw

    with alt.renderers.enable("html"):
        decision = hw.decide(report.parameters["model"], **{key: value for key, value in report.parameters.items() if key != "model"})
        shown = [decision, *(getattr(hw.panels, name)(decision) for name in PANELS)]
        texts = [text(one) for one in shown]
    Path(folder, f"{report.name}.bare.html").write_text("\n".join(texts), encoding="utf-8")
    Path(folder, f"{report.name}.bare.json").write_text(json.dumps(decision.to_dict()), encoding="utf-8")


def text(shown):
    """The HTML that a notebook shows for `shown`."""
    bundle = shown._repr_mimebundle_() if hasattr(shown, "_repr_mimebundle_") else {"text/html": shown.data}
    return (bundle[0] if isinstance(bundle, tuple) else bundle).get("text/html", "")


def plain(report, folder):
    import nbconvert
    import papermill

    from hwlib.reports import MODEL_REPORT

    out = Path(folder, f"{report.name}.plain.ipynb")
    papermill.execute_notebook(MODEL_REPORT, out, report.parameters, progress_bar=False, cwd=MODEL_REPORT.parent)
    html, _ = nbconvert.HTMLExporter(exclude_input=True).from_filename(str(out))
    out.with_suffix(".html").write_text(html, encoding="utf-8")


def ploomber(report, folder):
    import nbconvert
    from ploomber_engine import execute_notebook

    from hwlib.reports import MODEL_REPORT

    out = Path(folder, f"{report.name}.ploomber.ipynb")
    execute_notebook(str(MODEL_REPORT), str(out), parameters=report.parameters, progress_bar=False, cwd=str(MODEL_REPORT.parent))
    html, _ = nbconvert.HTMLExporter(exclude_input=True).from_filename(str(out))
    out.with_suffix(".html").write_text(html, encoding="utf-8")


def many(models, jobs=2):
    """Print reports a minute and the driver's memory on the way, then the time of a second, unchanged run."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done, failed, seconds = batch_of(models, folder, jobs)
        print(f"{done} reports, {failed} failed, {jobs} jobs: {seconds:.1f} s, {60 * done / seconds:.0f} a minute")
        pages = list(Path(folder).glob("*.html"))
        print(f"pages {sum(page.stat().st_size for page in pages) / 1e6:.0f} MB")
        arguments = [sys.executable, "-c", "from hwlib.cli import main; main()", "reports", "--resume", "--out", folder]
        start = time.perf_counter()
        again = subprocess.run(arguments, check=True, capture_output=True, text=True, cwd=ROOT)
        print(f"a second, unchanged run, in a process of its own: {time.perf_counter() - start:.2f} s ({again.stdout.strip()})", flush=True)


def batch_of(models, folder, jobs, **more):
    """Render `models`; returns how many came, how many failed and the seconds."""
    from hwlib.reports import start

    begun = time.perf_counter()
    run = start(folder, models=models, jobs=jobs, **more)
    next(run)
    failed = number = 0
    for number, done in enumerate(run, 1):
        failed += done.fault is not None
        if number in (100, 500, 1000, 1500, 2000):
            print(f"  memory of the driver at report {number:5}: {memory():,.0f} MB", flush=True)
    return number, failed, time.perf_counter() - begun


def memory():
    """Resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 1e6


def workers(count=24):
    """Print what two Dask workers gain over one."""
    models, times = sample(count), []
    for number in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "scheduler.json")
            begun = [
                subprocess.Popen([DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file])
            ]
            while not file.exists():
                time.sleep(0.1)
            address = json.loads(file.read_text(encoding="utf-8"))["address"]
            begun += [subprocess.Popen([DASK, "worker", address, "--nthreads", "1", "--no-dashboard"]) for _ in range(number)]
            batch_of(models[: 2 * number], Path(folder, "warm"), 1, scheduler=address, force=True)
            times.append(batch_of(models, Path(folder, "out"), 1, scheduler=address)[2])
            for process in begun:
                process.terminate()
                process.wait()
    print(f"{count} reports by one worker {times[0]:.1f} s, by two {times[1]:.1f} s: {times[0] / times[1]:.2f} x", flush=True)


def main(wanted):
    """Run the named measurements."""
    from hwlib.reports import plan

    runs = {"ways": ways, "many": lambda: many(sample(120)), "all": lambda: many(plan.measured()), "workers": workers}
    for name in wanted or ("ways", "many"):
        runs[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
