"""The guard: which measured rows may stand side by side, and in words why not.

Two rows are "alike", "alike with a caveat", or "not comparable". The rules, in `pitfalls`, are those of MLCommons' own
guidelines for quoting results, and the pitfalls that benchmark readers fall into: unlike batch, precision, scenario,
software, state of sale, lengths of text, power boundary or price basis.
"""

from itertools import combinations
from typing import NamedTuple

import pandas as pd

from .errors import HwlibError, unknown
from .pitfalls import ALIKE, CAVEAT, REFUSED, RULES

COLUMNS = (
    "model_id",
    "gmacs",
    "throughput_unit",
    "scenario",
    "batch_size",
    "concurrency",
    "input_tokens",
    "output_tokens",
    "mode",
    "precision",
    "sparsity",
    "tuning",
    "runtime",
    "runtime_version",
    "variant",
    "division",
    "availability",
    "source_id",
    "device_count",
    "power_w",
    "power_boundary",
    "joules_per_inference",
    "joules_per_inference_tdp_bound",
    "priced_unit",
    "pricing",
    "usd_per_hour",
    "price_as_of",
    "evidence",
    "quality_flag",
)
LATENCIES = ("mean", "p50", "p90", "p95", "p99")
# The facts that a refusal can rest on.
REFUSABLE = (
    "model_id",
    "gmacs",
    "throughput_unit",
    "tokens_counted",
    "scenario",
    "batch_size",
    "concurrency",
    "input_tokens",
    "output_tokens",
    "division",
    "availability",
    "energy",
    "priced_unit",
)
# What a figure is about, by the start of its name: rules about another kind of figure say nothing of it.
FIGURES = {
    "throughput": "speed",
    "output_tokens": "speed",
    "tokens_per": "speed",
    "latency": "latency",
    "ttft": "latency",
    "tpot": "latency",
    "usd": "price",
    "joules": "power",
    "inferences_per_joule": "power",
    "power": "power",
    "gco2e": "power",
}


# What a variant of a stack is: rows that differ in one of these do not belong on one line.
RECIPE = ("variant", "runtime_version", "scenario", "concurrency")

# What rows shown together may differ in, gravest first, and how to say it.
ASPECTS = {
    "throughput_unit": "unit",
    "scenario": "scenario",
    "division": "MLPerf division",
    "availability": "state of sale",
    "batch_size": "batch size",
    "input_tokens": "prompt length",
    "output_tokens": "answer length",
    "mode": "serving",
    "precision": "precision",
    "sparsity": "share of weights zero",
    "tuning": "tuning",
    "device_count": "number of devices",
    "latency_stat": "latency",
    "power_boundary": "power boundary",
    "priced_unit": "priced unit",
    "pricing": "terms of price",
    "evidence": "evidence",
}


class Comparison(NamedTuple):
    """What the guard says of two rows: a verdict and the reasons, gravest first."""

    verdict: str
    reasons: tuple

    def __str__(self):
        return self.verdict + (": " + "; ".join(self.reasons) if self.reasons else "")


def compare(a, b, by=None):
    """Whether the measured rows `a` and `b` may stand side by side, with the reasons in words.

    Parameters
    ----------
    a, b : Series or dict
        Rows of `measurements` or `llm_serving`, or options with a price; a column that is missing counts as unknown.
    by : str, optional
        The figure that is compared, such as "usd_per_100k": what concerns prices, power or latency only is left out of a
        comparison of something else. Without it every figure of the rows is compared.

    Returns
    -------
    Comparison
        verdict ("alike", "alike with a caveat" or "not comparable") and reasons.

    Raises
    ------
    HwlibError
        For a `by` that is no figure.

    Examples
    --------
    >>> gpu = {"scenario": "batch_loop", "batch_size": 1024, "precision": "fp16", "tuning": "eager"}
    >>> cpu = {"scenario": "batch_loop", "batch_size": 1, "precision": "fp32", "tuning": "compiled"}
    >>> print(compare(gpu, cpu))
    not comparable: batch 1024 against batch 1; eager fp16 against compiled fp32
    """
    return _judge(facts(a), facts(b), kind(by))


def side_by_side(frame, by=None):
    """`frame` itself if all its rows may stand side by side, at most with caveats; else an error with the reasons.

    Parameters
    ----------
    frame : DataFrame
        Rows of `measurements` or `llm_serving`.
    by : str, optional
        The figure that is compared; see `compare`.

    Raises
    ------
    HwlibError
        Where two rows are not comparable.

    Examples
    --------
    >>> import pandas as pd
    >>> side_by_side(pd.DataFrame({"scenario": ["offline", "server"]}))
    Traceback (most recent call last):
        ...
    hwlib.errors.HwlibError: not comparable: offline against server
    """
    rows = frame[[column for column in COLUMNS if column in frame]].drop_duplicates()
    # Rows that agree in all that can be refused need not be held against each other.
    kinds = {tuple(row[name] for name in REFUSABLE): row for row in map(facts, rows.to_dict("records"))}
    about = kind(by)
    for a, b in combinations(kinds.values(), 2):
        comparison = _judge(a, b, about)
        if comparison.verdict == REFUSED:
            raise HwlibError(str(comparison))
    return frame


