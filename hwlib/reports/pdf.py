"""A page on paper: printed by a headless Chromium, where one is installed."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..errors import HwlibError
from . import html

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAC_APPS = ("Google Chrome", "Chromium", "Microsoft Edge")
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--virtual-time-budget=10000", "--no-pdf-header-footer")
PATIENCE_S = 120


def find_browser():
    """The path of an installed Chromium, Chrome or Edge.

    Raises
    ------
    HwlibError
        If there is none.
    """
    apps = [f"/Applications/{app}.app/Contents/MacOS/{app}" for app in MAC_APPS] if sys.platform == "darwin" else []
    found = next(filter(None, map(shutil.which, (*BROWSERS, *apps))), None)
    if not found:
        raise HwlibError(
            f"--pdf needs a Chromium or Chrome on the PATH ({', '.join(BROWSERS)}) and found none; a browser's own print does it too"
        )
    return found


def make(page, assets="assets"):
    """The bytes of the PDF that shows what the HTML text `page` does.

    Raises
    ------
    HwlibError
        If the browser fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        place, made = Path(folder, "page.html"), Path(folder, "page.pdf")
        place.write_text(page, encoding="utf-8")
        Path(folder, assets).mkdir()
        for name, text in html.shared().items():
            Path(folder, assets, name).write_text(text, encoding="utf-8")
        command = [find_browser(), *ARGUMENTS, f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}", place.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        except subprocess.TimeoutExpired:
            raise HwlibError(f"the browser did not print the page within {PATIENCE_S} s") from None
        if not made.exists():
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            raise HwlibError(f"the browser did not print the page: {said[-1]}")
        return made.read_bytes()
