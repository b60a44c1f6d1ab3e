"""Price catalogues that a user fetches anew -> rows of `prices`, in USD per hour: SkyPilot's `vms.csv` and gpuhunt's CSV of one provider.

A catalogue lists a machine once a zone. The key of `prices` is the region, and who rents chooses the zone, so the cheapest one
counts; where zones (or offers of a market place) differ, the row says so. A price of 0 stands for none. Left out, since the price is
not the machine's:

- Google's accelerator machines in SkyPilot's catalogue, which prices them without their accelerators;
- slices of TPU pods, whose names count cores in one generation and chips in the next;
- gpuhunt's offers of reserved capacity.

An accelerator that Google prices alone is called gpu-attach:<name>, as in `cloud_prices`. A name that is in neither table of names
below is kept as the catalogue spells it, and must be added to the device names before its prices can be used.
"""

import re
from pathlib import Path

import pandas as pd

from .. import schema
from ..errors import HwlibError
from . import cloud_prices, tidy

SKYPILOT = ("InstanceType", "vCPUs", "MemoryGiB", "AcceleratorName", "AcceleratorCount", "Price", "SpotPrice", "Region")
GPUHUNT = ("instance_name", "location", "price", "cpu", "memory", "gpu_count", "gpu_name", "gpu_memory", "spot")

# Short name -> spelling that the tables of devices know. A name without form factor keeps none.
DEVICES = {
    "A10": "NVIDIA A10",
    "A100": "NVIDIA A100 40GB",
    "A100-80GB": "NVIDIA A100 80GB",
    "A100-80GB-SXM": "NVIDIA A100 80GB SXM",
    "A10G": "NVIDIA A10G",
    "A30": "NVIDIA A30",
    "A40": "NVIDIA A40",
    "A4000": "NVIDIA A4000",
    "A5000": "NVIDIA A5000",
    "A6000": "NVIDIA A6000",
    "B200": "NVIDIA B200",
    "B300": "NVIDIA B300",
    "GB200": "NVIDIA GB200",
    "GH200": "NVIDIA GH200",
    "Gaudi HL-205": "Habana Gaudi HL-205",
    "H100": "NVIDIA H100",
    "H100-NVL": "NVIDIA H100 NVL",
    "H100-SXM": "NVIDIA H100 SXM",
    "H100NVL": "NVIDIA H100 NVL",
    "H200-SXM": "NVIDIA H200 SXM",
    "Inferentia": "AWS Inferentia",
    "Inferentia2": "AWS Inferentia2",
    "K80": "NVIDIA K80 (one GK210 die)",
    "L4": "NVIDIA L4",
    "L40": "NVIDIA L40",
    "L40S": "NVIDIA L40S",
    "M60": "NVIDIA M60 (one GM204 die)",
    "MI300X": "AMD Instinct MI300X",
    "P100": "NVIDIA P100",
    "P4": "NVIDIA P4",
    "RTX3090": "NVIDIA GeForce RTX 3090",
    "RTX4090": "NVIDIA GeForce RTX 4090",
    "RTX5090": "NVIDIA GeForce RTX 5090",
    "RTX6000": "NVIDIA Quadro RTX 6000",
    "RTX6000-Ada": "NVIDIA RTX 6000 Ada",
    "RTX6000Ada": "NVIDIA RTX 6000 Ada",
    "RTXA4000": "NVIDIA RTX A4000",
    "RTXA5000": "NVIDIA RTX A5000",
    "RTXA6000": "NVIDIA RTX A6000",
    "Radeon MI25": "AMD Radeon Instinct MI25",
    "Radeon Pro V520": "AMD Radeon Pro V520",
    "T4": "NVIDIA T4",
    "T4G": "NVIDIA T4g",
    "T4g": "NVIDIA T4g",
    "Trainium": "AWS Trainium",
    "Trainium2": "AWS Trainium2",
    "V100": "NVIDIA V100",
    "V100-32GB": "NVIDIA V100",
}
# Where a cloud has one form of an accelerator only; on Azure that holds of these two.
SXM = {
    "A100": "NVIDIA A100 40GB SXM",
    "A100-80GB": "NVIDIA A100 80GB SXM",
    "H100": "NVIDIA H100 SXM",
    "H200": "NVIDIA H200 SXM",
    "V100": "NVIDIA V100 SXM 16GB",
    "V100-32GB": "NVIDIA V100 SXM 32GB",
}
OF_CLOUD = {
    "aws": SXM,
    "gcp": SXM | {"H100-MEGA": "NVIDIA H100 SXM", "P100": "NVIDIA P100 PCIe 16GB"},
    "azure": {"A100": "NVIDIA A100 40GB SXM", "V100-32GB": "NVIDIA V100 SXM 32GB"},
    "nebius": {"H100": "NVIDIA H100 SXM", "H200": "NVIDIA H200 SXM"},
}
# GB of memory by which gpuhunt tells apart what SkyPilot tells apart by name.
LARGER = {("A100", 80.0): "A100-80GB", ("V100", 32.0): "V100-32GB"}

PRICED_WITHOUT_ACCELERATORS = r"^[ag][2-9]x?-"
GOOGLE_ZONE = r"-[a-z]$"
TPU = r"^(?:tpu-)?v[0-9]+\w*-[0-9]+$"
RESERVED = "calendar-mode"
SEVERAL = "cheapest of several zones or offers"
ALONE = "gpu-attach:"
PROVIDER = r"[a-z][a-z0-9]*"
LOWEST, HIGHEST = schema.PRICES.column("usd_per_hour")[-2:]


