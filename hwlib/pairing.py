"""Measured rows on machines: every row worth considering, on every machine that has its device, with what it costs there."""

import numpy as np
import pandas as pd

from . import data, metrics, ranking
from .offers import cheapest
from .ownership import owned_usd_per_hour
from .queueing import capacity_per_s
from .rows import device_code
from .units import HOURS_PER_DAY

# Terms of renting that end when the work does.
RELEASED = ("on_demand", "spot")


def priced(rows, workload, apart=()):
    """`rows` (numbers as `rows.core` gives them) on every machine worth considering, with cost and energy.

    Of each device only the best rows are joined, `apart` from others where that names a column. On each machine a measured row goes before
    an estimate; then, without a limit on a time, a row at full capacity, so that options answer one question; then a row that was
    measured on that very number of devices.
    """
    pairs = everywhere(_best_rows(rows, workload, apart), workload)
    at_capacity = (pairs["at_capacity"] == 1) | workload.limits_time
    preferred = 4 * (pairs["estimated"] == 0) + 2 * at_capacity + (pairs["scale"] == 1)
    machine = ["device_code", "landlord", "machine", *apart]
    return pairs[preferred == preferred.groupby([pairs[name] for name in machine]).transform("max")]


def everywhere(rows, workload):
    """Each of `rows` on each machine that has its device, with cost and energy: no choice is made yet."""
    return _costed(_joined(rows, _offer_numbers(workload.pricing, workload.providers, workload.regions)), workload)


@data.remembered("prices", "devices")
def _offer_numbers(*terms):
    """The numbers of `offers` that choosing needs, with `offer`, their place in it."""
    offered = cheapest(*terms)
    return pd.DataFrame(
        {
            "offer": np.arange(len(offered)),
            "device_code": device_code(offered["device_id"]),
            "landlord": pd.factorize(offered["provider"] + "|" + offered["pricing"])[0],
            "machine": pd.factorize(offered["instance_type"])[0],
            "device_count": offered["device_count"],
            "vcpus": offered["vcpus"],
            "usd_per_hour": offered["usd_per_hour"],
            "launch_price_usd": offered["launch_price_usd"],
            # Reserved and bought machines are paid for around the clock.
            "committed": ~offered["pricing"].isin(RELEASED),
        }
    ).astype("float64")


def _best_rows(rows, workload, apart):
    """The best row for each device, number of devices and kind of scenario: what an offer can be joined to without looking at the rest."""
    per_device = rows["throughput_per_s"] / rows["measured_count"]
    if workload.requests_per_s:
        per_device = _capacity(rows, workload) / rows["measured_count"]
    # At one price the cost goes with the inverse of the throughput.
    figures = rows.assign(
        throughput_per_s=per_device, usd_per_100k=1 / per_device, joules_per_inference=rows["power_w"] / rows["throughput_per_s"]
    )
    best = rows.iloc[ranking.order(figures, workload.criteria)]
    return best.drop_duplicates(["device_code", "measured_count", "estimated", "at_capacity", "measured_vcpus", *apart])


def _joined(rows, offered):
    """`rows` joined to the offers that have their device, scaled to the offer; rows of a device without a fitting one stay unpriced."""
    joined = rows.merge(offered, on="device_code")
    joined["device_count"] = joined["device_count"].fillna(joined["measured_count"])
    is_cpu = joined["is_cpu"] == 1
    by_vcpus = is_cpu & joined["launch_price_usd"].isna()
    joined["scale"] = (joined["device_count"] / joined["measured_count"]).mask(by_vcpus, joined["vcpus"] / joined["measured_vcpus"])
    # More of the processor than was measured is no measurement of it: its share is only ever scaled down. A network that may have
    # been split over the devices runs on as many of them or on several such sets, never on fewer.
    part_of_split = (joined["split"] == 1) & ~is_cpu & (joined["scale"] % 1 > 0)
    joined = joined[joined["scale"].notna() & ~(is_cpu & (joined["scale"] > 1)) & ~part_of_split]
    unpriced = rows[~rows["device_code"].isin(joined["device_code"])]
    unpriced = unpriced.assign(device_count=unpriced["measured_count"], scale=1.0, landlord=-1.0, machine=-1.0)
    joined = pd.concat([joined, unpriced], ignore_index=True)
    return joined.assign(throughput_per_s=joined["throughput_per_s"] * joined["scale"], power_w=joined["power_w"] * joined["scale"])


def _costed(pairs, workload):
    """`pairs` with cost and energy: of machines that are kept busy, or of the fleet that the request rate needs.

    usd_per_hour becomes the price of an hour of service: what is paid around the clock is spread over the hours needed.
    """
    fixed, running = _hourly_prices(pairs, workload)
    pairs = pairs.assign(usd_per_hour=fixed + running * workload.utilisation, usd_per_hour_fixed=fixed, usd_per_hour_running=running)
    pairs = metrics.energy(metrics.cost(pairs, workload.utilisation))
    if not workload.requests_per_s:
        return pairs
    capacity = _capacity(pairs, workload)
    hourly = pairs["usd_per_hour"] * np.ceil(workload.requests_per_s * workload.peak_factor / capacity)
    fleet = metrics.cost(pd.DataFrame({"usd_per_hour": hourly, "throughput_per_s": workload.requests_per_s}))
    return pairs.assign(
        capacity_per_s=capacity, usd_per_hour_fleet=hourly, usd_per_100k=fleet["usd_per_100k"], usd_per_million=fleet["usd_per_million"]
    )


def _hourly_prices(pairs, workload):
    """What an hour of service costs, used or not, and what its electricity adds where the machine is one's own."""
    fixed, running, bought = pairs["usd_per_hour"], pd.Series(0.0, index=pairs.index), pairs["launch_price_usd"].notna()
    if bought.any():
        owned = owned_usd_per_hour(pairs[bought].assign(power_boundary=None), workload.ownership)
        fixed, running = fixed.fillna(owned["usd_per_hour_fixed"]), running.mask(bought, owned["usd_per_hour_running"])
    return fixed * np.where(pairs["committed"] == 1, HOURS_PER_DAY / workload.hours_per_day, 1), running


def _capacity(rows, workload):
    """Requests a second that one machine answers in time; none at all is unknown."""
    found = capacity_per_s(rows, latency_ms=workload.latency_ms, percentile=workload.latency_percentile)
    return np.where(found > 0, found, np.nan)


def within(pairs, workload):
    """The pairs within power cap and budgets, with `unheld`, the limits that a figure is unknown for; and the pairs over each."""
    power = pairs["power_w"].fillna(pairs["tdp_w"] * pairs["device_count"])
    figures = {"power_w": power, "usd_per_hour": _hourly(pairs), "usd_per_million": pairs["usd_per_million"]}
    over, unheld = [], pd.Series(0.0, index=pairs.index)
    for field, figure in figures.items():
        limit = getattr(workload, field)
        if limit is not None:
            unheld += figure.isna()
            pairs = pairs.assign(figure=figure)
            beyond, pairs = pairs[pairs["figure"] > limit], pairs[~(pairs["figure"] > limit)]
            over.append((field, beyond[~beyond["device_code"].isin(pairs["device_code"])]))
    return pairs.assign(unheld=unheld), over


def _hourly(pairs):
    return pairs["usd_per_hour_fleet" if "usd_per_hour_fleet" in pairs else "usd_per_hour"]
