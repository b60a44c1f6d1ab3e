"""A real JupyterLab and a real Voilà on loopback, and a page in each: fixtures `lab` and `app`."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APP = str(ROOT / "notebooks" / "app")
# Kept for people to look at; CI uploads the folder.
SHOTS = ROOT / "build" / "screenshots"
STARTED_S = 90
# The idle sign of a notebook comes before its kernel is attached; only its own word is proof that cells will run.
RUN_ALL = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  await jupyterapp.commands.execute("notebook:run-all-cells");
}"""
QUIET = (
    "--no-browser",
    "--allow-root",
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def calm(home):
    """Settings of a JupyterLab that asks for no news, and loads no extension but those of widgets."""
    settings = home / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    config = home / "JUPYTER_CONFIG_DIR" / "labconfig"
    config.mkdir(parents=True)
    (config / "page_config.json").write_text('{"disabledExtensions": {"ploomber-extension": true}}')


class Server:
    """A server process in folders of its own, stopped with `stop`."""

    def __init__(self, command, home, place):
        self.port, self.log = free_port(), Path(home) / "server.log"
        calm(home)
        folders = {
            name: str(home / name)
            for name in (
                "JUPYTER_CONFIG_DIR",
                "JUPYTER_DATA_DIR",
                "JUPYTER_RUNTIME_DIR",
                "JUPYTERLAB_SETTINGS_DIR",
                "JUPYTERLAB_WORKSPACES_DIR",
                "IPYTHONDIR",
            )
        }
        environment = os.environ | folders | {"PYTHONPATH": str(ROOT), "JUPYTER_PATH": APP, "JUPYTER_CONFIG_PATH": APP}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command(self.port)], cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def wait(self, path):
        """Return when the server answers at `path`."""
        for _ in range(STARTED_S * 10):
            try:
                with urllib.request.urlopen(self.url(path), timeout=5):
                    return self
            except urllib.error.HTTPError:
                return self
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="session")
def workbook(tmp_path_factory):
    """A copy of the notebooks, so that no test changes those of the project."""
    return Path(shutil.copytree(ROOT / "notebooks", tmp_path_factory.mktemp("workbook") / "notebooks"))


def start_lab(home, place):
    """A JupyterLab on the notebooks in `place`, and a function that gives the address of one of them, with its token."""
    token = secrets.token_hex(16)
    server = Server(lambda port: ("jupyterlab", f"--port={port}", f"--IdentityProvider.token={token}", *QUIET), home, place).wait("api")
    return server, lambda name: server.url(f"lab/tree/{name}?token={token}")


def run_all(page):
    """Run every cell of the notebook that `page` shows, once its kernel is there."""
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.context", timeout=60_000)
    page.evaluate(RUN_ALL)


@pytest.fixture(scope="session")
def lab(tmp_path_factory, workbook):
    """A function that gives the address of a notebook in a JupyterLab that asks for a token."""
    server, address = start_lab(tmp_path_factory.mktemp("lab"), workbook)
    yield address
    server.stop()


@pytest.fixture(scope="session")
def app(tmp_path_factory, workbook):
    """The address of notebook 10 as a page without code."""

    def command(port):
        return "voila", "10_decide.ipynb", f"--port={port}", "--no-browser"

    server = Server(command, tmp_path_factory.mktemp("voila"), workbook).wait("voila/static/voila.js")
    yield server.url("")
    server.stop()
