"""Runs the cells of a notebook in this very process, as a kernel would: for a process that lives for one notebook only."""

import os
import tempfile
from io import TextIOBase

from ipykernel.jsonutil import encode_images, json_clean
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from traitlets.config import Config

MESSAGE = {"header": {}, "parent_header": {"msg_id": "cell"}, "metadata": {}}


def run(notebook, emit):
    """Run the cells of `notebook` in place up to the first error, calling `emit` with {"cell": number} before and with its outputs after.

    Standard output and error of this process are taken over for good: what a library or a child process writes there belongs to the cell.
    """
    kernel = _Kernel(notebook)
    for number, cell in enumerate(notebook.cells):
        emit({"cell": number})
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        result = kernel.run(number)
        emit({"outputs": {str(n): notebook.cells[n].outputs for n in kernel.touched}, "count": cell.execution_count})
        if not result.success:
            return


def prepare():
    """The one shell of this process, which nothing was run in yet when it is made."""
    return ZMQInteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))


class _Kernel:
    """What a kernel and its client are to each other, without a wire: nbclient itself files each message under its cell."""

    def __init__(self, notebook):
        self.client, self.number, self.touched, self.pending = NotebookClient(notebook), 0, set(), []
        self.files = {name: _captured(fd) for name, fd in (("stdout", 1), ("stderr", 2))}
        self.streams = {name: _Stream(self, name, fd) for name, fd in (("stdout", 1), ("stderr", 2))}
        self.shell = prepare()
        for part in (self.shell, self.shell.displayhook, self.shell.display_pub):
            part.send = self.send

    def run(self, number):
        import sys

        self.number, self.touched, self.client.clear_before_next_output = number, {number}, False
        sys.stdout, sys.stderr = self.streams["stdout"], self.streams["stderr"]
        cell = self.client.nb.cells[number]
        result = self.shell.run_cell(cell.source, store_history=True)
        cell.execution_count = result.execution_count
        self._flush()
        for name, file in self.files.items():
            if text := file.read().decode(errors="replace"):
                self.write(name, text)
        self._flush()
        if not result.success and all(output.output_type != "error" for output in cell.outputs):
            error = result.error_in_exec or result.error_before_exec
            self.send("error", {"traceback": [], "ename": type(error).__name__, "evalue": str(error)})
        return result

    def write(self, name, text):
        """Text for a stream; kept until the other stream or a display comes, since each message becomes an output of its own."""
        if self.pending and self.pending[0] != name:
            self._flush()
        self.pending = [*(self.pending or [name]), text]

    def send(self, kind, content):
        self._flush()
        if kind == "update_display_data":
            self.touched |= {number for number in range(self.number) if self.client.nb.cells[number].cell_type == "code"}
        message = {**MESSAGE, "msg_type": kind, "header": {"msg_type": kind}, "content": json_clean(content)}
        self.client.process_message(message, self.client.nb.cells[self.number], self.number)

    def _flush(self):
        if self.pending:
            (name, *texts), self.pending = self.pending, []
            self.send("stream", {"name": name, "text": "".join(texts)})


def _captured(fd):
    """A file that holds what is written to the descriptor `fd` from now on."""
    file = tempfile.TemporaryFile(buffering=0)
    os.dup2(os.open(f"/proc/self/fd/{file.fileno()}", os.O_WRONLY | os.O_APPEND) if os.path.isdir("/proc/self/fd") else file.fileno(), fd)
    return file


class _Stream(TextIOBase):
    """`sys.stdout` or `sys.stderr` of the cells."""

    encoding = "UTF-8"

    def __init__(self, kernel, name, fd):
        self.kernel, self.name, self.fd = kernel, name, fd

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        self.kernel.write(self.name, text)
        return len(text)

    def writable(self):
        return True

    def fileno(self):
        return self.fd


class _Hook(DisplayHook):
    """The value of a cell's last line."""

    def start_displayhook(self):
        pass

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        data = encode_images(format_dict)
        self.send("execute_result", {"data": data, "metadata": md_dict or {}, "execution_count": self.prompt_count})

    def finish_displayhook(self):
        pass


class _Publisher(DisplayPublisher):
    """What `display` shows."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        kind = "update_display_data" if update else "display_data"
        self.send(kind, {"data": encode_images(data), "metadata": metadata or {}, "transient": transient or {}})

    def clear_output(self, wait=False):
        self.send("clear_output", {"wait": wait})


class ZMQInteractiveShell(InteractiveShell):
    """The shell; it bears the name of the kernel's, by which pandas and others tell a notebook from a terminal."""

    displayhook_class = _Hook
    display_pub_class = _Publisher

    def _showtraceback(self, etype, evalue, stb):
        self.send("error", {"traceback": list(stb), "ename": etype.__name__, "evalue": str(evalue)})
