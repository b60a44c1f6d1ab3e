"""Every table of the project: columns, type, unit, meaning, allowed values; and `validate`.

Types are those of a Frictionless Table Schema, so that `data/datapackage.json` is made from this page.
"""

from typing import NamedTuple

import pandas as pd

from .errors import HwlibError, unknown

PANDAS_DTYPES = {
    "string": "str",
    "integer": "Int64",
    "number": "float64",
    "date": "datetime64[s]",
}

DEVICE_CLASSES = ("cpu", "gpu", "tpu", "fpga", "npu", "ipu", "asic")
SEGMENTS = ("datacenter", "workstation", "edge", "mobile")
PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp8", "int8", "int4", "fp4")
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
# Text that a spreadsheet would run, a browser would draw, or a terminal would obey.
HOSTILE_TEXT = r"^[=+@\t\r]|<[a-zA-Z/!]|[\x00-\x1f\x7f]"


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


def _text(name, meaning, allowed=(), required=False):
    return Column(name, "string", "", meaning, allowed, required)


def _number(name, unit, meaning, minimum=0, maximum=None):
    return Column(name, "number", unit, meaning, (), False, minimum, maximum or LARGEST.get(unit))


def _count(name, unit, meaning, minimum=1):
    return Column(name, "integer", unit, meaning, (), False, minimum)


def _date(name, meaning):
    return Column(name, "date", "", meaning)


_SOURCE = _text("source_id", "where the figures come from: one or more keys of sources, joined by +", required=True)

SOURCES = Table(
    "sources",
    "Every publisher whose figures are used, with version, licence and credit.",
    ("source_id",),
    (
        _text("source_id", "short key of the source", required=True),
        _text("publisher", "who published the figures", required=True),
        _text("title", "title of the page, repository or package", required=True),
        _text("url_path", "repository and path, package name, or page title"),
        _date("published_on", "day the figures were published or generated"),
        _date("accessed_on", "day they were read for this project"),
        _text("version", "commit, release or round"),
        _text("licence", "licence as stated by the publisher, or 'not stated'", required=True),
        _text("citation", "how to credit the source, in our words", required=True),
    ),
    {},
)

DEVICE_CLASS_TABLE = Table(
    "device_classes",
    "What each class of hardware is good and bad at, in our own words.",
    ("device_class",),
    (
        _text("device_class", "class of hardware", DEVICE_CLASSES, True),
        _text("name", "full name", required=True),
        _text("strengths", "what it does well", required=True),
        _text("weaknesses", "what it does badly", required=True),
        _text("typical_uses", "where it is used", required=True),
        _text("programming_effort", "what it takes to run a model on it", required=True),
        _text("examples", "devices of this class in the tables", required=True),
    ),
    {},
)

DEVICES = Table(
    "devices",
    "Accelerators and CPUs with data-sheet figures; a rate is dense and for matrix units where there are any.",
    ("device_id",),
    (
        _text("device_id", "short key, vendor first", required=True),
        _text("name", "name as people say it", required=True),
        _text("vendor", "who makes it", required=True),
        _text("device_class", "class of hardware", DEVICE_CLASSES, True),
        _text("architecture", "architecture or code name"),
        _text("segment", "where it is meant to run", SEGMENTS),
        _date("released_on", "release day"),
        _number("process_nm", "nm", "manufacturing process"),
        _number("tdp_w", "W", "thermal design power: a bound for cooling, never a measured power"),
        _number("memory_gb", "GB", "memory of the device as marketed"),
        _number("memory_bandwidth_gb_s", "GB/s", "peak memory bandwidth"),
        _number("fp32_tflops", "TFLOPS", "peak FP32 rate without matrix units"),
        _number("fp16_tflops", "TFLOPS", "peak dense FP16 or BF16 rate, matrix units where there are any"),
        _number("int8_tops", "TOPS", "peak dense INT8 rate"),
        _number("fp8_tflops", "TFLOPS", "peak dense FP8 rate"),
        _count("cores", "cores", "CPU cores of one socket"),
        _count("threads", "threads", "hardware threads of one socket"),
        _number("launch_price_usd", "USD", "price at launch, list or as reported"),
        _text("form_factor", "board, module or socket"),
        _SOURCE,
    ),
    {},
)

