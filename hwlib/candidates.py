"""Every way to serve a workload: measured rows within its limits, joined to machines that can be had."""

from dataclasses import replace

import numpy as np
import pandas as pd

from . import data, limits, metrics, ranking
from .offers import offers
from .pairing import everywhere, priced, within
from .queueing import fleet, response_ms
from .regions import grid
from .rows import TABLES, core, measured

OPTION_COLUMNS = (
    "device_id",
    "device",
    "device_class",
    "device_count",
    "instance_type",
    "provider",
    "region",
    "pricing",
    "batch_size",
    "precision",
    "runtime",
    "scenario",
    "throughput_per_s",
    "throughput_low",
    "throughput_high",
    "throughput_unit",
    "latency_ms",
    "latency_stat",
    "ttft_ms",
    "tpot_ms",
    "input_tokens",
    "output_tokens",
    "concurrency",
    "usd_per_hour",
    "usd_per_100k",
    "usd_per_million",
    "capacity_per_s",
    "machines",
    "load",
    "response_ms",
    "usd_per_hour_fleet",
    "joules_per_inference",
    "power_w",
    "power_boundary",
    "tdp_w",
    "joules_per_inference_tdp_bound",
    "gco2e_per_million",
    "gco2e_per_million_tdp_bound",
    "score",
    "evidence",
    "source_id",
    "submitter",
    "system",
    "price_source_id",
    "price_as_of",
    "note",
    "variant",
    "measurement_id",
)
# Limits on an option as a whole, and how their figures are written.
CAPS = {"power_w": "{:.4g} W", "usd_per_hour": "${:,.4g}/h", "usd_per_million": "${:,.4g} for a million"}
# Of these an option's own numbers stand in the narrow frame that choosing works on.
CHOSEN = ("device_count", "throughput_per_s", "latency_ms", "usd_per_hour", "power_w")
OFFERED = ("provider", "region", "instance_type", "pricing", "price_as_of", "price_source_id")
TOLD = (*(name for name in OPTION_COLUMNS if name not in (*CHOSEN, *OFFERED)), "doubts", "low_factor", "high_factor")


def options(workload):
    """Every way to serve `workload`, best first, and what was left out and why.

    Each device gives at most one option a provider and term of renting: its best measured row within the limits, on the provider's
    best machine with that device. A row measured on another number of devices is scaled by the count and marked
    `derived`; a device that nobody rents out stays, with an unknown price.

    Returns
    -------
    options : DataFrame
        Columns `OPTION_COLUMNS`.
    eliminated : DataFrame
        device_id, reason, rows, limit (the field of `Workload` that the reason comes from, empty for none).

    Examples
    --------
    >>> from .workload import Workload
    >>> table, eliminated = options(Workload("resnet50", latency_ms=10))
    >>> table["latency_ms"].max() <= 10
    np.True_
    """
    rows = measured(workload)
    found, checks = limits.failed(rows, workload)
    pairs, over = _considered(workload)
    table = _table(_first(pairs, workload), rows, workload)
    eliminated = pd.concat([_eliminated(rows, core(workload), found, checks), *_beyond(rows, over, workload)], ignore_index=True)
    return table, eliminated.sort_values("device_id", ignore_index=True)


def winner(workload):
    """The best option of `workload` in short, as a dict: row (its place in `rows.measured`), device_id, device and more; None for none.

    The same as the first of `options`, without the texts of all.
    """
    return next(iter(_winners(workload)), None)


def winner_by_batch(workload):
    """The best option at each batch size that was measured, whatever `workload` asks for: pairs of batch size and a dict as of `winner`."""
    one = workload if workload.batch_size != "any" else replace(workload, batch_size=1)
    found = _winners(one, "batch_size", without=("batch_size",))
    return sorted(((winner["batch_size"], winner) for winner in found), key=lambda pair: pair[0])


def pairs(workload):
    """Every row worth considering on every machine that has its device, best first: the numbers that `options` chooses from.

    device_code, row and offer (places in `rows.measured` and `offers`), usd_per_hour, throughput_per_s, cost and energy, and with a request
    rate capacity_per_s (1/s, of one machine).
    """
    found, _ = _considered(workload)
    return ranking.scored(found[found["unheld"] == 0], workload.criteria)


def everything(workload):
    """Every allowed row on every machine that has its device, with its cost: what `pairs` chooses from."""
    found, _ = within(everywhere(_allowed(workload), workload), workload)
    return found[found["unheld"] == 0]


def _winners(workload, *apart, without=()):
    """The best pair, or the best for each value of the column `apart`, as dicts."""
    pairs, _ = within(priced(_allowed(workload, without), workload, apart), workload) if apart else _considered(workload)
    best = _first(pairs, workload, apart).dropna(subset=["score", *apart])
    best = best.drop_duplicates(list(apart)) if apart else best.head(1)
    best = best.assign(value=ranking.logs(best, workload.criteria), response_ms=_response(best, workload))
    rows, offered = measured(workload), offers(workload)
    for pair in best.itertuples():
        row = rows.iloc[int(pair.row)]
        machine = None if np.isnan(pair.offer) else offered["instance_type"].iloc[int(pair.offer)]
        told = {"row": int(pair.row), "instance_type": machine} | {
            name: getattr(pair, name) for name in ("value", "response_ms", "batch_size")
        }
        yield told | {name: row[name] for name in ("device_id", "device", "evidence")}


def _response(pairs, workload):
    """Within what time (ms) the fleets of `pairs` answer at the peak; not a number without a request rate."""
    if not workload.requests_per_s:
        return np.nan
    rate = workload.requests_per_s * workload.peak_factor
    return response_ms(pairs, rate, np.ceil(rate / pairs["capacity_per_s"]), workload.latency_percentile)


