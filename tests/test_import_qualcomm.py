"""Qualcomm's AI Hub: golden rows, units of a chip, parts of a network, quantisation, stand-ins, scores, and faults."""

import pytest

from hwlib import columns, schema
from hwlib.errors import HwlibError
from hwlib.importers import qualcomm


@pytest.fixture(scope="module")
def rows(sources):
    return qualcomm.read(sources / qualcomm.FOLDER)["measurements"]


def one(rows, model_name, system, quant, runtime):
    variant = rows["variant"].str.startswith(f"quant={quant}") & rows["variant"].str.contains(rf"quant={quant}(?:;|$)")
    found = rows[variant & (rows["model_name"] == model_name) & (rows["system"] == system) & (rows["runtime"] == runtime)]
    assert len(found) == 1
    return found.iloc[0]


def flagged(rows, flag):
    return rows["quality_flag"].str.split(";").map(lambda words: flag in words)


def test_every_row_is_there_and_told_apart(rows):
    assert len(rows) == 6_695
    frame = schema.conform(rows, "measurements")
    assert not frame.duplicated(["model_name", "variant", "device_name", "runtime"]).any()
    assert {word for cell in rows["quality_flag"] for word in cell.split(";")} <= set(columns.QUALITY_FLAGS)


def test_a_transformer_on_the_npu_of_a_board(rows):
    row = one(rows, "Albert-Base-V2-Hf", "Dragonwing IQ-9075 EVK", "float", "tflite")
    assert (row["latency_ms_mean"], row["throughput_per_s"], row["batch_size"], row["concurrency"]) == (27.14, 36.846, 1, 1)
    assert (row["device_name"], row["precision"], row["tuning"]) == ("qualcomm-qcs9075 NPU", "fp16", "engine")
    assert row["variant"] == "quant=float;qairt=2.42.0.251225135753_193295"
    assert row["source_ref"] == "qai_hub_models/models/albert_base_v2_hf/perf.yaml"


def test_resnet50_on_a_phone(rows):
    row = one(rows, "ResNet50", "Samsung Galaxy S25", "float", "qnn-dlc")
    assert row["latency_ms_mean"] == 1.325
    assert (row["accuracy_metric"], row["accuracy_value"]) == ("top1_percent", 75.7)
    assert row["runtime_version"] == "2.42.0.251225135753_193295"


def test_units_of_a_chip_are_devices_of_their_own(rows):
    unit = rows["device_name"].str.split(" ").str[1]
    assert unit.value_counts().to_dict() == {"NPU": 6_310, "CPU": 363, "GPU": 22}
    assert rows["device_name"].nunique() == 33
    # Elsewhere than on the NPU the source does not say what was multiplied.
    assert rows.loc[unit != "NPU", "precision"].isna().all()
    assert set(rows.loc[unit != "NPU", "tuning"]) == {"graph"}
    same = rows[
        (rows["model_name"] == "Yolo-v6") & (rows["variant"].str.startswith("quant=float")) & (rows["system"] == "Samsung Galaxy S24")
    ]
    latency = same.set_index("device_name")["latency_ms_mean"]
    assert latency["qualcomm-snapdragon-8gen3 GPU"] > latency["qualcomm-snapdragon-8gen3 NPU"].max()


def test_precision_goes_by_the_weights(rows):
    npu = rows[rows["device_name"].str.endswith(" NPU")]
    quant = npu["variant"].str.extract(r"quant=([^;]+)")[0]
    counts = npu.assign(quant=quant).groupby(["quant", npu["precision"].fillna("")]).size().to_dict()
    assert counts == {
        ("float", "fp16"): 3_536,
        ("w16a16", ""): 24,
        ("w8a16", "int8"): 805,
        ("w8a16_mixed_fp16", "int8"): 15,
        ("w8a16_mixed_int16", "int8"): 43,
        ("w8a8", "int8"): 1_882,
        ("w8a8_mixed_int16", "int8"): 5,
    }


