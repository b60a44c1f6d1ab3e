"""The kinds of answer that tasks ask for: each compares an answer with the right one and never tells it."""

import re
import sys
from numbers import Real

import pandas as pd

from ..errors import nearest
from ..units import J_PER_KWH, MILLION, MS_PER_S, PER_100K, PERCENT, SECONDS_PER_HOUR, SECONDS_PER_MINUTE, W_PER_KW
from .verdicts import OPEN, UnansweredError, Verdict, not_yet

# What the unit of a task is easily taken for: answer over the right one -> what the answer looks like.
SLIPS = {
    "ms": {1 / MS_PER_S: "seconds", MS_PER_S: "microseconds", 1 / MS_PER_S / SECONDS_PER_MINUTE: "minutes"},
    "1/s": {1 / MS_PER_S: "thousands a second", SECONDS_PER_MINUTE: "a figure a minute", SECONDS_PER_HOUR: "a figure an hour"},
    "USD per 100,000": {
        1 / PER_100K: "USD for one inference",
        MILLION / PER_100K: "USD for a million",
        PERCENT: "US cents",
    },
    "J": {1 / J_PER_KWH: "kilowatt-hours", MS_PER_S: "millijoules"},
    "kWh": {J_PER_KWH: "joules", W_PER_KW: "watt-hours"},
    "W": {W_PER_KW: "milliwatts", 1 / W_PER_KW: "kilowatts"},
    "times": {PERCENT: "percent"},
    "share": {PERCENT: "percent"},
    "percent": {1 / PERCENT: "a share between 0 and 1"},
}
NEAR = 0.02


def number(answer, right, unit, look, why="", within=NEAR, traps=()):
    """The verdict on a number of `unit`.

    Parameters
    ----------
    answer : object
        What the learner gave; anything may come.
    right : float
        The right number, in `unit`.
    unit : str
        A key of `SLIPS`, or other words such as "devices".
    look : str
        Where to look, after "Look at".
    why : str
        What a right answer means.
    within : float
        How far off a right answer may be, as a share: answers are often rounded.
    traps : sequence of (float, str)
        Common wrong answers, and what each looks like.

    >>> number(0.012, 12, "ms", "the table")
    Not yet: 0.012 looks like seconds; the task asks for ms.
    >>> number("12 ms", 12, "ms", "the table")
    Not yet: a number is asked, and '12 ms' is text: write 12, without quotes and without the unit.
    """
    fault = _no_number(answer)
    if fault:
        return not_yet(fault)
    answer = float(answer)
    if _near(answer, right, within):
        return Verdict(True, why)
    for wrong, looks in [(right * factor, looks) for factor, looks in SLIPS.get(unit, {}).items()]:
        if _near(answer, wrong, within):
            return not_yet(f"{answer:g} looks like {looks}; the task asks for {unit}.")
    for wrong, sentence in traps:
        if _near(answer, wrong, within):
            return not_yet(sentence)
    if unit == "times" and right and _near(answer, 1 / right, within):
        return not_yet(f"{answer:g} is the other way round: divide the other figure by this one.")
    return not_yet(f"{answer:g} is not it. Look at {look}.")


def word(answer, right, allowed, what, look, why="", traps=()):
    """The verdict on one word, such as a device_id; `right` may hold several of which any will do.

    >>> word("nvidia-t44", "nvidia-t4", ["nvidia-t4", "nvidia-l4"], "device_id", "the table")
    Not yet: 'nvidia-t44' is no device_id here. Did you mean 'nvidia-t4'? Words are in quotes, exactly as in the table.
    """
    fault = empty(answer) or _no_word(answer, what)
    if fault:
        return not_yet(fault)
    given, right = answer.strip().lower(), {right} if isinstance(right, str) else set(right)
    if given in {value.lower() for value in right}:
        return Verdict(True, why)
    if given not in {value.lower() for value in allowed}:
        return not_yet(_unknown(answer, allowed, what))
    trap = {wrong.lower(): sentence for wrong, sentence in traps}.get(given)
    return not_yet(trap or f"{answer!r} is not it. Look at {look}.")


def words(answer, right, allowed, what, look, why=""):
    """The verdict on several words in any order, in a list, a set, a tuple or a column.

    >>> words(["a"], {"a", "b"}, ["a", "b", "c"], "letter", "the table")
    Not yet: what you give is right, and something is missing. Look at the table.
    """
    fault = empty(answer)
    if fault:
        return not_yet(fault)
    if isinstance(answer, str) or not isinstance(answer, (list, tuple, set, frozenset, pd.Series, pd.Index)):
        return not_yet(f"several words are asked, in a list such as [{allowed[0]!r}, {allowed[1]!r}]; you gave {called(answer)}.")
    if not all(isinstance(value, str) for value in answer):
        return not_yet(f"each member of the list is one word in quotes, a {what}.")
    given, right = {value.strip().lower() for value in answer}, {value.lower() for value in right}
    strange = [value for value in answer if value.strip().lower() not in {name.lower() for name in allowed}]
    if strange:
        return not_yet(_unknown(strange[0], allowed, what))
    if given == right:
        return Verdict(True, why)
    told = (
        "what you give is right, and something is missing" if given < right else f"{len(given & right)} of your {len(given)} belong there"
    )
    return not_yet(f"{told}. Look at {look}.")


