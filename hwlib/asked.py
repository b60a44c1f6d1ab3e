"""What a question to `estimate` means: its network, its device, the stack it is answered for; or why it cannot be answered."""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from . import artefact, data, datasheet, features, schema
from .errors import HwlibError, unknown

NETWORK = ("gmacs", "params_m", "mactivations", *features.COUNTS)
SHEET = (*datasheet.SHEET, "fp8_tflops")
RUN = ("precision", "tuning", "runtime")
COLUMNS = ("model_id", *NETWORK, "device_id", "device_class", *SHEET, "vendor", "segment", *RUN, "batch_size")
WORDS = {"device_class": schema.DEVICE_CLASSES, "precision": (*datasheet.RANKS,), "tuning": schema.TUNINGS, "segment": schema.SEGMENTS}
LARGEST_BATCH = 1_000_000


class Question(NamedTuple):
    """Distinct networks and machines of the queries, and for each query its place in either and its batch."""

    networks: pd.DataFrame
    machines: pd.DataFrame
    network: np.ndarray
    machine: np.ndarray
    batch: np.ndarray


def read(queries, art):
    """`queries` with everything that an estimate needs, as a `Question`; for its columns see `estimates.estimate`.

    Raises
    ------
    HwlibError
        Naming the column, the row and what is allowed.
    """
    _check(queries)
    network, networks_ = _distinct(queries, ("model_id", *NETWORK))
    machine, machines = _distinct(queries, ("device_id", "device_class", *SHEET, "vendor", "segment", *RUN))
    networks_ = _with_network(networks_, art)
    machines = with_stack(_with_device(machines), art)
    return Question(networks_, machines, network, machine, queries["batch_size"].to_numpy(dtype=float))


def _distinct(queries, columns):
    """The place of each query among the distinct rows of `columns`, and those rows; `row` is where each first stands."""
    given = [column for column in columns if column in queries]
    code = queries.groupby(given, dropna=False, sort=False).ngroup().to_numpy() if given else np.zeros(len(queries), dtype=int)
    first = np.unique(code, return_index=True)[1]
    once = queries[given].iloc[first].reset_index(drop=True).reindex(columns=list(columns))
    numbers = [column for column in columns if column in (*NETWORK, *SHEET)]
    once = once.astype("object").where(once.notna(), None).astype(dict.fromkeys(numbers, "float64"))
    return code, once.assign(row=first)


def _check(queries):
    """Raise `HwlibError` at the first column or cell that cannot be meant."""
    if not isinstance(queries, pd.DataFrame) or queries.empty:
        raise HwlibError("queries: expected a DataFrame with at least one row; its columns are " + ", ".join(COLUMNS[:4]) + ", ...")
    for column in queries.columns:
        if column not in COLUMNS:
            raise unknown("column of queries", column, COLUMNS)
    if "batch_size" not in queries:
        raise HwlibError("queries: batch_size is missing; give the samples a call, such as 1")
    for column in queries.columns.intersection([*NETWORK, *SHEET, "batch_size"]):
        check_numbers(queries, column)
    for column, allowed in WORDS.items():
        if column in queries:
            strange = queries[column].dropna()[lambda cells, words=allowed: ~cells.isin(words)]
            if len(strange):
                raise unknown(column, strange.iloc[0], allowed)


def check_numbers(queries, column):
    """Raise `HwlibError` at the first cell of `column` that is not a number over 0 (a count may be 0, a batch is whole)."""
    values = pd.to_numeric(queries[column], errors="coerce").astype("float64")
    given = queries[column].notna()
    least, word = (1, "a whole number from 1 to 1,000,000") if column == "batch_size" else (0, "a number of at least 0")
    wrong = given & ~(values.notna() & (values >= least) & np.isfinite(values))
    if column == "batch_size":
        wrong |= ~given | (values % 1 != 0) | (values > LARGEST_BATCH)
    elif column not in features.COUNTS:
        wrong |= given & (values == 0)
        word = "a number over 0"
    if wrong.any():
        row = wrong.to_numpy().argmax()
        shown = queries[column].iloc[row]
        raise HwlibError(f"queries, row {row}, column {column}: {getattr(shown, 'item', lambda: shown)()!r}; expected {word}")


