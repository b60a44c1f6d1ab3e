"""Estimates: physics as properties, bad questions, calibration, and figures that anybody can look up at the sources."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import hwlib as hw
from hwlib import artefact, datasheet, units
from hwlib.estimates import estimate

ADDED = ["throughput_per_s", "throughput_low", "throughput_high", "latency_ms", "basis", "extrapolation", "stack", "error", "evidence"]
MODELS = ["resnet50", "mobilenet-v2", "vit-base-patch16-224", "bert-large-seq384", "yolov3-416", "bert-large"]
DEVICES = [
    "nvidia-t4",
    "nvidia-v100-sxm2-16gb",
    "nvidia-a100-sxm4-80gb",
    "nvidia-rtx-4090",
    "intel-core-i9-10940x",
    "hailo-8",
    "nvidia-k80",
]
PRECISIONS = sorted(datasheet.RANKS)

networks = st.one_of(
    st.sampled_from(MODELS).map(lambda name: {"model_id": name}),
    st.fixed_dictionaries({"gmacs": st.floats(1e-3, 1e4), "params_m": st.floats(0.01, 1e5)}),
)
sheets = st.fixed_dictionaries(
    {"fp32_tflops": st.floats(0.1, 100), "memory_bandwidth_gb_s": st.floats(1, 1e4), "tdp_w": st.floats(1, 1e3)},
).map(lambda sheet: sheet | {"device_class": "gpu", "fp16_tflops": 4 * sheet["fp32_tflops"], "int8_tops": 8 * sheet["fp32_tflops"]})
machines = st.one_of(st.sampled_from(DEVICES).map(lambda name: {"device_id": name}), sheets)


def ask(**question):
    """Queries from columns: one row, or one for each value of a list."""
    return pd.DataFrame(question, index=range(max(len(value) if isinstance(value, list) else 1 for value in question.values())))


# Many questions an example: one call costs far more than one row.
pairs = st.lists(st.tuples(networks, machines), min_size=10, max_size=20).map(
    lambda drawn: [network | machine for network, machine in drawn]
)


def crossed(questions, column, values):
    """Every question with each of `values`, and `number`, which tells the questions apart."""
    frame = pd.DataFrame([question | {column: value} for question in questions for value in values])
    return frame, np.repeat(np.arange(len(questions)), len(values))


@settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(pairs, st.sampled_from(PRECISIONS), st.lists(st.integers(1, 4096), min_size=6, max_size=8))
def test_throughput_and_latency_rise_with_the_batch(questions, precision, batches):
    frame, number = crossed(questions, "batch_size", sorted(batches))
    for _, rows in estimate(frame.assign(precision=precision)).groupby(number):
        for column in ("throughput_per_s", "latency_ms"):
            assert (rows[column].diff().dropna() >= -1e-9 * rows[column].max()).all()


@settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(pairs, st.integers(1, 256))
def test_a_narrower_precision_is_never_slower(questions, batch):
    frame, number = crossed(questions, "precision", PRECISIONS)
    found = estimate(frame.assign(batch_size=batch))
    rates = found["throughput_per_s"].groupby([number, found["precision"].map(datasheet.RANKS)])
    fastest, slowest = rates.max().unstack(), rates.min().unstack()
    assert (fastest.to_numpy()[:, :-1] <= slowest.to_numpy()[:, 1:] * (1 + 1e-9)).all()


@settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(pairs, st.sampled_from(["fp32", "fp16", "int8"]), st.integers(1, 4096))
def test_nothing_beats_the_peak_or_the_memory(questions, precision, batch):
    found = estimate(pd.DataFrame(questions).assign(precision=precision, batch_size=batch))
    devices = hw.load_devices().set_index("device_id").reindex(found.get("device_id", pd.Series(index=found.index, dtype="str")))
    models = hw.load_models().set_index("model_id").reindex(found.get("model_id", pd.Series(index=found.index, dtype="str")))

    def stated(column, table):
        own = found[column] if column in found else pd.Series(np.nan, index=found.index)
        return own.fillna(pd.Series(table[column].to_numpy(dtype=float), index=found.index))

    assert (found["throughput_low"] > 0).all()
    assert (found["throughput_low"] <= found["throughput_per_s"]).all()
    assert (found["throughput_per_s"] <= found["throughput_high"]).all()
    peak = stated({"fp32": "fp32_tflops", "fp16": "fp16_tflops", "int8": "int8_tops"}[precision], devices)
    assert not (units.gmacs_to_tops(stated("gmacs", models), found["throughput_high"]) > peak * (1 + 1e-9)).any()
    read = stated("params_m", models) * units.MILLION * {"fp32": 4, "fp16": 2, "int8": 1}[precision] * found["throughput_high"] / batch
    assert not (read > stated("memory_bandwidth_gb_s", devices) * units.GIGA * (1 + 1e-9)).any()


def test_the_estimate_of_a_measured_cell_is_near_its_measurement():
    """timm's ResNet-50 on an RTX 3090, channels first, batch 1,024: 2,460 images a second by its file."""
    rows = hw.load_measurements("resnet50", "nvidia-rtx-3090", source_id="timm", batch_size=1024)
    measured = rows.loc[rows["variant"] == "recipe=autocast", "throughput_per_s"].item()
    found = estimate(ask(model_id="resnet50", device_id="nvidia-rtx-3090", precision="fp16", batch_size=1024, runtime="pytorch")).iloc[0]
    assert found["basis"] == "seen_both"
    assert found["throughput_per_s"] == pytest.approx(measured, rel=0.15)


