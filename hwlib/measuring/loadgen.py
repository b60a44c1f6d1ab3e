"""MLCommons LoadGen: it sends the queries, times them, and says what came of it."""

import json
import math
import queue
import tempfile
import threading
import time
from pathlib import Path

from .. import units
from .needs import need

SCENARIOS = {"single_stream": "SingleStream", "offline": "Offline", "server": "Server"}
# LoadGen makes its queries beforehand and ends early when they run out: it is told of a machine this much faster.
HEADROOM = 4
SAMPLES = 1_024
POLL_S = 0.1
LEAST_RATE = 1e-3


def run(scenario, work, seconds, *, expected_s, batch_size=1, together=1, rate=None, latency_ms=None):
    """One run of LoadGen: its own figures by their names in its log (1/s, ns), as a dict.

    Parameters
    ----------
    scenario : str
        single_stream, offline or server.
    work : callable
        Is handed the numbers of the samples of one query and runs them.
    seconds : float
        Shortest length of the run.
    expected_s : float
        About how long one sample takes, seconds.
    batch_size : int
        Most samples that `work` is handed at once in the scenario server.
    together : int
        Samples that are worked on together; offline hands over whole multiples of them, or the last ones would cost as much as all.
    rate : float, optional
        Samples a second that a server is asked for.
    latency_ms : float, optional
        Within which a server must answer 99 of 100 samples, ms.

    Raises
    ------
    HwlibError
        Where LoadGen is not installed.
    KeyboardInterrupt
        On Ctrl-C, once the run has come to its end.
    """
    loadgen = need("mlperf_loadgen")
    settings = _settings(loadgen, scenario, seconds, expected_s, together, rate, latency_ms)
    desk = _Desk(loadgen, work, batch_size, time.perf_counter() + seconds)
    with tempfile.TemporaryDirectory() as folder:
        sut = loadgen.ConstructSUT(desk.line.put if scenario == "server" else desk.answer, _nothing)
        library = loadgen.ConstructQSL(SAMPLES, SAMPLES, _nothing, _nothing)
        threads = [threading.Thread(target=loadgen.StartTestWithLogSettings, args=(sut, library, settings, _logs(loadgen, folder)))]
        threads += [threading.Thread(target=desk.serve)] * (scenario == "server")
        try:
            _join(threads, desk)
        finally:
            loadgen.DestroyQSL(library)
            loadgen.DestroySUT(sut)
        if desk.fault:
            raise desk.fault
        return _figures(Path(folder) / "mlperf_log_detail.txt")


class _Desk:
    """Where LoadGen hands over its queries; after a fault or Ctrl-C it answers without work, so that LoadGen comes to its end."""

    def __init__(self, loadgen, work, batch_size, deadline):
        self.loadgen, self.work, self.batch_size, self.deadline = loadgen, work, batch_size, deadline
        self.fault, self.line = None, queue.SimpleQueue()

    def answer(self, queries):
        """Run `queries` and tell LoadGen that they are done."""
        try:
            if not self.fault:
                self.work([query.index for query in queries])
        except Exception as error:  # raised again once LoadGen has ended; inside its callback it would end the process
            self.fault = error
        if self.fault:
            time.sleep(max(0, self.deadline - time.perf_counter()))
        self.loadgen.QuerySamplesComplete([self.loadgen.QuerySampleResponse(query.id, 0, 0) for query in queries])

    def serve(self):
        """Answer what waits in line, up to a batch at once, until None comes: a server does not make its next client wait."""
        while (batch := self.line.get()) is not None:
            while len(batch) < self.batch_size and not self.line.empty() and (more := self.line.get()) is not None:
                batch = [*batch, *more]
            self.answer(batch)


def _join(threads, desk):
    """Run the `threads` to their end; LoadGen's is the first, and the one that serves has to be told."""
    for thread in threads:
        thread.start()
    while threads[0].is_alive():
        try:
            threads[0].join(POLL_S)
        except KeyboardInterrupt as stop:
            desk.fault = stop
    desk.line.put(None)
    for thread in threads:
        thread.join()


def _settings(loadgen, scenario, seconds, expected_s, together, rate, latency_ms):
    settings = loadgen.TestSettings()
    settings.scenario = getattr(loadgen.TestScenario, SCENARIOS[scenario])
    settings.mode = loadgen.TestMode.PerformanceOnly
    settings.min_duration_ms = max(1, round(seconds * units.MS_PER_S))
    settings.min_query_count = 1
    settings.single_stream_expected_latency_ns = max(1, round(expected_s * units.MS_PER_S * units.NS_PER_MS / HEADROOM))
    if scenario == "offline":
        # Given as a least count: what LoadGen works out from an expected rate is no multiple of anything.
        settings.min_query_count = together * math.ceil(seconds / (expected_s * together))
        settings.offline_expected_qps = LEAST_RATE
    if scenario == "server":
        settings.server_target_qps = rate
        settings.server_target_latency_ns = round(latency_ms * units.NS_PER_MS)
    return settings


def _logs(loadgen, folder):
    output = loadgen.LogOutputSettings()
    output.outdir = folder
    output.copy_summary_to_stdout = False
    logs = loadgen.LogSettings()
    logs.log_output, logs.enable_trace = output, False
    return logs


def _figures(path):
    lines = (json.loads(line.removeprefix(":::MLLOG ")) for line in path.read_text(encoding="utf-8").splitlines())
    return {line["key"].removeprefix("result_"): line["value"] for line in lines if line["key"].startswith("result_")}


def _nothing(*_):
    """LoadGen wants to be told of samples to load and of a flush; here both are done beforehand."""
