"""Many reports: what is asked for is checked at once, only what changed is rendered, and no fault of one harms another."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from conftest import measured
from hypothesis import given
from hypothesis import strategies as st

from hwlib import data
from hwlib.errors import HwlibError
from hwlib.reports import MODEL_REPORT, batch, engine, files, manifest, plan, read_parameters, resume, start, store, summary

DECIDE = """import json
from IPython.display import display
best = {"device": "A", "usd_per_100k": 1.0, "usd_per_hour": 1.0, "instance_type": "a1", "provider": "cloud"}
decision = {"workload": {"priority": "cost"}, "best": best, "runner_up": None, "margin": None, "explanation": [model], "options": [best]}
display({"application/vnd.hwlib.decision+json": decision}, raw=True)"""
SMALL = ("alexnet", "yolov3", "bert-base")
MEDIUM = (*SMALL, "resnet18", "resnet34", "resnet101", "vgg16")


def template(folder, *sources, name="small.ipynb"):
    """A notebook file in `folder` that takes a model and makes a decision after `sources`."""
    cells = [nbformat.v4.new_code_cell('model: str = "alexnet"', metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(source) for source in (*sources, DECIDE)]
    path = folder / name
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}),
        path,
    )
    return path


def run(models, out, notebook, *, force=False, how="fork", **more):
    """Render `models` with `notebook`; returns what is yielded: the counts and each `Done`."""
    reports = [plan.Report(files.slug(model), {"model": model}) for model in models]
    kept, *done = batch.run(reports, out, batch.How(str(notebook), how, **more), jobs=2, force=force)
    return kept, {one.name: one for one in done}


def command(*arguments, **env):
    """`hwlib` with `arguments` in a process of its own."""
    code = "from hwlib.cli import main; main()"
    return [sys.executable, "-c", code, *map(str, arguments)], {**os.environ, **env}


def hwlib(*arguments, **env):
    """The finished process of `hwlib` with `arguments`."""
    line, env = command(*arguments, **env)
    return subprocess.run(line, env=env, capture_output=True, text=True, check=False)


def said(done):
    """Its one sentence on standard error."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert "Traceback" not in done.stderr, done.stderr
    return lines[0]


# What is asked for


TEMPLATE = read_parameters(MODEL_REPORT)


def planned(folder, text, models=(), settings=None):
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return plan.plan(TEMPLATE, list(models), settings or {}, path)


def test_a_parameter_file_gives_many_sets_for_each_model(tmp_path):
    text = """
models: [resnet50, bert-99]
set: {pricing: spot}
vary:
  providers: [aws, gcp]
  latency_ms: [10, 2.5]
reports:
  - {model: yolov3, batch_size: 8, name: camera, pricing: on_demand}
"""
    reports = {report.name: report.parameters for report in planned(tmp_path, text)}
    assert len(reports) == 2 * 2 * 2 + 1
    one = reports["bert-large--latency-ms-2.5--pricing-spot--providers-gcp"]
    assert (one["model"], one["latency_ms"], one["pricing"], one["providers"]) == ("bert-large", 2.5, "spot", "gcp")
    assert reports["camera"] == {**{name: item.default for name, item in TEMPLATE.items()}, "model": "yolov3", "batch_size": 8}
    over = planned(tmp_path, text, ["alexnet"], {"pricing": "on_demand"})
    assert over[0].name == "alexnet--latency-ms-10--providers-aws"


