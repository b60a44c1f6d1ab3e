"""`hwlib measure` beside the runtimes' own benchmarks, by turns in one run: `python tests/perf/compare_measure.py [MODEL.onnx ...]`.

Prints the median latency of single calls from `hwlib measure`, from OpenVINO's benchmark_app and from a plain loop as in
onnxruntime_perf_test, the ratio of each pair, what LoadGen itself adds to a call, and the coefficient of variation over the rounds.
"""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import onnx
from networks import NETWORKS

from hwlib.measuring import inputs, loadgen, runs, runtimes, subject

ROUNDS = 5
SECONDS = 5.0
BENCHMARK_APP = Path(sys.executable).with_name("benchmark_app")


def ours(found, runtime):
    """Median latency (ms) by LoadGen."""
    job = runs.Job(runtime, found.network.precision, "single_stream", 1)
    cells, doubt = runs.measure(job, found, found.network.path, seconds=SECONDS)
    return cells[0]["latency_ms_p50"], doubt.others


def openvino_app(found):
    """Median latency (ms) by benchmark_app, calls one after another, in the file's own type."""
    shapes = ",".join(f"{name}{list(shape)}" for name, shape in found.shapes(1).items()).replace(" ", "")
    command = [BENCHMARK_APP, "-m", found.network.path, "-d", "CPU", "-api", "sync", "-hint", "latency", "-t", str(int(SECONDS))]
    command += ["-infer_precision", "f32", "-shape", shapes]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(re.search(r"Median:\s+([\d.]+) ms", printed).group(1))


def plain_loop(found):
    """Median latency (ms) of ONNX Runtime called in a bare loop, as its own onnxruntime_perf_test does."""
    session = runtimes.session(found.network.path)
    feed, times = inputs.arrays(found.entries, found.sizes_at(1), 0), []
    session.run(None, feed)
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1_000


def loadgen_alone():
    """Microseconds that LoadGen and its callback take for a call that does nothing."""
    figures = loadgen.run("single_stream", lambda samples: None, 1.0, expected_s=2e-5)
    return figures["50.00_percentile_latency_ns"] / 1_000


def compare(path):
    """Print the figures of one network."""
    found, _ = subject.look_at(path, {}, (1,))
    pairs = {"openvino": openvino_app, "onnxruntime": plain_loop}
    for runtime, peer in pairs.items():
        own, other, busy = [], [], []
        for _ in range(ROUNDS):
            latency, others = ours(found, runtime)
            own.append(latency)
            busy.append(others)
            other.append(peer(found))
        ratio = statistics.median(a / b for a, b in zip(own, other, strict=True))
        spread = statistics.stdev(own) / statistics.mean(own)
        print(
            f"{path.stem:24} {runtime:12} hwlib {statistics.median(own):9.3f} ms  {peer.__name__:12} {statistics.median(other):9.3f} ms  "
            f"ratio {ratio:.3f}  variation of hwlib {spread:.1%}  others took up to {max(busy):.0%}",
            flush=True,
        )


def main(paths):
    """Compare on `paths`, or on three networks of different size."""
    print(f"LoadGen alone: {statistics.median(loadgen_alone() for _ in range(ROUNDS)):.1f} us a call")
    with tempfile.TemporaryDirectory() as folder:
        for name in () if paths else ("mobilenet-v2", "resnet50", "lstm-2x256-seq100"):
            paths = [*paths, Path(folder) / f"{name}.onnx"]
            onnx.save(NETWORKS[name](), paths[-1])
        for path in paths:
            compare(path)


if __name__ == "__main__":
    main([Path(path) for path in sys.argv[1:]])