def read_skypilot(path, provider, as_of=None):
    """The `prices` in SkyPilot's catalogue `path` of `provider`, in USD per hour; `as_of` is the day it was fetched.

    Raises
    ------
    HwlibError
        With file, line, column and value of what cannot be read.
    """
    path = Path(path)
    if not re.fullmatch(PROVIDER, provider):
        raise HwlibError(f"{path.name}: expected a provider such as aws, found {provider!r}")
    raw = tidy.read_upstream(path, SKYPILOT)
    tidy.refuse_active(raw, ("InstanceType", "AcceleratorName", "Region"), path.name)
    alone = raw["InstanceType"].isna()
    tidy.refuse(raw, "InstanceType", alone & raw["AcceleratorName"].isna(), path.name, "a machine or an accelerator")
    without = (provider == "gcp") & raw["InstanceType"].str.contains(PRICED_WITHOUT_ACCELERATORS, na=False) & raw["AcceleratorName"].isna()
    kept = ~_tpu(raw["AcceleratorName"]) & ~without
    counts = tidy.number(raw, "AcceleratorCount", path.name)
    offers = _offers(
        region=raw["Region"],
        instance_type=raw["InstanceType"].fillna(ALONE + _several(counts) + raw["AcceleratorName"].str.lower()),
        vcpus=tidy.number(raw, "vCPUs", path.name),
        memory_gib=tidy.number(raw, "MemoryGiB", path.name),
        device_name=_device_name(raw["AcceleratorName"], provider),
        device_count=counts,
        priced_unit=alone.map({True: "accelerator", False: "machine"}),
    )
    prices = {"on_demand": _price(raw, "Price", kept, path.name), "spot": _price(raw, "SpotPrice", kept, path.name)}
    priced = [offers.assign(pricing=terms, usd_per_hour=usd) for terms, usd in prices.items()]
    return _cheapest(pd.concat(priced, ignore_index=True), provider, as_of, f"skypilot-catalog-{provider}")


def read_gpuhunt(path, as_of=None):
    """The `prices` in gpuhunt's catalogue `path`, named after its provider as in aws.csv, in USD per hour; `as_of` is its day.

    Raises
    ------
    HwlibError
        With file, line, column and value of what cannot be read.
    """
    path = Path(path)
    if not re.fullmatch(PROVIDER, path.stem):
        raise HwlibError(f"{path.name}: expected a catalogue named after its provider, such as aws.csv")
    provider = path.stem
    raw = tidy.read_upstream(path, GPUHUNT)
    tidy.refuse_active(raw, ("instance_name", "gpu_name", "location"), path.name)
    tidy.refuse(raw, "instance_name", raw["instance_name"].isna(), path.name, "a machine")
    memory = tidy.number(raw, "gpu_memory", path.name)
    short = pd.Series([LARGER.get(pair, pair[0]) for pair in zip(raw["gpu_name"], memory)], index=raw.index, dtype="str")
    kept = ~_tpu(raw["gpu_name"])
    # Older catalogues have no such column.
    if "flags" in raw:
        kept &= ~raw["flags"].str.contains(RESERVED, na=False)
    offers = _offers(
        region=raw["location"].str.replace(GOOGLE_ZONE, "", regex=True) if provider == "gcp" else raw["location"],
        instance_type=raw["instance_name"],
        vcpus=tidy.number(raw, "cpu", path.name),
        memory_gib=tidy.number(raw, "memory", path.name),
        device_name=_device_name(short, provider),
        device_count=tidy.number(raw, "gpu_count", path.name),
        priced_unit="machine",
        pricing=tidy.mapped(raw, "spot", {"True": "spot", "False": "on_demand"}, path.name),
        usd_per_hour=_price(raw, "price", kept, path.name),
    )
    return _cheapest(offers, provider, as_of, "gpuhunt")


def _offers(**columns):
    """Offers as a frame; what is no whole number of virtual CPUs stays empty, and so does the count of no accelerator."""
    offers = pd.DataFrame(columns)
    whole = (offers["vcpus"] >= 1) & (offers["vcpus"] % 1 == 0) & (offers["vcpus"] <= tidy.LARGEST_COUNT)
    return offers.assign(vcpus=offers["vcpus"].where(whole), device_count=offers["device_count"].where(offers["device_name"].notna()))


def _price(raw, column, kept, file):
    """The prices of the rows that are `kept`, none where the catalogue says 0."""
    prices = tidy.number(raw, column, file).where(kept)
    absurd = (prices > HIGHEST) | ((prices > 0) & (prices < LOWEST))
    tidy.refuse(raw, column, absurd, file, f"0 or a price from {LOWEST} to {HIGHEST:,} USD per hour")
    return prices.where(prices > 0)


def _several(counts):
    """How many accelerators a price is for, where not for one."""
    return pd.Series(["" if pd.isna(count) or count == 1 else f"{count:g}x-" for count in counts], index=counts.index, dtype="str")


def _device_name(short, provider):
    known = DEVICES | OF_CLOUD.get(provider, {})
    return short.map(lambda name: known.get(name, name), na_action="ignore")


def _tpu(accelerators):
    return accelerators.str.contains(TPU, na=False)


def _cheapest(offers, provider, as_of, source_id):
    """One row a key of `prices` with the lowest price, marked where prices differ."""
    offers = offers.assign(provider=provider, as_of=as_of, source_id=source_id).dropna(subset="usd_per_hour")
    key = list(schema.PRICES.key)
    differ = offers.groupby(key, dropna=False)["usd_per_hour"].transform("nunique") > 1
    marked = offers.assign(quality_flag=tidy.joined({SEVERAL: differ, "burstable": cloud_prices.burstable(offers)}))
    cheapest = marked.sort_values("usd_per_hour", kind="stable").drop_duplicates(key)
    return cheapest.sort_index().reset_index(drop=True)
