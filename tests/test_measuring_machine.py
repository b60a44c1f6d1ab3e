"""What a machine is called, which device of the tables it is, and our own reference figures on their way into the tables."""

import subprocess
import sys

import pandas as pd
import pytest

import hwlib as hw
from hwlib import importers, schema
from hwlib.importers import own
from hwlib.measuring import machine

EPYC = machine.Machine("AMD EPYC 9654", "AMD", 2, 192, 384, 768.0, ("avx2", "avx512f"), False, None, 720.0, None)
GPU = {"name": "Tesla T4", "driver_version": "550.54", "memory.total": "15360", "power.limit": "70.00"}


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        ("Intel(R) Core(TM) i9-13900K", "Intel Core i9-13900K"),
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "Intel Xeon Platinum 8375C"),
        ("AMD Ryzen 7 7840HS with Radeon 780M Graphics", "AMD Ryzen 7 7840HS"),
        ("AMD EPYC 9654 96-Core Processor", "AMD EPYC 9654"),
        ("Apple M1", "Apple M1"),
    ],
)
def test_names_of_processors_are_those_that_the_tables_use(spelled, plain):
    assert machine.plain_name(spelled) == plain


def test_a_whole_known_processor_is_that_device():
    device, known = machine.device(EPYC, "cpu")
    assert known
    assert device["device_id"] == "amd-epyc-9654"
    assert device["threads"] == 192


def test_a_part_of_a_known_processor_is_a_device_of_its_own():
    device, known = machine.device(EPYC._replace(sockets=1, cores=4, threads=8, memory_gb=16.0), "cpu")
    assert not known
    assert device["device_id"] == "my-amd-epyc-9654-8-threads"
    assert (device["cores"], device["threads"], device["memory_gb"]) == (4, 8, 16.0)
    assert "tdp_w" not in device
    schema.validate(schema.conform(pd.DataFrame([device]).assign(source_id="made"), "devices"), "devices")


def test_a_rented_part_is_scaled_by_its_type_as_published_rows_are():
    rented = hw.load_prices(provider="aws", device="amd-epyc-9r14")["instance_type"].dropna().iloc[0]
    part = EPYC._replace(cpu="AMD EPYC 9R14", sockets=1, cores=2, threads=2, product=rented)
    assert machine.device(part, "cpu")[0]["device_id"] == "amd-epyc-9r14"
    assert machine.in_words(part).startswith(f"{rented}; ")


def test_a_gpu_is_known_by_the_name_that_its_tool_prints():
    device, known = machine.device(EPYC._replace(gpu=GPU), "gpu")
    assert known
    assert device["device_id"] == "nvidia-t4"
    assert "Tesla T4, driver 550.54, GPU power limit 70.00 W" in machine.in_words(EPYC._replace(gpu=GPU))
    unknown, known = machine.device(EPYC._replace(gpu=GPU | {"name": "NVIDIA Z9"}), "gpu")
    assert not known
    assert (unknown["device_id"], unknown["vendor"], unknown["device_class"]) == ("my-nvidia-z9", "NVIDIA", "gpu")


def test_an_accelerator_without_a_name_is_never_taken_for_the_processor():
    device, known = machine.device(EPYC, "npu")
    assert not known
    assert device["name"] == "NPU of AMD EPYC 9654"


def test_what_cannot_be_read_is_not_made_up(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "nothing")
    monkeypatch.setattr(machine, "PRODUCT", tmp_path / "nothing")
    here = machine.describe()
    assert here.cpu
    assert here.product is None
    assert here.instructions == ()
    assert "unknown" in machine.in_words(here._replace(power_limit_w=None))


def test_a_hidden_model_name_is_told_apart_by_its_family(tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    facts = [
        "processor\t: {}",
        "vendor_id\t: AuthenticAMD",
        "cpu family\t: 25",
        "model\t\t: 17",
        "model name\t: AMD EPYC",
        "physical id\t: {}",
    ]
    one = "\n".join([*facts, "flags\t\t: avx2 hypervisor", "", ""])
    path.write_text(one.format(0, 0) + one.format(1, 1))
    monkeypatch.setattr(machine, "CPUINFO", path)
    here = machine.describe()
    assert (here.cpu, here.vendor, here.sockets, here.virtual) == ("AMD EPYC (family 25, model 17)", "AMD", 2, True)
    assert here.instructions == ("avx2",)


def test_reference_figures_come_into_the_tables(root, sources, tmp_path):
    """The script in its quick mode, then the tables rebuilt with what it wrote."""
    folder = tmp_path / "own"
    script = [
        sys.executable,
        root / "tests" / "perf" / "reference_figures.py",
        "--quick",
        "--networks",
        "lstm-2x256-seq100",
        "--out",
        folder,
    ]
    for _ in range(2):
        subprocess.run(script, check=True, capture_output=True, cwd=root)
    found = own.read(folder)
    assert set(found) == {"measurements", "devices", "models"} or set(found) == {"measurements", "models"}
    # Measured twice, kept once.
    assert found["measurements"].groupby(["runtime", "precision", "scenario"]).size().eq(1).all()
    assert set(found["measurements"]["variant"]) == {"values=random"}
    read = {"own": found}
    curated = importers.names.load_curated(root / "data" / "curated")
    aliases = importers.names.device_aliases(found.get("devices", hw.load_devices())[["name", "device_id"]], curated["device_names"], [])
    rows, spelled = importers.identified("measurements", read, curated, aliases)
    assert rows["measurement_id"].str.match("hwlib-own-[0-9a-f]{8}$").all()
    assert rows["device_id"].notna().all()
    assert set(spelled["model_id"]) == {"lstm-2x256-seq100"}
