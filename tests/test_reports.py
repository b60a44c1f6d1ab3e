"""From a parameterised notebook to a page: the parameters' check, the kernel, the page's text, and what failure leaves behind."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwlib
from hwlib.errors import HwlibError
from hwlib.reports import Parameter, check, files, html, make_report, read_parameters, render, render_decided

TOY = Path(__file__).parent / "notebooks" / "toy.ipynb"
DECIDE = 'from IPython.display import display\ndisplay({"application/vnd.hwlib.decision+json": %s}, raw=True)'


@pytest.fixture(autouse=True)
def live_charts():
    """Charts as a report's kernel draws them, whatever hwlib.charts chose for this process."""
    import altair as alt

    with alt.renderers.enable("html"):
        yield


def notebook(folder, *sources, parameters='model: str = "resnet50"'):
    """A notebook file in `folder` with a parameters cell and one code cell for each of `sources`."""
    cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    path = folder / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


# Parameters


def test_the_parameters_cell_is_read_with_types_units_help_and_allowed_values():
    found = read_parameters(TOY)
    assert list(found) == ["model", "batch_size", "latency_ms", "priority", "devices"]
    assert found["batch_size"] == Parameter("batch_size", "int", 8, "how many go in at once", "samples")
    assert found["latency_ms"].type == "float | None"
    assert found["latency_ms"].default is None
    assert found["priority"] == Parameter("priority", "str", "cost", "what matters most", "", ("cost", "latency", "energy"))
    assert found["devices"].type == "list[str]"


def test_a_value_may_hold_what_a_regular_expression_would_stumble_over(tmp_path):
    cell = 'sign: str = "a = b # no comment; allowed: x"  # ; both = fine\nmany: list[int] | None = [\n    1,\n    -2,\n]  # two lines'
    found = read_parameters(notebook(tmp_path, parameters=cell))
    assert found["sign"].default == "a = b # no comment; allowed: x"
    assert found["sign"].help == "both = fine"
    assert found["many"].default == [1, -2]
    assert found["many"].help == "two lines"


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("a = 1", "line 1: expected `name: type = default`, found `a = 1`"),
        ("a: int", "expected `name: type = default`"),
        ("a: int = 1\nprint(a)", "line 2"),
        ("a: int = 1\na: int = 2", "twice"),
        ("a: dict = {}", "unknown type"),
        ("a: Optional[int] = None", "unknown type"),
        ("a: int = 'eight'", "expected int"),
        ("a: int = '8'", "the default '8' is no int"),
        ("a: float = 1e999", "expected float"),
        ("a: str = open('x')", "plain values"),
        ("a: str = 'x'  # ; letter; allowed: b, c", "unknown"),
        ("%matplotlib inline", "not plain Python"),
    ],
)
def test_a_faulty_parameters_cell_is_refused(tmp_path, cell, complaint):
    with pytest.raises(HwlibError, match=re.escape(complaint)) as caught:
        read_parameters(notebook(tmp_path, parameters=cell))
    assert "small.ipynb" in str(caught.value)


@pytest.mark.parametrize("text", ["not json", "[]", '{"cells": [1]}', '{"worksheets": []}', '{"cells": []}'])
def test_a_file_that_is_no_notebook_with_parameters_is_refused(tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HwlibError, match=r"x\.ipynb"):
        read_parameters(path)
    with pytest.raises(HwlibError, match="cannot be read"):
        read_parameters(tmp_path / "missing.ipynb")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", "8", 8),
        ("float", "8", 8.0),
        ("float", 8, 8.0),
        ("float | None", "none", None),
        ("float | None", " 2.5 ", 2.5),
        ("str | None", "none", None),
        ("str", "none", "none"),
        ("str", "8", "8"),
        ("int | str", "any", "any"),
        ("int | str", "8", 8),
        ("bool", "Yes", True),
        ("bool", "off", False),
        ("list[str]", "a, b", ["a", "b"]),
        ("list[str]", "", []),
        ("list[str]", ["a,b"], ["a,b"]),
        ("list[int] | None", "1,2", [1, 2]),
        ("list[float]", (1, 2.5), [1.0, 2.5]),
    ],
)
def test_values_are_converted(kind, value, expected):
    made = check({"x": Parameter("x", kind, None)}, {"x": value})["x"]
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", "8.5"),
        ("int", 8.0),
        ("int", True),
        ("int", "none"),
        ("float", "nan"),
        ("float", "inf"),
        ("float", float("-inf")),
        ("float", "1e999"),
        ("float", 10**400),
        ("float", True),
        ("bool", 1),
        ("bool", "maybe"),
        ("str", 8),
        ("str", "\udcff"),
        ("str", None),
        ("list[int]", "1,,2"),
        ("list[int]", "1,two"),
        ("list[str]", {"a": 1}),
        ("list[float]", [float("nan")]),
    ],
)
def test_values_of_a_wrong_type_are_refused(kind, value):
    with pytest.raises(HwlibError, match=r"x: expected .* in ms, found"):
        check({"x": Parameter("x", kind, None, unit="ms")}, {"x": value})