DEVICE_ALIASES = Table(
    "device_aliases",
    "Every spelling of a device in the sources and the device it means; an empty device says why not.",
    ("alias",),
    (
        _text("alias", "exact spelling in a source", required=True),
        _text("device_id", "the device it means; empty where it deliberately means none"),
        _text("reason", "why it means none, or why this device where the spelling alone does not say"),
    ),
    {"device_id": "devices"},
)

MODELS = Table(
    "models",
    "Networks that were measured; work per sample is for the stated input.",
    ("model_id",),
    (
        _text("model_id", "short key; ends in the input size where that is not the usual one", required=True),
        _text("name", "name as people say it", required=True),
        _text("family", "family of architectures", required=True),
        _text("task", "what it is for", TASKS, True),
        _number("params_m", "million", "parameters"),
        _number("gmacs", "GMAC/sample", "multiply-accumulates of one sample at the stated input"),
        _number("mactivations", "million/sample", "activations of one sample at the stated input"),
        _text("input", "input the work is stated for"),
        _text("accuracy_metric", "metric of accuracy_value"),
        _number("accuracy_value", "", "best published accuracy, in the metric's own unit", None),
        _SOURCE,
    ),
    {},
)

MODEL_ALIASES = Table(
    "model_aliases",
    "Every spelling of a model in the sources and the model it means.",
    ("source", "alias"),
    (
        _text("source", "importer that met the spelling", required=True),
        _text("alias", "exact spelling in the source, with the input where the source keeps it apart", required=True),
        _text("model_id", "the model it means", required=True),
    ),
    {"model_id": "models"},
)

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
    "preview": "MLPerf lists the system as a preview or as research: it may not be for sale",
}

MEASUREMENTS = Table(
    "measurements",
    "One measured figure a row: this model on this device, so configured, gave this throughput and latency.",
    ("measurement_id",),
    (
        _text("measurement_id", "stable key of the row", required=True),
        _text("source_id", "where the figure comes from", required=True),
        _text("source_ref", "place in the source: path, line or result id", required=True),
        _date("measured_on", "day of the measurement, where stated"),
        _text("submitter", "who measured, where that is not the publisher"),
        _text("model_id", "the network", required=True),
        _text("model_name", "the network as the source spells it", required=True),
        _text("variant", "what else pins the row apart, as key=value joined by ;"),
        _text("device_id", "the device that did the work; empty where the name deliberately means none"),
        _text("device_name", "the device as the source spells it"),
        _count("device_count", "devices", "devices used, over all nodes (sockets for a CPU)"),
        _count("node_count", "nodes", "machines used"),
        _text("system", "machine or instance type as the source names it"),
        _text("host_cpu", "host processor as the source spells it"),
        _text("runtime", "framework, engine or server that ran the model"),
        _text("runtime_version", "its version"),
        _text("tuning", "how far the graph was prepared: eager, graph, compiled or a vendor engine", TUNINGS),
        _text("precision", "numeric type of the matrix work; empty where the source does not say which", PRECISIONS),
        _number("sparsity", "share", "share of weights that are zero, where the source states it", 0, 1),
        _text("scenario", "how requests arrived", SCENARIOS, True),
        _count("batch_size", "samples", "samples per call"),
        _count("concurrency", "calls", "calls in flight"),
        _number("throughput_per_s", "1/s", "throughput_unit finished per second by all devices together"),
        _text("throughput_unit", "what is counted per second", THROUGHPUT_UNITS, True),
        _number("latency_ms_mean", "ms", "mean latency of a call"),
        _number("latency_ms_p50", "ms", "median latency of a call"),
        _number("latency_ms_p90", "ms", "90th percentile of latency of a call"),
        _number("latency_ms_p95", "ms", "95th percentile of latency of a call"),
        _number("latency_ms_p99", "ms", "99th percentile of latency of a call"),
        _number("power_w", "W", "measured mean power during the run; never TDP"),
        _text("power_boundary", "what the meter saw", ("system", "device")),
        _text("accuracy_metric", "metric of accuracy_value"),
        _number("accuracy_value", "", "accuracy reported with the figure, in the metric's own unit", None),
        _text("evidence", "how the figure came to be", EVIDENCE, True),
        _text("division", "MLPerf division", ("closed", "open", "network")),
        _text("availability", "MLPerf availability", ("available", "preview", "rdi")),
        _text("log_group", "rows that reuse one run share it"),
        _text("quality_flag", "known faults, words of QUALITY_FLAGS joined by ;"),
    ),
    {"source_id": "sources", "model_id": "models", "device_id": "devices"},
)

