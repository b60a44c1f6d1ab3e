"""Conformal intervals and the held-out error behind them: which row of table `estimate_error` speaks for a question."""

import numpy as np
import pandas as pd

NOMINAL = 0.9
# A group's own interval is used where it rests on this many cells and held-out groups; else the next coarser one's.
LEAST_CELLS, LEAST_GROUPS = 60, 5
# From the finest split to the coarsest; a question takes the first that is in the table.
SPLITS = (("device_class", "source", "detail"), ("device_class", "source"), ("device_class", "detail"), ("device_class",), ())
PARTS = ("device_class", "source", "detail")
NEW_DEVICE = ("seen_model_new_device", "new_new")
NEW_MODEL = ("seen_device_new_model", "new_new")
AS_NEW_DEVICE = {
    "seen_both": "seen_model_new_device",
    "seen_device_new_model": "new_new",
    "seen_model_new_device": "seen_model_new_device",
    "new_new": "new_new",
}


def source_family(stacks):
    """The source that each stack's figures come from, its releases and rounds taken together.

    >>> source_family(pd.Series(["mlperf-v4.1|tensorrt||engine|", "timm|pytorch|2.4.0|eager|"])).tolist()
    ['mlperf', 'timm']
    """
    code, once = pd.factorize(stacks)
    return pd.Series(once, dtype="str").str.split("|").str[0].str.replace(r"-v?\d.*$", "", regex=True).iloc[code].set_axis(stacks.index)


def detail(basis, counted, sheet):
    """What else splits the error: whether operators were counted, or on a new device whether its sheet states peak and bandwidth."""
    new = np.isin(basis, NEW_DEVICE)
    return np.where(
        new, np.where(sheet == "full", "full_sheet", "partial_sheet"), np.where(counted, "operators_counted", "operators_typical")
    )


def quantiles(found):
    """Conformal bounds of the log of measured over estimated throughput, for each split of each basis that has enough cells."""
    rows = []
    for split in SPLITS:
        for key, part in found.groupby(["basis", "calibration", *split]):
            if not split or (len(part) >= LEAST_CELLS and part["group"].nunique() >= LEAST_GROUPS):
                rows.append(
                    dict(zip(["basis", "calibration", *split], key, strict=True))
                    | _bounds(-part["miss"].to_numpy(), part["group"].nunique())
                )
    return pd.DataFrame(rows).reindex(columns=["basis", "calibration", *PARTS, "log_low", "log_high"]).fillna(dict.fromkeys(PARTS, "all"))


def _bounds(logs, groups):
    """The conformal bounds of `logs`: order statistics that leave 5 % on each side, less where few groups speak for the tails.

    Assumption: the share left outside shrinks by 1/sqrt(groups), for cells of one group miss together.
    """
    edge = (1 - NOMINAL) / 2 * (1 - groups**-0.5)
    return {"log_low": np.quantile(logs, edge), "log_high": np.quantile(logs, 1 - edge)}


def look_up(table, rows):
    """The row of `table` for each of `rows`: that of its finest split which is there; indexed like `rows`."""
    keys = ["basis", "calibration"]
    keyed = pd.MultiIndex.from_frame(table[[*keys, *PARTS]].astype("object"))
    place = np.full(len(rows), -1)
    for split in SPLITS:
        wanted = rows[[*keys, *PARTS]].astype("object").assign(**{name: "all" for name in PARTS if name not in split})
        place = np.where(place < 0, keyed.get_indexer(pd.MultiIndex.from_frame(wanted)), place)
    return table.iloc[place].set_index(rows.index)
