"""One session of measuring: what is asked for is checked, everything that can run is run, and rows are made of it."""

import tempfile
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .. import columns, data
from ..errors import HwlibError, unknown
from . import loadgen, machine, quantise, rows, runs, subject
from . import runtimes as engines

# Instructions that add up products of eight bits without running over.
EIGHT_BIT_SUMS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}


class Measured(NamedTuple):
    """The rows of a session, how much they vary, sentences that a reader must know, the files written, and whether all was done."""

    rows: pd.DataFrame
    variation: str
    notes: list
    paths: list
    complete: bool


def run(
    model,
    *,
    batch_sizes=(1,),
    precisions=None,
    runtimes=None,
    threads=None,
    scenarios=("single_stream", "offline"),
    seconds=10.0,
    shapes=None,
    latency_ms=None,
    calibration=None,
    labelled=None,
    name=None,
    out=None,
    progress=None,
):
    """Everything asked for, measured, as a `Measured`; the parameters are those of `hwlib.measuring.measure`."""
    batch_sizes, scenarios = tuple(batch_sizes), tuple(scenarios)
    _check(batch_sizes, scenarios, seconds, threads, latency_ms, out)
    engines.check(runtimes or ())
    found, notes = subject.look_at(model, shapes or {}, batch_sizes, name)
    rows.check_place(Path(out).parent if out else data.user_dir())
    if not out:
        rows.check_model(found.model)
    jobs = _jobs(found, batch_sizes, precisions, runtimes, scenarios)
    with tempfile.TemporaryDirectory() as folder:
        files = _files(found, {job.precision for job in jobs}, Path(folder), calibration, threads)
        samples = labelled and quantise.read_samples(labelled, found.entries, [quantise.LABELS])
        timing = {"seconds": seconds, "threads": threads, "latency_ms": latency_ms}
        cells, doubts, told, complete = _all(jobs, found, files, samples, timing, progress or (lambda *_: None))
    table, paths = _kept(cells, found, out)
    return Measured(table, runs.variation_in_words(doubts), [*notes, *runs.in_words(doubts), *told], paths, complete)


def _check(batch_sizes, scenarios, seconds, threads, latency_ms, out):
    for name, values in (("batch_sizes", batch_sizes), ("scenarios", scenarios)):
        if not values:
            raise HwlibError(f"{name}: expected at least one")
    for name, value in [*(("batch size", size) for size in batch_sizes), ("threads", threads)]:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise HwlibError(f"{name} {value!r}: expected a whole number of at least 1")
    for name, value in (("seconds", seconds), ("latency_ms", latency_ms)):
        if value is not None and (not isinstance(value, int | float) or not isfinite(value) or value <= 0):
            raise HwlibError(f"{name} {value!r}: expected a number over 0")
    for scenario in scenarios:
        if scenario not in loadgen.SCENARIOS:
            raise unknown("scenario", scenario, loadgen.SCENARIOS)
    if out is not None and Path(out).suffix != ".csv":
        raise HwlibError(f"out {str(out)!r}: expected a file name that ends in .csv")


def _jobs(found, batch_sizes, precisions, runtimes, scenarios):
    """Every job that the runtimes can do, in the order asked for."""
    own = found.network.precision
    precisions = tuple(precisions or (own,))
    for precision in precisions:
        if precision not in columns.PRECISIONS:
            raise unknown("precision", precision, columns.PRECISIONS)
    jobs = [
        runs.Job(runtime, precision, scenario, batch_size)
        for runtime in runtimes or engines.installed()
        for precision in precisions
        if engines.able(runtime, precision, own)
        for scenario in scenarios
        for batch_size in batch_sizes
    ]
    left = [precision for precision in precisions if precision not in {job.precision for job in jobs}]
    if left:
        raise HwlibError(f"precision {left[0]!r}: the file is in {own}, and no runtime here runs it in {left[0]}; int8 is made from fp32")
    return jobs


