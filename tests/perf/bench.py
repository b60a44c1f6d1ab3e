"""Measured speed: `make bench`. Medians with their spread, each beside a peer timed in the same run; trust ratios, not seconds."""

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import explorer
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
HWLIB = Path(sys.executable).with_name("hwlib")
LOAD_ALL = "from hwlib import data, schema; [data.load(name) for name in schema.TABLES]"
PEER_LOAD = "import pandas, pathlib; [pandas.read_csv(path) for path in pathlib.Path('data').rglob('*.csv') if 'curated' not in path.parts]"
PEER_REPORT = """
import nbconvert, papermill
papermill.execute_notebook("notebooks/model_report.ipynb", "{out}/peer.ipynb", {{"model": "resnet50"}}, progress_bar=False, cwd="notebooks")
html, _ = nbconvert.HTMLExporter(exclude_input=True).from_filename("{out}/peer.ipynb")
"""
GROWTH = """
import pathlib, resource, sys, time
from hwlib import tables
paths = sorted(pathlib.Path(sys.argv[1]).glob("*.csv"))
start = time.perf_counter()
frame = tables.read_tables(paths, "measurements")
loaded = time.perf_counter()
found = frame[frame["model_id"] == "resnet50"]
chosen = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(f"{len(frame):>12,} rows  load {loaded - start:7.2f} s  pick a model {chosen - loaded:7.3f} s  peak {peak:,} MB")
"""
MEMORY = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"


def seconds(*command):
    """Wall time of one run of `command` in a process of its own, from the project's folder."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - start


def python(code):
    return (sys.executable, "-c", code)


def cold(label, repeats, command, peer_label, peer):
    """Print `command` and its `peer`, run by turns so that both see the same machine, the first pair unmeasured."""
    times = [(seconds(*command), seconds(*peer)) for _ in range(repeats + 1)][1:]
    show(label, [own for own, _ in times])
    show(f"  peer: {peer_label}", [other for _, other in times])


def warm(label, repeats, call):
    """Print the time of `call` within this process, after one unmeasured call."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    show(label, times)


def show(label, times):
    middle, least, most = (1000 * value for value in (statistics.median(times), min(times), max(times)))
    print(f"{label:58} {middle:9.1f} ms   {least:9.1f} - {most:9.1f}   n={len(times)}", flush=True)


def growth():
    """Print load time and memory at 1, 10 and 100 times the measurements: links to the same files, so rows repeat."""
    files = sorted((ROOT / "data" / "measurements").glob("*.csv"))
    for times in (1, 10, 100):
        with tempfile.TemporaryDirectory() as folder:
            for number in range(times):
                for file in files:
                    (Path(folder) / f"{number:03}-{file.name}").symlink_to(file)
            done = subprocess.run([*python(GROWTH), folder], check=True, capture_output=True, text=True, cwd=ROOT)
        print(f"{times:4} x {done.stdout.strip()}", flush=True)


def decisions(hw, repeats=31):
    """Print the time of a decision: ranking alone, with probability, with flips too, and on a hundred times the model's rows."""
    limits = itertools.count(20_000)

    def ask():
        # Another limit each time: what is kept of the last answer must not flatter the next.
        return hw.decide("resnet50", batch_size=8, latency_ms=next(limits) / 1_000)

    warm("hw.decide('resnet50', ...), warm", repeats, ask)
    warm("  with p_best", repeats, lambda: ask().p_best)
    warm("  with p_best and flips", repeats, lambda: (found := ask()).p_best and found.flips)
    load = hw.data.load
    rows = load("measurements")
    own = rows[rows["model_id"] == "resnet50"]
    copies = [own.assign(measurement_id=own["measurement_id"] + f"-{number}") for number in range(100)]
    many = pd.concat([rows, *copies], ignore_index=True)
    hw.data.load = lambda name: many if name == "measurements" else load(name)
    warm(f"  on {100 * len(own):,} rows of the model", 5, ask)
    hw.data.load = load


def main():
    """Run every measurement and print it."""
    print(f"{'':58} {'median':>12}   {'min':>9} - {'max':>9}")
    cold("import hwlib, new process", 9, python("import hwlib"), "an empty Python process", python("pass"))
    cold("all tables loaded, new process", 7, python(LOAD_ALL), "pandas.read_csv of the same files", python(PEER_LOAD))
    memory = subprocess.run(python(LOAD_ALL + MEMORY), check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    print(f"{'peak memory of that process':58} {memory:>9} MB")
    with tempfile.TemporaryDirectory() as out:
        report = (HWLIB, "report", "resnet50", "--out", out)
        peer = python(PEER_REPORT.format(out=out))
        cold("hwlib report resnet50, kernel engine", 5, report, "papermill.execute_notebook + nbconvert", peer)
        print(f"{'size of the page':58} {(Path(out) / 'resnet50.html').stat().st_size / 1e6:9.2f} MB")
    growth()
    explorer.main()
    import hwlib as hw

    warm("hw.load_measurements(model='resnet50'), warm", 31, lambda: hw.load_measurements(model="resnet50"))
    decisions(hw)
    from hwlib import holdout

    print("held-out error of the estimates, fitted anew for each fold (minutes): data/estimate_error.csv", flush=True)
    holdout.update(ROOT / "data")


if __name__ == "__main__":
    main()
