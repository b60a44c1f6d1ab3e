"""The network to be measured: its inputs, a size for each free axis, the work in it, and its row of `models`."""

from typing import NamedTuple

import pandas as pd

from .. import units
from ..errors import HwlibError
from . import counts, inputs, network, rows, runtimes
from .needs import need


class Subject(NamedTuple):
    """A network, its inputs, a size for each free axis (`batch_words` count samples), its row of `models` and its work."""

    network: network.Network
    entries: list
    sizes: dict
    batch_words: set
    model: dict
    operators: pd.DataFrame

    def sizes_at(self, batch_size):
        """The sizes of the free axes for `batch_size` samples."""
        return self.sizes | dict.fromkeys(self.batch_words, batch_size)

    def shapes(self, batch_size):
        """Input -> shape for `batch_size` samples."""
        return {entry.name: inputs.shape(entry, self.sizes_at(batch_size)) for entry in self.entries}


def look_at(path, shapes, batch_sizes, name=None):
    """The ONNX file `path` as a `Subject` that can run at all of `batch_sizes`, and sentences on what was assumed.

    Raises
    ------
    HwlibError
        For a file that cannot be read or run, a batch size that it does not allow, or more memory than this machine has.
    """
    net = network.read(path)
    entries = inputs.read(net)
    for batch_size in batch_sizes:
        inputs.check_batch(net, entries, batch_size)
    try:
        session = runtimes.session(net.path, optimised=False)
    except HwlibError:
        raise
    except Exception as error:  # ONNX Runtime raises types of its own
        raise runtimes.fault(f"{net.path.name} cannot be run", error) from None
    base = inputs.samples_made_for(entries)
    try:
        sizes, batch_words, assumed = inputs.settle(net, entries, shapes, base, lambda feed: session.run(None, feed))
        ran = counts.run_once(net, inputs.arrays(entries, sizes, 0))
    except MemoryError as error:
        raise runtimes.fault(net.path.name, error) from None
    _check_memory(net, counts.largest_mb(ran) / base, max(batch_sizes, default=1))
    operators = counts.count(net, ran, base)
    found = Subject(net, entries, sizes, batch_words, _model(net, inputs.in_words(entries, sizes), operators, name), operators)
    return found, _assumed(entries, sizes, assumed)


def _model(net, shown, operators, name):
    """The row of `models`."""
    title = name or net.path.stem
    figures = {"params_m": net.params_m, "gmacs": operators["gmacs_total"].item(), "mactivations": operators["mactivations"].item()}
    return {
        "model_id": rows.model_id(title),
        "name": title,
        "family": "own",
        "task": "other",
        "input": shown,
        "source_id": rows.SOURCE,
    } | figures


def _check_memory(net, sample_mb, batch_size):
    needed = net.weights_mb + sample_mb * batch_size
    free = need("psutil").virtual_memory().available / units.MILLION
    if needed > free:
        raise HwlibError(
            f"batch size {batch_size}: {net.path.name} needs at least {needed:,.0f} MB of memory at once and {free:,.0f} MB are free; "
            "try a smaller batch size or shape"
        )


def _assumed(entries, sizes, words):
    """A sentence for each input that has an assumed axis."""
    return [
        f"Input {entry.name}: the file leaves {', '.join(free)} free; {inputs.in_words([entry], sizes)} is assumed, --shape says otherwise."
        for entry in entries
        if (free := [word for word in entry.dims if word in words])
    ]
