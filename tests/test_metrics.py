import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwlib import HwlibError, metrics

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
