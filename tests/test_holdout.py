"""The committed error of the estimates: its floors, and the figures behind it."""

import numpy as np
import pandas as pd
import pytest

import hwlib as hw
from hwlib import data, holdout, schema

# What the committed table must not fall behind: median error %, share within 10 %, coverage of the 90 % interval from and to,
# Spearman, regret %. A better fit may tighten them; a worse one fails here.
FLOORS = {
    "seen_both": (10.5, 48, 87, 93, 0.97, 3.0),
    "seen_device_new_model": (13.5, 40, 87, 93, 0.92, 4.5),
    "seen_model_new_device": (33, 13, 87, 95, 0.97, 3.0),
    "new_new": (45, 7, 87, 93, 0.93, np.inf),
}


@pytest.fixture(scope="module")
def table():
    return data.load("estimate_error")


@pytest.mark.parametrize("basis", schema.BASES)
def test_the_committed_error_does_not_worsen(table, basis):
    median, within, least, most, rank, regret = FLOORS[basis]
    whole = (table[["device_class", "source", "detail"]] == "all").all(axis=1) & (table["calibration"] == "none")
    row = table[whole & (table["basis"] == basis)].iloc[0]
    assert row["median_ape"] <= median
    assert row["within_10"] >= within
    assert least <= row["coverage_90"] <= most
    assert row["spearman"] >= rank
    assert not row["regret_percent"] > regret


def test_networks_with_counted_operators_keep_their_lead(table):
    """timm on graphics cards, the best known ground: a new family of networks."""
    row = table[(table["basis"] == "seen_device_new_model") & (table["source"] == "timm") & (table["device_class"] == "gpu")]
    row = row[(row["detail"] == "all") & (row["calibration"] == "none")].iloc[0]
    assert row["median_ape"] <= 9
    assert row["within_10"] >= 54
    assert row["spearman"] >= 0.98


def test_one_measurement_elsewhere_helps(table):
    row = table[(table["calibration"] == "one_point") & (table["basis"] == "seen_device_new_model")].set_index(
        ["device_class", "source", "detail"]
    )
    assert row.loc[("all", "all", "all"), "median_ape"] < row.loc[("all", "all", "all"), "median_ape_uncalibrated"]
    assert row.loc[("gpu", "all", "all"), "median_ape"] < 0.9 * row.loc[("gpu", "all", "all"), "median_ape_uncalibrated"]


def test_every_basis_and_class_that_is_measured_has_its_row(table):
    wide = table[(table["source"] == "all") & (table["calibration"] == "none")]
    for basis in ("seen_both", "seen_device_new_model"):
        assert {"gpu", "cpu", "fpga", "npu", "asic"} <= set(wide.loc[wide["basis"] == basis, "device_class"])
    assert (table["log_low"] < table["log_high"]).all()
    assert (table["width_90"] >= 1).all()


def test_figures_of_a_small_table():
    part = pd.DataFrame(
        {
            "miss": np.log([1.0, 1.05, 1.5, 3.0]),
            "covered": [True, True, True, False],
            "log_low": -0.5,
            "log_high": 0.5,
            "group": ["a", "a", "b", "c"],
            "env": "e",
            "estimated": 0.0,
            "seconds": 1.0,
            "device_id": "no-such-device",
            "model_id": "m",
            "fold": 0,
        }
    )
    found = holdout._figures(part)
    assert (found["n"], found["groups"], found["coverage_90"]) == (4, 3, 75)
    assert found["median_ape"] == pytest.approx(27.5)
    assert found["within_10"] == 50
    assert found["width_90"] == pytest.approx(np.e)
    assert np.isnan(found["spearman"])
    assert np.isnan(found["regret_percent"])


def test_regret_is_the_extra_cost_of_the_device_that_was_chosen():
    """Two devices at their own prices: the estimate prefers the one that costs half as much again in truth."""
    usd = holdout.prices()
    cheap, dear = "nvidia-t4", "nvidia-v100-sxm2-16gb"
    true = np.array([1.0 / usd[cheap], 1.5 / usd[dear]])
    part = pd.DataFrame({"model_id": "m", "fold": 0, "device_id": [cheap, dear], "seconds": true, "estimated": np.log(true)})
    assert holdout.regret(part) == pytest.approx(0)
    assert holdout.regret(part.assign(estimated=np.log(true) + np.array([1.0, 0.0]))) == pytest.approx(50)


def test_prices_are_those_of_one_device():
    offers = hw.load_prices("nvidia-t4", provider="aws", pricing="on_demand")
    assert holdout.prices()["nvidia-t4"] <= (offers["usd_per_hour"] / offers["device_count"]).min()
