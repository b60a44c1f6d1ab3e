"""Data-sheet figures of accelerators and CPUs -> `devices`, and their spellings -> `device_aliases`.

What `fp16_tflops` means in `devices` decides what is taken: the rate of the matrix units where a part has them. The vector
rate upstream lists beside them is no stand-in (timm measures 65 TFLOPS on an RTX 3090 whose vector rate is 35.6), so a
part with matrix units and no published matrix rate stays empty.
"""

import re

import pandas as pd

from .. import schema
from ..errors import HwlibError
from . import tidy
from .names import slug

SOURCE = "hardware-specs"
FOLDER = "hardware-specs"

ACCELERATOR_NUMBERS = {
    "process_nm": "process_nm",
    "tdp_w": "tdp_w",
    "memory_gib": "memory_gb",  # marketed GB, whatever the upstream name says
    "memory_bandwidth_gbps": "memory_bandwidth_gb_s",
    "fp32_tflops": "fp32_tflops",
    "fp16_tflops": "fp16_vector",
    "tensor_fp16_tflops": "fp16_matrix",
    "int8_tops": "int8_tops",
    "fp8_tflops": "fp8_tflops",
    "launch_price_usd": "launch_price_usd",
}
CPU_NUMBERS = {
    "cores": "cores",
    "threads": "threads",
    "tdp_w": "tdp_w",
    "memory_bandwidth_gbps": "memory_bandwidth_gb_s",
    "launch_price_usd": "launch_price_usd",
}
ACCELERATOR_TEXTS = ("name", "vendor", "device_class", "architecture", "release_date", "form_factor", "source", "aliases")
CPU_TEXTS = ("name", "vendor", "code_name", "release_date", "source")

CLASSES = {"gpu": "gpu", "tpu": "tpu", "npu": "npu", "fpga": "fpga", "asic": "asic", "soc": "gpu"}  # the SoCs run models on their GPU
CLASS_OF_NAME = {"Bow IPU": "ipu"}
VENDORS = {"AMD/Xilinx": "AMD", "Intel/Habana": "Intel", "Alibaba T-Head": "Alibaba", "Baidu Kunlunxin": "Baidu"}
SOURCES = {"pg367": "amd-pg367"}
MATRIX_UNITS = {
    *("Volta", "Turing", "Ampere", "Hopper", "Ada Lovelace", "Blackwell", "Blackwell 2.0", "Blackwell Ultra"),
    *("Xe-HPG", "Xe2-HPG", "CDNA 1.0", "CDNA 2.0", "CDNA 3.0", "CDNA 4.0", "RDNA 4.0"),
}

# Words of the upstream name that people leave out. A board with several chips keeps its bracket, which tells it from one
# chip: the plain id is the unit that systems count and clouds rent.
UNSPOKEN = r"^(Tesla |Data Center GPU |GroqChip |Biren |Tenstorrent |Hailo-)| \((?!board|one )[^)]*\)"
UNSLUGGED = r"^(GeForce |Radeon Instinct |Instinct )| \(one [^)]*\)|(?<=board), [^)]*| (Trillium|Ironwood)$"

SEGMENTS = (
    (r"Jetson|Coral|Hailo|DM\.2|Ascend 310$|Xeon D-", "edge"),
    (r"RTX PRO 6000 Blackwell Server|RTX 8000 Passive", "datacenter"),
    (r"^(GeForce|TITAN|Quadro|RTX|GB10|Arc|Radeon (RX|PRO W|AI))|Xeon [Ww]|Core i\d-\d+([Kk]F?|XE?|00)$|Ryzen \d \d{4}X", "workstation"),
    (r"Core i\d-|Ryzen|Apple", "mobile"),
    (r"Tenstorrent", ""),
    (r".", "datacenter"),
)

# Upstream spellings of CPUs that differ from how the maker writes the name.
CPU_RESPELLED = {
    "Intel Xeon E E-2488": "Intel Xeon E-2488",
    "Intel Core i9-11900k": "Intel Core i9-11900K",
    "Intel Xeon Scalable Platinum 8173M": "Intel Xeon Platinum 8173M",
    "Intel Xeon Platinum 6458Q": "Intel Xeon Gold 6458Q",  # 6000 numbers are Gold
}
NOT_A_CHIP = ("Cortex-A72",)  # a core design in many chips, so its row describes none of them

# Cells that are not what their column means, by upstream name; each says why.
WITHHELD = {
    ("A10G", "tdp_w"): "repeats the A10's; upstream doubts it",
    ("Coral Edge TPU (USB Accelerator)", "tdp_w"): "derived from TOPS per watt",
    ("Hailo-8", "tdp_w"): "typical, not a bound",
    ("Hailo-10H", "tdp_w"): "typical, not a bound",
    ("Alveo U50", "int8_tops"): "rate of one engine, not of the card",
    ("Alveo U50LV", "int8_tops"): "rate of one engine, not of the card",
    ("Alveo U280", "int8_tops"): "rate of one engine, not of the card",
    ("Data Center GPU Flex 140", "memory_gb"): "of one of the card's two GPUs",
    ("Data Center GPU Flex 140", "memory_bandwidth_gb_s"): "of one of the card's two GPUs",
    ("Data Center GPU Flex 140", "fp32_tflops"): "of one of the card's two GPUs",
    ("AMD EPYC 9475F", "cores"): "of two sockets: MLPerf v5.1 rows state 48 for one",
    ("AMD EPYC 7B13", "cores"): "virtual CPUs of the largest machine; MLPerf v4.1 states 112 threads",
    ("AMD EPYC 7B13", "threads"): "virtual CPUs of the largest machine; MLPerf v4.1 states 112 threads",
    ("Intel Xeon 6979P", "cores"): "repeats the 6787P's",
}


