"""Price catalogues of SkyPilot and gpuhunt: hand-made samples in their formats, faults at their place, and broken files."""

from pathlib import Path

import pandas as pd
import pytest
from broken_files import broken_csv, outcome
from hypothesis import HealthCheck, given, settings

from hwlib import HwlibError
from hwlib.importers import price_catalogues, tidy

SAMPLES = Path(__file__).parent / "raw_samples"


def skypilot(provider, as_of="2026-02-01"):
    return tidy.finish(price_catalogues.read_skypilot(SAMPLES / f"skypilot_{provider}.csv", provider, as_of), "prices")


def gpuhunt(tmp_path, provider, as_of=None):
    (tmp_path / f"{provider}.csv").write_bytes((SAMPLES / f"gpuhunt_{provider}.csv").read_bytes())
    return tidy.finish(price_catalogues.read_gpuhunt(tmp_path / f"{provider}.csv", as_of), "prices")


def offer(prices, instance_type, pricing="on_demand", **where):
    rows = prices[(prices["instance_type"] == instance_type) & (prices["pricing"] == pricing)]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_machine_of_skypilot():
    row = offer(skypilot("aws"), "g0.xlarge", region="north-1")
    assert (row["usd_per_hour"], row["vcpus"], row["memory_gib"], row["device_name"], row["device_count"]) == (0.5, 4, 16, "NVIDIA T4", 1)
    assert (row["provider"], row["priced_unit"], row["source_id"]) == ("aws", "machine", "skypilot-catalog-aws")
    assert (row["as_of"], pd.isna(row["quality_flag"])) == (pd.Timestamp("2026-02-01"), True)


def test_the_cheapest_zone_counts_and_says_so():
    prices = skypilot("aws")
    row = offer(prices, "g0.xlarge", "spot")
    assert (row["usd_per_hour"], row["region"], row["quality_flag"]) == (0.2, "north-1", "cheapest of several zones or offers")
    assert len(prices) == 10


def test_no_price_is_no_offer():
    prices = skypilot("aws")
    assert len(prices[(prices["instance_type"] == "g0.xlarge") & (prices["region"] == "south-1")]) == 1
    assert set(prices.loc[prices["instance_type"] == "c0.nano", "pricing"]) == {"on_demand"}


def test_a_machine_without_accelerator_and_a_share_of_a_cpu():
    prices = skypilot("aws")
    assert offer(prices, "c0.large")[["device_name", "device_count", "host_cpu"]].isna().all()
    assert pd.isna(offer(prices, "c0.nano")["vcpus"])


def test_the_cloud_tells_the_form_of_an_accelerator():
    assert offer(skypilot("aws"), "p0.24xlarge")["device_name"] == "NVIDIA A100 80GB SXM"


def test_an_unknown_accelerator_keeps_its_name_and_an_unknown_day_stays_empty():
    prices = skypilot("aws", as_of=None)
    assert offer(prices, "x0.large")["device_name"] == "ZPU9"
    assert prices["as_of"].isna().all()


def test_google_s_accelerators_are_priced_alone():
    prices = skypilot("gcp")
    row = offer(prices, "gpu-attach:t4")
    assert (row["usd_per_hour"], row["priced_unit"], row["device_name"], row["device_count"]) == (0.35, "accelerator", "NVIDIA T4", 1)
    assert offer(prices, "gpu-attach:t4", "spot")["usd_per_hour"] == 0.14
    assert offer(prices, "gpu-attach:8x-h100")[["device_name", "device_count"]].tolist() == ["NVIDIA H100 SXM", 8]
    assert set(prices.loc[prices["priced_unit"] == "machine", "instance_type"]) == {"n1-standard-8"}


def test_a_machine_of_gpuhunt(tmp_path):
    prices = gpuhunt(tmp_path, "aws", "2026-02-01")
    row = offer(prices, "g0.xlarge", "spot")
    assert (row["usd_per_hour"], row["vcpus"], row["device_name"], row["device_count"], row["region"]) == (
        0.2,
        4,
        "NVIDIA T4",
        1,
        "north-1",
    )
    assert (row["provider"], row["source_id"], row["as_of"]) == ("aws", "gpuhunt", pd.Timestamp("2026-02-01"))
    assert offer(prices, "p0.24xlarge")["device_name"] == "NVIDIA A100 80GB SXM"
    assert offer(prices, "p1.24xlarge")["device_name"] == "NVIDIA A100 40GB SXM"
    assert offer(prices, "c0.large")[["device_name", "device_count"]].isna().all()


def test_zones_reservations_and_pods_of_google_in_gpuhunt(tmp_path):
    prices = gpuhunt(tmp_path, "gcp")
    row = offer(prices, "g2-standard-4")
    assert (row["region"], row["usd_per_hour"], row["quality_flag"]) == ("west1", 0.7, "cheapest of several zones or offers")
    assert offer(prices, "a3-highgpu-8g")["usd_per_hour"] == 88
    assert len(prices) == 2


def test_an_older_catalogue_of_gpuhunt_has_fewer_columns(tmp_path):
    newer = gpuhunt(tmp_path, "aws")
    frame = pd.read_csv(SAMPLES / "gpuhunt_aws.csv", dtype="str", keep_default_na=False)
    frame.drop(columns=["disk_size", "gpu_vendor", "flags"]).to_csv(tmp_path / "aws.csv", index=False)
    pd.testing.assert_frame_equal(tidy.finish(price_catalogues.read_gpuhunt(tmp_path / "aws.csv"), "prices"), newer)


