"""Every lowering, compiled by upstream passes alone and compared with the reference meaning on all samples."""

import ctypes
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from mlir import ir
from mlir.dialects import func
from mlir.execution_engine import ExecutionEngine
from mlir.passmanager import PassManager

from catgrad import ops
from catgrad.dialect import definition, functions
from catgrad.dialect.definition import DIALECT_OPS
from catgrad.dialect.types import IMPLIED, attribute_to_mlir, to_mlir
from catgrad.dims import Dim, Symbol, dim, evaluate, minimum
from catgrad.dims import symbols as symbols_of
from catgrad.ops import Operation, Sample
from catgrad.passes.elementary import ExpandElementary
from catgrad.passes.narrow_floats import NarrowFloats
from catgrad.passes.to_linalg import LOWERINGS, ToLinalg
from catgrad.types import DType, TensorType, bf16, bool_, f16, f32, f64, i32

TO_LOOPS = """builtin.module(
  one-shot-bufferize{bufferize-function-boundaries=true function-boundary-type-conversion=identity-layout-map},
  func.func(convert-linalg-to-loops)
)"""
TO_LLVM = """builtin.module(
  convert-scf-to-cf, expand-strided-metadata, lower-affine,
  convert-math-to-llvm, func.func(arith-expand), convert-arith-to-llvm, convert-index-to-llvm,
  finalize-memref-to-llvm, convert-func-to-llvm, convert-cf-to-llvm, reconcile-unrealized-casts
)"""

INEXACT = {
    *(ops.exp, ops.expm1, ops.log, ops.log1p, ops.sin, ops.cos, ops.tanh, ops.sigmoid, ops.erf, ops.pow),
    *(ops.rsqrt, ops.sum, ops.contract),
}
TOLERANCE = {f16: 1e-3, bf16: 8e-3, f32: 2e-6, f64: 1e-14}

FEW = (bool_, i32, f32)
"""The dtypes that always run; the others differ from them in widths alone."""

CASES = [
    pytest.param(op, dtype, id=f"{op.name}-{dtype.name}", marks=[] if dtype in FEW else pytest.mark.slow)
    for op in DIALECT_OPS.values()
    for dtype in op.dtypes
]


B, S, T = dim("B"), dim("S"), dim("T", multiple_of=8)
"""Sizes that the functions below get when they are called."""

