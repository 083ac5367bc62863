"""Executables in files: saving, loading and exporting them, and files that are refused."""

import contextlib
import dataclasses
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from functools import cache

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim, saved, source
from catgrad.errors import CatgradError
from catgrad.runtime.link import link
from catgrad.target import target

B = cg.dim("B", multiple_of=2)
X = np.arange(12, dtype=np.float32).reshape(4, 3)


def layer(x):
    return {"y": cg.tanh(x) @ cg.ones((3, 2)), "n": (x + 1,)}


def advance(state, x):
    return [{"weight": [state["weight"][0] - 0.5 * x], 7: (state[7][0] + 1,)}], cg.sum(x)


@cache
def compiled(strict=False):
    """Return the layer, compiled once."""
    return cg.compile(layer, cg.f32[B, 3], strict=strict)


def test_strictness_is_kept(tmp_path):
    for strict in (False, True):
        compiled(strict).save(tmp_path / "layer")
        loaded = cg.load(tmp_path / "layer")
        assert loaded.signature.strict == strict
        if strict:
            with pytest.raises(CatgradError, match="not C-contiguous"):
                loaded(X[::2])
        else:
            np.testing.assert_array_equal(loaded(X[::2])["y"], loaded(X[::2].copy())["y"])


def test_a_loaded_executable_is_the_saved_one(tmp_path):
    exe = compiled()
    exe.save(tmp_path / "layer")
    again = cg.load(tmp_path / "layer")
    assert str(again.signature) == str(exe.signature)
    assert again.signature.symbols == exe.signature.symbols
    found, expected = again(X), exe(X)
    np.testing.assert_array_equal(found["y"], expected["y"])
    np.testing.assert_array_equal(found["n"][0], expected["n"][0])
    assert again.ir("linalg") == exe.ir("linalg")
    with pytest.raises(cg.ArgumentError, match="multiple of 2"):
        again(X[:3])


@pytest.mark.parametrize("path", [".", ".."])
def test_a_folder_is_no_place_for_a_file(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=re.escape(repr(path))):
        compiled().save(path)
    assert not list(tmp_path.iterdir())


def test_donation_and_structure_are_saved(tmp_path):
    types = {"weight": [cg.f32[3]], 7: (cg.i32[()],)}, cg.f32[3]
    cg.compile(advance, *types, donate=0).save(tmp_path / "advance")
    again = cg.load(str(tmp_path / "advance"))
    weight, count = np.ones(3, np.float32), np.array(4, np.int32)
    (state,), total = again({"weight": [weight], 7: (count,)}, np.ones(3, np.float32))
    assert state["weight"][0] is weight
    assert (weight == 0.5).all()
    assert (count, total) == (5, 3)


def test_a_loaded_training_step_trains_alike(tmp_path):
    learner = cg.learner(nn.Linear(3, 2), loss=nn.softmax_cross_entropy, optimizer=optim.adam(0.1))
    step = cg.compile(learner.step, cg.f32[4, 3], cg.i32[4])
    step.save(tmp_path / "step")
    labels = np.array([0, 1, 0, 1], np.int32)
    losses = []
    for each in (step, cg.load(tmp_path / "step")):
        state = learner.init(seed=3)
        losses.append([float(each(state, X, labels)[1]) for _ in range(5)])
    assert losses[0] == losses[1]


