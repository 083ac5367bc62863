import json
from copy import deepcopy

import pytest
from diagrams import arrows, few
from hypothesis import given
from hypothesis import strategies as st

from catgrad.hypergraph import FormatError, OpenHypergraph, dumps, from_json, loads, to_json

Arrow = OpenHypergraph
GOOD = to_json(Arrow.singleton("f", ["X"], ["X"]) >> Arrow.singleton("g", ["X"], ["Y"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def places(data, path=()):
    """Every path into nested dicts and lists."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def changed(data, path, value):
    """Replace what lies at `path`."""
    if not path:
        return value
    copy = deepcopy(data)
    parent = copy
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return copy


@few
@given(arrows())
def test_round_trip(f):
    assert loads(dumps(f)) == f
    assert from_json(json.loads(json.dumps(to_json(f)))) == f


def test_the_schema():
    assert to_json(Arrow.singleton("f", ["X"], ["Y"])) == {
        "version": 1,
        "sources": [0],
        "targets": [1],
        "hypergraph": {
            "nodes": ["X", "Y"],
            "edges": ["f"],
            "adjacency": [{"sources": [0], "targets": [1]}],
            "quotient": [[], []],
        },
    }


def test_a_file_without_a_version_is_read_and_one_of_another_is_not():
    data = to_json(Arrow.singleton("f", ["X"], ["Y"]))
    assert from_json({key: value for key, value in data.items() if key != "version"}) == from_json(data)
    with pytest.raises(FormatError, match=r"\$\.version: expected 1, got 2"):
        from_json({**data, "version": 2})


def test_quotients_are_taken():
    data = changed(GOOD, ("hypergraph", "quotient"), [[0], [1]])
    f = from_json(data)
    assert len(f.hypergraph.nodes) == 2
    assert f.hypergraph.targets.lists() == [[0], [1]]
    del data["hypergraph"]["quotient"]
    assert len(from_json(data).hypergraph.nodes) == 3


def test_labels_have_codecs():
    f = Arrow.singleton(("f", 1), [("X",)], [])
    text = dumps(f, node=list, edge=list)
    assert loads(text, node=tuple, edge=tuple) == f


@few
@given(st.sampled_from(list(places(GOOD))), values)
def test_malformed_input_is_refused_or_read(path, value):
    try:
        f = from_json(changed(GOOD, path, value))
    except FormatError:
        return
    assert loads(dumps(f)) == f


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((), [], "$: expected an object, got a list of length 0"),
        (("sources",), None, "$.sources: expected a list, got None"),
        (("targets",), [3], "$.targets[0]: expected a node below 3, got 3"),
        (("targets",), [True], "$.targets[0]: expected a node below 3, got True"),
        (("hypergraph",), {}, "$.hypergraph.nodes: missing"),
        (("hypergraph", "adjacency"), [], "$.hypergraph.adjacency: expected one entry for each of 2 edges, got 0"),
        (("hypergraph", "adjacency", 1), 7, "$.hypergraph.adjacency[1]: expected an object, got 7"),
        (
            ("hypergraph", "adjacency", 1, "sources"),
            [0, -1],
            "$.hypergraph.adjacency[1].sources[1]: expected a node below 3, got -1",
        ),
        (
            ("hypergraph", "quotient"),
            [[]],
            "$.hypergraph.quotient: expected two lists of nodes, got a list of length 1",
        ),
        (("hypergraph", "quotient"), [[0], []], "$.hypergraph.quotient: expected lists of equal length, got 1 and 0"),
        (
            ("hypergraph", "quotient"),
            [[0], [2]],
            "$.hypergraph.quotient: cannot make one of elements labelled X and Y (element 2)",
        ),
    ],
)
def test_errors_name_the_field(path, value, message):
    with pytest.raises(FormatError) as caught:
        from_json(changed(GOOD, path, value))
    assert caught.value.message == message


def test_labels_that_cannot_be_decoded_name_the_field():
    with pytest.raises(FormatError, match=r"\$.hypergraph.nodes\[0\]: invalid literal"):
        from_json(GOOD, node=int)
    with pytest.raises(FormatError, match=r"\$.hypergraph.edges\[0\]: unhashable type"):
        from_json(GOOD, edge=list)


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe{", "[" * 100_000, "1" * 5000, "NaN", '{"sources": [1e999]}'])
def test_text_that_is_no_graph_is_refused(text):
    with pytest.raises(FormatError):
        loads(text)
