"""What a question to `estimate` means: its network, its device, the stack it is answered for; or why it cannot be answered."""

import numpy as np
import pandas as pd

from . import data, datasheet, features, schema
from .errors import HwlibError, unknown

NETWORK = ("gmacs", "params_m", "mactivations", *features.COUNTS)
SHEET = (*datasheet.SHEET, "fp8_tflops")
RUN = ("precision", "tuning", "runtime")
COLUMNS = ("model_id", *NETWORK, "device_id", "device_class", *SHEET, "vendor", "segment", *RUN, "batch_size")
WORDS = {"device_class": schema.DEVICE_CLASSES, "precision": (*datasheet.RANKS,), "tuning": schema.TUNINGS, "segment": schema.SEGMENTS}
LARGEST_BATCH = 1_000_000


def read(queries, art):
    """Each row of `queries` with everything that an estimate needs; for its columns see `estimates.estimate`.

    Raises
    ------
    HwlibError
        Naming the column, the row and what is allowed.
    """
    _check(queries)
    question = pd.DataFrame(index=queries.index)
    for column in COLUMNS:
        question[column] = queries[column] if column in queries else (np.nan if column in (*NETWORK, *SHEET) else None)
    question = _with_device(_with_network(question, art))
    question = with_stack(question, stacks(art))
    return question


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
        raise HwlibError(f"queries, row {row}, column {column}: {queries[column].iloc[row]!r}; expected {word}")


def _with_network(question, art):
    """`question` with the figures of its networks: those given, else those of the tables, else work inferred from measured rows."""
    named = question["model_id"].notna()
    meant = {name: data.find_model(name) for name in question.loc[named, "model_id"].unique()}
    question["model_id"] = question["model_id"].map(meant).astype("object").where(named, "")
    known = networks().reindex(question["model_id"])
    stated = question["gmacs"].notna().to_numpy() | known["gmacs"].notna().to_numpy()
    for column in NETWORK:
        question[column] = question[column].astype("float64").fillna(pd.Series(known[column].to_numpy(dtype=float), index=question.index))
    inferred = pd.Series(question["model_id"].map(art["gmacs"]).to_numpy(dtype=float), index=question.index)
    question["gmacs"] = question["gmacs"].fillna(inferred)
    question["work"] = np.where(stated, "stated", "inferred")
    if question["gmacs"].isna().any():
        row = question["gmacs"].isna().to_numpy().argmax()
        name = question["model_id"].iloc[row] or "the network"
        raise HwlibError(f"queries, row {row}, column gmacs: nothing states or lets infer the work of {name}; give its GMAC a sample")
    figures = question[["gmacs", "params_m", "mactivations", *features.COUNTS]].round(9)
    question["model_key"] = question["model_id"] + "#" + pd.util.hash_pandas_object(figures, index=False).astype("str").to_numpy()
    question["seen_model"] = question["model_id"].isin(art["effects"]["all"].index)
    return question


def networks():
    """Networks by model_id with GMAC, parameters, activations and operator counts."""
    return data.load("models").merge(data.load("operators").drop(columns="source_id"), on="model_id", how="left").set_index("model_id")


def _with_device(question):
    """`question` with the data sheets of its devices: figures given, else those of the tables."""
    named = question["device_id"].notna()
    devices = data.load("devices").set_index("device_id")
    strange = question.loc[named & ~question["device_id"].isin(devices.index), "device_id"]
    if len(strange):
        raise unknown("device", strange.iloc[0], devices.index, "`hwlib devices` lists them; or give device_class and its data sheet.")
    known = devices.reindex(question["device_id"])
    for column in ("device_class", "vendor", "segment", *SHEET):
        question[column] = question[column].where(question[column].notna(), known[column].to_numpy())
    for column in SHEET:
        question[column] = question[column].astype("float64")
    question["device_id"] = question["device_id"].where(named, "")
    question["sheet_key"] = pd.util.hash_pandas_object(question[list(SHEET)], index=False).astype("str")
    if question["device_class"].isna().any():
        row = question["device_class"].isna().to_numpy().argmax()
        raise HwlibError(
            f"queries, row {row}, column device_class: give device_id, or one of {', '.join(schema.DEVICE_CLASSES)} and a data sheet"
        )
    return question


