"""The layer table of CONTRIBUTING.md holds: who may import whom, and which third parties where."""

import ast
import subprocess
import sys

import pytest

LAYERS = [
    {"units", "errors"},
    {"columns", "schema"},
    {
        "tables",
        "data",
        "guard",
        "pitfalls",
        "metrics",
        "frontier",
        "regions",
        "setups",
        "package",
        "check",
        "provenance",
        "changes",
        "importers",
    },
    {
        "features",
        "datasheet",
        "roofline",
        "artefact",
        "intervals",
        "training",
        "asked",
        "beyond",
        "estimates",
        "waiting",
        "queueing",
        "ownership",
        "serving",
        "tradeoff",
        "variants",
        "rooflines",
        "measured_cells",
    },
    {
        "workload",
        "presets",
        "offers",
        "spread",
        "limits",
        "filling",
        "rows",
        "sweeps",
        "ranking",
        "pairing",
        "candidates",
        "certainty",
        "flips",
        "relaxing",
        "words",
        "decision",
        "holdout",
    },
    {"charts", "shapes", "curves", "live"},
    {"panels", "landscape", "money", "pictures"},
    {"widgets", "reports", "measuring", "workshop"},
    {"cli"},
]
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
ONLY_THERE = {
    "altair": {"charts", "shapes", "curves", "live"},
    "papermill": {"reports"},
    "nbconvert": {"reports", "workshop"},
    "distributed": {"reports"},
    "fsspec": {"reports"},
    "yaml": {"reports"},
    "ipywidgets": {"widgets"},
    "click": {"cli"},
    "tqdm": {"cli"},
}
OWN_WORLD = {"importers", "widgets", "reports", "measuring", "workshop"}


def modules(root):
    return [path for path in sorted((root / "hwlib").rglob("*.py")) if path.name != "__init__.py" or path.parent.name != "hwlib"]


def unit(root, path):
    return path.relative_to(root / "hwlib").with_suffix("").parts[0]


def imported(root, path):
    """Names of hwlib's units and of third parties that the file at `path` imports."""
    own, third = set(), set()
    depth = len(path.relative_to(root / "hwlib").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            if node.level == depth:
                own |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names if alias.name in LAYER}
        elif isinstance(node, ast.ImportFrom):
            third.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            third |= {alias.name.split(".")[0] for alias in node.names}
    return own, third


def test_every_module_has_a_layer(root):
    assert {unit(root, path) for path in modules(root)} <= LAYER.keys()


def test_no_module_imports_from_above_or_from_a_neighbour_world(root):
    for path in modules(root):
        here = unit(root, path)
        own, _ = imported(root, path)
        for other in own - {here}:
            assert LAYER[other] <= LAYER[here], f"{here} imports {other} from above"
            assert other not in OWN_WORLD or here == "cli", f"{here} imports {other}"


def test_third_parties_stay_where_they_belong(root):
    for path in modules(root):
        for library in imported(root, path)[1] & ONLY_THERE.keys():
            assert unit(root, path) in ONLY_THERE[library], f"{path.name} imports {library}"


def test_the_contributing_page_shows_this_table(root):
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for number, names in enumerate(LAYERS):
        line = next(line for line in text.splitlines() if line.startswith(f"| {number} |"))
        assert all(f"`{name}`" in line for name in names), line


@pytest.mark.parametrize("heavy", ["pandas", "altair", "papermill", "nbconvert", "ipywidgets", "pyarrow"])
def test_import_hwlib_loads_nothing_heavy(heavy):
    code = f"import hwlib, sys; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_public_name_hides_a_module(root):
    import hwlib

    assert not set(hwlib._FACE) & {unit(root, path) for path in modules(root)}
    assert all(getattr(hwlib, name) is not None for name in hwlib.__all__)


def test_every_public_name_has_an_example_that_runs():
    import hwlib

    for name in filter(lambda name: callable(getattr(hwlib, name)), hwlib._FACE):
        assert ">>>" in getattr(hwlib, name).__doc__, name