def read(folder):
    """The `devices` and `device_aliases` of the data sheets in `folder`.

    Raises
    ------
    HwlibError
        With file, line, column and value of what cannot be read, or the key that two parts would share.
    """
    frame = pd.concat([_accelerators(folder / "accelerators.csv"), _cpus(folder / "cpus.csv")], ignore_index=True)
    repeated = frame.loc[frame["device_id"].duplicated(keep=False), "upstream"]
    if len(repeated):
        raise HwlibError(f"{FOLDER}: expected a device_id of its own for each of {', '.join(repeated)}")
    return {"devices": frame[schema.DEVICES.names], "device_aliases": _aliases(frame)}


def _accelerators(path):
    raw = tidy.read_upstream(path, [*ACCELERATOR_TEXTS, *ACCELERATOR_NUMBERS])
    tidy.refuse(raw, "name", raw["name"].isna(), path.name, "a name")
    frame = pd.DataFrame({new: tidy.number(raw, old, path.name) for old, new in ACCELERATOR_NUMBERS.items()})
    frame["upstream"] = raw["name"]
    frame["vendor"] = raw["vendor"].replace(VENDORS)
    frame["device_class"] = raw["name"].map(CLASS_OF_NAME).fillna(tidy.mapped(raw, "device_class", CLASSES, path.name))
    short = raw["name"].str.replace(UNSPOKEN, "", regex=True)
    frame["name"] = frame["vendor"] + " " + short
    frame["device_id"] = (frame["vendor"] + " " + short.str.replace(UNSLUGGED, "", regex=True)).map(slug)
    frame["fp16_tflops"] = frame["fp16_matrix"].fillna(frame["fp16_vector"].mask(raw["architecture"].isin(MATRIX_UNITS)))
    frame[["architecture", "form_factor", "aliases"]] = raw[["architecture", "form_factor", "aliases"]]
    return _common(frame, raw, path.name)


def _cpus(path):
    raw = tidy.read_upstream(path, [*CPU_TEXTS, *CPU_NUMBERS])
    tidy.refuse(raw, "name", raw["name"].isna(), path.name, "a name")
    frame = pd.DataFrame({new: tidy.number(raw, old, path.name) for old, new in CPU_NUMBERS.items()})
    frame["upstream"] = raw["name"]
    frame["vendor"] = raw["vendor"]
    frame["device_class"] = "cpu"
    frame["name"] = raw["name"].map(_cpu_name)
    frame["device_id"] = frame["name"].map(slug)
    frame["architecture"] = raw["code_name"]
    frame = _common(frame, raw, path.name)
    return frame[~frame["upstream"].isin(NOT_A_CHIP)]


def _common(frame, raw, file):
    """What both files share: segment, date, sources, and the cells that are withheld; every column of `devices`."""
    frame["segment"] = raw["name"].map(_segment, na_action="ignore")
    frame["released_on"] = _dates(raw, file)
    frame["source_id"] = raw["source"].map(_sources, na_action="ignore")
    frame = frame.reindex(columns=[*schema.DEVICES.names, "upstream", "aliases"])
    for name, column in WITHHELD:
        frame.loc[frame["upstream"] == name, column] = None
    return frame


def _cpu_name(name):
    name = CPU_RESPELLED.get(name, name).replace("INTEL XEON", "Intel Xeon").replace(" GOLD ", " Gold ").replace(" SILVER ", " Silver ")
    return name.removesuffix(" with Radeon Graphics").replace("Annapurna Labs ", "AWS ")


def _segment(name):
    return next(segment for pattern, segment in SEGMENTS if re.search(pattern, name)) or None


def _sources(cell):
    return "+".join(dict.fromkeys(SOURCES.get(code, code) for code in cell.split("+")))


def _dates(raw, file):
    """Release days; a bare year, month or quarter is no day, and the first of January is how upstream writes a bare year."""
    text = raw["release_date"]
    days = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce").fillna(pd.to_datetime(text, format="%m/%d/%Y", errors="coerce"))
    bad = text.notna() & days.isna() & ~text.fillna("").str.fullmatch(r"\d{4}(-\d\d)?|Q\d'\d\d")
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise HwlibError(f"{file}, line {row + 2}, column release_date: expected a date, found {text.iloc[row]!r}")
    return days.mask((days.dt.month == 1) & (days.dt.day == 1))


def _aliases(frame):
    """Upstream names and the spellings listed beside them, each with its device."""
    listed = frame["aliases"].fillna("").str.split("|").explode()
    listed = listed[listed != ""]
    spelled = pd.concat([frame["upstream"], listed])
    found = pd.DataFrame({"alias": spelled, "device_id": frame["device_id"].reindex(spelled.index)}).drop_duplicates(ignore_index=True)
    torn = found.loc[found["alias"].duplicated(), "alias"]
    if len(torn):
        raise HwlibError(f"accelerators.csv, column aliases: expected one device for each spelling, found two for {', '.join(torn)}")
    return found
