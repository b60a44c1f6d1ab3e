"""Every table of the project: columns, type, unit, meaning, allowed values; and `validate`.

Types are those of a Frictionless Table Schema, so that `data/datapackage.json` is made from this page.
"""

import pandas as pd

from .columns import (
    BASES,
    CALL_KINDS,
    DEVICE_CLASSES,
    EVIDENCE,
    MAC_KINDS,
    PRECISIONS,
    PRICINGS,
    SCENARIOS,
    SEGMENTS,
    SERVING_MODES,
    TASKS,
    THROUGHPUT_UNITS,
    TRAFFIC_KINDS,
    TUNINGS,
    Table,
    count,
    date,
    number,
    text,
)
from .errors import HwlibError, unknown

PANDAS_DTYPES = {
    "string": "str",
    "integer": "Int64",
    "number": "float64",
    "date": "datetime64[s]",
}

# Text that a spreadsheet would run, a browser would draw, or a terminal would obey.
HOSTILE_TEXT = r"^[=+@\t\r]|<[a-zA-Z/!]|[\x00-\x1f\x7f]"

_SOURCE = text("source_id", "where the figures come from: one or more keys of sources, joined by +", required=True)

SOURCES = Table(
    "sources",
    "Every publisher whose figures are used, with version, licence and credit.",
    ("source_id",),
    (
        text("source_id", "short key of the source", required=True),
        text("publisher", "who published the figures", required=True),
        text("title", "title of the page, repository or package", required=True),
        text("url_path", "repository and path, package name, or page title"),
        date("published_on", "day the figures were published or generated"),
        date("accessed_on", "day they were read for this project"),
        text("version", "commit, release or round"),
        text("licence", "licence as stated by the publisher, or 'not stated'", required=True),
        text("citation", "how to credit the source, in our words", required=True),
    ),
    {},
)

DEVICE_CLASS_TABLE = Table(
    "device_classes",
    "What each class of hardware is good and bad at, in our own words.",
    ("device_class",),
    (
        text("device_class", "class of hardware", DEVICE_CLASSES, True),
        text("name", "full name", required=True),
        text("strengths", "what it does well", required=True),
        text("weaknesses", "what it does badly", required=True),
        text("typical_uses", "where it is used", required=True),
        text("programming_effort", "what it takes to run a model on it", required=True),
        text("examples", "devices of this class in the tables", required=True),
    ),
    {},
)

DEVICES = Table(
    "devices",
    "Accelerators and CPUs with data-sheet figures; a rate is dense and for matrix units where there are any.",
    ("device_id",),
    (
        text("device_id", "short key, vendor first", required=True),
        text("name", "name as people say it", required=True),
        text("vendor", "who makes it", required=True),
        text("device_class", "class of hardware", DEVICE_CLASSES, True),
        text("architecture", "architecture or code name"),
        text("segment", "where it is meant to run", SEGMENTS),
        date("released_on", "release day"),
        number("process_nm", "nm", "manufacturing process"),
        number("tdp_w", "W", "thermal design power: a bound for cooling, never a measured power"),
        number("memory_gb", "GB", "memory of the device as marketed"),
        number("memory_bandwidth_gb_s", "GB/s", "peak memory bandwidth"),
        number("fp32_tflops", "TFLOPS", "peak FP32 rate without matrix units"),
        number("fp16_tflops", "TFLOPS", "peak dense FP16 or BF16 rate, matrix units where there are any"),
        number("int8_tops", "TOPS", "peak dense INT8 rate"),
        number("fp8_tflops", "TFLOPS", "peak dense FP8 rate"),
        count("cores", "cores", "CPU cores of one socket"),
        count("threads", "threads", "hardware threads of one socket"),
        number("launch_price_usd", "USD", "price at launch, list or as reported"),
        text("form_factor", "board, module or socket"),
        _SOURCE,
    ),
    {},
)

DEVICE_ALIASES = Table(
    "device_aliases",
    "Every spelling of a device in the sources and the device it means; an empty device says why not.",
    ("alias",),
    (
        text("alias", "exact spelling in a source", required=True),
        text("device_id", "the device it means; empty where it deliberately means none"),
        text("reason", "why it means none, or why this device where the spelling alone does not say"),
    ),
    {"device_id": "devices"},
)

MODELS = Table(
    "models",
    "Networks that were measured; work per sample is for the stated input.",
    ("model_id",),
    (
        text("model_id", "short key; ends in the input size where that is not the usual one", required=True),
        text("name", "name as people say it", required=True),
        text("family", "family of architectures", required=True),
        text("task", "what it is for", TASKS, True),
        number("params_m", "million", "parameters"),
        number("gmacs", "GMAC/sample", "multiply-accumulates of one sample at the stated input"),
        number("mactivations", "million/sample", "activations of one sample at the stated input"),
        text("input", "input the work is stated for"),
        text("accuracy_metric", "metric of accuracy_value"),
        number("accuracy_value", "", "best published accuracy, in the metric's own unit", None),
        _SOURCE,
    ),
    {},
)

