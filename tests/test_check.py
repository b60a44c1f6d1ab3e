"""`hwlib data check` notices each kind of damage; the tables themselves rebuild to the byte."""

import json
import shutil
import subprocess
import sys

import pytest

from hwlib import HwlibError, check, data, package, schema
from hwlib.importers import build, importers


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the small tables and one measurement file, with a descriptor of its own, to do damage to."""
    folder = tmp_path / "data"
    (folder / "measurements").mkdir(parents=True)
    for name in [*(f"{name}.csv" for name in schema.TABLES if name != "measurements"), "measurements/aws-neuron.csv"]:
        shutil.copy(data.data_dir() / name, folder / name)
    package.write(folder, data.load_sources())
    return folder


def test_an_untouched_copy_passes(copied):
    check.check_files(copied)


@pytest.mark.parametrize("name", ["devices.csv", "measurements/aws-neuron.csv"])
def test_a_file_cut_short_changed_or_gone_is_named(copied, name):
    path = copied / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HwlibError, match=f"{path.name}, line "):
        check.check_files(copied)
    path.write_bytes(whole.replace(b"published", b"audited", 1).replace(b"NVIDIA T4", b"NVIDIA T5", 1))
    with pytest.raises(HwlibError, match=rf"{name}: .* differ from the .* described"):
        check.check_files(copied)
    path.unlink()
    with pytest.raises(HwlibError, match=f"{name}: missing"):
        check.check_files(copied)


def test_a_key_that_leads_nowhere_is_named():
    tables = {name: data.load(name) for name in schema.TABLES}
    tables["prices"] = tables["prices"].assign(source_id="nobody")
    with pytest.raises(HwlibError, match=r"prices.source_id: not in sources: nobody"):
        check.check_references(tables)


def test_every_source_has_an_importer_and_every_importer_a_source(sources):
    assert {module.FOLDER for module in importers().values()} == {folder.name for folder in sources.iterdir()}


def test_the_committed_tables_are_what_the_sources_give_twice_in_a_row(root, sources, tmp_path):
    for name in ("once", "twice"):
        build(sources, root / "data", tmp_path / name)
    for path in [*package.table_paths(tmp_path / "once"), "datapackage.json", "README.md"]:
        once = (tmp_path / "once" / path).read_bytes()
        assert once == (tmp_path / "twice" / path).read_bytes(), f"{path} differs between two builds"
        assert once == (root / "data" / path).read_bytes(), f"data/{path} is not what `make data` makes"
    assert {p.name for p in (root / "data/measurements").iterdir()} == {p.name for p in (tmp_path / "once/measurements").iterdir()}


def test_no_upstream_file_and_no_upstream_sentence_is_committed(root, sources):
    committed = {path.read_bytes() for path in (root / "data").rglob("*") if path.suffix in (".csv", ".json", ".md")}
    for path in sources.rglob("*.csv"):
        assert path.read_bytes() not in committed, path.name
    text = b"\n".join(committed).decode()
    for path in sources.rglob("SOURCE.md"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if len(line) > 60 and not line.startswith(("|", "#")):
                assert line not in text, line


def test_the_descriptor_is_a_valid_data_package(root):
    found = subprocess.run(
        [sys.executable, "-m", "frictionless", "validate", "datapackage.json", "--json"],
        cwd=root / "data", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    assert json.loads(found.stdout)["valid"]
