"""GPUs and parallelism of a serving configuration in NVIDIA's list (`llm_serving`), whose dumps count the same machine in different ways.

A run with expert parallelism on N GPUs, where the experts' ranks are the very GPUs of the others, is counted as N x N in two of the
dumps. The third holds some of these runs, figure for figure, with N, and N is what the row's own key (tp8_ep8) names wherever it
names a number. A size of the GB200 from 12 to 72 in one number is that of all GPUs: the network's 128 heads cannot be split so.
"""

import pandas as pd

from . import tidy

SIZES = {"tp": "tp_size", "pp": "pp_size", "dp": "attention_dp_size", "moe_tp": "moe_tp_size", "ep": "moe_ep_size"}
SAID = ("tp", "pp", "dp", "ep")
STEPS = ("prefill_", "decode_")
WORKERS = "num_workers"
COLUMNS = [prefix + size for prefix in ("", *STEPS) for size in SIZES.values()] + [step + WORKERS for step in STEPS]
GB200, LARGEST_TP = "gb200", 8


def machine(counts, system, together):
    """`device_count`, `parallelism` and the flag words of both for each row; `together` tells where one replica does all the work."""
    given = _replica(counts, "")
    one, squared = _unsquared(given)
    # Without the number of data-parallel ranks, two products that differ leave the GPUs open.
    unsettled = given["dp"].isna() & (given["moe_tp"] * given["ep"] > 1) & (given["moe_tp"] * given["ep"] != given["tp"])
    whole = (system == GB200) & (one["tp"] > LARGEST_TP) & (one["ep"] == 1)
    steps = {step: _replica(counts, step) for step in STEPS}
    separate = sum(counts[step + WORKERS] * sizes["gpus"] for step, sizes in steps.items())
    devices = one["gpus"].mask(unsettled).where(together, separate)
    parallelism = _said(one, "").mask(whole | unsettled).where(together, _steps_said(counts, steps).where(separate.notna()))
    words = {"count_corrected": together & squared, "count_doubtful": together & whole, "count_unstated": devices.isna()}
    return pd.DataFrame({"device_count": devices, "parallelism": parallelism, "quality_flag": tidy.joined(words)})


def _replica(counts, prefix):
    """Sizes of one replica (none where the source gives 0) and its GPUs by their product."""
    sizes = pd.DataFrame({name: counts[prefix + column] for name, column in SIZES.items()})
    sizes = sizes.where(sizes > 0)
    return sizes.assign(gpus=sizes["tp"] * sizes["pp"] * sizes["dp"].fillna(1))


def _unsquared(sizes):
    """`sizes` with N in place of N x N, and where that was done."""
    side = sizes["gpus"] ** 0.5
    experts = (sizes["moe_tp"] == side) & (sizes["ep"] == side)
    ranks = (sizes["tp"] == side) & (sizes["dp"] == side)
    squared = sizes["dp"].notna() & (side > 1) & (experts | ranks)
    ranked = sizes["dp"] > 1
    true = pd.DataFrame({"tp": side.mask(ranked, 1), "dp": side.where(ranked, 1), "ep": side, "gpus": side})
    return sizes.assign(**{name: sizes[name].mask(squared, true[name]) for name in true}), squared


def _said(sizes, prefix):
    """The stated sizes as key=value joined by ;."""
    cells = {name: sizes[name].map("{:.0f}".format, na_action="ignore").astype("str") for name in SAID}
    parts = [(f";{prefix}{name}=" + text).where(sizes[name].notna(), "") for name, text in cells.items()]
    return sum(parts[1:], parts[0]).str.removeprefix(";")


def _steps_said(counts, steps):
    """Workers and sizes of both steps."""
    parts = [
        f"{step}workers=" + counts[step + WORKERS].astype("Int64").astype("str") + ";" + _said(sizes, step) for step, sizes in steps.items()
    ]
    return parts[0] + ";" + parts[1]
