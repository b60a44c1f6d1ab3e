"""What `hwlib measure` refuses: each fault one sentence and exit code 2, and nothing written."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_cli import run
from test_measuring import small

from hwlib import HwlibError, measuring
from hwlib.measuring import needs, network, runtimes, session

QUICK = {"seconds": 0.1, "runtimes": ["onnxruntime"], "scenarios": ["offline"]}


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """A folder of the user's own in which nothing may appear, and the current folder elsewhere."""
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "own"
    assert not (tmp_path / "own").exists()


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.onnx"
    onnx.save(small(), path)
    return path


def one_node(path, operator, *, domain="", opset=17, shape=(1, 4), kind=TensorProto.FLOAT, weights=(), inputs=("x",)):
    """A file with the one node y = operator(x), unchecked."""
    values = [helper.make_tensor_value_info(name, kind, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(operator, inputs, ["y"], domain=domain)], "g", values[:1], values[1:], weights)
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(domain, 1)] * bool(domain)
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())
    return path


@pytest.mark.parametrize("content", [b"", b"hello\n" * 50, b"\x89PNG\r\n\x1a\n" + bytes(range(256)), bytes(1000)])
def test_a_file_of_something_else(tmp_path, content):
    path = tmp_path / "strange.onnx"
    path.write_bytes(content)
    with pytest.raises(HwlibError, match=r"strange\.onnx: expected a whole ONNX file"):
        session.run(path, **QUICK)


def test_a_file_cut_anywhere(good):
    whole = good.read_bytes()
    for length in range(0, len(whole) - 1, 97):
        good.write_bytes(whole[:length])
        with pytest.raises(HwlibError, match="good"):
            session.run(good, **QUICK)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(HwlibError, match="no such file"):
        session.run(tmp_path / "nothing.onnx", **QUICK)
    with pytest.raises(HwlibError, match="found a folder"):
        session.run(tmp_path, **QUICK)


def outside(tmp_path, location):
    """A network whose weights are said to be at `location`; they really are in weights.bin."""
    path = tmp_path / "net" / "outside.onnx"
    path.parent.mkdir()
    settings = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 16}
    onnx.save(small(), path, **settings)
    proto = onnx.load(path, load_external_data=False)
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            entry.value = location if entry.key == "location" else entry.value
    path.write_bytes(proto.SerializeToString())
    return path


def test_weights_beside_the_file_are_fine(tmp_path):
    assert network.read(outside(tmp_path, "weights.bin")).params_m == network.read(_saved(tmp_path)).params_m


def _saved(tmp_path):
    onnx.save(small(), tmp_path / "inside.onnx")
    return tmp_path / "inside.onnx"


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "../../../../../../etc/hostname", "link.bin", "", "."])
def test_weights_elsewhere_are_not_read(tmp_path, location):
    (tmp_path / "secret.bin").write_bytes(bytes(10_000))
    path = outside(tmp_path, location)
    (path.parent / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(HwlibError, match="lie outside its folder"):
        session.run(path, **QUICK)


def test_weights_that_are_missing_or_cut_short(tmp_path):
    path = outside(tmp_path, "weights.bin")
    (path.parent / "weights.bin").write_bytes(b"12")
    with pytest.raises(HwlibError, match=r"weights\.bin are cut short"):
        session.run(path, **QUICK)
    (path.parent / "weights.bin").unlink()
    with pytest.raises(HwlibError, match=r"weights\.bin are missing"):
        session.run(path, **QUICK)


@pytest.mark.parametrize(
    ("domain", "operator"),
    [
        ("my.library", "Relu"),
        ("com.microsoft", "EPContext"),
        ("com.microsoft", "PythonOp"),
        ("org.pytorch.aten", "ATen"),
        ("trt.plugins", "X"),
    ],
)
def test_operators_that_would_run_other_code(tmp_path, domain, operator):
    with pytest.raises(HwlibError, match=rf"operator {domain}\.{operator} would run code from outside the graph"):
        session.run(one_node(tmp_path / "foreign.onnx", operator, domain=domain), **QUICK)


def test_they_are_found_inside_branches_and_functions_too(tmp_path):
    value = [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])]
    branch = helper.make_graph([helper.make_node("Evil", [], ["z"], domain="my.library")], "branch", [], value)
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    ends = [helper.make_tensor_value_info("c", TensorProto.BOOL, []), helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.library", 1), helper.make_opsetid("local", 1)]
    onnx.save(helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:]), opset_imports=opsets, ir_version=10), "branch.onnx")
    with pytest.raises(HwlibError, match="Evil would run code"):
        network.read("branch.onnx")
    inner = helper.make_node("Evil", ["c"], ["y"], domain="my.library")
    function = helper.make_function("local", "Good", ["c"], ["y"], [inner], opsets[:2])
    call = helper.make_graph([helper.make_node("Good", ["c"], ["y"], domain="local")], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(call, functions=[function], opset_imports=opsets, ir_version=10), "function.onnx")
    with pytest.raises(HwlibError, match="Evil would run code"):
        network.read("function.onnx")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"operator": "Relu", "opset": 99}, "opset versions"),
        ({"operator": "NoSuchOperator"}, "NoSuchOperator"),
        ({"operator": "NoSuchOperator", "domain": "com.microsoft"}, "NoSuchOperator"),
        ({"operator": "Identity", "kind": TensorProto.STRING}, "no tensor of numbers"),
        ({"operator": "Identity", "shape": None}, "Field 'shape'"),
    ],
)
def test_what_no_runtime_can_run(tmp_path, settings, sentence):
    with pytest.raises(HwlibError, match=sentence) as caught:
        session.run(one_node(tmp_path / "odd.onnx", **settings), **QUICK)
    assert "odd.onnx" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_free_axes_for_which_no_size_runs_are_asked_for_by_name(tmp_path):
    weights = [numpy_helper.from_array(np.ones((77, 77), "float32"), "w")]
    path = one_node(tmp_path / "free.onnx", "MatMul", shape=("batch", "width"), weights=weights, inputs=("x", "w"))
    with pytest.raises(HwlibError, match=r"free axes width of x; state them, such as --shape x=1xN"):
        session.run(path, **QUICK)
    assert measuring.count_operations(path, {"x": (1, 77)})["gmacs_total"].item() == pytest.approx(77 * 77 / 1e9)


