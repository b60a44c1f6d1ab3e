"""An executed notebook as one HTML page that opens offline: text, tables and live charts, and no network request."""

import functools
import re
from pathlib import Path

from .. import __version__
from ..errors import HwlibError

TEMPLATE = Path(__file__).parent / "template"
DECISION = "application/vnd.hwlib.decision+json"

# The versions that Altair's own HTML asks for. Set before, it takes the libraries for loaded and fetches nothing.
VEGA_VERSIONS = {"vega_version": "6", "vegalite_version": "6.4.1", "vegaembed_version": "7"}
VEGA_LITE_BUNDLE = "6.4"

# The browser itself refuses every request. No 'unsafe-eval': Vega interprets its expressions (`ast` below).
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
# Pages that share files name the local folder too, which 'self' does not mean when they are opened from a disk.
SITE_POLICY = POLICY.replace("script-src", "script-src 'self' file:").replace("style-src", "style-src 'self' file:")
EMBED = """
window.VEGA_DEBUG = %s;
window.vegaEmbed = ((embed) => (element, spec, options) => embed(element, spec, {
  ...options, ast: true, renderer: "svg", actions: {export: true, source: false, compiled: false, editor: false}
}))(window.vegaEmbed);
"""

READABLE = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain")
UNKNOWN = ("", "unknown", "none", "nan", "n/a", "-", "–", "—")
SHORT, LONG = 16, 60  # characters: up to where a cell stays on one line, from where on it needs width
NUMBER = re.compile(r"[-+−±≈~<>≤≥$€ ]*\d[\d,.  ]*(e[-+]?\d+)?\s*(%|×|x|[A-Za-z$€µ/²₂·]{1,12})?")


def page(notebook, *, title, settings=(), data_date=None, folder=".", assets=None, code=False):
    """The HTML text of the executed `notebook`.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        After a run without fault.
    title : str
        For the browser's title and the page's one first-level heading.
    settings : iterable of (str, str)
        Names and values of the parameters, for the footer.
    data_date : str, optional
        The day the data are of, for header and footer.
    folder : path
        Where pictures that the text cells name are looked for.
    assets : str, optional
        Address of the folder that pages share, as seen from this one; see `assets`. The page holds everything itself if not given.
    code : bool
        Whether readers see the cells' code too.
    """
    body, contents, charts = _body(_for_readers(notebook), folder, code)
    return template("page.html.j2").render(
        title=title,
        settings=settings,
        data_date=data_date,
        version=__version__,
        policy=SITE_POLICY if assets else POLICY,
        assets=assets,
        home=assets and assets.removesuffix("assets") + "index.html",
        css="" if assets else _css(),
        charts=charts,
        script=vega() if charts and not assets else "",
        body=body,
        contents=contents,
    )


def warm():
    """Have all that pages need loaded and compiled, by making one that has a bit of everything."""
    import nbformat

    cells = nbformat.v4.new_markdown_cell("# Title\n\n*text* and `code`"), nbformat.v4.new_code_cell("1")
    shown = {"text/html": "<table><tr><th>a</th></tr></table>", "text/markdown": "*a*", "text/plain": "a"}
    for kind in shown:
        cells[1].outputs.append(nbformat.v4.new_output("display_data", {kind: shown[kind]}))
    cells[1].outputs.append(nbformat.v4.new_output("stream", text="a"))
    page(nbformat.v4.new_notebook(cells=list(cells)), title="t")
    page(nbformat.v4.new_notebook(cells=list(cells)), title="t", assets="assets")


def shared():
    """The text of each file that pages with `assets` share, by name."""
    return {"vega.js": vega(), "report.css": _css(), "site.css": _css("site.css"), "site.js": _css("site.js")}


@functools.cache
def template(name):
    """The page template `name`, which escapes whatever it is given."""
    import jinja2

    return jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(TEMPLATE)).get_template(name)


@functools.cache
def _css(name="report.css"):
    return (TEMPLATE / name).read_text(encoding="utf-8")


