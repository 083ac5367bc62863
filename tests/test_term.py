"""Terms: what they know about themselves, and substitution."""

import numpy as np
import pytest

import catgrad as cg
from catgrad.hypergraph import is_acyclic, is_monogamous
from catgrad.term import linkable
from catgrad.types import f32, f64

B, S = cg.dim("B"), cg.dim("S")


def _term():
    layer = cg.function(lambda x: cg.tanh(x) + cg.nat_to_tensor(S, f64))
    return cg.trace(lambda p, x: {"y": layer(layer(x @ p["w"]))}, {"w": f64[3, S]}, f64[B, 3])


def test_a_term_is_a_program():
    term = _term()
    assert is_monogamous(term.graph)
    assert is_acyclic(term.graph)
    assert term.type == "({w: f64[3, S]}, f64[B, 3]) -> {y: f64[B, S]}"
    assert repr(term).startswith("<term <lambda> : ({w: f64[3, S]}, f64[B, 3]) -> ")
    assert (len(term.inputs), len(term.outputs)) == (2, 1)
    assert term.source_types == (f64[3, S], f64[B, 3])


def test_steps_come_after_what_they_need():
    term, known = _term(), set()
    known.update(term.inputs)
    for step in term.steps:
        assert known.issuperset(step.inputs)
        known.update(step.outputs)
    assert known == set(range(len(term.node_types)))


def test_symbols_of_types_attributes_and_definitions():
    assert [s.name for s in _term().symbols] == ["S", "B"]
    n = cg.dim("N")
    assert [s.name for s in cg.trace(lambda: cg.zeros((n, 2 * B))).symbols] == ["N", "B"]
    assert [s.name for s in cg.trace(lambda: cg.nat_to_tensor(n)).symbols] == ["N"]
    assert [s.name for s in cg.trace(lambda: cg.function(lambda: cg.sum(cg.ones((n,))))()).symbols] == ["N"]


def test_substitution_reaches_everything():
    bound = _term().substitute({"B": 2, "S": 4})
    assert bound.symbols == ()
    assert bound.type == "({w: f64[3, 4]}, f64[2, 3]) -> {y: f64[2, 4]}"
    (definition,) = bound.definitions
    assert definition.term.source_types == (f64[2, 4],)
    cg.check(bound)


def test_substitution_of_extents_by_extents():
    term = _term().substitute({"B": 2 * S, "S": B + 1})
    assert term.type == "({w: f64[3, B + 1]}, f64[2*S, 3]) -> {y: f64[2*S, B + 1]}"
    cg.check(term)
    assert _term().substitute({}).type == _term().type


def test_a_size_that_the_facts_forbid():
    s = cg.dim("S", multiple_of=8)
    with pytest.raises(cg.CatgradError, match="multiple of 8"):
        cg.trace(lambda x: x, f32[s]).substitute({"S": 12})


def test_evaluation_goes_operation_by_operation():
    term = _term().substitute({"B": 2, "S": 4})
    w, x = np.ones((3, 4)), np.ones((2, 3))
    (y,) = term.evaluate(np, w, x)
    np.testing.assert_allclose(y, np.tanh(np.tanh(x @ w) + 4) + 4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f", "f"),
        ("grad(f)", "grad_f"),
        ("<lambda>", "lambda"),
        ("a b\n", "a_b"),
        ("", "f"),
        ("f.rev", "f.rev"),
        ('"', "f"),
        ("llvm.exp", "llvm_exp"),
        ("f.workspace", "f_workspace"),
        ("größe", "größe"),
        ("\ud800", "f"),
    ],
)
def test_names_that_linkers_accept(name, expected):
    assert linkable(name) == expected
