"""What this machine is: processor, cores, instructions, memory, accelerator, driver, power limit."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from .. import data, units
from ..tables import slug
from . import meters
from .needs import need

CPUINFO = Path("/proc/cpuinfo")
PRODUCT = Path("/sys/class/dmi/id/product_name")
# Instructions that change how fast a network runs.
TELLING = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve")
VENDORS = {"AuthenticAMD": "AMD", "GenuineIntel": "Intel"}
# What makers write around the name of a processor.
DECORATION = r"\((?:R|TM|C)\)|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*|with Radeon.*"
SMI = ("name", "driver_version", "memory.total", "power.limit")


class Machine(NamedTuple):
    """A machine in words and numbers; what cannot be found out is None."""

    cpu: str
    vendor: str
    sockets: int
    cores: int
    threads: int
    memory_gb: float
    instructions: tuple
    virtual: bool
    product: str | None
    power_limit_w: float | None
    gpu: dict | None


def describe():
    """This machine as a `Machine`.

    >>> describe().threads >= 1
    True
    """
    psutil = need("psutil")
    facts = _cpuinfo()
    threads = psutil.cpu_count()
    return Machine(
        cpu=_cpu_name(facts),
        vendor=VENDORS.get(facts.get("vendor_id"), facts.get("vendor_id") or "unknown"),
        sockets=int(facts.get("sockets", 1)),
        cores=psutil.cpu_count(logical=False) or threads,
        threads=threads,
        memory_gb=round(psutil.virtual_memory().total / units.GIGA, 1),
        instructions=tuple(word for word in TELLING if word in facts.get("flags", "").split()),
        virtual="hypervisor" in facts.get("flags", ""),
        product=_product(),
        power_limit_w=meters.rapl_limit_w(),
        gpu=_gpu(),
    )


def in_words(machine):
    """The machine in one line, for the column `system`."""
    parts = [machine.product, f"{machine.cores} cores, {machine.threads} threads, {machine.memory_gb:g} GB"]
    parts += [" ".join(machine.instructions), "virtual machine" if machine.virtual else None, f"{platform.system()} {platform.machine()}"]
    parts += [f"CPU power limit {machine.power_limit_w:g} W" if machine.power_limit_w else "CPU power limit unknown"]
    if machine.gpu:
        parts += [f"{machine.gpu['name']}, driver {machine.gpu['driver_version']}, GPU power limit {machine.gpu['power.limit']} W"]
    return "; ".join(part for part in parts if part)


def device(machine, device_class):
    """The device that did the work, as a row of `devices`, and whether the tables know it.

    A known processor of which this machine has only a part, as a virtual machine does, is another device: its figures
    are not those of the whole.
    """
    name = machine.gpu["name"] if device_class == "gpu" and machine.gpu else machine.cpu
    if device_class != "cpu" and name == machine.cpu:
        name = f"{device_class.upper()} of {machine.cpu}"
    known = _known(name)
    if known is not None and (device_class != "cpu" or _whole(machine, known)):
        return known.to_dict(), True
    row = {"device_class": device_class, "vendor": _vendor(machine, device_class)}
    if device_class == "cpu":
        name = f"{machine.cpu}, {machine.threads} threads"
        per_socket = {"cores": machine.cores // machine.sockets, "threads": machine.threads // machine.sockets}
        row |= per_socket | {"memory_gb": machine.memory_gb}
    return row | {"device_id": f"my-{slug(name)}", "name": name}, False


def _vendor(machine, device_class):
    return "NVIDIA" if device_class == "gpu" and machine.gpu else machine.vendor


def _known(name):
    """The row of `devices` that `name` means in any spelling, or None."""
    aliases = data.load("device_aliases").dropna(subset=["device_id"])
    spellings = {name.lower(), plain_name(name).lower(), f"NVIDIA {name}".lower()}
    ids = aliases.loc[aliases["alias"].str.lower().isin(spellings), "device_id"].unique()
    devices = data.load("devices")
    return devices[devices["device_id"] == ids[0]].iloc[0] if len(ids) == 1 else None


def _whole(machine, known):
    """Whether this machine has all threads of the processor, or is of a rented type that price lists know."""
    rented = machine.product in set(data.load("prices")["instance_type"].dropna())
    return rented or known["threads"] == machine.threads // machine.sockets


def plain_name(name):
    """A processor's name as people write it.

    >>> plain_name("Intel(R) Xeon(R) Platinum 8480+ CPU @ 2.00GHz"), plain_name("AMD EPYC 9R14 96-Core Processor")
    ('Intel Xeon Platinum 8480+', 'AMD EPYC 9R14')
    """
    return " ".join(re.sub(DECORATION, " ", name).split())


def _cpu_name(facts):
    """The model's name; with family and model number where a virtual machine hides which it is."""
    name = plain_name(facts.get("model name") or _apple() or platform.processor() or platform.machine())
    hidden = not re.search(r"\d", name) and "cpu family" in facts
    return f"{name} (family {facts['cpu family']}, model {facts['model']})" if hidden else name


def _cpuinfo():
    """The facts of the first processor in the kernel's list, and the number of sockets; nothing on other systems."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    first = text.split("\n\n")[0]
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    facts.setdefault("flags", facts.get("Features", ""))
    return facts | {"sockets": max(1, len(set(re.findall(r"^physical id\s*: (\d+)", text, re.M))))}


def _apple():
    return _said("sysctl", "-n", "machdep.cpu.brand_string") if platform.system() == "Darwin" else None


def _product():
    """The rented type that the machine's firmware names, as Amazon's does; None for the names that boards have."""
    try:
        name = PRODUCT.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return name if name in set(data.load("prices")["instance_type"].dropna()) else None


def _gpu():
    """The first NVIDIA GPU by its own tool, or None."""
    answer = _said("nvidia-smi", f"--query-gpu={','.join(SMI)}", "--format=csv,noheader,nounits")
    return dict(zip(SMI, (cell.strip() for cell in answer.splitlines()[0].split(",")), strict=False)) if answer else None


def _said(*command):
    """What a tool of the system prints, or None where there is none or it fails."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    return done.stdout.strip() if done.returncode == 0 and done.stdout.strip() else None
