"""Signatures: how they read, and what does not fit together."""

import optree
import pytest

from catgrad.dims import dim
from catgrad.errors import CatgradError
from catgrad.runtime import Signature
from catgrad.types import f32, i32

B = dim("B")


def test_flat():
    signature = Signature("f", (B,), (f32[B], i32[()]), (i32[()], f32[B]), donated=((0, 1),), input_names=("x", "n"))
    assert str(signature) == "f: (x: f32[B], n: i32[]) -> (i32[], f32[B])"
    assert signature.argument_names == ("x", "n")
    assert signature.output_names == ("out[0]", "out[1]")
    assert signature.fresh == (0,)
    assert signature.places == (2, 0)


def test_nested():
    signature = Signature(
        "f",
        (),
        (f32[2], f32[3], i32[()]),
        (f32[2],),
        input_names=("state['w'][0]", "state['w'][1]", "n"),
        input_tree=optree.tree_structure(({"w": [0, 0]}, (), 0)),
        output_tree=optree.tree_structure({"loss": 0}),
    )
    assert str(signature) == "f: (state: {'w': [f32[2], f32[3]]}, _: (), n: i32[]) -> {'loss': f32[2]}"
    assert signature.output_names == ("out['loss']",)


def test_large_structures_are_abbreviated():
    tree = optree.tree_structure(({f"k{i}": 0 for i in range(9)},))
    signature = Signature("f", (), (f32[2],) * 9, (), input_names=("p",) * 9, input_tree=tree)
    assert str(signature) == "f: (p: {'k0': f32[2], 'k1': f32[2], 'k2': f32[2], 'k3': f32[2], ...}) -> ()"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"input_names": ()}, "expected 2 input names, got 0"),
        ({"symbols": (dim("N"),)}, "no input has the symbolic dimension N"),
        ({"outputs": (f32[dim("N")],)}, "no input has the symbolic dimension N"),
        ({"input_tree": optree.tree_structure((0,))}, "the input tree has 1 leaves for 2 arrays"),
        ({"input_tree": optree.tree_structure([0, 0])}, r"the input tree .* is not the tuple of the arguments"),
        ({"output_tree": optree.tree_structure((0, 0))}, "the output tree has 2 leaves for 1 arrays"),
        ({"donated": ((1, 0),)}, r"y: i32\[\] cannot hold a result f32\[B\]"),
        ({"donated": ((2, 0),)}, r"donated pairs \(\(2, 0\),\) name an array that is not there"),
        ({"donated": ((0, 0), (0, 0))}, "an array is donated twice"),
    ],
)
def test_parts_that_do_not_fit(parts, message):
    whole = {"symbols": (B,), "inputs": (f32[B], i32[()]), "outputs": (f32[B],), "input_names": ("x", "y")}
    with pytest.raises(CatgradError, match=message):
        Signature("f", **{**whole, **parts})
