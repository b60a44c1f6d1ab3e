"""MLPerf Inference, rounds v0.5 to v5.1: one measurement for each row of the nine round files."""

from pathlib import Path

import pandas as pd

from .. import units
from . import mlperf_declared, mlperf_llm, tidy

SOURCE = "mlperf"
FOLDER = "mlperf-inference"
BRATS_ROUNDS = ("v0.7", "v1.0", "v1.1")
ROUNDS = ("v0.5", "v0.7", "v1.0", "v1.1", "v2.0", "v2.1", "v3.0", "v4.1", "v5.1")

IDENTITY = ["round", "division", "submitter", "availability", "system", "system_name", "result_id", "log_blob", "location"]
HARDWARE = ["host_processor", "host_memory", "accelerator", "accelerators_per_node", "accelerator_memory"]
SOFTWARE = ["model", "scenario", "framework", "weight_data_types", "weight_transformations", "accuracy", "result_unit"]
PERCENTILES = {f"latency_ms_{name}": f"{name}_ns" for name in ("p50", "p90", "p95", "p99")}
LATENCIES = {"latency_ms_mean": "mean_latency_ns", **PERCENTILES}
COUNTS = ["number_of_nodes", "host_processors_per_node", "inferred"]
FIGURES = ["result", "result_run_min", "result_run_max", "samples_per_s", "power_avg_w", *LATENCIES.values()]

SCENARIOS = {
    "Offline": "offline",
    "Server": "server",
    "Interactive": "interactive",
    "SingleStream": "single_stream",
    "MultiStream": "multi_stream",
}
MULTI_STREAM_SAMPLES = 8
WIDE = 1.1
# Until v1.0 MultiStream asked how many samples a query may hold at a fixed pace; that is told by its unit.
FIXED_RATE_UNIT = "samples/query"

RATE_UNITS = {"tokens/s": "tokens", **dict.fromkeys(["samples/s", "queries/s", "ms", FIXED_RATE_UNIT], "samples")}

METRICS = "acc|wer_acc|f1|map|auc|dice|bleu|rouge1|rougel|clip_score|exact_match"
METRIC_NAMES = {"acc": "top1", "wer_acc": "wer_accuracy"}

# Names that mean several devices, told apart by the memory declared with them.
VAGUE_ACCELERATORS = ("NVIDIA A100-PCIe", "NVIDIA A100-SXM4", "NVIDIA Xavier")
# Chips whose clusters or cores were declared as sockets; none of them was ever built with two.
SINGLE_SOCKET = ("ARMv8 Processor rev 1 (v8l)", "Apple M1 Pro", "Cortex-A72")
# In v2.0 most runs of two boards carry the description of another one. Their latencies tell that the folder's name is right:
# the Odroid's repeat its own of v2.1 (medians within 3 %), and the Pi 3's are 18 times those of the Pi 4 it is described as.
WRONGLY_DESCRIBED = {
    "odroid-": (
        "Odroid N2+ (odroid)",
        "Amlogic S922X (12nm): Arm Cortex-A73 MP4 (big); Arm Cortex-A53 MP2 (LITTLE)",
        "Arm Mali-G52 MP6 GPU",
    ),
    "rpi3-": ("Raspberry Pi 3 Model B Rev 1.2 (rpi3)", "BCM2837 Arm Cortex-A53 r0p4", ""),
}


def read(folder):
    """All rows of the nine round files in `folder` as `measurements`, language models as `llm_serving` too; times in ms, power in W.

    Raises
    ------
    HwlibError
        With file, line, column and value, where a file is not as its round's was.
    """
    rounds = [_round(Path(folder) / f"{name}.csv") for name in ROUNDS]
    tables = {
        "measurements": [measured for _, measured in rounds],
        "llm_serving": [mlperf_llm.serving(raw, measured) for raw, measured in rounds],
    }
    return {name: pd.concat(frames, ignore_index=True) for name, frames in tables.items()}


