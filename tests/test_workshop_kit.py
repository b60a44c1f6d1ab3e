"""What surrounds the exercises: slides, the check of a machine, ways to get a room going, pages for teachers and learners."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import click
import nbformat
import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import hwlib as hw
from hwlib import data, schema
from hwlib.cli import main
from hwlib.importers import user
from hwlib.workshop import ready, slides

# Ends a process that asks any other machine for anything; Python runs it at its start when it is on its path.
NO_NETWORK = """import os, sys
def alone(event, args):
    if event == "socket.getaddrinfo" and args[0] not in ("127.0.0.1", "localhost", None):
        os._exit(99)
    if event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] != "127.0.0.1":
        os._exit(99)
sys.addaudithook(alone)
"""
OLD_PYTHON = """import runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
runpy.run_module("hwlib.workshop.ready", run_name="__main__")
"""


def cell(source, kind, *tags, output=None):
    meta = {"slideshow": {"slide_type": kind}, "tags": list(tags)}
    if output is None:
        return nbformat.v4.new_markdown_cell(source, metadata=meta)
    outputs = [nbformat.v4.new_output("display_data", output)] if output else []
    return nbformat.v4.new_code_cell(source, metadata=meta, outputs=outputs)


SVG = {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><g aria-label=\"Title text 'Cost & speed'\"/></svg>"}
CELLS = [
    cell("# Batch & latency\n\nWhat a batch costs: $1 *now* or $2.", "slide"),
    cell("import hwlib as hw", "fragment", output={}),
    cell("draw()", "fragment", output=SVG),
    cell("It climbs.", "fragment"),
    cell("answer = 42", "fragment", "solution", output={"text/plain": "SECRET"}),
    cell("check(answer)", "fragment", "check", output={"text/plain": "SECRET"}),
    cell("SECRET of the teacher", "slide", "teacher"),
    cell("Wait for **questions**.", "notes", "teacher"),
    cell("SECRET that is skipped", "skip"),
]


@pytest.fixture
def notebook(tmp_path):
    """A small solution notebook."""
    path = tmp_path / "2_batch.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=CELLS), path)
    return path


def test_a_deck_holds_what_the_room_may_see(notebook):
    title, html = slides.deck(notebook)
    assert title == "Batch & latency"
    assert "<title>Batch &amp; latency</title>" in html
    assert "SECRET" not in html
    assert "import hwlib" not in html
    assert "$1 <em>now</em> or $2" in html
    assert re.search(r'<aside class="notes">\s*<div class="text"><p>Wait for <strong>questions', html)
    assert html.count("<section>") == html.count("</section>") == 3  # one stack; the text, then what is said of the picture
    assert 'alt="Chart. Cost &amp; speed."' in html


def test_a_picture_shares_its_slide_with_a_short_text_only():
    kinds = [one.metadata.slideshow.slide_type for one in slides.staged(CELLS)]
    assert kinds == ["slide", "fragment", "subslide", "notes"]
    long = [cell("# Long\n\n" + "word " * 50, "slide"), *CELLS[1:]]
    assert [one.metadata.slideshow.slide_type for one in slides.staged(long)] == ["slide", "subslide", "subslide", "notes"]
    assert long[2].metadata["slideshow"]["slide_type"] == "fragment", "the notebook itself stays as it is"


def test_decks_are_written_whole_with_all_they_need(notebook, tmp_path):
    pages = slides.make([notebook], tmp_path / "out" / "slides")
    assert [path.name for path in pages] == ["index.html", "2_batch.html"]
    assert not list((tmp_path / "out").rglob(".*"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "://" not in text.replace("xmlns='http://www.w3.org/2000/svg'", "")
        for target in re.findall(r'(?:href|src)="(?!data:)([^"?]+)', text):
            assert (page.parent / target).is_file(), target


def test_bad_notebooks_and_places_are_answered_with_a_sentence(notebook, tmp_path):
    empty = tmp_path / "empty.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# No slide"), cell("Said.", "notes")]), empty)
    with pytest.raises(slides.HwlibError, match=r"empty\.ipynb: no cell says that it is a slide"):
        slides.make([empty], tmp_path)
    with pytest.raises(slides.HwlibError, match=r"2_batch\.ipynb/.* cannot be written"):
        slides.make([notebook], notebook)


def test_the_copy_of_reveal_is_that_of_the_package():
    package = json.loads((slides.REVEAL / "PACKAGE.json").read_text(encoding="utf-8"))
    assert (package["package"], package["licence"]) == ("reveal.js", "MIT")
    assert {path.name for path in slides.REVEAL.iterdir()} == {"PACKAGE.json", *package["files"]}
    for name, part in package["files"].items():
        assert hashlib.sha256((slides.REVEAL / name).read_bytes()).hexdigest() == part["sha256"], name
    assert f'"{package["version"]}"' in (slides.REVEAL / "reveal.js").read_text(encoding="utf-8").replace("`", '"')
    assert "Permission is hereby granted, free of charge" in (slides.REVEAL / "LICENSE").read_text(encoding="utf-8")


def looked(root, *how, **environment):
    """The check in a process of its own: exit code and lines."""
    done = subprocess.run(
        [sys.executable, *(how or ("-m", "hwlib.workshop.ready"))],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout.splitlines()


def told(lines, name):
    """The line of the check `name`, and whether what to do follows it."""
    at = next(at for at, line in enumerate(lines) if line[8:].startswith(name))
    return lines[at], lines[at + 1].strip().startswith("what to do:")


def test_a_good_machine_is_ready_without_a_network(root, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    code, lines = looked(root, PYTHONPATH=f"{root}{os.pathsep}{tmp_path}")
    assert (code, [line[:6] for line in lines[:-1]]) == (0, ["ok    "] * len(ready.CHECKS)), lines
    assert re.fullmatch(r"ready for the workshop, looked at in \d+\.\d s", lines[-1])
    assert sys.prefix in told(lines, "Jupyter kernel")[0]


def test_an_old_python_is_named_and_can_read_the_page(root):
    code, lines = looked(root, "-c", OLD_PYTHON)
    assert code == 1
    assert told(lines, "Python") == ("not ok  Python          3.9.2 is too old", True)
    for name in ("__init__.py", "units.py", "workshop/__init__.py", "workshop/ready.py"):
        path = root / "hwlib" / name
        ast.parse(path.read_text(encoding="utf-8") if path.exists() else "", feature_version=(3, 7))


def test_before_anything_is_installed_the_first_step_is_named(root):
    code, lines = looked(root, "-S", "-m", "hwlib.workshop.ready")
    assert code == 1
    assert told(lines, "packages") == ("not ok  packages        the package hwlib is missing", True)
    assert told(lines, "data") == ("not ok  data            the package pandas is missing", True)
    assert lines[-1].startswith("not ready: 4 of 6")
    assert sum("run `make lab` once" in line for line in lines) == 4


def installed(folder, name, version, *needed):
    """What an installer leaves behind of the package `name`, in `folder`."""
    (folder / f"{name}-{version}.dist-info").mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {line}" for line in needed)]
    (folder / f"{name}-{version}.dist-info" / "METADATA").write_text("\n".join(lines) + "\n")


def test_packages_that_are_missing_or_of_another_version_are_named(root, tmp_path):
    installed(tmp_path, "hwlib", "9.9", "altair<7,>=6.3", "no-such-package", "not-in-the-lab; extra == 'dev'")
    installed(tmp_path, "altair", "5.0.0")
    code, lines = looked(root, PYTHONPATH=f"{root}{os.pathsep}{tmp_path}")
    assert code == 1
    line, helped = told(lines, "packages")
    assert line == "not ok  packages        altair (5.0.0), no-such-package (missing): missing or of another version"
    assert helped


@pytest.mark.parametrize("argv", [["/no/such/python", "{connection_file}"], [sys.executable, "-c", "raise SystemExit(3)"]])
def test_a_kernel_that_does_not_start_is_told(root, tmp_path, argv):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    code, lines = looked(root, JUPYTER_PATH=str(tmp_path))
    line, helped = told(lines, "Jupyter kernel")
    assert (code, line[:6], helped) == (1, "not ok", True)
    assert re.search(r"No such file|died", line), line
    assert told(lines, "a chart")[0].startswith("ok")


def test_a_damaged_file_of_the_tables_is_named(root, tmp_path):
    shutil.copytree(root / "hwlib", tmp_path / "hwlib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "data", tmp_path / "data", copy_function=os.symlink)
    damaged = tmp_path / "data" / "devices.csv"
    whole = damaged.read_bytes()
    damaged.unlink()
    damaged.write_bytes(whole[: len(whole) // 2])
    code, lines = looked(tmp_path)
    assert code == 1
    line, helped = told(lines, "data")
    assert line.startswith("not ok")
    assert "devices.csv" in line
    assert helped


def test_a_fault_in_a_table_of_ones_own_is_named(root, tmp_path):
    (tmp_path / "measurements.csv").write_text("model_id,no_such_column\nresnet50,1\n")
    code, lines = looked(root, HWLIB_DATA=str(tmp_path))
    assert code == 1
    assert "measurements.csv, line 1: unknown column of measurements 'no_such_column'" in told(lines, "data")[0]


def test_a_full_disk_is_told(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10**9, 10**9 - 2, 2))
    with pytest.raises(RuntimeError, match=r"0\.0 GB free, 1 GB wanted"):
        ready.disk()


PAGES = ("README.md", "GUIDE.md", "GLOSSARY.md")


@pytest.fixture(scope="module")
def pages(root):
    """The text of each page of the kit, by name."""
    return {name: (root / "notebooks" / "workshop" / name).read_text(encoding="utf-8") for name in PAGES}


def rows(text):
    """The cells of each row of the tables in `text`, without heads and rules."""
    lines = text.splitlines()
    split = [[part.strip() for part in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    rules = [at for at, cells in enumerate(split) if set("".join(cells)) <= set("-")]
    return [cells for at, cells in enumerate(split) if at not in rules and at + 1 not in rules]


def anchor(heading):
    """The address of a heading on a page, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_link_leads_somewhere(root, pages):
    for name, text in pages.items():
        for target, part in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", text):
            there = pages[name] if not target else (root / "notebooks" / "workshop" / target).read_text(encoding="utf-8")
            assert not part or part in map(anchor, re.findall(r"^#+ (.+)$", there, re.M)), f"{name}: {target}#{part}"


