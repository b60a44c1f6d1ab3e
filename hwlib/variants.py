"""Precision and compression as a choice: speed, cost, energy and accuracy side by side, from rows that differ in nothing else.

Rows are held against each other only within one set-up: the same source, submitter, machine, software, scenario, batch size and
so on (`setups`). The row that keeps most of the network (the widest type, the sternest accuracy target, the dense parent) is the
reference. What nobody measured stays empty.
"""

import re

import pandas as pd

from . import data, metrics, schema
from .setups import NOT_MEASURED, SETTING, against_reference, ranked, taken_apart

# Keys of `variant` that say how a precision was reached: part of the choice and not of the set-up.
RECIPES = ("recipe", "weights", "layers", "quant", "types", "model_type")
PRUNING = ("pruned", "transform")
# Data-sheet peak of each precision; other types have no column.
PEAKS = {
    "fp32": ("fp32_tflops", "TFLOPS"),
    "fp16": ("fp16_tflops", "TFLOPS"),
    "bf16": ("fp16_tflops", "TFLOPS"),
    "fp8": ("fp8_tflops", "TFLOPS"),
    "int8": ("int8_tops", "TOPS"),
}
MEASURED, NOT_STATED = "measured", "not stated"
COMPRESSED = re.compile(r"(?P<stem>.+?)(?:-obert|-obs)?-(?:pruned(?:\d\d|-0\.\d+)?|prune-ofa)(?P<input>-\d{3})?|(?P<bare>.+)-obert")


def precisions(model, rows=None):
    """Each measured precision of a network beside the widest one of the same set-up: speed-up, energy and accuracy lost (%).

    Parameters
    ----------
    model : str
        `model_id`, or a spelling of it that a source uses.
    rows : DataFrame, optional
        Rows of `measurements` to take in place of all; with usd_per_hour (USD/h of the whole machine) their cost comes along.
        Needs model_id and throughput_per_s; all rows agree in a column that is missing.

    Returns
    -------
    DataFrame
        One measured row a line, with setting (a number for each set-up), choice (precision and how it was reached), reference,
        speed_up and energy_ratio against the reference, accuracy_reference (of the float network where the source states it,
        else of the reference) and accuracy_lost_percent; see `against_reference`.

    Raises
    ------
    HwlibError
        For an unknown model, or a missing column.

    Examples
    --------
    >>> table = precisions("resnet50")
    >>> t4 = table[(table["device_id"] == "nvidia-t4") & (table["runtime"] == "pytorch") & (table["batch_size"] == 256)]
    >>> t4.set_index("choice")["speed_up"].round(2).to_dict()
    {'fp32': 1.0, 'fp16, recipe=amp': 2.89}
    """
    rows = _rows([data.find_model(model)], rows)
    rows = rows[rows["precision"].notna()]
    rows = rows.join(taken_apart(rows["variant"], RECIPES))
    rows = rows.assign(choice=rows["precision"] + (", " + rows["taken"]).where(rows["taken"] != "", ""), may_lead=True)
    return against_reference(ranked(rows, _width), [name for name in SETTING if name != "precision"])


def accuracy_targets(model, rows=None):
    """Each accuracy target of MLPerf beside the sternest one of the same set-up: what the last tenths of accuracy cost.

    Precision and batch size are the submitter's means to a target, so that they may differ.

    Parameters
    ----------
    model : str
        `model_id`, or a spelling of it that a source uses.
    rows : DataFrame, optional
        Rows of `measurements` to take in place of all.

    Returns
    -------
    DataFrame
        As of `precisions`, with the target (percent of the float network's accuracy) as choice. Where one run served both
        targets, log_group is the same and speed_up 1.

    Raises
    ------
    HwlibError
        For an unknown model, or a missing column.

    Examples
    --------
    >>> table = accuracy_targets("bert-large")
    >>> row = table[(table["source_id"] == "mlperf-v2.1") & (table["system"] == "NVIDIA DGX A100 (1x A100-SXM-80GB, TensorRT)")]
    >>> row.loc[(row["scenario"] == "offline") & (row["choice"] == "99"), "speed_up"].round(2).item()
    2.02
    """
    rows = _rows([data.find_model(model)], rows)
    rows = rows.assign(choice=rows["variant"].str.extract(r"(?:^|;)accuracy=([\d.]+)", expand=False).astype("str"), may_lead=True)
    rows = rows[rows["choice"].notna()]
    rows = rows.join(taken_apart(rows["variant"], ("accuracy", *RECIPES)))
    free = ("precision", "batch_size", "concurrency")
    return against_reference(ranked(rows, lambda choice: -float(choice)), [name for name in SETTING if name not in free])


