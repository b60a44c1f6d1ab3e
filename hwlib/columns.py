"""What a table is made of: columns with type, unit and meaning, and the words that some of them are limited to."""

from typing import NamedTuple

from .errors import unknown

DEVICE_CLASSES = ("cpu", "gpu", "tpu", "fpga", "npu", "ipu", "asic")
SEGMENTS = ("datacenter", "workstation", "edge", "mobile")
PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp8", "int8", "int4", "fp4")
# Where an estimate's network and device were met: both apart, the device only, the network only, neither.
BASES = ("seen_both", "seen_device_new_model", "seen_model_new_device", "new_new")
TUNINGS = ("eager", "graph", "compiled", "engine")
SCENARIOS = (
    "offline",
    "server",
    "interactive",
    "single_stream",
    "multi_stream",
    "multi_stream_fixed_rate",
    "batch_loop",
    "concurrent_loop",
)
SERVING_MODES = ("aggregated", "disaggregated")
EVIDENCE = ("audited", "published", "own", "derived", "estimated")
THROUGHPUT_UNITS = ("samples", "tokens", "frames", "audio_samples")
PRICINGS = ("on_demand", "spot", "reserved_1y", "reserved_3y", "reserved_unstated", "purchase")
TASKS = (
    "image_classification",
    "object_detection",
    "image_segmentation",
    "pose_estimation",
    "image_generation",
    "medical_segmentation",
    "language_understanding",
    "translation",
    "text_generation",
    "speech_recognition",
    "speech_synthesis",
    "recommendation",
    "time_series",
    "graph",
    "multimodal",
    "lidar_detection",
    "other",
)

# Operators by kind, as `operators` counts them.
MAC_KINDS = {
    "conv1x1": "1x1 convolutions",
    "convkxk": "larger convolutions",
    "dwconv": "depthwise convolutions",
    "groupconv": "other grouped convolutions",
    "linear": "linear layers",
    "attention": "attention and batched products",
}
CALL_KINDS = {
    "conv": "convolutions",
    "dwconv": "depthwise convolutions",
    "matmul": "matrix products",
    "norm": "normalisations",
    "act": "activation functions",
    "elementwise": "elementwise arithmetic",
    "shape": "views that move no data",
    "other": "anything else",
}
TRAFFIC_KINDS = ("conv", "matmul", "norm", "act", "elementwise", "other")

# Beyond these no device or run has ever been; a figure there is a slip of unit.
LARGEST = {
    "1/s": 1e10,
    "ms": 1e8,
    "W": 1e8,
    "GB": 1e6,
    "GB/s": 1e6,
    "TFLOPS": 1e6,
    "TOPS": 1e6,
    "USD": 1e7,
    "GMAC/sample": 1e9,
    "g/kWh": 5_000,
}
# Known faults of a row: the words of quality_flag in measurements and llm_serving.
QUALITY_FLAGS = {
    "inferred": "computed by the benchmark's rules from the log of another scenario",
    "third_party": "not measured by the publisher; copied there from somewhere else",
    "relative_only": "the publisher calls the timing relative",
    "latency_unordered": "percentiles are not in increasing order in the source",
    "latency_corrected": "a latency was corrected; the importer of the source holds both figures and the reason",
    "throughput_latency_mismatch": "throughput times latency differs from batch times concurrency by more than half or double",
    "count_unstated": "the number of devices used is not stated in the source",
    "count_corrected": "the source declares another number of devices or nodes; the importer counts them anew and says why",
    "count_doubtful": "the number of devices that the source declares is doubtful",
    "superseded": "the publisher no longer shows this figure",
    "repeated_upstream": "the same figures stand under another device, network, precision or list in the source",
    "wide_runs": "repeated runs in the source spread by more than a tenth",
    "device_unstated": "the source does not name the device",
    "device_corrected": "the source describes another machine than the one that ran; the importer names it and says why",
    "partly_elsewhere": "some layers ran on another unit of the chip than the device named",
    "device_proxy": "the publisher measured an equivalent chip in place of the one it names",
    "throughput_from_latency": "the source states only the latency of one call at a time; the throughput is its inverse",
    "latency_under_load": "the source calls the latency that of a single call, but with the throughput it makes several calls in flight",
    "input_doubtful": "the input size that the source states does not fit the rate",
    "accuracy_corrected": "the source prints the accuracy under another name or sign; the importer of the source says which and why",
    "accuracy_doubtful": "the accuracy does not fit that of the same network elsewhere in the source",
    "throughput_corrected": "a throughput was corrected, or left out as another network's; the importer holds both and the reason",
    "setting_inferred": "the source does not state the input size or the precision; the importer says what each is inferred from",
    "community": "reported by users and not by a maker or a benchmark's body: set-ups differ, and host work may be included",
    "upper_bound": "the publisher states the figure as 'up to': a bound and not a typical rate",
    "model_corrected": "the source names another network than the one that ran; the importer names it and says why",
    "concurrency_doubtful": "the source gives two numbers of requests in flight that do not agree",
    "prompt_unstated": "the source does not state the length of the prompt that the time to the first token is for",
    "busy_machine": "other programs took more than a tenth of the processors during a run",
    "preview": "MLPerf lists the system as a preview or as research: it may not be for sale",
}


class Column(NamedTuple):
    """One column: its Frictionless type, unit (empty for none), meaning in words, and its limits."""

    name: str
    type: str
    unit: str
    meaning: str
    allowed: tuple = ()
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None


class Table(NamedTuple):
    """One table: file name without ending, meaning, key columns, columns, and foreign keys (column -> table)."""

    name: str
    meaning: str
    key: tuple
    columns: tuple
    references: dict

    @property
    def names(self):
        """The column names in file order."""
        return [column.name for column in self.columns]

    def column(self, name):
        """The column called `name`, or an error with the nearest names."""
        for column in self.columns:
            if column.name == name:
                return column
        raise unknown(f"column of {self.name}", name, self.names)


def text(name, meaning, allowed=(), required=False):
    """A column of text, of any or of the `allowed` words."""
    return Column(name, "string", "", meaning, allowed, required)


def number(name, unit, meaning, minimum=0, maximum=None):
    """A column of numbers in `unit`, by default from 0 to the `LARGEST` of that unit."""
    return Column(name, "number", unit, meaning, (), False, minimum, maximum or LARGEST.get(unit))


def count(name, unit, meaning, minimum=1):
    """A column of whole numbers, by default from 1."""
    return Column(name, "integer", unit, meaning, (), False, minimum)


def date(name, meaning):
    """A column of days."""
    return Column(name, "date", "", meaning)