def _with_network(asked, art):
    """`asked`, indexed by model_id, with its figures: those given, else those of the tables, else work inferred from measured rows."""
    known, names = networks(), asked["model_id"]
    spelled = names[names.notna() & ~names.isin(known.index)]
    names = names.mask(spelled.reindex(names.index).notna(), names.map({name: data.find_model(name) for name in spelled.unique()}))
    asked = asked.drop(columns="model_id").set_index(pd.Index(names.fillna("").to_numpy(dtype=object), name="model_id"))
    known = known.reindex(asked.index)
    for column in NETWORK:
        asked[column] = asked[column].fillna(known[column].astype("float64"))
    asked["gmacs"] = asked["gmacs"].fillna(pd.Series(art["gmacs"].reindex(asked.index).to_numpy(dtype=float), index=asked.index))
    blank = asked["gmacs"].isna().to_numpy()
    if blank.any():
        name = asked.index[blank][0] or "the network"
        row = asked["row"].to_numpy()[blank][0]
        raise HwlibError(f"queries, row {row}, column gmacs: nothing states or lets infer the work of {name}; give its GMAC a sample")
    return asked.assign(seen=asked.index.isin(art["effects"]["all"]["models"]), counted=asked[features.MACS[0]].notna())


@functools.cache
def networks():
    """Networks by model_id with GMAC, parameters, activations and operator counts."""
    return data.load("models").merge(data.load("operators").drop(columns="source_id"), on="model_id", how="left").set_index("model_id")


def _with_device(asked):
    """`asked` with the data sheets of its devices: figures given, else those of the tables."""
    devices = data.load("devices").set_index("device_id")
    strange = asked.loc[asked["device_id"].notna() & ~asked["device_id"].isin(devices.index), "device_id"]
    if len(strange):
        raise unknown("device", strange.iloc[0], devices.index, "`hwlib devices` lists them; or give device_class and its data sheet.")
    known = devices.reindex(asked["device_id"]).set_index(asked.index)
    for column in ("device_class", "vendor", "segment", *SHEET):
        asked[column] = asked[column].where(asked[column].notna(), known[column].astype(asked[column].dtype))
    asked = asked.assign(device_id=asked["device_id"].fillna(""), memory_gb=known["memory_gb"].astype("float64"))
    blank = asked["device_class"].isna().to_numpy()
    if blank.any():
        row, words = asked["row"].to_numpy()[blank][0], ", ".join(schema.DEVICE_CLASSES)
        raise HwlibError(f"queries, row {row}, column device_class: give device_id, or one of {words} and a data sheet")
    return asked


@functools.cache
def stacks():
    """The fitted envs as a table: device_id, stack, precision, runtime, tuning, chain, device_class, rows (cells behind it)."""
    art = artefact.load()
    parts = pd.Series(art["envs"], dtype="object").str.split("|", expand=True)
    table = pd.DataFrame({"device_id": parts[0], "precision": parts[6], "runtime": parts[2], "tuning": parts[4]})
    table["stack"] = parts[[1, 2, 3, 4, 5]].agg("|".join, axis=1)
    table["device_class"] = table["device_id"].map(data.load("devices").set_index("device_id")["device_class"])
    return table.assign(chain=features.toolchain(table), rows=art["sizes"])


def with_stack(asked, art):
    """`asked`, indexed by env, with the stack it is answered for: as asked, else the most measured on the device, else in its class."""
    table = stacks()
    runtimes = set(table["runtime"]) - {""}
    for word in asked["runtime"].dropna().unique():
        if word not in runtimes:
            raise unknown("runtime", word, sorted(runtimes))
    asked = asked.assign(wanted=asked["tuning"])
    code, once = _distinct(asked, ("device_id", "device_class", *RUN))
    mine, alike = _by("device_id"), _by("device_class")
    chosen = pd.DataFrame([_choose(row, mine.get(row.device_id, []), alike.get(row.device_class, [])) for row in once.itertuples()])
    for column in chosen:
        asked[column] = chosen[column].to_numpy(dtype=object)[code]
    asked["seen"] = asked["device_id"].isin(table["device_id"])
    asked = asked.set_index((asked["device_id"] + "|" + asked["stack"] + "|" + asked["precision"]).to_numpy(dtype=object))
    return _described(asked.assign(seen_env=asked.index.isin(art["envs"])))


