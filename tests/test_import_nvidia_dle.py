"""NVIDIA's example tables: golden rows, units, runtimes, flags, the one correction, and faults."""

import pytest

from hwlib import columns, schema
from hwlib.errors import HwlibError
from hwlib.importers import nvidia_dle

T4_PAGE = "PyTorch/Classification/ConvNets/resnet50v1.5/README.md"
BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
FP32 = [98, 186, 325, 363, 409, 420, 428, 426, 415]
AMP = [79, 156, 317, 652, 1_050, 1_128, 1_165, 1_190, 1_198]


@pytest.fixture(scope="module")
def rows(sources):
    return nvidia_dle.read(sources / nvidia_dle.FOLDER)["measurements"]


@pytest.fixture
def altered(sources, tmp_path):
    """A function that copies the file with one text replaced, and gives its folder."""

    def copy(old, new):
        text = (sources / nvidia_dle.FOLDER / nvidia_dle.FILE).read_text(encoding="utf-8")
        assert old in text
        (tmp_path / nvidia_dle.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return copy


def flagged(rows, flag):
    return rows[rows["quality_flag"].fillna("").str.split(";").map(lambda flags: flag in flags)]


def test_every_row_is_there_and_keeps_to_the_schema(rows):
    assert len(rows) == 4_536
    assert set(schema.conform(rows, "measurements")["tuning"].dropna()) == set(schema.TUNINGS)
    flags = {flag for cell in rows["quality_flag"].dropna() for flag in cell.split(";")}
    assert flags <= set(columns.QUALITY_FLAGS)


@pytest.mark.parametrize(("precision", "images_per_s"), [("fp32", FP32), ("fp16", AMP)])
def test_batch_sweep_of_resnet50_on_the_t4(rows, precision, images_per_s):
    sweep = rows[(rows["device_name"] == "T4") & (rows["precision"] == precision) & rows["source_ref"].str.startswith(T4_PAGE)]
    sweep = sweep.sort_values("batch_size")
    assert sweep["batch_size"].tolist() == BATCHES
    assert sweep["throughput_per_s"].tolist() == images_per_s
    assert set(sweep["runtime"]) == {"pytorch"}
    assert set(sweep["tuning"]) == {"eager"}
    assert set(sweep["scenario"]) == {"batch_loop"}
    assert sweep["variant"].str.contains("recipe=amp").all() == (precision == "fp16")


def test_the_place_in_the_source(rows):
    row = rows[rows["source_ref"] == f"{T4_PAGE}#L662"]
    assert row[["throughput_per_s", "latency_ms_mean", "latency_ms_p95", "latency_ms_p99"]].to_numpy()[0, :3].tolist() == [98, 10.7, 12.82]


@pytest.mark.parametrize(
    ("framework", "runtime", "stack"),
    [
        ("PyTorch", "native", ("pytorch", "eager")),
        ("TensorFlow 1.x", "native", ("tensorflow", "graph")),
        ("MXNet", "native", ("mxnet", "graph")),
        ("TensorFlow 2.x", "native+XLA", ("tensorflow", "compiled")),
        ("PyTorch", "TorchScript", ("torchscript", "graph")),
        ("PaddlePaddle", "Paddle-TRT", ("paddle-trt", "engine")),
        ("TensorFlow 1.x", "Triton/TF-TRT", ("triton-tf-trt", "engine")),
        ("PyTorch", "Triton/ONNX Runtime", ("triton-onnx-runtime", "graph")),
        ("PyTorch", "Triton/ONNX Runtime+TensorRT", ("triton-onnx-runtime-tensorrt", "engine")),
    ],
)
def test_runtimes(framework, runtime, stack):
    assert nvidia_dle._stack(framework, runtime) == stack


def test_units_are_counted_a_second(rows):
    ncf = rows[(rows["model_name"] == "NCF") & (rows["source_ref"] == "TensorFlow/Recommendation/NCF/README.md#L501")]
    assert ncf["throughput_per_s"].tolist() == [790_000]
    molecules = rows[rows["model_name"] == "SE3Transformer"]
    # A batch took about as long as its rate says (the mean includes slow first calls), so the rate is a second's.
    done = molecules["throughput_per_s"] * molecules["latency_ms_mean"] / 1_000 / molecules["batch_size"]
    assert done.between(1.0, 1.36).all()
    assert rows.groupby("throughput_unit").size().to_dict() == {"samples": 4_150, "tokens": 247, "audio_samples": 121, "frames": 18}


def test_bart_took_as_long_as_its_rate_says(rows):
    bart = rows[rows["model_name"].str.startswith("BART")]
    # The printed milliseconds are seconds; the source has converted them: batch / rate is the latency in ms.
    assert (bart["batch_size"] / bart["throughput_per_s"] * 1_000 / bart["latency_ms_mean"]).between(0.97, 1.03).all()
    assert bart["latency_ms_mean"].iloc[0] == 280
    assert set(bart["precision"]) == {"bf16"}


def test_what_changes_the_work_is_in_the_name(rows):
    assert {"BERT-Large seq=384", "BERT-Large seq=128", "GNMT v2 beam=5", "efficientnet-b4 res=380x380"} <= set(rows["model_name"])
    assert not rows["model_name"].str.contains("SQuAD|instances|graph|top1|MACs").any()
    gpunet = rows[rows["accuracy_value"].notna() & (rows["model_name"] == "GPUNet-0")]
    assert set(gpunet["accuracy_value"]) == {78.9}
    assert set(gpunet["accuracy_metric"]) == {"top1_percent"}


def test_flags(rows):
    counts = {flag: len(flagged(rows, flag)) for flag in columns.QUALITY_FLAGS}
    assert {flag: count for flag, count in counts.items() if count} == {
        "third_party": 54,
        "relative_only": 32,
        "latency_unordered": 4,
        "latency_corrected": 1,
        "throughput_latency_mismatch": 15,
        "count_unstated": 60,
        "repeated_upstream": 2,
        "device_unstated": 6,
    }
    assert flagged(rows, "count_unstated")["device_count"].isna().all()
    assert flagged(rows, "device_unstated")["device_name"].isna().all()
    third = flagged(rows, "third_party")
    assert third["batch_size"].isna().all()
    assert third["precision"].isna().all()


def test_the_t4_percentile_without_its_point(rows):
    row = flagged(rows, "latency_corrected").iloc[0]
    assert row["device_name"] == "T4 16GB"
    assert row["latency_ms_p95"] == 17.89
    assert row["latency_ms_p90"] < row["latency_ms_p95"] < row["latency_ms_p99"]


def test_percentiles_out_of_order_are_flagged(rows):
    # Some tables round the mean away from its neighbours; only the percentiles must climb.
    steps = rows[["latency_ms_p50", "latency_ms_p90", "latency_ms_p95", "latency_ms_p99"]].ffill(axis=1).diff(axis=1)
    unordered = rows[(steps < 0).any(axis=1)]
    assert set(unordered.index) == set(flagged(rows, "latency_unordered").index)


def test_rows_without_a_rate_keep_their_latency(rows):
    silent = rows[rows["throughput_per_s"].isna()]
    assert len(silent) == 163
    assert silent[["latency_ms_mean", "latency_ms_p50", "latency_ms_p95"]].notna().any(axis=1).all()


def test_sockets_and_token_budgets(rows):
    xeon = rows[rows["device_name"].fillna("").str.startswith("CPU: 2x Xeon")]
    assert len(xeon) == 18
    assert set(xeon["device_count"]) == {2}
    budget = rows[rows["variant"].str.contains("token_budget")]
    assert set(budget["variant"]) == {"framework=PyTorch;token_budget=10240"}
    assert budget["batch_size"].isna().all()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",681773,", ",fast,", "inference.csv, line 2, column throughput: expected a number of at least 0, found 'fast'"),
        (",audio samples/s,", ",furlongs/s,", "inference.csv, line 2, column throughput_unit: 'furlongs/s'"),
        (",1789,", ",17.89,", "README.md line 810, column latency_ms_p95: expected 1789 to correct"),
        ("throughput_unit,", "unit,", "line 1: missing column throughput_unit"),
        ("realtime I/O=yes", "real time", "'real time'"),
    ],
)
def test_faults_are_named(altered, old, new, said):
    with pytest.raises(HwlibError, match=said):
        nvidia_dle.read(altered(old, new))
