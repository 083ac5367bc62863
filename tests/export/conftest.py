"""One library of the digits classifier for all tests, and small ones of any function."""

import importlib.util
import shutil

import pytest

from catgrad.cli import main
from catgrad.export.folder import write
from catgrad.export.library import compile_library
from catgrad.prepare import prepare


@pytest.fixture(scope="session")
def compiler():
    """The C compiler."""
    found = shutil.which("gcc")
    if found is None:
        pytest.skip("gcc is not installed")
    return found


@pytest.fixture(scope="session")
def digits(tmp_path_factory, compiler):
    """The folder that `catgrad build digits` writes."""
    folder = tmp_path_factory.mktemp("build") / "digits"
    assert main(["build", "digits", "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def import_file():
    """Import a Python file: the function from its path to the module."""

    def run(path):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return run


@pytest.fixture(scope="session")
def build(tmp_path_factory, compiler, import_file):
    """Build functions, given with the types of their arguments, and import them: functions of numpy arrays."""

    def run(target="cpu:x86-64-v2", **functions):
        folder = tmp_path_factory.mktemp("lib")
        programs = {name: prepare(*given) for name, given in functions.items()}
        write(folder, compile_library("lib", programs, target))
        return import_file(folder / "lib.py")

    return run
