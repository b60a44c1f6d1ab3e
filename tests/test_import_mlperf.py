"""MLPerf importer: golden figures of the round files, and checks against what the files say a second time."""

import json

import pandas as pd
import pytest

from hwlib import columns, schema
from hwlib.errors import HwlibError
from hwlib.importers import mlperf

ROWS = dict(zip(mlperf.ROUNDS, (593, 1205, 1994, 1814, 3918, 5395, 7283, 937, 1449), strict=True))
PERCENTILES = [f"latency_ms_p{n}" for n in (50, 90, 95, 99)]


@pytest.fixture(scope="module")
def folder(sources):
    return sources / mlperf.FOLDER


@pytest.fixture(scope="module")
def rows(folder):
    return mlperf.read(folder)["measurements"]


@pytest.fixture(scope="module")
def upstream(folder):
    return pd.concat([pd.read_csv(folder / f"{name}.csv", low_memory=False) for name in ROWS], ignore_index=True)


def pick(rows, source, system, scenario="Offline", model="resnet50", column="throughput_per_s"):
    """The one closed figure of NVIDIA's in `source` for a system folder."""
    hit = rows["source_ref"].str.endswith(f"closed/NVIDIA/results/{system}/{model}/{scenario}")
    found = rows.loc[hit & (rows["source_id"] == f"mlperf-{source}"), column]
    assert len(found) == 1
    return found.iloc[0]


def test_every_row_of_every_round(rows):
    assert rows.groupby("source_id").size().to_dict() == {f"mlperf-{name}": n for name, n in ROWS.items()}
    assert not rows.duplicated(["source_id", "source_ref"]).any()


def test_rows_keep_to_the_schema(rows):
    full = rows.assign(measurement_id=[str(n) for n in range(len(rows))], model_id="any")
    schema.validate(schema.conform(full, "measurements"), "measurements")
    assert set(rows["quality_flag"].dropna().str.split(";").explode()) <= set(columns.QUALITY_FLAGS)


A100_T4, A100, H100 = "DGX-A100_A100-SXM4x1_TRT", "DGX-A100_A100-SXM-80GBx1_TRT", "DGX-H100_H100-SXM-80GBx1_TRT"
EIGHT_A100 = "DGX-A100_A100-SXM-80GBx8_TRT"
MAXQ = ("A100-PCIex8_TRT_MaxQ", "DGX-A100_A100-SXM-80GBx8_TRT_MaxQ")
RATIOS = [
    ("v0.7", "resnet50", A100_T4, "T4x1_TRT", 6.21),
    ("v0.7", "resnet50", "A100-PCIex1_TRT", "T4x1_TRT", 5.30),
    ("v0.7", "resnet50", "T4x20_TRT", "T4x1_TRT", 20 * 1.007),
    ("v1.0", "resnet50", MAXQ[1], EIGHT_A100, 0.888),
    ("v3.0", "resnet50", H100, A100, 2.17),
    ("v3.0", "bert-99", H100, A100, 2.61),
    ("v3.0", "retinanet", H100, A100, 2.03),
    ("v3.0", "3d-unet-99", H100, A100, 1.79),
    ("v3.0", "rnnt", H100, A100, 1.64),
    ("v3.0", "resnet50", "H100-PCIe-80GBx1_TRT", H100, 0.62),
    ("v3.0", "resnet50", "L4x1_TRT", "A100-PCIe-80GBx1_TRT", 0.34),
]


@pytest.mark.parametrize(("source", "model", "system", "base", "ratio"), RATIOS)
def test_published_ratios(rows, source, model, system, base, ratio):
    found = pick(rows, source, system, model=model) / pick(rows, source, base, model=model)
    assert found == pytest.approx(ratio, abs=0.005 if ratio < 10 else 0.01)


def test_published_figures(rows):
    assert (pick(rows, "v0.7", A100_T4), pick(rows, "v0.7", "T4x1_TRT")) == (37479.5, 6035.57)
    assert pick(rows, "v1.0", EIGHT_A100) == 304876
    assert pick(rows, "v1.0", EIGHT_A100, "Server") == 259993.64
    assert pick(rows, "v1.0", f"{EIGHT_A100}_Triton", "Server") == 179985.89
    assert pick(rows, "v1.0", f"{EIGHT_A100}_Triton", "Server", column="variant") == "server=triton"
    slices = 7 * pick(rows, "v1.0", "DGX-A100_A100-SXM-80GB-MIG_1x1g.10gb_TRT")
    assert slices / pick(rows, "v1.0", f"{A100}_datacenter") == pytest.approx(0.952, abs=0.0005)
    assert pick(rows, "v3.0", "L4x1_TRT") == 13157.8
    assert pick(rows, "v3.0", "L4x1_TRT", column="availability") == "preview"