@pytest.mark.parametrize(("title", "minutes"), [("90 minutes", 90), ("Half a day", 240), ("A day", 420)])
def test_a_timetable_adds_up_by_the_clock(pages, title, minutes):
    part = pages["GUIDE.md"].split(f"### {title}\n")[1].split("\n### ")[0].split("\n**Late")[0]
    now = 0
    for clock, length, *_ in rows(part):
        hours, past = map(int, clock.split(":"))
        assert hours * 60 + past == now, f"{title}, {clock}"
        now += int(length)
    assert now == minutes
    assert f"Total: {minutes} minutes." in part


def test_each_exercise_has_its_25_minutes_and_the_capstone_its_30(pages):
    for _, length, what, how, *_ in [line for line in rows(pages["GUIDE.md"]) if re.fullmatch(r"\d:\d\d", line[0])]:
        if re.match(r"Exercise \d$", what):
            assert (length, how[1]) == ("25", what[-1])
        assert length == "30" or what != "Capstone"


def test_every_exercise_and_notebook_named_is_there_and_every_one_there_is_named(root, pages):
    named = set(re.findall(r"`(\d+_\w+)`", "".join(pages.values())))
    exercises = {name for name in named if not (root / "notebooks" / f"{name}.ipynb").exists()}
    assert {name[0] for name in exercises} == set("123456")
    assert {path.stem for path in slides.SOLUTIONS.glob("*.ipynb")} <= exercises