def test_every_fault_of_a_parameter_file_is_named_at_once(tmp_path):
    text = """
modles: [resnet50]
models: [resnet5o, alexnet]
set: {pricing: spots, latency_ms: 10 seconds}
vary: {priorty: [cost]}
reports:
  - {model: yolov33, name: ../up}
  - {model: yolov3, batch_size: -1, latency_ms: none}
"""
    with pytest.raises(HwlibError) as caught:
        planned(tmp_path, text)
    faults = "\n".join(str(caught.value).splitlines())
    for words in (
        "unknown key 'modles'",
        "unknown model 'resnet5o'; did you mean 'resnet50'",
        "latency_ms: expected float | None in ms, found '10 s",
    ):
        assert words in faults
    for words in ("unknown pricing 'spots'", "unknown parameter 'priorty'; did you mean 'priority'", "number 1: unknown model 'yolov33'"):
        assert words in faults
    assert len(set(faults.splitlines())) == len(faults.splitlines())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a", "expected some of the keys"),
        ("{", "not YAML"),
        ("a: &x [*x]", "unknown key 'a'"),
        ("set: {latency_ms: 1, latency_ms: 2}", "latency_ms stands there twice"),
        ("models: resnet50", "models: expected a list of models"),
        ("vary: {latency_ms: 5}", "vary: expected a list of values for each name"),
        ("reports: [[1]]", "reports: expected a list of name: value pairs"),
        ("set: {model: resnet50}", "cannot be set for all reports"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
        (
            "vary: {latency_ms: [" + "1, " * 1000 + "], utilisation: [" + "1, " * 1000 + "]}\nmodels: [resnet50]",
            "asks for 1,000,000 reports",
        ),
        ("reports: [{model: alexnet, name: a}, {model: yolov3, name: a}]", "two reports would be called 'a'"),
        ("{}", "no model is named"),
    ],
)
def test_faulty_parameter_files_are_refused(tmp_path, text, complaint):
    with pytest.raises(HwlibError, match=re.escape(complaint)):
        planned(tmp_path, text)


def test_all_models_with_a_figure_are_planned_and_no_other():
    models = plan.measured()
    known = {*data.load("measurements")["model_id"], *data.load("llm_serving")["model_id"]}
    assert set(models) == known & set(data.load("models")["model_id"])
    assert set(plan.measured("recommendation")) < set(models)
    reports = plan.plan(TEMPLATE, models, {})
    assert [report.name for report in reports] == models


@given(st.text(max_size=400))
def test_any_text_becomes_a_name_that_a_file_may_have(text):
    assert files.check_name(files.slug(text)) == files.slug(text)


@given(st.lists(st.text("aA-./ é\n", max_size=12), unique=True))
def test_different_texts_get_different_names(texts):
    assert len({files.slug(text) for text in texts}) == len(texts)


@pytest.mark.parametrize(
    "text", ["../../etc/passwd", "/abs", "CON", "nul.html", "index", "compare", "reports", "a" * 300, "", ".", "C:\\x", "a\0b"]
)
def test_hostile_names_choose_no_path(text):
    name = files.check_name(files.slug(text))
    assert name != text
    assert Path("folder", name).parent == Path("folder")


# The fork engine


def normal(outputs):
    """Outputs without what differs from run to run: random ids, counts, and how often a stream was flushed."""
    streams, rest = {}, []
    for output in outputs:
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + output.text
        else:
            rest.append({key: value for key, value in output.items() if key != "execution_count"})
    text = json.dumps([streams, rest], sort_keys=True)
    return re.sub(r"altair-viz-[0-9a-f]+|0x[0-9a-f]+|/[^ ]*ipykernel_\d+/\d+\.py|<ipython-input-[^>]*>", "id", text)


TEMPLATES = {"model": (MODEL_REPORT, {"model": "resnet50"}), "toy": (Path(__file__).parent / "notebooks" / "toy.ipynb", {"model": "m"})}
SOURCES = [
    "print('one'); import sys; print('two', file=sys.stderr); 3",
    "from IPython.display import display, clear_output, HTML\n"
    "display('gone'); clear_output(); h = display(HTML('<b>a</b>'), display_id='x'); 5;",
    "display('kept'); clear_output(wait=True); display('instead')",
    "h.update(HTML('<b>changed</b>'))",
    "import os\nos.system('echo from the shell'); _",
    "!echo magic",
    "%%capture kept\nprint('hidden')",
    "import asyncio\nawait asyncio.sleep(0)\nprint(kept.stdout)",
    "from IPython.display import Image\nImage(data=b'\\x89PNG\\r\\n\\x1a\\n' + bytes(20), format='png')",
    "get_ipython().display_formatter.format(3)",
    "class Odd:\n    def _repr_html_(self):\n        return '<i>odd</i>'\n"
    "    def __repr__(self):\n        return 'odd'\nOdd(), Odd()\nOdd()",
    "raise ValueError('at\\nlast')",
]


