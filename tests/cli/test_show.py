import json
from dataclasses import asdict

import pytest

import catgrad as cg
from catgrad.cli import program
from catgrad.cli.tasks import TASKS

STAGES = ("term", "dot", "svg", "json", *cg.stages()[1:])
SIGNS = {
    "term": "tanh(%2)",
    "dot": "digraph",
    "svg": "<svg",
    "json": '"version"',
    "catgrad": '"catgrad.contract"',
    "linalg": "linalg.contract",
    "llvm": "llvm.func",
    "llvm-ir": "define",
    "asm": ".text",
}
MODELS = """
from __future__ import annotations
from dataclasses import dataclass

import catgrad as cg
from catgrad import nn
from helper import width

B = cg.dim("B")

@dataclass
class Pair:
    x: object
    w: object

class Ready(cg.Module):
    def forward(self, x):
        return x

def f(x, w):
    return cg.sum(cg.tanh(x @ w))

def wrong(x):
    return x @ x

def broken(x):
    return x.nothing

term = cg.trace(f, cg.f32[4, 3], cg.f32[3, 2])
pair = f, (cg.f32[B, 3], cg.f32[3, 2])
model = nn.Linear(3, width)
learner = cg.learner(model, loss=nn.mse, optimizer=cg.optim.sgd(0.1))
number = 3
"""
OTHERS = """
import catgrad as cg

nothing, no_pair = None, (3, cg.f32[3])
executable = cg.compile(lambda x: x + x, cg.f32[3])
"""


@pytest.fixture
def models(tmp_path):
    (tmp_path / "helper.py").write_text("width = 2\n")
    (tmp_path / "others.py").write_text(OTHERS)
    (tmp_path / "models.py").write_text(MODELS)


