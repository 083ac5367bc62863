"""Importing catgrad is cheap, and does not load what only the compiler needs."""

import json
import subprocess
import sys

import pytest

LATE = ["mlir", "graphviz", "sklearn", "rich", "safetensors", "matplotlib", "scipy"]


def _run(code):
    """Run code in a fresh interpreter and return what it prints as JSON."""
    command = [sys.executable, "-c", f"import json, sys\n{code}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


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


def test_tracing_imports_nothing_that_a_fork_could_find_half_imported():
    """But for what is imported in critical sections: the modules of catgrad."""
    code = "import catgrad as cg\ncg.trace, cg.grad, cg.softmax, cg.nn\nbefore = set(sys.modules)\n"
    code += "step = cg.grad(lambda x, w: cg.sum(cg.softmax(cg.tanh(x @ w) * 2.0)), wrt=1)\n"
    code += 'cg.trace(step, cg.f32["B", 3], cg.f32[3, 2])\n'
    assert _run(f"{code}print(json.dumps(sorted(set(sys.modules) - before)))") == []


def test_nothing_is_loaded_twice_under_another_name():
    code = "import catgrad.dialect, catgrad.passes.pipelines, catgrad.tools.catgrad_opt\n"
    names = _run(f"{code}print(json.dumps([n for n in ('dialect', 'passes', 'tools') if n in sys.modules]))")
    assert names == []


def test_few_modules_are_loaded(loaded):
    """A measure of the cost of importing that does not depend on the machine."""
    before = set(_run("import numpy, ml_dtypes, optree\nprint(json.dumps(sorted(sys.modules)))"))
    foreign = {name for name in loaded - before if not name.startswith("catgrad")}
    assert len(foreign) < 60, sorted(foreign)
    own = {name for name in loaded if name.startswith("catgrad")}
    assert len(own) < 36, sorted(own)


def test_public_names_are_there():
    import catgrad as cg

    wanted = "trace check interpret vjp grad value_and_grad compile stages learner function Module Parameter Term dim"
    assert {*cg.__all__} >= {*wanted.split(), "nn", "optim", "ops"}
    assert {*dir(cg)} >= {*cg.__all__}
    assert all(getattr(cg, name) is op for name, op in cg.ops.OPS.items() if name not in ("copy", "call"))


def test_a_star_import_gives_every_public_name():
    given = _run("before = set(vars())\nfrom catgrad import *\nprint(json.dumps(sorted(set(vars()) - before)))")
    assert {*given} >= {"grad", "compile", "softmax", "nn", "Module", "Term", "f32"}


@pytest.mark.parametrize("first", ["catgrad.term", "catgrad.lang.function", "catgrad.compile", "catgrad.typecheck"])
def test_a_function_is_what_its_name_means_whichever_module_is_imported_first(first):
    code = f"import {first}\nimport catgrad as cg\nprint(json.dumps([callable(cg.compile), callable(cg.function), "
    assert _run(f"{code}callable(cg.interpret), callable(cg.Term), callable(cg.check)]))") == [True] * 5


def test_a_name_that_is_not_there_is_an_attribute_error():
    import catgrad as cg

    with pytest.raises(AttributeError, match="module 'catgrad' has no attribute 'no_such_name'"):
        _ = cg.no_such_name
