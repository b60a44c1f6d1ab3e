"""Result summaries as MLCommons publishes them -> rows of `measurements`, for a round that is not among the sources.

Two forms are known: `summary_results_v5.1.json`, one object a result with its power in it, and from v6.1 `summary.csv` (and the same
columns in `summary.json`), where a power figure is a row of its own. Both hold official figures alone: a rate, or one percentile of the
latency, but neither means nor logs. Energy per query is left out, for without the rate of a stream it tells no power.
"""

import json
from pathlib import Path

import pandas as pd

from .. import units
from ..errors import HwlibError
from . import mlperf, mlperf_declared, tidy

# Column of the summary -> column of our round files, for each form.
BOTH = {"Scenario": "scenario", "Location": "location", "Accuracy": "accuracy", "Availability": "availability", "version": "round"} | {
    name: name for name in ("host_processors_per_node", "inferred", "weight_data_types")
}
OF_V5 = BOTH | {
    "Submitter": "submitter",
    "Category": "division",
    "System": "system_name",
    "Platform": "system",
    "ID": "result_id",
    "UsedModel": "model",
    "Nodes": "number_of_nodes",
    "Processor": "host_processor",
    "Accelerator": "accelerator",
    "a#": "accelerators_per_node",
    "Software": "framework",
    "Performance_Units": "result_unit",
    "Performance_Result": "result",
}
OF_V6 = BOTH | {
    "Organization": "submitter",
    "Division": "division",
    "SystemName": "system_name",
    "Platform": "system",
    "Model": "model",
    "number_of_nodes": "number_of_nodes",
    "host_processor_model_name": "host_processor",
    "accelerator_model_name": "accelerator",
    "accelerators_per_node": "accelerators_per_node",
    "framework": "framework",
    "Units": "result_unit",
    "Result": "result",
}
NEEDED = ("submitter", "division", "location", "system", "model", "result", "number_of_nodes", "host_processors_per_node", "inferred")
NAMES = ("submitter", "system", "system_name", "model", "host_processor", "accelerator", "framework", "location")
NO_VALUE = ("", "None", "N/A")

# Unit of the summary -> unit of the round files, and how many of it one is.
RATE_UNITS = {
    "Samples/s": ("samples/s", 1),
    "Queries/s": ("queries/s", 1),
    "Tokens/s": ("tokens/s", 1),
    "Tasks/s": ("samples/s", 1),
    "Latency (ms)": ("ms", 1),
    "Latency (s)": ("ms", units.MS_PER_S),
}
WATTS = "Watts"
POWER_UNITS = (WATTS, "millijoules")
# Of these the summary calls samples or queries what the log of the same run counts as tokens: of speech all rates, of this language
# model those of Interactive.
IN_TOKENS = ("whisper", "llama3.1-8b", "llama3_1-8b")
WORDS = {
    "scenario": {word.lower(): word for word in mlperf.SCENARIOS},
    "division": {word: word for word in ("closed", "open", "network")},
    "availability": {word: word for word in ("available", "preview", "rdi")},
}
HIGHEST = 1e12
ROUND = r"v[0-9]+\.[0-9]+"
# The paths of v6.1 start at the folder and end at the run.
AROUND_LOCATION = r"^\./|/performance(/run_1)?$"


def read_summary(path):
    """Every result of the summary at `path` (JSON or CSV) as rows of `measurements`; rates per second, latency in ms, power in W.

    Raises
    ------
    HwlibError
        With file, line, column and value of what cannot be read; in JSON the first result counts as line 2.
    """
    path = Path(path)
    frame = _objects(path) if path.suffix == ".json" else tidy.read_upstream(path, list(OF_V6))
    columns = _form(frame)
    frame = frame.apply(lambda cells: cells.str.replace(r"\s+", " ", regex=True).str.strip())
    frame = frame.mask(frame.isin(NO_VALUE))
    _refuse_faults(frame, columns, path.name)
    column = _theirs("result_unit", columns)
    rates = tidy.mapped(frame, column, RATE_UNITS | dict.fromkeys(POWER_UNITS), path.name)
    raw = _round_file(frame, columns, path.name).assign(
        result_unit=rates.str[0],
        result=_results(frame, _theirs("result", columns), rates.str[1].fillna(1), path.name),
        power_avg_w=_power(frame, path.name),
    )
    tokens = raw["model"].str.startswith(IN_TOKENS) & raw["result_unit"].isin(["samples/s", "queries/s"])
    raw["result_unit"] = raw["result_unit"].mask(tokens, "tokens/s")
    return mlperf.measurements(raw[rates.notna()], path.name).reset_index(drop=True)