def test_the_points_of_the_rubric_add_up(pages):
    part = pages["GUIDE.md"].split("## Assessment")[1].split("\n## ")[0]
    assert f"Total: {2 * len(rows(part))} points" in part


def test_every_column_of_the_glossary_exists(pages):
    decision = hw.decide("resnet50", batch_size=8)
    for word, meaning, where in rows(pages["GLOSSARY.md"]):
        places = re.findall(r"`(\w+)\.(\w+)`", where)
        assert places, word
        assert len(meaning.split()) <= 45, word
        for table, column in places:
            if table == "Decision":
                assert hasattr(decision, column), column
            elif table == "options":
                assert column in decision.table, column
            else:
                schema.table(table).column(column)


def test_the_glossary_explains_the_words_of_the_day(pages):
    words = {part.strip() for row in rows(pages["GLOSSARY.md"]) for part in row[0].split(",")}
    asked = (
        "latency throughput percentile batch power TDP roofline quantisation precision TTFT TPOT division scenario on-demand spot reserved"
    )
    asked = {*asked.split(), "arithmetic intensity", "Pareto set", "utilisation", "carbon intensity", "GMACs", "interval", "held-out error"}
    assert asked | {"p_best", "flip"} <= words


def test_commands_and_targets_of_the_pages_exist(root, pages):
    text = "".join(pages.values())
    targets = re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.M)
    theirs = {"command", "workshop"}  # the shell's own message; the exercises' own target
    assert set(re.findall(r"make ([a-z-]+)", text)) - theirs <= set(targets)
    for line in re.findall(r"hwlib ([a-z][^`\n]*)", text):
        command, words = main, line.split()
        while isinstance(command, click.Group) and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert not isinstance(command, click.Group), line
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_the_guides_own_prices_are_taken(pages, tmp_path, monkeypatch):
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path / "data"))
    who, price = re.findall(r"```csv\n(.*?)```", pages["GUIDE.md"], re.DOTALL)
    for name, text in (("sources", who), ("prices", price)):
        (tmp_path / f"room-{name}.csv").write_text(text)
        user.import_file(name, tmp_path / f"room-{name}.csv")
    try:
        decision = hw.decide("resnet50", batch_size=8, providers=["our-company"])
        assert decision.best["instance_type"] == "rack-l4"
    finally:
        monkeypatch.undo()
        data.load.cache_clear()


