"""The project's own reference figures, measured by `tests/perf/reference_figures.py` and kept in data/curated/own/.

No importer of somebody else's format: the files hold rows of our tables as they were measured, with the machine's description.
"""

from ..tables import read_user_table

NAME = "own"


def read(folder):
    """The rows of `measurements`, `devices` and `models` in `folder`; none where nothing has been measured yet."""
    paths = {name: folder / f"{name}.csv" for name in ("measurements", "devices", "models")}
    return {name: read_user_table(path, name) for name, path in paths.items() if path.exists()}


def model_id(name):
    """A network is called by its key from the start."""
    return name