def table(answer, right, key, look, why="", within=NEAR):
    """The verdict on a table with the columns of `right`, in any order of rows; `key` names the rows.

    >>> right = pd.DataFrame({"device_id": ["a", "b"], "times": [1.0, 2.0]})
    >>> table(right.rename(columns={"times": "time"}), right, "device_id", "the figures")
    Not yet: the column 'times' is missing; is it your 'time'? Rename it: .rename(columns={'time': 'times'}).
    """
    fault = empty(answer) or _no_table(answer, right)
    if fault:
        return not_yet(fault)
    if _keys(answer[key]) != _keys(right[key]):
        return not_yet(f"the rows are not the asked ones: see the column {key!r}. Look at {look}.")
    answer, right = answer.set_index(key), right.set_index(key)
    for column in right:
        for name, value in right[column].items():
            if not _same(answer.loc[name, column], value, within):
                return not_yet(f"the column {column!r} does not hold yet, as for {name}. Look at {look}.")
    return Verdict(True, why)


def empty(answer):
    """Why `answer` is none at all, or None; a task that was never touched stops the notebook."""
    if answer is ...:
        raise UnansweredError(OPEN)
    if answer is None:
        return "your answer is None, which is nothing: the last step of the cell may print or draw, and give nothing back."
    if callable(answer):
        return "your answer is a function: call it, with () and what it needs."
    sized = isinstance(answer, (str, list, tuple, set, frozenset, dict, pd.Series, pd.DataFrame, pd.Index))
    if sized and not len(answer):
        return "your answer is empty: a filter before it may have kept no row. Look at each step by itself."
    return None


def _no_number(answer):
    fault = empty(answer)
    if fault:
        return fault
    if isinstance(answer, str):
        found = re.search(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", answer.replace(",", ""))
        way = f"write {found[0]}, without quotes and without the unit" if found else "write digits, without quotes"
        return f"a number is asked, and {answer!r} is text: {way}."
    if isinstance(answer, bool) or not isinstance(answer, Real):
        way = " Take the one number out of it, as with .iloc[0]." if hasattr(answer, "__len__") else ""
        return f"one number is asked; you gave {called(answer)}.{way}"
    if pd.isna(answer):
        return "your answer is not a number (nan): somewhere a figure is unknown, or two tables did not match."
    if abs(answer) > sys.float_info.max:
        return "your answer is infinite: somewhere is a division by zero."
    return None


def _no_word(answer, what):
    if isinstance(answer, str):
        return None
    way = f" Take its {what}, as with ['{what}']." if isinstance(answer, (pd.Series, pd.DataFrame)) else ""
    return f"one word in quotes is asked, a {what}; you gave {called(answer)}.{way}"


def _no_table(answer, right):
    if not isinstance(answer, pd.DataFrame):
        way = " Keep the columns by a list of names: rows[['a', 'b']]." if isinstance(answer, pd.Series) else ""
        return f"a table is asked; you gave {called(answer)}.{way}"
    if isinstance(answer.columns, pd.MultiIndex) or answer.columns.has_duplicates:
        return "two columns of your table have the same name; choose the asked columns by a list of names."
    for column in right.columns:
        if column not in answer:
            return _missing(column, answer, right)
    if len(answer) != len(right):
        return f"your table has {len(answer)} rows; the task says how many it should have."
    return None


def _missing(column, answer, right):
    if column in answer.index.names:
        return f"the column {column!r} is the index of your table; .reset_index() makes it a column."
    spare = [str(name) for name in answer.columns if name not in right]
    close = nearest(column, spare, n=1) or (spare if len(spare) == 1 else [])
    if close:
        return f"the column {column!r} is missing; is it your {close[0]!r}? Rename it: .rename(columns={{{close[0]!r}: {column!r}}})."
    return f"the column {column!r} is missing; your table has {', '.join(map(str, answer.columns))}."


def _unknown(value, allowed, what):
    close = nearest(value, allowed, n=1)
    mean = f" Did you mean {close[0]!r}?" if close else ""
    return f"{value!r} is no {what} here.{mean} Words are in quotes, exactly as in the table."


def _keys(column):
    """The values of `column` as a set; None where one is no plain value, such as a list."""
    try:
        return set(column)
    except TypeError:
        return None


def _same(given, right, within):
    if isinstance(right, str):
        return isinstance(given, str) and given == right
    return _no_number(given) is None and _near(float(given), right, within)


def _near(given, right, within):
    return abs(given - right) <= within * abs(right)


def called(answer):
    """What `answer` is, in words."""
    names = {"DataFrame": "a table", "Series": "a column or a row", "ndarray": "several numbers", "list": "a list", "tuple": "a tuple"}
    names |= {"str": "text", "bool": "True or False", "dict": "a dict", "set": "a set", "Decision": "a whole decision"}
    kind = type(answer).__name__
    return names.get(kind, "a number" if isinstance(answer, Real) else f"something of type {kind}")
