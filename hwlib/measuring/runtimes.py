"""The runtimes that this machine has, each as one way to call a network."""

from collections.abc import Callable
from typing import NamedTuple

from ..errors import HwlibError, unknown
from .needs import INSTALL, need
from .network import one_line


class Runtime(NamedTuple):
    """A library, the provider or device in it, what to install for it, the kind of device that works, and whether it says in which type."""

    library: str
    unit: str
    install: str
    device_class: str
    keeps_type: bool = True


_ORT_GPU = "`pip install onnxruntime-gpu`"
RUNTIMES = {
    "onnxruntime": Runtime("onnxruntime", "CPUExecutionProvider", INSTALL, "cpu"),
    "onnxruntime-cuda": Runtime("onnxruntime", "CUDAExecutionProvider", _ORT_GPU, "gpu"),
    "onnxruntime-tensorrt": Runtime("onnxruntime", "TensorrtExecutionProvider", f"{_ORT_GPU} and TensorRT", "gpu", False),
    "onnxruntime-directml": Runtime("onnxruntime", "DmlExecutionProvider", "`pip install onnxruntime-directml`", "gpu"),
    "onnxruntime-coreml": Runtime("onnxruntime", "CoreMLExecutionProvider", "onnxruntime on macOS", "npu", False),
    "openvino": Runtime("openvino", "CPU", INSTALL, "cpu"),
    "openvino-gpu": Runtime("openvino", "GPU", f"{INSTALL} and the driver of an Intel GPU", "gpu"),
    "openvino-npu": Runtime("openvino", "NPU", f"{INSTALL} and the driver of an Intel NPU", "npu", False),
}
# CUDA would round fp32 to tf32 by itself.
PROVIDER_OPTIONS = {"CUDAExecutionProvider": {"use_tf32": "0"}}
# OpenVINO may compute in a narrower type than the file holds if it is not told; ONNX Runtime keeps to the file.
OPENVINO_TYPES = {"fp32": "f32", "fp16": "f16", "bf16": "bf16", "int8": "f32"}
LOG_NOTHING = 4
OUT_OF_MEMORY = ("allocate", "bad_alloc", "out of memory", "not enough memory")


class Engine(NamedTuple):
    """A network made ready by a runtime: `call` runs one feed and gives its outputs, `many` runs a list of feeds as fast as it can."""

    runtime: str
    version: str
    tuning: str
    device_class: str
    concurrency: int
    call: Callable
    many: Callable


def installed():
    """The runtimes that can run here, by the names that `hwlib measure --runtime` takes.

    >>> "onnxruntime" in installed()
    True
    """
    offers = {"onnxruntime": _providers(), "openvino": _devices()}
    return [name for name, runtime in RUNTIMES.items() if runtime.unit in offers[runtime.library]]


def check(names):
    """Raise `HwlibError` for a runtime that nobody knows or that is not installed, saying what to install."""
    here = installed()
    for name in names:
        if name not in RUNTIMES:
            raise unknown("runtime", name, RUNTIMES)
        if name not in here:
            raise HwlibError(f"runtime {name!r} is not installed; {RUNTIMES[name].install} brings it. Installed: {', '.join(here)}")


def able(runtime, precision, own):
    """Whether `runtime` can run in `precision` a file that is in `own`.

    >>> able("onnxruntime", "int8", "fp32"), able("onnxruntime", "bf16", "fp32")
    (True, False)
    """
    if precision == own or (precision == "int8" and own == "fp32"):
        return True
    known = RUNTIMES[runtime]
    return known.library == "openvino" and own == "fp32" and known.keeps_type and _supports(known.unit, precision)


def worked_in(runtime, precision):
    """The type that the matrix work is really done in where `precision` was asked for; None where the runtime does not tell.

    >>> worked_in("onnxruntime", "fp32"), worked_in("onnxruntime", "fp16")
    ('fp32', None)
    """
    known = RUNTIMES[runtime]
    if not known.keeps_type:
        return None
    # On a processor half precision is often only how weights are stored.
    if precision in ("fp16", "bf16") and known.device_class == "cpu":
        return precision if known.library == "openvino" and _supports(known.unit, precision) else None
    return precision


def _supports(unit, precision):
    """Whether OpenVINO's device `unit` computes in `precision`."""
    return precision.upper() in need("openvino").Core().get_property(unit, "OPTIMIZATION_CAPABILITIES")