@pytest.fixture
def graphviz(tmp_path, monkeypatch):
    (tmp_path / "dot").write_text("#!/bin/sh\necho '<svg/>'\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.mark.usefixtures("graphviz", "models")
@pytest.mark.parametrize("stage", STAGES)
def test_every_stage(command, stage):
    code, out, err = command("show", "models.py:term", "--stage", stage)
    assert (code, err) == (0, "")
    assert SIGNS.get(stage, "func.func") in out


@pytest.mark.usefixtures("graphviz")
def test_a_term_is_shown_without_compiling(command, monkeypatch):
    monkeypatch.setattr(program, "compile", None)
    for stage in ("term", "dot", "svg", "json"):
        assert command("show", "digits", "--stage", stage)[0] == 0


def test_a_model_is_shown_for_every_batch(command):
    assert "(B, 64)" in command("show", "digits")[1]
    assert "(32, 64)" in command("show", "digits", "--step")[1]


@pytest.mark.usefixtures("without_ir")
def test_a_run_is_shown_with_its_own_settings(command):
    assert command("train", "iris", "--hidden", 7, "--epochs", 1, "--quiet")[0] == 0
    assert "f32[7, 4]" in command("show", "runs/iris")[1]


def test_the_json_object(result):
    shown = result("show", "iris:linear", "--stage", "catgrad")
    assert shown["type"] == "({weight: f32[3, 4]}, f32[B, 4]) -> f32[B, 3]"
    assert (shown["model"], shown["stage"], tuple(shown["stages"])) == ("iris:linear", "catgrad", STAGES)
    assert "catgrad.contract" in shown["text"]


def test_json_of_a_term_can_be_read_back(command):
    written = command("show", "iris:linear", "--stage", "json")[1]
    assert cg.from_json(written).type == "({weight: f32[3, 4]}, f32[B, 4]) -> f32[B, 3]"


def test_output_to_a_file(command, tmp_path):
    assert command("show", "iris:linear", "-o", "term.txt") == (0, "", "")
    assert "return" in (tmp_path / "term.txt").read_text()


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("argv", "type"),
    [
        (["term"], "(f32[4, 3], f32[3, 2]) -> f32[]"),
        (["pair"], "(f32[B, 3], f32[3, 2]) -> f32[]"),
        (["f", "--types", "f32[B, 3], f32[3, 2]"], "(f32[B, 3], f32[3, 2]) -> f32[]"),
        (["model", "--types", "f32[B,3]"], "({bias: f32[2], weight: f32[2, 3]}, f32[B, 3]) -> f32[B, 2]"),
        (["learner", "--types", "f32[5, 3]"], "({bias: f32[2], weight: f32[2, 3]}, f32[5, 3]) -> f32[5, 2]"),
        (
            ["learner", "--step", "--types", "f32[5, 3],f32[5, 2]"],
            "({parameters: {bias: f32[2], weight: f32[2, 3]}, optimizer: {}}, f32[5, 3], f32[5, 2]) "
            "-> {parameters: {bias: f32[2], weight: f32[2, 3]}, optimizer: {}}, f32[]",
        ),
    ],
)
def test_objects_of_a_file(result, argv, type):
    assert result("show", f"models.py:{argv[0]}", *argv[1:])["type"] == type


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["digits", "--stage", "mir"], f"there is no stage 'mir': expected one of {', '.join(STAGES)}"),
        (["digits", "--stage", "asm", "--target", "tpu"], "'tpu': expected one of cpu"),
        (["mnist"], "unknown model 'mnist': expected one of iris, digits, fashion-mnist"),
        (["iris:deep"], "unknown model 'iris:deep'"),
        (["digits", "--types", "f32[3]"], "the types of digits are known"),
        (["."], "is not what `catgrad train --save` writes"),
        (["nowhere.py:f"], "there is no file nowhere.py"),
        ([""], "unknown model ''"),
        (["models.py"], "models.py is a file: say which object of it, as in models.py:object"),
        (["models:f", "--types", "f32[3]"], "unknown model 'models:f'"),
        (["models:f"], "did you mean models.py:f?"),
        (["models"], "did you mean models.py:object?"),
        (["models.py:Pair", "--types", "f32[3]"], "such as net = Pair(x, w), which is models.py:net"),
        (["models.py:Ready", "--types", "f32[3]"], "such as net = Ready(), which is models.py:net"),
        (["models.py:Ready"], "models.py:Ready is a class: name an object that it makes"),
        (["models.py:g"], "models.py has no object 'g'"),
        (["models.py:f"], "needs the types of its arguments"),
        (["models.py:number"], "models.py:number is of type int: expected a function, Module, Learner, Term or"),
        (["others.py:nothing"], "others.py:nothing is of type NoneType: expected a function"),
        (["others.py:executable"], "others.py:executable is of type Executable: expected a function"),
        (["others.py:executable", "--types", "f32[3]"], "is of type Executable: expected a function"),
        (["others.py:no_pair"], "the first of others.py:no_pair is of type int: expected a function"),
        (["models.py:number", "--types", ""], "models.py:number is of type int: expected a function"),
        (["models.py:Pair", "--types", "f32[3]"], "models.py:Pair is a class: name an object that it makes"),
        (["models.py:f", "--step", "--types", ""], "it is not a Learner"),
        (["models.py:f", "--types", "f32[3"], "expected a type such as f32[B, 784], got 'f32[3'"),
        (["models.py:f", "--types", "f99[3]"], "expected one of the dtypes"),
        (["models.py:f", "--types", "f32[3]"], "argument"),
        (["models.py:wrong", "--types", "f32[2, 3]"], "models.py:24"),
        (["models.py:broken", "--types", "f32[2]"], "    return x.nothing"),
        (["digits", "-o", "nowhere/term.txt"], "nowhere/term.txt"),
    ],
)
def test_what_cannot_be_shown(command, argv, message):
    code, out, err = command("show", *argv)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1 +\n", "SyntaxError"),
        ("y = 1\nx = undefined\n", "NameError: name 'undefined' is not defined"),
        ("import sys\nx = sys.exit(3)\n", "SystemExit: 3"),
    ],
)
def test_a_file_that_fails_is_shown_at_its_line(command, tmp_path, source, message):
    (tmp_path / "user.py").write_text(source)
    code, _, err = command("show", "user.py:x")
    assert code == 1
    assert message in err
    assert f"user.py:{source.count(chr(10))}" in err
    assert f"    {source.splitlines()[-1]}" in err


@pytest.mark.parametrize(
    "record",
    ["", "[]", "{}", '{"settings": {}}', '{"settings": {"dataset": ["iris"]}}', '{"settings": {"dataset": "iris"}}'],
)
def test_the_folder_of_another_program(command, tmp_path, record):
    (tmp_path / "run.json").write_text(record)
    code, _, err = command("show", ".")
    assert code == 1
    assert "is not what `catgrad train --save` writes" in err


@pytest.mark.parametrize(("hidden", "code"), [(7, 0), ("7", 1), (None, 1)])
def test_settings_of_another_type(command, tmp_path, hidden, code):
    settings = {**asdict(TASKS["iris"].settings()), "hidden": hidden}
    (tmp_path / "run.json").write_text(json.dumps({"settings": settings}))
    assert command("show", ".")[0] == code
