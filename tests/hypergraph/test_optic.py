import pytest
from diagrams import arrows, chains, few, programs
from hypothesis import given

from catgrad.hypergraph import (
    CompositionError,
    OpenHypergraph,
    Optic,
    is_acyclic,
    is_isomorphic,
    is_monogamous,
)

Arrow = OpenHypergraph


def values(a):
    return [a, "k"] if a == "X" else [a]


def changes(a):
    """Y has no change, as an integer has none."""
    return ["dX"] if a == "X" else []


def both(a):
    return values(a) + changes(a)


def flat(objects, mapped):
    return [c for a in objects for c in mapped(a)]


def residual(x):
    return ["M", "N"] if x == "f" else []


def forward(x, a, b):
    return Arrow.singleton(("fwd", x), flat(a, values), ["Z"]) >> Arrow.singleton(
        "end", ["Z"], flat(b, values) + residual(x)
    )


def reverse(x, a, b):
    return Arrow.singleton(("rev", x), residual(x) + flat(b, changes), flat(a, changes))


OPTIC = Optic(values, changes, forward, reverse)


def image(f):
    return OPTIC.map_arrow(f)[0]


@few
@given(chains(2), arrows())
def test_the_image_is_a_functor_on_interleaved_objects(fg, h):
    f, g = fg
    assert image(f).source_type.tolist() == flat(f.source_type, both)
    assert image(f).target_type.tolist() == flat(f.target_type, both)
    assert is_isomorphic(image(f >> g), image(f) >> image(g))
    assert is_isomorphic(image(f @ h), image(f) @ image(h))
    assert is_isomorphic(image(Arrow.identity(f.source_type)), Arrow.identity(image(f).source_type))


@few
@given(programs())
def test_adapted_programs_are_programs(f):
    df, _ = OPTIC.map_adapted(f)
    assert df.source_type.tolist() == flat(f.source_type, values) + flat(f.target_type, changes)
    assert df.target_type.tolist() == flat(f.target_type, values) + flat(f.source_type, changes)
    assert is_monogamous(df)
    assert is_acyclic(df)


def joined(halves, f):
    """(forward ● RB) ; (FB ● reverse)."""
    fb, rb = flat(f.target_type, values), flat(f.target_type, changes)
    return (halves.forward @ Arrow.identity(rb)) >> (Arrow.identity(fb) @ halves.reverse)


@few
@given(programs())
def test_halves_of_programs_compose_to_the_adapted_image(f):
    halves = OPTIC.halves(f)
    assert is_monogamous(halves.forward)
    assert is_monogamous(halves.reverse)
    assert halves.residual.tolist() == flat(f.hypergraph.edges, residual)
    assert is_isomorphic(joined(halves, f), OPTIC.map_adapted(f)[0])


@few
@given(arrows())
def test_halves_of_any_arrow_compose_to_the_adapted_image(f):
    assert is_isomorphic(joined(OPTIC.halves(f), f), OPTIC.map_adapted(f)[0])


@few
@given(programs())
def test_the_witness_tells_the_halves_apart(f):
    whole, witness = OPTIC.map_adapted(f)
    halves = OPTIC.halves(f)
    cases = [(whole, whole, witness), (halves.forward, halves.reverse, halves.witness)]
    for first, second, (ahead, back) in cases:
        for a, fa, ra in zip(f.hypergraph.nodes, ahead.nodes, back.nodes, strict=True):
            assert first.hypergraph.nodes[fa].tolist() == values(a)
            assert second.hypergraph.nodes[ra].tolist() == changes(a)
        for x, fx, rx in zip(f.hypergraph.edges, ahead.edges, back.edges, strict=True):
            assert first.hypergraph.edges[fx].tolist() == [("fwd", x), "end"]
            assert second.hypergraph.edges[rx].tolist() == [("rev", x)]


def test_one_operation():
    f = Arrow.singleton("f", ["X"], ["X"])
    drawn = (forward("f", "X", "X") @ Arrow.identity(["dX"])) >> (Arrow.identity(["X", "k"]) @ reverse("f", "X", "X"))
    assert is_isomorphic(OPTIC.map_adapted(f)[0], drawn)


def test_composition_reverses_the_changes():
    """The adapted image of f ; g runs the reverse of g before the reverse of f."""
    f, g = Arrow.singleton("f", ["X"], ["X"]), Arrow.singleton("g", ["X"], ["X"])
    df, dg = OPTIC.halves(f), OPTIC.halves(g)
    ahead = df.forward >> (dg.forward @ Arrow.identity(["M", "N"]))
    back = Arrow.twist(["M", "N"], ["dX"]) >> (dg.reverse @ Arrow.identity(["M", "N"]))
    back = back >> Arrow.twist(["dX"], ["M", "N"]) >> df.reverse
    drawn = (ahead @ Arrow.identity(["dX"])) >> (Arrow.identity(["X", "k"]) @ back)
    assert is_isomorphic(OPTIC.map_adapted(f >> g)[0], drawn)


def test_halves_must_meet():
    lost = Optic(values, changes, forward, lambda x, a, b: Arrow.singleton(x, flat(b, changes), flat(a, changes)))
    with pytest.raises(CompositionError, match="the image of f: at its source there are 0 wires, expected 2"):
        lost.map_arrow(Arrow.singleton("f", ["Y"], ["Y"]))
    short = Optic(values, changes, lambda x, a, b: Arrow.identity(flat(a, values)), reverse)
    with pytest.raises(CompositionError, match="the image of g: at its target there are 1 wires, expected 2"):
        short.halves(Arrow.singleton("g", ["Y"], ["X"]))
