"""`hwlib measure` from end to end on small networks: rows that keep to the schema, that add up, and that `decide` and reports use."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
import pandas as pd
import pytest
from perf.networks import Builder, lstm
from test_cli import COMMAND

import hwlib as hw
from hwlib import HwlibError, check, data, measuring, schema
from hwlib.measuring import loadgen, meters, session

IMAGE = {"image": (onnx.TensorProto.FLOAT, ["batch", 3, 16, 16])}
BURN = "import time; end = time.time() + 60\nwhile time.time() < end: pass"


def small(classes=4):
    """A convolution, a pool and a classifier on images of 16 by 16."""
    b = Builder()
    x = b.node("GlobalAveragePool", [b.node("Relu", [b.norm(b.conv("image", 3, 8, 3), 8)])])
    return b.model(IMAGE, {b.dense(b.node("Flatten", [x]), 8, classes): 2})


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "small.onnx"
    onnx.save(small(), path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of the user's own, in force."""
    own = tmp_path / "own"
    monkeypatch.setenv("HWLIB_DATA", str(own))
    data.load.cache_clear()
    yield own
    data.load.cache_clear()


@pytest.fixture(scope="module")
def measured(network, tmp_path_factory):
    """A session over both runtimes, two batch sizes and two precisions, and the user's folder with its rows."""
    own = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWLIB_DATA", str(own))
        data.load.cache_clear()
        steps = []
        both = {"precisions": ("fp32", "int8"), "batch_sizes": (1, 4)}
        done = session.run(network, seconds=0.1, progress=lambda *step: steps.append(step), **both)
    data.load.cache_clear()
    return done, own, steps


def test_every_combination_gives_a_row_that_keeps_to_the_schema(measured):
    rows = measured[0].rows
    schema.validate(rows, "measurements")
    groups = rows.groupby(["runtime", "precision", "batch_size"])["scenario"].apply(sorted)
    assert len(groups) == 8
    assert all(words == ["batch_loop", "offline", "single_stream"] for words in groups.xs(1, level="batch_size"))
    assert all(words == ["batch_loop", "offline"] for words in groups.xs(4, level="batch_size"))
    assert set(rows["evidence"]) == {"own"}


def test_one_call_at_a_time_obeys_littles_law(measured):
    rows = measured[0].rows.query("scenario == 'batch_loop'")
    in_flight = rows["throughput_per_s"] * rows["latency_ms_mean"] / 1_000 / rows["batch_size"].astype(float)
    # What LoadGen needs between two calls is not in the latency, so it is at most one call, but that the rate leaves out the last call.
    assert (in_flight <= 1.3).all(), in_flight
    assert (in_flight > 0).all(), in_flight


def test_percentiles_rise_and_need_calls_behind_them(measured):
    rows = measured[0].rows.query("scenario != 'offline'")
    percentiles = rows[[f"latency_ms_p{p}" for p in (50, 90, 95, 99)]]
    assert (percentiles.diff(axis=1).iloc[:, 1:].fillna(0) >= 0).all(axis=None)
    assert measured[0].rows.query("scenario == 'offline'")["latency_ms_p50"].isna().all()


def test_rows_of_one_run_share_a_group_and_a_figure(measured):
    rows = measured[0].rows
    shared = rows[rows["log_group"].notna()]
    assert set(shared["scenario"]) == {"single_stream", "batch_loop"}
    assert (shared.groupby("log_group")["throughput_per_s"].nunique() == 1).all()
    assert (shared.groupby("log_group").size() == 2).all()


def test_int8_says_what_was_done_to_it_and_that_accuracy_was_not_looked_at(measured):
    variants = measured[0].rows.query("precision == 'int8' and scenario == 'offline'")["variant"]
    assert variants.str.contains("quantisation=static_qdq;calibration=random;weight_bits=").all()
    assert variants.str.endswith("accuracy_check=not evaluated").all()


def test_every_row_tells_how_it_was_measured_and_on_what(measured):
    rows = measured[0].rows
    told = rows["source_ref"]
    assert told.str.match(
        r"small\.onnx [0-9a-f]{12}; LoadGen [\d.]+: 5 runs of 0\.02 s; coefficient of variation \d\.\d{3}; others took"
    ).all()
    assert rows["system"].str.contains(r"\d+ cores, \d+ threads, [\d.]+ GB").all()
    assert rows["runtime_version"].notna().all()


