"""timm's benchmark files: golden rows, ratios between devices, names, and faults."""

import pytest

from hwlib.errors import HwlibError
from hwlib.importers import timm

HEADER = "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count,infer_gmacs,infer_macts\n"
ROW = "resnet50,224,4217.6,242.79,1024,25.56,4.11,11.11\n"
FILE = "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv"
ACCURACY = "results-imagenet.csv"


@pytest.fixture(scope="module")
def tables(sources):
    return timm.read(sources / timm.FOLDER)


@pytest.fixture(scope="module")
def runs(tables):
    return tables["measurements"].assign(architecture=lambda rows: rows["model_name"].str.split("@").str[0])


def rate(runs, model_name, device, **cells):
    rows = runs[(runs["model_name"] == model_name) & (runs["device_name"] == device)]
    for column, value in cells.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def median_ratio(over, under):
    """Median throughput ratio over architectures at their largest image in both, and how many they are."""
    both = over.merge(under, on=["architecture", "model_name"], suffixes=("", "_under"))
    size = both["model_name"].str.split("@").str[1].astype(int)
    both = both.loc[size.groupby(both["architecture"]).idxmax()]
    return (both["throughput_per_s"] / both["throughput_per_s_under"]).median(), len(both)


def test_every_row_of_the_thirteen_files_is_there(runs):
    counts = runs.groupby("source_ref").size()
    assert len(counts) == 13
    assert counts.sum() == 19_716
    assert counts["benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv"] == 1_443
    assert counts["benchmark-infer-fp32-nchw-pt221-cpu-i9_10940x-dynamo.csv"] == 1_321


@pytest.mark.parametrize(
    ("model_name", "images_per_s"),
    [("resnet50@224", 4_217.6), ("mobilenetv3_large_100@224", 14_191.17), ("vit_base_patch16_224@224", 2_787.15)],
)
def test_golden_rates_of_the_rtx_4090(runs, model_name, images_per_s):
    row = rate(runs, model_name, "rtx4090", tuning="eager", variant="recipe=autocast")
    assert row["throughput_per_s"] == images_per_s
    assert row["batch_size"] == 1_024
    assert (row["precision"], row["runtime_version"], row["scenario"], row["evidence"]) == ("fp16", "2.4.0", "batch_loop", "published")


@pytest.mark.parametrize(
    ("model_name", "images_per_s"), [("resnet50@224", 67.2), ("mobilenetv3_large_100@224", 176.25), ("vit_base_patch16_224@224", 32.37)]
)
def test_golden_rates_of_the_i9(runs, model_name, images_per_s):
    row = rate(runs, model_name, "i9_10940x", runtime_version="2.4.0")
    assert row["throughput_per_s"] == images_per_s
    assert row["batch_size"] == 1
    assert (row["precision"], row["tuning"]) == ("fp32", "compiled")


def test_ratio_of_the_4090_to_the_3090(runs):
    eager = runs[(runs["tuning"] == "eager") & (runs["variant"] == "recipe=autocast")]
    ratio, count = median_ratio(eager[eager["device_name"] == "rtx4090"], eager[eager["device_name"] == "rtx3090"])
    assert (round(ratio, 2), count) == (1.40, 1_127)


def test_compiling_speeds_up_the_4090(runs):
    rows = runs[(runs["device_name"] == "rtx4090") & (runs["variant"] == "recipe=autocast")]
    ratio, _ = median_ratio(rows[rows["tuning"] == "compiled"], rows[rows["tuning"] == "eager"])
    assert round(ratio, 2) == 1.65


def test_rate_times_step_is_the_batch(runs):
    batches = runs["throughput_per_s"] * runs["latency_ms_mean"] / 1_000 / runs["batch_size"]
    assert batches.min() == pytest.approx(0.97, abs=0.001)
    assert batches.max() == pytest.approx(1.017, abs=0.001)


def test_recipes_and_layouts_are_told_apart(runs):
    bf16 = runs[runs["precision"] == "bf16"]
    assert set(bf16["variant"]) == {"recipe=autocast", "recipe=cast"}
    assert set(bf16["device_name"]) == {"pro6000maxq"}
    assert (runs["variant"] == "recipe=autocast;layout=nhwc").sum() == 1_430 + 1_441
    assert not runs.duplicated(["source_ref", "model_name"]).any()


def test_models_carry_work_and_best_accuracy(tables):
    models = tables["models"].set_index("model_id")
    assert models.index.is_unique
    resnet = models.loc["resnet50"]
    assert (resnet["params_m"], resnet["gmacs"], resnet["input"], resnet["family"]) == (25.56, 4.11, "3x224x224", "resnet")
    assert (resnet["accuracy_metric"], resnet["accuracy_value"]) == ("top1_percent", 81.146)
    assert models["accuracy_metric"].isna().equals(models["accuracy_value"].isna())
    assert set(models.index[models["gmacs"].isna()]) == {"mobilenet-v3-large-150d", "vit-medium-patch16-reg4-256"}


def test_work_grows_with_the_square_of_the_image(tables):
    models = tables["models"].set_index("model_id")
    assert models.loc["resnet50-288", "gmacs"] / models.loc["resnet50", "gmacs"] == pytest.approx((288 / 224) ** 2, rel=0.01)


@pytest.mark.parametrize(
    ("model_name", "model_id"),
    [
        ("resnet50@288", "resnet50-288"),
        ("vit_base_patch16_384@384", "vit-base-patch16-384"),
        ("vit_base_patch16_224@224", "vit-base-patch16-224"),
        ("mobilenetv1_100@224", "mobilenet-v1"),
        ("mobilenetv2_140@224", "mobilenet-v2-1.4"),
        ("mobilenetv2_110d@224", "mobilenet-v2-110d"),
        ("mobilenetv3_large_100@256", "mobilenet-v3-large-256"),
        ("tf_mobilenetv3_small_minimal_100@224", "mobilenet-v3-small-minimalistic"),
        ("tf_mobilenetv3_small_100@224", "tf-mobilenet-v3-small-100"),
        ("tf_efficientnet_b4@380", "efficientnet-b4-380"),
        ("efficientnet_lite1@240", "efficientnet-lite1-240"),
    ],
)
def test_model_ids(model_name, model_id):
    assert timm.model_id(model_name) == model_id


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW.replace("242.79", "fast"), "line 3, column infer_step_time: expected a number of at least 0, found 'fast'"),
        (ROW.replace("4217.6", "-1"), "line 3, column infer_samples_per_sec"),
        ("resnet50,224,4217.6\n", "line 3: expected 8 cells, found 3"),
    ],
)
def test_faults_are_named(tmp_path, row, said):
    (tmp_path / FILE).write_text(HEADER + ROW + row)
    with pytest.raises(HwlibError, match=f"{FILE}, {said}"):
        timm.read(tmp_path)


def test_a_strange_file_name_is_refused(tmp_path):
    (tmp_path / "benchmark-infer-int4-nchw-pt240-cu124-rtx4090.csv").write_text(HEADER + ROW)
    with pytest.raises(HwlibError, match=r"benchmark-infer-int4.*expected a name such as"):
        timm.read(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(HwlibError, match="no benchmark-infer"):
        timm.read(tmp_path)


def test_accuracy_of_another_size_is_not_taken(tmp_path):
    (tmp_path / FILE).write_text(HEADER + ROW)
    (tmp_path / ACCURACY).write_text("model,img_size,top1\nresnet50.a1_in1k,224,80.2\nresnet50.b_in1k,224,80.5\nresnet50.c_in1k,288,99.0\n")
    assert timm.read(tmp_path)["models"]["accuracy_value"].tolist() == [80.5]