def restacked(asked, precision, art):
    """The machines of `asked` at another precision, on the stack that it would be answered for."""
    bare = asked.drop(columns=["stack", "chain", "assumed", "seen", "seen_env", "gaps"]).assign(tuning=asked["wanted"], precision=precision)
    return with_stack(bare, art)


def other_stacks(asked, precision):
    """The stack that each machine of `asked` would be answered for at `precision`, and whether it was measured there."""
    code, once = _distinct(asked.assign(tuning=asked["wanted"]), ("device_id", "device_class", "tuning", "runtime"))
    mine, alike = _by("device_id"), _by("device_class")
    rows = once.assign(precision=precision).itertuples()
    stack = np.array([_choose(row, mine.get(row.device_id, []), alike.get(row.device_class, []))["stack"] for row in rows], dtype=object)
    table = stacks()
    met = (once["device_id"] + "|" + stack + "|" + precision).isin(table["device_id"] + "|" + table["stack"] + "|" + table["precision"])
    return stack[code], met.to_numpy()[code]


@functools.cache
def _by(column):
    """For each value of `column` its stacks as rows, the one with most cells first, and in a stack the precision with most first."""
    counted = stacks().groupby([column, "stack", "precision", "runtime", "tuning", "chain"], as_index=False)["rows"].sum()
    counted["of_stack"] = counted.groupby([column, "stack"])["rows"].transform("sum")
    counted = counted.sort_values(["of_stack", "stack", "rows", "precision"], ascending=[False, False, False, True])
    found = {}
    for row in counted.itertuples(index=False):
        found.setdefault(getattr(row, column), []).append(row)
    return found


def _choose(question, mine, alike):
    """Stack, chain, tuning and precision for one kind of question, with words on what is assumed.

    The device's own stacks go before those of its class; of what is asked, tuning gives way first where nothing fits, then
    precision; the runtime never.
    """
    wanted = {name: getattr(question, name) for name in RUN if pd.notna(getattr(question, name))}
    for rows in (mine, alike):
        for kept in (RUN, ("tuning", "runtime"), ("precision", "runtime"), ("runtime",)):
            for row in rows:
                if all(getattr(row, name) == word for name, word in wanted.items() if name in kept):
                    return _answer(row, wanted)
    asked_for = f"runtime {question.runtime!r}: never measured" if "runtime" in wanted else "nothing was ever measured"
    raise HwlibError(f"{asked_for} on a {question.device_class}; leave runtime empty, or ask for another device_class")


def _answer(row, wanted):
    precision, tuning = wanted.get("precision", row.precision), wanted.get("tuning", row.tuning)
    source, runtime, version, _, settings = row.stack.split("|")
    words = " ".join(word for word in (runtime or "runtime not stated", version, tuning, precision, settings.replace(";", " ")) if word)
    stack = row.stack if tuning == row.tuning else "|".join([source, runtime, version, tuning, settings])
    return {"stack": stack, "chain": row.chain, "tuning": tuning, "precision": precision, "assumed": f"{words} as in {source}"}


def _described(asked):
    """`asked` with the gaps of each data sheet, or an error where a device never measured is not described at all."""
    blank = (~asked["seen"] & ~datasheet.described(asked)).to_numpy()
    if blank.any():
        name, row = asked["device_id"].iloc[blank.argmax()] or "this device", asked["row"].iloc[blank.argmax()]
        raise HwlibError(
            f"queries, row {row}: {name} was never measured and its data sheet is empty; give one of {', '.join(datasheet.SHEET)}, "
            "best the peak at the precision asked and memory_bandwidth_gb_s"
        )
    gaps = datasheet.gaps(asked, asked["precision"]).where(~asked["seen_env"], "")
    note = " (not stated: " + gaps + "; taken as usual for its class, with a wider interval)"
    return asked.assign(gaps=gaps, assumed=asked["assumed"] + note.where(gaps != "", ""))
