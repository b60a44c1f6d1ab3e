"""A process that has imported everything once and forks a child for each notebook: whole isolation at the price of milliseconds.

The zygote runs one thread and does nothing but fork; the process that asks for a report talks to the child over a socket of
their own. When the asking process ends, however it ends, the zygote ends and takes its children along.
"""

import atexit
import contextlib
import functools
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from ..errors import HwlibError
from .files import RunFault

START = "import sys; sys.path.insert(0, sys.argv[1]); from hwlib.reports import zygote; zygote.serve(int(sys.argv[2]))"
# Libraries must start no threads, since a process with threads must not fork.
ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}

READY = b"r"
WARM = ("ranking", "batch_throughput", "efficiency", "options_table")


def available():
    """Whether processes can be forked safely here: on Linux; other systems' own libraries do not allow it."""
    return sys.platform == "linux"


class Zygote:
    """Starts the process that forks; `call` may be used from any number of threads at once.

    What estimates `models` need is made once, beforehand.
    """

    def __init__(self, standalone=True, models=()):
        from .. import data, schema
        from .engine import LIVE_CHARTS

        tables = {name: data.load(name) for name in schema.TABLES}
        self._lock, self._ready = threading.Lock(), False
        self._control, theirs = socket.socketpair()
        home = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-P", "-c", START, home, str(theirs.fileno())]
        env = {**os.environ, **ONE_THREAD, **LIVE_CHARTS}
        with theirs:
            self._process = subprocess.Popen(
                command, env=env, pass_fds=[theirs.fileno()], start_new_session=True, stdin=subprocess.PIPE, stderr=subprocess.PIPE
            )
        with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
            pickle.dump({"tables": tables, "standalone": standalone, "models": list(models)}, pipe, protocol=5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the zygote and every child that still runs."""
        self._control.close()
        self._process.stderr.close()
        self._process.wait()

    def call(self, request, on_event, timeout_s):
        """Have a child run `request`, calling `on_event` with each thing it says.

        Raises
        ------
        TimeoutError
            If the child says nothing for `timeout_s`; it is killed.
        EOFError
            If it dies before it has said {"end": true}.
        RunFault
            If the process that forks is gone.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with self._lock:
                self._pass(theirs)
            theirs.close()
            ours.settimeout(timeout_s)
            pid = None
            try:
                ours.sendall(json.dumps(request).encode() + b"\n")
                for line in ours.makefile("rb"):
                    event = json.loads(line)
                    pid = event.get("pid", pid)
                    if "end" in event:
                        return
                    on_event(event)
            except TimeoutError:
                _kill(pid)
                raise
            except (ValueError, ConnectionError):
                pass  # the child died in the middle of a line
            raise EOFError

    def _pass(self, end):
        """Hand a child-to-be its end of the line, once the zygote is ready."""
        try:
            self._ready = self._ready or self._control.recv(1) == READY
            if self._ready:
                socket.send_fds(self._control, [READY], [end.fileno()])
                return
        except OSError:
            pass
        said = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        raise RunFault(f"the process that forks reports ended: {said[-1] if said else 'it said nothing'}") from None


@functools.cache
def lasting():
    """One zygote for as long as this process lives."""
    zygote = Zygote()
    atexit.register(zygote.close)
    return zygote


def serve(descriptor):
    """Prepare, then fork a child for each socket that comes in, until the other side is gone."""
    control = socket.socket(fileno=descriptor)
    _prepare(pickle.load(sys.stdin.buffer))
    control.sendall(READY)
    children = set()
    while True:
        _, sockets, _, _ = socket.recv_fds(control, 1, 1)
        children -= {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}
        if not sockets:
            break
        pid = os.fork()
        if pid == 0:
            _live(control, sockets[0])
        os.close(sockets[0])
        children.add(pid)
    for pid in children:
        _kill(pid)


def _prepare(given):
    """Import what reports need; then nothing is left that may not be forked."""
    import gc

    import pandas

    from .. import data, filling
    from . import html, shell

    if given["standalone"]:
        html.start_vega()
    # The tables as the other side read them: reading leaves threads behind.
    data.load = given["tables"].__getitem__
    pandas.set_option("display.max_columns", 20)  # what pandas chooses where it is imported in a kernel
    html.warm()
    shell.prepare()
    _warm()
    filling.foresee(given["models"])
    if given["standalone"]:
        html.vega()
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise HwlibError(f"the fork engine must have one thread and has {threads}; --engine kernel does without it")
    gc.collect()
    gc.freeze()


def _warm():
    """Have a decision and all its panels made once: what that loads and keeps, the children need not."""
    import hwlib

    from .. import data

    _ = [getattr(hwlib, name) for name in hwlib.__all__]
    decision = hwlib.decide(data.load("measurements")["model_id"].value_counts().index[0])
    for name in WARM:
        shown = getattr(hwlib.panels, name)(decision)
        getattr(shown, "_repr_mimebundle_", shown.__repr__)()


def _live(control, descriptor):
    """All of a child's life; it never returns."""
    os.setsid()
    control.close()
    line = socket.socket(fileno=descriptor)
    said = line.makefile("rwb")

    def emit(event):
        said.write(json.dumps(event).encode() + b"\n")
        said.flush()

    try:
        emit({"pid": os.getpid()})
        _work(json.loads(said.readline()), emit)
        emit({"end": True})
    except BaseException as error:  # whatever it is, it must not get past this process
        with contextlib.suppress(OSError):
            emit({"fault": f"{type(error).__name__}: {error}"})
            emit({"end": True})
    finally:
        os._exit(0)


def _work(request, emit):
    """Run the notebook, and make the texts that are asked for of it."""
    import nbformat
    import numpy

    from . import shell, texts

    numpy.random.seed()  # not the parent's state again in each child; `random` does so by itself
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["folder"])
    sys.path.insert(0, "")
    notebook = nbformat.from_dict(request["notebook"])
    shell.run(notebook, emit)
    if request["wanted"] and not failed(notebook):
        emit({"made": texts.make(notebook, **request["wanted"])})


def failed(notebook):
    """Whether a cell of `notebook` ended in an error."""
    return any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", ()))


def _kill(pid):
    """End the child `pid` and whatever it started."""
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
