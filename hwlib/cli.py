"""`hwlib …` on the command line: each command parses, calls one function and prints."""

import json
import os
import sys
import time
from pathlib import Path

import click
import pandas as pd

from .errors import HwlibError

# Field of `Workload` -> type and help; texts with commas stand for several words.
_ANSWERS = {
    "priority": (str, "cost, throughput, latency or energy."),
    "weights": (str, "Several criteria at once, such as cost=2,latency=1."),
    "premium_per_doubling": (float, "How much more twice the performance may cost, such as 0.5."),
    "batch_size": (str, "Samples per call, or any."),
    "latency_ms": (float, "Longest latency allowed."),
    "latency_percentile": (int, "50, 90, 95 or 99: the share of requests that must keep to it."),
    "requests_per_s": (float, "Mean rate of requests: options become fleets that serve it."),
    "peak_factor": (float, "Highest rate over the mean rate."),
    "precisions": (str, "Number formats allowed, such as fp16,int8."),
    "accuracy_loss": (float, "Largest loss of accuracy allowed, percent of the reference."),
    "usd_per_hour": (float, "Largest price of the machine or fleet."),
    "usd_per_million": (float, "Largest cost of a million inferences."),
    "power_w": (float, "Largest power of the machine."),
    "evidence": (str, "Kinds of evidence allowed, such as audited,published,derived."),
    "segment": (str, "datacenter, workstation, edge or mobile."),
    "pricing": (str, "on_demand, spot, reserved_unstated or purchase; several with commas."),
    "providers": (str, "Only offers of these providers."),
    "regions": (str, "Only offers in these regions."),
    "utilisation": (float, "Share of the paid time that does work."),
    "hours_per_day": (float, "Hours a day that the service is needed."),
    "ownership": (str, "Assumptions for bought machines, such as years=4,usd_per_kwh=0.2,pue=1.3."),
    "grid_region": (str, "Region whose electricity counts for carbon, such as DEU."),
    "ttft_ms": (float, "Language models: longest time to the first token."),
    "tpot_ms": (float, "Language models: longest time per output token."),
    "input_tokens": (int, "Language models: length of the prompt."),
    "output_tokens": (int, "Language models: length of the answer."),
    "concurrency": (int, "Language models: requests in flight."),
}


class _Group(click.Group):
    """A group whose library errors are one sentence and exit code 2, never a traceback."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except HwlibError as error:
            sentence = click.ClickException(str(error))
            sentence.exit_code = 2
            raise sentence from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hwlib")
def main():
    """Choose deep-learning inference hardware from measured figures, dated prices and stated errors."""


@main.command()
@click.argument("model")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of the report; may be given again.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("reports"), show_default=True)
def report(model, settings, out):
    """Render the report of MODEL into one HTML page and its decision into JSON beside it."""
    from . import reports

    for path in reports.make_report(model, _settings(settings), out):
        click.echo(path)


def _answers(command):
    """Adds an option for each field of `Workload`; what is not given stays at its default there."""
    for name, (kind, text) in reversed(_ANSWERS.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, type=kind, help=text)(command)
    return command


@main.command()
@click.option("--models", help="Models, separated by commas.")
@click.option("--task", help="Every measured model of a task, such as image_classification.")
@click.option("--all", "all_models", is_flag=True, help="Every model with a measurement.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of every report; may be given again.")
@click.option("--params", type=click.Path(path_type=Path, dir_okay=False), help="YAML file with parameter sets; see docs/reports.md.")
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count(), help="Reports at once; as many as processors if not given.")
@click.option("--engine", help="fork (many times faster; Linux) or kernel (a fresh Jupyter kernel each).")
@click.option("--out", default="reports", show_default=True, metavar="DIR-or-URL", help="Where they go; s3://… and the like work too.")
@click.option("--resume", is_flag=True, help="Go on with the run that stopped in the folder, as it was asked for.")
@click.option("--force", is_flag=True, help="Render also what did not change.")
@click.option("--scheduler", metavar="tcp://…", help="Let the workers of this Dask scheduler render.")
@click.option("--pdf", is_flag=True, help="Print each to PDF too, by an installed Chromium.")
@click.option("--standalone", is_flag=True, help="Pages that need no file beside them, about 1 MB each.")
def reports(models, task, all_models, settings, params, out, resume, **how):
    """Render many reports, only what changed, with an index page: reports/index.html."""
    from . import reports as batches

    asked = {
        "task": task,
        "all_models": all_models,
        "models": models and models.split(","),
        "settings": _settings(settings),
        "params": params,
    }
    try:
        run = batches.resume(out, **how) if resume else batches.start(out, **asked, **how)
        failed = _follow(run)
    except batches.RunFault as fault:
        raise click.ClickException(str(fault)) from None
    except KeyboardInterrupt:
        click.echo("stopped; `hwlib reports --resume` goes on", err=True)
        raise SystemExit(130) from None
    if failed:
        raise SystemExit(1)


@main.command()
@click.argument("notebooks", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", default="reports", show_default=True, metavar="DIR-or-URL", help="The folder of the reports.")
def site(notebooks, out):
    """Add executed NOTEBOOKS, as they are, to the reports' site and write its index again."""
    from . import reports as batches

    try:
        for name in batches.publish_notebooks(notebooks, out):
            click.echo(name)
    except batches.RunFault as fault:
        raise click.ClickException(str(fault)) from None


