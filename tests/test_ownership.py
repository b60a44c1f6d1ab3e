import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hwlib import HwlibError, data, units
from hwlib.ownership import Ownership, break_even, break_even_table, owned_usd_per_hour

NOTHING_ELSE = Ownership(years=1, usd_per_kwh=0, pue=1, host_usd=0, hosting_usd_per_month=0)
usd = st.floats(0.01, 1e5)


def card(price=8_760.0, tdp_w=250.0, device_count=1.0, **more):
    return pd.DataFrame({"launch_price_usd": [price], "tdp_w": [tdp_w], "device_count": [device_count], **more})


def owned(frame, **assumed):
    return owned_usd_per_hour(frame, Ownership(**assumed)).iloc[0]


def costs(fixed, running, rent):
    columns = ["usd_per_hour_fixed", "usd_per_hour_running", "usd_per_hour"]
    return break_even(pd.DataFrame([[fixed, running, rent]], columns=columns)).iloc[0]


def test_a_year_has_8760_hours_and_twelve_months():
    assert (units.HOURS_PER_YEAR, units.MONTHS_PER_YEAR) == (365 * 24, 12)
    row = owned_usd_per_hour(card(), NOTHING_ELSE).iloc[0]
    assert (row["usd_per_hour_fixed"], row["usd_per_hour_running"]) == (1.0, 0.0)


def test_each_assumption_stands_where_the_formula_has_it():
    row = owned(card(2_500.0, 300.0, 4.0), years=4, usd_per_kwh=0.2, pue=1.25, host_usd=7_520, hosting_usd_per_month=146)
    assert row["usd_per_hour_fixed"] == pytest.approx((4 * 2_500 + 7_520) / 35_040 + 0.2)
    # Four devices at 300 W are 1.2 kW at the socket, 1.5 kW for the building, 30 cents an hour.
    assert row["usd_per_hour_running"] == pytest.approx(0.3)
    assert row["assumptions"] == "assumed: 4 years, 0.2 USD/kWh, PUE 1.25, host 7,520 USD, hosting 146 USD a month"


def test_measured_power_goes_before_the_bound_and_says_what_the_meter_saw():
    frame = pd.DataFrame(
        {
            "launch_price_usd": 1_000.0,
            "tdp_w": [250.0, 250.0, 250.0, np.nan],
            "device_count": 2,
            "power_w": [600.0, 180.0, np.nan, np.nan],
            "power_boundary": ["system", "device", None, None],
        }
    )
    rows = owned_usd_per_hour(frame, Ownership(usd_per_kwh=1, pue=1))
    assert rows["power_basis"].tolist() == ["measured (system)", "measured (device)", "tdp bound", "unknown"]
    assert rows["usd_per_hour_running"].tolist()[:3] == [0.6, 0.18, 0.5]
    assert np.isnan(rows["usd_per_hour_running"].iloc[3])


def test_a_missing_price_leaves_a_cell_unknown_and_says_so():
    row = break_even(owned_usd_per_hour(card(np.nan, usd_per_hour=1.0))).iloc[0]
    assert np.isnan(row["usd_per_hour_fixed"])
    assert row["usd_per_hour_running"] > 0
    assert np.isnan(row["break_even_utilisation"])
    assert row["break_even"].startswith("unknown")


@given(usd, usd, usd)
def test_the_costs_of_a_year_cross_exactly_at_the_break_even(fixed, running, rent):
    found = costs(fixed, running, rent)
    share = found["break_even_utilisation"]
    if np.isnan(share):
        assert fixed + running >= rent * (1 - 1e-12)
        assert found["break_even"] == "renting is cheaper, however much it is used"
        return
    own, let = fixed + share * running, share * rent
    assert own == pytest.approx(let, rel=1e-9)
    assume(share < 0.99)
    more = share * 1.01
    assert fixed + more * running < more * rent


def test_never_always_and_half_the_time():
    assert costs(0.5, 0.1, 1.1)["break_even_utilisation"] == 0.5
    assert costs(0.5, 0.1, 1.1)["break_even"] == "owning is cheaper above 50 % of all hours"
    assert costs(1.0, 0.1, 1.1)["break_even_utilisation"] == pytest.approx(1)
    assert np.isnan(costs(1.2, 0.1, 1.1)["break_even_utilisation"])
    assert costs(0.1, 1.1, 1.1)["break_even"].startswith("renting is cheaper")
    assert costs(0.0, 0.1, 1.1)["break_even"] == "owning is cheaper, however little it is used"


