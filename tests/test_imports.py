"""Importing catgrad is cheap, and does not load what only the compiler needs."""

import json
import subprocess
import sys

import pytest

LATE = ["mlir", "graphviz", "sklearn", "rich", "safetensors", "matplotlib", "scipy"]


def _run(code):
    """Run code in a fresh interpreter and return what it prints as JSON."""
    command = [sys.executable, "-c", f"import json, sys\n{code}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


@pytest.fixture(scope="module")
def loaded():
    return set(_run("import catgrad\nprint(json.dumps(sorted(sys.modules)))"))


@pytest.mark.parametrize("name", LATE)
def test_not_loaded_by_import(name, loaded):
    assert name not in loaded


def test_only_the_front_is_loaded(loaded):
    for package in ("dialect", "passes", "tools", "backend", "cli"):
        assert f"catgrad.{package}" not in loaded


def test_tracing_and_differentiating_do_not_load_mlir():
    code = "import catgrad as cg\ncg.grad(cg.trace(lambda x: cg.sum(x * x), cg.f32[3])).to_json()\n"
    assert _run(f"{code}print(json.dumps('mlir' in sys.modules))") is False


def test_nothing_is_loaded_twice_under_another_name():
    code = "import catgrad.dialect, catgrad.passes.pipelines, catgrad.tools.catgrad_opt\n"
    names = _run(f"{code}print(json.dumps([n for n in ('dialect', 'passes', 'tools') if n in sys.modules]))")
    assert names == []


def test_few_modules_are_loaded(loaded):
    """A measure of the cost of importing that does not depend on the machine."""
    before = set(_run("import numpy, ml_dtypes, optree\nprint(json.dumps(sorted(sys.modules)))"))
    foreign = {name for name in loaded - before if not name.startswith("catgrad")}
    assert len(foreign) < 60, sorted(foreign)


def test_public_names_are_there():
    import catgrad as cg

    public = {name for name in vars(cg) if not name.startswith("_")}
    wanted = "trace check interpret vjp grad value_and_grad compile stages learner function Module Parameter Term dim"
    assert public >= {*wanted.split(), "nn", "optim", "ops"}
    assert all(getattr(cg, name) is op for name, op in cg.ops.OPS.items() if name not in ("copy", "call"))
