"""Terms as JSON: there and back, and every way in which a file can be broken."""

import copy
import json
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import few, is_same, programs

import catgrad as cg
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.hypergraph import is_isomorphic
from catgrad.rewrite import inline
from catgrad.types import bf16, bool_, dtypes, f16, f32, f64, i32, i64

Point = namedtuple("Point", "y x")


@dataclass
class Pair:
    second: Any
    first: Any


def _term():
    """Return a term with everything in it: facts, a definition, nesting, literals, all kinds of attributes."""
    b = cg.dim("B", multiple_of=4, max=128)
    double = cg.function(lambda x: cg.exp(x) * 2)

    def f(state, y):
        total = cg.sum(double(state["w"]) + double(state["w"]), axis=1)
        odd = cg.constant(np.array([1, np.nan, np.inf], bf16.numpy)), cg.constant(True), cg.zeros((0, 3))
        return {"a": total, "b": (y, None, cg.nat_to_tensor(b // 4), *odd), "c": state["w"] @ state["w"].T}

    return cg.trace(f, {"w": f32[b, 4]}, i64[()])


def _round_trip(term):
    text = term.to_json()
    read = cg.from_json(text)
    assert read.to_json() == text
    return read


def test_everything_comes_back():
    term = _term()
    read = _round_trip(term)
    assert (read.name, read.type, read.input_names) == (term.name, term.type, term.input_names)
    assert [d.name for d in read.definitions] == [d.name for d in term.definitions]
    assert [(s.name, s.multiple_of, s.min, s.max) for s in read.symbols] == [("B", 4, 0, 128)]
    assert is_same(read, term)
    state, y = {"w": np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)}, np.int64(3)
    first, second = cg.interpret(read, state, y), cg.interpret(term, state, y)
    np.testing.assert_array_equal(first["a"], second["a"])


@few
@given(programs())
def test_random_terms_come_back(f):
    term = cg.trace(f, *f.types)
    assert is_same(_round_trip(term), term)


@few
@given(programs(max_steps=4))
def test_terms_without_calls_come_back_node_for_node(f):
    term = inline(cg.trace(f, *f.types), lambda definition: True)
    assert is_isomorphic(_round_trip(term).graph, term.graph)


@pytest.mark.parametrize("dtype", dtypes, ids=str)
def test_literals_keep_every_bit(dtype):
    special = [0, 1] if not dtype.is_float else [0.0, -0.0, 1 / 3, np.inf, -np.inf, np.nan]
    values = np.array(special).astype(dtype.numpy)
    for array in (values, values[:0], values[1], values.reshape(2, -1)):
        (step,) = _round_trip(cg.trace(lambda a=array: cg.constant(a))).steps
        assert step.operation.keywords["value"].array.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("f", "types"),
    [
        (lambda: None, []),
        (lambda x: x, [f32[3]]),
        (lambda x, y: (y, y), [f32[()], bool_[0, 2]]),
        (lambda x: [x, {"a": (x, None)}], [(f16[3],)]),
        (lambda x: cg.one_hot(cg.argmax(cg.cast(x, "f64"), axis=0, dtype=i64), 3, i32), [f32[3, 2]]),
    ],
)
def test_odd_boundaries(f, types):
    term = cg.trace(f, *types)
    assert is_same(_round_trip(term), term)


@pytest.mark.parametrize(
    "nested",
    [
        Pair(f32[3], f64[4]),
        {10: f32[3], 2: f64[4]},
        OrderedDict(z=f32[3], a=f64[4]),
        Point(f32[3], f64[4]),
        [f32[3], {"b": f64[4], "a": i32[2]}],
        Pair({"z": f32[3]}, [f64[4], Point(i32[1], i32[2])]),
    ],
    ids=repr,
)
def test_nesting_that_json_does_not_have_keeps_every_input_in_its_place(nested):
    """Dataclasses become dicts by field, other containers tuples: each leaf is the input that it was."""
    term = cg.trace(lambda tree: tree, nested)
    read = cg.from_json(term.to_json())
    types = dict(zip(term.input_names, term.source_types, strict=True))
    assert types == dict(zip(read.input_names, read.source_types, strict=True))
    assert read.source_types == read.target_types
    cg.check(read)
    assert cg.from_json(read.to_json()).type == read.type


def test_fields_of_a_dataclass_are_keys():
    read = cg.from_json(cg.trace(lambda p: p.first, Pair(f32[3], f32[4])).to_json())
    assert read.type == "({second: f32[3], first: f32[4]}) -> f32[4]"


def test_equal_terms_give_equal_text():
    assert _term().to_json() == _term().to_json()


def test_equal_names_of_definitions_are_told_apart():
    first, second = cg.function(lambda x: cg.exp(x)), cg.function(lambda x: cg.sin(x))
    term = cg.trace(lambda x: first(second(x)), f32[3])
    assert sorted(json.loads(term.to_json())["definitions"]) == ["<lambda>", "<lambda>_1"]
    assert is_same(_round_trip(term), term)


def test_the_file_is_what_was_returned(tmp_path):
    text = _term().to_json(tmp_path / "term.json")
    assert (tmp_path / "term.json").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "[]",
        "null",
        "3",
        "{",
        "{}",
        '{"version": 1}',
        '{"version": 2}',
        "[" * 100_000,
        "\x00",
        "NaN",
        b"\xff",
        None,
    ],
    ids=lambda text: repr(text)[:20],
)
def test_what_is_no_term(text):
    with pytest.raises(CatgradError):
        cg.from_json(text)