@given(usd, st.floats(0, 5), st.floats(5.01, 100), st.floats(1.01, 3))
def test_what_makes_owning_dearer_or_rent_cheaper_moves_the_break_even_up(price, extra, rent, factor):
    frame = card(price, usd_per_hour=rent)

    def share(frame, **assumed):
        found = break_even(owned_usd_per_hour(frame, Ownership(**{"usd_per_kwh": extra, **assumed})))["break_even_utilisation"].item()
        return np.inf if np.isnan(found) else found

    base = share(frame)
    assert share(card(price * factor, usd_per_hour=rent)) >= base
    assert share(frame, usd_per_kwh=extra * factor) >= base
    assert share(frame, pue=1.5 * factor) >= base
    assert share(frame, host_usd=5_000 * factor) >= base
    assert share(frame, hosting_usd_per_month=100 * factor) >= base
    assert share(frame, years=3 * factor) <= base
    assert share(card(price, usd_per_hour=rent * factor)) <= base


def test_the_table_takes_the_cheapest_offer_a_device_and_every_device_with_a_price():
    offers = data.load_prices(pricing="on_demand", priced_unit="machine")
    table = break_even_table(offers)
    priced = set(data.load_devices().dropna(subset="launch_price_usd")["device_id"])
    counted = offers[offers["device_count"] >= 1]
    assert set(table["device_id"]) == priced & set(counted["device_id"])
    assert table["device_id"].is_unique
    assert len(table) >= 7
    for row in table.to_dict("records"):
        rents = counted[counted["device_id"] == row["device_id"]]
        assert row["usd_per_hour"] / row["device_count"] == pytest.approx((rents["usd_per_hour"] / rents["device_count"]).min())


def test_the_h100_by_hand():
    """List price 33 600 USD, 700 W; p5.4xlarge in the table at 6.88 USD/h: 38 600 USD over 26 280 h, 700 W x 1.5 x 15 cents."""
    offers = pd.DataFrame(
        {"device_id": ["nvidia-h100-sxm5-80gb", "intel-xeon-gold-6138"], "device_count": [1.0, None], "usd_per_hour": [6.88, 1.0]}
    )
    row = break_even_table(offers).iloc[0]
    fixed, running = 38_600 / 26_280 + 1_200 / 8_760, 0.7 * 1.5 * 0.15
    assert row["break_even_utilisation"] == pytest.approx(fixed / (6.88 - running))
    assert row["payback_months"] == pytest.approx(38_600 / ((6.88 - running) * 730 - 100))
    assert row["power_basis"] == "tdp bound"


def test_a_purchase_that_never_pays_has_no_payback():
    cheap = pd.DataFrame({"device_id": ["nvidia-h100-sxm5-80gb"], "device_count": [1.0], "usd_per_hour": [0.2]})
    row = break_even_table(cheap).iloc[0]
    assert row[["break_even_utilisation", "payback_months"]].isna().all()
    assert row["break_even"].startswith("renting is cheaper")


FAULTY = [("years", 0), ("years", -3), ("usd_per_kwh", -0.1), ("pue", 0.9), ("host_usd", -1), ("hosting_usd_per_month", 1e9)]
FAULTY += [(name, value) for name in ("years", "usd_per_kwh", "pue", "host_usd") for value in (float("nan"), float("inf"), "3", None, True)]


@pytest.mark.parametrize(("name", "value"), FAULTY)
def test_a_faulty_assumption_is_refused_by_name(name, value):
    with pytest.raises(HwlibError, match=rf"^{name} .*expected a number"):
        Ownership(**{name: value})


@pytest.mark.parametrize("column", ["launch_price_usd", "tdp_w", "device_count"])
@pytest.mark.parametrize("value", [0.0, -5.0, float("inf")])
def test_a_faulty_cell_is_refused_by_column(column, value):
    with pytest.raises(HwlibError, match=rf"^{column} .*over 0"):
        owned_usd_per_hour(card().assign(**{column: [value]}))


def test_other_faults_are_refused_with_the_way_out():
    with pytest.raises(HwlibError, match="unknown column 'launch_price_usd'"):
        owned_usd_per_hour(card().drop(columns="launch_price_usd"))
    with pytest.raises(HwlibError, match=r"Ownership\(years=4\)"):
        owned_usd_per_hour(card(), {"years": 4})
    with pytest.raises(HwlibError, match=r"^usd_per_hour -1.*at least 0"):
        costs(1.0, 0.1, -1.0)