def _follow(run):
    """Print the progress of a run and its summary; returns the number of failures."""
    from tqdm import tqdm

    start, (kept, total) = time.monotonic(), next(run)
    failed = 0
    with tqdm(total=total, unit="report", disable=None, dynamic_ncols=True) as bar:
        for done in run:
            failed += done.fault is not None
            said = f"failed: {done.fault}" if done.fault else f"{done.record['seconds']:.2f} s  {done.record['summary']['headline']}"
            tqdm.write(f"{done.name}  {said}")
            bar.update()
    seconds = time.monotonic() - start
    click.echo(
        f"{total - failed} rendered, {kept} unchanged, {failed} failed, {seconds:.1f} s, {60 * total / max(seconds, 0.1):.0f} a minute"
    )
    return failed


@main.command()
@click.argument("model", required=False)
@click.option("--preset", help="Start from a common case; `hwlib presets` lists them.")
@_answers
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def decide(model, preset, as_json, **answers):
    """Rank every way to serve MODEL, best first, with reasons; MODEL may be left out with a preset."""
    from . import presets
    from .decision import decide as choose

    answers = {name: value for name, value in answers.items() if value is not None}
    if "batch_size" in answers and answers["batch_size"].lstrip("-").isdigit():
        answers["batch_size"] = int(answers["batch_size"])
    decision = choose(presets.preset(preset, model, **answers))
    if as_json:
        click.echo(json.dumps(decision.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        shown = [name for name in _DECISION_COLUMNS if name in _ALWAYS_SHOWN or decision.table[name].notna().any()]
        click.echo("\n".join([*decision.explain(), "", _text(decision.table.head(20), shown)]))


@main.command(name="presets")
def presets_():
    """List the common cases that a decision can start from."""
    from . import presets

    for name, (title, answers) in presets.PRESETS.items():
        click.echo(f"{name:15} {title}\n" + " " * 16 + " ".join(f"--{key.replace('_', '-')} {value}" for key, value in answers.items()))


@main.command()
@click.argument("model", metavar="MODEL.onnx", type=click.Path(path_type=Path))
@click.option("--batch-sizes", default="1", show_default=True, metavar="N,N", help="Samples per call.")
@click.option("--precision", metavar="NAME,NAME", help="fp32, int8, ...; the file's own if not given.")
@click.option("--runtime", metavar="NAME,NAME", help="onnxruntime, openvino, ...; all that are installed if not given.")
@click.option("--threads", type=int, help="Processor threads that one call may use.")
@click.option("--scenario", default="single_stream,offline", show_default=True, metavar="NAME,NAME", help="single_stream, offline, server.")
@click.option("--seconds", type=float, default=10.0, show_default=True, help="Measured time of each figure.")
@click.option("--shape", "shapes", multiple=True, metavar="INPUT=1x3x224x224", help="For an input with free axes; may be given again.")
@click.option("--latency-ms", type=float, help="Limit of the scenario server for 99 of 100 answers.")
@click.option("--calibration", type=click.Path(), help="Samples (.npz, by input) that set the ranges of int8; random if not given.")
@click.option("--labelled", type=click.Path(), help="Samples (.npz, by input, and labels) to measure accuracy on.")
@click.option("--name", help="What the network is called in the tables; the file's name if not given.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A .csv file for the rows, not your own data folder.")
def measure(model, batch_sizes, precision, runtime, scenario, shapes, **settings):
    """Measure your own network on this machine; Ctrl-C keeps what is done."""
    from .measuring import session

    settings |= {"precisions": _words(precision), "runtimes": _words(runtime), "scenarios": _words(scenario), "shapes": _shapes(shapes)}
    sizes = _numbers(batch_sizes, "batch sizes", ",")
    with click.progressbar(length=1, show_pos=True, item_show_func=lambda item: item, file=sys.stderr) as bar:
        done = session.run(model, batch_sizes=sizes, progress=_shown_on(bar), **settings)
    click.echo("\n".join([_text(done.rows, _MEASURED_COLUMNS), "", *map(str, done.paths)]))
    click.echo("\n".join(filter(None, [done.variation, *done.notes])), err=True)
    if not done.complete:
        raise click.exceptions.Exit(130)


@main.command()
def models():
    """List the models that have measurements."""
    from . import data

    _print_counted(data.load_models(), "model_id", ["model_id", "task", "params_m", "gmacs", "input"])


@main.command()
def devices():
    """List the devices, with the number of measurements of each."""
    from . import data

    columns = ["device_id", "device_class", "tdp_w", "memory_gb", "memory_bandwidth_gb_s", "fp16_tflops", "int8_tops"]
    _print_counted(data.load_devices(), "device_id", columns)


@main.command()
def sources():
    """List the sources, with version, licence and number of measurements."""
    from . import data

    _print_counted(data.load_sources(), "source_id", ["source_id", "version", "licence", "url_path"])


@main.group(name="data", cls=_Group)
def data_group():
    """Check and rebuild the tables."""


@data_group.command()
def check():
    """Check every row of every table and print what the tables cover."""
    from . import check as checks

    click.echo(checks.check())


@data_group.command()
@click.argument("sources", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where the tables go, if not into the project's data.")
def build(sources, out):
    """Rebuild all tables from the folder SOURCES."""
    from . import data, importers

    for name, frame in importers.build(sources, data.data_dir(), out).items():
        click.echo(f"{name:15} {len(frame):7,} rows")


@data_group.command()
def fit():
    """Fit the estimates to the tables anew, where these or the fitting code changed."""
    from . import data, training

    click.echo("fitted anew" if training.update(data.data_dir()) else "nothing changed")


@data_group.command(name="import")
@click.argument("source")
@click.argument("place", metavar="FILE-or-URL")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the tables; your own data folder if not given.")
@click.option("--provider", help="Of a SkyPilot catalogue; the name of its folder if not given.")
@click.option("--as-of", help="Day of a price catalogue; today if not given.")
@click.option("--sha256", help="Checksum that a download must have.")
def import_(source, place, **options):
    """Add your own figures: SOURCE is mlperf, skypilot, gpuhunt, or a table's name."""
    from .importers import user

    paths, unknown = user.import_file(source, place, **options)
    for path in paths:
        click.echo(path)
    if unknown:
        click.echo(f"No table knows these devices; their rows stay without one: {', '.join(unknown)}", err=True)


@data_group.command()
@click.argument("measurement_id")
def trace(measurement_id):
    """Show where the figure MEASUREMENT_ID comes from: row, source, place, and the rows of the same run."""
    from . import provenance

    found = provenance.trace(measurement_id)
    for title in ("row", "source", "spelled"):
        click.echo(f"{title}\n" + "\n".join(f"  {name:18} {value}" for name, value in found[title].items()))
    click.echo(f"place\n  {found['place']}")
    click.echo("same run\n" + ("\n".join(f"  {key}" for key in found["same_run"]) or "  no other row"))


@data_group.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def diff(old, new):
    """Say which figures changed between the data folders OLD and NEW."""
    from . import changes

    found = changes.diff(old, new)
    for row in found.itertuples():
        click.echo(f"{row.table}  {row.key}  {row.column}: {_cell(row.old)} -> {_cell(row.new)}")
    click.echo(f"{len(found):,} changes")


@main.group(cls=_Group)
def workshop():
    """Prepare and run the workshop."""


@workshop.command()
@click.argument("folder", default="notebooks/workshop", type=click.Path(path_type=Path))
def copies(folder):
    """Write the learners' copies of the solution notebooks in FOLDER/solutions."""
    from .workshop import copies as learners

    for path in learners.write_copies(folder):
        click.echo(path)


@workshop.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("build/slides"), show_default=True)
def slides(out):
    """Make a deck of slides of each solution notebook, and an index; they open from the disk, without a network."""
    from .workshop import slides as decks

    for path in decks.make(list(decks.SOLUTIONS.glob("*.ipynb")), out):
        click.echo(path)


@workshop.command()
def ready():
    """Say in ten seconds whether this machine is ready for the workshop; exit code 1 if not."""
    from .workshop import ready as checks

    raise SystemExit(checks.main())


_ALWAYS_SHOWN = ("device_id", "throughput_per_s", "usd_per_hour", "usd_per_100k", "evidence", "source_id")
_DECISION_COLUMNS = [
    "device_id",
    "device_count",
    "instance_type",
    "provider",
    "batch_size",
    "precision",
    "runtime",
    "throughput_per_s",
    "latency_ms",
    "ttft_ms",
    "tpot_ms",
    "machines",
    "usd_per_hour",
    "usd_per_100k",
    "joules_per_inference",
    "gco2e_per_million",
    "evidence",
    "source_id",
]


_MEASURED_COLUMNS = [
    "device_name",
    "runtime",
    "precision",
    "scenario",
    "batch_size",
    "throughput_per_s",
    "latency_ms_p50",
    "latency_ms_p90",
    "latency_ms_p99",
    "power_w",
    "quality_flag",
]


def _words(text):
    return [word.strip() for word in text.split(",")] if text else None


def _numbers(text, what, separator):
    """`text` as whole numbers of at least 1."""
    parts = text.split(separator)
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise HwlibError(f"{what} {text!r}: expected whole numbers of at least 1 with {separator!r} between them")
    return tuple(map(int, parts))


def _shapes(pairs):
    """`INPUT=1x3x224x224` texts as a dict."""
    return {name: _numbers(shape, f"shape of {name}", "x") for name, shape in _settings(pairs, "--shape", "x=1x3x224x224").items()}


def _shown_on(bar):
    def progress(done, total, what):
        bar.length = total
        bar.update(done - bar.pos, what)

    return progress


def _settings(pairs, option="--set", example="batch_size=8"):
    """`NAME=VALUE` texts as a dict; a text without = or a name given twice is an error."""
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name in settings:
            raise HwlibError(f"{option} {pair!r}: expected NAME=VALUE, each name once, such as {example}")
        settings[name] = value
    return settings


def _print_counted(frame, key, columns):
    from . import data

    counts = data.load_measurements()[key].value_counts()
    click.echo(_text(frame.assign(measurements=frame[key].map(counts).fillna(0).astype(int)), [*columns, "measurements"]))


def _text(frame, columns):
    """`frame` as aligned text: numbers to the right with four digits, words to the left, unknown as a dash."""
    shown = frame[columns].copy()
    for name in columns:
        cells = shown[name].map(_cell)
        width = max([len(name), *cells.map(len)])
        right = shown[name].dtype.kind in "iuf"
        shown[name] = cells.map(lambda cell, w=width, r=right: cell.rjust(w) if r else cell.ljust(w))
        shown = shown.rename(columns={name: name.rjust(width) if right else name.ljust(width)})
    rows = ["  ".join(shown.columns), *("  ".join(row) for row in shown.itertuples(index=False))]
    return "\n".join(row.rstrip() for row in rows)


def _cell(value):
    if pd.isna(value):
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
