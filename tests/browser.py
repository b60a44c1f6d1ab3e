"""A browser for tests of what readers see: `pytest_plugins = ["browser"]` in a test module or conftest brings the fixture `browser`."""

import functools
import os
import shutil
from pathlib import Path

import pytest

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPS = ("Google Chrome", "Chromium")
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WAY_OUT = "no Chromium or Chrome found: `python tests/get_browser.py` installs one"


@functools.cache
def find_browser():
    """The path of an installed Chromium or Chrome, or of Playwright's own; None if there is none."""
    apps = (f"/Applications/{app}.app/Contents/MacOS/{app}" for app in MAC_APPS)
    installed = (shutil.which(name) for name in (*COMMANDS, *apps))
    return next(filter(None, installed), None) or _playwrights_own()


def _playwrights_own():
    """The browser that `playwright install chromium` downloaded, None if it did not."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def unavailable(reason):
    """Fail under CI, where a skipped test would go unseen; skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser():
    """A Chromium that talks to nobody by itself; one a module, since it keeps an event loop running that other tests trip over."""
    path = find_browser()
    if not path:
        unavailable(WAY_OUT)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("Playwright is not installed: `pip install -e .[dev]`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Visit:
    """One open page, with every request it made and every complaint on its console."""

    def __init__(self, browser, place, **context):
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text))
        self.url = place if isinstance(place, str) else place.resolve().as_uri()
        self.page.goto(self.url)
        self.page.wait_for_load_state("load")


@pytest.fixture
def visit(browser):
    """A function that opens a local HTML file and returns the `Visit`; keywords go to Playwright's `new_context`."""
    visits = []

    def open_file(path, **context):
        visits.append(Visit(browser, path, **context))
        return visits[-1]

    yield open_file
    for done in visits:
        done.context.close()
