"""What goes into a network: free axes settled, random values of the right type and range."""

import itertools
from typing import NamedTuple

from .. import units
from ..errors import HwlibError, unknown
from . import runtimes
from .needs import need
from .network import graphs, nodes

# Sizes tried for an axis that the file leaves free, the usual ones first: height and width, and anything else.
SPATIAL = (224, 256, 320, 640, 48)
LENGTH = (128, 256, 512, 576, 1_024, 16_000)
BATCH_NAMES = ("batch", "batch_size", "n", "b")
# From an integer input to the table it looks up in, only the form changes on these.
CARRY = {"Cast", "Reshape", "Unsqueeze", "Squeeze", "Identity", "Transpose", "Flatten", "Slice", "Concat", "Expand"}
POOL_BYTES = 64 * units.MILLION
LARGEST_POOL = 16


class Input(NamedTuple):
    """One input: numpy type, sizes (a word stands for a free axis), the integers it takes (below `high`), or the one that it must be."""

    name: str
    dtype: str
    dims: tuple
    high: int = 2
    only: int | None = None


def read(network):
    """The inputs of `network` as a list of `Input`."""
    onnx = need("onnx")
    held = {tensor.name for tensor in network.proto.graph.initializer}
    found = []
    for value in network.proto.graph.input:
        if value.name in held:
            continue
        kind = value.type.tensor_type
        if not value.type.HasField("tensor_type") or kind.elem_type in (onnx.TensorProto.UNDEFINED, onnx.TensorProto.STRING):
            raise HwlibError(f"{network.path.name}: input {value.name!r} is no tensor of numbers, so no values can be made for it")
        if not kind.HasField("shape"):
            raise HwlibError(f"{network.path.name}: input {value.name!r} does not say its axes; export the network with them")
        dims = tuple(_dim(value.name, axis, dim) for axis, dim in enumerate(kind.shape.dim))
        dtype = str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
        found.append(Input(value.name, dtype, dims, *_integers(network.proto.graph, value.name)))
    return found


def batch_axes(inputs):
    """The words for free axes that count samples: the first of each input, and any called so.

    >>> batch_axes([Input("x", "float32", ("n", 3, 224, 224)), Input("state", "float32", (2, "n", 64))])
    {'n'}
    """
    first = {entry.dims[0] for entry in inputs if entry.dims and isinstance(entry.dims[0], str)}
    return first | {dim for entry in inputs for dim in entry.dims if str(dim).lower() in BATCH_NAMES}


def samples_made_for(inputs):
    """The number of samples that the file fixes: the first axis of its first input; 1 where that is free.

    >>> samples_made_for([Input("x", "float32", (8, 3, 224, 224))])
    8
    """
    return 1 if batch_axes(inputs) else next((entry.dims[0] for entry in inputs if entry.dims), 1)


def check_batch(network, inputs, batch_size):
    """Raise `HwlibError` if the file of `network` fixes another number of samples than `batch_size`."""
    fixed = samples_made_for(inputs)
    if not batch_axes(inputs) and fixed != batch_size:
        raise HwlibError(
            f"batch size {batch_size}: {network.path.name} is made for {fixed}; measure that, or export it with a free first axis"
        )


def settle(network, inputs, given, batch_size, call):
    """A size for each free axis of `inputs` at which `call` runs, as a dict; the words that count samples; those assumed.

    Parameters
    ----------
    network : Network
    inputs : list of Input
    given : dict
        Input -> whole shape, as a person states it; the axis of samples in it is ignored.
    batch_size : int
    call : callable
        Runs the network on a dict of arrays; raises what the runtime raises.

    Raises
    ------
    HwlibError
        For a shape that does not fit, or free axes for which none of the usual sizes runs, by name.
    """
    batch = batch_axes(inputs)
    fixed = dict.fromkeys(batch, batch_size) | _given(inputs, given, batch)
    free = {word: _choices(entry, batch_size) for entry in inputs for word in entry.dims if isinstance(word, str) and word not in fixed}
    fault = None
    for sizes in _combined(free):
        settled = fixed | sizes
        try:
            call(arrays(inputs, settled, 0))
            counted = {word for word, (kind, _) in free.items() if kind == "state" and sizes[word] == batch_size}
            return settled, batch | counted, set(free) - counted
        except MemoryError:
            raise
        except Exception as error:  # each runtime raises types of its own, and any of them means: not this size
            fault = fault or error
    if not free:
        raise runtimes.fault(f"{network.path.name} does not run", fault)
    axes = ", ".join(f"{word} of {entry.name}" for entry in inputs for word in entry.dims if word in free)
    example = _example(inputs, free)
    raise HwlibError(f"{network.path.name}: no usual size runs for the free axes {axes}; state them, such as --shape {example}")