def test_equal_executables_are_equal_files(tmp_path):
    compiled().save(tmp_path / "a")
    cg.compile(layer, cg.f32[B, 3]).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_loading_does_not_load_mlir(tmp_path):
    compiled().save(tmp_path / "layer")
    program = f"""
import sys, numpy, catgrad
exe = catgrad.load({str(tmp_path / "layer")!r})
print(exe(numpy.zeros((2, 3), numpy.float32))["y"].tolist(), "mlir" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[[0.0, 0.0], [0.0, 0.0]] False\n"


def test_another_processor_compiles_again(tmp_path, monkeypatch):
    compiled().save(tmp_path / "layer")
    monkeypatch.setattr(
        source, "target", lambda name: dataclasses.replace(target(name), processor="abacus", features=frozenset())
    )
    again = cg.load(tmp_path / "layer")
    assert "native" in again.compile_seconds
    np.testing.assert_array_equal(again(X)["n"][0], X + 1)


def _change(path, name, change):
    """Rewrite one member of a file."""
    with zipfile.ZipFile(path) as file:
        members = {each: file.read(each) for each in file.namelist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w") as file:
        for each, content in members.items():
            file.writestr(each, content)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("code.o", lambda code: code[:-1] + bytes([code[-1] ^ 1]), "is damaged"),
        ("term.json", lambda text: text.replace(b"tanh", b"exp"), "is damaged"),
        (
            "manifest.json",
            lambda text: text.replace(b'"format": ', b'"format": 9'),
            f"its format is 9{saved.FORMAT}, not",
        ),
        ("manifest.json", lambda text: b"[]", "is not what `exe.save` writes"),
        ("manifest.json", lambda text: b"\xff", "is not what `exe.save` writes"),
        ("manifest.json", lambda text: text.replace(b'"about"', b'"said"', 1), "is not what `exe.save` writes"),
        ("manifest.json", lambda text: text.replace(b'"layer"', b'"other"', 1), "is damaged"),
    ],
)
def test_what_is_no_saved_executable(tmp_path, name, change, message):
    path = tmp_path / "layer"
    compiled().save(path)
    _change(path, name, change)
    with pytest.raises(CatgradError, match=message):
        cg.load(path)


def test_files_of_other_kinds(tmp_path):
    for content in (b"", b"PK\x03\x04", b"text"):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(CatgradError, match=r"is not what `exe.save` writes"):
            cg.load(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        cg.load(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        compiled().save(tmp_path / "nowhere" / "layer")


def _archive(count, name=b"manifest.json", offset=0, extra=b"", sizes=(10, 10), method=0):
    """Return an archive whose directory lists a member a number of times."""
    lengths = (len(name), len(extra), 0, 0, 0, 0, offset)
    entry = struct.pack("<4s4B4H3L5H2L", b"PK\1\2", 45, 3, 45, 0, 0, method, 0, 33, 0, *sizes, *lengths) + name + extra
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entry) * count, 10, 0)
    return b"x" * 10 + entry * count + end


@pytest.mark.parametrize("size", [2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_archives_that_announce_what_they_have_not(tmp_path, size):
    number, every = struct.pack("<Q", size), 0xFFFFFFFF
    crafted = [_archive(1, offset=every, extra=struct.pack("<HH", 1, 8) + number)]
    crafted += [_archive(1, extra=struct.pack("<HH", 1, 16) + number * 2, sizes=(every, every))]
    crafted += [
        _archive(1, extra=struct.pack("<HH", 1, 8) + number, sizes=(every, 4), method=method) for method in (0, 8)
    ]
    crafted += [_archive(1, method=99), _archive(1, extra=struct.pack("<HH", 1, 4) + bytes(4), offset=every)]
    crafted += [struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, size) + _end64(size)]
    for content in crafted:
        (tmp_path / "crafted").write_bytes(content)
        with pytest.raises(CatgradError, match=r"is not what `exe.save` writes"):
            cg.load(tmp_path / "crafted")


def _end64(offset):
    """Return the end of an archive whose directory is announced elsewhere."""
    return struct.pack("<4sLQL", b"PK\6\7", 0, offset, 1) + struct.pack(
        "<4s4H2LH", b"PK\5\6", *[0xFFFF] * 4, *[0xFFFFFFFF] * 2, 0
    )


@pytest.mark.parametrize("count", [4, 30, 1 << 16, 1 << 18])
def test_directories_are_read_within_limits(tmp_path, monkeypatch, count):
    monkeypatch.setattr(saved, "ZipFile", None)
    (tmp_path / "crafted").write_bytes(_archive(count, name=b""))
    with pytest.raises(CatgradError, match=rf"in a directory of {46 * count:,} bytes, and there are 3"):
        cg.load(tmp_path / "crafted")


def test_truncated_files(tmp_path):
    path = tmp_path / "layer"
    compiled().save(path)
    content = path.read_bytes()
    for size in range(0, len(content), 97):
        path.write_bytes(content[:size])
        with pytest.raises(CatgradError):
            cg.load(path)


def test_code_without_the_function():
    exe = compiled()
    program = f"""
from catgrad.errors import CompileError
from catgrad.runtime.link import link
from catgrad.target import target
for code in (bytes.fromhex("{exe._code.object_code.hex()}"), b"", b"text" * 100):
    try:
        link(code, "other")
    except CompileError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.count("cannot link: ") == 3
    assert "other.entry" in done.stdout
    assert link(exe._code.object_code, "layer").object_code == exe._code.object_code


