"""ncnn's log: golden rows, which unit did the work, runs told apart, a run that broke down, and faults."""

import pytest

from hwlib import columns, schema
from hwlib.errors import HwlibError
from hwlib.importers import ncnn

ORIN = "NVIDIA Jetson AGX Orin (Cortex-A78AE 2.2 GHz x 12 + Ampere@1.3 GHz Tensor Cores 64)"


@pytest.fixture(scope="module")
def rows(sources):
    return ncnn.read(sources / ncnn.FOLDER)["measurements"]


def at(rows, line):
    return rows[rows["source_ref"] == f"benchmark/README.md#L{line}"].iloc[0]


def flagged(rows, flag):
    return rows["quality_flag"].str.split(";").map(lambda words: flag in words)


def test_every_line_is_there_once(rows):
    assert len(rows) == 8_492 - 19
    assert not rows["source_ref"].duplicated().any()
    assert rows["system"].nunique() == 101
    schema.conform(rows, "measurements")
    assert {word for cell in rows["quality_flag"] for word in cell.split(";")} <= set(columns.QUALITY_FLAGS)


def test_squeezenet_on_one_core_of_the_orin(rows):
    row = at(rows, 102)
    assert (row["model_name"], row["device_name"], row["variant"]) == ("squeezenet", f"{ORIN} [CPU]", "threads=1;power=all;loops=64")
    assert (row["latency_ms_mean"], row["throughput_per_s"], row["batch_size"]) == (11.74, 85.1789, 1)
    assert rows.loc[[row.name], "precision"].isna().all()
    assert at(rows, 103)["precision"] == "int8"


def test_a_float_network_through_vulkan_ran_on_the_gpu(rows):
    gpu = rows[(rows["system"] == ORIN) & (rows["model_name"] == "resnet50") & ~rows["device_name"].str.endswith("[CPU]")]
    assert gpu["device_name"].tolist() == [f"{ORIN} [NVIDIA Tegra Orin (nvgpu)]"]
    assert gpu["latency_ms_mean"].tolist() == [6.08]
    assert gpu["variant"].tolist() == ["threads=1;power=all;loops=128;vulkan=yes"]


def test_int8_through_vulkan_ran_on_the_cpu(rows):
    vulkan = rows["variant"].str.contains("vulkan=yes")
    int8 = rows[vulkan & (rows["precision"] == "int8")]
    assert len(int8) == 306
    assert int8["device_name"].str.endswith("[CPU]").all()
    assert flagged(int8, "device_corrected").all()
    # It took as long as without Vulkan, on the same machine with as many threads and cores.
    run = ["system", "threads", "model_name"]
    told = rows.assign(threads=rows["variant"].str.split(";loops").str[0])
    plain = told[~vulkan].groupby(run)["latency_ms_mean"].mean()
    both = told.loc[int8.index].join(plain.rename("plain"), on=run).dropna(subset="plain")
    ratio = both["latency_ms_mean"] / both["plain"]
    assert len(ratio) == 192
    assert ratio.median() == pytest.approx(1.005, abs=0.001)
    assert ratio.between(0.9, 1.2).mean() > 0.85


def test_chips_without_a_gpu_do_not_get_that_of_another_machine(rows):
    bare = rows[rows["system"].isin(ncnn.NO_GPU)]
    assert len(bare) == 16 + 62
    assert bare["device_name"].str.endswith("[CPU]").all()
    assert flagged(bare, "device_corrected").sum() == 16 + 31
    four, single = at(rows, 7505)["latency_ms_mean"], at(rows, 7466)["latency_ms_mean"]
    assert single / four == pytest.approx(3.37, abs=0.01)


def test_the_run_that_broke_down_ends_where_it_did(rows):
    board = rows[rows["system"] == ncnn.BROKEN_DEVICE]
    mali = board[board["device_name"].str.endswith("[Mali-G610]")]
    assert mali["model_name"].tolist()[-1] == "proxylessnasnet"
    assert len(mali) == 8
    assert len(board) == 70 - 19
    assert board["latency_ms_mean"].min() > 1


def test_a_rented_share_of_a_processor_has_no_count(rows):
    rented = rows[flagged(rows, "count_unstated")]
    assert set(rented["system"].str.split(" ").str[0]) == {"AWS", "Microsoft"}
    assert len(rented) == 35 + 245 + 490 + 490
    assert rented["device_count"].isna().all()
    assert (rows.drop(rented.index)["device_count"] == 1).all()


def test_runs_of_one_machine_are_told_apart(rows):
    avx = rows["variant"].str.extract("avx512=(.*)")[0]
    assert avx.value_counts().to_dict() == {"yes": 490, "no": 490}
    assert rows["variant"].str.contains("vulkan_over=Direct3D 12").sum() == 105
    assert rows["runtime_version"].value_counts().to_dict() == {"20240102": 70}
    power = rows["variant"].str.extract(";power=(.*?);")[0]
    assert set(power) == {"all", "little", "big"}


def test_precision_goes_by_the_name(rows):
    assert rows["precision"].value_counts().to_dict() == {"int8": 1_925}
    # The source's own column calls this one float.
    old = rows[rows["model_name"] == "squeezenet-int8"]
    assert old["precision"].tolist() == ["int8"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",11.74,", ",fast,", "benchmark.csv, line 2, column latency_ms: expected a number of at least 0.01, found 'fast'"),
        (",11.74,", ",-11.74,", "benchmark.csv, line 2, column latency_ms: expected a number of at least 0.01, found '-11.74'"),
        (",cpu,CPU,", ",cpu,DSP,", "benchmark.csv, line 2, column compute_unit: 'DSP'"),
        (",1,1,0,-1,64,", ",1,1,3,-1,64,", "benchmark.csv, line 2, column powersave_mode: '3'"),
        ("num_threads,", "threads,", "line 1: missing column num_threads"),
        (",85.1789,derived: 1000/latency_ms", "", "benchmark.csv, line 2: expected 26 cells, found 24"),
    ],
)
def test_faults_are_named(sources, tmp_path, old, new, said):
    text = (sources / ncnn.FOLDER / ncnn.FILE).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / ncnn.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=said):
        ncnn.read(tmp_path)


def test_a_corrected_heading_that_is_gone_is_an_error(sources, tmp_path):
    text = (sources / ncnn.FOLDER / ncnn.FILE).read_text(encoding="utf-8")
    changed = text.replace("(without MSA),Apple M3,", "(without MSA),none,")
    (tmp_path / ncnn.FILE).write_text(changed, encoding="utf-8")
    with pytest.raises(HwlibError, match="column chipset: expected 'Apple M3' under 'Ingenic T40XP"):
        ncnn.read(tmp_path)