MODEL_ALIASES = Table(
    "model_aliases",
    "Every spelling of a model in the sources and the model it means.",
    ("source", "alias"),
    (
        text("source", "importer that met the spelling", required=True),
        text("alias", "exact spelling in the source, with the input where the source keeps it apart", required=True),
        text("model_id", "the model it means", required=True),
    ),
    {"model_id": "models"},
)

OPERATORS = Table(
    "operators",
    "What one sample of a network makes the device do, counted by kind of operator on the eager graph.",
    ("model_id",),
    (
        text("model_id", "the network", required=True),
        *(number(f"gmacs_{kind}", "GMAC/sample", f"multiply-accumulates in {what}") for kind, what in MAC_KINDS.items()),
        *(count(f"ops_{kind}", "calls", f"calls of {what}: launches before fusion", 0) for kind, what in CALL_KINDS.items()),
        *(number(f"melements_{kind}", "million/sample", f"elements read and written by {CALL_KINDS[kind]}") for kind in TRAFFIC_KINDS),
        _SOURCE,
    ),
    {"model_id": "models"},
)

# What a measured row says first and last, of whichever kind it is.
_ORIGIN = (
    text("source_id", "where the figure comes from", required=True),
    text("source_ref", "place in the source: path, line or result id", required=True),
    date("measured_on", "day of the measurement, where stated"),
    text("submitter", "who measured, where that is not the publisher"),
    text("model_id", "the network", required=True),
    text("model_name", "the network as the source spells it", required=True),
)
_DEVICE = (
    text("device_id", "the device that did the work; empty where the name deliberately means none"),
    text("device_name", "the device as the source spells it"),
    count("device_count", "devices", "devices used, over all nodes and workers (sockets for a CPU)"),
)
_EVIDENCE = text("evidence", "how the figure came to be", EVIDENCE, True)
_CARE = (
    text("log_group", "rows that reuse one run share it"),
    text("quality_flag", "known faults, words of QUALITY_FLAGS joined by ;"),
)

MEASUREMENTS = Table(
    "measurements",
    "One measured figure a row: this model on this device, so configured, gave this throughput and latency.",
    ("measurement_id",),
    (
        text("measurement_id", "stable key of the row", required=True),
        *_ORIGIN,
        text("variant", "what else pins the row apart, as key=value joined by ;"),
        *_DEVICE,
        count("node_count", "nodes", "machines used"),
        text("system", "machine or instance type as the source names it"),
        text("host_cpu", "host processor as the source spells it"),
        text("runtime", "framework, engine or server that ran the model"),
        text("runtime_version", "its version"),
        text("tuning", "how far the graph was prepared: eager, graph, compiled or a vendor engine", TUNINGS),
        text("precision", "numeric type of the matrix work; empty where the source does not say which", PRECISIONS),
        number("sparsity", "share", "share of weights that are zero, where the source states it", 0, 1),
        text("scenario", "how requests arrived", SCENARIOS, True),
        count("batch_size", "samples", "samples per call"),
        count("concurrency", "calls", "calls in flight"),
        number("throughput_per_s", "1/s", "throughput_unit finished per second by all devices together"),
        text("throughput_unit", "what is counted per second", THROUGHPUT_UNITS, True),
        number("latency_ms_mean", "ms", "mean latency of a call"),
        number("latency_ms_p50", "ms", "median latency of a call"),
        number("latency_ms_p90", "ms", "90th percentile of latency of a call"),
        number("latency_ms_p95", "ms", "95th percentile of latency of a call"),
        number("latency_ms_p99", "ms", "99th percentile of latency of a call"),
        number("power_w", "W", "measured mean power during the run; never TDP"),
        text("power_boundary", "what the meter saw", ("system", "device")),
        text("accuracy_metric", "metric of accuracy_value"),
        number("accuracy_value", "", "accuracy reported with the figure, in the metric's own unit", None),
        _EVIDENCE,
        text("division", "MLPerf division", ("closed", "open", "network")),
        text("availability", "MLPerf availability", ("available", "preview", "rdi")),
        *_CARE,
    ),
    {"source_id": "sources", "model_id": "models", "device_id": "devices"},
)

