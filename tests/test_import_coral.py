"""Google's Coral table: golden rows, the four set-ups, throughput from latency, and faults."""

import pytest

from hwlib import schema
from hwlib.errors import HwlibError
from hwlib.importers import coral, tidy

USB = "Coral USB Accelerator (USB 3.0) on desktop CPU"


@pytest.fixture(scope="module")
def rows(sources):
    return coral.read(sources / coral.FOLDER)["measurements"]


def test_eighteen_networks_on_four_set_ups(rows):
    assert len(rows) == 72
    assert set(rows.groupby("device_name")["model_name"].nunique()) == {18}
    assert rows["device_name"].nunique() == 4
    assert schema.conform(rows, "measurements")["latency_ms_mean"].notna().all()


@pytest.mark.parametrize(
    ("model", "latencies"),
    [
        ("Unet Mv2@128x128", (27.7, 3.3, 190.7, 5.7)),
        ("DeepLab V3@513x513", (394, 52, 1139, 241)),
        ("MobileNet v2@224x224", (51, 2.6, 122, 2.6)),
        ("EfficientNet-EdgeTpu-S", (5431, 5.1, 705, 5.5)),
    ],
)
def test_golden_latencies(rows, model, latencies):
    table = rows[rows["model_name"] == model].set_index("device_name")["latency_ms_mean"]
    set_ups = ("Desktop CPU (host of the Coral page)", USB, "Embedded CPU (Coral page)", "Coral Dev Board")
    assert tuple(table[name] for name in set_ups) == latencies


def test_throughput_is_the_inverse_of_the_latency_and_says_so(rows, sources):
    printed = tidy.read_upstream(sources / coral.FOLDER / coral.FILE, ["throughput_per_s"])["throughput_per_s"].astype(float)
    assert (rows["throughput_per_s"] / printed - 1).abs().max() < 1e-4
    assert rows["quality_flag"].str.endswith("throughput_from_latency").all()
    assert set(rows["batch_size"]) == set(rows["concurrency"]) == {1}


def test_the_cpus_are_not_named(rows):
    cpu = rows["device_name"].str.contains("CPU (", regex=False)
    assert cpu.sum() == 36
    assert rows.loc[cpu, "precision"].isna().all()
    assert rows.loc[cpu, "quality_flag"].str.startswith("device_unstated").all()
    assert set(rows.loc[~cpu, "precision"]) == {"int8"}
    assert set(rows.loc[~cpu, "runtime"]) == {"tflite-edgetpu"}


def test_the_interface_matters_most_where_the_host_works(rows):
    table = rows.pivot_table(index="model_name", columns="device_name", values="latency_ms_mean")
    ratio = table["Coral Dev Board"] / table[USB]
    assert ratio.idxmax() == "DeepLab V3@513x513"
    assert ratio.max() == pytest.approx(4.63, abs=0.01)
    assert ratio.median() == pytest.approx(1.19, abs=0.01)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",27.7,", ",fast,", "line 2, column latency_ms: expected a number of at least 0, found 'fast'"),
        (",27.7,", ",-27.7,", "line 2, column latency_ms: expected a number of at least 0, found '-27.7'"),
        ("Coral Dev Board,", "Coral Mini Board,", "line 5, column device: 'Coral Mini Board'; did you mean"),
        ("latency_ms,", "latency,", "line 1: missing column latency_ms"),
        (",cpu,Unet Mv2,", ",Unet Mv2,", "line 2: expected 18 cells, found 17"),
    ],
)
def test_faults_are_named(sources, tmp_path, old, new, said):
    text = (sources / coral.FOLDER / coral.FILE).read_text(encoding="utf-8")
    (tmp_path / coral.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=f"{coral.FILE}, {said}"):
        coral.read(tmp_path)