def arrays(inputs, sizes, seed):
    """Random values for each input as a dict of arrays: normal numbers, integers in range, all ones for a mask."""
    import numpy as np

    random = np.random.default_rng(seed)
    return {entry.name: _values(entry, shape(entry, sizes), random) for entry in inputs}


def pool(inputs, sizes):
    """Several random feeds to take turns with, few where they are large: fresh data is part of the work."""
    first = arrays(inputs, sizes, 0)
    each = max(1, sum(array.nbytes for array in first.values()))
    return [first, *(arrays(inputs, sizes, seed) for seed in range(1, min(LARGEST_POOL, max(1, POOL_BYTES // each))))]


def shape(entry, sizes):
    """The shape of `entry` with its free axes settled by `sizes`.

    >>> shape(Input("x", "float32", ("n", 3, "h")), {"n": 8, "h": 224})
    (8, 3, 224)
    """
    return tuple(sizes[dim] if isinstance(dim, str) else dim for dim in entry.dims)


def in_words(inputs, sizes):
    """Shapes as text, one sample, such as `x=1x3x224x224`.

    >>> in_words([Input("x", "float32", ("n", 3, "h"))], {"n": 1, "h": 224})
    'x=1x3x224'
    """
    return ", ".join(f"{entry.name}={'x'.join(map(str, shape(entry, sizes))) or 'scalar'}" for entry in inputs)


def _dim(name, axis, dim):
    if dim.HasField("dim_value") and dim.dim_value > 0:
        return dim.dim_value
    word = dim.dim_param if dim.dim_param not in ("", "?") else ""
    return word or f"{name}[{axis}]"


def _values(entry, size, random):
    import numpy as np

    dtype = np.dtype(entry.dtype)
    if dtype.kind in "iu":
        if entry.only is not None:
            return np.full(size, entry.only, dtype)
        return np.ones(size, dtype) if "mask" in entry.name.lower() else random.integers(0, entry.high, size).astype(dtype)
    if dtype.kind == "b":
        return np.ones(size, dtype)
    # float32 straight away: half the memory of numpy's default on the way.
    return random.standard_normal(size, dtype="float32").astype(dtype)


def _integers(graph, name):
    """(integers below this, the one integer) that `name` may take, by the table it looks up in or the number it is compared with."""
    from onnx import numpy_helper

    known = {tensor.name: tensor for part in graphs(graph) for tensor in part.initializer}
    known |= {node.output[0]: a.t for node in nodes(graph) if node.op_type == "Constant" for a in node.attribute if a.HasField("t")}
    seen = {name}
    for node in nodes(graph):
        if not seen & set(node.input):
            continue
        if node.op_type in CARRY:
            seen |= set(node.output)
        elif node.op_type == "Gather" and node.input[1] in seen and node.input[0] in known:
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            return known[node.input[0]].dims[axis], None
        elif node.op_type == "Equal" and len(graph.input) > 1:
            other = next((known[part] for part in node.input if part in known), None)
            if other is not None and not other.dims:
                return 2, int(numpy_helper.to_array(other))
    return 2, None


def _given(inputs, given, batch):
    """Sizes of free axes from the shapes that a person states."""
    entries, sizes = {entry.name: entry for entry in inputs}, {}
    for name, stated in given.items():
        if name not in entries:
            raise unknown("input", name, entries)
        dims = entries[name].dims
        if len(stated) != len(dims):
            raise HwlibError(f"shape {name}={_x(stated)}: expected {len(dims)} axes, {_x(dims)}")
        for dim, size in zip(dims, stated, strict=True):
            if not isinstance(size, int) or size < 1:
                raise HwlibError(f"shape {name}={_x(stated)}: expected whole numbers of at least 1")
            if isinstance(dim, int) and dim != size:
                raise HwlibError(f"shape {name}={_x(stated)}: the file fixes {_x(dims)}")
            if isinstance(dim, str) and dim not in batch:
                sizes[dim] = size
    return sizes


def _choices(entry, batch_size):
    """(kind, sizes to try) for a free axis of `entry` that is not its first."""
    if len(entry.dims) >= 4:
        return "spatial", SPATIAL
    # An axis without a name behind a fixed one, as in a state of (layers, samples, width), often counts samples.
    return ("state", (batch_size, *LENGTH)) if isinstance(entry.dims[0], int) and len(entry.dims) > 2 else ("length", LENGTH)


def _combined(free):
    """Every combination of sizes by kind of axis, so that height and width stay alike."""
    kinds = dict(free.values())
    for sizes in itertools.product(*kinds.values()):
        by_kind = dict(zip(kinds, sizes, strict=True))
        yield {word: by_kind[kind] for word, (kind, _) in free.items()}


def _example(inputs, free):
    entry = next(entry for entry in inputs if set(entry.dims) & set(free))
    return f"{entry.name}=" + _x("N" if dim in free else 1 if isinstance(dim, str) else dim for dim in entry.dims)


def _x(dims):
    return "x".join(map(str, dims))
