"""Every way to serve a workload: measured rows within its limits, joined to machines that can be rented."""

import pandas as pd

from . import data, metrics
from .workload import PRIORITIES

# The sternest latency that a row states stands for it.
LATENCIES = ("p99", "p95", "p90", "p50", "mean")
UNFIT_FLAGS = ("third_party", "relative_only", "superseded", "count_unstated", "count_doubtful", "device_unstated", "input_doubtful")
# Flags that a reader must see beside the figure, in words.
NOTED_FLAGS = {
    "throughput_from_latency": "throughput is the inverse of the latency",
    "setting_inferred": "input or precision inferred",
    "device_proxy": "measured on an equivalent chip",
    "partly_elsewhere": "some layers ran on another unit",
    "community": "reported by users",
    "upper_bound": "an 'up to' figure",
}
# A rented machine type in the name of a measured system, such as "AWS g4dn.4xlarge".
RENTED_TYPE = r"\b([a-z][a-z0-9-]*\.[0-9]*[a-z]+)\b"
# Scenarios whose throughput is held back to keep a tail latency: no fair figure for a workload without such a limit.
HELD_BACK = ("server", "interactive")
SPLIT_TASKS = ("text_generation", "multimodal")
MAX_PRICE_AGE = pd.Timedelta(days=365)
UNFIT_PRICES = ("burstable", "looks wrong upstream", "spot above on-demand", "chip or core unstated")
OPTION_COLUMNS = (
    "device_id",
    "device",
    "device_count",
    "instance_type",
    "provider",
    "region",
    "batch_size",
    "precision",
    "runtime",
    "scenario",
    "throughput_per_s",
    "throughput_unit",
    "latency_ms",
    "latency_stat",
    "usd_per_hour",
    "usd_per_100k",
    "joules_per_inference",
    "power_boundary",
    "evidence",
    "source_id",
    "submitter",
    "system",
    "price_source_id",
    "price_as_of",
    "note",
    "variant",
    "device_class",
    "measurement_id",
)


def options(workload):
    """Every way to serve `workload`, and what was left out and why.

    Each device gives at most one option a provider: its best measured row within the limits, on the provider's
    cheapest machine with that device. A row measured on another number of devices is scaled by the count and marked
    `derived`; a device that nobody rents out stays, with an unknown price.

    Returns
    -------
    options : DataFrame
        Columns `OPTION_COLUMNS`.
    eliminated : DataFrame
        device_id, reason, rows.

    Examples
    --------
    >>> from .workload import Workload
    >>> table, eliminated = options(Workload("resnet50", latency_ms=10))
    >>> table["latency_ms"].max() <= 10
    np.True_
    """
    rows = with_latency(data.load_measurements(workload.model))
    reasons = limits(rows, workload)
    kept = rows[reasons == ""]
    table = _choose(_priced(kept, workload), workload)
    return table[list(OPTION_COLUMNS)], _eliminated(rows, reasons, table)


def limits(rows, workload):
    """Why each measured row cannot serve `workload`: a Series of sentences, empty where it can.

    Parameters
    ----------
    rows : DataFrame
        Rows of `measurements` with latency_ms (ms) and latency_stat.
    workload : Workload

    Examples
    --------
    >>> from .workload import Workload
    >>> rows = with_latency(data.load_measurements("resnet50", "nvidia-t4"))
    >>> limits(rows, Workload("resnet50", batch_size=7)).iloc[0]
    'batch size not stated'
    """
    reasons = pd.Series("", index=rows.index, dtype="object")
    for faulty, text in _checks(rows, workload):
        hit = faulty.fillna(False).astype(bool) & (reasons == "")
        reasons[hit] = text[hit] if isinstance(text, pd.Series) else text
    return reasons


