"""Untrusted files: whatever is read is a term or an executable, or ends in one error of ours."""

import copy
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import catgrad as cg
from catgrad import saved, trees
from catgrad.errors import CatgradError

X = np.ones(3, np.float32)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A saved executable, as bytes."""
    path = tmp_path_factory.mktemp("good") / "exe"
    cg.compile(lambda state, y: {"a": state["w"] + y}, {"w": cg.f32[3]}, cg.f32[3]).save(path)
    return path.read_bytes()


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(parts, compression=zipfile.ZIP_DEFLATED):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return archive.getvalue()


def resealed(parts, change):
    """Return a file whose hashes are right although what its manifest says was changed."""
    manifest = json.loads(parts["manifest.json"])
    change(manifest["about"])
    hashes = {name: hashlib.sha256(parts[name]).hexdigest() for name in ("term.json", "code.o")}
    manifest["sha256"] = {"about": hashlib.sha256(json.dumps(manifest["about"]).encode()).hexdigest(), **hashes}
    return packed({**parts, "manifest.json": json.dumps(manifest).encode()})


def loads(tmp_path, content, **options):
    (tmp_path / "exe").write_bytes(content)
    return cg.load(tmp_path / "exe", **options)


# Machine code that is not trusted.


def test_code_that_is_not_trusted_is_not_run(good, tmp_path):
    parts = members(good)
    evil = resealed({**parts, "code.o": b"\x7fELF evil"}, lambda about: None)
    with pytest.raises(CatgradError, match="cannot link"):
        loads(tmp_path, evil)
    exe = loads(tmp_path, evil, trust_code=False)
    assert "native" in exe.compile_seconds
    assert exe({"w": X}, X)["a"].tolist() == [2, 2, 2]
    again = tmp_path / "again"
    exe.save(again)
    assert again.read_bytes() == good


# Sizes.


def bomb(name, parts):
    """A member that says what it unpacks to."""
    return packed({**parts, name: bytes(saved._LIMITS[name] + 1)})


def lying(name, parts):
    """A member that unpacks to far more than it says."""
    content = packed({**parts, name: bytes(32 << 20)})
    size = (32 << 20).to_bytes(4, "little")
    assert content.count(size) == 2
    return content.replace(size, (100).to_bytes(4, "little"))


def values(name, parts):
    """Few bytes that are many Python objects."""
    return packed({**parts, name: b"[" + b"{}," * 5_000_000 + b"{}]"})


@pytest.mark.sampled(3, "make")
@pytest.mark.parametrize("name", ["manifest.json", "term.json", "code.o"])
@pytest.mark.parametrize("make", [bomb, lying, values])
def test_what_unpacks_to_more_is_refused(good, tmp_path, make, name):
    content = make(name, members(good))
    assert len(content) < 1 << 20
    with pytest.raises(CatgradError):
        loads(tmp_path, content)


def test_refusing_takes_little_memory(good, tmp_path):
    paths = []
    for make in (bomb, lying, values):
        paths.append(tmp_path / make.__name__)
        paths[-1].write_bytes(make("term.json", members(good)))
    program = f"""
import resource, catgrad
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in {list(map(str, paths))!r}:
    try:
        catgrad.load(path)
    except catgrad.CatgradError:
        print("refused")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused"] * 3 + ["True"]


def test_compressions_that_allocate_as_they_like_are_refused(good, tmp_path):
    with pytest.raises(CatgradError, match="compressed by method 14"):
        loads(tmp_path, packed(members(good), zipfile.ZIP_LZMA))


def test_pipes_and_large_files_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(saved.LARGEST + 1)
    for name, message in (("pipe", "is no regular file"), ("large", "more than the .* that are read")):
        with pytest.raises(CatgradError, match=message):
            cg.load(tmp_path / name)


def test_what_would_not_be_read_is_not_saved(tmp_path, monkeypatch):
    monkeypatch.setitem(saved._LIMITS, "term.json", 100)
    with pytest.raises(CatgradError, match=r"term.json would have .* bytes, and 100 are read at most"):
        cg.compile(lambda x: x, cg.f32[3]).save(tmp_path / "exe")
    assert not list(tmp_path.iterdir())


# What a file says.


def outcome(read):
    """Return what was read, as text, or what our error says."""
    try:
        return read()
    except CatgradError as error:
        return str(error)


JUNK = [None, 0, -1, 1.5, True, "", "x", "\ud800", "\x1b[2J", [], [1], [[]], {}, {"list": 3}, 10**30, "cuda:sm_1"]


