"""One job: a network on one runtime at one precision, scenario and batch size, run several times under the meters."""

import importlib.metadata
import statistics
import time
from typing import NamedTuple

from .. import units
from ..errors import HwlibError
from . import inputs, loadgen, meters, rows, runtimes

REPEATS = 5
WARM_UP_CALLS = 3
WARM_UP_SHARE = 0.1
SERVER_STEPS = 5
# A server is held to this many times the median of a call that has the machine to itself, unless a limit is given.
SERVER_PATIENCE = 10
# Shares from which a reader is told: of the processors that others take, of the spread of runs, of the change of pace.
BUSY = 0.1
UNSTEADY = 0.1


class Job(NamedTuple):
    """What to measure."""

    runtime: str
    precision: str
    scenario: str
    batch_size: int

    def __str__(self):
        return f"{self.runtime} {self.precision} {self.scenario} at batch size {self.batch_size}"


class Doubt(NamedTuple):
    """How far a figure is to be trusted, as shares: processors that others took, spread and variation of its runs, change of pace."""

    others: float
    spread: float
    variation: float
    pace: float


class Run(NamedTuple):
    """One run of LoadGen: samples a second, its figures, and what the meters saw."""

    throughput_per_s: float
    figures: dict
    meters: meters.Between
    pace_s: float


def measure(job, subject, path, *, seconds, threads=None, latency_ms=None):
    """The cells of `measurements` that `job` gives on the file `path`, as a list of dicts, and the `Doubt` of them.

    A single stream at batch 1 gives two rows, as a scenario of MLPerf and as a point of a line over batch sizes; they share a log_group.

    Raises
    ------
    HwlibError
        Where the runtime cannot run the network so.
    """
    engine = runtimes.opened(
        job.runtime, path, subject.shapes(job.batch_size), job.precision, threads=threads, throughput=job.scenario == "offline"
    )
    feeds = inputs.pool(subject.entries, subject.sizes_at(job.batch_size))
    try:
        call_s = _warm_up(engine, feeds, seconds * WARM_UP_SHARE)
        if job.scenario == "server":
            return _server(job, engine, feeds, call_s, seconds, latency_ms)
        runs = [_run(job, engine, feeds, call_s, seconds / REPEATS) for _ in range(REPEATS)]
    except HwlibError:
        raise
    except Exception as error:  # the runtimes raise types of their own
        raise runtimes.fault(str(job), error) from None
    return _cells(job, engine, runs, seconds / REPEATS)


