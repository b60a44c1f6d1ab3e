"""The site as a reader's browser shows it: from the disk, without a network, with a thousand rows, and with data that attack it."""

import json

import nbformat
import pandas as pd
import pytest
from conftest import measured

from hwlib import data, schema
from hwlib.reports import MODEL_REPORT, batch, files, html, manifest, plan, publish_notebooks, site, store
from hwlib.reports.parameters import read_parameters

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&{{7*7}}\u2028</style>"


def record(number, **best):
    """A record of the manifest as a run leaves it, with round figures."""
    device = f"Device {number % 7}"
    cost = (number * 37 % 101 + 1) / 1000
    best = {
        "device": device, "device_id": device, "device_class": ("gpu", "cpu", "npu")[number % 3], "device_count": 1, "instance_type": "a1",
        "provider": "cloud", "usd_per_hour": 1.0, "usd_per_100k": cost, "throughput_per_s": 1000.0 + number,
        "evidence": "published", "source_id": "s",
    } | best  # fmt: skip
    summary = {
        "headline": "x", "metric": "usd_per_100k", "best": best, "runner_up": "B", "margin": 0.25,
        "devices": [[device, cost, "a1 (cloud)", 1.0], ["B", 2 * cost, "b1 (cloud)", 1.0]], "options": 2,
    }  # fmt: skip
    return {
        "model": f"net-{number:04}",
        "parameters": {"model": f"net-{number:04}", "latency_ms": 5},
        "own": [],
        "summary": summary,
        "changes": [],
    }