def test_whatever_a_manifest_says(good, tmp_path):
    parts = members(good)
    about = json.loads(parts["manifest.json"])["about"]
    changes = [(field, junk) for field in (*about, "other") for junk in JUNK]
    changes += [("nesting", [junk, about["nesting"][1]]) for junk in JUNK]
    changes += [("donated", [[junk, 0]]) for junk in JUNK]
    changes += [("versions", {"catgrad": junk}) for junk in JUNK] + [("features", [junk]) for junk in JUNK]
    files = [resealed(parts, lambda about, f=field, j=junk: about.update({f: j})) for field, junk in changes]
    said = [outcome(lambda file=file: str(loads(tmp_path, file).signature)) for file in files]
    assert all(text.replace("\n", "").isprintable() for text in said)
    assert 0 < sum("lambda: " in text for text in said) < len(said)


def nested(parts, depth):
    """Return a file whose first argument is in so many lists, made as text: Python writes no such depth."""
    manifest = json.loads(parts["manifest.json"])
    inputs = json.dumps(manifest["about"]["nesting"][0])
    lists = '{"tuple": [%s0%s, 0]}' % ('{"list": [' * depth, "]}" * depth)  # noqa: UP031
    about = json.dumps(manifest["about"])
    changed = about.replace(inputs, lists)
    hashes = {**manifest["sha256"], "about": hashlib.sha256(changed.encode()).hexdigest()}
    text = json.dumps({**manifest, "sha256": hashes}).replace(about, changed)
    return packed({**parts, "manifest.json": text.encode()})


@pytest.mark.parametrize("depth", [trees.DEEPEST + 1, 900, 20_000])
def test_nesting_has_a_depth(good, tmp_path, depth):
    parts = members(good)
    assert loads(tmp_path, nested(parts, trees.DEEPEST - 1))
    with pytest.raises(CatgradError, match=r"100 deep|recursion"):
        loads(tmp_path, nested(parts, depth))


# Terms.


def data():
    b = cg.dim("B", multiple_of=4, max=128)
    double = cg.function(lambda x: cg.exp(x) * 2)
    return json.loads(cg.trace(lambda x: {"y": cg.sum(double(x), axis=1)}, cg.f32[b, 4]).to_json())


def read_and_compiled(data):
    """Read a term, and compile what was read; return the message if it is an error of ours."""
    term = outcome(lambda: cg.from_json(json.dumps(data)))
    assert str(term).replace("\n", "").isprintable()
    if isinstance(term, str):
        return term
    assert cg.from_json(term.to_json()).to_json() == term.to_json()
    return cg.compile(term)


@pytest.mark.parametrize("name", ["f" * 5000, "\ud800", "\x1b[2J", "", "a b", "λ", "\0", "a\nb", "é" * 5000], ids=ascii)
def test_any_text_is_a_name(name, tmp_path):
    """Names, of terms, definitions, inputs and keys, are for people: all else goes by position."""
    changed = data()
    (definition,) = changed["definitions"]
    changed["definitions"] = {name: changed["definitions"][definition]}
    for body in (changed["main"], changed["definitions"][name]):
        for edge in body["term"]["hypergraph"]["edges"]:
            if edge["op"] == "call":
                edge["attributes"]["definition"] = name
    changed["name"], changed["main"]["input_names"] = name, [name]
    changed["main"]["outputs"] = {name: 0}
    exe = read_and_compiled(changed)
    expected = exe(np.ones((4, 4), np.float32))
    exe.save(tmp_path / "exe")
    found = cg.load(tmp_path / "exe")(np.ones((4, 4), np.float32))
    assert list(found) == [name]
    assert found[name].tolist() == expected[name].tolist()


def test_facts_of_symbols():
    for fact in ("multiple_of", "min", "max"):
        for junk in (0, -1, 1.5, True, "4", None, [], 2**63 - 1, 2**63, 10**30):
            changed = data()
            changed["symbols"][0][fact] = junk
            read_and_compiled(changed)


def one(operation, source, target):
    adjacency = [{"sources": list(range(len(source))), "targets": list(range(len(source), len(source) + len(target)))}]
    graph = {"nodes": [*source, *target], "edges": [operation], "adjacency": adjacency}
    sides = {"sources": adjacency[0]["sources"], "targets": adjacency[0]["targets"]}
    body = {"term": {**sides, "hypergraph": graph}, "inputs": sides["sources"], "input_names": ["x"] * len(source)}
    body["outputs"] = list(range(len(target)))
    return {"version": 1, "name": "f", "symbols": [], "definitions": {}, "main": body}


REMAINDERS = "B" + " % 7 % 5" * 40