def test_a_part_is_never_read_as_the_whole(rows):
    diffusion = rows.loc[rows["model_name"].str.startswith("Stable-Diffusion-v1.5"), "model_name"]
    assert set(diffusion) == {f"Stable-Diffusion-v1.5 {part}" for part in ("text_encoder", "unet", "vae")}
    assert rows["model_name"].nunique() == 185
    assert "Whisper-Base" not in set(rows["model_name"])


def test_stand_ins_are_flagged_and_so_are_their_repeated_figures(rows):
    proxy = flagged(rows, "device_proxy")
    assert set(rows.loc[proxy, "system"]) == {"QCS8550 (Proxy)", "QCS8275 (Proxy)", "QCS8450 (Proxy)"}
    assert proxy.sum() == 737 + 465 + 456
    repeated = rows[flagged(rows, "repeated_upstream")]
    assert len(repeated) == 425
    assert set(repeated["system"]) == {"QCS8275 (Proxy)"}
    # Each of the other board's rows is one of them.
    assert (rows["system"] == "SA7255P ADP").sum() == 425


def test_layers_that_ran_elsewhere_are_said(rows):
    mixed = rows[flagged(rows, "partly_elsewhere")]
    assert len(mixed) == 214
    assert mixed["variant"].str.contains(r";layers_elsewhere=\d+of\d+$").all()
    assert not rows.drop(mixed.index)["variant"].str.contains("layers_elsewhere").any()
    gpu = mixed[(mixed["model_name"] == "Yolo-v6") & (mixed["device_name"] == "qualcomm-snapdragon-8gen3 GPU")]
    assert gpu["variant"].str.endswith("layers_elsewhere=27of149").all()


def test_the_rate_is_the_inverse_of_the_latency(rows):
    assert flagged(rows, "throughput_from_latency").all()
    assert (rows["throughput_per_s"] * rows["latency_ms_mean"]).between(999.99, 1_000.01).all()


def test_scores_belong_to_the_same_run(rows):
    scored = rows[rows["accuracy_value"].notna()]
    # 491 were scored: 9 of those runs were not profiled, and 4 of the rest are of a network whose reference scores nothing.
    assert len(scored) == 478
    assert set(scored["system"]) == {"Samsung Galaxy S25"}
    assert scored["accuracy_metric"].notna().all()
    assert not scored["model_name"].str.startswith("Albert").any()
    # These are shares under a unit of %, and the float network lost its sense in one runtime.
    row = one(rows, "Bert-Base-Uncased-Hf", "Samsung Galaxy S25", "float", "onnxruntime")
    assert (row["accuracy_metric"], row["accuracy_value"]) == ("masked_lm_top1", 0.028)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (qualcomm.FILE, ",27.14,", ",fast,", "perf.csv, line 2, column latency_ms: expected a number of at least 0.001, found 'fast'"),
        (qualcomm.FILE, ",27.14,", ",-27.14,", "perf.csv, line 2, column latency_ms: expected a number of at least 0.001, found '-27.14'"),
        (qualcomm.FILE, ",float,tflite,", ",half,tflite,", "perf.csv, line 2, column precision: 'half'"),
        (qualcomm.FILE, ",npu,IoT,NPU,", ",npu,IoT,TPU,", "perf.csv, line 2, column compute_unit: 'TPU'"),
        (qualcomm.FILE, "layers_total,", "layers,", "line 1: missing column layers_total"),
        (qualcomm.FILE, ",36.846,derived: 1000/latency_ms", "", "perf.csv, line 2: expected 33 cells, found 31"),
        (qualcomm.SCORES_FILE, "qnn_dlc,0.0,", "qnn_dlc,good,", "accuracy.csv, line 2, column accuracy_on_device: expected a number"),
        (qualcomm.SCORES_FILE, ",Top-1 Masked LM Accuracy,", ",Recall,", "accuracy.csv, line 2, column metric: 'Recall / %'"),
    ],
)
def test_faults_are_named(sources, tmp_path, file, old, new, said):
    for name in (qualcomm.FILE, qualcomm.SCORES_FILE):
        text = (sources / qualcomm.FOLDER / name).read_text(encoding="utf-8")
        if name == file:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(HwlibError, match=said):
        qualcomm.read(tmp_path)
