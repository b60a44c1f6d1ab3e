"""The tagged `parameters` cell of a notebook as an interface: what may be set, and the check of what was.

A line of the cell reads ``name: type = default  # unit; help; allowed: a, b`` (unit and allowed are optional). Nothing here
runs the notebook, so that a misspelt name is an error and never the report of the default model.
"""

import ast
import io
import json
import math
import numbers
import tokenize
from pathlib import Path
from typing import NamedTuple

from ..errors import HwlibError, unknown

SCALARS = ("str", "int", "float", "bool", "None")
TYPES = (*SCALARS, *(f"list[{kind}]" for kind in SCALARS[:-1]))
WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Parameter(NamedTuple):
    """One parameter: its type as written ("float | None"), default, help, unit (empty for none) and allowed values."""

    name: str
    type: str
    default: object
    help: str = ""
    unit: str = ""
    allowed: tuple = ()


def read_parameters(notebook):
    """The parameters of `notebook`, by name, in the order of its `parameters` cell.

    Raises
    ------
    HwlibError
        If the notebook cannot be read, has not exactly one such cell, or a line of it is no ``name: type = default``.
    """
    notebook = Path(notebook)
    source = _parameters_cell(notebook)
    place = f"{notebook.name}, parameters cell"
    try:
        lines = ast.parse(source).body
        comments = _comments(source)
    except (SyntaxError, tokenize.TokenError) as error:
        raise HwlibError(f"{place}: not plain Python: {error}") from None
    found = {}
    for line in lines:
        parameter = _parameter(line, comments.get(line.end_lineno, ""), f"{place}, line {line.lineno}")
        if parameter.name in found:
            raise HwlibError(f"{place}, line {line.lineno}: {parameter.name} stands there twice")
        found[parameter.name] = parameter
    return found


def check(parameters, given):
    """Every one of `parameters` with its `given` value or default, as pure JSON values.

    Parameters
    ----------
    parameters : dict of str to Parameter
        As `read_parameters` returns them.
    given : dict
        Values by name; text, as a command line gives it, is converted ("8", "none", "yes", "a,b").

    Raises
    ------
    HwlibError
        Naming every unknown name and every value of a wrong type, one a line.
    """
    values = {name: parameter.default for name, parameter in parameters.items()}
    faults = []
    for name, value in given.items():
        try:
            if name not in parameters:
                raise unknown("parameter", name, parameters)
            values[name] = _checked(parameters[name], value)
        except HwlibError as error:
            faults.append(str(error))
    if faults:
        raise HwlibError("\n".join(faults))
    return json.loads(json.dumps(values))


def shown(values):
    """The parameters as the (name, value) texts that a reader would write."""
    return [(name, _shown(value)) for name, value in values.items()]


def _shown(value):
    """A parameter's value as a reader would write it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _parameters_cell(notebook):
    """The source text of the one cell tagged `parameters`; read as JSON, since nbformat takes half a second to load."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
    except OSError as error:
        raise HwlibError(f"{notebook}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HwlibError(f"{notebook.name}: not a notebook of format 4") from None
    if len(tagged) != 1:
        raise HwlibError(f"{notebook.name}: expected one cell tagged 'parameters', found {len(tagged)}")
    return "".join(tagged[0]["source"])


def _comments(source):
    """The comment of each line that has one, by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _parameter(line, comment, place):
    if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value):
        raise HwlibError(f"{place}: expected `name: type = default`, found `{ast.unparse(line)}`")
    name, kind = line.target.id, ast.unparse(line.annotation)
    unsupported = [part for part in kind.split(" | ") if part not in TYPES]
    if unsupported:
        raise unknown(f"type at {place}:", unsupported[0], TYPES)
    help_text, unit, words = _described(comment)
    item_kinds = [part.removeprefix("list[").removesuffix("]") for part in kind.split(" | ")]
    try:
        allowed = tuple(_converted(word, item_kinds) for word in words)
        default = ast.literal_eval(line.value)
    except (ValueError, TypeError):
        raise HwlibError(f"{place}: default and allowed values must be plain values of type {kind}") from None
    parameter = Parameter(name, kind, default, help_text, unit, allowed)
    if _checked(parameter, default, place) != default:
        raise HwlibError(f"{place}: the default {default!r} is no {kind}")
    return parameter


def _described(comment):
    """Help, unit and allowed words of ``unit; help; allowed: a, b``; a lone part is the help."""
    parts = [part.strip() for part in comment.split(";")]
    words = ()
    if parts[-1].startswith("allowed:"):
        words = [word.strip() for word in parts.pop().removeprefix("allowed:").split(",")]
    unit = parts.pop(0) if len(parts) > 1 else ""
    return "; ".join(parts), unit, words


def _checked(parameter, value, place=""):
    name, kind, allowed = place or parameter.name, parameter.type, parameter.allowed
    try:
        converted = _converted(value, kind.split(" | "))
    except (ValueError, OverflowError):
        unit = f" in {parameter.unit}" if parameter.unit else ""
        raise HwlibError(f"{name}: expected {kind}{unit}, found {value!r}") from None
    for item in converted if isinstance(converted, list) else [converted]:
        if allowed and item is not None and item not in allowed:
            raise unknown(name, item, allowed)
    return converted


def _converted(value, kinds):
    """`value` as the first of `kinds` that it can be; text "none" is None wherever that is one. ValueError if it is none of them."""
    convert = _from_text if isinstance(value, str) else _from_value
    for kind in sorted(kinds, key=lambda kind: kind != "None"):
        try:
            return convert(value, kind)
        except (ValueError, OverflowError):
            continue
    raise ValueError(value)


def _from_text(text, kind):
    word = text.strip().lower()
    if kind == "str":
        text.encode()  # half a surrogate pair, as an undecodable argument leaves behind, cannot be written down
        return text
    if kind == "int":
        return int(text)
    if kind == "float":
        return _finite(float(text))
    if kind == "bool" and word in WORDS:
        return WORDS[word]
    if kind == "None" and word in ("none", "null", ""):
        return None
    if kind.startswith("list["):
        return _from_value([item.strip() for item in text.split(",")] if word else [], kind)
    raise ValueError(text)


def _from_value(value, kind):
    if kind == "None" and value is None:
        return None
    if isinstance(value, bool):
        if kind == "bool":
            return value
    elif kind == "int" and isinstance(value, numbers.Integral):
        return int(value)
    elif kind == "float" and isinstance(value, numbers.Real):
        return _finite(float(value))
    elif kind.startswith("list[") and isinstance(value, (list, tuple)):
        return [_converted(item, [kind[5:-1]]) for item in value]
    raise ValueError(value)


def _finite(number):
    if not math.isfinite(number):
        raise ValueError(number)
    return number
