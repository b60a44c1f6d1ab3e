"""Names and folders of reports, and writing them whole or not at all."""

import re
import secrets
import tempfile
from pathlib import Path

from ..errors import HwlibError

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
# "index" is the index page; the others are devices on Windows, whatever ending follows.
RESERVED = {"index", "con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def check_name(name):
    """`name` if it may be a report's file name without ending; an error otherwise."""
    if not NAME.fullmatch(name):
        raise HwlibError(f"{name!r} cannot name a report: expected at most 100 of a-z, 0-9, '.' and '-', a letter or digit first")
    if name.split(".")[0] in RESERVED:
        raise HwlibError(f"{name!r} cannot name a report: the name is reserved")
    return name


def check_folder(folder):
    """`folder` as an absolute path if files can be written there; its last part is made if missing.

    Whether files can be written is found out by doing it, since permissions alone do not tell.
    """
    folder = Path(folder).resolve()
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        raise HwlibError(f"{folder} is not a folder and cannot be made; create it first") from None
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise HwlibError(f"{folder} cannot be written to: {error.strerror}") from None
    return folder


def publish(texts):
    """Write each text of `texts` (by path): all of them or none, and readers never see half a file."""
    for path in texts:
        if path.is_dir():
            raise HwlibError(f"{path} is a folder; move it out of the way")
    parts = {path: path.with_name(f".{path.name}.{secrets.token_hex(4)}.part") for path in texts}
    try:
        for path, text in texts.items():
            parts[path].write_text(text, encoding="utf-8", newline="\n")
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        raise HwlibError(f"{path} could not be written: {error.strerror}") from None
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