def stacks(art):
    """The fitted envs as a table: device_id, stack, precision, runtime, tuning, chain, device_class, rows (cells behind it)."""
    parts = pd.Series(art["envs"]).str.split("|", expand=True)
    table = pd.DataFrame({"device_id": parts[0], "precision": parts[6], "runtime": parts[2], "tuning": parts[4]})
    table["stack"] = parts[[1, 2, 3, 4, 5]].agg("|".join, axis=1)
    table["device_class"] = table["device_id"].map(data.load("devices").set_index("device_id")["device_class"])
    return table.assign(chain=features.toolchain(table), rows=art["sizes"])


def with_stack(question, table):
    """`question` with the stack that it is answered for: as asked, else the one most measured on the device, else in its class."""
    asked = question[["device_id", "device_class", *RUN]].astype("object").where(question[["device_id", "device_class", *RUN]].notna(), "")
    once = asked.drop_duplicates()
    runtimes = set(table["runtime"])
    strange = [word for word in once["runtime"].unique() if word and word not in runtimes]
    if strange:
        raise unknown("runtime", strange[0], sorted(runtimes - {""}))
    chosen = pd.DataFrame([_choose(row, table) for row in once.itertuples()], index=pd.MultiIndex.from_frame(once))
    found = chosen.loc[pd.MultiIndex.from_frame(asked)].set_index(question.index)
    for column in found:
        question[column] = found[column]
    question["env"] = question["device_id"] + "|" + question["stack"] + "|" + question["precision"]
    question["seen_env"] = question["env"].isin(set(table["device_id"] + "|" + table["stack"] + "|" + table["precision"]))
    question["seen_device"] = question["device_id"].isin(table["device_id"])
    return _check_described(question)


def _choose(row, table):
    """Stack, chain, tuning and precision for one kind of question, with words on what was assumed."""
    wanted = {name: getattr(row, name) for name in RUN if getattr(row, name)}
    mine = table[table["device_id"] == row.device_id]
    alike = table[table["device_class"] == row.device_class]
    for candidates in (mine, alike):
        for kept in (RUN, ("tuning", "runtime"), ("precision", "runtime"), ("runtime",)):
            keep = {name: word for name, word in wanted.items() if name in kept}
            fitting = candidates[(candidates[list(keep)] == pd.Series(keep, dtype="object")).all(axis=1)] if keep else candidates
            if len(fitting) and (candidates is alike or "runtime" in keep or "runtime" not in wanted):
                return _answer(fitting, wanted, row, len(mine) > 0 and candidates is alike)
    raise HwlibError(f"runtime {row.runtime!r}: never measured on a {row.device_class}; leave it empty for the stack most measured there")


def _answer(fitting, wanted, row, borrowed):
    counted = fitting.groupby(["stack", "runtime", "tuning", "chain"], as_index=False)["rows"].sum()
    best = counted.sort_values(["rows", "stack"]).iloc[-1]
    precision = wanted.get("precision") or fitting[fitting["stack"] == best["stack"]].groupby("precision")["rows"].sum().idxmax()
    tuning = wanted.get("tuning", best["tuning"])
    source, runtime, version, _, settings = best["stack"].split("|")
    words = " ".join(word for word in (runtime or "runtime not stated", version, tuning, precision, settings.replace(";", " ")) if word)
    stack = best["stack"] if tuning == best["tuning"] else "|".join([source, runtime, version, tuning, settings])
    return {"stack": stack, "chain": best["chain"], "tuning": tuning, "precision": precision, "assumed": f"{words} as in {source}"}


def _check_described(question):
    """`question` with the gaps of each data sheet, or an error where a device never measured is not described at all."""
    blank = ~question["seen_device"] & ~datasheet.described(question)
    if blank.any():
        row = blank.to_numpy().argmax()
        name = question["device_id"].iloc[row] or "this device"
        raise HwlibError(
            f"queries, row {row}: {name} was never measured and its data sheet is empty; give one of {', '.join(datasheet.SHEET)}, "
            "best the peak at the precision asked and memory_bandwidth_gb_s"
        )
    gaps = datasheet.gaps(question, question["precision"])
    question["gaps"] = gaps.where(~question["seen_env"], "")
    note = " (not stated: " + question["gaps"] + "; taken as usual for its class, with a wider interval)"
    question["assumed"] += note.where(question["gaps"] != "", "")
    question["basis"] = _basis(question)
    return question


def _basis(question):
    device = np.where(question["seen_device"], "seen", "new")
    model = np.where(question["seen_model"], "seen", "new")
    names = {"seenseen": "seen_both", "seennew": "seen_device_new_model", "newseen": "seen_model_new_device", "newnew": "new_new"}
    return pd.Series(device, index=question.index).str.cat(pd.Series(model, index=question.index)).map(names)
