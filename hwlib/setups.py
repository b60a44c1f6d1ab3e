"""Measured rows of one set-up beside each other: they differ in one choice only, and one of them is the reference."""

import pandas as pd

from . import metrics, units

# What must agree before two rows may differ in precision only.
SETTING = (
    "device_id",
    "model_id",
    "source_id",
    "submitter",
    "device_name",
    "device_count",
    "node_count",
    "system",
    "host_cpu",
    "runtime",
    "runtime_version",
    "tuning",
    "precision",
    "sparsity",
    "scenario",
    "batch_size",
    "concurrency",
    "throughput_unit",
    "power_boundary",
    "division",
    "availability",
    "setup",
)
# Keys of `variant` that hold the accuracy of the network before it was quantised.
FLOAT_ACCURACY = ("accuracy_float", "float_top1_percent")
# Metrics of error, where less is better; a difference from a reference run has no percentage.
ERRORS = ("absrel", "epe", "mean_angular_error_deg", "nme", "rmse", "wer")
NO_SCALE = ("mean_difference",)
NOT_MEASURED = "not measured"


def against_reference(rows, setting):
    """`rows` of each set-up beside its reference row; a set-up with nothing to compare is left out.

    Adds setting (a number for each set-up), reference (its choice, or "not measured"), speed_up, energy_ratio,
    accuracy_reference (accuracy_float, or else the reference's) and accuracy_lost_percent (%).

    speed_up = throughput_per_s / reference's; energy_ratio = joules_per_inference / reference's;
    accuracy_lost_percent = 100 x (reference - accuracy_value) / reference, with the other sign for a metric of error

    Parameters
    ----------
    rows : DataFrame
        Rows of `measurements` with choice, rank (the least leads; repeated measurements of it by their median), may_lead, and
        accuracy_float (that of the float network), where the source states it.
    setting : list of str
        Columns that must agree.

    Examples
    --------
    >>> rows = pd.DataFrame({"choice": ["int8", "fp32"], "rank": [1, 0], "throughput_per_s": [90.0, 30.0], "power_w": 60.0})
    >>> rows = rows.assign(accuracy_value=[75.24, 76.0], accuracy_metric="top1", may_lead=True, batch_size=1)
    >>> table = against_reference(rows, ["batch_size"])
    >>> table[["choice", "speed_up", "energy_ratio", "accuracy_lost_percent"]].round(2).values.tolist()
    [['fp32', 1.0, 1.0, 0.0], ['int8', 3.0, 0.33, 1.0]]
    """
    rows = metrics.cost(rows) if "usd_per_hour" in rows else rows
    rows = metrics.energy(rows).assign(setting=rows.groupby(setting, dropna=False).ngroup())
    several = rows.groupby("setting")["choice"].transform("nunique") > 1
    told = rows["accuracy_float"].notna() if "accuracy_float" in rows else False
    leads = rows[several & rows["may_lead"]]
    leads = leads[leads["rank"] == leads.groupby("setting")["rank"].transform("min")]
    medians = dict.fromkeys(("throughput_per_s", "joules_per_inference", "accuracy_value"), "median")
    reference = leads.groupby("setting").agg({"choice": "first", "accuracy_metric": "first", **medians}).add_prefix("reference_")
    rows = rows[several | told | ~rows["may_lead"]].join(reference, on="setting")
    order = ["setting", "rank", *(["measurement_id"] if "measurement_id" in rows else [])]
    rows = _compared(rows.sort_values(order)).assign(reference=rows["reference_choice"].astype("str").fillna(NOT_MEASURED))
    return rows.drop(
        columns=["rank", "may_lead", *(column for column in rows if column.startswith("reference_"))], errors="ignore"
    ).reset_index(drop=True)


def ranges(table):
    """How far each choice speeds a device up: set-ups, speed_up as median, least and most, energy_ratio, accuracy_lost_percent.

    Parameters
    ----------
    table : DataFrame
        As `precisions`, `accuracy_targets` or `compressions` give it.

    Returns
    -------
    DataFrame
        One line a device, reference and choice; energy and accuracy as medians of those that state them.

    Examples
    --------
    >>> table = pd.DataFrame({"setting": [0, 0, 1, 1], "choice": ["fp32", "int8"] * 2, "speed_up": [1.0, 2.0, 1.0, 4.0]})
    >>> table = table.assign(device_id="a", reference="fp32", energy_ratio=float("nan"), accuracy_lost_percent=1.0)
    >>> ranges(table)[["choice", "setups", "speed_up", "speed_up_low", "speed_up_high"]].values.tolist()
    [['int8', 2, 3.0, 2.0, 4.0]]
    """
    rows = table[(table["reference"] != NOT_MEASURED) & (table["choice"] != table["reference"])]
    return rows.groupby(["device_id", "reference", "choice"], as_index=False).agg(
        setups=("setting", "nunique"),
        speed_up=("speed_up", "median"),
        speed_up_low=("speed_up", "min"),
        speed_up_high=("speed_up", "max"),
        energy_ratio=("energy_ratio", "median"),
        accuracy_lost_percent=("accuracy_lost_percent", "median"),
    )


def taken_apart(variants, keys):
    """Each variant as taken (its parts with one of `keys`), setup (the rest) and accuracy_float."""
    whole = variants.drop_duplicates().dropna()
    parts = {variant: variant.split(";") for variant in whole}
    named = {variant: [(part.partition("=")[0], part) for part in split] for variant, split in parts.items()}
    taken = {variant: ";".join(part for key, part in pairs if key in keys) for variant, pairs in named.items()}
    rest = {variant: ";".join(part for key, part in pairs if key not in (*keys, *FLOAT_ACCURACY)) for variant, pairs in named.items()}
    told = variants.str.extract(rf"(?:^|;)(?:{'|'.join(FLOAT_ACCURACY)})=([-\d.]+)", expand=False).astype("float64")
    return pd.DataFrame(
        {
            "taken": variants.map(taken).astype("str").fillna(""),
            "setup": variants.map(rest).astype("str").fillna(""),
            "accuracy_float": told,
        }
    )


def ranked(rows, key):
    """`rows` with rank, the place of each choice when they are sorted by `key`."""
    ordered = sorted(rows["choice"].unique(), key=key)
    return rows.assign(rank=rows["choice"].map({choice: place for place, choice in enumerate(ordered)}))


def _compared(rows):
    same = rows["reference_accuracy_value"].where(rows["reference_accuracy_metric"] == rows["accuracy_metric"])
    accuracy = rows["accuracy_float"].fillna(same) if "accuracy_float" in rows else same
    lost = units.PERCENT * (accuracy - rows["accuracy_value"]) / accuracy
    lost = lost.mask(rows["accuracy_metric"].isin(ERRORS), -lost).mask(rows["accuracy_metric"].isin(NO_SCALE))
    return rows.assign(
        speed_up=rows["throughput_per_s"] / rows["reference_throughput_per_s"],
        energy_ratio=rows["joules_per_inference"] / rows["reference_joules_per_inference"],
        accuracy_reference=accuracy,
        accuracy_lost_percent=lost,
    )
