import pandas as pd
import pytest

import hwlib as hw
from hwlib import HwlibError, data, schema, tables


def test_every_table_loads_with_the_columns_and_types_of_the_schema():
    for name, table in schema.TABLES.items():
        frame = data.load(name)
        assert list(frame.columns) == table.names
        assert len(frame) > 0
        assert [str(dtype) for dtype in frame.dtypes] == [schema.PANDAS_DTYPES[column.type] for column in table.columns]


def test_filters_take_a_value_or_a_list_and_give_a_plain_frame():
    rows = hw.load_measurements(model="resnet50", device=["nvidia-t4", "nvidia-l4"], scenario="offline")
    assert type(rows) is pd.DataFrame
    assert set(rows["device_id"]) == {"nvidia-t4", "nvidia-l4"}
    assert set(rows["scenario"]) == {"offline"}


def test_what_a_caller_changes_stays_with_the_caller():
    first = hw.load_devices("nvidia-t4")
    first.loc[0, "tdp_w"] = 1.0
    assert hw.load_devices("nvidia-t4")["tdp_w"].item() == 70.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hw.load_measurements("resnet5"), ["unknown model 'resnet5'", "'resnet50'", "`hwlib models`"]),
        (lambda: hw.load_measurements(device="nvidia-t44"), ["unknown device 'nvidia-t44'", "'nvidia-t4'", "`hwlib devices`"]),
        (lambda: hw.load_prices(device="nvidia-t44"), ["unknown device 'nvidia-t44'"]),
        (lambda: hw.load_measurements(source_id="tim"), ["unknown source 'tim'", "'timm'", "`hwlib sources`"]),
        (lambda: hw.load_measurements(scenaro="offline"), ["column of measurements 'scenaro'", "'scenario'"]),
        (lambda: hw.load_measurements(precision="fp61"), ["unknown precision 'fp61'", "'fp16'"]),
        (lambda: data.load("measurement"), ["unknown table 'measurement'", "'measurements'"]),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_and_the_way_out(call, words):
    with pytest.raises(HwlibError) as error:
        call()
    assert all(word in str(error.value) for word in words), str(error.value)


GOOD = "region,region_name,region_type,gco2e_per_kwh,year,source_id\nFRA,France,country,44,2022,owid\nPOL,Poland,country,750,2022,owid\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("44", "low"), ["grid.csv, line 2, column gco2e_per_kwh: expected number, found 'low'"]),
        (GOOD.replace("750,2022", "750,20.5"), ["line 3, column year: expected integer, found '20.5'"]),
        (GOOD[:-12], ["line 3, column year: expected 6 cells, found 4"]),
        (GOOD[:-2], ["line 3: the file ends in the middle of a line"]),
        (GOOD.replace("gco2e_per_kwh", "grams"), ["line 1, column 4: expected gco2e_per_kwh, found grams"]),
        (GOOD.replace(",source_id", ""), ["line 1, column 6: expected source_id, found nothing"]),
        (GOOD.replace("Poland,", "Poland,,"), ["line 3"]),
        ("", ["line 1, column 1: expected region, found nothing"]),
        (GOOD.replace("Poland", "Pol\udcffand"), ["line 3: expected UTF-8 text, found byte 0xff"]),
    ],
)
def test_a_damaged_file_is_named_with_line_and_column(tmp_path, text, words):
    path = tmp_path / "grid.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(HwlibError) as error:
        tables.read_table(path, "grid_carbon")
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_missing_file_is_named_with_the_way_out(tmp_path):
    with pytest.raises(HwlibError, match=r"none.csv: no such file .*make data"):
        tables.read_table(tmp_path / "none.csv", "prices")


def test_a_spelling_of_any_source_finds_the_model():
    assert hw.data.find_model("bert-99") == "bert-large"
    assert hw.data.find_model("RESNET50") == "resnet50"
    with pytest.raises(HwlibError, match="unknown model"):
        hw.data.find_model("")
