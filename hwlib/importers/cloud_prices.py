"""What machines cost per hour -> `prices`, in USD.

Left out: the modelled costs of one GPU-hour by SemiAnalysis (`tco_*`, `rental_3yr`), which nobody is charged.

On AWS a few accelerators are named without their form factor. The machine tells it (NVLink or NVSwitch between the
GPUs of p3, p4 and p5 means SXM modules), so those spellings carry the machine's family, as in "NVIDIA V100 [p3]".
"""

import re

import pandas as pd

from .. import schema
from ..errors import HwlibError
from . import tidy

SOURCE = "cloud-prices"
FOLDER = "cloud-prices"

FILES = ("aws.csv", "azure.csv", "gcp.csv", "other.csv")
COLUMNS = (
    *("provider", "region", "instance_type", "pricing", "usd_per_hour", "vcpus", "memory_gib", "cpu_model"),
    *("accelerator", "accelerator_count", "as_of", "source", "note"),
)
MODELLED = None  # left out: nobody is charged it
PRICING = {
    "on_demand": "on_demand",
    "spot": "spot",
    "reserved_effective": "reserved_unstated",
    "tco_hyperscaler": MODELLED,
    "tco_neocloud": MODELLED,
    "rental_3yr": MODELLED,
}
EVERYWHERE = "all listed"  # stands in place of a region where one price holds in all
ACCELERATOR_ALONE = r"^gpu-attach:|\(per chip\)$"
FORM_FACTOR_UNSAID = ("NVIDIA V100", "NVIDIA A100", "NVIDIA H100", "NVIDIA H200")
CATALOGUE = r"^(skypilot-catalog)\(v\d+/(\w+)@\w+\)$"
RANGE = r"\d+-\d+"
# Machines that may use all their vCPUs only now and then: their price buys a fraction of the work.
BURSTABLE = r"^(?:aws t\d\w*\.|gcp (?:e2-(?:micro|small|medium)|[fg]1-)|azure Standard_B)"

# Words in upstream notes and the flag they become.
FLAGS = {
    "vcpus inferred": "vcpus inferred",
    "count inferred": "count inferred",
    "accelerator inferred": "accelerator inferred",
    "mixed age": "mixed age",
    "looks wrong upstream": "looks wrong upstream",
    "spot exceeds on-demand": "spot above on-demand",
    "does not say chip or core": "chip or core unstated",
    "region taken as": "region assumed",
    "older (v5) catalogue": "older catalogue",
}
# Words in notes that say nothing which the other columns do not say.
NO_FLAG = (
    *("count is in GPU dies", "a board carries 2 dies", "RI-effective", "region/term not stated", "fractional GPU", "memory is the slice"),
    *("price of the GPU alone", "add the price of the N1 machine", "USD per chip-hour", "slice price", "USD per unit"),
    *("commit date not available", "memory_gib as listed", "scale linearly", "only the first rows", "community-maintained"),
    *("modelled cost", "placeholder"),
)


def read(folder):
    """The `prices` of the lists in `folder`, in USD per hour, one row a key.

    Raises
    ------
    HwlibError
        With file, line, column and value of what cannot be read.
    """
    frames = [_prices(folder / file) for file in FILES]
    return {"prices": one_a_key(pd.concat(frames, ignore_index=True))}


def one_a_key(frame):
    """`frame` with one row for each key of `prices`.

    A list that offers one GPU type with several shapes under one name gets the virtual CPUs added to that name. Where even
    the shape is the same, two places of unstated name charge differently: the dearer price stays, so that no cost is
    understated, and is flagged.
    """
    key = list(schema.PRICES.key)
    shape = frame["instance_type"] + ", " + frame["vcpus"].astype("Int64").astype("str") + " vCPU"
    frame = frame.assign(instance_type=frame["instance_type"].mask(frame.duplicated(key, keep=False), shape))
    repeated = frame.duplicated(key, keep=False)
    flags = (frame["quality_flag"].fillna("") + ";dearer of two prices").str.strip(";")
    frame["quality_flag"] = frame["quality_flag"].mask(repeated, flags)
    dearest = frame.sort_values("usd_per_hour", ascending=False, kind="stable").drop_duplicates(key)
    return dearest.sort_index().reset_index(drop=True)


def _prices(path):
    raw = tidy.read_upstream(path, COLUMNS)
    ranges = raw["vcpus"].str.fullmatch(RANGE).fillna(False).astype(bool)
    raw[["vcpus", "memory_gib"]] = raw[["vcpus", "memory_gib"]].mask(ranges)
    burstable = (raw["provider"] + " " + raw["instance_type"]).str.contains(BURSTABLE)
    flags = (
        _flags(raw, path.name) + ranges.map({True: ";shape given as a range", False: ""}) + burstable.map({True: ";burstable", False: ""})
    )
    frame = pd.DataFrame(
        {
            "provider": raw["provider"],
            "region": raw["region"].mask(raw["region"] == EVERYWHERE),
            "instance_type": raw["instance_type"],
            "pricing": tidy.mapped(raw, "pricing", PRICING, path.name),
            "usd_per_hour": tidy.number(raw, "usd_per_hour", path.name),
            "vcpus": tidy.number(raw, "vcpus", path.name),
            "memory_gib": tidy.number(raw, "memory_gib", path.name),
            "host_cpu": raw["cpu_model"],
            "device_name": _device_name(raw),
            "device_count": tidy.number(raw, "accelerator_count", path.name),
            "priced_unit": raw["instance_type"].str.contains(ACCELERATOR_ALONE).map({True: "accelerator", False: "machine"}),
            "as_of": raw["as_of"],
            "quality_flag": flags.str.strip(";").replace("", None),
            "source_id": raw["source"].map(_source_id, na_action="ignore"),
        }
    )
    return frame[frame["pricing"].notna()]


def burstable(machines):
    """Whether each of `machines` (provider, instance_type) may use all its virtual CPUs only now and then.

    >>> burstable(pd.DataFrame({"provider": ["aws", "aws"], "instance_type": ["t4g.nano", "m5.large"]})).tolist()
    [True, False]
    """
    return (machines["provider"] + " " + machines["instance_type"]).str.contains(BURSTABLE)


def _device_name(raw):
    unsaid = (raw["provider"] == "aws") & raw["accelerator"].isin(FORM_FACTOR_UNSAID)
    family = raw["instance_type"].str.partition(".")[0]
    return raw["accelerator"].mask(unsaid, raw["accelerator"] + " [" + family + "]")


def _flags(raw, file):
    """The flags of each note, joined by semicolons; a note with words unknown here is an error, so that no doubt is lost."""
    found = []
    for row, note in enumerate(raw["note"].fillna("")):
        for part in filter(None, note.split("; ")):
            if not any(words in part for words in (*FLAGS, *NO_FLAG)):
                raise HwlibError(f"{file}, line {row + 2}, column note: expected a note that the importer knows, found {part!r}")
        found.append(";".join(flag for words, flag in FLAGS.items() if words in note))
    return pd.Series(found, index=raw.index, dtype="str")


def _source_id(cell):
    codes = (re.sub(CATALOGUE, r"\1-\2", code) for code in cell.split("+"))
    return "+".join(re.sub(r"\(.*\)", "", code) for code in codes)
