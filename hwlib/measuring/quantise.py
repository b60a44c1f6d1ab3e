"""A network in eight bits, by ONNX Runtime's static quantisation; and how accurate a network is on labelled samples."""

import contextlib
import logging
from pathlib import Path
from zipfile import BadZipFile

from .. import units
from ..errors import HwlibError
from . import inputs, network, runtimes
from .needs import need

LABELS = "labels"
LOG_WARNINGS = 2


def to_int8(given, feeds, path, narrow):
    """Write `given` with eight-bit weights and activations (QDQ format, weights per channel) to `path`; returns it.

    Parameters
    ----------
    given : Network
    feeds : list of dict
        Samples whose activations set the ranges.
    path : path
    narrow : bool
        Whether weights keep to seven bits, as processors without VNNI need so that no sum runs over.

    Raises
    ------
    HwlibError
        Where ONNX Runtime cannot quantise it.
    """
    need("onnxruntime")
    from onnxruntime import quantization

    class Samples(quantization.CalibrationDataReader):
        left = iter(feeds)

        def get_next(self):
            return next(self.left, None)

    types = {"activation_type": quantization.QuantType.QUInt8, "weight_type": quantization.QuantType.QInt8}
    folded = Path(path).with_suffix(".folded.onnx")
    try:
        with _quiet():
            # Normalisation is folded into the convolution before it, as every runtime does with the file in fp32.
            quantization.quant_pre_process(given.path, folded, skip_symbolic_shape=True)
            quantization.quantize_static(folded, path, Samples(), per_channel=True, reduce_range=narrow, **types)
    except Exception as error:  # onnx and ONNX Runtime raise types of their own
        raise runtimes.fault(f"{given.path.name} cannot be quantised", error) from None
    if network.read(path).precision != "int8":
        raise HwlibError(
            f"{given.path.name}: static quantisation leaves most of its weights in {given.precision}, so there is no int8 of it"
        )
    return Path(path)


def read_samples(path, entries, extra=()):
    """The arrays of the .npz file `path` by name: one for each of the inputs `entries`, and those named `extra`, with as many samples each.

    Raises
    ------
    HwlibError
        For another kind of file, a missing or strange name, or arrays of different length.
    """
    import numpy as np

    path = Path(path)
    try:
        with np.load(path) as file:
            # Arrays of numbers only: by default numpy refuses stored objects, which could run code.
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, TypeError, AttributeError, BadZipFile) as error:
        raise HwlibError(f"{path}: expected a .npz file of arrays: {getattr(error, 'strerror', None) or 'it is something else'}") from None
    wanted = [*(entry.name for entry in entries), *extra]
    if sorted(arrays) != sorted(wanted) or len({len(array) for array in arrays.values()}) != 1:
        found = ", ".join(arrays) or "none"
        raise HwlibError(f"{path.name}: expected arrays of as many samples each for {', '.join(wanted)}; found {found}")
    return arrays


def feeds(arrays, entries, batch_size):
    """The samples of `arrays` as feeds of `batch_size` each, of the inputs' types; what is left over is dropped."""
    length = len(next(iter(arrays.values()))) // batch_size * batch_size
    if not length:
        raise HwlibError(f"expected at least {batch_size} samples, one batch; found fewer")
    return [
        {entry.name: arrays[entry.name][start : start + batch_size].astype(entry.dtype) for entry in entries}
        for start in range(0, length, batch_size)
    ]


def top1_percent(call, arrays, entries, batch_size):
    """Share (%) of the labelled samples `arrays` whose largest first output is the label.

    Raises
    ------
    HwlibError
        Where the first output is not one row of scores a sample.
    """
    import numpy as np

    right = seen = 0
    for feed, truth in zip(feeds(arrays, entries, batch_size), _batches(arrays[LABELS], batch_size), strict=False):
        scores = np.asarray(call(feed)[0])
        if scores.ndim != 2 or len(scores) != batch_size:
            raise HwlibError(f"labelled samples: expected scores of shape {batch_size} x classes as first output, found {scores.shape}")
        right += int((scores.argmax(axis=1) == truth).sum())
        seen += batch_size
    return units.PERCENT * right / seen


def calibration(entries, sizes, path):
    """Feeds that set the ranges, and one word for what they are: the samples in `path`, or random ones."""
    if path is None:
        return inputs.pool(entries, sizes), "random"
    first = next(entry for entry in entries if entry.dims)
    return feeds(read_samples(path, entries), entries, inputs.shape(first, sizes)[0]), "given"


def _batches(array, batch_size):
    return [array[start : start + batch_size] for start in range(0, len(array), batch_size)]


@contextlib.contextmanager
def _quiet():
    """Keep to itself the advice that ONNX Runtime's quantiser logs, in Python and below."""
    ort, before = need("onnxruntime"), logging.root.manager.disable
    logging.disable(logging.WARNING)
    ort.set_default_logger_severity(runtimes.LOG_NOTHING)
    try:
        yield
    finally:
        ort.set_default_logger_severity(LOG_WARNINGS)
        logging.disable(before)
