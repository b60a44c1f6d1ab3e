import pandas as pd
import pytest

from hwlib import HwlibError, schema
from hwlib.importers import hardware_specs, importers, names, tidy


@pytest.fixture(scope="module")
def read(sources):
    return hardware_specs.read(sources / "hardware-specs")


@pytest.fixture(scope="module")
def specs(read):
    return tidy.finish(read["devices"], "devices").set_index("device_id")


@pytest.fixture(scope="module")
def curated(root):
    def load(name):
        return pd.read_csv(root / "data" / "curated" / f"{name}.csv", dtype="str", keep_default_na=False, na_values=[""])

    return {name: load(name) for name in ("sources", "device_classes", "devices", "device_names")}


@pytest.fixture(scope="module")
def devices(read, curated):
    return tidy.finish(names.combine(curated["devices"], [read["devices"]], "device_id"), "devices")


@pytest.fixture(scope="module")
def aliases(read, curated, devices):
    return tidy.finish(names.device_aliases(devices, curated["device_names"], [read["device_aliases"]]), "device_aliases")


GOLDEN = {
    "nvidia-t4": {"name": "NVIDIA T4", "tdp_w": 70, "memory_gb": 16, "memory_bandwidth_gb_s": 320, "fp16_tflops": 65, "int8_tops": 130},
    "nvidia-a100-sxm4-40gb": {"tdp_w": 400, "memory_gb": 40, "fp32_tflops": 19.49, "fp16_tflops": 312, "int8_tops": 624},
    "nvidia-p4": {"fp16_tflops": 0.089, "int8_tops": 22},
    "nvidia-v100-sxm2-16gb": {"fp16_tflops": 125, "form_factor": "SXM2"},
    "nvidia-jetson-agx-orin-64gb": {"device_class": "gpu", "segment": "edge", "int8_tops": 137.5},
    "graphcore-bow-ipu": {"device_class": "ipu", "vendor": "Graphcore"},
    "huawei-ascend-310": {"device_class": "npu", "segment": "edge"},
    "amd-alveo-u250": {"name": "AMD Alveo U250", "device_class": "fpga", "vendor": "AMD"},
    "intel-xeon-gold-6258r": {"name": "Intel Xeon Gold 6258R", "device_class": "cpu", "cores": 28, "threads": 56, "tdp_w": 205},
    "amd-epyc-7763": {"cores": 64, "memory_bandwidth_gb_s": 204.8, "launch_price_usd": 7890, "segment": "datacenter"},
    "aws-graviton2": {"name": "AWS Graviton2", "cores": 64},
    "intel-core-i9-10940x": {"segment": "workstation", "memory_bandwidth_gb_s": 94},
}


@pytest.mark.parametrize("device_id", GOLDEN)
def test_figures_are_those_of_the_data_sheet(specs, device_id):
    assert specs.loc[device_id, list(GOLDEN[device_id])].to_dict() == GOLDEN[device_id]


def test_every_row_is_read_but_the_one_that_is_no_chip(specs):
    assert (specs["device_class"] != "cpu").sum() == 193
    assert (specs["device_class"] == "cpu").sum() == 244 - 1
    assert "arm-cortex-a72" not in specs.index


def test_no_peak_rate_is_invented_for_a_cpu(specs):
    assert specs.loc[specs["device_class"] == "cpu", ["fp32_tflops", "fp16_tflops", "int8_tops", "fp8_tflops"]].isna().all(axis=None)


def test_the_vector_rate_is_no_stand_in_for_matrix_units(specs, sources):
    assert pd.isna(specs.loc["nvidia-rtx-3090", "fp16_tflops"])
    runs = pd.read_csv(sources / "timm" / "benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv")
    measured = (runs["infer_gmacs"] * 2 * runs["infer_samples_per_sec"]).max() / 1_000
    assert measured > specs.loc["nvidia-rtx-3090", "fp32_tflops"]  # the vector rate of FP16 is the same


