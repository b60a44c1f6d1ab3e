import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwlib import HwlibError, data, metrics, regions

positive = st.floats(1e-3, 1e6)


def test_published_cost_per_million_of_the_neuron_pages():
    assert metrics.usd_per(1_000_000, 0.228, 1_056) == pytest.approx(0.060, abs=5e-4)
    assert metrics.usd_per(1_000_000, 0.328, 2_697.72) == pytest.approx(0.034, abs=5e-4)


@given(positive, positive, st.floats(0.01, 1))
def test_cost_halves_when_throughput_doubles_and_grows_as_the_machine_idles(usd, rate, utilisation):
    base = metrics.usd_per(100_000, usd, rate)
    assert metrics.usd_per(100_000, usd, 2 * rate) == pytest.approx(base / 2)
    assert metrics.usd_per(100_000, usd, rate, utilisation) == pytest.approx(base / utilisation)


@pytest.mark.parametrize("share", [0, -1, 1.01, float("nan")])
def test_a_utilisation_out_of_range_is_refused(share):
    with pytest.raises(HwlibError, match="utilisation"):
        metrics.usd_per(1, 1, 1, share)


def test_energy_comes_from_measured_power_only():
    rows = pd.DataFrame({"power_w": [200.0, None], "throughput_per_s": [50.0, 50.0], "tdp_w": [70.0, 70.0]})
    assert metrics.energy(rows)["joules_per_inference"].tolist()[0] == 4.0
    assert metrics.energy(rows)["joules_per_inference"].isna().tolist() == [False, True]


def test_the_bound_from_cooling_has_a_name_of_its_own():
    rows = pd.DataFrame({"tdp_w": [70.0], "device_count": [4], "throughput_per_s": [28.0]})
    bound = metrics.energy_bound(rows)
    assert bound["joules_per_inference_tdp_bound"].item() == 10.0
    assert "joules_per_inference" not in bound


def test_a_kilowatt_hour_for_a_million_is_one_grid_factor():
    rows = pd.DataFrame({"joules_per_inference": [3.6]})
    assert metrics.carbon(rows, gco2e_per_kwh=400)["gco2e_per_million"].item() == pytest.approx(400)
    with pytest.raises(HwlibError, match="pue"):
        metrics.carbon(rows, gco2e_per_kwh=400, pue=0.9)


def test_a_missing_column_is_named_with_the_nearest():
    with pytest.raises(HwlibError, match="'throughput_per_s'; did you mean 'throughput'"):
        metrics.cost(pd.DataFrame({"usd_per_hour": [1.0], "throughput": [1.0]}))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25), st.randoms())
def test_pareto_keeps_no_dominated_row_whatever_the_order(pairs, random):
    rows = pd.DataFrame(pairs, columns=["fast", "dear"])
    kept = metrics.pareto(rows, maximise=["fast"], minimise=["dear"])
    assert kept.any()
    for keep, a in zip(kept, pairs, strict=True):
        dominated = any(b[0] >= a[0] and b[1] <= a[1] and b != a for b in pairs)
        assert keep == (not dominated)
    order = random.sample(range(len(pairs)), len(pairs))
    shuffled = metrics.pareto(rows.iloc[order], maximise=["fast"], minimise=["dear"])
    assert shuffled.sort_index().tolist() == kept.tolist()


@given(
    st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(st.integers(0, 4), min_size=width, max_size=width), min_size=1, max_size=30))
)
def test_pareto_agrees_with_every_pair_held_against_each_other(numbers):
    values = np.array(numbers, dtype=float)
    no_worse = (values[:, None] <= values[None]).all(axis=2)
    better = (values[:, None] < values[None]).any(axis=2)
    rows = pd.DataFrame(values).add_prefix("c")
    assert metrics.pareto(rows, minimise=list(rows)).tolist() == (~(no_worse & better).any(axis=0)).tolist()