@pytest.mark.parametrize("which", [*TEMPLATES, "made"])
def test_both_engines_give_the_same_outputs(tmp_path, which, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # the kernel captures less under pytest
    if which == "made":
        notebook, values = template(tmp_path, *SOURCES), {"model": "m"}
    else:
        notebook, values = TEMPLATES[which]
        values = {name: item.default for name, item in read_parameters(notebook).items()} | values
    (forked, fault), (reference, other) = (engine.execute(notebook, values, name, 60) for name in ("fork", "kernel"))
    assert fault == other
    assert len(forked.cells) == len(reference.cells)
    for one, expected in zip(forked.cells, reference.cells):
        assert one.source == expected.source
        if one.cell_type == "code":
            assert one.execution_count == expected.execution_count
            assert "error" in normal(one.outputs) or normal(one.outputs) == normal(expected.outputs), one.source
            assert [output.output_type for output in one.outputs if output.output_type != "stream"] == [
                output.output_type for output in expected.outputs if output.output_type != "stream"
            ]
    assert any(cell.get("outputs") for cell in forked.cells)


LEAK = """import os, random, sys, threading, json as module
import altair, numpy, pandas
seen = [getattr(module, "leak", None), os.environ.get("LEAK"), altair.theme.active, pandas.get_option("display.max_rows"), os.getcwd(),
        "leaked" in sys.modules, threading.active_count(), sys.stdout.__class__.__name__]
drawn = [random.random(), float(numpy.random.rand())]
print(json.dumps([seen, drawn])) if (json := module) else None
module.leak, os.environ["LEAK"], sys.modules["leaked"] = 1, "1", module
random.seed(1), numpy.random.seed(1)
altair.theme.enable("dark"), pandas.set_option("display.max_rows", 7)
threading.Thread(target=__import__("time").sleep, args=(30,), daemon=True).start()
os.chdir("/")"""


def test_no_report_reaches_the_next(tmp_path):
    notebook = template(tmp_path, LEAK)
    run(["a", "b", "c"], tmp_path / "out", notebook)
    pages = [(tmp_path / "out" / f"{name}.html").read_text(encoding="utf-8") for name in "abc"]
    found = [json.loads(re.search(r"<pre>(\[\[.*\]\])", page)[1].replace("&#34;", '"').replace("&quot;", '"')) for page in pages]
    assert all(seen == found[0][0] for seen, _ in found)
    assert found[0][0][:2] == [None, None]
    assert len({tuple(drawn) for _, drawn in found}) == 3
    assert len({drawn[1] for _, drawn in found}) == 3


FAILURES = {
    "error": ("raise ValueError('one\\ntwo')", "ValueError: two"),
    "exit": ("import sys\nsys.exit(0)", "SystemExit: 0"),
    "dead": ("import os\nos._exit(0)", "its Python process died"),
    "killed": ("import os\nos.kill(os.getpid(), 9)", "its Python process died"),
    "slow": ("import time\ntime.sleep(60)", "it took longer than 6 s"),
    "syntax": ("1 +", "SyntaxError: invalid syntax"),
    "threads": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nwhile True: pass",
        "it took longer than 6 s",
    ),
}


def test_faults_are_told_as_the_kernel_tells_them_and_harm_no_other_report(tmp_path):
    kinds = "\n".join(
        f"elif model == {kind!r}:\n" + "".join(f"    {line}\n" for line in source.splitlines())
        for kind, (source, _) in FAILURES.items()
        if kind != "syntax"
    )
    source = f"print('so far')\nif model == 'fine':\n    pass\n{kinds}elif model == 'syntax':\n    exec('1 +')"
    out = tmp_path / "out"
    out.mkdir()
    (out / "dead.html").write_text("the previous report", encoding="utf-8")
    kept, done = run(["fine", *FAILURES, "fine2"], out, template(tmp_path, source), timeout_s=6)
    assert kept == (0, len(FAILURES) + 2)
    assert {name for name, one in done.items() if not one.fault} == {"fine", "fine2"}
    for kind, (_, complaint) in FAILURES.items():
        assert f"small.ipynb, cell 3 (`print('so far')`): {complaint}" in done[kind].fault
        left = nbformat.read(out / f"{kind}.failed.ipynb", as_version=4)
        assert left.cells[2].source == source
    listed = json.loads((out / "failures.json").read_text(encoding="utf-8"))
    assert {one["name"] for one in listed} == set(FAILURES)
    assert all(one["error"] and one["notebook"] for one in listed)
    assert (out / "dead.html").read_text(encoding="utf-8") == "the previous report"
    assert (out / "fine.html").exists()
    assert (out / "index.html").exists()


