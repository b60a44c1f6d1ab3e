"""Rendering on the workers of a Dask cluster; a worker that dies costs time and no report."""

import contextlib
import functools

from ..errors import HwlibError
from . import manifest, store, zygote
from .files import RunFault

PATIENCE_S = 10
RETRIES = 3


@contextlib.contextmanager
def connect(scheduler):
    """A client of the Dask scheduler at the address `scheduler`."""
    try:
        from distributed import Client
    except ImportError:
        raise HwlibError("--scheduler needs Dask: `pip install hwlib[cluster]`") from None
    try:
        client = Client(scheduler, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunFault(f"no Dask scheduler answers at {scheduler}: {str(error).splitlines()[0]}") from None
    with client:
        yield client


def render(client, reports, place, how):
    """Render `reports` into the folder `place` on the workers, yielding a `batch.Done` for each as it comes.

    Raises
    ------
    RunFault
        If the scheduler is lost, a report's workers keep dying, or a worker cannot write to the folder.
    """
    from distributed import as_completed

    state = [manifest.code_digest(), manifest.tables_digest()]
    futures = [
        client.submit(_work, report, place, how, state, key=f"hwlib-{report.name}-{number}", retries=RETRIES, pure=False)
        for number, report in enumerate(reports)
    ]
    try:
        for future in as_completed(futures, loop=client.loop):
            yield future.result()
            future.release()
    except (RunFault, HwlibError):
        raise
    except Exception as error:
        raise RunFault(f"the Dask cluster gave up: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from None


def _work(report, place, how, state):
    """One report, on a worker."""
    from . import batch

    if state != [manifest.code_digest(), manifest.tables_digest()]:
        raise RunFault("a worker has another hwlib or other tables than the machine that asks; install the same on all")
    forker = _forker(how.standalone) if how.engine == "fork" else None
    return batch.render_one(report, _folder(place), how, forker)


@functools.cache
def _folder(place):
    return store.open_folder(place)


@functools.cache
def _forker(standalone):
    import atexit

    forker = zygote.Zygote(standalone=standalone)
    atexit.register(forker.close)
    return forker