def write(folder, records, failures=()):
    """A site of `records` by report in `folder`; returns the path of its index."""
    place = store.open_folder(folder)
    known = manifest.Manifest(place)
    known.reports, known.failures = records, dict(failures)
    site.share_assets(place, known)
    site.write(place, known)
    return folder / "index.html"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A site of 1,500 reports."""
    records = {f"net-{number:04}": record(number) for number in range(1500)}
    records["net-0003"] |= {"own": ["latency_ms"], "changes": ["winner changed: T4 -> L4", "price of g6.xlarge (aws) −8 %"]}
    failed = {"model": "net-9999", "parameters": {}, "own": [], "error": "it took longer than 5 s", "notebook": "net-9999.failed.ipynb"}
    return write(tmp_path_factory.mktemp("many"), records, {"net-9999": failed})


def test_the_index_searches_sorts_and_filters(visit, many):
    seen = visit(many)
    page, lines, found = seen.page, seen.page.locator("#reports tbody tr"), seen.page.locator("#found")
    assert found.inner_text() == "1,501 of 1,501 reports"
    assert lines.count() == 100
    page.locator("#more").click()
    assert lines.count() == 200
    page.fill("[name=search]", "Net-00 cloud")
    assert found.inner_text() == "100 of 1,501 reports"
    page.select_option("[name=device]", "Device 3")
    assert found.inner_text() == "14 of 1,501 reports"
    page.select_option("[name=device_class]", "gpu")
    shown = lines.locator("td:nth-child(3)").all_inner_texts()
    assert shown
    assert all("Device 3" in text and "gpu" in text for text in shown)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="$ per 100k").click()
    costs = [float(text) for text in lines.locator("td:nth-child(4)").all_inner_texts()]
    assert costs == sorted(costs)
    page.get_by_role("button", name="$ per 100k").click()
    costs = [float(text) for text in lines.locator("td:nth-child(4)").all_inner_texts() if text != "unknown"]
    assert costs == sorted(costs, reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text() == "$ per 100k"
    page.fill("[name=most]", "0.002")
    expected = sum((number * 37 % 101 + 1) / 1000 <= 0.002 for number in range(1500))
    assert found.inner_text() == f"{expected} of 1,501 reports"
    page.get_by_role("button", name="Clear").click()
    page.select_option("[name=news]", "changed")
    assert "winner changed: T4 -> L4, price of g6.xlarge (aws) −8 %" in lines.inner_text()
    assert "latency_ms 5" in lines.inner_text()
    page.select_option("[name=news]", "failed")
    assert "failed: it took longer than 5 s" in lines.inner_text()
    assert lines.locator("a").count() == 0
    assert seen.complaints == []
    assert all(address.startswith(many.parent.as_uri()) for address in seen.requests)


def test_the_small_charts_filter(visit, many):
    seen = visit(many)
    bars = seen.page.locator("#overview .bar")
    assert bars.count() == 6 + 3 + 1
    seen.page.locator("#overview figure").nth(1).locator(".bar").first.click()
    assert seen.page.locator("#found").inner_text() == "500 of 1,501 reports"
    assert seen.page.locator("#reports svg.strip").first.get_attribute("aria-label").endswith("over 2 devices")


def test_models_are_compared_side_by_side(visit, many):
    seen = visit(many.parent / "compare.html")
    for name in ("net-0001", "net-0500"):
        seen.page.fill("[name=add]", name)
        seen.page.keyboard.press("Enter")
    cells = seen.page.locator("#compared tbody tr", has_text="$ per 100k").first.locator("td")
    assert cells.all_inner_texts() == ["0.038", "0.018"]
    assert seen.page.url.endswith("#net-0001,net-0500")
    seen.page.get_by_role("button", name="Remove net-0001").click()
    assert seen.page.url.endswith("#net-0500")
    seen.page.fill("[name=add]", "nonsense")
    seen.page.keyboard.press("Enter")
    assert "No report is called “nonsense”" in seen.page.locator("#found").inner_text()
    assert seen.complaints == []


@pytest.mark.parametrize("page", ["index.html", "compare.html"])
def test_nothing_sticks_out_on_a_phone(visit, many, page):
    seen = visit(many.parent / page, viewport={"width": 400, "height": 800})
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 400


@pytest.fixture
def attacked(tmp_path, monkeypatch):
    """The site of one report whose model, device, machine and runtime are called like attacks, as the real template renders it."""
    load = data.load
    own = {
        "models": {"model_id": HOSTILE, "name": HOSTILE, "family": HOSTILE, "task": "other", "input": HOSTILE, "source_id": "timm"},
        "devices": {"device_id": "evil", "name": HOSTILE, "vendor": HOSTILE, "device_class": "gpu", "source_id": "timm"},
        "prices": {"provider": "aws", "region": HOSTILE, "instance_type": HOSTILE, "pricing": "on_demand", "priced_unit": "machine",
                   "usd_per_hour": 1.0, "device_id": "evil", "device_name": "x", "device_count": 1, "source_id": "timm",
                   "as_of": pd.Timestamp("2026-01-01")},
        "measurements": measured(model_id=HOSTILE, device_id="evil", runtime=HOSTILE, submitter=HOSTILE, source_id="timm", system=HOSTILE),
    }  # fmt: skip
    rows = {name: schema.conform(pd.DataFrame([row]), name) for name, row in own.items()}
    tables = {name: pd.concat([load(name), rows[name]], ignore_index=True) if name in rows else load(name) for name in schema.TABLES}
    monkeypatch.setattr(data, "load", tables.__getitem__)
    values = {name: item.default for name, item in read_parameters(MODEL_REPORT).items()} | {"model": HOSTILE}
    reports = [plan.Report(files.slug(HOSTILE), values)]
    _, done = batch.run(reports, tmp_path / "out", batch.How(str(MODEL_REPORT), "fork"))
    assert done.fault is None
    return tmp_path / "out", done.name


def test_hostile_data_stay_text_in_every_page(visit, attacked):
    folder, name = attacked
    for page, place, words in (
        (f"{name}.html", "h1", HOSTILE),
        ("index.html", "#reports tbody tr td:nth-child(3)", HOSTILE),
        (f"compare.html#{name}", "#compared thead th a", HOSTILE),
    ):
        seen = visit(folder / page.partition("#")[0])
        dialogs = []
        seen.page.on("dialog", lambda dialog, dialogs=dialogs: (dialogs.append(dialog.message), dialog.dismiss()))
        seen.page.goto(f"{(folder / page.partition('#')[0]).as_uri()}#{page.partition('#')[2]}")
        seen.page.reload()
        seen.page.wait_for_timeout(300)
        assert dialogs == []
        assert seen.complaints == []
        assert words.replace("\u2028", " ").split()[0] in seen.page.locator(place).first.inner_text(), page
        assert seen.page.locator("img[src=x]").count() == 0
        assert all(address.startswith((folder.as_uri(), "data:")) for address in seen.requests)
    assert json.loads((folder / "reports.json").read_text(encoding="utf-8"))["reports"][0]["name"] == HOSTILE


def test_pages_share_assets_and_their_charts_are_drawn(visit, tmp_path):
    reports = plan.plan(read_parameters(MODEL_REPORT), ["bert-large"], {})
    list(batch.run(reports, tmp_path / "out", batch.How(str(MODEL_REPORT), "fork")))
    page = tmp_path / "out" / "bert-large.html"
    assert "vega" not in page.read_text(encoding="utf-8").split("<main")[0].replace("assets/vega.js", "")
    seen = visit(page)
    seen.page.locator(".vega-embed svg.marks").first.wait_for()
    assert sorted(address.rpartition("/")[2] for address in seen.requests) == ["bert-large.html", "report.css", "vega.js"]
    assert seen.complaints == []
    seen.page.get_by_role("link", name="All reports").click()
    seen.page.get_by_text("1 of 1 reports", exact=True).wait_for()


def test_standalone_pages_need_nothing_beside_them(tmp_path):
    reports = plan.plan(read_parameters(MODEL_REPORT), ["bert-base"], {})
    list(batch.run(reports, tmp_path / "out", batch.How(str(MODEL_REPORT), "fork", standalone=True)))
    page = (tmp_path / "out" / "bert-base.html").read_text(encoding="utf-8")
    assert html.POLICY.replace("'", "&#39;") in page
    assert "assets/" not in page


def test_notebooks_join_the_site_with_their_code(visit, root, tmp_path):
    names = publish_notebooks([root / "notebooks" / "00_start_here.ipynb"], tmp_path / "out")
    assert names == ["notebooks/00_start_here.html"]
    seen = visit(tmp_path / "out" / names[0])
    assert seen.page.locator("h1").inner_text() == "Start here"
    assert seen.page.locator("pre.code").first.inner_text() == "import hwlib as hw"
    assert seen.page.locator("main img, main svg").count() >= 1
    seen.page.get_by_role("link", name="All reports").click()
    seen.page.get_by_role("link", name="00 start here").click()
    assert seen.page.url.endswith(names[0])
    assert seen.complaints == []


def test_links_from_notebook_to_notebook_lead_to_pages(tmp_path):
    cell = nbformat.v4.new_markdown_cell(
        "# One\n\n[two](02_Two.ipynb), [far](https://example.org/x.ipynb), [deep](workshop/03_x.ipynb#part)"
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "01 <one>.ipynb")
    assert publish_notebooks([tmp_path / "01 <one>.ipynb"], tmp_path / "out") == ["notebooks/01--one-.html"]
    page = (tmp_path / "out" / "notebooks" / "01--one-.html").read_text(encoding="utf-8")
    for address in ("02_two.html", "https://example.org/x.ipynb", "03_x.html#part"):
        assert f'href="{address}"' in page


def test_the_json_holds_no_number_that_json_does_not_know(tmp_path):
    index = write(tmp_path / "out", {"a": record(1, latency_ms=None)})
    text = (index.parent / "reports.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail)["reports"][0]["best"]["latency_ms"] is None