def test_papermill_finds_the_engine_by_the_entry_point_that_is_declared(tmp_path, root):
    import importlib
    import tomllib

    import papermill
    from papermill.engines import papermill_engines

    declared = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]["papermill.engine"]
    module, _, name = declared["hwlib-fork"].partition(":")
    papermill_engines.register("hwlib-fork", getattr(importlib.import_module(module), name))
    out = tmp_path / "done.ipynb"
    papermill.execute_notebook(template(tmp_path, "print(model)"), out, {"model": "seen"}, engine_name="hwlib-fork", progress_bar=False)
    done = nbformat.read(out, as_version=4)
    assert done.cells[2].outputs[0].text == "seen\n"
    assert done.metadata.papermill.exception is None
    assert {cell.metadata.papermill.status for cell in done.cells} == {"completed"}
    failing = template(tmp_path, "1 / 0", name="failing.ipynb")
    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        papermill.execute_notebook(failing, None, {"model": "x"}, engine_name="hwlib-fork", progress_bar=False)


def test_when_the_driver_is_killed_nothing_stays_behind(tmp_path):
    marker = tmp_path / "pids"
    source = f"import os, time\nprint(os.getpid(), os.getppid(), file=open({str(marker)!r}, 'w'), flush=True)\ntime.sleep(60)"
    code = f"import test_batch as t, pathlib; t.run(['a'], {str(tmp_path / 'out')!r}, pathlib.Path({str(template(tmp_path, source))!r}))"
    driver = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent)
    pids = wait(lambda: marker.exists() and marker.read_text(encoding="utf-8").split())
    driver.kill()
    driver.wait()
    wait(lambda: not any(alive(int(pid)) for pid in pids))


def test_when_the_process_that_forks_is_gone_it_is_said_in_one_sentence(tmp_path):
    line, env = command("reports", "--models", "alexnet", "--out", tmp_path / "out")
    line[2] = "import sys; from hwlib.reports import zygote; zygote.START = '1 / 0'; " + line[2]
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert said(done) == "Error: the process that forks reports ended: ZeroDivisionError: division by zero"
    assert not list((tmp_path / "out").glob("alexnet*"))


