"""The explorer as readers meet it: in a real JupyterLab with a token, and as a page without code served by Voilà."""

import re

import pytest
from lab import SHOTS, run_all

TALL, PHONE = {"width": 1500, "height": 2600}, {"width": 420, "height": 2600}
CHARTS = ".hw-figures svg.marks"
# Voilà brings parts of an older JupyterLab and says so on the console; that is no fault of the page.
VOILAS_OWN = re.compile("atisf(ied|ying) version")


def local(url):
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


class Reader:
    """What somebody does with the explorer, and what is then to be seen."""

    def __init__(self, visit):
        from playwright.sync_api import expect

        self.visit, self.page, self.expect = visit, visit.page, expect
        self.answer = self.page.locator(".hw-answer")
        expect(self.page.locator(CHARTS)).to_have_count(6, timeout=90_000)
        expect(self.answer).to_contain_text("How sure:", timeout=30_000)

    def control(self, label):
        return self.page.get_by_label(label)

    def winner(self):
        """The device that the sentence in bold names."""
        return re.search(r"ranked by [^:]+: (?:\d+ x )?(.+?) (?:on|\(not|\(bought)", self.answer.locator("p").first.inner_text())[1]

    def type(self, label, text):
        self.control(label).fill(text)
        self.control(label).press("Enter")

    def says(self, text):
        self.expect(self.answer).to_contain_text(text, timeout=30_000)

    def texts(self, title):
        """Every text in the drawing of the chart with that title."""
        return self.figure(title).locator("svg.marks text").all_text_contents()

    def figure(self, title):
        return self.page.locator("figure", has=self.page.get_by_role("heading", name=title))

    def shot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture(scope="module")
def reader(browser, lab):
    """Notebook 10 in JupyterLab, run from top to bottom, its explorer drawn."""
    from browser import Visit

    seen = Visit(browser, lab("10_decide.ipynb"), viewport=TALL)
    run_all(seen.page)
    yield Reader(seen)
    seen.context.close()


@pytest.fixture(autouse=True)
def silent(request):
    """Nothing went to another machine and nothing is on the console, whatever the test did."""
    yield
    for name in {"reader", "guest"} & set(request.fixturenames):
        seen = request.getfixturevalue(name).visit
        assert [url for url in seen.requests if not local(url)] == []
        assert [text for text in seen.complaints if not (name == "guest" and VOILAS_OWN.search(text))] == []


def turn(reader, word):
    """Open or close, with the keyboard, everything whose button says that it would."""
    names = [one.inner_text() for one in reader.page.get_by_role("button", name=re.compile(f": {word}$")).all()]
    assert len(names) == 4
    for name in names:
        reader.page.get_by_role("button", name=name).press("Space")


def test_a_model_a_batch_and_a_tighter_limit_change_winner_sentence_and_charts(reader):
    reader.shot("lab-first-view")
    reader.type("Which model?", "bert-99")
    reader.says("BERT-Large")
    reader.expect(reader.control("Which model?")).to_have_value("bert-large")
    reader.type("Which model?", "resnet50")
    reader.says("ResNet-50 v1.5 at any batch size")
    batch = reader.control("Small or large batch?")
    batch.focus()
    for _ in range(4):
        batch.press("ArrowDown")
    size = batch.locator("option:checked").inner_text()
    reader.says(f"at batch size {size}")
    batch.select_option("any")
    reader.says("at any batch size")
    loose = reader.winner()
    for limit in ("20", "10", "5", "3", "2", "1"):
        reader.type("Longest latency allowed", limit)
        reader.says(f"within {limit} ms")
        if reader.winner() != loose:
            break
    tight = reader.winner()
    assert tight != loose
    reader.expect(reader.figure("Which device is best").locator("svg.marks")).to_contain_text(tight)
    reader.says("How sure:")
    reader.shot("lab-tight-limit")


def test_nonsense_is_refused_beneath_its_field_and_the_answer_stays(reader):
    before = reader.answer.inner_text()
    reader.type("Longest latency allowed", "soon")
    refusal = reader.page.get_by_role("alert").filter(has_text="expected milliseconds")
    reader.expect(refusal).to_be_visible()
    assert reader.answer.inner_text() == before
    below = refusal.bounding_box()["y"] - reader.control("Longest latency allowed").bounding_box()["y"]
    assert 0 < below < 80
    reader.type("Longest latency allowed", "")
    reader.expect(refusal).to_have_count(0)
    assert reader.page.locator(".jp-OutputArea-output", has_text="Traceback").count() == 0


def test_a_point_leads_to_its_source_and_its_device_stands_out(reader):
    points = reader.figure("Latency or throughput?").locator("path[aria-roledescription=point]")
    points.nth(3).click(force=True)
    origin = reader.page.locator(".hw-tables")
    reader.expect(origin).to_contain_text("licence")
    reader.expect(origin).to_contain_text("published by")
    faint = reader.figure("Latency or throughput?").locator("path[aria-roledescription=point][opacity='0.15']")
    reader.expect(faint).not_to_have_count(0)
    assert faint.count() < points.count()
    reader.figure("Latency or throughput?").locator("svg.marks").click(position={"x": 3, "y": 3})
    reader.expect(faint).to_have_count(0)


def test_every_control_has_a_name_and_the_keyboard_reaches_it(reader):
    turn(reader, "show")
    inputs = reader.page.locator(".hw-questions :is(input, select):visible")
    reader.expect(inputs.nth(20)).to_be_attached()
    named = [one.evaluate("one => one.labels.length && one.labels[0].textContent.length > 5") for one in inputs.all()]
    assert len(named) > 20
    assert all(named)
    inputs.first.focus()
    reached = set()
    for _ in range(40):
        reached.add(reader.page.evaluate("document.activeElement.labels?.[0]?.textContent"))
        reader.page.keyboard.press("Tab")
    assert {one.evaluate("one => one.labels[0].textContent") for one in inputs.all()} <= reached
    assert all(svg.get_attribute("aria-label") for svg in reader.page.locator(".hw-figures [role=graphics-document]").all())
    turn(reader, "hide")


def test_the_call_and_the_command_are_there_to_be_copied(reader):
    reader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.page.get_by_role("tab", name="Take it along").click()
    reader.page.get_by_role("button", name="Copy as Python").click()
    reader.expect(reader.page.get_by_text("copied", exact=True)).to_be_visible()
    assert "hw.Workload('resnet50'" in reader.page.evaluate("navigator.clipboard.readText()")
    assert reader.page.get_by_text("hwlib report resnet50").is_visible()


def test_after_a_restart_of_the_kernel_the_explorer_says_what_to_run(reader):
    reader.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    reader.says("run the cells from the top again")
    reader.visit.complaints.clear()  # JupyterLab itself tells of the connection that was cut


@pytest.fixture(scope="module")
def guest(browser, app):
    """The page without code."""
    from browser import Visit

    seen = Visit(browser, app, viewport={"width": 1200, "height": 2400})
    yield Reader(seen)
    seen.context.close()


def test_the_page_without_code_answers_too(guest):
    assert guest.page.get_by_text("hw.explore(").count() == 0
    guest.shot("app-first-view")
    loose = guest.winner()
    guest.type("Longest latency allowed", "3")
    guest.says("within 3 ms")
    assert guest.winner() != loose
    assert any(text.startswith(guest.winner()) for text in guest.texts("Which device is best"))
    guest.page.set_viewport_size(PHONE)
    guest.page.wait_for_timeout(500)
    guest.shot("app-phone")
    figures = guest.page.locator(".hw-figures")
    assert figures.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
