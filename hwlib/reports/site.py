"""The site around the reports: an index with search, a page that compares, the workbook's notebooks, and the same for machines."""

import importlib.metadata
import json
import re

from .. import __version__, data
from ..errors import HwlibError
from . import html, manifest, store

ASSETS = "assets"
NOTEBOOKS = "notebooks"
LINK = re.compile(r"\]\((?:[^():\s]*/)?([^():/\s]+)\.ipynb")  # to a notebook of the workbook, in Markdown
MODEL_FACTS = ("name", "task", "family", "params_m", "gmacs", "input")


def share_assets(folder, known):
    """Write the files that pages share, unless the manifest `known` has them and they are intact."""
    key = [manifest.code_digest(), html.VEGA_LITE_BUNDLE, importlib.metadata.version("vl-convert-python")]
    stamps = known.assets.get("files", {})
    if known.assets.get("key") == key and folder.intact(stamps) == set(stamps):
        return
    texts = {f"{ASSETS}/{name}": text for name, text in html.shared().items()}
    folder.write(texts)
    known.assets = {"key": key, "files": {name: store.stamp(text) for name, text in texts.items()}}


def write(folder, known):
    """Write index, comparison and `reports.json` for the records of the manifest `known`."""
    rows = _rows(known)
    about = {"version": __version__, "data_date": f"{data.load('prices')['as_of'].max():%Y-%m-%d}", "count": len(rows)}
    table = json.dumps({"about": about, "reports": rows}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    pages = {
        "compare.html": _page("compare.html.j2", about),
        "index.html": _page("reports.html.j2", about, notebooks=_notebooks(folder)),
    }
    # A script and not only JSON: a browser lets no page of a local folder fetch a file beside it.
    folder.write({"reports.json": table + "\n", "reports.js": f"window.HWLIB = {_in_script(table)};\n"} | pages)


def write_notebooks(folder, paths):
    """Render executed notebooks at `paths` with their code into the site, as they are; returns the names of the pages."""
    import nbformat

    made = {}
    for path in paths:
        try:
            notebook = nbformat.read(path, as_version=4)
        except (OSError, ValueError) as error:
            raise HwlibError(f"{path}: not a notebook that can be read: {type(error).__name__}") from None
        title = _heading(notebook) or path.stem
        for cell in notebook.cells:
            cell.source = (
                LINK.sub(lambda link: f"]({_page_name(link[1])}.html", cell.source) if cell.cell_type == "markdown" else cell.source
            )
        page = html.page(notebook, title=title, folder=path.parent, assets=f"../{ASSETS}", code=True)
        made[f"{NOTEBOOKS}/{_page_name(path.stem)}.html"] = page
    folder.write(made)
    return list(made)


def _page_name(stem):
    return re.sub(r"[^a-z0-9_.-]", "-", stem.lower())


def _page(name, about, **more):
    return html.template(name).render(**about, **more, policy=html.SITE_POLICY, assets=ASSETS)


def _rows(known):
    """What the pages need of each report, by name."""
    models = data.load("models").drop_duplicates("model_id").set_index("model_id")[list(MODEL_FACTS)]
    facts = json.loads(models.to_json(orient="index"))
    made = [{"report": name, **_row(name, record, facts)} for name, record in known.reports.items()]
    failed = [
        {"report": name, **_row(name, record, facts), "failed": record["error"], "notebook": record["notebook"]}
        for name, record in known.failures.items()
        if name not in known.reports
    ]
    again = [{**row, "failed": known.failures[row["report"]]["error"]} if row["report"] in known.failures else row for row in made]
    return sorted(again + failed, key=lambda row: row["report"])


def _row(name, record, facts):
    model = record["model"]
    return {
        "model": model,
        **facts.get(model, {"name": model}),
        "asked": {key: value for key, value in record["parameters"].items() if key in record.get("own", ())},
        **record.get("summary", {}),
        "changes": record.get("changes", []),
        "rendered": record.get("rendered"),
    }


def _notebooks(folder):
    """The (address, name) of each notebook's page that is there."""
    listed = [path for path in folder.names(NOTEBOOKS) if path.endswith(".html")]
    return [(f"{NOTEBOOKS}/{name}", name.removesuffix(".html").replace("_", " ")) for name in sorted(listed)]


def _heading(notebook):
    """The first heading of the notebook, which becomes its page's."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.match(r"#\s+(.+)", cell.source)):
            cell.source = cell.source[found.end() :].lstrip()
            return found[1].strip()
    return None


def _in_script(text):
    """JSON `text` as it may stand in a script file: the two line ends that only JSON allows in strings are escaped."""
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