def test_too_much_memory_is_refused_before_it_is_taken(good, tmp_path):
    with pytest.raises(
        HwlibError, match=r"batch size 1000000000: good\.onnx needs at least [\d,]+ MB of memory at once and [\d,]+ MB are free"
    ):
        session.run(good, batch_sizes=[10**9], **QUICK)
    huge = [numpy_helper.from_array(np.array([10**14]), "s")]
    made = one_node(tmp_path / "huge.onnx", "Expand", shape=(1,), weights=huge, inputs=("x", "s"))
    with pytest.raises(HwlibError, match=r"huge\.onnx does not run: out of memory; try a smaller batch size or shape"):
        session.run(made, **QUICK)


def test_a_fixed_batch_stays_as_it_is(tmp_path):
    path = one_node(tmp_path / "fixed.onnx", "Relu", shape=(2, 4))
    with pytest.raises(HwlibError, match=r"batch size 1: fixed\.onnx is made for 2"):
        session.run(path, **QUICK)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seconds": 0}, "seconds 0: expected a number over 0"),
        ({"seconds": float("nan")}, "seconds nan"),
        ({"seconds": "1"}, "seconds '1'"),
        ({"batch_sizes": [0]}, "batch size 0: expected a whole number of at least 1"),
        ({"batch_sizes": [1.5]}, r"batch size 1\.5"),
        ({"batch_sizes": []}, "batch_sizes: expected at least one"),
        ({"scenarios": []}, "scenarios: expected at least one"),
        ({"threads": 0}, "threads 0"),
        ({"latency_ms": -1}, "latency_ms -1"),
        ({"scenarios": ["sever"]}, "unknown scenario 'sever'; did you mean 'server'"),
        ({"runtimes": ["onxruntime"]}, "unknown runtime 'onxruntime'; did you mean 'onnxruntime'"),
        ({"precisions": ["int9"]}, "unknown precision 'int9'; did you mean"),
        ({"precisions": ["fp8"]}, "precision 'fp8': the file is in fp32"),
        ({"shapes": {"img": (1, 3, 16, 16)}}, "unknown input 'img'; did you mean 'image'"),
        ({"shapes": {"image": (1, 3)}}, "expected 4 axes"),
        ({"shapes": {"image": (1, 3, 8, 8)}}, "the file fixes batchx3x16x16"),
        ({"shapes": {"image": (0, 3, 16, 16)}}, "whole numbers of at least 1"),
        ({"out": "rows.txt"}, r"ends in \.csv"),
        ({"out": "/proc/self/nothing/rows.csv"}, "no folder that can be written to"),
        ({"name": "///"}, "expected letters or digits"),
        ({"labelled": "nothing.npz"}, r"nothing\.npz: expected a \.npz file of arrays: No such file"),
        ({"labelled": "good.onnx"}, r"expected a \.npz file of arrays: it is something else"),
        ({"precisions": ["int8"], "calibration": "few.npz"}, r"few\.npz: expected arrays of as many samples each for image; found other"),
    ],
)
def test_a_setting_out_of_its_range(good, settings, sentence):
    np.savez("few.npz", other=np.zeros(3))
    with pytest.raises(HwlibError, match=sentence):
        session.run(good, **QUICK | settings)


def test_a_runtime_that_is_not_there_says_what_to_install(good):
    missing = next(name for name in ("onnxruntime-cuda", "onnxruntime-coreml", "onnxruntime-directml") if name not in runtimes.installed())
    with pytest.raises(HwlibError, match=rf"runtime '{missing}' is not installed; .* brings it\. Installed: .*onnxruntime"):
        session.run(good, **QUICK | {"runtimes": [missing]})
    with pytest.raises(HwlibError, match=r"no_such_library is not installed; `pip install hwlib\[measure\]` brings it"):
        needs.need("no_such_library")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing.onnx"], "nothing.onnx: no such file"),
        (["good.onnx", "--batch-sizes", "0"], "batch sizes '0': expected whole numbers of at least 1"),
        (["good.onnx", "--batch-sizes", "1;2"], "batch sizes '1;2'"),
        (["good.onnx", "--seconds", "0"], "seconds 0.0: expected a number over 0"),
        (["good.onnx", "--shape", "image"], "--shape 'image': expected NAME=VALUE, each name once, such as x=1x3x224x224"),
        (["good.onnx", "--shape", "image=1x3xax16"], "shape of image '1x3xax16': expected whole numbers"),
        (["good.onnx", "--runtime", "openvion"], "unknown runtime 'openvion'; did you mean 'openvino'"),
    ],
)
def test_on_the_command_line_it_is_one_sentence_and_exit_code_2(good, tmp_path, words, sentence):
    done = run("measure", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["good.onnx"]
