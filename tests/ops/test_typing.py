"""Type errors: operands and attributes that the typing rules reject, and the messages."""

import re

import numpy as np
import pytest
from optable import OPERATIONS, input_types

import catgrad as cg
from catgrad import nn, ops
from catgrad.dims import dim
from catgrad.errors import TypeCheckError
from catgrad.ops import Kind
from catgrad.types import TensorType, dtypes, f32, f64, i32

WITH_OPERANDS = [op for op in OPERATIONS if op.inputs]
SEVERAL = [op for op in WITH_OPERANDS if len(op.inputs) > 1]
WITH_ATTRIBUTES = [op for op in OPERATIONS if op.attributes]

WRONG = {
    Kind.EXTENT: ("B", 1.5, None),
    Kind.INT: (True, 1.0, "1", None),
    Kind.INTS: ([0], (0.0,), 0, None),
    Kind.STR: (b"i,i->", 3, None),
    Kind.DTYPE: ("f32", float, None),
    Kind.SHAPE: ([2], (2.0,), ("B",), 3, None),
}
"""For each kind of attribute, values that are of another."""


def _named(op):
    return op.name


def _first(op):
    """Return the label and the operand types of a sample with a shape."""
    samples = op.samples(op.dtypes[-1])
    sample = next((s for s in samples if all(x.ndim for x in s.inputs)), samples[0])
    return op.operation(**sample.attributes), input_types(sample)


@pytest.mark.parametrize("op", WITH_OPERANDS, ids=_named)
def test_wrong_dtype_names_a_cast_that_works(op):
    label, types = _first(op)
    for dtype in set(dtypes) - set(op.dtypes):
        with pytest.raises(TypeCheckError, match=r"is defined for .*cg\.cast\(x, ") as caught:
            label.typing(*(TensorType(dtype, t.shape) for t in types))
        advised = getattr(cg, re.search(r"cg\.cast\(x, cg\.(\w+)\)", caught.value.message)[1])
        assert label.typing(*(TensorType(advised, t.shape) for t in types))


ADVICE = [
    (lambda x: x ^ 1, i32[3], lambda x: cg.cast(x, cg.bool_) ^ 1),
    (lambda x: ~x, i32[3], lambda x: ~cg.cast(x, cg.bool_)),
    (lambda x: cg.logical_and(x, x), f32[3], lambda x: cg.cast(x, cg.bool_) & True),
    (lambda x: cg.one_hot(x, 3), f32[3], lambda x: cg.one_hot(cg.cast(x, cg.i32), 3)),
    (lambda x: cg.where(x, 1.0, 2.0), i32[3], lambda x: cg.where(cg.cast(x, cg.bool_), 1.0, 2.0)),
    (lambda x: x + cg.arange(3, cg.f64), f64[3], lambda x: x + cg.cast(cg.arange(3, cg.f32), cg.f64)),
    (lambda x: nn.softmax_cross_entropy(cg.ones((3, 2)), x > 0), f32[3], None),
]


@pytest.mark.parametrize(("wrong", "type", "right"), ADVICE)
def test_the_remedy_for_a_dtype_is_one_that_is_taken(wrong, type, right):
    with pytest.raises(TypeCheckError, match=r"cg\.(bool_|i32)|dtype=cg\.f32") as caught:
        cg.trace(wrong, type)
    assert right is None or cg.trace(right, type)
    assert "cg.f32)" not in caught.value.message


def test_labels_of_a_dtype_that_there_is_not():
    logits, labels = np.zeros((2, 3), np.float32), np.array([0, 1], np.uint8)
    with pytest.raises(TypeCheckError, match=r"^softmax_cross_entropy: labels: .*uint8.*labels\.astype\(np\.int32\)"):
        nn.softmax_cross_entropy(logits, labels)


@pytest.mark.parametrize("op", SEVERAL, ids=_named)
def test_mixed_dtypes_name_cast(op):
    label, types = _first(op)
    other = next(d for d in dtypes if d is not types[-1].dtype)
    with pytest.raises(TypeCheckError, match=r"one dtype.*cg\.cast|is defined for"):
        label.typing(*types[:-1], TensorType(other, types[-1].shape))


@pytest.mark.parametrize("op", SEVERAL, ids=_named)
def test_operands_of_different_shape(op):
    label, types = _first(op)
    with pytest.raises(TypeCheckError, match=op.name):
        label.typing(*types[:-1], TensorType(types[-1].dtype, (*types[-1].shape, 9)))


