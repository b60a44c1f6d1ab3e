import pandas as pd
import pytest
from conftest import MEASUREMENTS, as_table

from hwlib import HwlibError, schema


def test_every_column_says_what_it_means_and_numbers_have_a_unit_or_none_by_nature():
    for table in schema.TABLES.values():
        for column in table.columns:
            assert len(column.meaning) > 5, (table.name, column.name)
            assert column.type in schema.PANDAS_DTYPES
    without = {column.name for table in schema.TABLES.values() for column in table.columns if column.type == "number" and not column.unit}
    assert without == {"accuracy_value"}


def test_units_stand_at_the_end_of_names():
    endings = {"W": "_w", "ms": ("_ms", "_ms_mean", "_ms_p50", "_ms_p90", "_ms_p95", "_ms_p99"), "GB/s": "_gb_s", "USD/h": "usd_per_hour"}
    for table in schema.TABLES.values():
        for column in table.columns:
            if column.unit in endings:
                assert column.name.endswith(endings[column.unit]), column.name


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"precision": "fp17"}, "line 2, column precision: expected one of fp32"),
        ({"throughput_per_s": -1.0}, "line 2, column throughput_per_s: expected at least 0, found "),
        ({"power_w": float("inf")}, "line 2, column power_w: expected a finite number"),
        ({"model_id": None}, "line 2, column model_id: expected a value, found nothing"),
        ({"batch_size": 0}, "line 2, column batch_size: expected at least 1"),
        ({"measurement_id": "a-8"}, "line 3, column measurement_id: expected a key that stands once"),
    ],
)
def test_a_faulty_row_is_named_by_line_and_column(cells, words):
    frame = as_table([MEASUREMENTS[0] | cells, *MEASUREMENTS[1:]], "measurements")
    with pytest.raises(HwlibError) as error:
        schema.validate(frame, "measurements")
    assert words in str(error.value)


def test_conform_refuses_a_column_that_is_none_and_a_value_of_another_type():
    with pytest.raises(HwlibError, match="did you mean 'gco2e_per_kwh'"):
        schema.conform(pd.DataFrame({"gco2_per_kwh": [1.0]}), "grid_carbon")
    with pytest.raises(HwlibError, match=r"grid_carbon\.year: expected integer"):
        schema.conform(pd.DataFrame({"year": ["soon"]}), "grid_carbon")