LLM_SERVING = Table(
    "llm_serving",
    "One measured way of serving a language model a row: how soon the first token comes, how fast the next ones, how many a second.",
    ("serving_id",),
    (
        text("serving_id", "stable key of the row", required=True),
        *_ORIGIN,
        *_DEVICE,
        text("runtime", "engine that served the model"),
        text("runtime_version", "its version"),
        text("precision", "numeric type of the weights; empty where the source does not say which", PRECISIONS),
        text("mode", "whether prompts and answers are worked on by the same devices or by separate ones", SERVING_MODES),
        text("parallelism", "how the network is split over devices, as key=value joined by ;"),
        count("input_tokens", "tokens", "length of the prompt"),
        count("output_tokens", "tokens", "length of the answer"),
        text("scenario", "how requests arrived, in MLPerf", SCENARIOS),
        count("concurrency", "requests", "requests in flight in the whole system"),
        number("ttft_ms", "ms", "time to the first token: the mean, or the median where only that is stated"),
        number("ttft_ms_p99", "ms", "99th percentile of the time to the first token"),
        number("tpot_ms", "ms", "time per output token after the first: the mean, or the median where only that is stated"),
        number("tpot_ms_p99", "ms", "99th percentile of the time per output token"),
        number("output_tokens_per_s", "tokens/s", "measured output tokens a second of all devices, prompts included in the time"),
        _EVIDENCE,
        *_CARE,
    ),
    {"source_id": "sources", "model_id": "models", "device_id": "devices"},
)

ESTIMATE_ERROR = Table(
    "estimate_error",
    "How wrong estimates are on measured cells that the fit never saw, by grouped eight-fold cross-validation.",
    ("basis", "device_class", "source", "detail", "calibration"),
    (
        text("basis", "whether the network's family, the device, or both were left out of the fit", BASES, True),
        text("device_class", "class of hardware, or all", (*DEVICE_CLASSES, "all"), True),
        text("source", "who measured so, releases and rounds together, or all", required=True),
        text(
            "detail",
            "whether operators were counted or are those of a typical network; how much the data sheet states; or all",
            required=True,
        ),
        text("calibration", "none, or one measurement of each network on another device", ("none", "one_point"), True),
        count("n", "cells", "cells predicted"),
        count("groups", "groups", "families, devices or pairs left out in turn"),
        number("median_ape", "%", "median absolute percentage error of the throughput"),
        number("p90_ape", "%", "its 90th percentile"),
        number("within_10", "%", "share of cells within 10 %", 0, 100),
        number("within_25", "%", "share of cells within 25 %", 0, 100),
        number("coverage_90", "%", "share of cells inside the 90 % interval that the other folds give", 0, 100),
        number("width_90", "ratio", "median of the interval's upper end over its lower"),
        number("log_low", "ln ratio", "natural log of the interval's lower end over the estimate", None),
        number("log_high", "ln ratio", "natural log of the interval's upper end over the estimate", None),
        number(
            "spearman",
            "rank correlation",
            "median over devices and stacks of the rank correlation of estimated and measured throughput",
            -1,
            1,
        ),
        number("regret_percent", "%", "median extra cost of an inference on the device that estimates choose over the cheapest"),
        number("median_ape_uncalibrated", "%", "median error of the same cells without the one measurement"),
    ),
    {},
)

PRICES = Table(
    "prices",
    "What a machine costs per hour: whole machines, Linux, without tax, disk and network.",
    ("provider", "region", "instance_type", "pricing", "device_name", "priced_unit", "source_id"),
    (
        text("provider", "who rents it out", required=True),
        text("region", "region as the provider names it; empty where the source gives none"),
        text("instance_type", "machine type as the provider names it", required=True),
        text("pricing", "terms of renting or buying", PRICINGS, True),
        number("usd_per_hour", "USD/h", "price of one hour", 0.0001, 2_000),
        count("vcpus", "vCPU", "virtual CPUs"),
        number("memory_gib", "GiB", "memory of the machine"),
        text("host_cpu", "processor as the source spells it"),
        text("device_id", "accelerator in the machine, or its CPU where it has none"),
        text("device_name", "accelerator as the source spells it; empty for a CPU machine"),
        number("device_count", "devices", "accelerators in the machine; a fraction for a slice; empty for a CPU machine"),
        text("priced_unit", "what the price is for", ("machine", "accelerator"), True),
        date("as_of", "day of the price list; empty where unknown"),
        text("quality_flag", "known faults, in words"),
        _SOURCE,
    ),
    {"device_id": "devices"},
)

GRID_CARBON = Table(
    "grid_carbon",
    "Carbon intensity of electricity, location-based average.",
    ("region",),
    (
        text("region", "country (ISO alpha-3), state, province, zone, or provider:region", required=True),
        text("region_name", "name in words"),
        text("region_type", "kind of region", ("country", "us_state", "cn_province", "bidding_zone", "cloud_region", "world"), True),
        number("gco2e_per_kwh", "g/kWh", "grams of CO2 equivalent per kilowatt-hour at the grid, PUE not included"),
        count("year", "", "year of the data, where stated", 1990),
        _SOURCE,
    ),
    {},
)

_TABLES = (
    SOURCES,
    DEVICE_CLASS_TABLE,
    DEVICES,
    DEVICE_ALIASES,
    MODELS,
    MODEL_ALIASES,
    OPERATORS,
    MEASUREMENTS,
    LLM_SERVING,
    ESTIMATE_ERROR,
    PRICES,
    GRID_CARBON,
)
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