def wait(condition, seconds=30):
    """What `condition` gives, as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Only what changed


def test_only_what_changed_is_rendered_again(tmp_path):
    notebook, out = template(tmp_path), tmp_path / "out"
    assert run(SMALL, out, notebook)[0] == (0, 3)
    assert run(SMALL, out, notebook)[0] == (3, 0)
    assert run(SMALL, out, notebook, force=True)[0] == (0, 3)
    page = out / "yolov3.html"
    whole = page.read_bytes()
    page.write_bytes(whole[:-1])
    (out / "alexnet.json").unlink()
    kept, done = run(SMALL, out, notebook)
    assert kept == (1, 2)
    assert set(done) == {"alexnet", "yolov3"}
    assert page.read_bytes() == whole
    page.write_bytes(whole.replace(b"yolov3", b"yolov4", 1))
    assert set(run(SMALL, out, notebook)[1]) == {"yolov3"}
    template(tmp_path, "2")
    assert run(SMALL, out, notebook)[0] == (0, 3)
    assert run(SMALL, out, notebook, standalone=True)[0] == (0, 3)
    (out / "manifest.json").write_bytes((out / "manifest.json").read_bytes()[:-9])
    assert run(SMALL, out, notebook)[0] == (0, 3)


def test_a_new_figure_renders_every_report(tmp_path, monkeypatch):
    """Spreads and estimates of one model rest on the measurements of all."""
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    data.load.cache_clear()
    notebook, out = template(tmp_path), tmp_path / "out"
    run(SMALL, out, notebook)
    row = measured(measurement_id="own-1", source_id="timm", model_id="yolov3", device_id="nvidia-t4", evidence="own")
    pd.DataFrame([row]).to_csv(tmp_path / "own" / "measurements.csv", index=False)
    data.load.cache_clear()
    assert set(run(SMALL, out, notebook)[1]) == set(SMALL)
    price = data.load_prices(provider="aws", instance_type="g4dn.xlarge", pricing="on_demand")
    price.assign(usd_per_hour=0.1).to_csv(tmp_path / "own" / "prices.csv", index=False)
    data.load.cache_clear()
    assert set(run(SMALL, out, notebook)[1]) == set(SMALL)
    data.load.cache_clear()


def test_what_changed_since_the_last_run_is_said_until_the_next(tmp_path):
    def at(price, device):
        return template(tmp_path, f"price, device = {price}, {device!r}", name="priced.ipynb")

    notebook, out = at(1.0, "A"), tmp_path / "out"
    cells = nbformat.read(notebook, as_version=4)

    def write(price, device):
        cells.cells[-1].source = DECIDE.replace('"device": "A"', f'"device": {device!r}').replace(": 1.0", f": {price}")
        nbformat.write(cells, notebook)

    write(1.0, "A")
    run(["alexnet"], out, notebook)
    write(0.92, "A")
    run(["alexnet"], out, notebook)
    assert rows(out)["alexnet"]["changes"] == ["price of a1 (cloud) −8 %", "cost −8 %"]
    run(["alexnet"], out, notebook)
    assert rows(out)["alexnet"]["changes"] == []
    write(0.92, "B")
    run(["alexnet"], out, notebook)
    assert rows(out)["alexnet"]["changes"] == ["winner changed: A -> B"]


def rows(out):
    """The rows of reports.json by report."""
    return {row["report"]: row for row in json.loads((out / "reports.json").read_text(encoding="utf-8"))["reports"]}


def test_a_killed_run_is_gone_on_with(tmp_path):
    notebook, out = template(tmp_path, "import time\ntime.sleep(0.4)"), tmp_path / "out"
    models = [f"m-{number}" for number in range(8)]
    code = f"import test_batch as t, pathlib; t.run({models}, {str(out)!r}, pathlib.Path({str(notebook)!r}))"
    driver = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent)
    wait(lambda: len(list(out.glob("m-*.html"))) >= 3)
    driver.kill()
    driver.wait()
    before = {path: path.stat().st_mtime_ns for path in out.glob("m-*.html")}
    for path in before:
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    (kept, left), *done = resume(out, jobs=2)
    assert kept + left == 8
    assert kept >= 1
    assert len(done) == left
    assert set(rows(out)) == set(models)
    unchanged = [path for path, changed in before.items() if path.stat().st_mtime_ns == changed]
    assert len(unchanged) == kept
    assert not list(out.glob(".*.part"))


def test_reports_of_models_that_are_gone_are_removed(tmp_path):
    notebook, out = template(tmp_path), tmp_path / "out"
    run(["alexnet", "renamed"], out, notebook)
    assert (out / "renamed.html").exists()
    run(["yolov3"], out, notebook)
    assert set(rows(out)) == {"alexnet", "yolov3"}
    assert not list(out.glob("renamed.*"))


def test_the_kernel_engine_renders_side_by_side_too(tmp_path):
    kept, done = run(
        ["alexnet", "yolov3"], tmp_path / "out", template(tmp_path, "if model == 'yolov3':\n    raise OSError('no')"), how="kernel"
    )
    assert kept == (0, 2)
    assert done["alexnet"].fault is None
    assert done["yolov3"].fault.endswith("OSError: no")
    assert (tmp_path / "out" / "alexnet.html").exists()


def test_there_must_be_a_run_to_resume(tmp_path):
    with pytest.raises(HwlibError, match="nothing to resume"):
        list(resume(tmp_path))


# On the command line


def test_many_reports_from_the_command_line(tmp_path):
    done = hwlib("reports", "--models", "alexnet,YOLOv3", "--set", "batch_size=1", "--jobs", 2, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {line.split()[0] for line in lines[:-1]} == {"alexnet--batch-size-1", "yolov3--batch-size-1"}
    assert re.fullmatch(r"2 rendered, 0 unchanged, 0 failed, [\d.]+ s, \d+ a minute", lines[-1])
    assert "\r" not in done.stderr
    again = hwlib("reports", "--models", "alexnet,YOLOv3", "--set", "batch_size=1", "--out", tmp_path / "out")
    assert again.stdout.startswith("0 rendered, 2 unchanged, 0 failed")
    page = (tmp_path / "out" / "alexnet--batch-size-1.html").read_text(encoding="utf-8")
    assert 'href="assets/report.css"' in page
    assert len(page) < 100_000


def test_ctrl_c_stops_cleanly_and_can_be_resumed(tmp_path):
    line, env = command("reports", "--models", ",".join(MEDIUM), "--jobs", 1, "--out", tmp_path / "out")
    driver = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    driver.stdout.readline()
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate(timeout=60)
    assert driver.returncode == 130, err
    assert "Traceback" not in err
    assert "--resume" in err
    finished = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert 1 <= len(finished["reports"]) < len(MEDIUM)
    assert not finished["run"]["finished"]
    assert not list((tmp_path / "out").glob(".*.part"))
    assert hwlib("reports", "--resume", "--jobs", 2, "--out", tmp_path / "out").returncode == 0
    assert set(rows(tmp_path / "out")) == set(MEDIUM)


BAD = {
    "unknown model": (["--models", "resnet5o"], 2, "did you mean 'resnet50'"),
    "unknown task": (["--task", "vision"], 2, "unknown task 'vision'"),
    "nothing": ([], 2, "no model is named"),
    "two ways": (["--all", "--task", "other"], 2, "give one of them"),
    "no such file": (["--params", "/nowhere.yaml"], 2, "cannot be read"),
    "unknown engine": (["--models", "alexnet", "--engine", "forks"], 2, "did you mean 'fork'"),
    "dead scheduler": (["--models", "alexnet", "--scheduler", "tcp://127.0.0.1:9"], 1, "no Dask scheduler answers at tcp://127.0.0.1:9"),
    "missing folder": (["--models", "alexnet", "--out", "/nowhere/at/all"], 1, "create it first"),
    "unknown store": (["--models", "alexnet", "--out", "s4://bucket/x"], 1, "s4://bucket/x cannot be opened"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path, kind):
    arguments, code, complaint = BAD[kind]
    out = [] if "--out" in arguments else ["--out", tmp_path / "out"]
    done = hwlib("reports", *arguments, *out)
    assert done.returncode == code, done.stderr
    assert complaint in said(done)
    assert not list(tmp_path.glob("out/*.html"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_stops_the_run_with_one_sentence_and_no_half_file(tmp_path):
    out = tmp_path / "out"
    assert hwlib("reports", "--models", "alexnet", "--out", out).returncode == 0
    line, env = command("reports", "--models", "alexnet,resnet50", "--out", out)
    limited = ["bash", "-c", 'ulimit -f 64; exec "$@"', "bash", *line]
    done = subprocess.run(limited, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "could not be written: File too large" in said(done)
    assert not (out / "resnet50.html").exists()
    assert not (out / "resnet50.json").exists()
    assert not list(out.glob(".*.part"))
    assert set(rows(out)) == {"alexnet"}


def test_two_runs_into_one_folder_do_not_mix(tmp_path):
    out = store.open_folder(tmp_path / "out")
    with out.alone():
        done = hwlib("reports", "--models", "alexnet", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "another run is writing" in said(done)


def test_a_pdf_is_printed_or_its_absence_explained(tmp_path):
    import browser

    missing = hwlib("reports", "--models", "alexnet", "--pdf", "--out", tmp_path / "out", PATH="/nowhere")
    assert missing.returncode == 2
    assert "--pdf needs a Chromium" in said(missing)
    if not browser.find_browser():
        browser.unavailable(browser.WAY_OUT)
    folder = Path(browser.find_browser()).parent
    done = hwlib("reports", "--models", "bert-base", "--pdf", "--out", tmp_path / "out", PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "bert-base.pdf").read_bytes().startswith(b"%PDF")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["reports"]["bert-base"]["files"]["bert-base.pdf"]


def test_changes_smaller_than_what_matters_are_not_told():
    best = {"device": "A", "usd_per_100k": 1.0, "usd_per_hour": None, "instance_type": None}
    before = {"metric": "usd_per_100k", "best": best, "devices": []}
    assert summary.changes(before, {**before, "best": {**best, "usd_per_100k": 1.004}}) == []
    assert summary.changes(before, {**before, "best": None}) == ["winner changed: A -> none"]
    assert summary.changes(before, {**before, "best": {**best, "usd_per_100k": 30.0}}) == ["cost × 30"]
    assert summary.changes(None, before) == []


def test_keys_change_with_all_that_decides_a_page(tmp_path):
    one, two = template(tmp_path), template(tmp_path, "1", name="other.ipynb")
    report = plan.Report("alexnet", {"model": "alexnet"})
    key = manifest.keys([report], one, False)["alexnet"]
    assert key == manifest.keys([report], one, False)["alexnet"]
    others = [
        manifest.keys([report], two, False),
        manifest.keys([report], one, True),
        manifest.keys([report._replace(parameters={"model": "yolov3"})], one, False),
    ]
    assert len({key, *(other["alexnet"] for other in others)}) == 4


def test_start_takes_one_way_to_name_models(tmp_path):
    with pytest.raises(HwlibError, match="give one of them"):
        next(start(tmp_path, models=["alexnet"], all_models=True))