def caveats(frame):
    """In which ways rows shown together differ, in words with the values, gravest first: a list of str.

    Parameters
    ----------
    frame : DataFrame
        Rows of `measurements`.

    Examples
    --------
    >>> import pandas as pd
    >>> caveats(pd.DataFrame({"precision": ["fp32", "int8", None], "scenario": "offline", "batch_size": [1, 8, 8]}))
    ['batch size 1 to 8', 'precision fp32, int8, unstated']
    """
    found = []
    for column, words in ASPECTS.items():
        values = frame[column].drop_duplicates() if column in frame else pd.Series(dtype="str")
        known = sorted(values.dropna())
        unstated = ["unstated"] if column == "precision" and known and values.isna().any() else []
        if len(known) + len(unstated) > 1:
            ends = [f"{known[0]:g} to {known[-1]:g}"] if not isinstance(known[0], str) else known
            found.append(f"{words} {', '.join(ends + unstated)}")
    rounds = sorted(source for source in frame.get("source_id", pd.Series(dtype="str")).dropna().unique() if source.startswith("mlperf-"))
    if len(rounds) > 1:
        found.append(f"software of different years (MLPerf {rounds[0][7:]} to {rounds[-1][7:]})")
    return found


def batch_series(frame):
    """The rows of `frame` that make honest lines over batch size, with the stack that each line belongs to.

    Within a stack (precision, runtime, tuning, publisher) all rows are alike but for device and batch size, so that the
    lines of one stack can be held against each other. Of the variants of a stack, the one measured on most devices and
    batch sizes is taken.

    Parameters
    ----------
    frame : DataFrame
        Rows of `measurements`; those on one device, with precision, batch size and throughput, are used. Adds stack.

    Returns
    -------
    DataFrame
        Stacks measured on most devices first; each line has at least two batch sizes.

    Examples
    --------
    >>> from . import data
    >>> lines = batch_series(data.load_measurements("resnet50"))
    >>> lines["stack"].iloc[0]
    'fp16, tensorflow compiled (nvidia-dle)'
    """
    fit = (frame["device_count"] == 1) & frame[["device_id", "batch_size", "throughput_per_s", "precision"]].notna().all(axis=1)
    rows = frame[fit & frame["scenario"].isin(("batch_loop", "concurrent_loop"))]
    recipe = rows[list(RECIPE)].astype("str").fillna("")
    rows = rows.assign(
        stack=rows["precision"] + ", " + rows["runtime"] + " " + rows["tuning"].fillna("") + " (" + rows["source_id"] + ")",
        recipe=recipe[RECIPE[0]].str.cat(recipe[list(RECIPE[1:])], sep="|"),
    )
    line = ["stack", "recipe", "device_id"]
    rows = rows[rows.groupby(line)["batch_size"].transform("nunique") > 1].drop_duplicates([*line, "batch_size"])
    if rows.empty:
        return rows.drop(columns="recipe")
    sizes = rows.groupby(["stack", "recipe"], as_index=False).agg(devices=("device_id", "nunique"), points=("batch_size", "size"))
    order = ["devices", "points", "stack", "recipe"]
    sizes = sizes.sort_values(order, ascending=[False, False, True, True]).drop_duplicates("stack")
    lines = sizes.merge(rows, on=["stack", "recipe"], how="left")
    return lines.drop(columns=["recipe", "devices", "points"])


def facts(row):
    """What the rules need of `row`, a Series or dict: its cells, None where unknown, with variant and flags taken apart."""
    cells = row.to_dict() if hasattr(row, "to_dict") else row
    known = {column: _known(cells.get(column)) for column in COLUMNS}
    parts = (part.partition("=") for part in (known["variant"] or "").split(";"))
    known["variant"] = {key: value for key, _, value in parts if value}
    known["flags"] = set((known["quality_flag"] or "").split(";"))
    if known["availability"] is None and "preview" in known["flags"]:
        known["availability"] = "preview"
    known["tokens_counted"] = known["variant"].get("tokens_counted", "output") if known["throughput_unit"] == "tokens" else None
    known["latencies"] = _latencies(cells)
    measured = known["power_w"] is not None or known["joules_per_inference"] is not None
    bound = known["joules_per_inference_tdp_bound"] is not None
    known["energy"] = "measured" if measured else "bound" if bound else None
    return known


def _latencies(cells):
    stated = _known(cells.get("latency_stat"))
    return {stated} if stated else {stat for stat in LATENCIES if _known(cells.get(f"latency_ms_{stat}")) is not None}


def _judge(a, b, about):
    asked = [rule for concerns, rule in RULES if concerns is None or about is None or concerns == about]
    found = [finding for rule in asked if (finding := rule(a, b))]
    refused = [text for verdict, text in found if verdict == REFUSED]
    caveats = [text for verdict, text in found if verdict == CAVEAT]
    verdict = REFUSED if refused else CAVEAT if caveats else ALIKE
    return Comparison(verdict, tuple(refused + caveats))


def kind(figure):
    """What `figure`, the name of a column, is about: "speed", "latency", "price" or "power"; None for no figure.

    >>> kind("usd_per_100k")
    'price'
    """
    if figure is None:
        return None
    for start, about in FIGURES.items():
        if str(figure).startswith(start):
            return about
    raise unknown("figure", figure, ["throughput_per_s", "latency_ms", "usd_per_100k", "joules_per_inference", "gco2e_per_million"])


def _known(value):
    return None if pd.isna(value) else value
