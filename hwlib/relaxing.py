"""Where the limits leave nothing: which of them is the tightest, and what relaxing it would bring."""

from dataclasses import fields, replace
from itertools import combinations

import pandas as pd

from . import candidates

# What can be given up, in the order of `Workload`; what merely describes the work cannot.
RELAXABLE = (
    "batch_size",
    "latency_ms",
    "requests_per_s",
    "precisions",
    "accuracy_loss",
    "usd_per_hour",
    "usd_per_million",
    "power_w",
    "evidence",
    "segment",
    "ttft_ms",
    "tpot_ms",
    "input_tokens",
    "output_tokens",
    "concurrency",
)
COLUMNS = ("limit", "value", "needed", "options", "device_id", "device")


def relaxations(decision):
    """Each limit of a decision without a ranked option that could be given up: one row a limit, the one that brings most first.

    Parameters
    ----------
    decision : Decision

    Returns
    -------
    DataFrame
        limit (field of `Workload`; several where only giving them up together helps), value (what it is), needed (the nearest value with
        an option, for a limit in numbers), options (how many there are without it), device_id and device (who wins then). Empty where
        there is a best option, or where no limit is to blame.

    Examples
    --------
    >>> from .decision import decide
    >>> found = relaxations(decide("resnet50", latency_ms=0.001))
    >>> found["limit"].tolist(), bool(found["needed"].iloc[0] > 0.001)
    (['latency_ms'], True)
    """
    if decision.best is not None:
        return pd.DataFrame(columns=COLUMNS)
    work = decision.workload
    defaults = {field.name: field.default for field in fields(work)[1:]}
    active = [name for name in RELAXABLE if getattr(work, name) != defaults[name]]
    for together in (1, 2, 3):
        tried = (_without(work, {name: defaults[name] for name in names}) for names in combinations(active, together))
        found = pd.DataFrame([row for row in tried if row], columns=COLUMNS)
        if len(found):
            break
    else:
        found = pd.DataFrame(columns=COLUMNS)
    return found.sort_values("options", ascending=False, kind="stable", ignore_index=True)


def _without(work, given_up):
    """What there is once the limits `given_up` are back at their defaults; None for still nothing to rank."""
    table, _ = candidates.options(replace(work, **given_up))
    table = table[table["score"].notna()]
    if table.empty:
        return None
    needed = _nearest(table, *given_up) if len(given_up) == 1 else None
    values = [getattr(work, name) for name in given_up]
    return (
        ", ".join(given_up),
        values[0] if len(values) == 1 else None,
        needed,
        len(table),
        table["device_id"].iloc[0],
        table["device"].iloc[0],
    )


def _nearest(table, name):
    """The figure of the option that comes nearest to the limit `name`; None where the limit is no number."""
    figures = {
        "usd_per_hour": table["usd_per_hour_fleet"].fillna(table["usd_per_hour"]),
        "power_w": table["power_w"].fillna(table["tdp_w"] * table["device_count"]),
        **{name: table[name] for name in ("latency_ms", "usd_per_million", "ttft_ms", "tpot_ms")},
    }.get(name)
    return None if figures is None or figures.isna().all() else float(figures.min())