LLM_SERVING = Table(
    "llm_serving",
    "One measured way of serving a language model a row: how soon the first token comes, how fast the next ones, how many a second.",
    ("serving_id",),
    (
        _text("serving_id", "stable key of the row", required=True),
        _text("source_id", "where the figure comes from", required=True),
        _text("source_ref", "place in the source: path, line or result id", required=True),
        _date("measured_on", "day of the measurement, where stated"),
        _text("submitter", "who measured, where that is not the publisher"),
        _text("model_id", "the network", required=True),
        _text("model_name", "the network as the source spells it", required=True),
        _text("device_id", "the device that did the work; empty where the name deliberately means none"),
        _text("device_name", "the device as the source spells it"),
        _count("device_count", "devices", "devices used, over all nodes and workers"),
        _text("runtime", "engine that served the model"),
        _text("runtime_version", "its version"),
        _text("precision", "numeric type of the weights; empty where the source does not say which", PRECISIONS),
        _text("mode", "whether prompts and answers are worked on by the same devices or by separate ones", SERVING_MODES),
        _text("parallelism", "how the network is split over devices, as key=value joined by ;"),
        _count("input_tokens", "tokens", "length of the prompt"),
        _count("output_tokens", "tokens", "length of the answer"),
        _text("scenario", "how requests arrived, in MLPerf", SCENARIOS),
        _count("concurrency", "requests", "requests in flight in the whole system"),
        _number("ttft_ms", "ms", "time to the first token: the mean, or the median where only that is stated"),
        _number("ttft_ms_p99", "ms", "99th percentile of the time to the first token"),
        _number("tpot_ms", "ms", "time per output token after the first: the mean, or the median where only that is stated"),
        _number("tpot_ms_p99", "ms", "99th percentile of the time per output token"),
        _number("output_tokens_per_s", "tokens/s", "measured output tokens a second of all devices, prompts included in the time"),
        _text("evidence", "how the figure came to be", EVIDENCE, True),
        _text("log_group", "rows that reuse one run share it"),
        _text("quality_flag", "known faults, words of QUALITY_FLAGS joined by ;"),
    ),
    {"source_id": "sources", "model_id": "models", "device_id": "devices"},
)

PRICES = Table(
    "prices",
    "What a machine costs per hour: whole machines, Linux, without tax, disk and network.",
    ("provider", "region", "instance_type", "pricing", "device_name", "priced_unit", "source_id"),
    (
        _text("provider", "who rents it out", required=True),
        _text("region", "region as the provider names it; empty where the source gives none"),
        _text("instance_type", "machine type as the provider names it", required=True),
        _text("pricing", "terms of renting or buying", PRICINGS, True),
        _number("usd_per_hour", "USD/h", "price of one hour", 0.0001, 2_000),
        _count("vcpus", "vCPU", "virtual CPUs"),
        _number("memory_gib", "GiB", "memory of the machine"),
        _text("host_cpu", "processor as the source spells it"),
        _text("device_id", "accelerator in the machine, or its CPU where it has none"),
        _text("device_name", "accelerator as the source spells it; empty for a CPU machine"),
        _number("device_count", "devices", "accelerators in the machine; a fraction for a slice; empty for a CPU machine"),
        _text("priced_unit", "what the price is for", ("machine", "accelerator"), True),
        _date("as_of", "day of the price list; empty where unknown"),
        _text("quality_flag", "known faults, in words"),
        _SOURCE,
    ),
    {"device_id": "devices"},
)

