"""Where a question lies outside the measured data, and which known networks and devices are nearest."""

import numpy as np
import pandas as pd

from . import asked, data, datasheet, units

NEIGHBOURS = 2
# How far past the least or the most that was met a figure may lie before the question counts as outside.
MARGIN = 1.1
OF_NETWORK = {"gmacs": "GMAC", "params_m": "million parameters"}
OF_DEVICE = {
    "fp32_tflops": "TFLOPS",
    "fp16_tflops": "TFLOPS",
    "int8_tops": "TOPS",
    "memory_bandwidth_gb_s": "GB/s",
    "tdp_w": "W",
    "cores": "cores",
}


def reasons(question, art):
    """Why each question lies outside the measured data, with its nearest known neighbours; empty where it does not."""
    devices = data.load("devices").set_index("device_id").loc[lambda rows: rows.index.isin(asked.stacks()["device_id"])]
    known = asked.networks().loc[lambda rows: rows.index.isin(art["effects"]["all"]["models"])]
    networks, machines = question.networks.reset_index(), question.machines.reset_index(drop=True)
    network = _outside(networks, known, OF_NETWORK)
    machine = _outside(machines[~machines["seen"]], devices, OF_DEVICE).reindex(machines.index, fill_value="")
    size = machines["precision"].map(datasheet.BYTES).astype("float64") * units.MILLION / units.GIGA
    need = networks["params_m"].to_numpy()[question.network] * size.to_numpy()[question.machine]
    memory = machines["memory_gb"].to_numpy()[question.machine]
    words = network.to_numpy(dtype=object)[question.network] + machine.to_numpy(dtype=object)[question.machine]
    for row in np.flatnonzero(need > memory):
        words[row] += f"weights of {need[row]:,.3g} GB do not fit {memory[row]:,.3g} GB; "
    past = question.batch > art["largest_batch"]
    words[past] += f"no batch over {art['largest_batch']:,.0f} was measured; "
    return [text.removesuffix("; ") for text in words]


def _outside(rows, known, figures):
    """A clause for each figure that lies outside all those of `known`, then the nearest of them; empty where none does."""
    words = pd.Series("", index=rows.index, dtype="object")
    for column, unit in figures.items():
        least, most = known[column].astype("float64").min(), known[column].astype("float64").max()
        far = (rows[column] < least / MARGIN) | (rows[column] > most * MARGIN)
        words[far] += [f"{value:,.3g} {unit} lies outside {least:,.3g} to {most:,.3g}; " for value in rows.loc[far, column]]
    strange = words != ""
    words[strange] += "nearest measured: " + _nearest(rows[strange], known, figures) + "; "
    return words


def _nearest(rows, known, figures):
    """Names of the `known` that lie closest to each of `rows` in the logs of `figures`."""
    marks = np.log(known[list(figures)].to_numpy(dtype=float))
    names = []
    for values in np.log(rows[list(figures)].to_numpy(dtype=float)):
        # A figure that only one of the two states counts as far off, by a factor of twenty.
        mean = np.nan_to_num(np.abs(marks - values), nan=np.log(20)).mean(axis=1)
        names.append(", ".join(known.index[np.argsort(mean, kind="stable")[:NEIGHBOURS]]))
    return pd.Series(names, index=rows.index, dtype="object")
