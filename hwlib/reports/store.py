"""The folder that a batch of reports goes to: a local or shared one, or one of an object store such as s3://bucket/reports."""

import contextlib
import hashlib
from pathlib import Path

from . import files
from .files import RunFault


def open_folder(place):
    """The folder at `place`, a path or an address with ://, ready to be written to."""
    place = str(place)
    return Remote(place) if "://" in place else Local(files.check_folder(place))


def stamp(text):
    """What tells one content of a file from another: its length and two sums, since stores state one or the other."""
    content = files.encoded(text)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return [len(content), hashlib.sha256(content).hexdigest(), md5]


class Local:
    """A folder of this machine, or one that several machines share."""

    def __init__(self, path):
        self.path = path

    def __str__(self):
        return str(self.path)

    def write(self, texts):
        """Write the texts or bytes (by name): all or none, and never half a file."""
        paths = {self.path / name: text for name, text in texts.items()}
        for path in paths:
            if path.parent != self.path:
                files.check_folder(path.parent)
        files.publish(paths)

    def read(self, name):
        """The bytes of the file `name`, None if there is none."""
        try:
            return (self.path / name).read_bytes()
        except OSError:
            return None

    def names(self, part):
        """The names of the files in its folder `part`."""
        return [path.name for path in (self.path / part).glob("*")]

    def remove(self, name):
        """Remove the file `name` if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def intact(self, stamps):
        """Those names whose files have just the content of their stamp."""
        return {name for name, known in stamps.items() if self._intact(name, known)}

    def _intact(self, name, known):
        with contextlib.suppress(OSError):
            path = self.path / name
            return path.stat().st_size == known[0] and hashlib.sha256(path.read_bytes()).hexdigest() == known[1]
        return False

    @contextlib.contextmanager
    def alone(self):
        """While this lasts no other batch may use the folder; what a killed one left half written is removed."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(ImportError):  # Windows
                import fcntl

                lock = stack.enter_context((self.path / ".lock").open("w"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise RunFault(f"another run is writing to {self.path}; wait for it or choose another folder") from None
            for part in self.path.glob(".*.part"):
                part.unlink(missing_ok=True)
            yield


class Remote:
    """A folder of a store that fsspec can reach; each file appears whole or not at all."""

    def __init__(self, address):
        self.address = address.rstrip("/")
        with self._sentence("opened"):
            try:
                import fsspec
            except ImportError:
                raise ImportError("it needs fsspec: `pip install hwlib[cluster]`") from None
            self.fs, self.root = fsspec.core.url_to_fs(self.address)

    def __str__(self):
        return self.address

    def write(self, texts):
        """Write the texts or bytes (by name), in their order."""
        for name, text in texts.items():
            with self._sentence("written to"):
                self.fs.pipe_file(f"{self.root}/{name}", files.encoded(text))

    def read(self, name):
        """The bytes of the file `name`, None if there is none."""
        with self._sentence("read"):
            try:
                return self.fs.cat_file(f"{self.root}/{name}")
            except FileNotFoundError:
                return None

    def names(self, part):
        """The names of the files in its folder `part`."""
        with self._sentence("read"):
            try:
                return [path.rpartition("/")[2] for path in self.fs.ls(f"{self.root}/{part}", detail=False)]
            except FileNotFoundError:
                return []

    def remove(self, name):
        """Remove the file `name` if it is there."""
        with self._sentence("written to"), contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(f"{self.root}/{name}")

    def intact(self, stamps):
        """Those names whose files have the length of their stamp and, where the store states an MD5 sum, its content."""
        with self._sentence("read"):
            try:
                self.fs.invalidate_cache()
                listed = self.fs.find(self.root, detail=True)
            except FileNotFoundError:
                return set()
        return {name for name, known in stamps.items() if _alike(listed.get(f"{self.root}/{name}"), known)}

    @contextlib.contextmanager
    def alone(self):
        """Nothing: an object store knows no locks."""
        yield

    @contextlib.contextmanager
    def _sentence(self, done):
        try:
            yield
        except Exception as error:  # each store's library has its own kinds
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise RunFault(f"{self.address} cannot be {done}: {said[-1]}") from None


def _alike(info, known):
    if info is None or info["size"] != known[0]:
        return False
    tag = str(info.get("ETag", "")).strip('"')
    return len(tag) != len(known[2]) or tag == known[2]
