"""Identity of models: counted work, curated names, and one key for the same network in every source."""

import re

import pandas as pd
import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import architectures, aws_neuron, names, nvidia_dle, timm

KEY = re.compile(r"[a-z0-9][a-z0-9.-]*")
IMPORTERS = {module.SOURCE: module for module in (timm, nvidia_dle, aws_neuron)}


@pytest.fixture(scope="module")
def curated(root):
    return names.load_curated(root / "data" / "curated")


@pytest.fixture(scope="module")
def read(sources):
    return {source: module.read(sources / module.FOLDER) for source, module in IMPORTERS.items()}


@pytest.fixture(scope="module")
def counted(sources):
    return architectures.read(sources / architectures.FOLDER)["models"]


@pytest.fixture(scope="module")
def models(curated, read, counted):
    return names.combine(curated["models"], [counted, read["timm"]["models"]], "model_id").set_index("model_id")


@pytest.fixture(scope="module")
def measured(curated, read):
    """Every measurement but MLPerf's, with its model."""
    parts = [
        names.with_model_ids(part["measurements"], source, curated["model_names"], IMPORTERS[source]).assign(source=source)
        for source, part in read.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def mlperf(curated):
    rows = curated["model_names"]
    return rows[rows["source"] == "mlperf"].set_index("alias")["model_id"]


def test_counts_of_the_architectures(counted):
    work = counted.set_index("model_id")
    assert len(work) == 48
    assert work.loc["bert-large-seq384", ["params_m", "gmacs", "input"]].tolist() == [335.1419, 123.212923, "384 tokens"]
    assert work.loc["yolov3-416", ["params_m", "gmacs", "input", "task"]].tolist() == [61.9491, 32.932038, "3x416x416", "object_detection"]
    # Linear layers grow with the tokens, attention with their square.
    assert 8 < work.loc["bert-base-seq512", "gmacs"] / work.loc["bert-base-seq64", "gmacs"] < 64


def test_a_fault_in_the_counts_is_named(tmp_path):
    header = ["architecture", "sequence_length", "params_m", "gmacs_total", *architectures.OPERATORS]
    cells = ["bert-base", "64", "109.5", "many", *("0" for _ in architectures.OPERATORS)]
    (tmp_path / "nlp_architectures.csv").write_text(",".join(header) + "\n" + ",".join(cells) + "\n")
    with pytest.raises(HwlibError, match=r"nlp_architectures.csv, line 2, column gmacs_total.*'many'"):
        architectures.read(tmp_path)


def test_keys_are_slugs(models, curated):
    assert [key for key in [*models.index, *curated["model_names"]["model_id"]] if not KEY.fullmatch(key)] == []


def test_curated_tables_are_sorted_and_told_apart(curated):
    rows, aliases = curated["models"], curated["model_names"]
    assert rows["model_id"].tolist() == sorted(set(rows["model_id"]))
    assert not aliases.duplicated(["source", "alias"]).any()
    assert set(rows["task"]) <= set(schema.TASKS)


def test_every_model_that_is_named_has_a_row_and_every_curated_row_a_name(models, curated, measured):
    named = set(curated["model_names"]["model_id"])
    assert (named | set(measured["model_id"])) - set(models.index) == set()
    assert set(curated["models"]["model_id"]) - named == set()
    assert models[["name", "family", "task", "source_id"]].notna().all(axis=None)


def test_every_alias_stands_in_its_source(curated, measured):
    for source in ("nvidia-dle", "aws-neuron"):
        aliases = set(curated["model_names"].query("source == @source")["alias"])
        assert aliases == set(measured.loc[measured["source"] == source, "model_name"])


def test_every_mlperf_name_is_known(sources, mlperf):
    spelled = set()
    for path in (sources / "mlperf-inference").glob("v*.csv"):
        spelled |= set(pd.read_csv(path, usecols=["model"], dtype="str")["model"])
    assert len(spelled) == 337
    assert spelled - set(mlperf.index) == set()
    assert set(mlperf.index) - spelled == {"3d-unet-99 [BraTS]", "3d-unet-99.9 [BraTS]", "resnet50 [Alibaba]"}


@pytest.mark.parametrize(
    ("alias", "model_id"),
    [
        ("resnet", "resnet50"),
        ("bert-99.9", "bert-large"),
        ("ssd-small", "ssd-mobilenet-v1"),
        ("ssd-large", "ssd-resnet34"),
        ("stable-diffusion-xl", "sdxl"),
        ("llama3_1-405b", "llama-3.1-405b"),
        ("llama3.1-8b-edge", "llama-3.1-8b"),
        ("dlrm-v2-99.9", "dlrm-v2"),
        ("mobilenet-v1-0.25-128-quantized", "mobilenet-v1-0.25-128"),
        ("mobilenet-v1-precision_uint8-0.25-128", "mobilenet-v1-0.25-128"),
        ("mobilenet-v1-1.0-224", "mobilenet-v1"),
        ("mobilenet-v2-precision_float-1.0-160", "mobilenet-v2-160"),
        ("mobilenet-v3-large_224_1.0_float", "mobilenet-v3-large"),
        ("mobilenet-v3-precision_uint8-large-minimalistic-224", "mobilenet-v3-large-minimalistic"),
        ("efficientnet-lite0-non-quantized", "efficientnet-lite0"),
        ("efficientnet-fp32-lite3", "efficientnet-lite3-280"),
        ("quantized-efficientnet-lite4", "efficientnet-lite4-300"),
        ("3d-unet-99", "3d-unet-kits19"),
        ("3d-unet-99 [BraTS]", "3d-unet-brats19"),
    ],
)
def test_mlperf_names(mlperf, alias, model_id):
    assert mlperf[alias] == model_id


def test_work_of_the_mlperf_bert_stays_open(models):
    assert pd.isna(models.loc["bert-large", "gmacs"])
    assert float(models.loc["bert-large", "params_m"]) == 335.1419


def test_the_same_network_is_one_model_over_the_sources(measured, mlperf):
    shared = measured.groupby("model_id")["source"].agg(set)
    assert shared["resnet50"] == {"timm", "nvidia-dle", "aws-neuron"}
    assert "resnet50" in set(mlperf)
    assert shared["bert-large-seq128"] == {"nvidia-dle", "aws-neuron"}
    assert shared["efficientnet-b4-380"] == {"timm", "nvidia-dle"}
    assert shared["vit-base-patch16-224"] == {"timm", "aws-neuron"}
    assert {"mobilenet-v1", "mobilenet-v2-0.5", "mobilenet-v3-small-0.75", "efficientnet-lite1-240"} <= set(mlperf) & set(shared.index)
    assert "bert-large" not in shared


@pytest.fixture(scope="module")
def operators(sources):
    frame = pd.read_csv(sources / architectures.FOLDER / "timm_architectures.csv")
    return frame.set_index((frame["architecture"] + "@" + frame["img_size"].astype(str)).map(timm.model_id))


@pytest.mark.parametrize("width", ["0.35", "0.5", "0.75", "1.0", "1.4"])
def test_timm_and_tensorflow_mean_the_same_mobilenet(sources, operators, width):
    """The weights and the work that TensorFlow's table prints beside the phone timings are those of timm's definition."""
    rows = pd.read_csv(sources / nvidia_dle.FOLDER / nvidia_dle.FILE, dtype="str").set_index("model")
    mmacs, params_m = map(float, re.match(r"MACs=(\d+)M; params=([\d.]+)M", rows.loc[f"mobilenet_v2_{width}_224", "variant"]).groups())
    ours = operators.loc[timm.model_id(f"mobilenetv2_{round(float(width) * 100):03}@224")]
    assert ours["gmacs_total"] * 1_000 == pytest.approx(mmacs, rel=0.01)
    assert ours["params_m"] == pytest.approx(params_m, rel=0.015)


def test_counts_of_timm_agree_with_the_counted_operators(read, operators):
    both = read["timm"]["models"].set_index("model_id")[["gmacs"]].join(operators["gmacs_total"], how="inner").dropna()
    assert len(both) > 1_600
    assert (both["gmacs"] / both["gmacs_total"]).median() == pytest.approx(1, abs=0.03)
