import shutil

import pytest

from hwlib import HwlibError, changes, data, schema


@pytest.fixture
def folders(tmp_path):
    """Two copies of the small tables with one measurement file."""
    for name in ("old", "new"):
        (tmp_path / name / "measurements").mkdir(parents=True)
        for file in [*(f"{table}.csv" for table in schema.TABLES if table != "measurements"), "measurements/aws-neuron.csv"]:
            shutil.copy(data.data_dir() / file, tmp_path / name / file)
    return tmp_path / "old", tmp_path / "new"


def test_equal_folders_do_not_differ(folders):
    assert changes.diff(*folders).empty


def test_a_changed_an_added_and_a_removed_figure_are_named(folders):
    path = folders[1] / "devices.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [
        line.replace(",70,16,", ",72,16,") if line.startswith("nvidia-t4,") else line for line in lines if not line.startswith("nvidia-l4,")
    ]
    kept.append(next(line for line in lines if line.startswith("nvidia-l4,")).replace("nvidia-l4,", "nvidia-l4x,", 1))
    path.write_text("".join(kept), encoding="utf-8")
    found = changes.diff(*folders).set_index("key")
    assert found.loc["nvidia-t4", ["column", "old", "new"]].tolist() == ["tdp_w", "70.0", "72.0"]
    assert found.loc[["nvidia-l4", "nvidia-l4x"], "column"].tolist() == ["(row)", "(row)"]
    assert len(found) == 3


def test_a_missing_folder_is_named(folders):
    with pytest.raises(HwlibError, match="nowhere is not a folder"):
        changes.diff(folders[0], folders[0] / "nowhere")
