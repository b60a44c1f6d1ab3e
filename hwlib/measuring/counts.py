"""The work in a network, counted by kind of operator from the shapes that one run of it really has.

ONNX Runtime runs the graph once, unoptimised, and its profile tells the shape of everything that each node read and wrote:
branches that were not taken and loops are counted as they ran, and no shape is guessed.
"""

import json
import tempfile
from math import prod
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .. import units
from . import runtimes
from .network import nodes, subgraphs

MACS = ("conv1x1", "convkxk", "dwconv", "groupconv", "linear", "attention")
KINDS = {
    "conv": "Conv ConvTranspose ConvInteger QLinearConv FusedConv",
    "matmul": "MatMul Gemm MatMulInteger QLinearMatMul QGemm Einsum LSTM GRU RNN",
    "norm": "BatchNormalization LayerNormalization InstanceNormalization GroupNormalization SimplifiedLayerNormalization"
    " SkipLayerNormalization RMSNormalization LpNormalization LRN",
    "act": "Relu LeakyRelu PRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Tanh Softmax LogSoftmax Gelu FastGelu Erf Softplus Softsign"
    " Mish Swish Clip ThresholdedRelu QuickGelu BiasGelu",
    "elementwise": "Add Sub Mul Div Pow Sqrt Exp Log Abs Neg Max Min Sum Mean Where Equal Less Greater LessOrEqual GreaterOrEqual And Or"
    " Not Reciprocal Floor Ceil Round Sign Sin Cos Mod QLinearAdd QLinearMul",
    "shape": "Reshape Flatten Squeeze Unsqueeze Shape Identity Transpose Constant ConstantOfShape Size",
}
KIND = {operator: kind for kind, operators in KINDS.items() for operator in operators.split()}
RECURRENT = {"LSTM", "GRU", "RNN"}
PRODUCTS = {"MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "QGemm"}
# Which inputs of an operator are the two that it multiplies, where they are not its first two.
FACTORS = {"QLinearConv": (0, 3), "QLinearMatMul": (0, 3), "QGemm": (0, 3)}
FLOAT_BYTES = 4
COLUMNS = (
    *("params_m", *(f"gmacs_{kind}" for kind in MACS), "gmacs_total", "mactivations"),
    *("ops_conv", "ops_dwconv", "ops_matmul", "ops_norm", "ops_act", "ops_elementwise", "ops_shape", "ops_other"),
    *("melements_conv", "melements_matmul", "melements_norm", "melements_act", "melements_elementwise", "melements_other"),
)


class Ran(NamedTuple):
    """A node that ran: its operator, the shapes that it read and wrote, and the names of its inputs that are constants."""

    node: object
    operator: str
    read: list
    written: list
    constant: set


def count(network, profile, samples=1):
    """The work of one sample of `network`, as one row: columns `COLUMNS`, in the units of their names.

    Multiply-accumulates (billions) by kind, operators by kind, millions of tensor elements that each kind reads and
    writes, millions of activations that convolutions and products put out, parameters (millions).

    Parameters
    ----------
    network : Network
    profile : list of Ran
        Of one call of it; see `run_once`.
    samples : int
        Samples in that call; what a batch shares, such as weights, is shared out too.
    """
    row = dict.fromkeys(COLUMNS, 0.0)
    for ran in profile:
        kind, (macs_kind, macs) = KIND.get(ran.operator, "other"), _macs(ran)
        row[f"ops_{'dwconv' if macs_kind == 'dwconv' else kind}"] += 1
        if macs_kind:
            row[f"gmacs_{macs_kind}"] += macs / units.GIGA / samples
            row["mactivations"] += prod(ran.written[0]) / units.MILLION / samples
        if kind != "shape":
            row[f"melements_{kind}"] += _elements(ran) / units.MILLION / samples
    row |= {"params_m": network.params_m, "gmacs_total": sum(row[f"gmacs_{kind}"] for kind in MACS)}
    return pd.DataFrame([row]).astype({name: "int64" for name in COLUMNS if name.startswith("ops_")})


def largest_mb(profile):
    """The least memory (MB) that the call of `profile` needs at once: what its hungriest node reads and writes, four bytes each."""
    return max(map(_elements, profile)) * FLOAT_BYTES / units.MILLION


def run_once(network, feed):
    """Each node of `network` that runs on `feed`, as a list of `Ran`."""
    # The names are written into the graph itself: a copy of it would double its weights.
    facts = _named(network.proto.graph)
    with tempfile.TemporaryDirectory() as folder:
        session = runtimes.session(
            network.proto.SerializeToString(), optimised=False, profile=Path(folder) / "profile", folder=network.path.parent.resolve()
        )
        session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    kernels = [event for event in events if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")]
    found = [_ran(event, *facts[name]) for event in kernels if (name := event["name"].removesuffix("_kernel_time")) in facts]
    # A node that holds graphs did the work of theirs, which is there too.
    return [ran for ran in found if not list(subgraphs(ran.node))]


def _ran(event, node, constant):
    arguments = event["args"]
    read, written = ([next(iter(part.values())) for part in arguments[f"{end}_type_shape"]] for end in ("input", "output"))
    return Ran(node, arguments["op_name"], read, written, constant)


def _elements(ran):
    return sum(map(prod, [*ran.read, *ran.written]))


def _named(graph):
    """Give each node of `graph` a name of its own; returns each node by it, with the inputs of it that hold constants."""
    facts, constants = {}, {tensor.name for part in [graph] for tensor in part.initializer}
    for number, node in enumerate(nodes(graph)):
        node.name = f"node{number}"
        for inner in subgraphs(node):
            constants |= {tensor.name for tensor in inner.initializer}
        known = {name for name in node.input if name in constants}
        # What is made of nothing but constants is one, such as weights that are stored in eight bits.
        if known == set(filter(None, node.input)):
            constants |= set(node.output)
        facts[node.name] = (node, known)
    return facts


def _macs(ran):
    """The kind of a node's multiply-accumulates and how many; no kind for a node without."""
    node, read, written = ran.node, ran.read, ran.written
    if ran.operator in RECURRENT:
        length, samples, _ = read[0]
        return "linear", length * samples * (prod(read[1]) + prod(read[2]))
    if ran.operator == "Einsum":
        return "attention", _einsum(node, read)
    first, second = FACTORS.get(ran.operator, (0, 1))
    if KIND.get(ran.operator) == "conv":
        weights = read[second]
        return _convolution(node, weights), prod(read[0] if ran.operator == "ConvTranspose" else written[0]) * prod(weights[1:])
    if ran.operator in PRODUCTS:
        turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        weighted = {node.input[first], node.input[second]} & ran.constant
        return "linear" if weighted else "attention", prod(written[0]) * read[first][-2 if turned else -1]
    return None, 0


def _convolution(node, weights):
    groups = next((a.i for a in node.attribute if a.name == "group"), 1)
    if groups > 1:
        return "dwconv" if weights[1] == 1 else "groupconv"
    return "conv1x1" if prod(weights[2:]) == 1 else "convkxk"


def _einsum(node, read):
    """Multiply-accumulates of a product in index notation: one for each setting of all its indices; none where it uses an ellipsis."""
    equation = next(a.s.decode() for a in node.attribute if a.name == "equation").replace(" ", "")
    if "." in equation:
        return 0
    sizes = {}
    for term, shape in zip(equation.split("->")[0].split(","), read, strict=True):
        sizes |= dict(zip(term, shape, strict=True))
    return prod(sizes.values())