# Libraries.


def test_an_executable_exports_itself(tmp_path, monkeypatch):
    files = compiled().export(tmp_path / "my-net", parameters={"x": X})
    assert {path.name for path in files} >= {"my_net.h", "libmy_net.so", "my_net.py", "parameters.safetensors"}
    monkeypatch.syspath_prepend(tmp_path / "my-net")
    import my_net

    np.testing.assert_array_equal(my_net.predict(X)["n"][0], X + 1)


def test_a_learner_exports_itself(tmp_path, monkeypatch):
    learner = cg.learner(nn.Linear(3, 2), loss=nn.softmax_cross_entropy, optimizer=optim.sgd(0.1, momentum=0.9))
    types = cg.f32[cg.dim("N"), 3], cg.i32[cg.dim("N")]
    learner.export(tmp_path / "linear", *types, bind={"N": 4}, target="cpu:x86-64-v3")
    monkeypatch.syspath_prepend(tmp_path / "linear")
    import linear

    described = json.loads((tmp_path / "linear" / "manifest.json").read_text())["functions"]
    assert list(described) == ["init", "step", "predict"]
    state, labels = learner.init(seed=0), np.array([0, 1, 0, 1], np.int32)
    ours = linear.init({path: array.copy() for path, array in state["parameters"].items()})
    step = cg.compile(learner.step, *types, bind={"N": 4})
    for _ in range(3):
        _, expected = step(state, X, labels)
        ours, loss = linear.step(ours, X, labels)
        np.testing.assert_allclose(loss, expected, rtol=1e-6)
    with pytest.raises(CatgradError, match="a learner has no fly"):
        learner.export(tmp_path / "linear", *types, functions=("fly",))
    with pytest.raises(CatgradError, match="symbols"):
        learner.export(tmp_path / "linear", *types, bind={"M": 4})


def test_saved_file_has_no_place_of_this_machine(tmp_path):
    compiled().save(tmp_path / "layer")
    content = saved.read(tmp_path / "layer")
    assert str(tmp_path).encode() not in content.code
    assert os.path.dirname(__file__) not in content.term


def test_no_flipped_bit_does_harm(tmp_path):
    path = tmp_path / "layer"
    cg.compile(lambda x: x + 1, cg.f32[3]).save(path)
    content, original = bytearray(path.read_bytes()), saved.read(path)
    for position in range(len(content)):
        for bit in (1, 128):
            content[position] ^= bit
            path.write_bytes(content)
            with contextlib.suppress(CatgradError):
                assert saved.read(path) == original
            content[position] ^= bit
    encrypted = bytes(content).replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")
    assert encrypted != bytes(content)
    path.write_bytes(encrypted)
    with pytest.raises(CatgradError, match="encrypted"):
        cg.load(path)


def test_a_loaded_executable_runs_at_the_end_of_a_process(tmp_path):
    cg.compile(lambda x: x + 1, cg.f32[3]).save(tmp_path / "exe")
    program = f"""
import atexit, numpy
atexit.register(lambda: print(exe(numpy.zeros(3, numpy.float32)).tolist()))
import catgrad
exe = catgrad.load({str(tmp_path / "exe")!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[1.0, 1.0, 1.0]\n"


def test_keys_that_no_file_can_hold(tmp_path):
    exe = cg.compile(lambda p: p[1, 2] + 1, {(1, 2): cg.f32[3]})
    with pytest.raises(CatgradError, match="dicts with other keys"):
        exe.save(tmp_path / "exe")
    exe = compiled()
    exe.save(tmp_path / "exe")
    kept = saved.read(tmp_path / "exe")
    about = dataclasses.replace(kept.about, nesting=[{"list": 3}, 0])
    (tmp_path / "exe").write_bytes(dataclasses.replace(kept, about=about).to_bytes())
    with pytest.raises(CatgradError, match=r"is not what `exe.save` writes"):
        cg.load(tmp_path / "exe")


def test_results_may_have_none(tmp_path):
    cg.compile(lambda x: (x, None, {"a": x, "b": None}), cg.f32[3]).save(tmp_path / "exe")
    first, nothing, rest = cg.load(tmp_path / "exe")(np.ones(3, np.float32))
    assert (first.tolist(), nothing, rest["a"].tolist(), rest["b"]) == ([1, 1, 1], None, [1, 1, 1], None)
