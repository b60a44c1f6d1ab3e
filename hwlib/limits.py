"""Limits first: which measured rows cannot serve a workload, and in words why."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from . import serving

LATENCIES = ("p99", "p95", "p90", "p50", "mean")
# A row's figure for a percentile: that one, else a sterner one, else the sternest of the milder ones.
STAND_INS = {
    99: ("p99", "p95", "p90", "p50", "mean"),
    95: ("p95", "p99", "p90", "p50", "mean"),
    90: ("p90", "p95", "p99", "p50", "mean"),
    50: ("p50", "p90", "p95", "p99", "mean"),
}
# The fields of Workload that limit a time, and the column held against each.
LIMIT_COLUMNS = {"latency_ms": "latency_ms", "ttft_ms": "ttft_held_ms", "tpot_ms": "tpot_held_ms"}
SAID = {"evidence", "device_id", "device_name", "unfit", "segment", "batch_size", "precision", "accuracy_loss", "scenario", "source_id"}
SAID |= {"latency_ms", "latency_stat", *serving.COUNTS, *(f"{name[:-3]}_held_{end}" for name in serving.TIMES for end in ("ms", "stat"))}
# Number formats that run a network's published weights; for narrower ones somebody must have looked at the accuracy.
WIDE = ("fp32", "tf32", "fp16", "bf16")


class Check(NamedTuple):
    """One limit: the field of Workload that sets it ("" for none), which rows break it, the reason, and what orders them by nearness."""

    field: str
    hit: np.ndarray
    words: Callable
    nearest: str = ""


def reasons(rows, workload):
    """Why each measured row cannot serve `workload`: a Series of sentences, empty where it can.

    Parameters
    ----------
    rows : DataFrame
        As `candidates.measured` gives them.
    workload : Workload

    Examples
    --------
    >>> from .candidates import measured
    >>> from .workload import Workload
    >>> work = Workload("resnet50", batch_size=7)
    >>> rows = measured(work)
    >>> reasons(rows, work)[rows["device_id"] == "nvidia-t4"].iloc[0]
    'batch size not stated'
    """
    found, checks = failed(rows, workload)
    texts = pd.Series("", index=rows.index, dtype="object")
    for number, check in enumerate(checks):
        hit = found == number
        texts[hit] = check.words(rows[hit])
    return texts


def failed(rows, workload, without=()):
    """The number of the first check that each row breaks (-1 for none), and the checks.

    Parameters
    ----------
    rows : DataFrame
        As `candidates.measured` gives them.
    workload : Workload
    without : sequence of str
        Fields of `Workload` whose limits do not count.

    Returns
    -------
    found : ndarray of int
    checks : list of Check
    """
    checks = [check for check in _checks(rows, workload) if check.field not in without]
    found = np.full(len(rows), -1)
    for number, check in enumerate(checks):
        found[(found == -1) & check.hit] = number
    return found, checks


def said(rows):
    """The columns of `rows` that reasons speak of: a list of str."""
    return [name for name in rows if name in SAID]


def with_latency(rows, percentile=99):
    """`rows` with latency_ms (ms) at that percentile or its nearest stand-in, and latency_stat, which figure that is.

    A sterner percentile stands in first, for it bounds the one asked for; a milder one or the mean only where nothing else is stated.

    Parameters
    ----------
    rows : DataFrame
        Needs latency_ms_p99, _p95, _p90, _p50 and _mean (ms).
    percentile : {50, 90, 95, 99}

    Examples
    --------
    >>> from . import data
    >>> with_latency(data.load_measurements("resnet50", scenario="server"))["latency_stat"].value_counts().index[0]
    'p99'
    """
    order = STAND_INS[percentile]
    figures = np.column_stack([rows[f"latency_ms_{stat}"].to_numpy("float64", na_value=np.nan) for stat in order])
    first = (~np.isnan(figures)).argmax(axis=1)
    value = figures[np.arange(len(rows)), first]
    stat = np.where(np.isnan(value), None, np.array(order, dtype="object")[first])
    return rows.assign(latency_ms=value, latency_stat=pd.Series(stat, index=rows.index, dtype="str"))


def _checks(rows, work):
    yield Check("", rows["unfit"].to_numpy() != "", lambda hit: hit["unfit"])
    if work.evidence:
        yield Check("evidence", ~rows["evidence"].isin(work.evidence).to_numpy(), lambda hit: "the figure is " + hit["evidence"])
    if work.segment:
        yield Check(
            "segment", _differs(rows["segment"], work.segment), lambda hit: "a device of segment " + hit["segment"].fillna("unknown")
        )
    if work.batch_size != "any":
        sizes = rows["batch_size"]
        yield Check("batch_size", sizes.isna().to_numpy(), _says("batch size not stated"))
        yield Check(
            "batch_size",
            _differs(sizes, work.batch_size),
            lambda hit: f"measured at batch {hit['batch_size'].iloc[0]}, not {work.batch_size}",
        )
    if work.precisions:
        yield Check(
            "precisions",
            ~rows["precision"].isin(work.precisions).to_numpy(),
            lambda hit: "measured at " + hit["precision"].fillna("an unstated precision"),
        )
    if work.accuracy_loss is not None:
        yield from _accuracy(rows, work.accuracy_loss)
    if work.latency_ms is not None:
        yield Check("latency_ms", rows["latency_ms"].isna().to_numpy(), lambda hit: "no latency measured (" + hit["scenario"] + ")")
        yield _over(rows, "latency_ms", work.latency_ms)
    for name in serving.COUNTS:
        if (wanted := getattr(work, name)) is not None:
            yield from _count(rows, name, wanted)
    for name in serving.TIMES:
        if (limit := getattr(work, name)) is not None:
            yield from _time(rows, name, limit)


def _says(text):
    return lambda hit: text


def _differs(column, value):
    return (column != value).fillna(True).to_numpy(bool)


def _over(rows, field, limit, what=""):
    """The check that a time is not over `limit` (ms); its words show the figure, which one it is and the batch it was measured at."""
    column = LIMIT_COLUMNS[field]

    def words(hit):
        cells = zip(hit[column.replace("_ms", "_stat")], hit[column], hit["batch_size"], strict=True)
        return [
            f"{what}{'only known to keep to' if stat == 'bound' else stat} {figure:.4g} ms > {limit:g} ms"
            + (f" at batch {batch}" if pd.notna(batch) else "")
            for stat, figure, batch in cells
        ]

    return Check(field, (rows[column] > limit).fillna(False).to_numpy(bool), words, column)


def _count(rows, name, wanted):
    """A length fits within a tenth (`serving.LENGTH_AGREEMENT`); the requests in flight must be those asked for."""
    count, words = rows[name].astype("float64"), serving.COUNTS[name]
    slack = 0 if name == "concurrency" else serving.LENGTH_AGREEMENT * wanted
    yield Check(name, count.isna().to_numpy(), lambda hit: f"number of {words} not stated (" + hit["source_id"] + ")")
    yield Check(
        name, ((count - wanted).abs() > slack).to_numpy(), lambda hit: "measured at " + hit[name].astype("str") + f" {words}, not {wanted}"
    )


def _time(rows, name, limit):
    words, held = serving.TIMES[name], name.replace("_ms", "_held_ms")
    yield Check(name, rows[held].isna().to_numpy(), lambda hit: f"{words} not measured (" + hit["scenario"] + ")")
    yield _over(rows, name, limit, f"{words} ")


def _accuracy(rows, allowed):
    loss, narrow = rows["accuracy_loss"], ~rows["precision"].isin(WIDE)
    unknown = (loss.isna() & narrow).to_numpy()
    yield Check("accuracy_loss", unknown, lambda hit: "accuracy not stated at " + hit["precision"].fillna("an unstated precision"))
    yield Check(
        "accuracy_loss",
        (loss > allowed).to_numpy(),
        lambda hit: "may lose " + hit["accuracy_loss"].map("{:.3g}".format) + f" % of the accuracy > {allowed:g} %",
        "accuracy_loss",
    )
