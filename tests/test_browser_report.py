"""A rendered page as a reader's browser shows it: offline, alive, on a phone, on paper."""

from pathlib import Path

import pytest

from hwlib.reports import render, render_decided

TOY = Path(__file__).parent / "notebooks" / "toy.ipynb"
CHARTS = ".vega-embed svg.marks"  # found by locators, which wait; the page forbids the `eval` of `wait_for_function`
HOSTILE = "</script><script>alert(1)</script>"
PHONE = {"viewport": {"width": 400, "height": 800}}
CUT_OFF = """() => [...document.querySelectorAll("main *:not(script):not(style), header *, footer *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.right > innerWidth + 1 || getComputedStyle(element).overflowX === "auto" && element.scrollWidth > element.clientWidth + 1;
}).map((element) => element.outerHTML.slice(0, 80))"""


def wait_for(locator, count):
    """Return when `locator` finds `count` elements; imported here so that the fixture can say what is missing."""
    from playwright.sync_api import expect

    expect(locator).to_have_count(count)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The toy notebook as a page, with its decision."""
    settings = {"batch_size": "16", "latency_ms": "none"}
    return render_decided(
        TOY, "resnet50", settings, tmp_path_factory.mktemp("report"), title="Hardware for resnet50", data_date="2026-11-20"
    )[0]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The same page for a model whose name is an attack, which the notebook writes into a chart, too."""
    return render(TOY, {"model": HOSTILE}, tmp_path_factory.mktemp("hostile") / "x.html", title=f"Report on {HOSTILE}")


@pytest.fixture
def drawn(visit):
    """A function that opens a page and waits until both charts are drawn."""

    def open_page(path, **context):
        done = visit(path, **context)
        wait_for(done.page.locator(CHARTS), 2)
        return done

    return open_page


def test_charts_are_drawn_without_one_request_or_complaint(drawn, report):
    seen = drawn(report)
    texts = seen.page.locator(".vega-embed svg text").all_text_contents()
    assert {"price, $/h", "throughput, 1/s", "alpha for resnet50"} <= set(texts)
    assert seen.page.title() == "Hardware for resnet50"
    assert seen.page.locator("footer").inner_text().count("2026-11-20") == 1
    assert seen.requests == [seen.url]
    assert seen.complaints == []


def test_the_browser_itself_refuses_the_network(drawn, report):
    seen = drawn(report)
    refused = """new Promise((done) => {
      document.addEventListener("securitypolicyviolation", (event) => done(event.violatedDirective));
      fetch("http://127.0.0.1:9/").catch(() => null);
    })"""
    assert seen.page.evaluate(refused) == "connect-src"


def test_a_slider_changes_the_drawing(drawn, report):
    seen = drawn(report)
    points, faded = seen.page.locator("path[aria-roledescription=circle]"), seen.page.locator("path[opacity='0.1']")
    assert (points.count(), faded.count()) == (4, 0)
    slider = seen.page.locator("input[name=limit]")
    slider.focus()
    for _ in range(9):
        slider.press("ArrowLeft")
    wait_for(faded, 1)
    assert seen.complaints == []


def test_a_chart_can_be_saved_and_nothing_else(drawn, report):
    seen = drawn(report)
    seen.page.locator(".vega-embed summary").first.click()
    actions = seen.page.locator(".vega-embed .vega-actions").first.locator("a")
    assert actions.all_inner_texts() == ["Save as SVG", "Save as PNG"]
    with seen.page.expect_download() as download:
        actions.first.click()
    assert b"<svg" in Path(download.value.path()).read_bytes()


def test_nothing_sticks_out_on_a_phone(drawn, report):
    seen = drawn(report, **PHONE)
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 400
    for wide in (".output:has(.vega-embed)", ".scroll:has(.dataframe)"):
        box = seen.page.locator(wide).first
        assert box.evaluate("one => one.scrollWidth > one.clientWidth")  # the rest is reached by scrolling inside


def test_nothing_is_cut_off_on_paper(drawn, report):
    seen = drawn(report, viewport={"width": 690, "height": 1000})
    assert seen.page.evaluate(CUT_OFF) != []
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate(CUT_OFF) == []
    assert not seen.page.locator("nav").is_visible()
    assert not seen.page.locator(".vega-embed summary").first.is_visible()


def test_a_hostile_name_stays_text(visit, hostile):
    seen = visit(hostile)
    dialogs = []
    seen.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    seen.page.reload()
    wait_for(seen.page.locator(CHARTS), 2)
    assert dialogs == []
    assert seen.complaints == []
    assert seen.page.title() == f"Report on {HOSTILE}"
    assert HOSTILE in seen.page.locator("h1").inner_text()
    assert HOSTILE in seen.page.locator("footer").inner_text()
    assert HOSTILE in seen.page.locator("main").inner_text()
    assert any(HOSTILE[:20] in text for text in seen.page.locator(".vega-embed svg text").all_text_contents())


def test_the_keyboard_finds_its_way(drawn, report):
    seen = drawn(report)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.innerText") == "Skip to the content"
    assert seen.page.locator(".skip").bounding_box()["x"] >= 0
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "content"
    seen.page.locator("nav a", has_text="Speed and cost").click()
    assert seen.page.evaluate("document.querySelector('#speed-and-cost').getBoundingClientRect().top") < 400
