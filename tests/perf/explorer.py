"""From an answer in the explorer to the changed drawing, in a real JupyterLab with the full data, and what 200 answers leave behind."""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import browser
import lab
import psutil

# Choose the option of a menu as a person does, and wait until the drawing of the ranking is another one.
CHANGE = """async ([label, value]) => {
  const menu = [...document.querySelectorAll(".hw-questions select")].find((one) => one.labels[0].textContent.includes(label));
  const drawing = document.querySelector(".hw-figures figure > div");
  const seen = new Promise((done) => {
    const watch = new MutationObserver(() => { watch.disconnect(); done(performance.now()); });
    watch.observe(drawing, { subtree: true, childList: true, attributes: true, characterData: true });
  });
  const start = performance.now();
  menu.selectedIndex = [...menu.options].findIndex((one) => one.textContent === value);
  menu.dispatchEvent(new Event("change", { bubbles: true }));
  return (await seen) - start;
}"""
BATCHES = ("1", "8", "32", "64")


def measure(changes=200):
    """Milliseconds from each of `changes` answers to its drawing; heap (MB), nodes and listeners of the page and memory of the kernel (MB)
    before and after them."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        place = shutil.copytree(lab.ROOT / "notebooks", Path(home) / "notebooks")
        server, address = lab.start_lab(Path(home), place)
        chromium = playwright.chromium.launch(executable_path=browser.find_browser(), args=browser.ARGUMENTS)
        try:
            page = browser.Visit(chromium, address("10_decide.ipynb"), viewport={"width": 1500, "height": 2600}).page
            lab.run_all(page)
            page.locator(".hw-figures svg.marks").nth(5).wait_for(timeout=120_000)
            times = [change(page, number) for number in range(10)]
            before = left(page, server)
            times = [change(page, number) for number in range(changes)]
            return times, before, left(page, server)
        finally:
            chromium.close()
            server.stop()


def change(page, number):
    """One answer, and a pause until all that follows from it is there."""
    took = page.evaluate(CHANGE, ["Small or large batch", BATCHES[number % len(BATCHES)]])
    page.locator(".hw-answer", has_text="How sure:").wait_for(timeout=60_000)
    page.wait_for_timeout(50)
    return took


def left(page, server):
    """What the page and the kernel hold once their garbage is collected."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap, counters = session.send("Runtime.getHeapUsage"), session.send("Memory.getDOMCounters")
    kernels = psutil.Process(server.process.pid).children(recursive=True)
    memory = sum(one.memory_info().rss for one in kernels)
    return {"heap": heap["usedSize"] / 1e6, "nodes": counters["nodes"], "listeners": counters["jsEventListeners"], "kernel": memory / 1e6}


def main():
    """Measure and print."""
    times, before, after = measure()
    middle, late = statistics.median(times), sorted(times)[int(0.95 * len(times))]
    print(f"{'explorer: answer to changed drawing':58} {middle:9.1f} ms   p95 {late:.1f} ms   n={len(times)}")
    print(f"{'  first 50, last 50, median':58} {statistics.median(times[:50]):9.1f} ms   {statistics.median(times[-50:]):.1f} ms")
    for name, unit in {"heap": "MB", "nodes": "", "listeners": "", "kernel": "MB"}.items():
        print(f"{f'  {name} before and after {len(times)} answers':58} {before[name]:9.1f} {unit}   {after[name]:.1f} {unit}", flush=True)


if __name__ == "__main__":
    main()