def test_all_faults_are_named_at_once_before_anything_runs(tmp_path):
    given_values = {"modle": "bert", "batch_size": "eight", "priority": "costs", "latency_ms": "5", "a\nb = 1": 1}
    with pytest.raises(HwlibError) as caught:
        render(TOY, given_values, tmp_path / "toy.html")
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "did you mean 'model'" in lines[0]
    assert lines[1] == "batch_size: expected int in samples, found 'eight'"
    assert "did you mean 'cost'" in lines[2]
    assert "'a\\nb = 1'" in lines[3]
    assert list(tmp_path.iterdir()) == []


def test_numpy_numbers_become_plain_ones():
    import numpy as np

    made = check(read_parameters(TOY), {"batch_size": np.int64(4), "latency_ms": np.float64(2.5)})
    assert (made["batch_size"], made["latency_ms"]) == (4, 2.5)
    assert type(made["batch_size"]) is int


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4)


@given(kind=st.sampled_from(["int", "str", "float | None", "bool", "list[str]", "list[int] | None", "int | str"]), value=VALUES)
def test_what_is_accepted_is_pure_json_and_stays_itself(kind, value):
    parameters = {"x": Parameter("x", kind, None)}
    try:
        made = check(parameters, {"x": value})
    except HwlibError:
        return
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    if not isinstance(made["x"], str):
        assert check(parameters, made) == made


# Running


def test_parameters_reach_the_notebook_unchanged_and_it_runs_in_its_own_folder(tmp_path):
    nasty = '""" \' \\ \n {x} ${y} %s \u2028 é \x00'
    cell = 'text: str = ""\nlimit: float | None = 1.0\nnames: list[str] = []\nmodel: str = ""'
    source = "import os\nseen = dict(text=text, limit=limit, names=names, cwd=os.getcwd())\n" + DECIDE % "seen"
    before = Path.cwd()
    folder = tmp_path / "{braces} and space"
    folder.mkdir()
    settings = {"text": nasty, "limit": None, "names": ["a", "b"]}
    _, decision = render_decided(notebook(folder, source, parameters=cell), "m", settings, tmp_path)
    assert json.loads(decision.read_text(encoding="utf-8")) == {**settings, "cwd": str(folder)}
    assert Path.cwd() == before