def test_a_faster_sheet_gives_a_faster_device():
    slow = ask(model_id="resnet50", device_class="gpu", fp16_tflops=[20.0, 200.0], memory_bandwidth_gb_s=[200.0, 2000.0], batch_size=64)
    rates = estimate(slow.assign(precision="fp16"))["throughput_per_s"]
    assert rates[1] > 2 * rates[0]


@pytest.mark.parametrize(
    ("question", "basis"),
    [
        ({"model_id": "resnet50", "device_id": "nvidia-t4"}, "seen_both"),
        ({"gmacs": 5.0, "params_m": 20.0, "device_id": "nvidia-t4"}, "seen_device_new_model"),
        ({"model_id": "resnet50", "device_class": "gpu", "fp16_tflops": 50.0, "memory_bandwidth_gb_s": 400.0}, "seen_model_new_device"),
        ({"gmacs": 5.0, "params_m": 20.0, "device_class": "gpu", "fp16_tflops": 50.0, "memory_bandwidth_gb_s": 400.0}, "new_new"),
    ],
)
def test_the_basis_says_what_was_met(question, basis):
    found = estimate(ask(**question, precision="fp16", batch_size=8))
    assert list(found.columns) == [*question, "precision", "batch_size", *ADDED]
    assert found["basis"].item() == basis
    assert found["error"].item().startswith("typically within ")
    assert found["evidence"].item() == "estimated"
    assert found["extrapolation"].item() == ""


def test_a_sheet_without_bandwidth_is_said_and_widens_the_interval():
    sheet = {"device_class": "gpu", "fp16_tflops": 50.0, "tdp_w": 100.0}
    question = {"model_id": "resnet50", "precision": "fp16", "batch_size": 8}
    full = estimate(ask(**question, **sheet, memory_bandwidth_gb_s=400.0)).iloc[0]
    part = estimate(ask(**question, **sheet)).iloc[0]
    assert "memory_bandwidth_gb_s" in part["stack"]
    assert "not stated" not in full["stack"]
    assert part["throughput_high"] / part["throughput_low"] > full["throughput_high"] / full["throughput_low"]