def test_binder_installs_what_make_installs(root):
    environment = yaml.safe_load((root / ".binder" / "environment.yml").read_text(encoding="utf-8"))
    conda = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    assert (environment["name"], environment["channels"]) == (conda["name"], conda["channels"])
    # repo2docker reads `python=3.11` and overlooks `python>=3.11`; an editable install would look for the project in .binder.
    assert re.fullmatch(r"python=3\.\d+", environment["dependencies"][0])
    assert not any(isinstance(line, dict) for line in environment["dependencies"])
    makefile = re.findall(r"\$\(BIN\)/(python -m pip install .*)", (root / "Makefile").read_text(encoding="utf-8"))
    build = re.findall(r"^(python -m pip install .*)$", (root / ".binder" / "postBuild").read_text(encoding="utf-8"), re.M)
    assert build == makefile
    assert len(build) == 2
    assert os.access(root / ".binder" / "postBuild", os.X_OK)


def test_the_container_has_the_same_python_and_a_target_that_exists(root):
    container = json.loads((root / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    binder = (root / ".binder" / "environment.yml").read_text(encoding="utf-8")
    python = re.fullmatch(r"python:(3\.\d+)-\w+", container["image"])[1]
    assert f"- python={python}\n" in binder
    asked = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert Version(python) in SpecifierSet(asked)
    assert container["postCreateCommand"] == "make setup"
    assert "/.venv/bin/python" in container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