def test_the_variation_over_five_runs_is_said(measured):
    least, most = re.fullmatch(r"Coefficient of variation over 5 runs: ([\d.]+)% to ([\d.]+)%\.", measured[0].variation).groups()
    told = measured[0].rows["source_ref"].str.extract(r"coefficient of variation ([\d.]+)")[0].astype(float)
    assert [told.min(), told.max()] == pytest.approx([float(least) / 100, float(most) / 100], abs=0.0011)


def test_energy_is_a_meters_or_not_there(measured):
    rows = measured[0].rows
    assert rows["power_w"].notna().all() == bool(meters.rapl())


def test_progress_counts_up_to_all(measured):
    steps = measured[2]
    assert [done for done, _, _ in steps] == list(range(17))
    assert {total for _, total, _ in steps} == {16}


def test_the_network_is_known_from_then_on(measured, monkeypatch):
    monkeypatch.setenv("HWLIB_DATA", str(measured[1]))
    data.load.cache_clear()
    try:
        decision = hw.decide("my-small", priority="throughput")
        assert decision.best["evidence"] == "own"
        assert decision.best["throughput_per_s"] == measured[0].rows["throughput_per_s"].max()
        check.check_references({name: data.load(name) for name in schema.TABLES})
        assert hw.trace(measured[0].rows["measurement_id"].iloc[0])["source"]["publisher"] == "you"
        lines = hw.guard.batch_series(hw.load_measurements("my-small"))
        assert set(lines["batch_size"]) == {1, 4}
    finally:
        data.load.cache_clear()


def test_its_report_is_written(measured, tmp_path):
    done = subprocess.run(
        [COMMAND, "report", "my-small", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HWLIB_DATA": str(measured[1])},
    )
    assert done.returncode == 0, done.stderr
    assert "small" in (tmp_path / "my-small.html").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_rows_alone_can_go_into_a_file(network, folder, tmp_path):
    rows = measuring.measure(network, runtimes=["onnxruntime"], scenarios=["offline"], seconds=0.1, out=tmp_path / "rows.csv")
    assert list(rows.columns) == schema.MEASUREMENTS.names
    assert len(pd.read_csv(tmp_path / "rows.csv")) == 1
    assert not folder.exists()


def test_a_labelled_sample_gives_an_accuracy(network, folder, tmp_path):
    images = np.random.default_rng(1).standard_normal((40, 3, 16, 16), dtype="float32")
    scores = onnxruntime.InferenceSession(network).run(None, {"image": images})[0]
    labels = scores.argmax(axis=1)
    labels[:10] = (labels[:10] + 1) % 4
    np.savez(tmp_path / "sample.npz", image=images, labels=labels)
    np.savez(tmp_path / "calibration.npz", image=images[:8])
    done = session.run(
        network,
        precisions=["fp32", "int8"],
        scenarios=["offline"],
        seconds=0.1,
        labelled=tmp_path / "sample.npz",
        calibration=tmp_path / "calibration.npz",
    )
    rows = done.rows.set_index(["runtime", "precision"])
    assert set(rows["accuracy_metric"]) == {"top1_percent"}
    assert rows.xs("fp32", level="precision")["accuracy_value"].tolist() == [75.0, 75.0]
    assert rows["variant"].str.contains("calibration=given;.*accuracy_check=given sample", na=False).tolist() == [False, True, False, True]


def test_a_server_is_held_to_its_limit(network, folder):
    rows = session.run(network, scenarios=["server"], runtimes=["onnxruntime"], batch_sizes=[4], seconds=0.2, latency_ms=500.0).rows
    assert rows["latency_ms_p50"].item() <= rows["latency_ms_p90"].item() <= 500
    assert rows["variant"].item() == "latency_limit_ms=500"
    with pytest.raises(HwlibError, match=r"no rate .* within 1e-06 ms; allow more with --latency-ms"):
        session.run(network, scenarios=["server"], runtimes=["onnxruntime"], seconds=0.1, latency_ms=1e-6)


def test_a_machine_made_busy_on_purpose_is_noticed(network, folder):
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(os.cpu_count())]
    try:
        done = session.run(network, scenarios=["offline"], runtimes=["onnxruntime"], seconds=0.5)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert "busy_machine" in done.rows["quality_flag"].item()
    assert any("Other programs took up to" in note for note in done.notes)