def test_only_full_days_are_release_days(specs):
    assert specs.loc["amd-epyc-7313", "released_on"] == pd.Timestamp("2021-03-15")
    assert specs.loc["nvidia-t4", "released_on"] == pd.Timestamp("2018-09-13")
    for bare in ("intel-xeon-gold-6258r", "nvidia-jetson-tx2", "aws-inferentia"):
        assert pd.isna(specs.loc[bare, "released_on"])


def test_withheld_cells_stand_upstream_and_are_empty_here(read, sources):
    upstream = pd.concat([pd.read_csv(sources / "hardware-specs" / file, dtype="str") for file in ("accelerators.csv", "cpus.csv")])
    upstream = upstream.set_index("name")
    by_name = read["device_aliases"].set_index("alias")["device_id"]
    specs = read["devices"].set_index("device_id")
    old = {new: old for table in (hardware_specs.ACCELERATOR_NUMBERS, hardware_specs.CPU_NUMBERS) for old, new in table.items()}
    for name, column in hardware_specs.WITHHELD:
        assert pd.notna(upstream.loc[name, old[column]]), f"{name} has no {column} upstream any more: drop it from WITHHELD"
        assert pd.isna(specs.loc[by_name[name], column])


def test_sources_of_a_row_are_joined_under_known_keys(specs, curated):
    assert specs.loc["amd-alveo-u50", "source_id"] == "amd-ug1120+amd-pg367"
    known = set(curated["sources"]["source_id"])
    assert {code for cell in specs["source_id"] for code in cell.split("+")} <= known


@pytest.mark.parametrize(
    ("alias", "device_id"),
    [
        ("Tesla T4", "nvidia-t4"),
        ("NVIDIA A100-SXM-80GB CTS", "nvidia-a100-sxm4-80gb"),
        ("NVIDIA A100-PCIe [40 GB]", "nvidia-a100-pcie-40gb"),
        ("NVIDIA V100 [p3]", "nvidia-v100-sxm2-16gb"),
        ("NVIDIA K80 (one GK210 die)", "nvidia-k80"),
        ("Nvidia Tesla K80", "nvidia-k80"),
        ("NVIDIA A16", "nvidia-a16"),
        ("INTEL(R) XEON(R) PLATINUM 8592+", "intel-xeon-platinum-8592"),
        ("Intel Xeon Scalable Platinum 8173M", "intel-xeon-platinum-8173m"),
        ("A100 80GB", "nvidia-a100-sxm4-80gb"),
        ("pro6000maxq", "nvidia-rtx-pro-6000-blackwell-max-q"),
        ("tpu-v3.8", "google-tpu-v3-core"),
    ],
)
def test_a_spelling_means_its_device(aliases, alias, device_id):
    assert aliases.set_index("alias").loc[alias, "device_id"] == device_id


def test_every_spelling_in_the_sources_means_a_device_or_says_why_not(aliases, sources):
    known = aliases.set_index("alias")
    for module in importers().values():
        for name, frame in module.read(sources / module.FOLDER).items():
            if name in ("measurements", "prices"):
                spelled = frame["device_name"].fillna(frame["host_cpu"]) if name == "prices" else frame["device_name"]
                assert set(spelled.dropna()) <= set(known.index), (module.SOURCE, set(spelled.dropna()) - set(known.index))
    assert (known["device_id"].notna() | known["reason"].notna()).all()


def test_slices_virtual_gpus_and_clusters_mean_no_device(aliases):
    vague = aliases["alias"].str.contains(r"MIG\)|Virtualized|-80C$|-24Q$|-16Q$|Nodes?:|\(x\d+\)$|^NVIDIA [AVHP]100$|model not stated")
    assert vague.sum() > 30
    assert aliases.loc[vague & ~aliases["alias"].str.fullmatch(r"AMD Instinct MI355X 288GB HBM3e \(x\d+\)"), "device_id"].isna().all()