def test_preview_h100_and_the_price_of_accuracy_in_v21(rows):
    v21 = rows[(rows["source_id"] == "mlperf-v2.1") & (rows["submitter"] == "NVIDIA") & (rows["scenario"] == "offline")]
    v21 = v21[v21["model_name"].str.startswith("bert")]
    preview = v21[v21["device_name"].str.startswith("NVIDIA H100")]
    h100 = preview.set_index("variant")["throughput_per_s"]
    a100 = v21[v21["system"] == "NVIDIA DGX A100 (1x A100-SXM-80GB, TensorRT)"].set_index("variant")["throughput_per_s"]
    found = [*(h100 / a100), a100["accuracy=99"] / a100["accuracy=99.9"], h100["accuracy=99"] / h100["accuracy=99.9"]]
    assert found == pytest.approx([2.36, 4.51, 2.02, 1.06], abs=0.005)
    assert set(preview["availability"]) == {"preview"}


def test_cpu_baselines_in_v10(rows):
    cpus = rows[(rows["source_id"] == "mlperf-v1.0") & (rows["submitter"] == "NVIDIA") & (rows["runtime"] == "openvino")]
    cpus = cpus[(cpus["scenario"] == "offline") & (cpus["model_name"] == "resnet50")].set_index("device_name")
    assert cpus[["device_count", "throughput_per_s"]].T.to_dict("list") == {
        "Intel(R) Xeon(R) Gold 6258R CPU @ 2.70GHz": [2, 2673.09],
        "Intel(R) Xeon(R) Platinum 8380H CPU @ 2.90GHz": [4, 5763.35],
    }


def test_low_power_mode_saves_power(rows):
    pcie, sxm = (pick(rows, "v1.0", box) / pick(rows, "v1.0", box, column="power_w") for box in MAXQ)
    assert pcie > sxm > 70
    assert pick(rows, "v1.0", MAXQ[1], column="variant") == "power_mode=maxq"


@pytest.mark.parametrize(
    ("device", "offline", "interactive"),
    [
        ("NVIDIA B200-SXM-180GB", 12864, 7856),
        ("NVIDIA H200-SXM-141GB", 4415, 2885),
        ("AMD Instinct MI325X 256GB HBM3e", 4319, 2356),
        ("AMD Instinct MI300X 192GB HBM3", 3482, 1105),
    ],
)
def test_best_llama2_70b_per_gpu_in_v51(rows, device, offline, interactive):
    same = rows[(rows["source_id"] == "mlperf-v5.1") & (rows["model_name"] == "llama2-70b-99") & (rows["division"] == "closed")]
    same = same[(same["device_name"] == device) & (same["device_count"] == 8)]
    best = (same["throughput_per_s"] / same["device_count"]).groupby(same["scenario"]).max().round()
    assert (best["offline"], best["interactive"]) == (offline, interactive)
    assert set(same["throughput_unit"]) == {"tokens"}


def test_official_summary_of_v51_agrees(rows, folder):
    official = pd.DataFrame(json.loads((folder / "summary_results_v5.1.json").read_text(encoding="utf-8")))
    both = rows.merge(official.assign(source_ref=official["ID"] + " " + official["Location"]), on="source_ref")
    both = both[~((both["model_name"] == "pointpainting") & (both["scenario"] == "single_stream"))]
    assert len(both) == 1446
    ours = both["latency_ms_p90"].where(both["scenario"] == "single_stream", both["latency_ms_p99"])
    ours = both["throughput_per_s"].where(both["scenario"].isin(["offline", "server", "interactive"]), ours)
    assert ((ours / both["Performance_Result"] - 1).abs() < 0.001).all()
    cards = pd.to_numeric(both["a#"]).fillna(0) * both["Nodes"]
    assert (both["device_count"] == cards)[cards > 0].all()
    assert (rows["source_id"].eq("mlperf-v5.1") & rows["power_w"].notna()).sum() == both["Power_Result"].notna().sum() == 24


def test_latencies_are_positive_and_ordered_or_flagged(rows):
    latencies = rows[["latency_ms_mean", *PERCENTILES]]
    assert (latencies.isna() | (latencies > 0)).all(axis=None)
    unordered = (rows[PERCENTILES].diff(axis=1) < 0).any(axis=1)
    assert (unordered == rows["quality_flag"].str.contains("latency_unordered", na=False)).all()
    assert unordered.sum() == 2


