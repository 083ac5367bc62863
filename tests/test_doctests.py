"""The examples in the documentation run as printed: of every module, and of every operation."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

from catgrad import ops

PACKAGES = ["catgrad", "catgrad.dialect", "catgrad.passes", "catgrad.tools"]


def _modules():
    """Return every module of the packages, whether or not they are in one folder."""
    names = set(PACKAGES)
    for package in PACKAGES:
        walked = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        names.update(module.name for module in walked if not module.name.endswith("__main__"))
    return sorted(names)


@pytest.mark.parametrize("name", _modules())
def test_module(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


@pytest.mark.parametrize("op", ops.OPS.values(), ids=ops.OPS)
def test_operation(op):
    names = {"np": np, "ops": ops, **{name: getattr(ops, name) for name in ops.OPS}}
    test = doctest.DocTestParser().get_doctest(op.doc, names, op.name, None, None)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_examples_exist():
    """At least one in each module that users meet."""
    finder = doctest.DocTestFinder()
    for name in ("catgrad.compile", "catgrad.dims", "catgrad.interpret", "catgrad.lang.functions", "catgrad.types"):
        assert any(test.examples for test in finder.find(importlib.import_module(name))), name
