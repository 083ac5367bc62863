import json

import pytest

from catgrad.export import toolchain

MODELS = """
import catgrad as cg

def double(x):
    return x + x

learner = cg.learner(cg.nn.Linear(3, 2), loss=cg.nn.mse, optimizer=cg.optim.adam(0.1))
"""


@pytest.fixture
def linked(monkeypatch):
    """Let there be a linker: what it makes is not looked at here."""
    monkeypatch.setattr(toolchain, "link", lambda *_: b"")


@pytest.fixture
def file(tmp_path):
    """A file with a function and a learner."""
    (tmp_path / "models.py").write_text(MODELS)
    return "models.py"


def build(*options, target="cpu:x86-64-v3"):
    return ("build", *options, "-o", "out", "--target", target)


def test_a_function_of_a_file(result, file, linked, tmp_path):
    built = result(*build(f"{file}:double", "--types", "f32[B, 4]"))
    names = "double.h", "libdouble.a", "libdouble.so", "double.py", "double.pc", "manifest.json"
    assert built["files"] == [f"out/{name}" for name in names]
    assert "double_predict(\n    int64_t B," in (tmp_path / "out" / "double.h").read_text()


def test_a_learner_has_three_functions_and_parameters(result, file, linked, tmp_path):
    built = result(
        *build(f"{file}:learner", "--types", "f32[B, 3], f32[B, 2]", "--bind", "B=4", "--static", "--name", "net")
    )
    assert "out/parameters.safetensors" in built["files"]
    functions = json.loads((tmp_path / "out" / "manifest.json").read_text())["functions"]
    assert list(functions) == ["init", "step", "predict"]
    assert all(function["dimensions"] == [] for function in functions.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--what", "step"), "has no step: it is not a Learner"),
        (("--bind", "C=3"), "--bind: models.py:double has the dimensions ['B'], given ['C']"),
        (("--static",), "--static: predict has dimensions that are not fixed: fix them with --bind B=N"),
        (("--target", "tpu"), "unknown target 'tpu': expected one of cpu"),
        (("--name", "my-lib"), "'my-lib' cannot be a name in C"),
        (("--name", ""), "'' cannot be a name in C"),
    ],
)
def test_what_cannot_be_built(command, file, options, message):
    code, out, err = command(*build(f"{file}:double", "--types", "f32[B]"), *options)
    assert (code, out) == (1, "")
    assert message in err


def test_a_learner_needs_the_types_of_inputs_and_targets(command, file):
    code, _, err = command(*build(f"{file}:learner", "--types", "f32[B, 3]", "--what", "predict"))
    assert code == 1
    assert "a learner takes the types of its inputs and of its targets, got 1: (f32[B, 3],)" in err


def test_a_file_alone_is_no_model(command, file):
    code, _, err = command(*build(file, "--types", "f32[B]"))
    assert code == 1
    assert "models.py is a file: say which object of it, as in models.py:object" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--bind", "B"), "expected"),
        (("--bind", "B=-1"), "expected"),
        (("--what", "fly"), "expected"),
        (("--bind", "B=32", "--bind", "B=64"), "--bind: a dimension has one value, given B=32 and B=64"),
    ],
)
def test_arguments_that_mean_nothing(command, capsys, options, message):
    with pytest.raises(SystemExit):
        command(*build("digits"), *options)
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(command, file, linked, tmp_path):
    (tmp_path / "out").write_text("a file")
    code, _, err = command(*build(f"{file}:double", "--types", "f32[B]"))
    assert code == 1
    assert "out" in err


def test_a_library_in_a_folder_of_the_same_name_does_not_hide_the_model(command, linked):
    for _ in range(2):
        options = "--what", "predict", "--target", "cpu:x86-64-v3"
        assert command("build", "digits", "-o", "digits", *options)[0] == 0
