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
    table = asked.stacks(art)
    networks = asked.networks().loc[lambda rows: rows.index.isin(art["effects"]["all"].index)]
    devices = data.load("devices").set_index("device_id").loc[lambda rows: rows.index.isin(table["device_id"])]
    network = _outside(question, networks, OF_NETWORK) + _too_large(question) + _past_batch(question, art)
    machine = _outside(question, devices, OF_DEVICE).where(~question["seen_device"], "")
    network = network.where(
        network == "", network + "nearest measured networks: " + _nearest(question, networks, OF_NETWORK, network != "")
    )
    machine = machine.where(machine == "", machine + "nearest measured devices: " + _nearest(question, devices, OF_DEVICE, machine != ""))
    return network.str.cat(machine, sep=" ").str.strip()


def _outside(question, known, figures):
    """A clause for each figure that lies outside all those of `known`."""
    words = pd.Series("", index=question.index)
    for column, unit in figures.items():
        least, most = known[column].astype("float64").min(), known[column].astype("float64").max()
        far = (question[column] < least / MARGIN) | (question[column] > most * MARGIN)
        if far.any():
            clause = question.loc[far, column].map(
                lambda value, a=least, b=most, u=unit: f"{value:,.3g} {u} lies outside {a:,.3g} to {b:,.3g}; "
            )
            words[far] += clause
    return words


def _too_large(question):
    """A clause where the weights alone are larger than the device's memory."""
    memory = question["device_id"].map(data.load("devices").set_index("device_id")["memory_gb"]).astype("float64")
    bytes_each = question["precision"].map(datasheet.BYTES).astype("float64")
    need = question["params_m"] * units.MILLION * bytes_each / units.GIGA
    words = pd.Series("", index=question.index)
    far = need > memory
    words[far] = [f"weights of {a:,.3g} GB do not fit {b:,.3g} GB; " for a, b in zip(need[far], memory[far], strict=True)]
    return words


def _past_batch(question, art):
    largest = int(art["largest_batch"])
    far = question["batch_size"].astype("float64") > largest
    return pd.Series(np.where(far, f"no batch over {largest:,} was measured; ", ""), index=question.index)


def _nearest(question, known, figures, wanted):
    """Names of the `known` that lie closest in the logs of `figures`, for the rows `wanted`."""
    words = pd.Series("", index=question.index)
    marks = np.log(known[list(figures)].to_numpy(dtype=float))
    mine = question.loc[wanted, list(figures)].astype("float64")
    for values, rows in mine.groupby(list(figures), dropna=False):
        away = np.abs(marks - np.log(np.array(values, dtype=float)))
        stated = np.isfinite(away)
        # A figure that only one of the two states tells nothing; none in common is farthest.
        mean = np.where(stated.any(axis=1), np.nansum(away, axis=1) / np.maximum(stated.sum(axis=1), 1), np.inf)
        words[rows.index] = ", ".join(known.index[np.argsort(mean, kind="stable")[:NEIGHBOURS]])
    return words