def _round(path):
    """The round file at `path` as it stands, its figures as numbers, and its rows as `measurements`."""
    figures = COUNTS + FIGURES + list(mlperf_llm.LATENCIES.values())
    raw = tidy.read_upstream(path, IDENTITY + HARDWARE + SOFTWARE + figures)
    raw = raw.assign(**{column: tidy.number(raw, column, path.name) for column in figures})
    tidy.refuse(raw, "result", raw["result"].isna(), path.name, "a number")
    return raw, measurements(raw, path.name)


def measurements(raw, file):
    """The rows of `raw`, a frame in the columns of a round file with its figures as numbers, as rows of `measurements`."""
    raw, redescribed = _true_boards(raw)
    scenario = tidy.mapped(raw, "scenario", SCENARIOS, file).mask(raw["result_unit"] == FIXED_RATE_UNIT, "multi_stream_fixed_rate")
    counts, corrected, doubtful = _counts(raw, file)
    latencies, stack = _latencies(raw, scenario), mlperf_declared.stack(raw, file)
    frame = pd.concat([_identity(raw), counts, stack, _load(raw, scenario, file), latencies, _quality(raw)], axis=1)
    frame["quality_flag"] = tidy.joined(
        {
            "inferred": raw["inferred"] == 1,
            "wide_runs": raw["result_run_max"] > raw["result_run_min"] * WIDE,
            "count_corrected": corrected,
            "count_doubtful": doubtful,
            "device_unstated": frame["device_name"].isna(),
            "device_corrected": redescribed,
            "latency_unordered": (latencies[list(PERCENTILES)].diff(axis=1) < 0).any(axis=1),
        }
    )
    return frame


def _true_boards(raw):
    """`raw` with the wrong descriptions of `WRONGLY_DESCRIBED` mended, and where that was done."""
    raw, mended = raw.copy(), pd.Series(False, index=raw.index)
    for prefix, (name, cpu, gpu) in WRONGLY_DESCRIBED.items():
        wrong = (raw["round"] == "v2.0") & raw["system"].str.startswith(prefix) & (raw["host_processor"] != cpu)
        raw.loc[wrong, ["system_name", "host_processor"]] = [name, cpu]
        raw.loc[wrong & raw["accelerator"].notna(), "accelerator"] = gpu
        mended |= wrong
    return raw, mended


def _identity(raw):
    return raw[["submitter", "division", "availability"]].assign(
        source_id="mlperf-" + raw["round"],
        source_ref=raw["location"].where(raw["result_id"].isna(), raw["result_id"] + " " + raw["location"]),
        model_name=raw["model"].mask(_brats(raw), raw["model"] + " [BraTS]").mask(_alibabas(raw), raw["model"] + " [Alibaba]"),
        device_name=_device_name(raw),
        system=raw["system_name"].fillna(raw["system"]),
        host_cpu=raw["host_processor"],
        evidence=raw["division"].map(lambda word: "audited" if word == "closed" else "published"),
        log_group=raw["round"] + "-" + raw["log_blob"],
    )


def _brats(raw):
    """Where "3d-unet" is the network of the BraTS data, which another one on KiTS replaced in v2.0."""
    return raw["model"].str.startswith("3d-unet") & raw["round"].isin(BRATS_ROUNDS)


def _alibabas(raw):
    """Where Alibaba's open entry is another network under the old name: ResNet-50's work at its rate is 1.9 times the peak of a T4."""
    return (raw["submitter"] == "Alibaba") & (raw["division"] == "open") & (raw["round"] == "v1.0") & raw["model"].str.startswith("resnet")


def _device_name(raw):
    shared = raw["accelerator_memory"].str.lower() == "shared with host"
    memory = raw["accelerator_memory"].mask(shared, raw["host_memory"]).str.replace(r"\s*GB$", " GB", regex=True)
    vague = raw["accelerator"].isin(VAGUE_ACCELERATORS) & memory.notna()
    return raw["accelerator"].mask(vague, raw["accelerator"] + " [" + memory + "]").fillna(raw["host_processor"])


