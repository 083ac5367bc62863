"""The type checker: declared against inferred, at its own types and at others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from programs import few, programs

import catgrad as cg
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.hypergraph import Hypergraph, OpenHypergraph, labels
from catgrad.types import f32, f64, i32

B, N = cg.dim("B"), cg.dim("N")


def _relabelled(term, node, type):
    """Return the term with another type declared for one node."""
    graph = term.graph.hypergraph
    types = [type if n == node else t for n, t in enumerate(graph.nodes)]
    changed = Hypergraph(labels(types), graph.edges, graph.sources, graph.targets)
    return replace(term, graph=OpenHypergraph(term.graph.sources, term.graph.targets, changed), _bound={})


@few
@given(programs())
def test_what_was_traced_type_checks(f):
    term = cg.trace(f, *f.types)
    assert cg.check(term) == term.node_types
    assert cg.check(term, *f.types) == term.node_types


def test_declared_against_inferred():
    def f(x):
        return cg.exp(x)

    term = _relabelled(cg.trace(f, f32[3]), 1, f32[4])
    with pytest.raises(TypeCheckError, match=r"exp is declared to give f32\[4\], inferred is f32\[3\]") as caught:
        cg.check(term)
    assert caught.value.location.line == f.__code__.co_firstlineno + 1


def test_operands_that_a_rule_rejects():
    term = _relabelled(cg.trace(lambda x: cg.exp(x), f32[3]), 0, i32[3])
    with pytest.raises(TypeCheckError, match=r"exp is defined for(.|\n)*test_typecheck.py"):
        cg.check(term)


def test_definitions_are_checked():
    layer = cg.function(lambda x: cg.exp(x))
    term = cg.trace(lambda x: layer(x), f32[3])
    (definition,) = term.definitions
    wrong = cg.ops.Definition(definition.name, _relabelled(definition.term, 1, f32[4]))
    label = cg.ops.call.operation(definition=wrong)
    graph = OpenHypergraph.singleton(label, (f32[3],), (f32[4],))
    with pytest.raises(TypeCheckError, match="exp is declared to give"):
        cg.check(cg.Term.flat(graph, "f"))


def test_less_general_types():
    term = cg.trace(lambda x: x.reshape(-1), f32[B, 2])
    assert cg.check(term, f32[N, 2])[1] == f32[2 * N]
    assert cg.check(term, f32[3 * N, 2])[1] == f32[6 * N]
    assert cg.check(term, f32[5, 2])[1] == f32[10]
    assert cg.check(term, np.zeros((5, 2), np.float32))[1] == f32[10]


@pytest.mark.parametrize("given", [f32[B, 3], f64[B, 2], f32[2], f32[B, N], i32[()]], ids=str)
def test_types_that_do_not_fit(given):
    term = cg.trace(lambda x: x.reshape(-1), f32[B, 2])
    with pytest.raises(TypeCheckError, match=r"x is f32\[B, 2\], which .* does not fit"):
        cg.check(term, given)


def test_one_symbol_has_one_size():
    term = cg.trace(lambda x, y: x + y, f32[B], f32[B])
    assert cg.check(term, f32[3], f32[3])
    with pytest.raises(TypeCheckError, match=r"y is f32\[B\], which f32\[4\] does not fit"):
        cg.check(term, f32[3], f32[4])
    with pytest.raises(TypeCheckError, match="takes 2 arrays"):
        cg.check(term, f32[3])


def test_sizes_that_the_facts_forbid():
    s = cg.dim("S", multiple_of=8)
    term = cg.trace(lambda x: x.reshape(-1, 8), f32[s])
    assert cg.check(term, f32[16])
    with pytest.raises(CatgradError, match="multiple of 8"):
        cg.check(term, f32[12])


def test_a_declared_type_is_kept_as_it_was_written():
    """2·B is B + B, and is neither 3·B nor B."""
    f = lambda x, y: x + y  # noqa: E731
    assert cg.trace(f, f32[2 * B], f32[B + B]).target_types == (f32[2 * B],)
    for other in (3 * B, B, 2 * N, 2 * B + 1):
        with pytest.raises(TypeCheckError, match="not known to equal"):
            cg.trace(f, f32[2 * B], f32[other])