def _warm_up(engine, feeds, seconds):
    """Seconds that one call takes, the median of those after the first few."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < WARM_UP_CALLS or time.perf_counter() < end:
        start = time.perf_counter()
        if engine.call:
            engine.call(feeds[len(times) % len(feeds)])
        else:
            engine.many(feeds[:1] * engine.concurrency)
        times.append((time.perf_counter() - start) / engine.concurrency)
    return statistics.median(times[WARM_UP_CALLS - 1 :])


def _run(job, engine, feeds, call_s, seconds, **server):
    """One run under the meters."""
    pace, start = meters.pace_s(), meters.reading(engine.device_class)
    # To LoadGen a call of a whole batch is one sample, but where it makes the batches: there each sample counts.
    each_s = call_s if job.scenario == "single_stream" else call_s / job.batch_size
    sizes = {"batch_size": job.batch_size, "together": job.batch_size * engine.concurrency}
    figures = loadgen.run(job.scenario, _work(job, engine, feeds), seconds, expected_s=each_s, **sizes, **server)
    seen = meters.between(start, meters.reading(engine.device_class))
    return Run(_throughput(job, figures), figures, seen, pace)


def _work(job, engine, feeds):
    if job.scenario != "offline":
        return lambda samples: engine.call(feeds[samples[0] % len(feeds)])

    def all_of(samples):
        engine.many(feeds[number % len(feeds)] for number in range(-(-len(samples) // job.batch_size)))

    return all_of


def _throughput(job, figures):
    if job.scenario == "single_stream":
        return figures["qps_with_loadgen_overhead"] * job.batch_size
    return figures["samples_per_second" if job.scenario == "offline" else "completed_samples_per_sec"]


def _server(job, engine, feeds, call_s, seconds, latency_ms):
    """The highest rate found, by halving, at which 99 of 100 answers come within the limit."""
    limit = latency_ms or SERVER_PATIENCE * call_s * units.MS_PER_S
    low, high, best = 0.0, job.batch_size / call_s, None
    for _ in range(SERVER_STEPS):
        rate = (low + high) / 2
        run = _run(job, engine, feeds, call_s, seconds, rate=rate, latency_ms=limit)
        held = run.figures["perf_constraints_met"] is True or run.figures["99.00_percentile_latency_ns"] <= limit * units.NS_PER_MS
        low, high, best = (rate, high, run) if held else (low, rate, best)
    if best is None:
        raise HwlibError(f"{job}: no rate down to {high:.3g}/s keeps 99 of 100 answers within {limit:.4g} ms; allow more with --latency-ms")
    found, doubt = _cells(job, engine, [best], seconds)
    return [row | {"variant": f"latency_limit_ms={limit:.4g}"} for row in found], doubt


def _cells(job, engine, runs, seconds):
    """The row of the median run, and what to know of all of them."""
    runs = sorted(runs, key=lambda run: run.throughput_per_s)
    middle = runs[(len(runs) - 1) // 2]
    rates = [run.throughput_per_s for run in runs]
    spread = (rates[-1] - rates[0]) / middle.throughput_per_s
    paces = [run.pace_s for run in runs]
    variation = statistics.stdev(rates) / statistics.mean(rates) if len(rates) > 1 else float("nan")
    doubt = Doubt(max(run.meters.others for run in runs), spread, variation, max(paces) / min(paces) - 1)
    flags = {"wide_runs": spread > UNSTEADY, "busy_machine": doubt.others > BUSY}
    row = {
        "source_ref": _told(len(rates), seconds, doubt),
        "runtime": job.runtime,
        "runtime_version": engine.version,
        "tuning": engine.tuning,
        "precision": runtimes.worked_in(job.runtime, job.precision),
        "scenario": job.scenario,
        "batch_size": job.batch_size,
        "concurrency": engine.concurrency,
        "throughput_per_s": middle.throughput_per_s,
        "quality_flag": ";".join(word for word, holds in flags.items() if holds) or None,
    }
    if middle.meters.power_w > 0:
        row |= {"power_w": middle.meters.power_w, "power_boundary": "device"}
    return _by_scenario(job, row, middle), doubt


def _by_scenario(job, row, run):
    if job.scenario == "offline":
        return [row]
    row |= rows.latencies(run.figures)
    if job.scenario == "server":
        return [row | {"concurrency": None}]
    if job.batch_size > 1:
        return [row | {"scenario": "batch_loop"}]
    row |= {"log_group": f"{job.runtime} {job.precision}"}
    return [row, row | {"scenario": "batch_loop"}]


def _told(count, seconds, doubt):
    """How the figure came to be, in words."""
    version = importlib.metadata.version("mlcommons-loadgen")
    runs = f"{count} runs of {seconds:g} s; coefficient of variation {doubt.variation:.3f}" if count > 1 else f"1 run of {seconds:g} s"
    return f"LoadGen {version}: {runs}; others took {doubt.others:.0%} of the processors"


def variation_in_words(doubts):
    """The coefficient of variation over the runs of each figure, least to most, as a sentence; empty where nothing was repeated.

    >>> variation_in_words([Doubt(0.0, 0.02, 0.004, 0.01), Doubt(0.0, 0.05, 0.021, 0.01)])
    'Coefficient of variation over 5 runs: 0.4% to 2.1%.'
    """
    repeated = [doubt.variation for doubt in doubts if doubt.spread]
    return f"Coefficient of variation over {REPEATS} runs: {min(repeated):.1%} to {max(repeated):.1%}." if repeated else ""


def in_words(doubts):
    """Sentences for a reader on the `doubts` of all figures of a session; none where the machine was quiet.

    >>> in_words([Doubt(0.4, 0.02, 0.01, 0.01), Doubt(0.05, 0.02, 0.01, 0.01)])
    ['Other programs took up to 40% of the processors (1 of 2 figures); close them and measure again.']
    """
    said = {
        "others": ("Other programs took up to {:.0%} of the processors", "close them and measure again", BUSY),
        "spread": ("Runs of one figure differ by up to {:.0%}", "measure for longer, or on a quiet machine", UNSTEADY),
        "pace": ("The same small piece of work took up to {:.0%} longer at times", "the clock is not steady, or shared", UNSTEADY),
    }
    notes = []
    for name, (what, way_out, limit) in said.items():
        over = [value for doubt in doubts if (value := getattr(doubt, name)) > limit]
        if over:
            notes.append(f"{what.format(max(over))} ({len(over)} of {len(doubts)} figures); {way_out}.")
    return notes
