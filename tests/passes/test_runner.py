import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlir import ir

from catgrad.errors import CompileError
from catgrad.passes.base import DiagnosticError, Pass, Stage
from catgrad.passes.runner import run


@pytest.fixture(autouse=True)
def reproducers(tmp_path, monkeypatch):
    """Have the files of failures written where pytest removes them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


TEXT = "func.func @f(%x: memref<4xf32>) {\n  return\n}"


@dataclass(frozen=True)
class Refuse(Pass):
    """Refuses every function."""

    name = "refuse"

    size: int = 8

    def run(self, module):
        op = module.regions[0].blocks[0].operations[0]
        raise DiagnosticError(op.location, f"cannot do it {self.size} times")


class Spoil(Pass):
    """Leaves what does not verify."""

    name = "spoil"

    def run(self, module):
        del module.regions[0].blocks[0].operations[0].operation.attributes["function_type"]


class Remark(Pass):
    """Emits an error and carries on."""

    name = "remark"

    def run(self, module):
        module.location.emit_error("only a remark")


def parse(text=TEXT):
    with ir.Context(), ir.Location.file("model.py", 7, 3):
        return ir.Module.parse(text)


def stage(*passes, legal=("builtin", "func"), name="middle"):
    return Stage(name, passes, frozenset(legal))


def failure(*stages, text=TEXT):
    with pytest.raises(CompileError) as caught:
        run(parse(text), stages)
    return str(caught.value)


def reproducer(message):
    """Return the file and the pipeline of the command in an error message."""
    match = re.search(r"catgrad-opt (\S+) --pass-pipeline=(\S+)", message)
    assert match is not None
    return Path(match[1]), match[2].strip("'")


def test_stages_run_in_order():
    module, names = parse(), []
    report = run(module, [stage("canonicalize", name="a"), stage(name="b")], lambda done, _: names.append(done.name))
    assert names == ["a", "b"]
    assert list(report.seconds) == ["a", "b"]
    assert report.total == sum(report.seconds.values()) > 0


def test_what_is_left_must_be_legal():
    message = failure(stage(), stage(legal=["builtin"], name="last"))
    assert "stage last failed" in message
    assert "func.return is left after stage last" in message
    assert ":2:3" in message


def test_one_operation_of_a_dialect_can_be_legal():
    run(parse(), [stage(legal=["builtin", "func.func", "func.return"])])
    assert "func.return is left" in failure(stage(legal=["builtin", "func.func"]))


def test_a_refusal_can_be_repeated():
    message = failure(stage("cse,func.func(canonicalize)", Refuse(3)))
    assert "cannot do it 3 times" in message
    path, pipeline = reproducer(message)
    assert pipeline == "builtin.module(cse,func.func(canonicalize),refuse{size=3})"
    with ir.Context():
        assert "@f" in str(ir.Module.parse(path.read_text()))


def test_the_module_is_written_as_it_was_before_the_stage():
    message = failure(stage("convert-func-to-llvm", Refuse(), legal=["llvm"]))
    path, _ = reproducer(message)
    assert "func.func" in path.read_text()


def test_upstream_failures_show_their_diagnostics():
    text = """func.func @f(%x: tensor<4xf32>) -> tensor<*xf32> {
      %y = tensor.cast %x : tensor<4xf32> to tensor<*xf32>
      return %y : tensor<*xf32>
    }"""
    message = failure(stage("one-shot-bufferize{bufferize-function-boundaries=true}"), text=text)
    assert "error: " in message
    assert reproducer(message)[0].exists()


def test_what_a_pass_leaves_is_verified():
    message = failure(stage(Spoil()))
    assert "function_type" in message
    assert reproducer(message)[0].exists()


def test_an_error_that_is_survived_does_not_abort():
    run(parse(), [stage(Remark())])


def test_an_unknown_pass_is_an_error():
    with pytest.raises((CompileError, ValueError), match="no-such-pass"):
        run(parse(), [stage("no-such-pass")])
