"""Slides of the workshop: each solution notebook as a reveal.js deck that opens from a disk, without a network."""

import copy
import functools
import itertools
import re
from pathlib import Path

from .. import data
from ..errors import HwlibError
from ..tables import write_text

SOLUTIONS = data.data_dir().parent / "notebooks" / "workshop" / "solutions"
REVEAL = Path(__file__).with_name("reveal")
DECK = Path(__file__).with_name("deck")
OURS = ("slides.css", "slides.js")
SECRET = {"solution", "check", "teacher"}
LARGE = {"image/svg+xml", "image/png", "text/html"}
LEAD = 200  # characters: a heading and a sentence
SHOWN = ("image/svg+xml", "image/png", "text/html", "text/markdown", "text/plain")
# The browser itself refuses every request; `file:` is this folder when a deck is opened from a disk, the frames are the speaker's view.
POLICY = (
    "default-src 'none'; script-src 'self' file: 'unsafe-inline'; style-src 'self' file: 'unsafe-inline'; img-src data:;"
    " frame-src 'self' file:; base-uri 'none'; form-action 'none'"
)


def make(notebooks, out):
    """Write a deck for each of `notebooks`, and index.html, into the folder `out`; returns the paths of the pages, the index first.

    Solutions, checks, cells for teachers and code are left out. A picture or a table has a slide of its own, beneath a short text
    at most, so that the whole room can read it.

    Parameters
    ----------
    notebooks : list of path
        Executed notebooks whose cells say where slides begin (`metadata.slideshow.slide_type`).
    out : path
        The folder; made if missing.

    Raises
    ------
    HwlibError
        Where there is no notebook, or one with nothing to show.

    Examples
    --------
    >>> make([], "slides")
    Traceback (most recent call last):
    ...
    hwlib.errors.HwlibError: no notebooks to make slides of; in a checkout they stand in notebooks/workshop/solutions
    """
    if not notebooks:
        raise HwlibError("no notebooks to make slides of; in a checkout they stand in notebooks/workshop/solutions")
    decks = {f"{path.stem}.html": deck(path) for path in sorted(map(Path, notebooks), key=lambda path: path.name)}
    listed = [(address, title) for address, (title, _) in decks.items()]
    texts = {"index.html": _environment().get_template("decks.html.j2").render(policy=POLICY, decks=listed)}
    texts |= {address: html for address, (_, html) in decks.items()}
    pages = {Path(out) / name: text for name, text in texts.items()}
    theirs = {Path(out) / "reveal" / path.name: path.read_text(encoding="utf-8") for path in REVEAL.iterdir()}
    ours = {Path(out) / name: (DECK / name).read_text(encoding="utf-8") for name in OURS}
    for path, text in (pages | theirs | ours).items():
        write_text(text, path)
    return list(pages)


def deck(path):
    """The title and the HTML text of the deck of the notebook at `path`; an error if it has nothing to show."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    title = next(filter(None, map(_heading, notebook.cells)), Path(path).stem)
    notebook.cells = staged(notebook.cells)
    if all(cell.metadata.slideshow.slide_type == "notes" for cell in notebook.cells):
        raise HwlibError(f"{Path(path).name}: no cell says that it is a slide; set slide_type to slide, subslide or fragment")
    html, _ = _exporter().from_notebook_node(notebook, {"title": title, "policy": POLICY})
    return title, html


def staged(cells):
    """Copies of those `cells` that a room sees or a speaker reads, pictures and tables on slides of their own.

    >>> import nbformat.v4 as nb
    >>> task, hint = (nb.new_markdown_cell("# Task", metadata={"slideshow": {"slide_type": kind}}) for kind in ("slide", "skip"))
    >>> staged([task, hint]) == [task]
    True
    """
    shown = [copy.deepcopy(cell) for cell in cells if _for_the_room(cell)]
    on_slides = [cell for cell in shown if cell.metadata.slideshow.slide_type != "notes"]
    for before, cell in itertools.pairwise(on_slides):
        apart = _large(before) or (_large(cell) and not _leads(before))
        if apart and cell.metadata.slideshow.slide_type != "slide":
            cell.metadata.slideshow.slide_type = "subslide"
    return shown


def _for_the_room(cell):
    """Whether `cell` is on a slide or in the speaker's notes: code without a result has nothing to show."""
    kind, tags = cell.metadata.get("slideshow", {}).get("slide_type", "skip"), set(cell.metadata.get("tags", ()))
    if kind == "notes":
        return not tags & (SECRET - {"teacher"})
    return kind != "skip" and not tags & SECRET and (cell.cell_type == "markdown" or bool(cell.get("outputs")))


def _large(cell):
    """Whether `cell` shows a picture or a table."""
    return any(kind in LARGE for output in cell.get("outputs", ()) for kind in output.get("data", ()))


def _leads(cell):
    """Whether `cell` begins a slide and is short enough to stand above a picture or a table."""
    return cell.metadata.slideshow.slide_type in ("slide", "subslide") and cell.cell_type == "markdown" and len(cell.source) <= LEAD


def _heading(cell):
    """The first-level heading of the cell, None if there is none."""
    found = re.match(r"#\s+(.+)", cell.source) if cell.cell_type == "markdown" else None
    return found and found[1].strip()


def spoken(svg):
    """What a screen reader says of the chart in the text `svg`: its titles, its axes, its sources.

    >>> spoken('<svg><g aria-label="Title text \\'Cost\\'"/><g aria-label="X-axis titled \\'batch size\\' for a log scale"/></svg>')
    'Chart. Cost. X-axis: batch size.'
    """
    from html import unescape

    titles = re.findall(r'aria-label="Title text \'([^"]*)\'"', svg)
    axes = re.findall(r'aria-label="([XY]-axis) titled \'([^"]*?)\' for ', svg)
    parts = [*titles[:1], *(f"{axis}: {title}" for axis, title in axes), *titles[1:]]
    return unescape(" ".join(f"{part.rstrip('.')}." for part in ["Chart", *parts]))


@functools.cache
def _exporter():
    """What turns the cells into a deck; the template is ours, since that of nbconvert asks four other hosts for scripts."""
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    config = Config()
    config.NbConvertBase.display_data_priority = list(SHOWN)
    return SlidesExporter(
        config=config,
        extra_template_basedirs=[str(DECK.parent)],
        template_name=DECK.name,
        template_file="index.html.j2",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        filters={"as_html": _as_html(), "spoken": spoken},
    )


@functools.cache
def _as_html():
    """What turns Markdown into HTML; not nbconvert's, which takes what stands between two prices in $ for a formula."""
    import mistune

    return mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])


@functools.cache
def _environment():
    import jinja2

    return jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(DECK))