def test_own_work_is_not_taken_for_that_of_others():
    start = meters.Reading(0.0, (), 100.0, 50.0, 0.0, 4)
    assert meters.between(start, start._replace(time_s=10.0, busy_s=140.0, own_s=90.0)).others == 0
    assert meters.between(start, start._replace(time_s=10.0, busy_s=140.0, own_s=80.0)).others == 0.25
    assert meters.between(start, start._replace(time_s=10.0, stolen_s=20.0)).others == 0.5


def test_energy_of_a_processor_is_read_from_its_counter(tmp_path):
    for name, microjoules in (("intel-rapl:0", 90_000_000), ("intel-rapl:1", 10_000_000), ("intel-rapl:0:0", 5)):
        package = tmp_path / name
        package.mkdir()
        (package / "energy_uj").write_text(f"{microjoules}\n")
        (package / "max_energy_range_uj").write_text("100000000\n")
        (package / "constraint_0_power_limit_uw").write_text("65000000\n")
    before = meters.rapl(tmp_path)
    assert before == ((90.0, 100.0), (10.0, 100.0))
    assert meters.rapl_limit_w(tmp_path) == 130.0
    # The first counter has run over and begun again.
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("20000000")
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("40000000")
    start = meters.Reading(0.0, before, 0.0, 0.0, 0.0, 1)
    assert meters.between(start, start._replace(time_s=2.0, joules=meters.rapl(tmp_path))).power_w == 30.0
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert meters.rapl(tmp_path) == ()


def test_ctrl_c_keeps_what_is_done(tmp_path):
    onnx.save(lstm(), tmp_path / "net.onnx")
    own = tmp_path / "own"
    words = ["measure", tmp_path / "net.onnx", "--runtime", "onnxruntime", "--batch-sizes", "1,2,4,8", "--seconds", "2"]
    screen, theirs = os.openpty()
    process = subprocess.Popen([COMMAND, *words], stdout=subprocess.PIPE, stderr=theirs, env=os.environ | {"HWLIB_DATA": str(own)})
    os.close(theirs)
    said = ""
    while "1/8" not in said:
        said += os.read(screen, 1_000).decode()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    said += os.read(screen, 10_000).decode()
    assert process.returncode == 130, said
    assert "Stopped after 1 of 8 figures; what was done is kept." in said
    rows = pd.concat([pd.read_csv(path) for path in (own / "measurements").glob("*.csv")])
    assert rows["scenario"].tolist() == ["single_stream", "batch_loop"]


def test_half_precision_that_is_only_stored_is_not_called_so(folder, tmp_path):
    b = Builder()
    x = b.node("Cast", [b.node("MatMul", ["x", b.array(np.ones((8, 4)), "float16")])], to=onnx.TensorProto.FLOAT)
    onnx.save(b.model({"x": (onnx.TensorProto.FLOAT16, ["batch", 8])}, {x: 2}), tmp_path / "half.onnx")
    rows = session.run(tmp_path / "half.onnx", scenarios=["offline"], seconds=0.1).rows.set_index("runtime")
    assert pd.isna(rows.loc["onnxruntime", "precision"])
    assert pd.isna(rows.loc["openvino", "precision"]) or "FP16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def test_another_network_of_the_same_name_is_refused(network, folder, tmp_path):
    quick = {"runtimes": ["onnxruntime"], "scenarios": ["offline"], "seconds": 0.1}
    first = session.run(network, **quick)
    again = session.run(network, **quick)
    assert len(hw.load_measurements("my-small")) == 2
    assert not set(first.rows["measurement_id"]) & set(again.rows["measurement_id"])
    other = tmp_path / "small.onnx"
    onnx.save(small(classes=100), other)
    with pytest.raises(HwlibError, match=r"my-small is already a network of .*--name"):
        session.run(other, **quick)
    session.run(other, name="second", **quick)
    assert set(hw.load_models()["model_id"]) >= {"my-small", "my-second"}


@pytest.mark.parametrize(("seconds", "expected_s", "together"), [(0.05, 0.01, 16), (0.05, 0.001, 16), (0.05, 1.0, 3), (0.02, 0.001, 1)])
def test_offline_hands_over_whole_batches_only(seconds, expected_s, together):
    handed = []
    loadgen.run("offline", lambda samples: handed.append(len(samples)), seconds, expected_s=expected_s, together=together)
    assert len(handed) == 1
    assert handed[0] % together == 0
    assert handed[0] * expected_s >= seconds
