"""Vitis AI's boards and InAccel's figure: golden rows, releases, corrections against physics, accuracy, and faults."""

import re

import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import fpga, tidy

NEWEST = {"ZCU102": "3.0", "KV260": "3.0", "VCK5000": "3.0", "VEK280": "3.5", "V70": "3.5", "U50LV": "2.5", "U55C": "2.5", "U50": "1.4.1"}
ZCU_KERNEL = re.compile(r"kernel=(\d) ?\* ?(?:DPUCZDX8G )?B(\d+)F? ?@ ?(\d+)")


@pytest.fixture(scope="module")
def rows(sources):
    return fpga.read(sources / fpga.FOLDER)["measurements"]


@pytest.fixture
def altered(sources, tmp_path):
    """A function that copies the files with one text replaced, and gives their folder."""

    def copy(file, old, new):
        for name in (fpga.ZOO, fpga.ARTICLE):
            text = (sources / fpga.FOLDER / name).read_text(encoding="utf-8")
            assert name != file or old in text
            (tmp_path / name).write_text(text.replace(old, new, 1) if name == file else text, encoding="utf-8")
        return tmp_path

    return copy


def one(rows, device, model, threads, release):
    found = rows[(rows["device_name"] == device) & (rows["model_name"] == model) & (rows["source_id"] == f"vitis-ai-{release}")]
    found = found[found["variant"].str.contains(f"threads={threads}")]
    assert len(found) == 1
    return found.iloc[0]


def flagged(rows, flag):
    return rows["quality_flag"].fillna("").str.split(";").map(lambda flags: flag in flags)


def test_every_row_is_there_and_told_apart(rows):
    assert rows["source_id"].value_counts().to_dict() == {
        "vitis-ai-1.4.1": 1_506,
        "vitis-ai-2.5": 1_485,
        "vitis-ai-3.0": 1_351,
        "vitis-ai-3.5": 269,
        "inaccel": 1,
    }
    assert rows["device_name"].nunique() == 15 + 1
    assert not rows.duplicated(["source_id", "device_name", "model_name", "variant"]).any()
    schema.conform(rows, "measurements")


@pytest.mark.parametrize(
    ("device", "model", "threads", "release", "frames_per_s", "latency_ms"),
    [
        ("ZCU102", "tf_mlperf_resnet34_coco_1200_1200_433G", "single", "1.4.1", 1.8, 559.75),
        ("ZCU102 rev 0432055-04", "cf_inceptionv2_imagenet_224_224_4G", "single", "2.5", 147.933, 6.76),
        ("VCK190", "pt_resnet50_imagenet_224_224_8.2G", "multi", "3.0", 2_688.35, None),
        ("V70", "tf_resnetv1-152_3.5", "multi", "3.5", 1_792.5, None),
    ],
)
def test_golden_rows(rows, device, model, threads, release, frames_per_s, latency_ms):
    row = one(rows, device, model, threads, release)
    assert row["throughput_per_s"] == frames_per_s
    assert row["latency_ms_mean"] == latency_ms or (latency_ms is None and row[["latency_ms_mean"]].isna().all())


def test_arrival(rows):
    zoo = rows[rows["source_id"] != "inaccel"]
    by_threads = zoo.groupby(zoo["variant"].str.extract(r"threads=(\w+)")[0])
    assert by_threads.size().to_dict() == {"single": 1_586, "multi": 2_991, "20": 34}
    assert by_threads["scenario"].unique().map(list).to_dict() == {
        "single": ["batch_loop"],
        "multi": ["concurrent_loop"],
        "20": ["concurrent_loop"],
    }
    assert by_threads["concurrency"].agg(lambda cells: cells.fillna(0).max()).to_dict() == {"single": 1, "multi": 0, "20": 20}
    assert zoo["batch_size"].isna().all()
    # A latency is one frame's on one thread, or on twenty, where no throughput stands beside it.
    timed = zoo[zoo["latency_ms_mean"].notna()]
    assert set(timed["concurrency"]) == {1, 20}
    assert timed.loc[timed["concurrency"] == 20, "throughput_per_s"].isna().all()


def test_one_figure_of_a_network_on_a_board_is_current(rows):
    current = rows[~flagged(rows, "superseded") & (rows["source_id"] != "inaccel")]
    assert flagged(rows, "superseded").sum() == 1_565
    network = current["model_name"].replace(fpga.RENAMED).str.replace(fpga.COUNTED, "", regex=True).str.lower()
    assert current.groupby([current["device_name"], network])["source_id"].nunique().max() == 1
    for device, release in NEWEST.items():
        newest = (rows["device_name"] == device) & (rows["source_id"] == f"vitis-ai-{release}")
        assert newest.any()
        assert not flagged(rows[newest], "superseded").any()
    # Caffe's networks were dropped after 2.5: their figures of 1.4.1 are still the newest of the board.
    assert one(current, "ZCU102", "cf_resnet18_imagenet_224_224_3.65G", "single", "1.4.1")["concurrency"] == 1
    assert not (current["model_name"] == "pt_resnet50_imagenet_224_224_4.1G_2.0")[current["device_name"] == "ZCU102"].any()


def test_the_repeated_boards_keep_the_release_that_measured_them(rows):
    old = rows[rows["device_name"].isin(["Ultra96", "ZCU102 rev 0432055-04"])]
    assert set(old["runtime_version"]) == {"1.4.0"}
    assert set(old["source_id"]) == {"vitis-ai-1.4.1", "vitis-ai-2.5"}