def _files(found, precisions, folder, calibration, threads):
    """For each precision the file to run and what the column `variant` says of it, or the `HwlibError` why there is none."""
    said = [f"threads={threads}"] * bool(threads)
    files = dict.fromkeys(precisions, (found.network.path, said))
    if "int8" in precisions and found.network.precision != "int8":
        narrow = not EIGHT_BIT_SUMS & set(machine.describe().instructions)
        base = found.sizes_at(1) if found.batch_words else found.sizes
        feeds, given = quantise.calibration(found.entries, base, calibration)
        how = ["quantisation=static_qdq", f"calibration={given}", f"weight_bits={7 if narrow else 8}"]
        try:
            files["int8"] = quantise.to_int8(found.network, feeds, folder / "int8.onnx", narrow), [*said, *how]
        except HwlibError as error:
            files["int8"] = error
    return files


def _all(jobs, found, files, samples, timing, progress):
    """Cells and doubts of every job that could be done, sentences on what was left out, and whether Ctrl-C left out none."""
    cells, faults, doubts, accuracies, stopped = [], [], [], {}, []
    try:
        for number, job in enumerate(jobs):
            progress(number, len(jobs), str(job))
            try:
                made, doubt = _one(job, found, _file(files[job.precision]), samples, timing, accuracies)
            except HwlibError as error:
                faults.append(error)
                continue
            doubts.append(doubt)
            cells += made
    except KeyboardInterrupt:
        if not cells:
            raise
        stopped = [f"Stopped after {number} of {len(jobs)} figures; what was done is kept."]
    if not cells:
        raise faults[0]
    if not stopped:
        progress(len(jobs), len(jobs), "done")
    left_out = [f"Left out: {fault}." for fault in dict.fromkeys(map(str, faults))]
    return cells, doubts, [*left_out, *stopped], not stopped


def _one(job, found, file, samples, timing, accuracies):
    """Cells and doubt of one job."""
    path, said = file
    accuracy = _accuracy(job, found, path, samples, accuracies, timing["threads"])
    made, doubt = runs.measure(job, found, path, **timing)
    return [_with_variant(row | accuracy, job, said, samples) for row in made], doubt


def _file(file):
    if isinstance(file, HwlibError):
        raise file
    return file


def _accuracy(job, found, path, samples, known, threads):
    """Cells on accuracy, measured once for each runtime and precision."""
    if samples is None:
        return {}
    key = job.runtime, job.precision
    if key not in known:
        engine = engines.opened(job.runtime, path, found.shapes(job.batch_size), job.precision, threads=threads)
        share = quantise.top1_percent(engine.call, samples, found.entries, job.batch_size)
        known[key] = {"accuracy_metric": "top1_percent", "accuracy_value": share}
    return known[key]


def _with_variant(row, job, said, samples):
    checked = [f"accuracy_check={'given sample' if samples else 'not evaluated'}"] * (job.precision == "int8")
    parts = [row.get("variant"), *said, *checked]
    return row | {"variant": ";".join(filter(None, parts)) or None}


def _kept(cells, found, out):
    """The rows, and the files that they were written into."""
    here = machine.describe()
    kinds = [engines.RUNTIMES[row["runtime"]].device_class for row in cells]
    devices = {kind: machine.device(here, kind) for kind in kinds}
    named = [row | _place(here, devices[kind][0], kind) for row, kind in zip(cells, kinds, strict=True)]
    table = rows.table(named, found.model, f"{found.network.path.name} {found.network.digest}")
    if out:
        rows.write(table, out)
        return table, [Path(out)]
    fresh = [device for device, known in devices.values() if not known]
    return table, rows.save(table, found.model, fresh, found.operators)


def _place(here, device, kind):
    on_cpu = kind == "cpu"
    row = {"device_id": device["device_id"], "device_name": device["name"], "device_count": here.sockets if on_cpu else 1}
    return row | {"host_cpu": None if on_cpu else here.cpu, "system": machine.in_words(here)}