DYNAMIC = {
    "add": (ops.add.operation(), [f32[B, 4], f32[B, 4]]),
    "transpose": (ops.permute_dims.operation(axes=(2, 0, 1)), [f32[B, 4, S]]),
    "repeat_scalar": (ops.broadcast_to.operation(shape=(B, 3)), [f32[()]]),
    "repeat_column": (ops.broadcast_to.operation(shape=(2, B, S)), [f32[B, 1]]),
    "flatten": (ops.reshape.operation(shape=(B * S,)), [f32[B, S]]),
    "exchange": (ops.reshape.operation(shape=(S, 3 * B)), [f32[B, S, 3]]),
    "halves": (ops.reshape.operation(shape=(1, 2, B)), [f32[2 * B]]),
    "blocks": (ops.reshape.operation(shape=(T // 8, 8, 1)), [f32[T]]),
    "thirds": (ops.reshape.operation(shape=(2 * B, 3)), [f32[3 * B, 2]]),
    "sum_rows": (ops.sum.operation(axes=(1,)), [f32[B, S]]),
    "sum_all": (ops.sum.operation(axes=(0, 1)), [f32[B, S]]),
    "max": (ops.max.operation(axes=(1,)), [f32[B, S + 1]]),
    "argmin": (ops.argmin.operation(axis=1, dtype=i32), [f32[B, S]]),
    "product": (ops.contract.operation(spec="bi,bj->ij"), [f32[B, 3], f32[B, S]]),
    "outer": (ops.contract.operation(spec="b,s->sb"), [f32[B], f32[S]]),
    "alone": (ops.contract.operation(spec="bk,sk->"), [f32[B, 2], f32[S, 2]]),
    "iota": (ops.iota.operation(dtype=f32, shape=(B, S), axis=1), []),
    "nat": (ops.nat_to_tensor.operation(value=minimum(B * S, (S - 2 * B) // 2), dtype=i32), []),
}


def _label(op: ops.Op, sample: Sample) -> Operation:
    return op.operation(**sample.attributes)


def _symbols(operation: Operation, inputs: Sequence[TensorType], result: TensorType) -> tuple[Symbol, ...]:
    used = [extent for type in (*inputs, result) for extent in type.shape]
    return symbols_of(used + [value for _, value in operation.attributes if isinstance(value, Dim)])


def _define(name: str, operation: Operation, inputs: Sequence[TensorType]) -> None:
    """Add the function of one operation to the module at the insertion point."""
    (result,) = operation.typing(*inputs)
    symbols = _symbols(operation, inputs, result)
    types = [to_mlir(type) for type in inputs]
    function = func.FuncOp(name, ([ir.IndexType.get()] * len(symbols) + types, [to_mlir(result)]))
    marks = [ir.DictAttr.get(functions.symbol_attributes(symbol)) for symbol in symbols]
    function.arg_attrs = ir.ArrayAttr.get([*marks, *[ir.DictAttr.get({})] * len(types)])
    function.attributes["llvm.emit_c_interface"] = ir.UnitAttr.get()
    kinds = operation.op.attributes
    attributes = {n: attribute_to_mlir(kinds[n], v) for n, v in operation.attributes if kinds[n] not in IMPLIED}
    block = function.add_entry_block()
    with ir.InsertionPoint(block):
        operands = list(block.arguments)[len(symbols) :]
        box = ir.Operation.create(f"catgrad.{operation.op.name}", [to_mlir(result)], operands, attributes)
        func.ReturnOp([box.result])


def _compile(programs: dict[str, tuple[Operation, Sequence[TensorType]]]) -> ExecutionEngine:
    context = ir.Context()
    context.emit_error_diagnostics = True
    definition.load(context)
    with context, ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            for name, (operation, inputs) in programs.items():
                _define(name, operation, inputs)
        ToLinalg().run(module.operation)
        ExpandElementary().run(module.operation)
        PassManager.parse(TO_LOOPS).run(module.operation)
        NarrowFloats().run(module.operation)
        PassManager.parse(TO_LLVM).run(module.operation)
        return ExecutionEngine(module, opt_level=0)


def _descriptor(rank: int, address: int = 0, shape: Sequence[int] = ()) -> ctypes.Array:
    """Return a memref descriptor: allocated and aligned address, offset, sizes, strides; each a word."""
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    return (ctypes.c_int64 * (3 + 2 * rank))(address, address, 0, *shape, *strides)


def _argument(value: int | np.ndarray) -> object:
    if isinstance(value, int):
        return ctypes.pointer(ctypes.c_int64(value))
    return ctypes.pointer(ctypes.pointer(_descriptor(value.ndim, value.ctypes.data, value.shape)))


def _call(engine: ExecutionEngine, name: str, result: TensorType, *arguments: int | np.ndarray) -> np.ndarray:
    """Call a function and copy its result, whose buffer nobody frees."""
    out = _descriptor(result.rank)
    engine.invoke(name, ctypes.pointer(ctypes.pointer(out)), *map(_argument, arguments))
    shape = tuple(out[3 : 3 + result.rank])
    data = ctypes.string_at(out[1], int(np.prod(shape)) * result.dtype.numpy.itemsize)
    return np.frombuffer(data, result.dtype.numpy).reshape(shape)


def _check(got: np.ndarray, expected: np.ndarray, op: ops.Op) -> None:
    dtype = TensorType.of(expected).dtype
    tolerance = TOLERANCE[dtype] if op in INEXACT and dtype.is_float else 0
    if dtype.is_float:
        got, expected = got.astype(np.float64), expected.astype(np.float64)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@cache
def _samples(op: ops.Op, dtype: DType) -> list[Sample]:
    return list(op.samples(dtype))


@cache
def _engine(dtype: DType) -> ExecutionEngine:
    """Return all operations on operands of one dtype, compiled together."""
    return _compile({
        f"{op.name}{number}": (_label(op, sample), [TensorType.of(x) for x in sample.inputs])
        for op in DIALECT_OPS.values()
        if dtype in op.dtypes
        for number, sample in enumerate(_samples(op, dtype))
    })


def test_every_operation_has_a_lowering():
    assert {op.name for op in LOWERINGS} == {op.name for op in DIALECT_OPS.values()}


@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_lowering_agrees_with_reference(op, dtype):
    engine = _engine(dtype)
    for number, sample in enumerate(_samples(op, dtype)):
        with np.errstate(all="ignore"):
            (expected,) = op.evaluate(np, *sample.inputs, **sample.attributes)
        (result,) = _label(op, sample).typing(*map(TensorType.of, sample.inputs))
        _check(_call(engine, f"{op.name}{number}", result, *sample.inputs), expected, op)


@pytest.fixture(scope="module")
def dynamic_engine() -> ExecutionEngine:
    return _compile(DYNAMIC)


def _sized(value: object, sizes: dict[str, int]) -> object:
    """Return an attribute with numbers for symbols."""
    if isinstance(value, tuple):
        return tuple(_sized(each, sizes) for each in value)
    return evaluate(value, sizes) if isinstance(value, Dim) else value


@pytest.mark.parametrize("batch", [0, 3])
@pytest.mark.parametrize("name", DYNAMIC)
def test_extents_known_when_called(dynamic_engine, name, batch):
    operation, types = DYNAMIC[name]
    sizes = {"B": batch, "S": 5, "T": 16}
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(type.substitute(sizes).shape, np.float32) for type in types]
    attributes = {key: _sized(value, sizes) for key, value in operation.attributes}
    (expected,) = operation.op.evaluate(np, *inputs, **attributes)
    (result,) = operation.typing(*types)
    extents = [sizes[symbol.name] for symbol in _symbols(operation, types, result)]
    _check(_call(dynamic_engine, name, result.substitute(sizes), *extents, *inputs), expected, operation.op)
