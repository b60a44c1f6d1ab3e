"""Whether this machine is ready for the workshop, in plain lines: `make workshop-check`, `hwlib workshop ready`.

At the top only Python's own library is imported, and nothing that an old Python could not read is written here: this page must be able
to say that Python is too old, or that no package is there.
"""

import ast
import io
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ..units import GIGA

OLDEST = (3, 11)
FREE_GB = 1  # assumed: room for reports, slides and a learner's notebooks
INSTALL = "run `make lab` once, with a network; it installs all that is needed"
KERNEL_S = 30


def python():
    """The version of Python as text; an error if it is too old.

    >>> python().count(".")
    2
    """
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        raise RuntimeError(f"{version} is too old")
    return version


def packages():
    """How many packages are there, as text; an error that names those that are missing or of another version.

    >>> packages().endswith(" there")
    True
    """
    from importlib.metadata import requires

    lines = requires("hwlib")
    from packaging.requirements import Requirement  # second: where nothing is installed, hwlib is what is missed first

    wanted = [needed for needed in map(Requirement, lines) if not needed.marker or needed.marker.evaluate({"extra": "lab"})]
    found = {needed: _version(needed.name) for needed in wanted}
    faulty = [needed for needed, version in found.items() if not version or version not in needed.specifier]
    if faulty:
        named = ", ".join(f"{needed.name} ({found[needed] or 'missing'})" for needed in faulty)
        raise RuntimeError(f"{named}: missing or of another version")
    return f"{len(wanted)} there"


def kernel():
    """Where the Python is that a notebook's cell ran in, as text; an error if no cell runs, or in another Python."""
    from jupyter_client.manager import start_new_kernel

    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager, client = start_new_kernel(startup_timeout=KERNEL_S, **silent)
    try:
        done = client.execute("import hwlib, sys", user_expressions={"prefix": "sys.prefix"}, reply=True, timeout=KERNEL_S)["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    if done["status"] != "ok":
        raise RuntimeError(f"{done['ename']}: {done['evalue']}")
    prefix = ast.literal_eval(done["user_expressions"]["prefix"]["data"]["text/plain"])
    if prefix != sys.prefix:
        raise RuntimeError(f"cells run in {prefix}, and not in {sys.prefix}")
    return f"a cell ran in {prefix}"


def tables():
    """How many measurements there are, as text; an error if a file of the tables is missing or changed."""
    from .. import check, data

    check.check_files(data.data_dir())
    return f"{len(data.load_measurements()):,} measurements, every file as it was published"


def chart():
    """The size of a chart (px) that was drawn, as text."""
    from .. import data, pictures

    rows = data.load_measurements("resnet50", "nvidia-t4", source_id="nvidia-dle", runtime="tensorflow", precision="fp16")
    picture = io.BytesIO()
    pictures.lines(rows, "batch_size", "throughput_per_s", "Drawn to see whether charts are").save(picture, format="png")
    head = picture.getvalue()[16:24]
    return "one of {} x {} pixels drawn".format(*(int.from_bytes(side, "big") for side in (head[:4], head[4:])))


def disk():
    """The free space of the disk (GB) as text; an error if it is less than the workshop needs.

    >>> disk().endswith("GB free")
    True
    """
    free = shutil.disk_usage(Path.cwd()).free / GIGA
    if free < FREE_GB:
        raise RuntimeError(f"{free:.1f} GB free, {FREE_GB} GB wanted")
    return f"{free:.0f} GB free"


CHECKS = (
    ("Python", python, "install Python 3.11 or newer, then " + INSTALL),
    ("packages", packages, INSTALL),
    (
        "Jupyter kernel",
        kernel,
        "`jupyter kernelspec list` shows where the kernel called python3 is; if it is not in .venv, another Python put it there: remove it",
    ),
    ("data", tables, "`git restore data` brings the tables back, or download the project again; your own tables are in HWLIB_DATA"),
    ("a chart", chart, INSTALL),
    ("free disk", disk, "free some space, or work in a folder on another disk"),
)


def main():
    """Print a line for each check and what to do where it fails; returns the exit code, 0 if all is well."""
    start, failed = time.monotonic(), 0
    for name, look, way_out in CHECKS:
        try:
            print(f"ok      {name:15} {look()}", flush=True)
        except Exception as error:  # whatever it is, the learner must hear it, and the other checks go on
            failed += 1
            print(f"not ok  {name:15} {_said(error)}\n        what to do:     {INSTALL if _absent(error) else way_out}", flush=True)
    verdict = "ready for the workshop" if not failed else f"not ready: {failed} of {len(CHECKS)}"
    print(f"{verdict}, looked at in {time.monotonic() - start:.1f} s")
    return 1 if failed else 0


def _version(package):
    """The version of `package` as text, empty if it is missing."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _absent(error):
    """Whether `error` says that a package is missing."""
    return isinstance(error, ImportError)


def _said(error):
    """The last line of what `error` says."""
    return f"the package {error.name} is missing" if _absent(error) else (str(error).strip().splitlines() or [type(error).__name__])[-1]


if __name__ == "__main__":
    sys.exit(main())