def _checks(rows, workload):
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
    if workload.batch_size != "any":
        yield rows["batch_size"].isna(), "batch size not stated"
        other = rows["batch_size"] != workload.batch_size
        yield other, "measured at batch " + rows["batch_size"].astype("str") + f", not {workload.batch_size}"
    if workload.latency_ms is not None:
        yield rows["latency_ms"].isna(), "no latency measured (" + rows["scenario"] + ")"
        shown = rows["latency_stat"] + " " + rows["latency_ms"].map("{:.4g}".format) + f" ms > {workload.latency_ms:g} ms"
        yield rows["latency_ms"] > workload.latency_ms, shown


def with_latency(rows):
    """`rows` with latency_ms (ms), the sternest percentile that each states, and latency_stat, which one that is.

    Parameters
    ----------
    rows : DataFrame
        Needs latency_ms_p99, _p95, _p90, _p50 and _mean (ms).

    Examples
    --------
    >>> with_latency(data.load_measurements("resnet50", scenario="server"))["latency_stat"].value_counts().index[0]
    'p99'
    """
    columns = [f"latency_ms_{stat}" for stat in LATENCIES]
    known = rows[columns].notna()
    stat = known.to_numpy().argmax(axis=1)
    rows = rows.assign(latency_ms=rows[columns].bfill(axis=1).iloc[:, 0], latency_stat=[LATENCIES[i] for i in stat])
    return rows.assign(latency_stat=rows["latency_stat"].where(rows["latency_ms"].notna()))


def _priced(rows, workload):
    """`rows` joined to the offers that have their device, scaled to the offer; rows of a device without a fitting one stay unpriced."""
    devices = data.load_devices()[["device_id", "name", "device_class", "threads"]].rename(columns={"name": "device"})
    rows = rows.merge(devices, on="device_id").rename(columns={"device_count": "measured_count"})
    rows = rows.assign(measured_count=rows["measured_count"].astype("float64"), measured_vcpus=_measured_vcpus(rows))
    joined = rows.merge(offers(workload), on="device_id")
    joined["device_count"] = joined["device_count"].fillna(joined["measured_count"])
    is_cpu = joined["device_class"] == "cpu"
    by_vcpus = joined["vcpus"].astype("float64") / joined["measured_vcpus"]
    joined["scale"] = (joined["device_count"] / joined["measured_count"]).mask(is_cpu, by_vcpus)
    # More of the processor than was measured is no measurement of it: its share is only ever scaled down. A network that may have
    # been split over the devices runs on as many of them or on several such sets, never on fewer.
    split = data.load_models(workload.model)["task"].isin(SPLIT_TASKS).item()
    joined = joined[joined["scale"].notna() & ~(is_cpu & (joined["scale"] > 1)) & ~(split & ~is_cpu & (joined["scale"] % 1 > 0))]
    unpriced = rows[~rows["device_id"].isin(joined["device_id"])]
    unpriced = unpriced.assign(device_count=unpriced["measured_count"], scale=1.0)
    return _scaled(pd.concat([joined, unpriced], ignore_index=True))


def _measured_vcpus(rows):
    """vCPUs of the machine that a row was measured on: those of the rented type that it names, else all threads of its sockets."""
    prices = data.load_prices(priced_unit="machine").drop_duplicates("instance_type").set_index("instance_type")["vcpus"]
    named = rows["system"].str.extract(RENTED_TYPE)[0].map(prices).astype("float64")
    return named.fillna(rows["threads"].astype("float64") * rows["measured_count"].astype("float64"))


