"""ncnn's benchmark log: one measurement a line, on CPUs and on GPUs through Vulkan.

The log names a machine by its heading, and a Vulkan run's GPU in the line above it. ncnn has no INT8 on Vulkan: in such a run the INT8
networks take as long as on the same machine's CPU with as many threads (median ratio 1.005 over 192 pairs), so they are counted for it.
"""

import pandas as pd

from .. import units
from ..errors import HwlibError
from . import tidy

SOURCE = "ncnn"
FOLDER = "ncnn"
FILE = "ncnn_benchmark.csv"

COLUMNS = ["device", "chipset", "compute_unit", "section_note", "model", "num_threads", "powersave_mode", "loop_count", "latency_ms"]
FINEST_MS = 0.01
ON_GPU = {"GPU (Vulkan)": True, "CPU": False}
POWER = {"0": "all", "1": "little", "2": "big"}
NOTES = {"Results (With AVX512)": "avx512=yes", "Results (Without AVX512)": "avx512=no"}
RELEASE_NOTE = "ncnn tag: "
TRANSLATED = "Microsoft Direct3D12"

# Heading -> the GPU named with its Vulkan rows, though it is that of another machine further up the log: these chips have no GPU
# that runs Vulkan, and the AX620A's four threads are 3.4 times as fast as the one of the run in question.
NO_GPU = {
    "Ingenic T40XP Xburst2 Core X2 1.4Ghz (without MSA)": "Apple M3",
    "AXERA AX620A (Cortex-A7 1.0GHz * 4)": "AMD Radeon Pro 555X",
}
# In this run the GPU stopped computing at the named line: VGG-16 in 0.56 ms would be 55 TFLOPS of a GPU that took 65 ms for it
# in the run of an RK3588. The INT8 networks went on, on the CPU.
BROKEN_DEVICE = "Station-M3/ROC-RK3588S-PC, Rockchip RK3588S (Quad Core A76 2.4GHz + Quad Core A55 1.8GHz + Mali-G610) StationOS (Android)"
BROKEN_FROM_LINE = 2897


def read(folder):
    """Every line of the log as `measurements` (ms a call, calls/s computed from them), without those of a run that broke down."""
    frame = tidy.read_upstream(folder / FILE, [*COLUMNS, "source_path", "source_line"])
    latency = tidy.number(frame, "latency_ms", FILE, FINEST_MS)
    vulkan = tidy.mapped(frame, "compute_unit", ON_GPU, FILE)
    int8 = frame["model"].str.endswith("int8")
    gpu = vulkan & ~int8 & ~_without_gpu(frame)
    rented = frame["device"].str.endswith(" Instance")
    rows = pd.DataFrame(
        {
            "source_id": SOURCE,
            "source_ref": frame["source_path"] + "#L" + frame["source_line"],
            "model_name": frame["model"],
            "variant": _variant(frame, vulkan),
            "device_name": frame["device"] + " [" + frame["chipset"].where(gpu, "CPU") + "]",
            "device_count": pd.Series(1.0, index=frame.index).mask(rented),
            "system": frame["device"],
            "runtime": "ncnn",
            "runtime_version": frame["section_note"].str.extract(f"{RELEASE_NOTE}(.*)")[0],
            "tuning": "graph",
            "precision": int8.map({True: "int8", False: pd.NA}),
            "scenario": "batch_loop",
            "batch_size": 1,
            "concurrency": 1,
            "throughput_per_s": tidy.significant(units.MS_PER_S / latency),
            "throughput_unit": "samples",
            "latency_ms_mean": latency,
            "evidence": "published",
            "quality_flag": _flags(rented, vulkan & ~gpu),
        }
    )
    return {"measurements": rows[~(gpu & _broken(frame))].reset_index(drop=True)}


def _without_gpu(frame):
    """Where a heading of `NO_GPU` stands with the GPU of another machine; one that no longer does is an error."""
    for heading, chipset in NO_GPU.items():
        if not ((frame["device"] == heading) & (frame["chipset"] == chipset)).any():
            raise HwlibError(f"{FILE}, column chipset: expected {chipset!r} under {heading!r} to correct: that chip has no such GPU")
    return frame["device"].isin(list(NO_GPU))


def _broken(frame):
    line = tidy.number(frame, "source_line", FILE)
    return (frame["device"] == BROKEN_DEVICE) & (line >= BROKEN_FROM_LINE)


def _variant(frame, vulkan):
    """Threads, cores and loops, and what else the log says of how a run was made."""
    power = tidy.mapped(frame, "powersave_mode", POWER, FILE)
    words = "threads=" + frame["num_threads"] + ";power=" + power + ";loops=" + frame["loop_count"]
    translated = frame["chipset"].str.startswith(TRANSLATED)
    words = words + vulkan.map({True: ";vulkan=yes", False: ""}) + translated.map({True: ";vulkan_over=Direct3D 12", False: ""})
    note = frame["section_note"].map(NOTES)
    return words.mask(note.notna(), words + ";" + note)


def _flags(rented, corrected):
    """A rented machine is a share of a processor; a Vulkan run that did not use the GPU is counted for the CPU."""
    words = {
        "throughput_from_latency": pd.Series(True, index=rented.index),
        "count_unstated": rented,
        "device_corrected": corrected,
    }
    return tidy.joined(words)
