"""The dialect as IRDL: one operation for each entry of the table, with its operands and attributes."""

import pytest
from mlir import ir

from catgrad import ops
from catgrad.dialect import new_context
from catgrad.dialect.definition import DIALECT_OPS, load
from catgrad.dialect.types import from_mlir, to_mlir
from catgrad.dims import dim
from catgrad.errors import CatgradError
from catgrad.types import dtypes, f32


@pytest.fixture(scope="module")
def context():
    return new_context()


def test_every_operation_but_copies_and_calls_is_in_the_dialect():
    assert set(DIALECT_OPS.values()) == set(ops.OPS.values()) - {ops.copy, ops.call}
    assert all(name == f"catgrad.{op.name}" for name, op in DIALECT_OPS.items())


def test_contexts_do_not_share_the_dialect():
    first, second = ir.Context(), ir.Context()
    load(first)
    load(second)
    for context in (first, second):
        assert context.is_registered_operation("catgrad.exp")


@pytest.mark.parametrize("name", sorted(DIALECT_OPS))
def test_operations_are_known_and_others_are_not(name, context):
    assert context.is_registered_operation(name)
    assert not context.is_registered_operation(f"{name}_twice")


@pytest.mark.parametrize(
    "text",
    [
        '"catgrad.add"(%x) : (tensor<3xf32>) -> tensor<3xf32>',
        '"catgrad.exp"(%x, %x) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>',
        '"catgrad.sum"(%x) : (tensor<3xf32>) -> tensor<f32>',
        '"catgrad.sum"(%x) {axes = "0"} : (tensor<3xf32>) -> tensor<f32>',
        '"catgrad.exp"(%i) : (index) -> tensor<3xf32>',
        '"catgrad.exp"(%x) : (tensor<3xf32>) -> index',
    ],
)
def test_irdl_checks_operands_and_attributes(text, context):
    function = f"func.func @f(%x: tensor<3xf32>, %i: index) {{\n%0 = {text}\nreturn\n}}"
    with context, pytest.raises(ir.MLIRError):
        ir.Module.parse(function)


@pytest.mark.parametrize("dtype", dtypes, ids=str)
def test_types_go_there_and_back(dtype, context):
    n, m = dim("n"), dim("m", multiple_of=4)
    shapes = [(), (3,), (0, 2), (n,), (n, 3, m), (2 * n + 1, n * m // 3)]
    with context, ir.Location.unknown():
        for shape in shapes:
            given = dtype[shape]
            assert from_mlir(to_mlir(given), (n, m)) is given
        assert from_mlir(to_mlir(dtype[2, 3])) is dtype[2, 3]
        assert to_mlir(f32[2, 3]).encoding is None


@pytest.mark.parametrize(
    "text",
    [
        "f32",
        "vector<3xf32>",
        "tensor<*xf32>",
        "tensor<3xf8E5M2>",
        "tensor<3xcomplex<f32>>",
        "tensor<3xi16>",
        "tensor<?xf32>",
        'tensor<?x3xf32, ["B"]>',
        'tensor<?xf32, ["3"]>',
        'tensor<3xf32, ["B"]>',
        'tensor<4xf32, ["3"]>',
        'tensor<?xf32, ["B +"]>',
        "tensor<?xf32, [3]>",
        'tensor<?xf32, "B">',
    ],
)
def test_what_is_no_type_of_ours(text, context):
    with context, pytest.raises(CatgradError):
        from_mlir(ir.Type.parse(text))
