"""Identity: one `device_id` and one `model_id` for the same thing under all its spellings."""

import pandas as pd

from .. import schema
from ..errors import HwlibError
from ..tables import slug as slug

CURATED = {
    "sources": schema.SOURCES.names,
    "device_classes": schema.DEVICE_CLASS_TABLE.names,
    "devices": schema.DEVICES.names,
    "device_names": ["alias", "device_id", "reason"],
    "models": schema.MODELS.names,
    "model_names": ["source", "alias", "model_id"],
}


def load_curated(folder):
    """The hand-kept tables of `folder` as text frames, each with exactly the columns of `CURATED`."""
    frames = {}
    for name, columns in CURATED.items():
        frame = pd.read_csv(folder / f"{name}.csv", dtype="str", keep_default_na=False, na_values=[""])
        if list(frame.columns) != columns:
            raise HwlibError(f"{folder.name}/{name}.csv: expected columns {', '.join(columns)}")
        frames[name] = frame
    return frames


def combine(curated, parts, key):
    """One row a `key`: the curated cell where there is one, else the first part's that has it; sources are joined."""
    frames = [frame.set_index(key) for frame in [curated, *parts] if len(frame)]
    merged = frames[0]
    for frame in frames[1:]:
        merged = merged.combine_first(frame)
    sources = pd.concat([frame["source_id"].dropna() for frame in frames])
    merged["source_id"] = sources.groupby(level=0).agg(lambda cells: "+".join(dict.fromkeys("+".join(cells).split("+"))))
    return merged.reset_index()


def device_aliases(devices, curated, parts):
    """Every known spelling -> `device_id`: the devices' own names, what importers found, and the curated ones, which win."""
    own = devices[["name", "device_id"]].rename(columns={"name": "alias"})
    frame = pd.concat([curated, *parts, own], ignore_index=True)
    return frame.drop_duplicates("alias", keep="first")


def with_device_ids(frame, aliases, cpu_column=None):
    """`frame` with `device_id` looked up from `device_name`, or from `cpu_column` where that is empty.

    Raises
    ------
    HwlibError
        Listing every spelling that `aliases` does not have.
    """
    spelled = frame["device_name"]
    if cpu_column:
        spelled = spelled.fillna(frame[cpu_column])
    known = aliases.set_index("alias")["device_id"]
    missing = sorted(set(spelled.dropna()) - set(known.index))
    if missing:
        raise HwlibError(f"unknown device spellings, add them to data/curated/device_names.csv: {missing}")
    return frame.assign(device_id=spelled.map(known))


def with_model_ids(frame, source, curated, module):
    """`frame` with `model_id`: the curated one for (`source`, `model_name`), else by the module's own rule."""
    known = curated[curated["source"] == source].set_index("alias")["model_id"].to_dict()
    rule = getattr(module, "model_id", lambda name: None)
    ids = {name: known.get(name) or rule(name) for name in frame["model_name"].unique()}
    missing = sorted(name for name, model in ids.items() if not model)
    if missing:
        raise HwlibError(f"{source}: unknown model spellings, add them to data/curated/model_names.csv: {missing}")
    return frame.assign(model_id=frame["model_name"].map(ids))
