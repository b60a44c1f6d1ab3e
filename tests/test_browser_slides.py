"""The decks as a room sees them: on a projector, on an old one, on a phone, on paper; without a network."""

import nbformat
import pytest

from hwlib.workshop import slides

SCREENS = {"projector": (1280, 720), "old projector": (1024, 768), "phone": (400, 800)}
READY = ".reveal.ready"  # found by locators, which wait; the page forbids the `eval` of `wait_for_function`
# Shows each slide to its last fragment, as a speaker would, and says where anything is cut off.
WALK = """() => Reveal.getSlides().map((slide) => {
  const at = Reveal.getIndices(slide);
  Reveal.slide(at.h, at.v, 99);
  const stage = slide.querySelector(".stage"), box = stage.getBoundingClientRect();
  const inside = stage.querySelectorAll("*:not(aside, aside *)");
  const out = [...inside].filter((one) => {
    const its = one.getBoundingClientRect();
    return its.right > box.right + 1 || its.bottom > box.bottom + 1;
  });
  return {
    text: stage.innerText.slice(0, 60),
    over: Math.max(stage.scrollHeight - stage.clientHeight, stage.scrollWidth - stage.clientWidth),
    out: out.map((one) => one.outerHTML.slice(0, 80)),
    size: parseFloat(getComputedStyle(stage).fontSize),
    pictures: [...stage.querySelectorAll("img")].map((one) => {
      const its = one.getBoundingClientRect();
      return [its.width / box.width, its.height / box.height];
    }),
    loaded: [...stage.querySelectorAll("img")].every((one) => one.naturalWidth > 0 && one.alt.length > 20),
  };
})"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory, root):
    """The decks of the solution notebooks, and one that is as full as notebooks of the workbook are."""
    folder = tmp_path_factory.mktemp("decks")
    full = nbformat.read(root / "notebooks" / "08_serving_llms.ipynb", as_version=4)
    for cell in full.cells:
        begins = cell.cell_type == "markdown"
        cell.metadata["slideshow"] = {"slide_type": ("slide" if cell.source.startswith("#") else "subslide") if begins else "fragment"}
    full.cells.insert(1, nbformat.v4.new_markdown_cell("Wait for questions.", metadata={"slideshow": {"slide_type": "notes"}}))
    nbformat.write(full, folder / "full.ipynb")
    return slides.make([*slides.SOLUTIONS.glob("*.ipynb"), folder / "full.ipynb"], folder / "out")


def opened(visit, path, query="", size=SCREENS["projector"]):
    seen = visit(path.as_uri() + query, viewport={"width": size[0], "height": size[1]})
    seen.page.locator(READY).wait_for()
    return seen


@pytest.mark.parametrize("screen", SCREENS)
def test_no_slide_is_fuller_than_its_stage_and_nothing_is_fetched(visit, decks, screen):
    for path in decks[1:]:
        seen = opened(visit, path, size=SCREENS[screen])
        walked = seen.page.evaluate(WALK)
        assert len(walked) >= 3, path.name
        assert [(path.name, slide) for slide in walked if slide["over"] > 1 or slide["out"]] == []
        assert all(slide["loaded"] for slide in walked), path.name
        # On the stage of 720 lines: what the last row can read, as lecture rooms are built.
        assert min(slide["size"] for slide in walked) >= 0.6 * 34
        assert all(width > 0.9 and height > 0.5 for slide in walked for width, height in slide["pictures"])
        assert {url for url in seen.requests if not url.startswith((decks[0].parent.as_uri(), "data:"))} == set()
        assert seen.complaints == []
        seen.context.close()


def test_keys_lead_through_the_deck_and_pictures_are_described(visit, decks):
    page = opened(visit, decks[-1]).page
    assert page.locator(".slide-number").inner_text().split() == ["1", "/", str(page.evaluate("Reveal.getTotalSlides()"))]
    for _ in range(page.evaluate("Reveal.getTotalSlides()")):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices()")["h"] > 0
    assert "Y-axis: output of one device (tokens per second)" in page.locator("img").first.get_attribute("alt")


def test_the_speaker_sees_notes_that_the_room_does_not(visit, decks):
    seen = opened(visit, decks[-1])
    assert not seen.page.get_by_text("Wait for questions.").is_visible()
    with seen.context.expect_page() as popup:
        seen.page.keyboard.press("s")
    popup.value.get_by_text("Wait for questions.").wait_for()


def test_on_paper_each_slide_is_one_page(visit, decks):
    from playwright.sync_api import expect

    page = opened(visit, decks[-1], "?print-pdf").page
    slides_there = page.evaluate("Reveal.getTotalSlides()")
    expect(page.locator(".pdf-page .stage[style]")).to_have_count(slides_there)
    assert page.evaluate("[...document.querySelectorAll('.stage')].filter((one) => one.scrollHeight > one.clientHeight + 1).length") == 0
    pictures = page.evaluate("[...document.querySelectorAll('.stage img')].map((one) => one.getBoundingClientRect().height)")
    assert pictures
    assert min(pictures) > 720 / 2
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == slides_there


def test_the_index_leads_to_every_deck(visit, decks):
    seen = visit(decks[0])
    assert seen.page.locator("li a:first-child").count() == len(decks) - 1
    seen.page.locator("li a").first.click()
    seen.page.locator(READY).wait_for()
    assert seen.complaints == []
