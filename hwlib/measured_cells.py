"""What the estimates are fitted on: measured rows as cells of one network on one device, so run, at one batch."""

import numpy as np
import pandas as pd

from . import data, features, tables

ENV_COLUMNS = ["stack", "precision", "chain", "tuning"]
# Rows that say nothing of one device's speed at one network.
UNFIT_FLAGS = (
    *("third_party", "relative_only", "count_unstated", "count_doubtful", "device_unstated", "input_doubtful", "upper_bound"),
    "throughput_latency_mismatch",
)
HELD_BACK = ("server", "interactive")


def measured():
    """The cells to fit, the networks and the envs, from the project's tables.

    Returns
    -------
    cells : DataFrame
        env, model_id, family, batch (samples in flight; infinite for a queue that is never empty), seconds (a sample on one device).
    models : DataFrame
        Indexed by model_id: gmacs, params_m, mactivations, operator counts.
    envs : DataFrame
        Indexed by env: device_id, stack, precision, chain, tuning and the device's columns.
    """
    devices, networks = committed("devices").drop(columns=["source_id", "name"]), committed("models")
    rows = committed("measurements")
    flags = rows["quality_flag"].fillna("")
    fit = rows["throughput_per_s"].notna() & (rows["throughput_unit"] == "samples") & (rows["division"].fillna("closed") != "open")
    fit &= ~flags.str.contains("|".join(UNFIT_FLAGS)) & ~rows["scenario"].isin(HELD_BACK) & rows["device_count"].notna()
    rows = rows[fit].merge(devices, on="device_id").merge(networks[["model_id", "family"]], on="model_id")
    rows = as_envs(rows).assign(batch=in_flight(rows))
    rows = rows.assign(seconds=rows["device_count"].astype("float64") / rows["throughput_per_s"])[rows["batch"].notna()]
    cells = rows.groupby(["env", "model_id", "batch"], as_index=False).agg(seconds=("seconds", "median"), family=("family", "first"))
    envs = rows.drop_duplicates("env").set_index("env").sort_index()[[*ENV_COLUMNS, *devices.columns]]
    models = networks.merge(committed("operators").drop(columns="source_id"), on="model_id", how="left").set_index("model_id")
    return cells, models, envs


def committed(name):
    """Table `name` without a user's own rows: the fit must come out the same for everybody."""
    return tables.read_tables(data.committed_paths(data.data_dir(), name), name)


def as_envs(rows):
    """`rows` of measurements with their device's columns, and with stack, chain and env; what is unstated gets that word."""
    rows = rows.assign(precision=rows["precision"].fillna("unstated"), tuning=rows["tuning"].fillna("unstated"))
    rows = rows.assign(stack=features.stack(rows), chain=features.toolchain(rows))
    return rows.assign(env=rows["device_id"] + "|" + rows["stack"] + "|" + rows["precision"])


def in_flight(rows):
    """Samples in flight of each row of measurements: batch times calls; infinite for an unending queue; empty where unknown."""
    batch, calls = rows["batch_size"].astype("float64"), rows["concurrency"].astype("float64")
    queued = rows["scenario"].isin(("offline", "concurrent_loop"))
    unknown = pd.Series(np.where(calls == 1, 1.0, np.where(queued, np.inf, np.nan)), index=rows.index)
    flight = (batch * calls.fillna(1.0)).fillna(unknown)
    return flight.mask(rows["scenario"] == "single_stream", 1.0)