def _objects(path):
    """The objects of a JSON file, a list or a dict of them, as a text frame."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HwlibError(f"{path.name}: cannot be read as JSON: {error}") from None
    rows = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise HwlibError(f"{path.name}: expected results, each an object of its own")
    frame = pd.DataFrame([{key: None if value is None else str(value) for key, value in row.items()} for row in rows], dtype="str")
    missing = [name for name in _form(frame) if name not in frame]
    if missing:
        raise HwlibError(f"{path.name}: missing in every result: {', '.join(missing)}")
    return frame


def _form(frame):
    """Columns of the form that `frame` is in; what names its organization is of the newer one."""
    return OF_V6 if "Organization" in frame else OF_V5


def _theirs(name, columns):
    """What the summary calls the column `name` of a round file."""
    return next(theirs for theirs, ours in columns.items() if ours == name)


def _refuse_faults(frame, columns, file):
    """Raise `HwlibError` where a cell is empty that must not be, a name is no name, a round is none, or a result stands twice."""
    for name in NEEDED:
        column = _theirs(name, columns)
        tidy.refuse(frame, column, frame[column].isna(), file, "a value")
    tidy.refuse_active(frame, [_theirs(name, columns) for name in NAMES], file)
    tidy.refuse(frame, "version", ~frame["version"].str.fullmatch(ROUND, na=False), file, "a round such as v5.1")
    rated = ~frame[_theirs("result_unit", columns)].isin(POWER_UNITS)
    tidy.refuse(frame, "Location", rated & frame.where(rated).duplicated("Location"), file, "each result once")


def _round_file(frame, columns, file):
    """`frame` in the columns of a round file, its counts as numbers and its words as ours; what a summary does not hold is empty."""
    raw = frame[list(columns)].rename(columns=columns)
    for name, words in WORDS.items():
        column = _theirs(name, columns)
        raw[name] = tidy.mapped(frame.assign(**{column: frame[column].str.lower()}), column, words, file)
    for name in mlperf.COUNTS:
        raw[name] = tidy.count(frame, _theirs(name, columns), file)
    cards = _theirs("accelerators_per_node", columns)
    tidy.count(frame.mask(frame[cards].str.startswith("(", na=False)), cards, file)
    unknown = raw["weight_data_types"].map(mlperf_declared.weight_types, na_action="ignore").isna()
    raw["weight_data_types"] = raw["weight_data_types"].mask(unknown)
    raw["location"] = raw["location"].str.replace(AROUND_LOCATION, "", regex=True)
    texts = [name for name in (*mlperf.IDENTITY, *mlperf.HARDWARE, *mlperf.SOFTWARE) if name not in raw]
    figures = [name for name in mlperf.FIGURES if name not in raw]
    return raw.assign(**dict.fromkeys(texts, pd.Series(None, index=raw.index, dtype="str")), **dict.fromkeys(figures, float("nan")))


def _results(frame, column, factors, file):
    """The figures of `column` in the units of the round files."""
    results = tidy.number(frame, column, file)
    tidy.refuse(frame, column, results > HIGHEST, file, f"at most {HIGHEST:g}")
    return results * factors


def _power(frame, file):
    """Measured mean power in W of each row's run, where it was measured."""
    if "Power_Result" in frame:
        return tidy.number(frame, "Power_Result", file).where(frame["Power_Units"] == WATTS)
    if "Units" not in frame:
        return float("nan")
    figures = tidy.number(frame, "Result", file)[frame["Units"] == WATTS]
    return frame["Location"].map(figures.groupby(frame["Location"]).first())