@functools.cache
def start_vega():
    """The process that builds Vega's bundle, which takes a second: started early, it is done when the notebook is.

    In a process of its own also because the builder leaves threads behind, and a process with threads must not fork; one that
    forks calls `vega` before.
    """
    import subprocess
    import sys

    build = f"import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle(vl_version='{VEGA_LITE_BUNDLE}').encode())"
    return subprocess.Popen([sys.executable, "-P", "-c", build], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@functools.cache
def vega():
    """Vega, Vega-Lite and Vega-Embed as one script, about 0.9 MB, with the settings of our pages."""
    import json

    bundle, _ = start_vega().communicate()
    if not bundle:
        raise HwlibError("the script that draws charts could not be built; reinstall vl-convert-python")
    return bundle.decode() + EMBED % json.dumps(VEGA_VERSIONS)


def _for_readers(notebook):
    """A copy of `notebook` without what is for machines or the author, and with scripts that no data can break out of."""
    import nbformat

    cells = [
        nbformat.from_dict({**cell, "outputs": list(map(_shown, filter(_readable, cell.get("outputs", ()))))}) for cell in notebook.cells
    ]
    return nbformat.from_dict({**notebook, "cells": cells})


def _shown(output):
    """`output` with what a page can show of it."""
    data = {kind: content for kind, content in output.get("data", {}).items() if not kind.endswith("+json")}
    if "altair-viz-" in data.get("text/html", ""):
        data["text/html"] = _closed(data["text/html"])
    return {**output, "data": data} if data else output


def _readable(output):
    """Whether `output` is for readers: no error, no warning, no bare text that only stands in for a +json object."""
    if "data" not in output:
        return output.get("name") == "stdout"
    shown = [kind for kind in READABLE if kind in output.data]
    machine = any(kind.endswith("+json") for kind in output.data)
    return bool(shown) and not (machine and shown == ["text/plain"])


def _closed(html):
    """Charts' HTML whose scripts end where Altair ended them, even with "</script>" among the data, which hold no raw line breaks."""
    scripts = re.compile(r'(?<=<script type="text/javascript">\n).*?(?=\n</script>)', re.DOTALL)
    return scripts.sub(lambda script: script[0].replace("</", r"<\/").replace("<!--", r"<\!--"), html)


def _body(notebook, folder, code):
    """The cells as HTML, the (anchor, text) of each second-level heading, and whether there are charts."""
    import bs4

    html, _ = exporter(code).from_notebook_node(notebook, {"metadata": {"path": str(folder)}})
    soup = bs4.BeautifulSoup(html, "html.parser")
    for heading in soup.find_all("h1"):
        heading.name = "h2"  # the page has its own
    for style in soup.select("style[scoped]"):
        style.decompose()  # pandas' own alignment of tables, at odds with ours
    for table in soup.find_all("table"):
        _mark_cells(table)
        table.wrap(soup.new_tag("div", attrs={"class": "scroll"}))
    contents = []
    for heading in soup.find_all("h2"):
        anchor = re.sub(r"[^a-z0-9]+", "-", heading.get_text().lower()).strip("-")
        heading["id"] = f"{anchor}-{len(contents)}" if anchor in dict(contents) or not anchor else anchor
        contents.append((heading["id"], heading.get_text()))
    return str(soup), contents, "altair-viz-" in html


@functools.cache
def exporter(code=False):
    """What turns the cells into HTML, with or without their code."""
    import jinja2
    from nbconvert import TemplateExporter
    from traitlets.config import Config

    config = Config()
    config.NbConvertBase.display_data_priority = list(READABLE)
    config.Exporter.default_preprocessors = ["nbconvert.preprocessors.TagRemovePreprocessor"]
    config.Exporter.optimistic_validation = True  # once, and not after each preprocessor
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_cell_tags = {"remove-cell"}
    config.TagRemovePreprocessor.remove_all_outputs_tags = {"remove-output"}
    config.TagRemovePreprocessor.remove_single_output_tags = {"remove-output"}
    return TemplateExporter(
        config=config,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        template_name=TEMPLATE.name,
        template_file="index.html.j2",
        exclude_input=not code,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        filters={"markdown2html": jinja2.pass_context(_cell_markdown), "output_markdown": _output_markdown},
    )


def _cell_markdown(context, source):
    """A text cell as HTML, with the pictures that it names from its folder inside."""
    folder = context["resources"]["metadata"]["path"]
    return _markdown(source, escape=False, embed_images=True, path=folder, attachments=context["cell"].get("attachments", {}))


def _output_markdown(source):
    """Markdown that code made, as HTML; tags in it stay text, since data may be among it."""
    return _markdown(source, escape=True, allow_harmful_protocols=False)


def _markdown(source, **options):
    """`source` as HTML; without nbconvert's formulas, which would take what stands between two prices in $ for one."""
    import mistune
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(exclude_anchor_links=True, **options)
    return MarkdownWithMath(renderer, block=mistune.BlockParser(), inline=mistune.InlineParser()).render(source)


def _mark_cells(table):
    """Give the cells of `table` classes by their text: `number` for whole columns, `short` and `long` for the others."""
    rows = [row.find_all(["th", "td"]) for row in table.find_all("tr")]
    if len({len(row) for row in rows}) != 1:
        return  # cells that span several columns: no telling which belong together
    for column in zip(*rows):
        texts = [(cell, cell.get_text(strip=True)) for cell in column]  # no dict: equal cells would be one key
        body = [text for cell, text in texts if cell.name == "td" and text.lower() not in UNKNOWN]
        numeric = bool(body) and all(map(NUMBER.fullmatch, body))
        for cell, text in texts:
            kind = "number" if numeric else "short" if len(text) <= SHORT else "long" if len(text) >= LONG else ""
            if kind:
                cell["class"] = [*cell.get("class", []), kind]
