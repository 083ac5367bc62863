"""Constructors without checks: every result built from checked objects passes the checks that it skipped."""

import numpy as np
from diagrams import arrows, cartesian, chains, copy_label, few, is_copy
from hypothesis import given
from test_functor import DOUBLE
from test_optic import OPTIC

from catgrad.hypergraph import (
    FiniteFunction,
    Hypergraph,
    OpenHypergraph,
    Segments,
    explicit_copies,
    forget,
    restrict_to_outputs,
    tensor_all,
)


def assert_valid(f):
    h = f.hypergraph
    sources, targets = (FiniteFunction(side.table.tolist(), side.target) for side in (f.sources, f.targets))
    ends = (Segments(side.sizes.tolist(), np.array(side.values)) for side in (h.sources, h.targets))
    assert OpenHypergraph(sources, targets, Hypergraph(h.nodes.tolist(), h.edges.tolist(), *ends)) == f
    for side in (h.sources, h.targets):
        assert_numbers(side.sizes)
        assert_numbers(side.values)
    for array in (h.nodes, h.edges):
        assert not array.codes.flags.writeable
        assert len(set(array.alphabet)) == len(array.alphabet)
    assert_numbers(f.sources.table)
    assert_numbers(f.targets.table)


def assert_numbers(array):
    assert array.dtype == np.int32
    assert not array.flags.writeable


@few
@given(chains(2))
def test_algebra(fg):
    f, g = fg
    for result in (
        f >> g,
        f @ g,
        f.dagger(),
        tensor_all([f, g, f]),
        OpenHypergraph.twist(f.source_type, g.target_type),
    ):
        assert_valid(result)
    assert_valid(OpenHypergraph.singleton("f", f.source_type, g.target_type))


@few
@given(arrows())
def test_transformations(f):
    assert_valid(DOUBLE(f))
    assert_valid(OPTIC.map_adapted(f)[0])
    for half in OPTIC.halves(f)[:2]:
        assert_valid(half)


@few
@given(cartesian())
def test_sharing(f):
    copied = explicit_copies(f, copy_label)[0]
    assert_valid(copied)
    assert_valid(forget(copied, is_copy)[0])
    assert_valid(restrict_to_outputs(f)[0])