@pytest.mark.parametrize(
    ("device", "model", "threads", "release", "meant"),
    [
        ("U250", "cf_inceptionv2_imagenet_224_224_4G", "multi", "2.5", 2_322.1),
        ("VCK190", "pt_xilinxSR_360_640_DIV2K_364.88G", "multi", "3.0", None),
        ("KV260", "pt_yolov6m_coco_640_640_82.4G", "single", "3.0", None),
        ("ZCU104", "tf_efficientdet-d2_coco_768_768_11.06G", "multi", "2.5", None),
        ("ZCU102 rev 0432055-04", "cf_openpose_aichallenger_368_368_0.3_189.7G", "multi", "2.5", None),
    ],
)
def test_corrections(rows, device, model, threads, release, meant):
    row = one(rows, device, model, threads, release)
    assert "throughput_corrected" in row["quality_flag"]
    assert row["throughput_per_s"] == meant or (meant is None and row[["throughput_per_s"]].isna().all())


def test_the_exchanged_neighbours_follow_the_other_kernel(rows):
    u50lv = rows[(rows["device_name"] == "U50LV") & (rows["source_id"] == "vitis-ai-2.5")]
    for model in ("tf_mlperf_resnet34_coco_1200_1200_433G", "tf_mlperf_resnet50_imagenet_224_224_8.19G"):
        pair = u50lv[u50lv["model_name"] == model]
        eight = pair["variant"].str.contains("8 DPUCAHX8H-DWC")
        ten, eight = pair.loc[~eight, "throughput_per_s"].item(), pair.loc[eight, "throughput_per_s"].item()
        assert ten / eight == pytest.approx(10 / 8, rel=0.01)
    assert flagged(rows, "throughput_corrected").sum() == len(fpga.CORRECTIONS)


def test_no_network_outruns_its_cores(rows):
    kernel = rows["variant"].str.extract(ZCU_KERNEL).astype("float64")
    peak_gops = kernel[0] * kernel[1] * kernel[2] / 1_000
    gops = rows["model_name"].str.extract(r"_([\d.]+)G$")[0].astype("float64")
    share = (gops * rows["throughput_per_s"] / peak_gops).dropna()
    assert len(share) > 1_800
    assert 0.9 < share.max() <= 1


def test_pruning_is_a_variant_and_no_sparsity(rows):
    pruned = rows["variant"].str.extract(r"pruned=([\d.]+)")[0]
    assert "sparsity" not in rows
    named = rows.assign(pruned=pruned).dropna(subset="pruned").groupby("model_name")["pruned"].agg(set)
    assert named["pt_OFA-resnet50_0.60_3.5"] == {"0.6"}
    assert named["pt_OFA-yolo_coco_640_640_0.6_24.62G"] == {"0.5"}
    assert named["tf_RefineDet-Medical_EDD_320_320_9.83G"] == {"0.88"}
    assert named["cf_VPGnet_caltechlane_480_640_0.99_2.5G"] == {"0.99"}
    assert not named.index.str.contains("mobilenetv1_0.25|mobilenetv1-0.25|mobilenetEdge|_299_5.7G").any()


def test_accuracy_is_top1_of_imagenet_only(rows):
    counted = rows[rows["accuracy_value"].notna()]
    assert set(counted["accuracy_metric"]) == {"top1_percent"}
    assert counted["accuracy_value"].between(34, 80).all()
    assert not counted["model_name"].str.contains("coco|voc|vehicle|yolo|facerec").any()
    row = one(rows, "VCK190", "pt_resnet50_imagenet_224_224_8.2G", "multi", "3.0")
    assert row["accuracy_value"] == 76
    assert "float_top1_percent=76.1" in row["variant"]
    # 7331 has lost its point.
    assert rows.loc[rows["model_name"] == "tf_inceptionv2_imagenet_224_224_3.88G", "accuracy_value"].isna().all()


def test_rate_and_latency_agree_but_for_flagged_rows(rows):
    both = tidy.calls_in_flight(rows).dropna()
    apart = both[(both - 1).abs() > 0.1]
    assert len(both) == 537 - 34
    assert set(rows.loc[apart.index, "model_name"]) == {"cf_densebox_wider_320_320_0.49G"}
    assert flagged(rows.loc[apart.index], "throughput_latency_mismatch").all()
    assert flagged(rows, "throughput_latency_mismatch").sum() == 2 + 34


def test_inaccel(rows):
    row = rows[rows["source_id"] == "inaccel"].iloc[0]
    assert (row["throughput_per_s"], row["batch_size"], row["precision"]) == (2_550, 128, "int8")
    assert (row["evidence"], row["quality_flag"]) == ("published", "upper_bound")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (fpga.ZOO, ",single,0.04,", ",single,slow,", "line 2, column throughput_per_s: expected a number of at least 0, found 'slow'"),
        (fpga.ZOO, ",single,0.04,", ",single,-0.04,", "line 2, column throughput_per_s"),
        (fpga.ZOO, ",single,0.04,", ",two,0.04,", "line 2, column threads: 'two'"),
        (fpga.ZOO, ",int8,", ",int3,", "line 2, column precision: 'int3'"),
        (fpga.ZOO, ",single,0.04,", "\n", "line 2: expected 24 cells, found 13"),
        (fpga.ZOO, "device,", "board,", "line 1: missing column device"),
        (fpga.ZOO, ",3182.58,", ",49.9,", "3.0 VCK5000 pt_OFA-rcan.*expected throughput_per_s 3182.58 to correct"),
        (fpga.ARTICLE, ",2550,", ",many,", "inaccel_article.csv, line 2, column throughput_per_s"),
    ],
)
def test_faults_are_named(altered, file, old, new, said):
    with pytest.raises(HwlibError, match=said):
        fpga.read(altered(file, old, new))
