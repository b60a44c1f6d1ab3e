"""One model on named machines over batch sizes: measured where somebody did, estimated elsewhere; and claims tested against it."""

import pandas as pd

from . import data, estimates, metrics
from .errors import unknown
from .offers import cheapest_of
from .rows import usable

COLUMNS = [
    "instance_type",
    "device_id",
    "device",
    "batch_size",
    "precision",
    "runtime",
    "throughput_per_s",
    "throughput_low",
    "throughput_high",
    "usd_per_hour",
    "usd_per_100k",
    "usd_per_100k_low",
    "usd_per_100k_high",
    "evidence",
    "source_id",
    "note",
]
FIGURES = {"throughput_per_s": False, "usd_per_100k": True}
SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


def sweep(model, machines, batch_sizes=(1, 2, 4, 8), **stack):
    """Throughput (1/s) and cost of 100,000 inferences (USD) of `model` on each machine at each batch size, with 90 % intervals.

    A cell is the fastest measured row of the machine's device at that batch size, scaled to its number of devices or share of
    the processor; where nobody measured, an estimate.

    Parameters
    ----------
    model : str
        `model_id`, or a spelling of it that a source uses.
    machines : sequence of str
        Rented machine types, such as "g4dn.2xlarge".
    batch_sizes : sequence of int
    **stack
        precision, runtime or tuning that all cells shall have: only such measured rows count, and estimates are made for it. Without it
        each cell is the fastest stack known, and the cells may be unlike.

    Returns
    -------
    DataFrame
        One row a machine and batch size: instance_type, device_id, device, batch_size, precision, runtime, throughput_per_s, _low, _high,
        usd_per_hour, usd_per_100k, _low, _high, evidence, source_id (empty for an estimate) and note.

    Raises
    ------
    HwlibError
        For an unknown model, or a machine that nobody rents out on demand.

    Examples
    --------
    >>> cells = sweep("yolov3-416", ["g4dn.2xlarge"])
    >>> cells["evidence"].tolist()
    ['published', 'published', 'published', 'published']
    """
    model = data.find_model(model)
    rented = _machines(machines)
    cells = rented.merge(pd.DataFrame({"batch_size": list(batch_sizes)}), how="cross")
    known = _measured(model, cells, stack)
    missing = cells.merge(known[["instance_type", "batch_size"]], how="left", indicator=True)
    missing = missing[missing.pop("_merge") == "left_only"]
    frame = pd.concat([known, _estimated(model, missing, stack)] if len(missing) else [known])
    costs = {end: metrics.cost(frame.assign(throughput_per_s=frame[f"throughput_{end}"]))["usd_per_100k"] for end in ("low", "high")}
    frame = metrics.cost(frame).assign(usd_per_100k_low=costs["high"], usd_per_100k_high=costs["low"])
    order = {name: place for place, name in enumerate(machines)}
    frame = frame.sort_values(
        ["instance_type", "batch_size"], key=lambda column: column.map(order) if column.name == "instance_type" else column
    )
    return frame.reindex(columns=COLUMNS).reset_index(drop=True)


def claim(cells, figure, machine, against=None):
    """Whether `machine` is the best of `cells` in `figure`, as far as intervals tell: batch size -> supported, contradicted or undecided.

    Supported where its interval lies wholly ahead of all others; contradicted where another's lies wholly ahead of it.

    Parameters
    ----------
    cells : DataFrame
        As `sweep` gives them.
    figure : {"throughput_per_s", "usd_per_100k"}
        More throughput and less cost is better.
    machine : str
        The one that is said to be best.
    against : sequence of str, optional
        The others; all if none are named.

    Returns
    -------
    dict
        Batch size -> verdict.

    Examples
    --------
    >>> cells = pd.DataFrame({"instance_type": ["a", "b"], "batch_size": 1, "throughput_low": [3.0, 1.0], "throughput_high": [4.0, 2.0]})
    >>> claim(cells, "throughput_per_s", "a"), claim(cells, "throughput_per_s", "b")
    ({1: 'supported'}, {1: 'contradicted'})
    """
    if figure not in FIGURES:
        raise unknown("figure", figure, FIGURES)
    if machine not in set(cells["instance_type"]):
        raise unknown("machine", machine, cells["instance_type"].unique())
    others = cells["instance_type"].isin(against if against is not None else set(cells["instance_type"]) - {machine})
    stem, sign = ("throughput", 1) if figure == "throughput_per_s" else (figure, -1)
    ends = cells.assign(
        worst=sign * cells[f"{stem}_{'low' if sign > 0 else 'high'}"], best=sign * cells[f"{stem}_{'high' if sign > 0 else 'low'}"]
    )
    own = ends[ends["instance_type"] == machine].set_index("batch_size")
    rivals = ends[others].groupby("batch_size")[["worst", "best"]].max()
    ahead, behind = own["worst"] > rivals["best"], own["best"] < rivals["worst"]
    return ahead.map({True: SUPPORTED, False: UNDECIDED}).mask(behind, CONTRADICTED).to_dict()


def _machines(machines):
    offered = cheapest_of(tuple(machines))
    for name in machines:
        if name not in set(offered["instance_type"]):
            raise unknown("machine", name, data.load_prices(pricing="on_demand")["instance_type"].unique(), "hw.load_prices() lists them.")
    devices = data.load_devices()[["device_id", "name", "device_class", "threads"]].rename(columns={"name": "device"})
    return offered.merge(devices, on="device_id")


def _measured(model, cells, stack):
    """The fastest measured row of each cell, scaled to the machine."""
    rows = usable(model).drop(columns=["device", "device_class", "threads", "device_count"])
    for name, word in stack.items():
        rows = rows[rows[name] == word]
    joined = cells.merge(rows[rows["throughput_per_s"].notna()], on=["device_id", "batch_size"])
    is_cpu = joined["device_class"] == "cpu"
    scale = (joined["device_count"] / joined["measured_count"]).mask(is_cpu, joined["vcpus"] / joined["measured_vcpus"]).astype("float64")
    joined = joined.assign(throughput_per_s=joined["throughput_per_s"] * scale, scale=scale)[scale.notna() & ~(is_cpu & (scale > 1))]
    joined = joined.sort_values(["throughput_per_s", "measurement_id"], ascending=[False, True])
    best = joined.drop_duplicates(["instance_type", "batch_size"])
    low, high = (best["throughput_per_s"] * best[f"{end}_factor"] for end in ("low", "high"))
    scaled = best["scale"] != 1
    note = best["doubts"].mask(scaled, "scaled to the machine")
    return best.assign(throughput_low=low, throughput_high=high, evidence=best["evidence"].mask(scaled, "derived"), note=note)


def _estimated(model, cells, stack):
    """An estimate for each cell: of one device, times their number or the share of the processor."""
    found = estimates.estimate(cells[["device_id", "batch_size"]].assign(model_id=model, **stack))
    share = cells["device_count"].mask(cells["device_class"] == "cpu", cells["vcpus"] / cells["threads"]).astype("float64").to_numpy()
    figures = {name: found[name].to_numpy() * share for name in ("throughput_per_s", "throughput_low", "throughput_high")}
    told = {"precision": found["precision"].to_numpy(), "note": (found["error"] + "; " + found["stack"]).to_numpy()}
    return cells.assign(**figures, **told, evidence="estimated")
