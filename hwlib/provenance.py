"""From a number to its source in one step."""

import pandas as pd

from . import data
from .errors import unknown


def trace(measurement_id):
    """Where a measured figure comes from: the row, its source, its place there, and the rows that share its run, as a dict.

    Parameters
    ----------
    measurement_id : str
        Key of a row of `measurements`, as charts, tables and decisions show it, or a `serving_id` of `llm_serving`.

    Returns
    -------
    dict
        row : the row's filled cells; source : the publisher's row of `sources`; place : path, line or result id in the
        source; spelled : device and network as the source spells them; same_run : keys of the rows that reuse its log.

    Raises
    ------
    HwlibError
        For an unknown key, with the nearest ones.

    Examples
    --------
    >>> found = trace(data.load_measurements("resnet50", source_id="mlperf-v0.7")["measurement_id"].iloc[0])
    >>> found["source"]["publisher"], found["source"]["licence"]
    ('MLCommons', 'Apache-2.0')
    """
    rows = data.load("measurements")
    key = "measurement_id"
    if measurement_id in set(data.load("llm_serving")["serving_id"]):
        rows, key = data.load("llm_serving"), "serving_id"
    found = rows[rows[key] == measurement_id]
    if found.empty:
        near = rows.loc[rows[key].str.startswith(str(measurement_id)[:8]), key]
        raise unknown("measurement", measurement_id, near, "Tables, charts and `--json` show the keys.")
    row = found.iloc[0]
    sources = data.load("sources")
    shares = (rows["log_group"] == row["log_group"]) & (rows[key] != measurement_id)
    return {
        "row": _filled(row),
        "source": _filled(sources[sources["source_id"] == row["source_id"]].iloc[0]),
        "place": row["source_ref"],
        "spelled": {"model": row["model_name"], "device": None if pd.isna(row["device_name"]) else row["device_name"]},
        "same_run": rows.loc[shares.fillna(False), key].tolist(),
    }


def _filled(row):
    """The filled cells of `row` as a dict, days as text."""
    return {name: f"{cell:%Y-%m-%d}" if isinstance(cell, pd.Timestamp) else cell for name, cell in row.dropna().items()}