def test_far_outside_the_data_the_nearest_neighbours_are_named():
    found = estimate(ask(gmacs=400.0, params_m=200_000.0, device_id="nvidia-t4", precision="fp16", batch_size=1)).iloc[0]
    assert "200,000" in found["extrapolation"] or "2e+05" in found["extrapolation"]
    assert "weights of 400 GB do not fit 16 GB" in found["extrapolation"]
    assert sum(name in found["extrapolation"] for name in hw.load_models()["model_id"]) >= 1
    tiny = estimate(ask(model_id="resnet50", device_class="npu", int8_tops=0.1, tdp_w=0.01, precision="int8", batch_size=1)).iloc[0]
    assert "0.01 W lies outside" in tiny["extrapolation"]
    assert sum(name in tiny["extrapolation"] for name in hw.load_devices()["device_id"]) >= 1


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (pd.DataFrame(), "at least one row"),
        ({"model_id": "resnet50", "device_id": "nvidia-t4"}, "batch_size is missing"),
        ({"model_id": "resnet5", "device_id": "nvidia-t4", "batch_size": 1}, "unknown model 'resnet5'; did you mean 'resnet50'"),
        ({"model_id": "resnet50", "device_id": "nvidia-t44", "batch_size": 1}, "unknown device 'nvidia-t44'; did you mean 'nvidia-t4'"),
        ({"model_id": "resnet50", "device_id": "nvidia-t4", "batchsize": 1, "batch_size": 1}, "'batchsize'; did you mean 'batch_size'"),
        ({"gmacs": -1.0, "device_id": "nvidia-t4", "batch_size": 1}, "row 0, column gmacs: -1.0; expected a number over 0"),
        ({"gmacs": [1.0, np.inf], "device_id": "nvidia-t4", "batch_size": 1}, "row 1, column gmacs: inf"),
        ({"params_m": 5.0, "device_id": "nvidia-t4", "batch_size": 1}, "column gmacs: nothing states"),
        ({"model_id": "resnet50", "device_id": "nvidia-t4", "batch_size": np.nan}, "row 0, column batch_size: nan"),
        ({"model_id": "resnet50", "device_id": "nvidia-t4", "batch_size": 1.5}, "batch_size: 1.5; expected a whole number"),
        ({"model_id": "resnet50", "device_id": "nvidia-t4", "batch_size": 1, "precision": "fp17"}, "unknown precision 'fp17'"),
        ({"model_id": "resnet50", "device_id": "nvidia-t4", "batch_size": 1, "runtime": "tensort"}, "did you mean 'tensorrt'"),
        ({"model_id": "resnet50", "batch_size": 1}, "column device_class: give device_id"),
        ({"model_id": "resnet50", "device_class": "gpu", "batch_size": 1}, "data sheet is empty; give one of fp32_tflops"),
    ],
)
def test_a_bad_question_is_named(question, message):
    frame = question if isinstance(question, pd.DataFrame) else pd.DataFrame(question, index=range(2 if message.startswith("row 1") else 1))
    with pytest.raises(hw.HwlibError, match=re.escape(message)):
        estimate(frame)


def test_one_measurement_moves_the_network_on_other_devices_and_no_other_network():
    network = {"gmacs": 5.0, "params_m": 20.0, "precision": "fp16", "batch_size": 8}
    queries = pd.DataFrame([network | {"device_id": name} for name in ("nvidia-t4", "nvidia-a30", "intel-core-i9-10940x")])
    queries = pd.concat([queries, queries.assign(gmacs=6.0)], ignore_index=True)
    before = estimate(queries)["throughput_per_s"]
    half = queries.head(1).assign(throughput_per_s=before[0] / 2)
    after = estimate(queries, calibrate_with=half)
    ratio = (after["throughput_per_s"] / before).to_numpy()
    assert ratio[0] == pytest.approx(0.5, rel=0.1)
    assert ratio[0] < ratio[1] < ratio[2] < 1
    assert ratio[3:] == pytest.approx(1)


def test_a_calibration_that_helps_nothing_is_refused():
    queries = ask(gmacs=5.0, device_id="nvidia-t4", batch_size=1)
    with pytest.raises(hw.HwlibError, match="queries ask nothing of network"):
        estimate(queries, calibrate_with=queries.assign(gmacs=6.0, throughput_per_s=10.0))
    with pytest.raises(hw.HwlibError, match="throughput_per_s"):
        estimate(queries, calibrate_with=queries)
    with pytest.raises(hw.HwlibError, match=r"row 0, column throughput_per_s: -1\.0"):
        estimate(queries, calibrate_with=queries.assign(throughput_per_s=-1.0))


def test_order_and_company_of_the_queries_change_nothing():
    queries = pd.DataFrame([{"model_id": m, "device_id": d, "batch_size": b} for m in MODELS for d in DEVICES[:4] for b in (1, 16)])
    whole = estimate(queries)["throughput_per_s"]
    shuffled = queries.sample(frac=1, random_state=1)
    assert estimate(shuffled)["throughput_per_s"].sort_index().to_numpy() == pytest.approx(whole.to_numpy())
    assert estimate(queries.iloc[[7]])["throughput_per_s"].item() == pytest.approx(whole[7])


def test_estimating_needs_no_scikit_learn():
    code = (
        "import sys, pandas as pd; from hwlib.estimates import estimate; "
        "estimate(pd.DataFrame({'model_id': ['resnet50'], 'device_id': ['nvidia-t4'], 'batch_size': [1]})); "
        "sys.exit('sklearn' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_fitted_arrays_are_small_plain_and_of_these_tables(root):
    path = root / "data" / artefact.FILE
    assert path.stat().st_size < 3 * units.MILLION
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
    assert artefact.load()["stamp"][0] == artefact.stamp_of(root / "data"), "the tables or the fit changed: `hwlib data fit`"


def test_a_damaged_file_of_arrays_is_named(tmp_path):
    (tmp_path / "estimator.npz").write_bytes(b"nothing")
    with pytest.raises(hw.HwlibError, match=r"estimator\.npz: cannot be read"):
        artefact.load(tmp_path / "estimator.npz")
