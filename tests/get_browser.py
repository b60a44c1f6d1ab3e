"""Finds a Chromium or Chrome for the browser tests, and tries to install one if there is none; always exits with 0."""

import os
import shutil
import subprocess
import sys

from browser import find_browser


def ways():
    """Commands that install a Chromium here, best first; each is a list of commands to run in order."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        yield [["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]]
    yield [[sys.executable, "-m", "playwright", "install", "chromium"]]


def main():
    """Print what was found or done."""
    for commands in ways():
        if find_browser():
            break
        for command in commands:
            print("No browser yet; running:", *command[-3:], flush=True)
            subprocess.run(command, check=False)
        find_browser.cache_clear()
    found = find_browser()
    print(f"Browser for the tests: {found}" if found else "No browser could be had: the browser tests will say so.")


if __name__ == "__main__":
    main()
