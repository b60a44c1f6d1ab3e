"""The work counted in a graph, held against the counts that others made of the same networks in another way."""

import numpy as np
import onnx
import onnx_tool
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from perf.networks import NETWORKS, Builder

from hwlib import measuring, schema
from hwlib.measuring import counts

# The network here -> file, name and size in sources/architectures: counted there on PyTorch's graphs of other people's definitions.
COUNTED_ELSEWHERE = {
    "resnet50": ("timm_architectures.csv", "resnet50", 224),
    "mobilenet-v2": ("timm_architectures.csv", "mobilenetv2_100", 224),
    "efficientnet-b0": ("timm_architectures.csv", "efficientnet_b0", 224),
    "yolov3-416": ("yolov3.csv", "yolov3", 416),
    "bert-base-seq128": ("nlp_architectures.csv", "bert-base", 128),
}
EXACT = [f"gmacs_{kind}" for kind in (*counts.MACS, "total")]
# Built once for this file: the largest network has 110 million weights.
SMALL = ("resnet50", "mobilenet-v2", "efficientnet-b0")


@pytest.fixture(scope="module")
def count(tmp_path_factory):
    """Counts of a network by name, each built and counted once."""
    folder, known = tmp_path_factory.mktemp("counted"), {}

    def of(name):
        if name not in known:
            path = folder / f"{name}.onnx"
            onnx.save(NETWORKS[name](), path)
            known[name] = measuring.count_operations(path).iloc[0]
            if name not in SMALL:
                path.unlink()
        return known[name]

    of.folder = folder
    return of


@pytest.mark.parametrize("name", COUNTED_ELSEWHERE)
def test_multiply_accumulates_by_kind_are_those_of_the_published_definition(count, sources, name):
    file, architecture, size = COUNTED_ELSEWHERE[name]
    table = pd.read_csv(sources / "architectures" / file)
    size_column = table.columns[1]
    known = table[(table["architecture"] == architecture) & (table[size_column] == size)].iloc[0]
    mine = count(name)
    assert mine[EXACT].astype(float).tolist() == pytest.approx(known[EXACT].astype(float).tolist(), abs=2e-6)
    assert mine["params_m"] == pytest.approx(known["params_m"], rel=1e-5)
    assert mine[["ops_conv", "ops_dwconv", "ops_norm"]].tolist() == known[["ops_conv", "ops_dwconv", "ops_norm"]].tolist()
    for column in ("melements_conv", "melements_norm", "melements_act"):
        # Eager PyTorch writes some of them twice, or fuses two into one.
        assert mine[column] == pytest.approx(known[column], rel=0.12, abs=0.02), column


@pytest.mark.parametrize(
    ("name", "gmacs", "params_m", "mactivations"),
    [("resnet50", 4.09, 25.56, 11.11), ("mobilenet-v2", 0.30, 3.50, 6.68), ("efficientnet-b0", 0.39, 5.29, 6.75)],
)
def test_known_networks_have_their_known_size(count, name, gmacs, params_m, mactivations):
    row = count(name)
    assert row["gmacs_total"] == pytest.approx(gmacs, abs=0.006)
    assert row["params_m"] == pytest.approx(params_m, abs=0.006)
    assert row["mactivations"] == pytest.approx(mactivations, abs=0.006)


@pytest.mark.parametrize("name", SMALL)
def test_another_counter_of_onnx_graphs_agrees(count, name):
    """onnx-tool infers shapes instead of running the graph; it counts the addition of a bias too."""
    whole = count(name)["gmacs_total"]
    model = onnx_tool.Model(str(count.folder / f"{name}.onnx"))
    model.graph.shape_infer({"image": np.zeros((1, 3, 224, 224), "float32")})
    model.graph.profile()
    products = sum(node.macs[0] for node in model.graph.nodemap.values() if node.op_type in ("Conv", "Gemm"))
    assert whole <= products / 1e9 <= 1.03 * whole


def test_every_column_of_the_published_counts_is_there(sources):
    published = pd.read_csv(sources / "architectures" / "timm_architectures.csv", nrows=1).columns[2:]
    assert set(published) <= set(counts.COLUMNS)
    assert set(counts.COLUMNS) - set(published) == {"mactivations"}


def counted(tmp_path, build, inputs, axes=2):
    """Counts of the graph that `build` makes of a `Builder`."""
    b = Builder()
    path = tmp_path / "tiny.onnx"
    onnx.save(b.model(inputs, {build(b): axes}), path)
    return measuring.count_operations(path).iloc[0]


def test_a_recurrent_network_counts_every_step(tmp_path):
    onnx.save(NETWORKS["lstm-2x256-seq100"](), tmp_path / "lstm.onnx")
    row = measuring.count_operations(tmp_path / "lstm.onnx").iloc[0]
    steps, gates = 100, 4 * 256
    assert row["gmacs_linear"] * 1e9 == pytest.approx(steps * (gates * (40 + 256) + gates * (256 + 256) + 256 * 29))


