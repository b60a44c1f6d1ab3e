"""From a number to its source in one step."""

import pandas as pd

from . import data
from .errors import unknown


def trace(measurement_id):
    """Where a measured figure comes from: the row, its source, its place there, and the rows that share its run, as a dict.

    Parameters
    ----------
    measurement_id : str
        Key of a row of `measurements`, as charts, tables and decisions show it.

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
    found = rows[rows["measurement_id"] == measurement_id]
    if found.empty:
        near = rows.loc[rows["measurement_id"].str.startswith(str(measurement_id)[:8]), "measurement_id"]
        raise unknown("measurement", measurement_id, near, "Tables, charts and `--json` show the keys.")
    row = found.iloc[0]
    sources = data.load("sources")
    shares = (rows["log_group"] == row["log_group"]) & (rows["measurement_id"] != measurement_id)
    return {
        "row": _filled(row),
        "source": _filled(sources[sources["source_id"] == row["source_id"]].iloc[0]),
        "place": row["source_ref"],
        "spelled": {"model": row["model_name"], "device": None if pd.isna(row["device_name"]) else row["device_name"]},
        "same_run": rows.loc[shares.fillna(False), "measurement_id"].tolist(),
    }


def _filled(row):
    """The filled cells of `row` as a dict, days as text."""
    return {name: f"{cell:%Y-%m-%d}" if isinstance(cell, pd.Timestamp) else cell for name, cell in row.dropna().items()}