@pytest.mark.parametrize("op", OPERATIONS, ids=_named)
def test_wrong_number_of_operands(op):
    label, types = _first(op)
    with pytest.raises(TypeCheckError, match=rf"{op.name} takes {len(types)} operands, {len(types) + 1} given"):
        label.typing(*types, f32[()])
    if types:
        with pytest.raises(TypeCheckError, match="operands"):
            label.typing(*types[1:])


@pytest.mark.parametrize("op", WITH_ATTRIBUTES, ids=_named)
def test_attributes_of_another_kind(op):
    attributes = _first(op)[0].keywords
    for name, kind in op.attributes.items():
        for wrong in WRONG.get(kind, ()):
            with pytest.raises(TypeCheckError, match=f"the attribute {name} is not of the kind {kind.value}"):
                op.operation(**{**attributes, name: wrong})


@pytest.mark.parametrize("op", OPERATIONS, ids=_named)
def test_attributes_that_are_missing_or_unknown(op):
    attributes = _first(op)[0].keywords
    with pytest.raises(TypeCheckError, match="has the attributes"):
        op.operation(**attributes, colour="red")
    if attributes:
        with pytest.raises(TypeCheckError, match="has the attributes"):
            op.operation()


@pytest.mark.parametrize("op", [op for op in WITH_OPERANDS if not op.attributes], ids=_named)
def test_symbolic_shapes_type_like_numbers(op):
    """Binding the symbols of the result gives the result of the bound operands."""
    n, m = dim("n"), dim("m")
    symbolic = [TensorType(t.dtype, (n, 2 * m)) for t in _first(op)[1]]
    label, sizes = op.operation(), {"n": 3, "m": 2}
    bound = [t.substitute(sizes) for t in symbolic]
    assert [t.substitute(sizes) for t in label.typing(*symbolic)] == list(label.typing(*bound))


@pytest.mark.parametrize(
    ("label", "given", "message"),
    [
        (ops.reshape.operation(shape=(4,)), f32[3], "reshape: f32.3. has 3 elements, f32.4. has 4"),
        (ops.reshape.operation(shape=(3 * dim("n"),)), f32[2 * dim("n")], r"2\*n elements"),
        (ops.reshape.operation(shape=(-3,)), f32[3], "negative"),
        (ops.permute_dims.operation(axes=(0, 0)), f32[2, 3], "not a permutation"),
        (ops.permute_dims.operation(axes=(0,)), f32[2, 3], "not a permutation"),
        (ops.permute_dims.operation(axes=(0, 2)), f32[2, 3], "not a permutation"),
        (ops.broadcast_to.operation(shape=(2,)), f32[3], "does not broadcast"),
        (ops.broadcast_to.operation(shape=(3,)), f32[1, 3], "does not broadcast"),
        (ops.broadcast_to.operation(shape=(dim("n"),)), f32[dim("m")], "does not broadcast"),
        (ops.sum.operation(axes=(1, 0)), f32[2, 3], "increasing axes"),
        (ops.sum.operation(axes=(0, 0)), f32[2, 3], "increasing axes"),
        (ops.sum.operation(axes=(-1,)), f32[2, 3], "increasing axes"),
        (ops.max.operation(axes=(0,)), f32[0, 3], "no elements"),
        (ops.argmax.operation(axis=0, dtype=i32), f32[0], "no elements"),
        (ops.argmax.operation(axis=0, dtype=f32), f32[2], "positions are i32 or i64"),
        (ops.argmax.operation(axis=2, dtype=i32), f32[2], "increasing axes"),
    ],
)
def test_attributes_that_do_not_fit_the_operand(label, given, message):
    with pytest.raises(TypeCheckError, match=message):
        label.typing(given)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (ops.iota.operation(dtype=f32, shape=(2,), axis=1), "out of range"),
        (ops.iota.operation(dtype=f32, shape=(2,), axis=-1), "out of range"),
        (ops.iota.operation(dtype=f64, shape=(2,), axis=0), "is defined for"),
        (ops.nat_to_tensor.operation(value=3, dtype=cg.bool_), "is defined for"),
    ],
)
def test_attributes_of_operations_without_operands(label, message):
    with pytest.raises(TypeCheckError, match=message):
        label.typing()


def test_where_needs_a_bool_of_the_same_shape():
    label = ops.where.operation()
    with pytest.raises(TypeCheckError, match="bool condition"):
        label.typing(f32[2], f32[2], f32[2])
    with pytest.raises(TypeCheckError, match="condition of the operands' shape"):
        label.typing(cg.bool_[3], f32[2], f32[2])
