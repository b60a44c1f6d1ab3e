import pandas as pd
import pytest

from hwlib import HwlibError
from hwlib.importers import cloud_prices, grid_carbon, tidy


@pytest.fixture(scope="module")
def raw(sources):
    return pd.concat([pd.read_csv(sources / "cloud-prices" / file, dtype="str") for file in cloud_prices.FILES])


@pytest.fixture(scope="module")
def prices(sources):
    return tidy.finish(cloud_prices.read(sources / "cloud-prices")["prices"], "prices")


@pytest.fixture(scope="module")
def grid(sources):
    return tidy.finish(grid_carbon.read(sources / "grid-carbon")["grid_carbon"], "grid_carbon").set_index("region")


def offer(prices, instance_type, pricing="on_demand", **where):
    rows = prices[(prices["instance_type"] == instance_type) & (prices["pricing"] == pricing)]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows.squeeze()


def test_the_four_machines_of_the_worked_example(prices):
    listed = {"c5.4xlarge": 0.68, "p2.xlarge": 0.9, "g4dn.2xlarge": 0.752, "p3.2xlarge": 3.06}
    assert {name: offer(prices, name, region="us-east-1")["usd_per_hour"] for name in listed} == listed


def test_a_t4_machine(prices):
    row = offer(prices, "g4dn.xlarge")
    assert (row["usd_per_hour"], row["vcpus"], row["memory_gib"], row["device_name"], row["device_count"]) == (0.526, 4, 16, "NVIDIA T4", 1)
    assert (row["priced_unit"], row["as_of"], row["source_id"]) == ("machine", pd.Timestamp("2026-07-20"), "karpenter-aws+moto+boavizta")
    assert pd.isna(row["quality_flag"])


def test_a_machine_without_accelerator_goes_by_its_processor(prices):
    row = offer(prices, "c5.4xlarge", region="us-east-1")
    assert row[["device_name", "device_count"]].isna().all()
    assert row["host_cpu"] == "Intel Xeon Platinum 8124M"


def test_the_machine_tells_the_form_factor_that_aws_leaves_out(prices):
    assert offer(prices, "p3.2xlarge")["device_name"] == "NVIDIA V100 [p3]"
    assert offer(prices, "p3dn.24xlarge")["device_name"] == "NVIDIA V100 [p3dn]"
    elsewhere = prices[(prices["provider"] != "aws") & (prices["device_name"] == "NVIDIA V100")]
    assert len(elsewhere) > 10


def test_modelled_costs_are_left_out_and_nothing_else_is_lost(prices, raw):
    modelled = raw["pricing"].isin(["tco_hyperscaler", "tco_neocloud", "rental_3yr"])
    dearer = prices["quality_flag"].fillna("").str.contains("dearer of two prices")
    assert (modelled.sum(), dearer.sum()) == (27, 11)
    assert len(prices) == len(raw) - 27 - 11
    assert not prices["source_id"].str.contains("inferencex").any()


def test_of_two_prices_for_one_shape_the_dearer_stays(prices):
    assert offer(prices, "1x A4000 (16 GB), 2 vCPU")["usd_per_hour"] == 0.32
    assert offer(prices, "2x A4000 (16 GB), 16 vCPU")["usd_per_hour"] == 0.74


def test_what_is_priced_is_the_machine_but_for_attached_gpus_and_tpu_chips(prices):
    alone = prices[prices["priced_unit"] == "accelerator"]
    assert len(alone) == 52
    assert alone["instance_type"].str.contains("gpu-attach|per chip").all()
    assert offer(prices, "gpu-attach:t4")["usd_per_hour"] == 0.35


def test_terms_that_nobody_states_stay_unstated(prices):
    reserved = prices[prices["pricing"] == "reserved_unstated"]
    assert len(reserved) == 10
    assert offer(prices, "inf2.xlarge", "reserved_unstated")["usd_per_hour"] == 0.328
    assert reserved["region"].isna().all()


