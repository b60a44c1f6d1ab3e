"""Names and folders of reports, and writing them whole or not at all."""

import hashlib
import re
import secrets
import tempfile
from pathlib import Path

from ..errors import HwlibError

LONGEST = 100
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
# The site's own pages and tables; the others are devices on Windows, whatever ending follows.
SITE = {"index", "compare", "reports", "manifest", "failures"}
RESERVED = SITE | {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


class RunFault(HwlibError):
    """A fault of the place where reports go or run, not of what was asked for: a full disk, a missing folder, a dead scheduler."""


def slug(text):
    """A name for the files of a report of `text`: itself if it may be one; otherwise with its hash, so that no two texts share a name.

    >>> slug("resnet50"), slug("../Con")
    ('resnet50', 'con-5b2f43ba')
    """
    if NAME.fullmatch(text) and text.split(".")[0] not in RESERVED:
        return text
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[: LONGEST - 9]
    return f"{plain or 'report'}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:8]}"


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
        raise RunFault(f"{folder} is not a folder and cannot be made; create it first") from None
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise RunFault(f"{folder} cannot be written to: {error.strerror}") from None
    return folder


def publish(texts):
    """Write each text or bytes of `texts` (by path): all of them or none, and readers never see half a file."""
    for path in texts:
        if path.is_dir():
            raise RunFault(f"{path} is a folder; move it out of the way")
    parts = {path: path.with_name(f".{path.name}.{secrets.token_hex(4)}.part") for path in texts}
    try:
        for path, text in texts.items():
            parts[path].write_bytes(encoded(text))
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        raise RunFault(f"{path} could not be written: {error.strerror}") from None
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def encoded(text):
    """The bytes that `text` is written as."""
    return text if isinstance(text, bytes) else text.encode()
