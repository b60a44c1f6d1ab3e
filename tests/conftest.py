"""Small hand-made tables with round numbers, and where the sources are."""

import os
from pathlib import Path

import hypothesis
import pandas as pd
import pytest

from hwlib import data, schema

pytest_plugins = ["browser", "lab"]
# Tests, and the kernels and processes they start, see the committed tables only, whatever the person who runs them has added.
os.environ["HWLIB_DATA"] = str(Path(__file__).with_name("no-such-folder"))
# A busy machine is no fault: speed is printed by `make bench` and never asserted.
hypothesis.settings.register_profile("hwlib", deadline=None)
hypothesis.settings.load_profile("hwlib")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root():
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def sources():
    """The folder with the upstream figures; tests that rebuild from it are skipped, visibly, where it is not."""
    folder = ROOT.parent / "shared" / "sources"
    if not folder.exists():
        pytest.skip("the upstream figures (../shared/sources) are not here")
    return folder


def measured(**cells):
    """One row of `measurements` with round numbers; `cells` replace its own."""
    row = {
        "measurement_id": "made-1",
        "source_id": "made",
        "source_ref": "table 1",
        "model_id": "net",
        "model_name": "Net",
        "device_id": "acme-a",
        "device_name": "A",
        "device_count": 1,
        "runtime": "pytorch",
        "tuning": "eager",
        "precision": "fp16",
        "scenario": "batch_loop",
        "batch_size": 8,
        "concurrency": 1,
        "throughput_per_s": 800.0,
        "throughput_unit": "samples",
        "latency_ms_mean": 10.0,
        "evidence": "published",
    }
    return row | cells


DEVICES = [
    {"device_id": "acme-a", "name": "A", "vendor": "Acme", "device_class": "gpu", "tdp_w": 100.0, "source_id": "made"},
    {"device_id": "acme-b", "name": "B", "vendor": "Acme", "device_class": "gpu", "tdp_w": 200.0, "source_id": "made"},
    {"device_id": "acme-c", "name": "C", "vendor": "Acme", "device_class": "cpu", "cores": 8, "threads": 16, "source_id": "made"},
    {"device_id": "acme-d", "name": "D", "vendor": "Acme", "device_class": "npu", "source_id": "made"},
]
PRICES = [
    {"instance_type": "a1", "usd_per_hour": 0.36, "device_id": "acme-a", "device_name": "A", "device_count": 1},
    {"instance_type": "a1", "usd_per_hour": 0.72, "device_id": "acme-a", "device_name": "A", "device_count": 1, "region": "west"},
    {"instance_type": "a4", "usd_per_hour": 1.80, "device_id": "acme-a", "device_name": "A", "device_count": 4},
    {"instance_type": "b1", "usd_per_hour": 3.60, "device_id": "acme-b", "device_name": "B", "device_count": 1},
    {"instance_type": "c1", "usd_per_hour": 0.36, "device_id": "acme-c", "vcpus": 8},
    {"instance_type": "c2", "usd_per_hour": 0.80, "device_id": "acme-c", "vcpus": 16},
]
MEASUREMENTS = [
    measured(measurement_id="a-1", batch_size=1, throughput_per_s=100.0, latency_ms_mean=10.0),
    measured(measurement_id="a-8", batch_size=8, throughput_per_s=400.0, latency_ms_mean=20.0),
    measured(measurement_id="b-1", device_id="acme-b", batch_size=1, throughput_per_s=500.0, latency_ms_mean=2.0),
    measured(measurement_id="b-8", device_id="acme-b", batch_size=8, throughput_per_s=2000.0, latency_ms_mean=4.0),
    measured(measurement_id="c-1", device_id="acme-c", batch_size=1, throughput_per_s=50.0, latency_ms_mean=20.0, precision="fp32"),
    measured(
        measurement_id="d-1",
        device_id="acme-d",
        batch_size=1,
        throughput_per_s=30.0,
        latency_ms_mean=33.0,
        power_w=3.0,
        power_boundary="device",
    ),
    measured(measurement_id="p-1", device_id="acme-d", batch_size=4, availability="preview"),
    measured(measurement_id="x-1", device_id=None, device_name="slice of A", batch_size=1),
]


def as_table(rows, name, **common):
    """The dict `rows` as table `name`; each row gets the `common` cells it lacks."""
    return schema.conform(pd.DataFrame([common | row for row in rows]), name)


@pytest.fixture
def made(monkeypatch):
    """The small tables in place of the committed ones: one model `net` on three devices that have a price and one that has none."""
    common = {
        "provider": "cloud",
        "region": "east",
        "pricing": "on_demand",
        "priced_unit": "machine",
        "as_of": pd.Timestamp("2026-01-01"),
        "source_id": "made",
    }
    tables = {
        "devices": as_table(DEVICES, "devices"),
        "prices": as_table(PRICES, "prices", **common),
        "measurements": as_table(MEASUREMENTS, "measurements"),
        "models": as_table([{"model_id": "net", "name": "Net", "family": "net", "task": "other", "source_id": "made"}], "models"),
        "model_aliases": as_table([{"source": "made", "alias": "Net-v1", "model_id": "net"}], "model_aliases"),
        "llm_serving": as_table([], "llm_serving"),
        "operators": as_table([], "operators"),
        "estimate_error": as_table([], "estimate_error"),
        "device_aliases": as_table([{"alias": "slice of A", "reason": "a slice, not the whole device"}], "device_aliases"),
        "sources": as_table(
            [{"source_id": "made", "publisher": "Acme", "title": "Table", "licence": "MIT", "citation": "Acme"}], "sources"
        ),
    }
    monkeypatch.setattr(data, "load", tables.__getitem__)
    return tables