def _counts(raw, file):
    """Devices and nodes of each row, where what was declared was corrected, and where it stays doubtful."""
    on_cpu, slices = raw["accelerator"].isna(), raw["accelerator"].str.contains(r"x1g\.", na=False)
    # Mixed clusters declare one number a kind of node, as (8,4).
    whole = raw[["accelerators_per_node"]].mask(raw["accelerators_per_node"].str.startswith("("))
    cards = tidy.number(whole, "accelerators_per_node", file)
    sockets = raw["host_processors_per_node"]
    single = on_cpu & raw["host_processor"].isin(SINGLE_SOCKET) & (sockets > 1)
    # Twice the nodes of the folder's name at the rate of one: v3.0 HPE and Quanta.
    one_node = on_cpu & raw["system"].str.startswith("1-node-") & (raw["number_of_nodes"] > 1)
    # A run of one MIG slice has the rate of one slice, however many cards the machine declares.
    one_slice = raw["accelerator"].str.contains("(1x1g.", regex=False, na=False)
    per_node = cards.mask(one_slice, 1).mask(on_cpu, sockets).mask(single, 1)
    per_node = per_node.mask(per_node == 0)
    nodes = raw["number_of_nodes"].mask(one_node, 1)
    # The v3.8 in the TPU's name counts its cores, two of which are one chip.
    cores = raw["accelerator"].str.startswith("tpu-v3", na=False)
    counts = pd.DataFrame({"device_count": nodes * per_node, "node_count": nodes})
    return counts, single | one_node | one_slice, (slices & ~one_slice) | cores | per_node.isna()


def _load(raw, scenario, file):
    """Scenario, batch, concurrency and throughput; a rate is the official result wherever that is a rate."""
    single, multi = scenario == "single_stream", scenario == "multi_stream"
    fixed = scenario == "multi_stream_fixed_rate"
    rate = raw["result"].mask(single | multi, raw["samples_per_s"]).mask(multi & (raw["inferred"] == 1) | fixed)
    batch = raw["result"].where(fixed).mask(single, 1).mask(multi, MULTI_STREAM_SAMPLES)
    return raw[[]].assign(
        scenario=scenario,
        batch_size=batch,
        concurrency=pd.Series(1.0, index=raw.index).where(single | multi),
        throughput_per_s=rate,
        throughput_unit=tidy.mapped(raw, "result_unit", RATE_UNITS, file),
    )


def _latencies(raw, scenario):
    """Latency of a call in ms: the log's percentiles, with the official figure where the result is one of them.

    Offline has none (its times are those of the whole data set), nor has a scenario computed from another one's log;
    the fixed-rate MultiStream logged samples, not calls.
    """
    logged = scenario.isin(["server", "interactive", "single_stream", "multi_stream"]) & (raw["inferred"] != 1)
    frame = pd.DataFrame({name: tidy.significant(units.ns_to_ms(raw[column])) for name, column in LATENCIES.items()}).where(logged)
    # The official figure of pointpainting is the 99.9th percentile, for which there is no column.
    ninetieth = (scenario == "single_stream") & (raw["model"] != "pointpainting")
    frame["latency_ms_p90"] = frame["latency_ms_p90"].mask(ninetieth, raw["result"])
    frame["latency_ms_p99"] = frame["latency_ms_p99"].mask(scenario == "multi_stream", raw["result"])
    return frame


def _quality(raw):
    """Measured power and accuracy of each row."""
    found = raw["accuracy"].str.lower().str.extract(rf"\b({METRICS})\s*[:=]\s*([0-9]+(?:\.[0-9]+)?)")
    power = raw["power_avg_w"]
    return raw[[]].assign(
        power_w=power,
        power_boundary=power.notna().map({True: "system", False: None}),
        accuracy_metric=found[0].replace(METRIC_NAMES),
        accuracy_value=found[1].astype("float64"),
    )
