"""The guard: which measured rows may stand side by side, and in words why not.

Two rows are "alike", "alike with a caveat", or "not comparable". The rules are those of MLCommons' own guidelines for
quoting results, and the pitfalls that benchmark readers fall into: unlike batch, precision, scenario, software or state
of sale.
"""

from itertools import combinations
from typing import NamedTuple

import pandas as pd

from .errors import HwlibError

ALIKE, CAVEAT, REFUSED = "alike", "alike with a caveat", "not comparable"

# Up to this factor between batch sizes a reader can still see the same regime; beyond it another one.
BATCH_FACTOR = 4

# Unlike scenarios that still answer a similar question; any other unlike pair is refused.
SIMILAR_SCENARIOS = (
    {"offline", "batch_loop"},
    {"offline", "concurrent_loop"},
    {"batch_loop", "concurrent_loop"},
    {"batch_loop", "single_stream"},
    {"multi_stream", "batch_loop"},
)
COLUMNS = (
    "model_id",
    "throughput_unit",
    "scenario",
    "batch_size",
    "precision",
    "tuning",
    "variant",
    "division",
    "availability",
    "source_id",
    "device_count",
    "power_boundary",
    "evidence",
)


# What a variant of a stack is: rows that differ in one of these do not belong on one line.
RECIPE = ("variant", "runtime_version", "scenario", "concurrency")


# What rows shown together may differ in, gravest first, and how to say it.
ASPECTS = {
    "throughput_unit": "unit",
    "scenario": "scenario",
    "division": "MLPerf division",
    "availability": "state of sale",
    "batch_size": "batch size",
    "precision": "precision",
    "tuning": "tuning",
    "device_count": "number of devices",
    "power_boundary": "power boundary",
    "evidence": "evidence",
}


class Comparison(NamedTuple):
    """What the guard says of two rows: a verdict and the reasons, gravest first."""

    verdict: str
    reasons: tuple

    def __str__(self):
        return self.verdict + (": " + "; ".join(self.reasons) if self.reasons else "")


def compare(a, b):
    """Whether the measured rows `a` and `b` may stand side by side, with the reasons in words.

    Parameters
    ----------
    a, b : Series or dict
        Rows of `measurements`; a column that is missing counts as unknown.

    Returns
    -------
    Comparison
        verdict ("alike", "alike with a caveat" or "not comparable") and reasons.

    Examples
    --------
    >>> gpu = {"scenario": "batch_loop", "batch_size": 1024, "precision": "fp16", "tuning": "eager"}
    >>> cpu = {"scenario": "batch_loop", "batch_size": 1, "precision": "fp32", "tuning": "compiled"}
    >>> print(compare(gpu, cpu))
    not comparable: batch 1024 against batch 1; eager fp16 against compiled fp32
    """
    a, b = ({column: _cell(row, column) for column in COLUMNS} for row in (a, b))
    found = [finding for rule in RULES if (finding := rule(a, b))]
    refused = [text for verdict, text in found if verdict == REFUSED]
    caveats = [text for verdict, text in found if verdict == CAVEAT]
    verdict = REFUSED if refused else CAVEAT if caveats else ALIKE
    return Comparison(verdict, tuple(refused + caveats))


def side_by_side(frame):
    """`frame` itself if all its rows may stand side by side, at most with caveats; else an error with the reasons.

    Parameters
    ----------
    frame : DataFrame
        Rows of `measurements`.

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
    kinds = frame.reindex(columns=list(COLUMNS)).drop_duplicates().to_dict("records")
    for a, b in combinations(kinds, 2):
        comparison = compare(a, b)
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
    rounds = sorted(source for source in frame.get("source_id", pd.Series(dtype="str")).unique() if source.startswith("mlperf-"))
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


def _cell(row, column):
    value = row.get(column)
    return None if value is None or pd.isna(value) else value


def _differ(column, verdict, words="{} against {}"):
    def rule(a, b):
        if a[column] is not None and b[column] is not None and a[column] != b[column]:
            return verdict, words.format(a[column], b[column])
        return None

    return rule


def _scenario(a, b):
    pair = {a["scenario"], b["scenario"]}
    if len(pair) < 2 or None in pair:
        return None
    verdict = CAVEAT if pair in SIMILAR_SCENARIOS else REFUSED
    return verdict, f"{a['scenario']} against {b['scenario']}"


def _batch(a, b):
    sizes = (a["batch_size"], b["batch_size"])
    if None in sizes or sizes[0] == sizes[1]:
        return None
    verdict = REFUSED if max(sizes) > BATCH_FACTOR * min(sizes) else CAVEAT
    return verdict, f"batch {sizes[0]} against batch {sizes[1]}"


def _stack(a, b):
    if (a["precision"], a["tuning"]) == (b["precision"], b["tuning"]):
        return None
    words = [
        " ".join(filter(None, [row["tuning"] if a["tuning"] != b["tuning"] else None, row["precision"] or "unstated precision"]))
        for row in sorted((a, b), key=lambda row: row["tuning"] != "engine" and row["precision"] != "int8")
    ]
    return (CAVEAT, " against ".join(words).replace("engine", "vendor engine")) if words[0] != words[1] else None


def _accuracy_target(a, b):
    targets = [next((part for part in (row["variant"] or "").split(";") if part.startswith("accuracy=")), None) for row in (a, b)]
    if targets[0] == targets[1]:
        return None
    named = [target.replace("accuracy=", "") + " %" if target else "no stated target" for target in targets]
    return CAVEAT, f"accuracy target {named[0]} against {named[1]}"


def _publisher(a, b):
    sources = (a["source_id"], b["source_id"])
    if None in sources or sources[0] == sources[1]:
        return None
    mlperf = [source.startswith("mlperf-") for source in sources]
    if all(mlperf):
        return CAVEAT, f"MLPerf {sources[0][7:]} against {sources[1][7:]}: software of different years"
    if any(mlperf):
        return CAVEAT, "an MLPerf result against a figure measured outside MLPerf"
    return CAVEAT, f"figures of {sources[0]} against {sources[1]}"


RULES = (
    _differ("model_id", REFUSED, "different networks: {} against {}"),
    _differ("throughput_unit", REFUSED, "{} per second against {} per second"),
    _scenario,
    _batch,
    _differ("division", REFUSED, "MLPerf {} division against {} division"),
    _differ("availability", REFUSED, "{} system against {} system"),
    _stack,
    _accuracy_target,
    _publisher,
    _differ("device_count", CAVEAT, "{} devices against {}"),
    _differ("power_boundary", CAVEAT, "power of the {} against power of the {}"),
    _differ("evidence", CAVEAT, "{} against {} figures"),
)
