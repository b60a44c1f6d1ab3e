import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwlib import units


@given(st.floats(1e-6, 1e12))
def test_a_joule_is_the_same_joule_in_kilowatt_hours(joules):
    assert units.joules_to_kwh(joules) * units.W_PER_KW * units.SECONDS_PER_HOUR == pytest.approx(joules)


def test_resnet50_at_a_thousand_a_second_is_eight_tera_operations():
    assert units.gmacs_to_tops(4.1, 1_000) == pytest.approx(8.2)
