"""What Python, NumPy or the system would complain of is one clear error at the user's line, without what led to it."""

import functools
import json
import math
import zipfile

import numpy as np
import pytest
from framing import frames

import catgrad as cg
from catgrad import nn, optim
from catgrad.errors import CatgradError, OutOfMemory
from catgrad.types import f32

TERM = cg.trace(cg.exp, f32[3])
LEARNER = cg.learner(nn.Linear(3, 2), loss=nn.mse, optimizer=optim.sgd(0.1))
X = np.ones(3, np.float32)
NO_PATH = ("", None, 3, b"x", "a\0b")


@functools.cache
def exe():
    return cg.compile(TERM)


def assert_ends_here(error):
    """Check that a traceback ends at the user's line, and that no other error is shown with it."""
    assert {frame.f_code.co_filename for frame in frames(error)} == {__file__}
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


CASES = {
    "a large rate": (lambda: optim.adam(10**400), r"rate must be in \[0, inf\), given an integer of 1329 bits"),
    "a larger one": (lambda: optim.sgd(-(10**5000)), r"rate must be in \[0, inf\), given an integer of 16610 bits"),
    "units": (lambda: nn.Linear(-(10**5000), 2), "given an integer of 16610 bits"),
    "argument": (lambda: cg.compile(cg.abs, cg.i32[()])(10**5000), "x is an integer of 16610 bits, out of range"),
    "namespace by name": (lambda: cg.interpret(TERM, X, xp="numpy"), "xp is the namespace .* got 'numpy'"),
    "another module": (lambda: cg.interpret(TERM, X, xp=math), "xp is the namespace .* got <module 'math'"),
    "stage": (lambda: exe().ir("nope"), "exp has no stage 'nope': its stages are term"),
    "no stage": (lambda: exe().ir(), "ir: missing 1 required positional argument: 'stage'"),
    "number as name": (lambda: exe().export("x", name=3), "3 cannot be a name in C"),
    "unknown option": (lambda: exe().export("x", title=3), "export: got an unexpected keyword argument 'title'"),
    "unknown target": (lambda: exe().export("x", target="nope"), "unknown target 'nope'"),
    "functions": (lambda: LEARNER.export("x", f32[4, 3], f32[4, 2], functions=3), "a learner has no 3: expected some"),
    "number as JSON": (lambda: cg.from_json(3), "this is no catgrad term: expected text, got int"),
    "nothing as JSON": (lambda: cg.from_json(None), "this is no catgrad term: expected text, got NoneType"),
    "data as JSON": (lambda: cg.from_json({}), "this is no catgrad term: expected text, got dict"),
    "a part of JSON": (lambda: cg.from_json('{"version": 1}'), "this is no catgrad term: it has no 'symbols'"),
    "half of JSON": (lambda: cg.from_json("{"), "this is no catgrad term: Expecting property name"),
    "unknown operation": (lambda: cg.from_json(TERM.to_json().replace("exp", "exq")), "no operation exq"),
    "unknown dtype": (lambda: cg.from_json(TERM.to_json().replace("f32", "f33")), "got 'f33'"),
    "other JSON": (lambda: cg.from_json(json.dumps({**json.loads(TERM.to_json()), "main": {}})), "has no 'term'"),
    "pictures": (lambda: TERM.to_dot(3), "a term is written into the path of a file, got 3"),
    "arguments": (lambda: TERM.to_json("a", "b"), "to_json: takes from 1 to 2 positional arguments but 3 were given"),
}


@pytest.mark.parametrize(("call", "message"), CASES.values(), ids=CASES)
def test_errors_of_python(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CatgradError, match=message) as caught:
        call()
    assert_ends_here(caught.value)
    assert caught.value.location.file == __file__


@pytest.mark.parametrize("path", NO_PATH, ids=repr)
def test_what_is_no_path(path):
    types = f32[4, 3], f32[4, 2]
    for use in (exe().save, exe().export, cg.load, lambda path: LEARNER.export(path, *types)):
        with pytest.raises(CatgradError, match=r"(save|load|export) takes the path of a (file|folder)") as caught:
            use(path)
        assert_ends_here(caught.value)


@pytest.mark.parametrize(
    ("use", "name", "kind"),
    [
        (lambda path: exe().save(path), "none/file", FileNotFoundError),
        (lambda path: exe().save(path), "folder", OSError),
        (lambda path: exe().save(path), "x" * 300, OSError),
        (lambda path: cg.load(path), "none", FileNotFoundError),
        (lambda path: cg.load(path), "x" * 300, OSError),
        (lambda path: cg.load(path), "text/file", NotADirectoryError),
        (lambda path: TERM.to_json(path), "none/file", FileNotFoundError),
    ],
)
def test_errors_of_the_system_keep_their_class_and_name_the_path(use, name, kind, tmp_path):
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    (tmp_path / "text").write_text("text")
    with pytest.raises(kind) as caught:
        use(tmp_path / name)
    assert caught.value.filename == str(tmp_path / name)
    assert caught.value.errno
    assert_ends_here(caught.value)


@pytest.mark.parametrize("content", ["nothing", "text", "archive", "cut", "damaged"])
def test_files_of_another_kind(content, tmp_path):
    path = tmp_path / "file"
    exe().save(path)
    saved = path.read_bytes()
    path.write_bytes(
        {"cut": saved[:-50], "damaged": saved[:300] + b"xx" + saved[302:], "text": b"text"}.get(content, b"")
    )
    if content == "archive":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("a", "b")
    with pytest.raises(CatgradError, match=r"file (is not what `exe.save` writes|is damaged)") as caught:
        cg.load(path)
    assert_ends_here(caught.value)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(CatgradError, match=r"cannot write into .*file: .*: choose another folder") as caught:
        exe().export(tmp_path / "file")
    assert_ends_here(caught.value)


LARGE = {
    "arange": lambda: cg.arange(2**45),
    "contract": lambda: cg.contract("i,j->ij", np.ones(2**21, np.float32), np.ones(2**21, np.float32)),
    "interpret": lambda: cg.interpret(cg.trace(lambda: cg.arange(2**45))),
}


@pytest.mark.parametrize("call", LARGE.values(), ids=LARGE)
def test_there_is_not_so_much_memory(call):
    with pytest.raises(OutOfMemory, match=r"there is not enough memory to compute [if]32\[") as caught:
        call()
    assert isinstance(caught.value, MemoryError)
    assert_ends_here(caught.value)