def test_single_stream_carries_the_official_p90(rows, upstream):
    single = (upstream["scenario"] == "SingleStream") & (upstream["model"] != "pointpainting")
    assert (rows["latency_ms_p90"] == upstream["result"])[single].all()
    assert (rows["throughput_per_s"] * rows["latency_ms_mean"] / 1000)[single].between(0.95, 1.05).all()
    assert set(rows.loc[(rows["scenario"] == "single_stream") & ~single, "latency_ms_p90"]) == {431.113}


def test_multi_stream_holds_eight_samples_or_a_fixed_rate(rows):
    logged = rows[(rows["scenario"] == "multi_stream") & rows["latency_ms_mean"].notna()]
    assert len(logged) == 313
    assert (logged["throughput_per_s"] * logged["latency_ms_mean"] / 1000).between(7.9, 8.1).all()
    fixed = rows[rows["scenario"] == "multi_stream_fixed_rate"]
    assert (len(fixed), fixed["batch_size"].iloc[0]) == (71, 2692)
    assert fixed[["throughput_per_s", *PERCENTILES]].isna().all(axis=None)


def test_offline_and_inferred_rows_borrow_no_latency(rows):
    inferred, multi = rows["quality_flag"].str.contains("inferred", na=False), rows["scenario"] == "multi_stream"
    assert rows.loc[inferred | (rows["scenario"] == "offline"), ["latency_ms_mean", *PERCENTILES[:3]]].isna().all(axis=None)
    assert (rows["latency_ms_p99"].notna() == multi)[inferred].all()
    assert rows.loc[inferred & multi, "throughput_per_s"].isna().all()


def test_whisper_is_counted_in_tokens(rows, upstream):
    tokens = (rows["throughput_unit"] == "tokens") & (rows["throughput_per_s"] == upstream["tokens_per_s"])
    assert tokens[upstream["model"] == "whisper"].sum() == 37


def test_power_agrees_with_the_energy_per_query(rows, upstream):
    single = (rows["scenario"] == "single_stream") & upstream["energy_per_query_mj"].notna()
    ratio = (rows["power_w"] / rows["throughput_per_s"] * 1000 / upstream["energy_per_query_mj"])[single]
    assert (len(ratio), rows["power_w"].notna().sum()) == (2318, 8483)
    assert ratio.median() == pytest.approx(1, abs=0.005)
    assert (rows["power_boundary"].eq("system") == rows["power_w"].notna()).all()


def test_wrongly_described_boards_are_named_by_their_folder(rows):
    mended = rows[rows["quality_flag"].str.contains("device_corrected", na=False)]
    assert mended.groupby("device_name").size().to_dict() == {
        "Amlogic S922X (12nm): Arm Cortex-A73 MP4 (big); Arm Cortex-A53 MP2 (LITTLE)": 564,
        "Arm Mali-G52 MP6 GPU": 282,
        "BCM2837 Arm Cortex-A53 r0p4": 252,
    }
    odroid = rows[rows["source_ref"].str.contains("/odroid-armnn-v2[12].[01][15]-neon/") & (rows["scenario"] == "single_stream")]
    p90 = odroid.pivot_table(index="model_name", columns="source_id", values="latency_ms_p90")
    assert (p90["mlperf-v2.0"] / p90["mlperf-v2.1"]).median() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("source", "words", "devices", "nodes", "flag"),
    [
        ("mlperf-v3.0", "closed/HPE/results/1-node-2S-SPR", 2, 1, "count_corrected"),
        ("mlperf-v2.1", "Apollo_6500_gen10_plus_A100-SXM-80GB-MIG_1x1g.10gb_TRT/", 1, 1, "count_corrected"),
        ("mlperf-v0.5", "tpu-v3.8x32", 256, 1, "count_doubtful"),
        ("mlperf-v5.1", "GB200-NVL72_GB200-186GB_aarch64x72_TRT/", 72, 18, None),
    ],
)
def test_counts_and_their_doubts(rows, source, words, devices, nodes, flag):
    found = rows[(rows["source_id"] == source) & rows["source_ref"].str.contains(words, regex=False)]
    assert found[["device_count", "node_count"]].drop_duplicates().to_numpy().tolist() == [[devices, nodes]]
    counted = found["quality_flag"].str.extract("(count_[a-z]+)")[0]
    assert set(counted.dropna()) == ({flag} if flag else set())
    assert counted.notna().all() or not flag