def compressions(model, rows=None):
    """Pruned and sparse versions of a network beside the dense one in the same set-up: speed-up, accuracy lost (%), work left.

    Parameters
    ----------
    model : str
        `model_id` of the dense network or of a compressed one, or a spelling of it that a source uses.
    rows : DataFrame, optional
        Rows of `measurements` to take in place of all; with usd_per_hour (USD/h of the whole machine) their cost comes along.

    Returns
    -------
    DataFrame
        As of `precisions`, with the network (and its sparsity, where stated) as choice, and gmacs_ratio, its work per sample over
        the dense one's. A version whose dense network nobody measured in that set-up has "not measured" as its reference and
        no speed-up. accuracy_of says whether the accuracy is that of the row, or that of the network as published, where no row of
        the source states one.

    Raises
    ------
    HwlibError
        For an unknown model, or a missing column.

    Examples
    --------
    >>> table = compressions("resnet50")
    >>> bool((table.loc[table["choice"] == "resnet50-pruned-0.7", "gmacs_ratio"] < 0.35).all())
    True
    """
    model = data.find_model(model)
    relations = parents()
    dense = relations.get(model, model)
    rows = _rows([dense, *(child for child, parent in relations.items() if parent == dense)], rows)
    rows = rows.join(taken_apart(rows["variant"], PRUNING)).drop(columns="accuracy_float")
    stated = rows["sparsity"].map("{:.0%} sparse".format, na_action="ignore").astype("str")
    changed = stated.fillna(rows["taken"].str.extract(r"transform=([^;]+)", expand=False).astype("str"))
    gmacs = data.load_models().set_index("model_id")["gmacs"]
    left = rows["model_id"].map(gmacs).astype("float64") / gmacs[dense]
    rows = _published_accuracy(rows).assign(
        choice=rows["model_id"] + (", " + changed).fillna(""),
        may_lead=(rows["model_id"] == dense) & changed.isna(),
        # The work of a sparse version that has no entry of its own in the models is in no table.
        gmacs_ratio=left.mask((rows["model_id"] == dense) & changed.notna()),
    )
    ordered = ranked(rows, lambda choice: (choice != dense, choice))
    return against_reference(ordered, [name for name in SETTING if name not in ("model_id", "sparsity")])


def parents():
    """The dense network of each pruned one, both as `model_id`: a dict; a network whose dense one is in no table is left out.

    >>> parents()["resnet50-pruned-0.5"]
    'resnet50'
    """
    known = data.load_models()["model_id"].tolist()
    named = {name: found for name in known if (found := COMPRESSED.fullmatch(name))}
    dense = {name: found["bare"] or found["stem"] + (found["input"] or "") for name, found in named.items()}
    return {name: parent for name, parent in dense.items() if parent in set(known)}


def measured_precisions(model, device=None):
    """Which precisions of a network were measured on which device: one line a device and precision, unmeasured ones marked.

    Parameters
    ----------
    model : str
        `model_id`, or a spelling of it that a source uses.
    device : str or list of str, optional
        `device_id` wanted; by default every device that the network was measured on.

    Returns
    -------
    DataFrame
        device_id, precision, rows, status ("measured" or "not measured") and peak (data-sheet peak with its unit, or "not
        stated"). A peak that no data sheet states does not mean that the device cannot do it.

    Raises
    ------
    HwlibError
        For an unknown model or device.

    Examples
    --------
    >>> table = measured_precisions("resnet50", "nvidia-t4").set_index("precision")
    >>> table.loc[["int8", "fp8"], ["status", "peak"]].values.tolist()
    [['measured', '130 TOPS'], ['not measured', 'not stated']]
    """
    rows = data.load_measurements(data.find_model(model))
    devices = data.load_devices(device)
    devices = devices if device is not None else devices[devices["device_id"].isin(rows["device_id"])]
    counted = rows.groupby(["device_id", "precision"]).size()
    table = devices.merge(pd.DataFrame({"precision": schema.PRECISIONS}), how="cross")
    pairs = pd.MultiIndex.from_frame(table[["device_id", "precision"]])
    table = table.assign(rows=counted.reindex(pairs, fill_value=0).to_numpy())
    table["status"] = table["rows"].gt(0).map({True: MEASURED, False: NOT_MEASURED})
    table["peak"] = [_peak(row) for row in table.to_dict("records")]
    return table[["device_id", "precision", "rows", "status", "peak"]]


def _peak(row):
    column, unit = PEAKS.get(row["precision"], (None, ""))
    return NOT_STATED if column is None or pd.isna(row[column]) else f"{row[column]:g} {unit}"


def _rows(models, rows):
    """Rows of the `models` that have a throughput: of the given `rows`, whose columns may be fewer or more, or else of all."""
    if rows is None:
        rows = data.load_measurements(models)
    else:
        metrics.need(rows, "model_id", "throughput_per_s")
        own = [column for column in rows if column in schema.MEASUREMENTS.names]
        rows = schema.conform(rows[own], "measurements").join(rows.drop(columns=own))
    return rows[rows["model_id"].isin(models) & rows["throughput_per_s"].notna()].reset_index(drop=True)


def _width(choice):
    """Sort key of a precision with its recipe, widest first: its type, then the widths that the recipe names."""
    widths = sorted(int(width) for width in re.findall(r"\d+", choice))
    return schema.PRECISIONS.index(choice.split(",")[0]), [-width for width in widths], choice


def _published_accuracy(rows):
    """`rows` with accuracy_of, and with the network's published accuracy where no row of their source states any."""
    models = data.load_models().set_index("model_id")
    silent = rows.groupby("source_id")["accuracy_value"].transform("count") == 0
    return rows.assign(
        accuracy_value=rows["accuracy_value"].mask(silent, rows["model_id"].map(models["accuracy_value"])).astype("float64"),
        accuracy_metric=rows["accuracy_metric"].mask(silent, rows["model_id"].map(models["accuracy_metric"])),
        accuracy_of=silent.map({True: "network", False: "row"}),
    )
