"""The measured rows of a model, prepared for choosing: device facts, a latency at a percentile, why a row is unfit, how sure it is."""

import numpy as np
import pandas as pd

from . import data, filling, limits, serving
from .spread import interval, spread

UNFIT_FLAGS = ("third_party", "relative_only", "superseded", "count_unstated", "count_doubtful", "device_unstated", "input_doubtful")
# Flags that a reader must see beside the figure, in words.
NOTED_FLAGS = {
    "throughput_from_latency": "throughput is the inverse of the latency",
    "setting_inferred": "input or precision inferred",
    "device_proxy": "measured on an equivalent chip",
    "partly_elsewhere": "some layers ran on another unit",
    "community": "reported by users",
    "busy_machine": "measured while other programs ran",
    "upper_bound": "an 'up to' figure",
}
# A rented machine type in the name of a measured system, such as "AWS g4dn.4xlarge".
RENTED_TYPE = r"\b([a-z][a-z0-9-]*\.[0-9]*[a-z]+)\b"
# Scenarios whose throughput is held back to keep a tail latency: no fair figure for a workload without such a limit.
HELD_BACK = ("server", "interactive")
# Networks that may run split over several devices.
SPLIT_TASKS = ("text_generation", "multimodal")
# MLPerf's closed division keeps to 99 % of the reference accuracy, or to 99.9 % where the variant says so.
CLOSED_LOSS, CLOSED_LOSS_STRICT = 1.0, 0.1
# The tables that prepared rows are made of.
TABLES = ("measurements", "llm_serving", "devices", "device_aliases", "prices", "models", "operators", "estimate_error")


def measured(workload):
    """Every row of the workload's model, measured or estimated, with latency_ms at its percentile, device facts, and why it is unfit."""
    return _at_percentile(*_asked(workload))


def usable(model):
    """The measured rows of `model` that could be shown at all: device told apart, for sale, network unchanged; with device facts."""
    rows = _at_percentile(model, 99, False)
    return rows[(rows["unfit"] == "") & (rows["evidence"] != "estimated")]


def core(workload):
    """The numbers of each row of `measured` that choosing needs, with `row`, its place there: narrow, so that choosing is fast."""
    return _core(*_asked(workload))


def _asked(workload):
    return workload.model, workload.latency_percentile, workload.batch_size != "any"


@data.remembered(*TABLES)
def _at_percentile(model, percentile, at_one_batch):
    """The prepared rows; at any batch size a device that was measured at all is not estimated, or a limit could turn one into the other."""
    rows = _prepared(model)
    known = rows["device_id"][(rows["evidence"] != "estimated") & (rows["unfit"] == "")]
    rows = rows[at_one_batch | (rows["evidence"] != "estimated") | ~rows["device_id"].isin(known)].reset_index(drop=True)
    return limits.with_latency(rows, percentile)


@data.remembered(*TABLES)
def _prepared(model):
    """What does not depend on the answers, once a model."""
    devices = data.load_devices()[["device_id", "name", "device_class", "segment", "threads", "tdp_w"]].rename(columns={"name": "device"})
    task = data.load("models").set_index("model_id").loc[model, "task"]
    served = model in serving.served_models()
    found = serving.serving_rows(model) if served else filling.with_estimates(data.load_measurements(model), model)
    rows = found.sort_values("measurement_id", ignore_index=True).merge(devices, on="device_id", how="left")
    rows = rows.assign(measured_count=rows["device_count"].astype("float64"), at_capacity=~rows["scenario"].isin(HELD_BACK), task=task)
    deviation = pd.Series(spread(rows), index=rows.index)
    low, high = interval(1.0, deviation)
    return rows.assign(
        measured_vcpus=_measured_vcpus(rows),
        accuracy_loss=_accuracy_loss(rows),
        low_factor=rows.get("low_factor", pd.Series(np.nan, rows.index)).fillna(low),
        high_factor=rows.get("high_factor", pd.Series(np.nan, rows.index)).fillna(high),
        unfit=_unfit(rows),
        doubts=rows.get("doubts", pd.Series(index=rows.index, dtype="str")).fillna(rows["quality_flag"].fillna("").map(_doubts)),
    )


def _doubts(flags):
    return "; ".join(words for flag, words in NOTED_FLAGS.items() if flag in flags.split(";"))


