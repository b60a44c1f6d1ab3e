"""An ONNX file as data: read, looked through and refused before any runtime sees it."""

import hashlib
import re
from math import prod
from pathlib import Path
from typing import NamedTuple

from .. import units
from ..errors import HwlibError
from .needs import need

# Operators of the standard and those built into ONNX Runtime; whatever else a file names would need a library of its own.
OWN_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
# Built in too, but they run something that is not in the graph: Python code, or a blob that another compiler made.
RUNS_OTHER_CODE = {"PythonOp", "PythonOpGrad", "EPContext"}
PRECISIONS = {
    "FLOAT": "fp32",
    "DOUBLE": "fp32",
    "FLOAT16": "fp16",
    "BFLOAT16": "bf16",
    "INT8": "int8",
    "UINT8": "int8",
    "INT4": "int4",
    "UINT4": "int4",
    "FLOAT8E4M3FN": "fp8",
    "FLOAT8E5M2": "fp8",
}
# Statistics of a batch normalisation: stored like weights, but not trained.
STATISTICS = slice(3, 5)


# What the runtimes say before they come to the point: where in their own source they stand, and of which kind the fault is.
PREAMBLE = ("Exception from", "Check '", "FrontEnd API failed", "Model wasn't fully converted", "While validating", "-- ")
PLACE = r"^\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from .*? failed:|/onnxruntime_src/\S+ .*?\)(?: const)? (?=[A-Z])"


class Network(NamedTuple):
    """An ONNX file that passed every check, and what it says of itself."""

    path: Path
    proto: object
    digest: str
    opset: int
    precision: str
    params_m: float
    weights_mb: float


def read(path):
    """The ONNX file `path` as a `Network`, checked and nothing of it run.

    Raises
    ------
    HwlibError
        For no such file, something else than ONNX, a part of one, weights that are missing or lie outside its folder,
        an operator that its standard does not have, and operators that need a library or run other code.
    """
    path = Path(path)
    if not path.is_file():
        raise HwlibError(f"{path}: " + ("expected an ONNX file, found a folder" if path.is_dir() else "no such file"))
    proto = _parsed(path)
    _refuse_foreign(path, proto)
    files = _external_files(path, proto)
    _check(path)
    tensors = list(_weights(proto.graph))
    weights = sum(path.stat().st_size for path in [path, *files])
    return Network(
        path, proto, _digest([path, *files]), _opset(proto), _precision(tensors), _params(tensors) / units.MILLION, weights / units.MILLION
    )


def nodes(graph):
    """Every node of `graph` and of the graphs inside its nodes, outer ones first."""
    for node in graph.node:
        yield node
        for inner in subgraphs(node):
            yield from nodes(inner)


def subgraphs(node):
    """The graphs that `node` holds: branches of a condition, the body of a loop."""
    for attribute in node.attribute:
        yield from [attribute.g] if attribute.HasField("g") else attribute.graphs


def graphs(graph):
    """`graph` and every graph inside its nodes."""
    return [graph, *(inner for node in nodes(graph) for inner in subgraphs(node))]


def one_line(error):
    """The first telling line of the runtime's `error`, at most 200 characters long."""
    lines = [re.sub(PLACE, "", line).strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if line and not line.startswith(PREAMBLE)]
    return (telling or lines or [type(error).__name__])[0][:200].rstrip(". ")


def _parsed(path):
    onnx = need("onnx")
    from google.protobuf.message import DecodeError

    try:
        proto = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError, OSError) as error:
        raise HwlibError(f"{path.name}: expected a whole ONNX file: {one_line(error)}") from None
    # Protobuf reads many a stranger's bytes as an empty message.
    if not proto.ir_version or not proto.opset_import or not proto.graph.node:
        raise HwlibError(f"{path.name}: expected a whole ONNX file, found one without a graph")
    return proto


def _refuse_foreign(path, proto):
    local = {function.domain for function in proto.functions}
    every = [*nodes(proto.graph), *(node for function in proto.functions for node in function.node)]
    for node in every:
        if node.domain not in OWN_DOMAINS | local or node.op_type in RUNS_OTHER_CODE:
            operator = f"{node.domain}.{node.op_type}".lstrip(".")
            raise HwlibError(f"{path.name}: operator {operator} would run code from outside the graph; only built-in ones are measured")


def _external_files(path, proto):
    """Files beside the network that hold its weights; an error where one is missing, too short or elsewhere."""
    folder, found = path.parent.resolve(), {}
    for tensor in _tensors(proto.graph):
        if tensor.data_location != tensor.EXTERNAL:
            continue
        where = {entry.key: entry.value for entry in tensor.external_data}
        file = (folder / where.get("location", "")).resolve()
        if not file.is_relative_to(folder) or file == folder:
            raise HwlibError(f"{path.name}: weights {tensor.name!r} lie outside its folder; move them beside it")
        if not file.is_file():
            raise HwlibError(f"{path.name}: its weights {file.name} are missing; put them beside it")
        if file.stat().st_size < int(where.get("offset", 0)) + int(where.get("length", 0)):
            raise HwlibError(f"{path.name}: its weights {file.name} are cut short")
        found[file] = None
    return list(found)


def _check(path):
    onnx = need("onnx")
    try:
        onnx.checker.check_model(str(path))
    except (onnx.checker.ValidationError, ValueError) as error:
        raise HwlibError(f"{path.name}: not a valid ONNX graph: {one_line(error)}") from None


def _tensors(graph):
    for part in graphs(graph):
        yield from part.initializer
        for node in part.node:
            for attribute in node.attribute:
                yield from [attribute.t] if attribute.HasField("t") else attribute.tensors


def _weights(graph):
    """(type, number of elements) of each tensor of numbers that a training would have set."""
    onnx = need("onnx")
    normalised = [node for node in nodes(graph) if node.op_type == "BatchNormalization"]
    statistics = {name for node in normalised for name in node.input[STATISTICS]}
    for tensor in _tensors(graph):
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        if kind in PRECISIONS and tensor.dims and tensor.name not in statistics:
            yield kind, prod(tensor.dims)


def _params(tensors):
    return sum(size for _, size in tensors)


def _precision(tensors):
    """The type that most weights have; fp32 for a graph without weights."""
    sizes = {}
    for kind, size in tensors:
        sizes[PRECISIONS[kind]] = sizes.get(PRECISIONS[kind], 0) + size
    return max(sizes, key=sizes.get, default="fp32")


def _opset(proto):
    return next((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), proto.opset_import[0].version)


def _digest(files):
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()[:12]