def offers(workload):
    """The cheapest machine (USD/h) of each provider for each device and number of devices (vCPUs for a CPU), at the pricing asked for.

    Prices without a day, more than a year older than the newest list, or flagged as of mixed age count only for a
    workload that names their provider: a stale bargain must not win by default. Burstable machines and prices that
    look wrong (`UNFIT_PRICES`) never count.

    Parameters
    ----------
    workload : Workload
        Its pricing and provider count.

    Examples
    --------
    >>> from .workload import Workload
    >>> offered = offers(Workload("resnet50", provider="aws"))
    >>> offered.loc[(offered["device_id"] == "nvidia-t4") & (offered["device_count"] == 1), "instance_type"].item()
    'g4dn.xlarge'
    """
    prices = data.load_prices(pricing=workload.pricing, priced_unit="machine")
    unfit = prices["quality_flag"].fillna("").str.contains("|".join(UNFIT_PRICES))
    prices = prices[prices["device_id"].notna() & ~unfit]
    prices = prices[prices["provider"] == workload.provider] if workload.provider else prices[_fresh(prices)]
    # Of several lists that price one machine the newest speaks.
    machine = ["provider", "region", "instance_type", "device_name"]
    prices = prices.sort_values("as_of", na_position="first").drop_duplicates(machine, keep="last")
    # A machine whose accelerators are not counted is no offer: any number of them would be a guess.
    is_cpu = prices["device_name"].isna()
    prices = prices.assign(size=prices["vcpus"].where(is_cpu))[is_cpu | (prices["device_count"] % 1 == 0)]
    prices = prices.sort_values(["usd_per_hour", "instance_type", "region"])
    prices = prices.drop_duplicates(["provider", "device_id", "device_count", "size"])
    columns = ["provider", "region", "instance_type", "usd_per_hour", "vcpus", "device_id", "device_count", "as_of", "source_id"]
    return prices[columns].rename(columns={"as_of": "price_as_of", "source_id": "price_source_id"})


def _fresh(prices):
    newest = prices["as_of"].max()
    aged = prices["quality_flag"].fillna("").str.contains("mixed age")
    return prices["as_of"].notna() & ~aged & (newest - prices["as_of"] <= MAX_PRICE_AGE)


def _scaled(joined):
    scaled = joined["scale"] != 1
    devices = "scaled from " + joined["measured_count"].astype("Int64").astype("str") + " devices"
    vcpus = "scaled from " + joined["measured_vcpus"].round().astype("Int64").astype("str") + " vCPUs"
    scaling = devices.mask(joined["device_class"] == "cpu", vcpus).where(scaled, "")
    return joined.assign(
        throughput_per_s=joined["throughput_per_s"] * joined["scale"],
        power_w=joined["power_w"] * joined["scale"],
        evidence=joined["evidence"].mask(scaled, "derived"),
        note=[_joined(text, flags) for text, flags in zip(scaling, joined["quality_flag"].fillna(""), strict=True)],
    )


def _joined(scaling, flags):
    noted = [words for flag, words in NOTED_FLAGS.items() if flag in flags.split(";")]
    return "; ".join([scaling] * bool(scaling) + noted)


def _choose(joined, workload):
    """The best row for each device and provider.

    Without a latency limit a row at full capacity goes first, so that options answer one question; then a row that was
    measured on that very number of devices.
    """
    frame = metrics.energy(metrics.cost(joined, workload.utilisation))
    metric, ascending = PRIORITIES[workload.priority]
    frame = frame.assign(rank=frame[metric] if ascending else -frame[metric], speed=-frame["throughput_per_s"] / frame["device_count"])
    at_capacity = ~frame["scenario"].isin(HELD_BACK) | (workload.latency_ms is not None)
    preferred = 2 * at_capacity + (frame["scale"] == 1)
    machine = [frame["device_id"], frame["provider"].fillna(""), frame["instance_type"].fillna("")]
    most = preferred.groupby(machine).transform("max")
    frame = frame[preferred == most]
    frame = frame.sort_values(["rank", "speed", "measurement_id"])
    return frame.drop_duplicates(["device_id", "provider"])


def _eliminated(rows, reasons, table):
    """The devices without an option, each with its commonest reason and the number of rows behind it."""
    gone = rows[(reasons != "") & ~rows["device_id"].isin(table["device_id"])]
    gone = gone.assign(reason=reasons, device_id=gone["device_id"].fillna(gone["device_name"]))
    counted = gone.groupby(["device_id", "reason"], as_index=False).size().rename(columns={"size": "rows"})
    counted = counted.sort_values(["device_id", "rows", "reason"], ascending=[True, False, True])
    return counted.drop_duplicates("device_id").reset_index(drop=True)