def test_memory_tells_vague_names_apart(rows):
    names = set(rows["device_name"].dropna())
    assert {"NVIDIA A100-PCIe [40 GB]", "NVIDIA A100-SXM4 [40 GB]", "NVIDIA Xavier [16 GB]", "NVIDIA Xavier [32 GB]"} <= names
    unnamed = rows[rows["device_name"].isna()]
    assert set(unnamed["system"]) == {"AWS cloud instance m7g.2xlarge (graviton)"}


@pytest.mark.parametrize(
    ("declared", "precision", "weights"),
    [
        ("mxfp4", {"fp4"}, None),
        ('{"clip1": "fp16", "clip2": "fp16", "unet": "fp8", "vae": "int8"}', {"fp8"}, None),
        ("int8,fp16", set(), "weights=int8,fp16"),
        ("int8 and bfloat16.", set(), "weights=int8,bf16"),
        ("UNSET", set(), None),
    ],
)
def test_precision_of_declared_weights(rows, upstream, declared, precision, weights):
    found = rows[upstream["weight_data_types"] == declared]
    assert set(found["precision"].dropna()) == precision
    assert found["variant"].str.contains("weights=", na=False).all() == (weights is not None)
    assert weights is None or found["variant"].str.contains(weights).all()


def test_fp32_weights_are_not_taken_for_fp32_engines(rows):
    engines = rows[rows["runtime"] == "tensorrt"]
    assert engines["variant"].str.contains("weights=fp32", na=False).sum() == 23
    assert not (engines["precision"] == "fp32").any()


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("TensorFlow v1.14 (TensorRT-static)", ("tf-trt", "1.14", "engine")),
        ("Pytorch 1.9.1, AWS Neuron 1.9.1.2", ("neuron", "1.9.1.2", "engine")),
        ("TVM vmain (Onnxruntime)", ("tvm", None, None)),
        ("vLLM 0.4.3+rocm614, PyTorch 2.3.0, ROCm 6.1.2", ("vllm", "0.4.3", None)),
        ("ONNX run-time v1.8.1; ONNX v1.10.1 (out-of-the-box MLPerf)", ("onnxruntime", "1.8.1", None)),
    ],
)
def test_runtime_of_declared_software(rows, upstream, declared, expected):
    found = rows.loc[upstream["framework"] == declared, ["runtime", "runtime_version", "tuning"]].iloc[0]
    assert tuple(None if pd.isna(cell) else cell for cell in found) == expected


def test_runtime_that_only_the_folder_tells(rows):
    assert set(rows.loc[rows["source_ref"].str.contains("SYS-220HE-FTNR_1_A2_TRT/"), "runtime"]) == {"tensorrt"}
    assert rows.loc[rows["source_ref"].str.contains("R750xa_CPU_2S_6338/"), "runtime"].isna().all()


def test_accuracy_metrics(rows, upstream):
    assert rows["accuracy_metric"].isna().sum() == 2
    assert rows.loc[rows["model_name"] == "deepseek-r1", "accuracy_value"].between(80, 83).all()
    assert (rows["accuracy_metric"] == "wer_accuracy").eq(upstream["accuracy"].str.startswith("WER_acc", na=False)).all()


def test_evidence_and_log_groups(rows):
    assert (rows["evidence"].eq("audited") == rows["division"].eq("closed")).all()
    assert rows["log_group"].iloc[ROWS["v0.5"]] == "v0.7-7b5432e1e660"
    assert rows["log_group"].nunique() == 24588 - 10918
    assert rows["quality_flag"].str.contains("wide_runs", na=False).sum() == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:9], lines[9][:200]], r"v0\.5\.csv, line 10: "),
        (lambda lines: [lines[0].replace(",result,", ",score,"), *lines[1:]], r"v0\.5\.csv, line 1: missing column result"),
    ],
)
def test_a_cut_or_renamed_file_is_named(folder, tmp_path, change, message):
    lines = (folder / "v0.5.csv").read_text(encoding="utf-8").split("\n")
    (tmp_path / "v0.5.csv").write_text("\n".join(change(lines)), encoding="utf-8")
    with pytest.raises(HwlibError, match=message):
        mlperf.read(tmp_path)


@pytest.mark.parametrize(
    ("column", "word"),
    [("result", "fast"), ("result", ""), ("result", "-1"), ("scenario", "Offlin"), ("weight_data_types", "posit8"), ("result_unit", "W")],
)
def test_a_strange_cell_is_named(folder, tmp_path, column, word):
    frame = pd.read_csv(folder / "v0.5.csv", dtype="str", keep_default_na=False)
    frame.loc[3, column] = word
    frame.to_csv(tmp_path / "v0.5.csv", index=False)
    with pytest.raises(HwlibError, match=rf"v0\.5\.csv, line 5, column {column}"):
        mlperf.read(tmp_path)