def test_a_product_with_weights_is_linear_and_one_of_activations_is_attention(tmp_path):
    inputs = {"a": (TensorProto.FLOAT, ["batch", 5, 7]), "b": (TensorProto.FLOAT, ["batch", 7, 3])}
    row = counted(tmp_path, lambda b: b.node("MatMul", [b.node("MatMul", ["a", "b"]), b.weight(3, 2)]), inputs, axes=3)
    assert row["gmacs_attention"] * 1e9 == pytest.approx(5 * 7 * 3)
    assert row["gmacs_linear"] * 1e9 == pytest.approx(5 * 3 * 2)


def test_index_notation_is_counted_by_its_indices(tmp_path):
    inputs = {"a": (TensorProto.FLOAT, ["batch", 5, 7]), "b": (TensorProto.FLOAT, ["batch", 7, 3])}
    row = counted(tmp_path, lambda b: b.node("Einsum", ["a", "b"], equation="nij, njk -> nik"), inputs, axes=3)
    assert row["gmacs_attention"] * 1e9 == pytest.approx(5 * 7 * 3)


def test_grouped_and_transposed_convolutions(tmp_path):
    image = {"x": (TensorProto.FLOAT, ["batch", 8, 10, 10])}
    assert counted(tmp_path, lambda b: b.conv("x", 8, 16, 3, groups=4), image, 4)["gmacs_groupconv"] * 1e9 == pytest.approx(
        100 * 16 * 2 * 9
    )
    assert counted(tmp_path, lambda b: b.conv("x", 8, 8, 3, groups=8), image, 4)["gmacs_dwconv"] * 1e9 == pytest.approx(100 * 8 * 9)
    row = counted(tmp_path, lambda b: b.node("ConvTranspose", ["x", b.weight(8, 4, 2, 2)], strides=[2, 2]), image, 4)
    assert row["gmacs_convkxk"] * 1e9 == pytest.approx(100 * 8 * 4 * 4)


def test_only_the_branch_that_runs_is_counted(tmp_path):
    out = [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 3])]
    branches = {}
    for name, width in (("then_branch", 3), ("else_branch", 300)):
        # Both end in three columns; the second goes through three hundred.
        weights = [numpy_helper.from_array(np.ones((4, width), "float32"), f"{name}w"), numpy_helper.from_array(np.array([3]), f"{name}3")]
        nodes = [helper.make_node("MatMul", ["x", f"{name}w"], [f"{name}y"])]
        weights += [numpy_helper.from_array(np.array([0]), f"{name}0"), numpy_helper.from_array(np.array([1]), f"{name}1")]
        nodes.append(helper.make_node("Slice", [f"{name}y", f"{name}0", f"{name}3", f"{name}1"], ["z"]))
        branches[name] = helper.make_graph(nodes, name, [], out, weights)
    nodes = [helper.make_node("Equal", ["rate", "known"], ["c"]), helper.make_node("If", ["c"], ["y"], **branches)]
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4]),
        helper.make_tensor_value_info("rate", TensorProto.INT64, []),
    ]
    known = [numpy_helper.from_array(np.array(16_000), "known")]
    graph = helper.make_graph(nodes, "g", ends, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])], known)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "branch.onnx")
    assert measuring.count_operations(tmp_path / "branch.onnx")["gmacs_total"].item() * 1e9 == pytest.approx(4 * 3)


def test_a_network_in_eight_bits_has_the_same_work(tmp_path):
    from hwlib.measuring import quantise, subject

    b = Builder()
    image = {"x": (TensorProto.FLOAT, ["batch", 3, 16, 16])}
    onnx.save(b.model(image, {b.node("Relu", [b.conv("x", 3, 8, 3, bias=True)]): 4}), tmp_path / "full.onnx")
    found, _ = subject.look_at(tmp_path / "full.onnx", {}, (1,))
    feeds, _ = quantise.calibration(found.entries, found.sizes, None)
    eight = quantise.to_int8(found.network, feeds, tmp_path / "eight.onnx", narrow=False)
    small, _ = subject.look_at(eight, {}, (1,))
    assert small.network.precision == "int8"
    assert small.operators["gmacs_total"].item() == found.operators["gmacs_total"].item() == pytest.approx(256 * 8 * 27 / 1e9)


def test_the_row_of_models_keeps_to_the_schema(count):
    from hwlib.measuring import subject

    count("mobilenet-v2")
    found, notes = subject.look_at(count.folder / "mobilenet-v2.onnx", {}, (1,))
    schema.validate(schema.conform(pd.DataFrame([found.model]), "models"), "models")
    assert found.model["input"] == "image=1x3x224x224"
    assert notes == []
