"""The list of packages in pyproject.toml is what is on the disk."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAPPED = {"catgrad": "catgrad", "catgrad.dialect": "dialect", "catgrad.passes": "passes", "catgrad.tools": "tools"}


@pytest.fixture(scope="module")
def setuptools():
    if sys.version_info < (3, 11):
        pytest.skip("tomllib is part of Python from 3.11 on")
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def _packages(name, folder):
    """Return the packages below a folder: a folder with a Python file is one."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        inside = path.parent.relative_to(ROOT / folder).parts
        if "__pycache__" not in inside:
            yield ".".join((name, *inside))


def test_every_folder_is_listed(setuptools):
    on_disk = {package for name, folder in MAPPED.items() for package in _packages(name, folder)}
    assert sorted(setuptools["packages"]) == sorted(on_disk)


def test_every_package_has_an_init_file(setuptools):
    for package in setuptools["packages"]:
        name = max((n for n in MAPPED if package == n or package.startswith(n + ".")), key=len)
        folder = ROOT / MAPPED[name] / package[len(name) :].replace(".", "/").lstrip("/")
        assert (folder / "__init__.py").exists(), f"{folder} has no __init__.py"


def test_folders_are_mapped(setuptools):
    assert setuptools["package-dir"] == MAPPED


def test_type_information_is_shipped(setuptools):
    assert "py.typed" in setuptools["package-data"]["catgrad"]
    assert (ROOT / "catgrad" / "py.typed").exists()
