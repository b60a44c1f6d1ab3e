"""What a batch is to render: models × parameter sets, all checked before the first report starts."""

import itertools
from pathlib import Path
from typing import NamedTuple

from .. import data, schema
from ..errors import HwlibError, unknown
from ..workload import Workload
from . import files
from .parameters import check

KEYS = ("models", "set", "vary", "reports")
MOST = 100_000  # reports of one run; more is a mistake in `vary`


class Report(NamedTuple):
    """One report to render: the name of its files, and every parameter."""

    name: str
    parameters: dict


def measured(task=None):
    """The `model_id` of each model with at least one measurement, of one task or all, sorted.

    Raises
    ------
    HwlibError
        For an unknown task.

    >>> "resnet50" in measured("image_classification")
    True
    """
    if task is not None and task not in schema.TASKS:
        raise unknown("task", task, schema.TASKS)
    known = {*data.load("measurements")["model_id"], *data.load("llm_serving")["model_id"]}
    models = data.load("models")
    return sorted(known & set(models["model_id"] if task is None else models.loc[models["task"] == task, "model_id"]))


def plan(template, models, settings, file=None):
    """The reports of `models` with the `settings` of each, by the parameters of a notebook.

    Parameters
    ----------
    template : dict of str to Parameter
        As `read_parameters` returns them.
    models : list of str
        Ids or spellings of a source; may be empty where the `file` names models.
    settings : dict
        Parameters of every report.
    file : path, optional
        YAML with the keys `models`, `set`, `vary` and `reports`; see docs/reports.md.

    Raises
    ------
    HwlibError
        Naming every fault at once, one a line.
    """
    faults = []
    wanted = [(place, values) for place, values in _wanted(models, settings, file, faults)]
    reports = {}
    checked = {}
    for place, values in wanted:
        report = _report(template, place, values, checked, faults)
        if report and reports.setdefault(report.name, report) != report:
            faults.append(f"{place}: two reports would be called {report.name!r}; give one of them a name")
    if faults:
        raise HwlibError("\n".join(dict.fromkeys(faults)))
    if not reports:
        raise HwlibError("no model is named: give --models, --task, --all, or a parameter file that names some")
    return list(reports.values())


def _wanted(models, settings, file, faults):
    """Each (place, values) that is asked for."""
    given = read_file(file, faults) if file else {}
    common = {**given.get("set", {}), **settings}
    if "model" in common:
        faults.append(f"model {common.pop('model')!r} cannot be set for all reports; name models by --models or `models:`")
    vary = given.get("vary", {})
    if (size := _size(models or given.get("models", ()), vary)) > MOST:
        faults.append(f"`vary` asks for {size:,} reports; expected at most {MOST:,}")
        return
    for model in models or given.get("models", ()):
        for values in itertools.product(*vary.values()):
            yield "vary" if vary else "--set", {**common, **dict(zip(vary, values)), "model": model}
    for number, values in enumerate(given.get("reports", ()), 1):
        yield f"reports, number {number}", {**common, **values}


def _size(models, vary):
    size = len(models)
    for values in vary.values():
        size *= len(values)
    return size


def _report(template, place, values, checked, faults):
    """The report of `values`, or None with its faults noted; sets of values that many models share are checked once."""
    values = dict(values)
    name, model = values.pop("name", None), values.pop("model", template["model"].default)
    key = repr(sorted(values.items()))
    if key not in checked:
        checked[key] = _checked(template, place, values, faults)
    try:
        model = _model_id(str(model))
        name = files.check_name(str(name)) if name is not None else None
    except HwlibError as error:
        faults.append(f"{place}: {error}" if place.startswith("reports") else str(error))
        return None
    if checked[key] is None:
        return None
    parameters = {**checked[key], "model": model}
    return Report(name or _name(template, parameters), parameters)


def _checked(template, place, values, faults):
    """The values with their types, or None with every fault noted."""
    try:
        made = check(template, values)
        Workload(**made)
    except HwlibError as error:
        faults.extend(f"{place}: {line}" for line in str(error).splitlines())
        return None
    return made


def _model_id(name):
    return name if name in _known() else data.find_model(name)


def _known():
    # Kept by the frame, which is loaded once a process.
    models = data.load("models")
    if _CACHE.get("of") is not models:
        _CACHE.update(of=models, ids=set(models["model_id"]))
    return _CACHE["ids"]


_CACHE = {}


def _name(template, parameters):
    """The model, and what is not as the notebook has it by itself."""
    other = {name: value for name, value in parameters.items() if name != "model" and value != template[name].default}
    return files.slug("--".join([parameters["model"], *(f"{name.replace('_', '-')}-{_word(value)}" for name, value in other.items())]))


def _word(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def read_file(path, faults):
    """The parameter file at `path` as a dict of `KEYS`; its faults are added to `faults`."""
    import yaml

    path = Path(path)
    try:
        given = yaml.load(path.read_text(encoding="utf-8"), _loader())  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise HwlibError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise HwlibError(f"{path.name}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(given, dict):
        raise HwlibError(f"{path.name}: expected some of the keys {', '.join(KEYS)}")
    expected = {"models": _strings, "set": _mapping, "vary": _lists, "reports": _mappings}
    kept = {}
    for key, value in given.items():
        if key not in KEYS:
            faults.append(f"{path.name}: {unknown('key', key, KEYS)}")
        elif fault := expected[key](value):
            faults.append(f"{path.name}, {key}: expected {fault}")
        else:
            kept[key] = value
    return kept


def _strings(value):
    return "" if isinstance(value, list) and all(isinstance(item, str) for item in value) else "a list of models"


def _mapping(value):
    return "" if isinstance(value, dict) and all(isinstance(key, str) for key in value) else "name: value pairs"


def _lists(value):
    return _mapping(value) or ("" if all(isinstance(item, list) and item for item in value.values()) else "a list of values for each name")


def _mappings(value):
    return "" if isinstance(value, list) and not any(map(_mapping, value)) else "a list of name: value pairs"


def _loader():
    """YAML's safe loader, but a key given twice is an error."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node, deep=False):
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = {str(key) for key in keys if keys.count(key) > 1}
            if twice:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {', '.join(sorted(twice))} stands there twice")
            return super().construct_mapping(node, deep)

    return Loader