@given(
    st.lists(st.tuples(st.floats(0.01, 1e6), st.floats(0.01, 1e6), st.floats(0.01, 1e6)), min_size=1, max_size=20),
    st.sampled_from([8, 1024]),
)
def test_pareto_does_not_depend_on_units(triples, factor):
    rows = pd.DataFrame(triples, columns=["fast", "dear", "late"])
    kept = metrics.pareto(rows, maximise=["fast"], minimise=["dear", "late"])
    # A power of two changes a float without rounding.
    scaled = rows.assign(fast=rows["fast"] * factor, dear=rows["dear"] / factor)
    assert metrics.pareto(scaled, maximise=["fast"], minimise=["dear", "late"]).tolist() == kept.tolist()


def test_pareto_of_gaps_and_of_nothing():
    rows = pd.DataFrame({"fast": [1.0, None, 3.0], "dear": [1.0, 1.0, None]}, index=[7, 8, 9])
    kept = metrics.pareto(rows, maximise=["fast"], minimise=["dear"])
    assert kept.to_dict() == {7: True, 8: False, 9: False}
    assert metrics.pareto(rows.iloc[:0], minimise=["dear"]).tolist() == []
    with pytest.raises(HwlibError, match="at least one column"):
        metrics.pareto(rows)


def test_every_measured_power_of_the_tables_keeps_its_boundary():
    rows = metrics.energy(data.load_measurements())
    assert rows.loc[rows["joules_per_inference"].notna(), "power_boundary"].notna().all()
    assert rows.loc[rows["power_w"].isna(), ["joules_per_inference", "inferences_per_joule"]].isna().all(axis=None)


def test_carbon_of_a_bound_has_a_name_of_its_own():
    rows = pd.DataFrame({"joules_per_inference_tdp_bound": [7.2]})
    found = metrics.carbon(rows, gco2e_per_kwh=100, pue=1.5)
    assert found["gco2e_per_million_tdp_bound"].item() == pytest.approx(300)
    assert "gco2e_per_million" not in found


@pytest.mark.parametrize(
    ("intensity", "pue", "named"), [(-1, 1, "gco2e_per_kwh"), (float("nan"), 1, "gco2e_per_kwh"), (1, float("inf"), "pue")]
)
def test_a_senseless_intensity_or_pue_is_refused(intensity, pue, named):
    with pytest.raises(HwlibError, match=named):
        metrics.carbon(pd.DataFrame({"joules_per_inference": [1.0]}), intensity, pue)


def test_a_region_is_found_by_key_or_name_with_year_and_source():
    found = regions.grid("germany")
    assert (found["region"], found["year"], found["source_id"]) == ("DEU", 2023, "codecarbon-energy-mix")
    with pytest.raises(HwlibError, match="name of several; use a key: GEO, US-GA"):
        regions.grid("Georgia")
    with pytest.raises(HwlibError, match="did you mean 'aws:us-east-1'"):
        regions.grid("us-east-1")


def test_every_key_of_the_grid_table_finds_its_own_row():
    table = data.load_grid()
    assert [regions.grid(region)["gco2e_per_kwh"] for region in table["region"]] == table["gco2e_per_kwh"].tolist()


def test_the_same_inferences_emit_by_the_grid_they_run_on():
    rows = pd.DataFrame({"joules_per_inference": [3.6, None], "joules_per_inference_tdp_bound": [None, 7.2]})
    found = regions.carbon_by_region(rows, ["FRA", "Poland"], pue=1.2)
    per_kwh = data.load_grid(region=["FRA", "POL"]).set_index("region")["gco2e_per_kwh"]
    assert found["region"].tolist() == ["FRA", "FRA", "POL", "POL"]
    assert found["gco2e_per_million"].dropna().tolist() == pytest.approx([1.2 * per_kwh["FRA"], 1.2 * per_kwh["POL"]])
    assert found["gco2e_per_million_tdp_bound"].dropna().tolist() == pytest.approx([2.4 * per_kwh["FRA"], 2.4 * per_kwh["POL"]])
    assert found["grid_source_id"].notna().all()
    for faulty in ("FRA", []):
        with pytest.raises(HwlibError, match=r"regions .*expected a list"):
            regions.carbon_by_region(rows, faulty)
