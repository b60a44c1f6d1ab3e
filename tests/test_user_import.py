"""`hwlib data import`: a file in a publisher's own format becomes the user's tables, or nothing does."""

import hashlib
import http.server
import threading
from pathlib import Path

import pandas as pd
import pytest
from conftest import measured

import hwlib as hw
from hwlib import HwlibError, data
from hwlib.importers import user

SAMPLES = Path(__file__).parent / "raw_samples"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of the user's own, in force."""
    own = tmp_path / "own"
    monkeypatch.setenv("HWLIB_DATA", str(own))
    data.load.cache_clear()
    yield own
    data.load.cache_clear()


def summary(tmp_path, **cells):
    """A summary as published from v6.1 with one ResNet-50 result on a known accelerator."""
    row = pd.read_csv(SAMPLES / "summary.csv", dtype="str", keep_default_na=False).iloc[[0]]
    new = {"Model": "resnet50", "MlperfModel": "resnet50", "Scenario": "Offline", "Result": "9999999.0", "Units": "Samples/s"}
    new |= {"number_of_nodes": "1", "weight_data_types": "int8", "accelerators_per_node": "1", "Accuracy": "acc: 76.1"}
    path = tmp_path / "summary.csv"
    row.assign(**new | cells).to_csv(path, index=False)
    return path


def test_a_new_mlperf_round_is_seen_in_the_next_decision(folder, tmp_path):
    user.import_file("mlperf", summary(tmp_path))
    best = hw.decide("resnet50", priority="throughput").table
    assert "mlperf-v6.1" in set(best["source_id"])
    assert hw.trace(hw.load_measurements(source_id="mlperf-v6.1")["measurement_id"].iloc[0])["source"]["publisher"] == "MLCommons"


def test_the_published_json_of_v5_1_can_be_imported(folder, sources):
    paths, _ = user.import_file("mlperf", sources / "mlperf-inference" / "summary_results_v5.1.json")
    assert {path.parent.name for path in paths} == {"measurements"}
    assert len(hw.load_measurements(source_id="mlperf-v5.1")) >= 1_448


def test_an_unknown_accelerator_is_named_and_its_rows_have_no_device(folder, tmp_path):
    _, unknown = user.import_file("mlperf", summary(tmp_path, accelerator_model_name="Acme Z9"))
    assert unknown == ["Acme Z9"]
    assert hw.load_measurements(source_id="mlperf-v6.1")["device_id"].isna().all()


def test_a_skypilot_catalogue_gives_prices_of_its_day(folder, tmp_path):
    catalogue = tmp_path / "aws" / "vms.csv"
    catalogue.parent.mkdir()
    catalogue.write_text(
        "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone\n"
        "g4dn.xlarge,T4,1,4,16,,0.400,0.10,us-east-1,us-east-1a\n",
        encoding="utf-8",
    )
    user.import_file("skypilot", catalogue, as_of="2026-11-01")
    prices = hw.load_prices("nvidia-t4", provider="aws", instance_type="g4dn.xlarge", pricing="on_demand")
    assert sorted(prices["usd_per_hour"]) == [0.4, 0.526]
    option = hw.decide("resnet50", providers="aws").table.set_index("device_id").loc["nvidia-t4"]
    assert (option["usd_per_hour"], str(option["price_as_of"].date())) == (0.4, "2026-11-01")


def test_a_gpuhunt_catalogue_gives_prices(folder, tmp_path):
    catalogue = tmp_path / "aws.csv"
    catalogue.write_bytes((SAMPLES / "gpuhunt_aws.csv").read_bytes())
    paths, _ = user.import_file("gpuhunt", catalogue)
    assert any(path.parent.name == "prices" for path in paths)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_own_rows_are_taken_as_they_are(folder, tmp_path, ending):
    frame = pd.DataFrame([measured(measurement_id="own-1", source_id="timm", model_id="resnet50", device_id="nvidia-t4", evidence="own")])
    path = tmp_path / f"mine.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    user.import_file("measurements", path)
    assert len(hw.load_measurements("resnet50", evidence="own", source_id="timm")) == 1


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"Result": "fast"}, "line 2, column Result"),
        ({"Result": "-5"}, "line 2, column Result"),
        ({"Result": "1e300"}, "line 2, column Result"),
        ({"SystemName": "<script>alert(1)</script>"}, "line 2, column SystemName"),
        ({"Organization": "=cmd()"}, "line 2, column Organization"),
        ({"version": "soon"}, "line 2, column version"),
    ],
)
def test_a_faulty_file_writes_nothing(folder, tmp_path, cells, words):
    with pytest.raises(HwlibError, match=rf"summary\.csv, {words}"):
        user.import_file("mlperf", summary(tmp_path, **cells))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        ("mlpref", "x.csv", "unknown source 'mlpref'; did you mean 'mlperf'"),
        ("mlperf", "nowhere.csv", "nowhere.csv: no such file"),
        ("mlperf", "http://127.0.0.1:9/x.csv", "could not be fetched"),
    ],
)
def test_a_place_or_source_that_is_none_is_one_sentence(folder, source, place, words):
    with pytest.raises(HwlibError, match=words):
        user.import_file(source, place)
    assert not folder.exists()


def test_a_download_must_have_its_checksum(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = summary(tmp_path)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/summary.csv"
        with pytest.raises(HwlibError, match="could not be fetched"):
            user.import_file("mlperf", address, sha256="0" * 64)
        assert not folder.exists()
        user.import_file("mlperf", address, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        server.shutdown()
    assert len(hw.load_measurements(source_id="mlperf-v6.1")) == 1
