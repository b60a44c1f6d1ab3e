"""Reports on a Dask cluster and into an object store, with a real scheduler, real workers and a real S3 server on loopback."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from test_batch import hwlib, rows, run, template, wait

from hwlib.reports import batch, files, plan, store

DASK = str(Path(sys.executable).with_name("dask"))
MODELS = [f"m-{number}" for number in range(14)]


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler, and a function that starts a worker."""
    running = []

    def start(*arguments):
        # A session of its own, so that a worker can be killed with the nanny that would start it again.
        with (tmp_path / f"dask-{len(running)}.log").open("w") as log:
            running.append(subprocess.Popen([DASK, *arguments], stdout=log, stderr=log, cwd=tmp_path, start_new_session=True))
        return running[-1]

    file = tmp_path / "scheduler.json"
    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    address = json.loads(wait(lambda: file.exists() and file.read_text(encoding="utf-8")))["address"]
    yield address, lambda: start("worker", address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "60")
    for process in running:
        kill(process)


def kill(process):
    import contextlib
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_worker_that_is_killed_in_mid_run_costs_no_report(tmp_path, cluster):
    address, worker = cluster
    first, _ = worker(), worker()
    marks = tmp_path / "marks"
    marks.mkdir()
    source = f"import os, pathlib, time\npathlib.Path({str(marks)!r}, f'{{model}}-{{os.getppid()}}').touch()\ntime.sleep(0.5)"
    out = tmp_path / "out"
    reports = [plan.Report(files.slug(model), {"model": model}) for model in MODELS]
    how = batch.How(str(template(tmp_path, source)), "fork")
    _, *done = killing(batch.run(reports, out, how, scheduler=address), first)
    assert sorted(one.name for one in done) == sorted(MODELS)
    assert not any(one.fault for one in done)
    assert set(rows(out)) == set(MODELS)
    assert len({path.name.rpartition("-")[2] for path in marks.iterdir()}) == 2, "both workers took part"
    for model in MODELS:
        assert (out / f"{model}.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    left = {path.name for path in out.iterdir()}
    assert not [name for name in left if name.endswith((".part", ".failed.ipynb"))]
    assert {name for name in left if name.startswith("m-")} == {f"{model}{ending}" for model in MODELS for ending in (".html", ".json")}
    again = [plan.Report(files.slug(model), {"model": model}) for model in MODELS]
    assert next(batch.run(again, out, how)) == (len(MODELS), 0)


def killing(run, process):
    """What `run` yields; `process` is killed after the third report."""
    for number, one in enumerate(run):
        if number == 3:
            kill(process)
        yield one


def test_pages_made_on_a_cluster_are_those_made_here(tmp_path, cluster):
    address, worker = cluster
    worker()
    done = hwlib("reports", "--models", "bert-base,alexnet", "--scheduler", address, "--out", tmp_path / "there")
    assert done.returncode == 0, done.stderr
    assert hwlib("reports", "--models", "bert-base,alexnet", "--out", tmp_path / "here", "--jobs", 2).returncode == 0
    for name in ("bert-base.html", "alexnet.html", "alexnet.json", "index.html", "assets/vega.js"):
        there, here = ((tmp_path / place / name).read_text(encoding="utf-8") for place in ("there", "here"))
        assert re.sub("altair-viz-[0-9a-f]+", "", there) == re.sub("altair-viz-[0-9a-f]+", "", here)


def test_a_worker_with_other_tables_is_refused(tmp_path, cluster):
    address, worker = cluster
    (tmp_path / "own").mkdir()
    os.environ["HWLIB_DATA"], before = str(tmp_path / "own"), os.environ["HWLIB_DATA"]
    worker()
    os.environ["HWLIB_DATA"] = before
    sources = "source_id,publisher,title,licence,citation\nown,Own,Table,MIT,Own\n"
    (tmp_path / "own" / "sources.csv").write_text(sources, encoding="utf-8")
    done = hwlib("reports", "--models", "alexnet", "--scheduler", address, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "other tables" in done.stderr
    assert not (tmp_path / "out" / "alexnet.html").exists()


@pytest.fixture
def bucket(monkeypatch):
    """The address of an empty bucket of a local S3 server."""
    import s3fs
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{secrets.token_hex(4)}"
    s3fs.S3FileSystem().mkdir(name)
    yield f"s3://{name}/site"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_reports_go_to_an_object_store_and_only_what_changed_again(tmp_path, bucket):
    notebook = template(tmp_path)
    assert run(["a", "b"], bucket, notebook)[0] == (0, 2)
    folder = store.open_folder(bucket)
    fs, root = folder.fs, folder.root
    names = {name.removeprefix(f"{root}/") for name in fs.find(root)}
    assert names >= {
        "a.html",
        "a.json",
        "b.html",
        "index.html",
        "compare.html",
        "reports.json",
        "reports.js",
        "manifest.json",
        "failures.json",
    }
    assert names >= {"assets/vega.js", "assets/site.js"}
    assert run(["a", "b"], bucket, notebook)[0] == (2, 0)
    whole = fs.cat_file(f"{root}/a.html")
    fs.pipe_file(f"{root}/a.html", whole.replace(b"Hardware", b"Hardwary"))
    fs.rm_file(f"{root}/b.json")
    assert run(["a", "b"], bucket, notebook)[0] == (0, 2)
    assert fs.cat_file(f"{root}/a.html") == whole
    failing = template(tmp_path, "1 / 0", name="failing.ipynb")
    assert run(["c"], bucket, failing)[1]["c"].fault
    assert fs.exists(f"{root}/c.failed.ipynb")


def test_a_missing_bucket_is_one_sentence(bucket):
    done = hwlib("reports", "--models", "alexnet", "--out", "s3://another/site")
    assert done.returncode == 1, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("Error: s3://another/site cannot be")]
    assert "Traceback" not in done.stderr
