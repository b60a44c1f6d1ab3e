"""What a folder of reports holds and what each was made of, so that only what changed is rendered again."""

import functools
import hashlib
import json
import time
from pathlib import Path

import pandas as pd

from .. import __version__, data, schema

NAME = "manifest.json"
SAVE_EVERY_S = 2.0


class Manifest:
    """The records of a folder's reports by name, of the failures, and of the run that made them last."""

    def __init__(self, folder):
        self.folder, self.saved_at = folder, 0.0
        known = _parsed(folder.read(NAME))
        self.reports, self.failures, self.run = known.get("reports", {}), known.get("failures", {}), known.get("run", {})
        self.assets = known.get("assets", {})

    def current(self, keys):
        """Those names of `keys` (the key by name) whose files were made of the very same and are intact."""
        alike = {name: self.reports[name] for name, key in keys.items() if self.reports.get(name, {}).get("key") == key}
        stamps = {file: stamp for record in alike.values() for file, stamp in record["files"].items()}
        intact = self.folder.intact(stamps)
        return {name for name, record in alike.items() if intact.issuperset(record["files"])}

    def begin(self, how, reports):
        """Note a run that is to render `reports`; unless it goes on with one that was stopped, a new account of changes begins."""
        if self.run.get("finished"):
            for record in self.reports.values():
                record["changes"] = []
        self.run = {"how": how, "reports": [[*report] for report in reports], "finished": False}
        self.save()

    def succeeded(self, name, record):
        """Note a report that was written."""
        self.reports[name] = record
        self.failures.pop(name, None)
        self.save(SAVE_EVERY_S)

    def failed(self, name, record):
        """Note a report that was not written; one written before stays known."""
        self.failures[name] = record
        self.save(SAVE_EVERY_S)

    def save(self, at_most_every_s=0.0):
        """Write the manifest, unless that was done just now."""
        if time.monotonic() - self.saved_at < at_most_every_s:
            return
        known = {"version": 1, "run": self.run, "assets": self.assets, "reports": self.reports, "failures": self.failures}
        self.folder.write({NAME: json.dumps(known, separators=(",", ":"))})
        self.saved_at = time.monotonic()


def keys(reports, template, *how):
    """The key by name of each of the `reports`: a hash over all that decides its content.

    Parameters
    ----------
    reports : list of Report
        To be rendered.
    template : path
        The notebook.
    *how
        Whatever else decides how a page looks.
    """
    common = json.dumps([_digest(Path(template).read_bytes()), code_digest(), __version__, tables_digest(), *how])
    return {report.name: _digest(json.dumps([common, report.parameters], sort_keys=True).encode()) for report in reports}


def tables_digest():
    """A hash of all tables: the spread of figures and the estimates of one model rest on the measurements of all."""
    return _digest("".join(_rows(data.load(name)).tobytes().hex() for name in schema.TABLES).encode())


@functools.cache
def code_digest():
    """A hash of the package's own code and page templates, which changes more often than its version."""
    root = Path(__file__).resolve().parents[1]
    paths = sorted(
        path for path in root.rglob("*") if path.suffix in (".py", ".j2", ".css", ".js", ".json") and "data" not in path.parts[-2:]
    )
    return _digest(b"".join(str(path.relative_to(root)).encode() + path.read_bytes() for path in paths))


def _rows(frame):
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:32]


def _parsed(content):
    """The manifest in `content`, empty if there is none or it is damaged: all is then rendered again."""
    try:
        known = json.loads(content or b"{}")
        return known if known.get("version") == 1 else {}
    except (ValueError, AttributeError):
        return {}
