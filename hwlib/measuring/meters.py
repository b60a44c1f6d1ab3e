"""What the machine does meanwhile: energy where a counter can be read, work of other programs, and whether its pace holds."""

import hashlib
import time
from pathlib import Path
from typing import NamedTuple

from .. import units
from ..errors import HwlibError
from .needs import need

POWERCAP = Path("/sys/class/powercap")
PACE_BYTES = bytes(2 * units.MILLION)
PACE_TRIES = 3


class Reading(NamedTuple):
    """The state of the meters at one moment."""

    time_s: float
    joules: tuple
    busy_s: float
    own_s: float
    stolen_s: float
    processors: int


class Between(NamedTuple):
    """What happened between two readings: mean power (W, nan if no counter can be read) and the share of the processors others took."""

    power_w: float
    others: float


def reading(device_class="cpu"):
    """The meters now, energy by the counter of the CPU or of the GPU."""
    psutil = need("psutil")
    times, own = psutil.cpu_times(), psutil.Process().cpu_times()
    stolen = getattr(times, "steal", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Time of guests is counted twice by the kernel, as theirs and as the user's.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    joules = rapl() if device_class == "cpu" else nvml() if device_class == "gpu" else ()
    return Reading(time.perf_counter(), joules, total - idle - stolen, own.user + own.system, stolen, psutil.cpu_count())


def between(start, end):
    """Mean power (W) and the share of the processors that others took, from one `Reading` to the next.

    >>> from math import isnan
    >>> still = Reading(0.0, (), 10.0, 5.0, 0.0, 2)
    >>> found = between(still, Reading(10.0, (), 24.0, 15.0, 1.0, 2))
    >>> found.others, isnan(found.power_w)
    (0.25, True)
    >>> between(Reading(0.0, ((90.0, 100.0),), 0, 0, 0, 1), Reading(2.0, ((10.0, 100.0),), 0, 0, 0, 1)).power_w
    10.0
    """
    seconds = max(end.time_s - start.time_s, 1e-9)
    others = (end.busy_s - start.busy_s) - (end.own_s - start.own_s) + (end.stolen_s - start.stolen_s)
    # A counter that has run over begins again at nothing.
    used = [(after - before) % span for (before, span), (after, _) in zip(start.joules, end.joules, strict=True)]
    power = sum(used) / seconds if used else float("nan")
    return Between(power, min(1.0, max(0.0, others / seconds / end.processors)))


def rapl(folder=POWERCAP):
    """(joules so far, joules at which it starts again) of each processor package, by RAPL; nothing where it cannot be read."""
    found = []
    for package in sorted(folder.glob("intel-rapl:*")):
        # A package is intel-rapl:0; what lies in it, such as intel-rapl:0:1, is part of its count.
        if package.name.count(":") > 1:
            continue
        try:
            found.append(tuple(int((package / name).read_text()) / units.MILLION for name in ("energy_uj", "max_energy_range_uj")))
        except (OSError, ValueError):
            return ()
    return tuple(found)


def rapl_limit_w(folder=POWERCAP):
    """The long-term power limit of all packages (W), or None where it cannot be read."""
    try:
        limits = [int((package / "constraint_0_power_limit_uw").read_text()) for package in folder.glob("intel-rapl:?")]
    except (OSError, ValueError):
        return None
    return sum(limits) / units.MILLION or None


def nvml():
    """(joules so far, joules at which it starts again) of the first NVIDIA GPU; nothing without one or without `nvidia-ml-py`."""
    try:
        counter = need("pynvml")
        counter.nvmlInit()
        millijoules = counter.nvmlDeviceGetTotalEnergyConsumption(counter.nvmlDeviceGetHandleByIndex(0))
    except HwlibError:
        return ()
    except counter.NVMLError:
        return ()
    return ((millijoules / units.MS_PER_S, float("inf")),)


def pace_s():
    """Seconds for a fixed piece of work of one processor, the best of a few: it grows when the clock falls."""
    return min(_timed() for _ in range(PACE_TRIES))


def _timed():
    start = time.perf_counter()
    hashlib.sha256(PACE_BYTES).digest()
    return time.perf_counter() - start