def test_every_spelling_is_one_that_the_devices_know(root):
    known = set(pd.read_csv(root / "data" / "device_aliases.csv")["alias"])
    spelled = {*price_catalogues.DEVICES.values(), *(name for cloud in price_catalogues.OF_CLOUD.values() for name in cloud.values())}
    assert spelled <= known


FAULTS = [
    (",0.5,0.2,north-1", ",much,0.2,north-1", "line 5, column Price: expected a number of at least 0, found 'much'"),
    (",0.5,0.2,north-1", ",-0.5,0.2,north-1", "line 5, column Price: expected a number of at least 0, found '-0.5'"),
    (
        ",0.5,0.2,north-1",
        ",0.5,99999,north-1",
        "line 5, column SpotPrice: expected 0 or a price from 0.0001 to 2,000 USD per hour, found '99999'",
    ),
    (",0.5,0.2,north-1", ",0.00001,0.2,north-1", "line 5, column Price: expected 0 or a price from 0.0001"),
    (",0.5,0.2,north-1", ",nan,0.2,north-1", "line 5, column Price: expected a number of at least 0, found 'nan'"),
    ("g0.xlarge,T4,1.0", "g0.xlarge,T4,one", "line 5, column AcceleratorCount: expected a number of at least 0, found 'one'"),
    (
        "g0.xlarge,T4,1.0",
        "=cmd(),T4,1.0",
        "line 5, column InstanceType: expected a name that is no formula and holds no markup, found '=cmd",
    ),
    (
        "g0.xlarge,T4,1.0",
        "g0.xlarge,<img src=x>,1.0",
        "line 5, column AcceleratorName: expected a name that is no formula and holds no markup",
    ),
    ("c0.large,,", ",,", "line 2, column InstanceType: expected a machine or an accelerator"),
    ("c0.large,,", "c0.large,", "line 2: expected 10 cells, found 9"),
    ("SpotPrice", "Spot", "line 1: missing column SpotPrice"),
]


@pytest.mark.parametrize(("old", "new", "said"), FAULTS)
def test_a_fault_in_skypilot_s_catalogue_is_named(tmp_path, old, new, said):
    text = (SAMPLES / "skypilot_aws.csv").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "vms.csv").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError) as fault:
        price_catalogues.read_skypilot(tmp_path / "vms.csv", "aws")
    assert f"vms.csv, {said}" in str(fault.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",0.5,4,", ",cheap,4,", "line 3, column price: expected a number of at least 0, found 'cheap'"),
        ("T4,16.0,False", "T4,16.0,perhaps", "line 3, column spot:"),
        ("g0.xlarge,north-1,0.5", ",north-1,0.5", "line 3, column instance_name: expected a machine"),
        ("gpu_memory", "gpu_ram", "line 1: missing column gpu_memory"),
        (",1,T4,", ",1,@SUM(A1),", "line 3, column gpu_name: expected a name that is no formula"),
    ],
)
def test_a_fault_in_gpuhunt_s_catalogue_is_named(tmp_path, old, new, said):
    text = (SAMPLES / "gpuhunt_aws.csv").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "aws.csv").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError) as fault:
        price_catalogues.read_gpuhunt(tmp_path / "aws.csv")
    assert said in str(fault.value)


def test_a_provider_must_be_named(tmp_path):
    with pytest.raises(HwlibError, match=r"expected a provider such as aws, found '\.\./aws'"):
        price_catalogues.read_skypilot(SAMPLES / "skypilot_aws.csv", "../aws")
    with pytest.raises(HwlibError, match=r"my list\.csv: expected a catalogue named after its provider"):
        price_catalogues.read_gpuhunt(tmp_path / "my list.csv")
    with pytest.raises(HwlibError, match=r"aws\.csv: cannot be read"):
        price_catalogues.read_gpuhunt(tmp_path / "aws.csv")


LENIENT = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LENIENT
@given(raw=broken_csv((SAMPLES / "skypilot_aws.csv").read_text(encoding="utf-8")))
def test_a_broken_catalogue_of_skypilot_is_refused_or_read_right(tmp_path, raw):
    (tmp_path / "vms.csv").write_bytes(raw)
    assert outcome(lambda: price_catalogues.read_skypilot(tmp_path / "vms.csv", "aws", "2026-02-01"), "prices") in ("refused", "read")


@LENIENT
@given(raw=broken_csv((SAMPLES / "skypilot_gcp.csv").read_text(encoding="utf-8")))
def test_a_broken_catalogue_of_google_is_refused_or_read_right(tmp_path, raw):
    (tmp_path / "vms.csv").write_bytes(raw)
    assert outcome(lambda: price_catalogues.read_skypilot(tmp_path / "vms.csv", "gcp"), "prices") in ("refused", "read")


@LENIENT
@given(raw=broken_csv((SAMPLES / "gpuhunt_gcp.csv").read_text(encoding="utf-8")))
def test_a_broken_catalogue_of_gpuhunt_is_refused_or_read_right(tmp_path, raw):
    (tmp_path / "gcp.csv").write_bytes(raw)
    assert outcome(lambda: price_catalogues.read_gpuhunt(tmp_path / "gcp.csv"), "prices") in ("refused", "read")