GRID_CARBON = Table(
    "grid_carbon",
    "Carbon intensity of electricity, location-based average.",
    ("region",),
    (
        _text("region", "country (ISO alpha-3), state, province, zone, or provider:region", required=True),
        _text("region_name", "name in words"),
        _text("region_type", "kind of region", ("country", "us_state", "cn_province", "bidding_zone", "cloud_region", "world"), True),
        _number("gco2e_per_kwh", "g/kWh", "grams of CO2 equivalent per kilowatt-hour at the grid, PUE not included"),
        _count("year", "", "year of the data, where stated", 1990),
        _SOURCE,
    ),
    {},
)

_TABLES = (SOURCES, DEVICE_CLASS_TABLE, DEVICES, DEVICE_ALIASES, MODELS, MODEL_ALIASES, MEASUREMENTS, LLM_SERVING, PRICES, GRID_CARBON)
TABLES = {table.name: table for table in _TABLES}


def table(name):
    """The `Table` called `name`, or an error with the nearest names.

    >>> table("grid_carbon").key
    ('region',)
    """
    if name not in TABLES:
        raise unknown("table", name, TABLES)
    return TABLES[name]


def unit(name):
    """Unit of the column `name` wherever it stands in the tables; empty for none.

    >>> unit("latency_ms_p99")
    'ms'
    """
    for tab in TABLES.values():
        if name in tab.names:
            return tab.column(name).unit
    return ""


def conform(frame, name):
    """`frame` with the columns of table `name`, in file order and of the right dtypes; missing columns are empty.

    Raises
    ------
    HwlibError
        Where the frame has a column that the table has not, or a value of another type.
    """
    tab = table(name)
    for column in frame.columns:
        tab.column(column)
    result = {}
    for column in tab.columns:
        values = frame[column.name] if column.name in frame else pd.Series(None, index=frame.index, dtype="object")
        try:
            result[column.name] = values.astype(PANDAS_DTYPES[column.type])
        except (TypeError, ValueError) as error:
            raise HwlibError(f"{name}.{column.name}: expected {column.type}: {error}") from None
    return pd.DataFrame(result, index=frame.index)


def validate(frame, name):
    """`frame` itself if every value keeps to table `name`; else an error with the row, the column and what was expected.

    Checks required values, allowed words, ranges, finiteness, hostile text and the uniqueness of the key. Rows are
    counted as lines of the CSV file (the header is line 1).

    Raises
    ------
    HwlibError
        At the first fault found.
    """
    tab = table(name)
    for column in tab.columns:
        values = frame[column.name]
        filled = values.notna()
        if column.required:
            _refuse(tab, column, values, ~filled, "a value")
        if column.allowed:
            _refuse(tab, column, values, filled & ~values.isin(column.allowed), "one of " + ", ".join(column.allowed))
        if column.type == "number":
            _refuse(tab, column, values, filled & values.abs().eq(float("inf")), "a finite number")
        if column.minimum is not None:
            _refuse(tab, column, values, filled & (values < column.minimum), f"at least {column.minimum:g}")
        if column.maximum is not None:
            _refuse(tab, column, values, filled & (values > column.maximum), f"at most {column.maximum:g}")
        if column.type == "string":
            hostile = values.str.contains(HOSTILE_TEXT, na=False)
            _refuse(tab, column, values, hostile, "plain text without markup, control characters or a leading = + @")
    repeated = frame.duplicated(list(tab.key), keep="first")
    _refuse(tab, tab.column(tab.key[0]), frame[tab.key[0]], repeated, "a key that stands once: " + ", ".join(tab.key))
    return frame


def _refuse(tab, column, values, faulty, expected):
    faulty = faulty.fillna(False).to_numpy(dtype=bool)
    if faulty.any():
        row = int(faulty.argmax())
        given = values.iloc[row]
        shown = "nothing" if pd.isna(given) else repr(given.item() if hasattr(given, "item") else given)
        raise HwlibError(f"{tab.name}, line {row + 2}, column {column.name}: expected {expected}, found {shown}")