def test_curated_names_point_to_devices_and_stand_once(curated, devices):
    assert curated["device_names"]["alias"].is_unique
    assert set(curated["device_names"]["device_id"].dropna()) <= set(devices["device_id"])


def test_curated_devices_add_no_figure_but_the_tdp_that_a_source_prints(curated, specs):
    numbers = [column.name for column in schema.DEVICES.columns if column.type != "string" and column.name != "tdp_w"]
    assert curated["devices"][numbers].isna().all(axis=None)
    stated = curated["devices"][curated["devices"]["tdp_w"].notna()]
    assert stated["source_id"].str.fullmatch(r"(openvino-20\d\d\.\d\+?)+|bytemlperf").all()
    # The one row that is corrected by hand: a V70 computes on the AI engines of a Versal device, which is classed fpga like its kin.
    assert set(curated["devices"]["device_id"]) & set(specs.index) == {"amd-alveo-v70"}


def test_each_class_is_described_with_devices_of_that_class(curated, devices):
    classes = tidy.finish(curated["device_classes"], "device_classes")
    assert set(classes["device_class"]) == set(schema.DEVICE_CLASSES)
    class_of = devices.set_index("name")["device_class"]
    for row in classes.itertuples():
        assert {class_of[name] for name in row.examples.split("; ")} == {row.device_class}


def test_sources_are_dated_and_credited(curated):
    table = tidy.finish(curated["sources"], "sources").set_index("source_id")
    rounds = table[table.index.str.startswith("mlperf-v")]
    assert len(rounds) == 9
    assert rounds["citation"].str.contains("trademark").all()
    assert rounds.loc["mlperf-v3.0", "published_on"] == pd.Timestamp("2023-04-05")
    assert rounds.loc["mlperf-v5.1", "licence"] == "not stated"
    assert table.loc["epoch", "citation"].startswith("Epoch AI")
    assert table["published_on"].max() < pd.Timestamp.now()


def spoilt(sources, folder, file, old, new):
    """A copy of the hardware-specs folder in `folder`, with the first `old` of `file` replaced by `new`."""
    for name in ("accelerators.csv", "cpus.csv"):
        text = (sources / "hardware-specs" / name).read_text(encoding="utf-8")
        assert name != file or old in text
        (folder / name).write_text(text.replace(old, new, 1) if name == file else text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("accelerators.csv", "2018-09-13,12,70,", "2018-09-13,12,cool,", r"accelerators\.csv, line 23, column tdp_w: .*'cool'"),
        ("accelerators.csv", "Tesla T4,NVIDIA,gpu", "Tesla T4,NVIDIA,toaster", r"accelerators\.csv, line 23, column device_class.*toaster"),
        ("accelerators.csv", "g,2018-09-13,12,70", "g,13 Sept,12,70", r"accelerators\.csv, line 23, column release_date: .*'13 Sept'"),
        ("accelerators.csv", "NVIDIA P4\n", "NVIDIA P4|NVIDIA T4\n", r"accelerators\.csv, column aliases: .*NVIDIA T4"),
        ("accelerators.csv", "Tesla T4G,", "Tesla T4,", r"hardware-specs: .*Tesla T4, Tesla T4"),
        ("accelerators.csv", "form_factor", "shape", r"accelerators\.csv, line 1: missing column form_factor"),
        ("cpus.csv", "Intel Xeon E5-2665,Intel", "Intel Xeon E5-2665", r"cpus\.csv, line \d+: expected 17 cells, found 16"),
        ("cpus.csv", "AMD,Rome,8,16", "AMD,Rome,-8,16", r"cpus\.csv, line 10, column cores: .*'-8'"),
    ],
)
def test_a_spoilt_file_is_refused_at_its_place(sources, tmp_path, file, old, new, message):
    with pytest.raises(HwlibError, match=message):
        hardware_specs.read(spoilt(sources, tmp_path, file, old, new))