@data.remembered(*TABLES)
def _considered(workload):
    """The pairs that options are chosen from, and those over a cap; kept, for what flips a decision is looked for from here too."""
    return within(priced(_allowed(workload), workload), workload)


def _allowed(workload, without=()):
    found, _ = limits.failed(measured(workload), workload, without)
    return core(workload)[found == -1]


def _beyond(rows, over, workload):
    """The devices over the power cap or a budget, each with the figure that comes nearest."""
    for field, pairs in over:
        limit = CAPS[field].format(getattr(workload, field))
        nearest = pairs.sort_values(["figure", "row"]).drop_duplicates("device_code")
        kinds = np.where(nearest["power_w"].notna(), "measured ", "power not measured, TDP ") if field == "power_w" else [""] * len(nearest)
        told = [f"{kind}{CAPS[field].format(figure)} > {limit}" for kind, figure in zip(kinds, nearest["figure"], strict=True)]
        yield rows.iloc[nearest["row"].astype(int)][["device_id"]].assign(reason=told, rows=1, limit=field)


def _first(pairs, workload, apart=()):
    """The best pair for each device, provider and term, best first; what could not be held to a limit comes last, without a score."""
    pairs = ranking.scored(pairs, workload.criteria)
    pairs = pairs.assign(score=pairs["score"].where(pairs["unheld"] == 0)).sort_values("unheld", kind="stable")
    return pairs.drop_duplicates(["device_code", "landlord", *apart])


def _table(pairs, rows, workload):
    """The options with every column that a reader needs: texts are looked up only now, for the few that were chosen."""
    told = rows[[name for name in TOLD if name in rows]].iloc[pairs["row"].astype(int)].reset_index(drop=True)
    machines = offers(workload)[list(OFFERED)].reindex(pairs["offer"].fillna(-1).astype(int)).reset_index(drop=True)
    pairs = pairs.drop(columns=[name for name in pairs if name in told]).reset_index(drop=True)
    frame = pd.concat([pairs, told, machines], axis=1)
    scaled = (frame["scale"] != 1).to_numpy()
    low, high = (frame["throughput_per_s"] * frame[f"{end}_factor"] for end in ("low", "high"))
    measured_part = scaled & (frame["evidence"] != "estimated")
    evidence = frame["evidence"].mask(measured_part, "derived")
    frame = frame.assign(evidence=evidence, note=_notes(frame), throughput_low=low, throughput_high=high)
    return _served(metrics.energy_bound(frame), workload).reindex(columns=OPTION_COLUMNS)


def _served(frame, workload):
    """`frame` with the fleet that serves the request rate, and the carbon of its electricity, where these are asked for."""
    if workload.grid_region:
        frame = metrics.carbon(frame, grid(workload.grid_region)["gco2e_per_kwh"], workload.ownership.pue)
    if not workload.requests_per_s:
        return frame
    limit = {"latency_ms": workload.latency_ms, "percentile": workload.latency_percentile}
    return fleet(frame.drop(columns="usd_per_100k"), workload.requests_per_s, workload.peak_factor, **limit)


def _notes(frame):
    """How each option was scaled, and what is doubtful about it, in words."""
    several = np.where(frame["measured_count"] == 1, " device", " devices")
    devices = "scaled from " + frame["measured_count"].astype("Int64").astype("str") + several
    vcpus = "scaled from " + frame["measured_vcpus"].round().astype("Int64").astype("str") + " vCPUs"
    scaling = devices.mask(frame["device_class"] == "cpu", vcpus).where(frame["scale"] != 1, "")
    unheld = np.where(frame["unheld"] > 0, "a figure that is unknown could not be held to its limit", "")
    watts = np.where(frame["power_w"].notna(), "measured power", "TDP as a bound of power")
    bought = np.where(frame["launch_price_usd"].notna(), [f"{words}, list price at launch" for words in watts], "")
    notes = ["; ".join(filter(None, words)) for words in zip(scaling, frame["doubts"], bought, unheld, strict=True)]
    return pd.Series(notes, index=frame.index, dtype="str")


def _eliminated(rows, numbers, found, checks):
    """The devices without an option, each with its commonest reason, told by the row that comes nearest, and how many rows share it."""
    gone = numbers[(found != -1) & ~numbers["device_code"].isin(numbers["device_code"][found == -1])]
    gone = gone[["row", "device_code", "why"]].assign(check=found[gone["row"].astype(int)], distance=0.0)
    gone["rows"] = gone.groupby(["device_code", "check", "why"])["check"].transform("size")
    for number, check in enumerate(checks):
        if check.nearest:
            hit = gone["check"] == number
            gone.loc[hit, "distance"] = rows[check.nearest].to_numpy()[gone.loc[hit, "row"].astype(int)]
    first = gone.sort_values(
        ["device_code", "rows", "check", "distance", "row"], ascending=[True, False, True, True, True]
    ).drop_duplicates("device_code")
    named = rows[limits.said(rows)].iloc[first["row"].astype(int)]
    reason, limit = np.full(len(named), "", dtype="object"), np.full(len(named), "", dtype="object")
    for number, check in enumerate(checks):
        hit = (first["check"] == number).to_numpy()
        if hit.any():
            reason[hit], limit[hit] = check.words(named[hit]), check.field
    spelled = named["device_id"].fillna(named["device_name"])
    return pd.DataFrame({"device_id": spelled, "reason": reason, "rows": first["rows"].to_numpy(), "limit": limit})