def test_doubts_are_flagged(prices):
    assert offer(prices, "tpu-v4-pod (per chip)", "spot")["quality_flag"] == "spot above on-demand;chip or core unstated"
    assert offer(prices, "gc2.t4-16-1")["quality_flag"] == "mixed age;shape given as a range"
    assert pd.isna(offer(prices, "gc2.t4-16-1")["vcpus"])
    azure = prices["provider"] == "azure"
    assert prices.loc[azure, "quality_flag"].fillna("").str.contains("accelerator inferred").sum() == 467


def test_no_spot_price_exceeds_list_price_without_a_flag(prices):
    key = ["provider", "region", "instance_type", "device_name", "source_id"]
    pair = prices[prices["pricing"] == "spot"].merge(prices[prices["pricing"] == "on_demand"], on=key, suffixes=("", "_list"))
    above = pair[pair["usd_per_hour"] > pair["usd_per_hour_list"]]
    assert len(above) > 0
    assert above["quality_flag"].fillna("").str.contains("spot above on-demand").all()


def test_source_codes_carry_no_file_names(prices):
    codes = {code for cell in prices["source_id"] for code in cell.split("+")}
    assert {"skypilot-catalog-lambda", "skypilot-catalog-nebius", "skypilot-catalog-runpod", "gpuhunt"} <= codes
    assert not any("(" in code for code in codes)


def test_an_empty_day_stays_empty(prices):
    assert prices["as_of"].isna().sum() == 66
    assert offer(prices, "gpu-attach:k80")["as_of"] == pd.Timestamp("2022-05-05")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",on_demand,0.204,", ",on_demand,free,", r"aws\.csv, line 2, column usd_per_hour: .*'free'"),
        (",on_demand,0.204,", ",on_a_whim,0.204,", r"aws\.csv, line 2, column pricing:.*on_a_whim"),
        ("fractional GPU (partition 0.5)", "half a loaf", r"aws\.csv, line \d+, column note: .*'half a loaf'"),
        ("a1.2xlarge,on_demand", "on_demand", r"aws\.csv, line 2: expected 14 cells, found 13"),
    ],
)
def test_a_spoilt_list_is_refused_at_its_place(sources, tmp_path, old, new, message):
    for file in cloud_prices.FILES:
        text = (sources / "cloud-prices" / file).read_text(encoding="utf-8")
        (tmp_path / file).write_text(text.replace(old, new, 1) if file == "aws.csv" else text, encoding="utf-8")
    with pytest.raises(HwlibError, match=message):
        cloud_prices.read(tmp_path)


def test_grid_figures(grid):
    assert grid.loc["gcp:us-central1", "gco2e_per_kwh"] == 430
    assert grid.loc["US-AL", ["gco2e_per_kwh", "year", "source_id"]].tolist() == [323.9, 2023, "codecarbon-usa"]
    assert grid.loc["world_average", "gco2e_per_kwh"] == 475


def test_fuels_and_bought_renewables_are_no_grid(grid):
    assert len(grid) == 419 - 12 - 1
    assert not {"coal", "seeweb:fro2"} & set(grid.index)


def test_the_misspelt_region_is_put_right(grid):
    assert "gcp:me-cenrtal1" not in grid.index
    assert grid.loc["gcp:me-central1", "region_name"] == "Doha"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("561.224", "windy", r"carbon_intensity\.csv, line 2, column gCO2e_per_kWh: .*'windy'"),
        ("codecarbon global_energy_mix.json", "hearsay", r"carbon_intensity\.csv, line 2, column source:.*hearsay"),
    ],
)
def test_a_spoilt_grid_file_is_refused_at_its_place(sources, tmp_path, old, new, message):
    text = (sources / "grid-carbon" / grid_carbon.FILE).read_text(encoding="utf-8")
    (tmp_path / grid_carbon.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HwlibError, match=message):
        grid_carbon.read(tmp_path)


def test_burstable_machines_are_flagged(sources):
    prices = cloud_prices.read(sources / "cloud-prices")["prices"]
    burstable = prices[prices["quality_flag"].str.contains("burstable", na=False)]
    assert set(burstable["provider"]) == {"aws", "gcp"}
    assert burstable["instance_type"].str.match(r"t\d|e2-(micro|small|medium)").all()
    assert not prices.loc[prices["instance_type"] == "m5.large", "quality_flag"].str.contains("burstable", na=False).any()