def opened(runtime, path, shapes, precision, *, threads=None, throughput=False):
    """The ONNX file `path` made ready by `runtime` as an `Engine`.

    Parameters
    ----------
    runtime : str
        A name of `RUNTIMES`.
    path : path
    shapes : dict
        Input -> shape.
    precision : str
        A word of `measurements.precision`.
    threads : int, optional
        Processor threads that one call may use; the runtime's own choice if not given.
    throughput : bool
        Whether to be made ready for many calls at once rather than for one.

    Raises
    ------
    HwlibError
        Where the runtime cannot run the network, in its own words.
    """
    known = RUNTIMES[runtime]
    start = _open_onnxruntime if known.library == "onnxruntime" else _open_openvino
    try:
        version, tuning, concurrency, call, many = start(path, known.unit, shapes, precision, threads, throughput)
    except HwlibError:
        raise
    except Exception as error:  # the runtimes raise types of their own
        raise fault(f"{runtime} cannot run {path.name}", error) from None
    return Engine(runtime, version, tuning, known.device_class, concurrency, call, many)


def fault(what, error):
    """The runtime's `error` as an `HwlibError` of one sentence that begins with `what`."""
    text = str(error)
    if isinstance(error, MemoryError) or any(word in text.lower() for word in OUT_OF_MEMORY):
        return HwlibError(f"{what}: out of memory; try a smaller batch size or shape")
    return HwlibError(f"{what}: {one_line(error)}")


def session(source, *, optimised=True, threads=None, provider="CPUExecutionProvider", profile=None, folder=None):
    """An ONNX Runtime session for `source`, a path or the bytes of a graph, that prints nothing.

    Parameters
    ----------
    source : path or bytes
    optimised : bool
        Whether nodes may be fused and folded.
    threads : int, optional
    provider : str
    profile : path, optional
        Where the times and shapes of each node go.
    folder : path, optional
        Where the weights lie that bytes leave out.
    """
    ort = need("onnxruntime")
    options = ort.SessionOptions()
    options.log_severity_level = LOG_NOTHING
    options.intra_op_num_threads = threads or 0
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", "1")
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    if folder:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    chain = [(provider, PROVIDER_OPTIONS.get(provider, {}))]
    if provider != "CPUExecutionProvider":
        chain.append("CPUExecutionProvider")
    made = ort.InferenceSession(source if isinstance(source, bytes) else str(source), options, providers=chain)
    if made.get_providers()[0] != provider:
        raise HwlibError(f"ONNX Runtime offers {provider} but could not start it; its driver or library is missing")
    return made


def _open_onnxruntime(path, unit, shapes, precision, threads, throughput):
    ort = need("onnxruntime")
    made = session(path, threads=threads, provider=unit)

    def call(feed):
        return made.run(None, feed)

    def many(feeds):
        for feed in feeds:
            made.run(None, feed)

    return ort.__version__, "engine" if unit == "TensorrtExecutionProvider" else "graph", 1, call, many


def _open_openvino(path, unit, shapes, precision, threads, throughput):
    openvino = need("openvino")
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape({name: list(shape) for name, shape in shapes.items()})
    settings = {"PERFORMANCE_HINT": "THROUGHPUT" if throughput else "LATENCY"}
    if unit != "NPU":
        settings["INFERENCE_PRECISION_HINT"] = OPENVINO_TYPES.get(precision, "f32") if _supports(unit, precision) else "f32"
    if threads and unit == "CPU":
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled = core.compile_model(model, unit, settings)
    version = openvino.get_version().split("-")[0]
    if throughput:
        queue = openvino.AsyncInferQueue(compiled)
        return version, "engine", len(queue), None, _streamed(queue)
    request = compiled.create_infer_request()

    def call(feed):
        return list(request.infer(feed, share_inputs=True, share_outputs=True).values())

    return version, "engine", 1, call, None


def _streamed(queue):
    def many(feeds):
        for feed in feeds:
            queue.start_async(feed, share_inputs=True)
        queue.wait_all()

    return many


def _providers():
    try:
        return need("onnxruntime").get_available_providers()
    except HwlibError:
        return []


def _devices():
    try:
        devices = need("openvino").Core().available_devices
    except HwlibError:
        return []
    return {device.split(".")[0] for device in devices}
