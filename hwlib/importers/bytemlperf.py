"""ByteMLPerf's reports of general models on Graphcore, Habana, Moffett and Stream Computing cards: one measurement a report row."""

import pandas as pd

from .. import units
from . import tidy

SOURCE = "bytemlperf"
FOLDER = "bytemlperf"
FILE = "bytemlperf_general.csv"

TEXTS = ["device", "host_cpu", "model", "dataset", "precision", "runtime", "accuracy_metric", "source_path"]
NUMBERS = {
    "sparsity_ratio": "sparsity",
    "throughput_per_s": "throughput_per_s",
    "latency_ms": "latency_ms_mean",
    "latency_p99_ms": "latency_ms_p99",
}
COUNTS = ["batch_size", "device_count"]

# Two types in one build: which of them the matrix units used is not said.
PRECISIONS = {"fp16": "fp16", "fp8": "fp8", "bf16": "bf16", "int8": "int8", "int8/bf16": ""}
# Metric as printed -> ours, and how many of ours one printed unit is.
METRICS = {"F1 Score": ("f1", 1), "Top-1": ("top1_percent", units.PERCENT), "Mean Diff": ("mean_difference", 1)}
# Its harness keeps several batches under way, so that rate x latency exceeds the batch in all but one row.
OVERLAPPING = "IPU"
TOLERANCE = 0.05


def read(folder):
    """Every report row as `measurements` (samples/s; ms a batch)."""
    raw = tidy.read_upstream(folder / FILE, [*TEXTS, *NUMBERS, *COUNTS, "accuracy_value", "subgraph_coverage_pct"])
    backend = raw["runtime"].str.extract(r"backend (\w+)$")[0]
    rows = pd.DataFrame({ours: tidy.number(raw, theirs, FILE) for theirs, ours in NUMBERS.items()})
    rows = rows.assign(**{column: tidy.count(raw, column, FILE, 1) for column in COUNTS})
    alone = ((tidy.calls_in_flight(rows) - 1).abs() <= TOLERANCE) & (backend != OVERLAPPING)
    metric = tidy.mapped(raw, "accuracy_metric", METRICS, FILE)
    accuracy = tidy.significant(tidy.number(raw, "accuracy_value", FILE) * metric.str[1].astype("float64"), 7)
    rows = rows.assign(
        source_id=SOURCE,
        source_ref=raw["source_path"],
        model_name=raw["model"],
        variant=_variant(raw, backend),
        device_name=raw["device"],
        host_cpu=raw["host_cpu"],
        runtime="bytemlperf",
        tuning="engine",
        precision=tidy.mapped(raw, "precision", PRECISIONS, FILE),
        scenario=alone.map({True: "batch_loop", False: "concurrent_loop"}),
        concurrency=alone.map({True: 1}),
        throughput_unit="samples",
        accuracy_metric=metric.str[0].where(accuracy.notna()),
        accuracy_value=accuracy,
        evidence="published",
        quality_flag=tidy.joined({"count_unstated": rows["device_count"].isna()}),
    )
    return {"measurements": rows.mask(rows == "")}


def _variant(raw, backend):
    """What pins a row apart as key=value; a share of the graph is said where the host ran the rest."""
    covered = raw["subgraph_coverage_pct"].where(tidy.number(raw, "subgraph_coverage_pct", FILE) < units.PERCENT)
    mixed = raw["precision"].where(raw["precision"].str.contains("/")).str.replace("/", "+")
    pairs = {"backend": backend, "dataset": raw["dataset"], "types": mixed, "graph_on_device_percent": covered}
    cells = pd.DataFrame({key: key + "=" + values for key, values in pairs.items()})
    return cells.apply(lambda row: ";".join(row.dropna()), axis=1)