@pytest.mark.parametrize(
    ("op", "attributes", "source", "target"),
    [
        ("broadcast_to", {"shape": ["1"] * 65 + ["3"]}, ["f32[3]"], [f"f32[{'1, ' * 65}3]"]),
        ("broadcast_to", {"shape": ["1"] * 98 + ["3"]}, ["f32[3]"], [f"f32[{'1, ' * 98}3]"]),
        ("contract", {"spec": "\ud800,\ud800->\ud800"}, ["f32[3]", "f32[3]"], ["f32[3]"]),
        ("contract", {"spec": "\x1b,\x1b->\x1b"}, ["f32[3]", "f32[3]"], ["f32[3]"]),
        ("contract", {"spec": "\0,\0->\0"}, ["f32[3]", "f32[3]"], ["f32[3]"]),
        ("argmax", {"axis": 10**30, "dtype": "i32"}, ["f32[3]"], ["i32[]"]),
        ("argmax", {"axis": -1, "dtype": "i32"}, ["f32[3]"], ["i32[]"]),
        ("sum", {"axes": [10**30]}, ["f32[3]"], ["f32[]"]),
        ("nat_to_tensor", {"nat": str(10**30), "dtype": "i64"}, ["f32[3]"], ["i64[]"]),
        ("exp", {}, [f"f32[{10**30}*B]"], [f"f32[{10**30}*B]"]),
        ("exp", {}, [f"f32[B // {10**30}]"], [f"f32[B // {10**30}]"]),
        ("exp", {}, [f"f32[{REMAINDERS}]"], [f"f32[{REMAINDERS}]"]),
        ("exp", {}, [f"f32[{'*'.join(f'(a{i}+b{i})' for i in range(99))}]"], ["f32[3]"]),
        ("exp", {}, ["f32[" + "(" * 300 + "B" + ")" * 300 + "]"], ["f32[B]"]),
        ("exp", {}, ["f32[" + "-" * 5000 + "1]"], ["f32[1]"]),
        ("exp", {}, ["f32[" + "9" * 5000 + "]"], ["f32[1]"]),
        ("constant", {"value": {"type": "f32[1]", "data": "é"}}, [], ["f32[1]"]),
        ("constant", {"value": {"type": "f32[1]", "data": 3}}, [], ["f32[1]"]),
        ("constant", {"value": []}, [], ["f32[1]"]),
        ("copy", {"count": 10**30}, ["f32[3]"], []),
    ],
)
def test_terms_that_no_program_has(op, attributes, source, target):
    assert isinstance(read_and_compiled(one({"op": op, "attributes": attributes}, source, target)), str)


def test_as_many_axes_as_numpy_has():
    shape = ["1"] * 63 + ["3"]
    exe = read_and_compiled(one({"op": "exp", "attributes": {}}, *[[f"f32[{', '.join(shape)}]"]] * 2))
    assert exe(np.zeros([1] * 63 + [3], np.float32))[0].ravel().tolist() == [1, 1, 1]
    with pytest.raises(CatgradError, match="a tensor has at most 64 axes, given 99"):
        cg.trace(lambda x: cg.broadcast_to(x, (1,) * 98 + (3,)), cg.f32[3])


def test_definitions_have_a_depth():
    def chain(depth):
        flat = one({"op": "exp", "attributes": {}}, ["f32[3]"], ["f32[3]"])
        flat["definitions"]["f0"] = copy.deepcopy(flat["main"])
        for i in range(depth):
            called = copy.deepcopy(flat["main"])
            called["term"]["hypergraph"]["edges"] = [{"op": "call", "attributes": {"definition": f"f{i}"}}]
            flat["definitions"][f"f{i + 1}"] = called
        flat["main"] = flat["definitions"][f"f{depth}"]
        return flat

    assert read_and_compiled(chain(98))(X)[0] == pytest.approx(np.e)
    for depth in (100, 5000):
        with pytest.raises(CatgradError, match="definitions may call one another 100 deep"):
            cg.from_json(json.dumps(chain(depth)))


def test_long_texts_are_refused_before_they_are_read():
    for text in ("[" + "[]," * 5_000_000 + "0]", "[" * 5_000_000, b"\xff", "9" * 5000, 7):
        with pytest.raises(CatgradError, match="this is no catgrad term"):
            cg.from_json(text)


def test_no_file_takes_the_place_of_a_device(tmp_path):
    with pytest.raises(OSError, match="the place of a device: '/dev/null'"):
        cg.compile(lambda x: x + 1, cg.f32[3]).save("/dev/null")
    assert not os.path.isfile("/dev/null")
