"""One set of requirements, told three times: pyproject.toml, environment.yml, requirements.lock."""

import re
import subprocess
import sys
import tomllib
import zipfile

import yaml
from packaging.requirements import Requirement
from packaging.version import Version


def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared(root):
    part = project(root)
    return sorted({*part["dependencies"], *(line for extra in part["optional-dependencies"].values() for line in extra)})


def test_environment_yml_holds_the_same_requirements(root):
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    pip = next(entry["pip"] for entry in environment if isinstance(entry, dict))
    assert sorted(line for line in pip if line != "-e .") == declared(root)
    assert "-e ." in pip
    assert f"python{project(root)['requires-python']}" in environment


def test_the_lock_meets_every_requirement_with_hashes_and_no_index(root):
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    locked = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==([^ \\;]+)", text, re.M):
        locked.setdefault(name, []).append(Version(version))
    for line in declared(root):
        requirement = Requirement(line)
        assert any(version in requirement.specifier for version in locked[requirement.name]), line
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_card_is_there(root):
    names = {Requirement(line).name for line in declared(root)}
    assert names >= {"jupyterlab", "ipywidgets", "pandas", "altair", "papermill", "nbval"}


def test_a_wheel_brings_the_tables_and_the_template_along(root, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=root, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"hwlib/data/devices.csv", "hwlib/data/measurements/timm.csv", "hwlib/notebooks/model_report.ipynb"} <= names
    assert "hwlib/reports/template/report.css" in names