def _paths(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


DATA = json.loads(_term().to_json())
PATHS = [path for path in _paths(DATA) if path]
JUNK = [None, 0, -1, 1.5, True, "", "x", [], [1], {}, {"op": "exp", "attributes": {}}, 10**12, 10**30, "f32[B]", "exp"]


def _broken(path, junk, delete):
    data = copy.deepcopy(DATA)
    inside = data
    for key in path[:-1]:
        inside = inside[key]
    if delete:
        del inside[path[-1]]
    else:
        inside[path[-1]] = junk
    return data


def _read(data):
    """Read a term that may be broken: it is refused, or it is a term that type-checks and shows itself."""
    try:
        term = cg.from_json(json.dumps(data))
    except CatgradError:
        return
    cg.check(term)
    assert str(term)
    assert term.to_json()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("path", PATHS[:: max(1, len(PATHS) // 120)], ids=lambda path: ".".join(map(str, path)))
def test_broken_files_end_in_an_error_of_ours(path):
    _read(_broken(path, None, delete=True))
    for junk in JUNK:
        _read(_broken(path, junk, delete=False))


@few
@given(st.data())
def test_files_that_are_broken_in_several_places(data):
    broken = copy.deepcopy(DATA)
    for _ in range(data.draw(st.integers(1, 3))):
        paths = [path for path in _paths(broken) if path]
        path = data.draw(st.sampled_from(paths))
        inside = broken
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    _read(broken)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "expected catgrad JSON of version 1"),
        (lambda d: d["main"]["input_names"].append("more"), "names of inputs"),
        (lambda d: d["main"].update(input_names=[1, 2]), "names of inputs"),
        (lambda d: d["main"].update(inputs=[0, 0]), "nesting"),
        (lambda d: d["main"].update(outputs=[]), "nesting"),
        (lambda d: d.update(name=3), "a name is text"),
        (lambda d: d["main"]["term"]["hypergraph"]["edges"][0].update(op="nothing"), "there is no operation nothing"),
        (lambda d: d["main"]["term"]["sources"].append(0), "one producer"),
        (lambda d: d["main"]["term"]["hypergraph"]["nodes"].append("f32[3]"), "one producer"),
    ],
)
def test_messages(change, message):
    data = copy.deepcopy(DATA)
    change(data)
    with pytest.raises(CatgradError, match=message):
        cg.from_json(json.dumps(data))


def _one(operation, source, target):
    adjacency = [{"sources": list(range(len(source))), "targets": list(range(len(source), len(source) + len(target)))}]
    graph = {"nodes": [*source, *target], "edges": [operation], "adjacency": adjacency}
    sides = {"sources": adjacency[0]["sources"], "targets": adjacency[0]["targets"]}
    body = {"term": {**sides, "hypergraph": graph}, "inputs": sides["sources"], "input_names": ["x"] * len(source)}
    body["outputs"] = list(range(len(target)))
    return json.dumps({"version": 1, "name": "f", "symbols": [], "definitions": {}, "main": body})


@pytest.mark.parametrize(
    ("operation", "source", "target"),
    [
        ({"op": "exp", "attributes": {}}, ["f32[3]"], ["f32[4]"]),
        ({"op": "exp", "attributes": {}}, ["i32[3]"], ["i32[3]"]),
        ({"op": "exp", "attributes": {}}, ["f32[3]", "f32[3]"], ["f32[3]"]),
        ({"op": "copy", "attributes": {"count": -1}}, ["f32[3]"], []),
        ({"op": "copy", "attributes": {"count": 10**12}}, ["f32[3]"], ["f32[3]", "f32[3]"]),
        ({"op": "sum", "attributes": {"axes": [1.0]}}, ["f32[3, 3]"], ["f32[3]"]),
        ({"op": "sum", "attributes": {"axes": "0"}}, ["f32[3]"], ["f32[]"]),
        ({"op": "constant", "attributes": {"value": {"type": "f32[3]", "data": "AAAA"}}}, [], ["f32[3]"]),
        ({"op": "constant", "attributes": {"value": {"type": "f32[B]", "data": "AAAA"}}}, [], ["f32[B]"]),
        ({"op": "reshape", "attributes": {"shape": ["-3"]}}, ["f32[3]"], ["f32[3]"]),
        ({"op": "call", "attributes": {"definition": "f"}}, ["f32[3]"], ["f32[3]"]),
    ],
)
def test_operations_are_type_checked(operation, source, target):
    with pytest.raises(CatgradError):
        cg.from_json(_one(operation, source, target))
    assert cg.from_json(_one({"op": "exp", "attributes": {}}, ["f32[3]"], ["f32[3]"])).type == "(f32[3]) -> f32[3]"


def test_cycles_are_refused():
    text = _one({"op": "add", "attributes": {}}, ["f32[3]", "f32[3]"], ["f32[3]"])
    data = json.loads(text)
    term = data["main"]["term"]
    term["hypergraph"]["nodes"].pop()
    term["hypergraph"]["adjacency"] = [{"sources": [0, 1], "targets": [1]}]
    term.update(sources=[0], targets=[])
    data["main"].update(inputs=[0], outputs=[], input_names=["x"])
    with pytest.raises(CatgradError):
        cg.from_json(json.dumps(data))


def test_type_errors_stay_type_errors():
    with pytest.raises(TypeCheckError, match="exp is declared to give"):
        cg.from_json(_one({"op": "exp", "attributes": {}}, ["f32[3]"], ["f32[4]"]))


def test_nested_definitions_are_checked_once_each():
    """Each definition calls the two before it: checked anew at every call, the last would take for ever."""
    layers = [cg.function(lambda x: x + 1), cg.function(lambda x: x + 2)]
    for _ in range(60):
        layers.append(cg.function(lambda x, f=layers[-2], g=layers[-1]: f(g(x))))
    term = cg.trace(lambda x: layers[-1](x), f32[3])
    assert len(term.definitions) == 62
    assert len(_round_trip(term).definitions) == 62