def _unfit(rows):
    """Why a row answers no workload at all, empty where it may."""
    reasons = pd.Series("", index=rows.index, dtype="object")
    for faulty, text in _faults(rows):
        hit = faulty.fillna(False).astype(bool) & (reasons == "")
        reasons[hit] = text[hit] if isinstance(text, pd.Series) else text
    return reasons


def _faults(rows):
    flags = rows["quality_flag"].fillna("").str.split(";")
    why_none = data.load("device_aliases").set_index("alias")["reason"]
    yield rows["device_id"].isna(), rows["device_name"].map(why_none).fillna("the source does not tell which device it was")
    yield rows["throughput_per_s"].isna(), "no throughput stated"
    usual = next(iter(rows["throughput_unit"].mode()), "")
    yield rows["throughput_unit"] != usual, "counts " + rows["throughput_unit"] + f" per second where the rows compared count {usual}"
    yield flags.map(lambda words: any(word in UNFIT_FLAGS for word in words)), "flagged: " + rows["quality_flag"].fillna("")
    yield rows["availability"].isin(("preview", "rdi")), "not for sale when measured (MLPerf preview or research system)"
    yield rows["division"] == "open", "MLPerf open division: the network may have been changed"
    yield rows["node_count"] > 1, "measured on several machines together"


def _measured_vcpus(rows):
    """vCPUs of the machine that a row was measured on: those of the rented type that it names, else all threads of its sockets."""
    prices = data.load_prices(priced_unit="machine").drop_duplicates("instance_type").set_index("instance_type")["vcpus"]
    named = rows["system"].str.extract(RENTED_TYPE)[0].map(prices).astype("float64")
    return named.fillna(rows["threads"].astype("float64") * rows["device_count"].astype("float64"))


def _accuracy_loss(rows):
    """Percent of the reference accuracy that a row loses, or may lose under MLPerf's rules; empty where nobody says.

    The reference is the best single-precision figure of the same source in the same metric.
    """
    single = rows["accuracy_value"].where(rows["precision"] == "fp32")
    reference = single.groupby([rows["source_id"], rows["accuracy_metric"]]).transform("max")
    stated = ((reference - rows["accuracy_value"]) / reference * 100).clip(lower=0)
    strict = rows["variant"].str.contains("accuracy=99.9", regex=False).fillna(False)
    closed = pd.Series(np.where(strict, CLOSED_LOSS_STRICT, CLOSED_LOSS), index=rows.index).where(rows["division"] == "closed")
    return closed.fillna(stated)


@data.remembered(*TABLES)
def _core(*asked):
    rows = _at_percentile(*asked)
    device = device_code(rows["device_id"])
    return pd.DataFrame(
        {
            "row": np.arange(len(rows)),
            # Rows without a known device are told apart by its spelling.
            "device_code": np.where(device >= 0, device, -2 - pd.factorize(rows["device_name"])[0]),
            "why": pd.factorize(rows["unfit"])[0],
            "measured_count": rows["measured_count"],
            "measured_vcpus": rows["measured_vcpus"],
            "is_cpu": (rows["device_class"] == "cpu").fillna(False),
            "at_capacity": rows["at_capacity"],
            "estimated": rows["evidence"] == "estimated",
            "throughput_per_s": rows["throughput_per_s"],
            "latency_ms": rows["latency_ms"],
            "split": rows["task"].isin(SPLIT_TASKS),
            "power_w": rows["power_w"],
            "tdp_w": rows["tdp_w"],
            "batch_size": rows["batch_size"],
        }
    ).astype("float64")


def device_code(device_ids):
    """Places of `device_ids` in table `devices`, -1 for an unknown one: an array."""
    return pd.Index(data.load("devices")["device_id"]).get_indexer(device_ids)


def relatives(model, count=3):
    """The measured models most like `model`: of its family first, then of its task by work per sample; a list of `model_id`."""
    models = data.load_models()
    own = models[models["model_id"] == model].iloc[0]
    known = {*data.load("measurements")["model_id"], *serving.served_models()}
    others = models[models["model_id"].isin(known) & (models["model_id"] != model) & (models["task"] == own["task"])]
    apart = np.log(others["gmacs"] / own["gmacs"]).abs()
    others = others.assign(stranger=others["family"] != own["family"], apart=apart.fillna(np.inf))
    return others.sort_values(["stranger", "apart", "model_id"])["model_id"].head(count).tolist()