def test_the_running_interpreter_is_used_whatever_kernels_are_installed(tmp_path, monkeypatch):
    foreign = tmp_path / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    foreign.joinpath("kernel.json").write_text('{"argv": ["false"], "display_name": "x", "language": "python"}', encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HWLIB_CHARTS", "svg")
    source = "import sys, hwlib, hwlib.charts, altair\n" + DECIDE % "[sys.executable, hwlib.__file__, altair.renderers.active]"
    _, decision = render_decided(notebook(tmp_path, source), "m", {}, tmp_path)
    assert json.loads(decision.read_text(encoding="utf-8")) == [sys.executable, hwlib.__file__, "html"]


def test_a_kernel_that_fails_to_start_is_tried_once_more(tmp_path, monkeypatch):
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    fail_once = "import os\nif not os.path.exists({0!r}):\n    open({0!r}, 'w').close()\n    os._exit(1)"
    startup.joinpath("00.py").write_text(fail_once.format(str(tmp_path / "tried")), encoding="utf-8")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    render(notebook(tmp_path, "print(model)"), {}, tmp_path / "x.html")
    assert (tmp_path / "tried").exists()
    assert (tmp_path / "x.html").exists()
    startup.joinpath("00.py").write_text("import os\nos._exit(1)", encoding="utf-8")
    with pytest.raises(HwlibError, match=r"small\.ipynb: the kernel failed"):
        render(notebook(tmp_path, "print(model)"), {}, tmp_path / "x.html")


FAILURES = {
    "error": ("raise ValueError('one\\ntwo')", r"small.ipynb, cell 4 (`raise ValueError('one\ntwo')`): ValueError: two. The notebook"),
    "exit": ("import sys\nsys.exit(0)", "small.ipynb, cell 4 (`import sys`): SystemExit: 0. The notebook"),
    "dead": ("import os\nos._exit(0)", "small.ipynb, cell 4 (`import os`): its Python process died"),
    "slow": ("import time\ntime.sleep(60)", "small.ipynb, cell 4 (`import time`): it took longer than 2 s. The notebook"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_failure_keeps_the_previous_report_and_the_notebook(tmp_path, kind):
    source, complaint = FAILURES[kind]
    out = tmp_path / "resnet50.html"
    out.write_text("the previous report", encoding="utf-8")
    failing = notebook(tmp_path, "print('so far')", source, "print('never')")
    with pytest.raises(HwlibError) as caught:
        render(failing, {"model": "x"}, out, timeout_s=2)
    assert complaint in str(caught.value)
    assert out.read_text(encoding="utf-8") == "the previous report"
    left = nbformat.read(tmp_path / "resnet50.failed.ipynb", as_version=4)
    assert left.cells[2].outputs[0].text == "so far\n"
    assert left.cells[4].outputs == []
    assert "never" not in json.dumps(left.metadata)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["resnet50.failed.ipynb", "resnet50.html", "small.ipynb"]


def test_success_removes_the_notebook_of_an_earlier_failure(tmp_path):
    stale = tmp_path / "x.failed.ipynb"
    stale.write_text("{}", encoding="utf-8")
    assert render(notebook(tmp_path, "print(model)"), {}, tmp_path / "x.html") == tmp_path / "x.html"
    assert not stale.exists()


def test_it_runs_inside_an_event_loop_as_in_jupyterlab(tmp_path):
    import asyncio

    async def cell():
        return render(notebook(tmp_path, "print(model)"), {"model": "seen"}, tmp_path / "x.html")

    assert "seen" in asyncio.run(cell()).read_text(encoding="utf-8")


def test_a_report_without_a_decision_is_a_failure(tmp_path):
    with pytest.raises(HwlibError, match="carries a decision"):
        render_decided(notebook(tmp_path, "print(model)"), "m", {}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.failed.ipynb", "small.ipynb"]


def test_the_decision_is_found_by_the_type_that_decisions_have():
    from hwlib import decision

    assert html.DECISION == decision.MIME_TYPE


def test_an_unknown_engine_is_refused(tmp_path):
    with pytest.raises(HwlibError, match="did you mean 'kernel'"):
        render(TOY, {}, tmp_path / "x.html", engine="kernels")


# Files


@pytest.mark.parametrize("name", ["resnet50", "llama-3.1-8b", "0", "a" * 100, "yolov8n.onnx"])
def test_slugs_name_reports(name):
    assert files.check_name(name) == name


NO_NAMES = ["", "../x", "a/b", "A", ".hidden", "-x", "a b", "a" * 101, "con", "con.x", "lpt9", "index", "é", "a\n", "a\x00"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_other_names_are_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(HwlibError, match="cannot name a report"):
        render_decided(TOY, name, {}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_or_wrong_argument_is_one_sentence(tmp_path):
    with pytest.raises(HwlibError, match="is not a folder and cannot be made; create it first") as caught:
        render_decided(TOY, "m", {}, tmp_path / "missing" / "folder")
    assert "\n" not in str(caught.value)
    with pytest.raises(HwlibError, match="given twice: 'm' and 'n'"):
        make_report("m", {"model": "n"}, tmp_path)
    with pytest.raises(HwlibError, match=r"ends in \.html"):
        render(TOY, {}, tmp_path / "x.pdf")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write to: Linux only")
def test_a_read_only_folder_is_one_sentence():
    with pytest.raises(HwlibError, match=r"/proc/\d+ cannot be written to"):
        render_decided(TOY, "m", {}, Path("/proc/self"))


def test_all_files_are_written_or_none(tmp_path):
    page, data = tmp_path / "m.html", tmp_path / "m.json"
    page.write_text("before", encoding="utf-8")
    data.mkdir()
    with pytest.raises(HwlibError, match=r"m\.json is a folder"):
        files.publish({page: "after", data: "after"})
    with pytest.raises(UnicodeEncodeError):
        files.publish({page: "after", tmp_path / "n.json": "\udcff"})
    assert page.read_text(encoding="utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.html", "m.json"]
    data.rmdir()
    files.publish({page: "after", data: "{}"})
    assert (page.read_text(encoding="utf-8"), data.read_text(encoding="utf-8")) == ("after", "{}")


@pytest.mark.skipif(os.name == "nt", reason="permission bits are POSIX's")
def test_published_files_are_readable_by_a_web_server(tmp_path):
    files.publish({tmp_path / "m.html": "x"})
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "m.html").stat().st_mode == plain.stat().st_mode


# The page


def executed(*outputs, cells=()):
    """A notebook as it is after a run, with `outputs` in one code cell after `cells`."""
    code = nbformat.v4.new_code_cell("secret_code()", outputs=list(outputs), execution_count=7)
    return nbformat.v4.new_notebook(cells=[*cells, code])


def shown(**data):
    """A display output with `data` by mime type, "/" written as "_"."""
    return nbformat.v4.new_output("display_data", data={kind.replace("_", "/"): value for kind, value in data.items()})


def test_readers_see_neither_code_nor_warnings_nor_machine_output():
    stderr = nbformat.v4.new_output("stream", name="stderr", text="a warning")
    stdout = nbformat.v4.new_output("stream", name="stdout", text="plain <b>text</b>")
    machine = nbformat.v4.new_output("display_data", data={html.DECISION: {"x": 1}, "text/plain": "machine text"})
    both = nbformat.v4.new_output("display_data", data={html.DECISION: {"x": 1}, "text/html": "<p>the answer</p>", "text/plain": "y"})
    tagged = nbformat.v4.new_output("display_data", data={"text/plain": "tagged"}, metadata={"tags": ["remove-output"]})
    page = html.page(executed(stderr, stdout, machine, both, tagged), title="t")
    assert "plain &lt;b&gt;text&lt;/b&gt;" in page
    assert "<p>the answer</p>" in page
    for hidden in ("secret_code", "a warning", "machine text", "tagged", "In [", "[7]"):
        assert hidden not in page


def test_tagged_cells_are_left_out():
    text = nbformat.v4.new_markdown_cell("for authors", metadata={"tags": ["remove-cell"]})
    code = nbformat.v4.new_code_cell("x", outputs=[shown(text_plain="hidden")], metadata={"tags": ["remove-output"]})
    page = html.page(executed(shown(text_plain="seen"), cells=[text, code]), title="t")
    assert "seen" in page
    assert "for authors" not in page
    assert "hidden" not in page


def test_hostile_text_stays_text():
    hostile = "<script>alert(1)</script>"
    page = html.page(executed(shown(text_markdown=f"**{hostile}**")), title=hostile, settings=[("model", hostile)], data_date=hostile)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 6


def test_prices_are_no_formulas():
    cell = nbformat.v4.new_markdown_cell("From **$1** an hour to **$2**.")
    assert "From <strong>$1</strong> an hour to <strong>$2</strong>." in html.page(executed(cells=[cell]), title="t")


def test_headings_make_the_contents_and_there_is_one_h1():
    cell = nbformat.v4.new_markdown_cell("# Top\n\n## Cost & *speed*\n\n## Cost & speed\n\n## €")
    page = html.page(executed(cells=[cell]), title="A title")
    assert re.findall("<h1.*?</h1>", page) == ["<h1>A title</h1>"]
    assert "<title>A title</title>" in page
    assert '<html lang="en">' in page
    targets = re.findall('<li><a href="#(.*?)">(.*?)</a>', page)
    assert targets == [("top", "Top"), ("cost-speed", "Cost &amp; speed"), ("cost-speed-2", "Cost &amp; speed"), ("-3", "€")]
    assert all(f'id="{anchor}"' in page for anchor, _ in targets)


def test_columns_of_numbers_are_marked_and_others_are_not():
    head = "<thead><tr><th>device</th><th>price</th><th>batch</th></tr></thead>"
    rows = "<tr><td>A100</td><td>1,200.5 $/h</td><td>8</td></tr><tr><td>4</td><td>unknown</td><td>8 to 16</td></tr>" * 2
    page = html.page(executed(shown(text_html=f"<table>{head}<tbody>{rows}</tbody></table>")), title="t")
    assert re.findall('class="number">(.*?)<', page) == ["price", *["1,200.5 $/h", "unknown"] * 2]
    assert re.findall('class="short">(.*?)<', page) == ["device", "batch", *["A100", "8", "4", "8 to 16"] * 2]


@pytest.mark.parametrize("text", ["-3", "−3.5 %", "≈ 12 ms", "$0.12", "1.5e-07", "95 %", "2×", "12 345.6"])
def test_numbers(text):
    assert html.NUMBER.fullmatch(text)


@pytest.mark.parametrize("text", ["A100", "2026-11-20", "8480+", "n/a", "", "4 of 5"])
def test_no_numbers(text):
    assert not html.NUMBER.fullmatch(text)


def test_pictures_are_inside_the_page(tmp_path):
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    cell = nbformat.v4.new_markdown_cell("![a dot](dot.png)")
    png = nbformat.v4.new_output("display_data", data={"image/png": "iVBORw==\n"}, metadata={"alt": "a <plot>"})
    page = html.page(executed(png, cells=[cell]), title="t", folder=tmp_path)
    assert "dot.png" not in page
    assert page.count('src="data:image/png;base64,iVBORw=="') == 2
    assert 'alt="a &lt;plot&gt;"' in page
    assert 'alt="a dot"' in page


def test_data_cannot_end_a_charts_script():
    import altair as alt
    import pandas as pd

    chart = alt.Chart(pd.DataFrame({"a": ["</script><script>alert(1)</script>", "<!--"]})).mark_point().encode(x="a")
    markup = chart._repr_mimebundle_()["text/html"]
    assert markup.count("</script>") == 3
    page = html.page(executed(shown(text_html=f"{markup}<p>between</p>{markup}")), title="t")
    assert page.count("</script") == 3  # Vega and the two charts
    assert "<p>between</p>" in page
    assert "<!--" not in page.split("<main")[1]


def test_the_versions_that_altair_asks_for_are_those_that_the_page_brings():
    """After an Altair upgrade that fails: set `VEGA_VERSIONS` and `VEGA_LITE_BUNDLE` to what it now asks for."""
    import altair as alt
    import vl_convert

    markup = alt.Chart("x.csv").mark_point()._repr_mimebundle_()["text/html"]
    asked = dict(re.findall(r'maybeLoadScript\("([a-z-]+)", "([0-9.]+)"\)', markup))
    assert {f"{library.replace('-', '')}_version": version for library, version in asked.items()} == html.VEGA_VERSIONS
    assert vl_convert.get_vega_version().startswith(asked["vega"] + ".")
    assert vl_convert.get_vega_embed_version().startswith(asked["vega-embed"] + ".")
    assert f'"{asked["vega-lite"]}"' in html.vega()


def test_the_script_is_there_once_and_only_for_charts():
    import altair as alt
    import pandas as pd

    rows = pd.DataFrame({"a": range(1_450), "b": [index * 1.2345678 for index in range(1_450)]})
    charts = [shown(text_html=alt.Chart(rows).mark_point().encode(x="a", y="b")._repr_mimebundle_()["text/html"]) for _ in range(5)]
    page = html.page(executed(*charts), title="t")
    assert sum(len(chart.data["text/html"]) for chart in charts) > 230_000
    assert len(page.encode()) < 1_200_000
    assert page.count("vegaEmbed=") < 5
    assert "</script" not in html.vega()
    assert len(html.page(executed(), title="t")) < 20_000


def test_importing_reports_loads_nothing_heavy():
    heavy = ["papermill", "nbconvert", "nbformat", "nbclient", "altair", "jinja2", "vl_convert", "bs4"]
    code = f"import hwlib.reports, sys; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
