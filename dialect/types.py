"""Types and attributes between catgrad and MLIR.

A static tensor type is MLIR's own. One with symbolic extents is dynamic there, and its encoding says which extent is
which: f32[B, 784] is `tensor<?x784xf32, ["B", "784"]>`. Attributes that the result type already tells (a dtype, a
shape) are not repeated in the IR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from mlir import ir

from catgrad import dims
from catgrad.dims import Symbol
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.ops import Kind, Literal
from catgrad.types import DType, TensorType, bf16, bool_, f16, f32, f64, i32, i64

__all__ = ["attribute_from_mlir", "attribute_to_mlir", "dense", "element_type", "from_mlir", "to_mlir"]

IMPLIED = frozenset({Kind.DTYPE, Kind.SHAPE})
"""Kinds of attributes that the result type tells."""


_ELEMENTS: dict[DType, Callable[[], ir.Type]] = {
    bool_: lambda: ir.IntegerType.get_signless(1),
    i32: lambda: ir.IntegerType.get_signless(32),
    i64: lambda: ir.IntegerType.get_signless(64),
    f16: ir.F16Type.get,
    bf16: ir.BF16Type.get,
    f32: ir.F32Type.get,
    f64: ir.F64Type.get,
}


def element_type(dtype: DType) -> ir.Type:
    """Return MLIR's type of one element, in the current context."""
    return _ELEMENTS[dtype]()


_DTYPES = {"i1": bool_, "i32": i32, "i64": i64, "f16": f16, "bf16": bf16, "f32": f32, "f64": f64}


def to_mlir(given: TensorType) -> ir.RankedTensorType:
    """Return the MLIR type, in the current context."""
    sizes = [e if isinstance(e, int) else ir.ShapedType.get_dynamic_size() for e in given.shape]
    if given.is_static:
        return ir.RankedTensorType.get(sizes, element_type(given.dtype))
    encoding = ir.ArrayAttr.get([ir.StringAttr.get(str(e)) for e in given.shape])
    return ir.RankedTensorType.get(sizes, element_type(given.dtype), encoding)


def from_mlir(given: ir.Type, known: Iterable[Symbol] = ()) -> TensorType:
    """Return the catgrad type.

    Args:
        given: A ranked tensor.
        known: Symbols that carry facts.

    Raises:
        TypeCheckError: It is no ranked tensor, has another element type, or a dynamic extent without a name.
    """
    try:
        tensor = ir.RankedTensorType(given)
    except ValueError:
        raise TypeCheckError(f"expected a ranked tensor, got {given}") from None
    dtype = _DTYPES.get(str(tensor.element_type))
    if dtype is None:
        raise TypeCheckError(f"{given} has an element type that catgrad does not know: {', '.join(_DTYPES)}")
    return TensorType(dtype, _shape(tensor, tuple(known)))


def _shape(tensor: ir.RankedTensorType, known: tuple[Symbol, ...]) -> list[dims.Extent]:
    sizes = [None if tensor.is_dynamic_dim(axis) else tensor.get_dim_size(axis) for axis in range(tensor.rank)]
    if tensor.encoding is None and None not in sizes:
        return [size for size in sizes if size is not None]
    names = _extent_texts(tensor)
    if len(names) != tensor.rank:
        raise TypeCheckError(f'{tensor}: a dynamic extent needs a name: write tensor<?x4xf32, ["B", "4"]>')
    extents = [dims.parse(name, known) for name in names]
    for size, extent in zip(sizes, extents, strict=True):
        if (extent if isinstance(extent, int) else None) != size:
            raise TypeCheckError(f"{tensor}: the encoding says {extent} where the type says {size or '?'}")
    return extents


def _extent_texts(tensor: ir.RankedTensorType) -> list[str]:
    if tensor.encoding is None or not isinstance(tensor.encoding, ir.ArrayAttr):
        return []
    return [str(text.value) for text in tensor.encoding if isinstance(text, ir.StringAttr)]


def dense(array: np.ndarray[Any, Any], dtype: DType) -> ir.DenseElementsAttr:
    """Return the elements as a dense attribute with the element type of `dtype`, in the current context."""
    element = element_type(dtype)
    if dtype is bool_:
        packed = np.packbits(array.reshape(-1), bitorder="little")
        return ir.DenseElementsAttr.get(packed, type=element, shape=list(array.shape))
    if dtype is bf16:
        return ir.DenseElementsAttr.get(array.view(np.uint16), type=ir.RankedTensorType.get(array.shape, element))
    return ir.DenseElementsAttr.get(array, type=element, shape=list(array.shape))


def _literal_to_mlir(literal: Literal) -> ir.Attribute:
    stored = _stored(literal.type)
    return dense(literal.array.astype(stored.dtype.numpy), stored.dtype)


def _literal_from_mlir(attribute: ir.Attribute, result: TensorType) -> Literal:
    stored, given = _stored(result), ir.DenseElementsAttr(attribute)
    if from_mlir(given.type) != stored:
        raise TypeCheckError(f"a constant {result} has elements of the type {stored}, not {given.type}")
    return Literal.of(np.array(attribute).astype(result.dtype.numpy).reshape(result.shape))


def _stored(literal: TensorType) -> TensorType:
    """Return the type of the elements in the IR: f32 for bf16, which the bindings cannot read back."""
    return TensorType(f32, literal.shape) if literal.dtype is bf16 else literal


_TO_MLIR = {
    Kind.EXTENT: lambda value: ir.StringAttr.get(str(value)),
    Kind.INT: lambda value: ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value),
    Kind.INTS: lambda value: ir.DenseI64ArrayAttr.get(list(value)),
    Kind.STR: ir.StringAttr.get,
    Kind.ARRAY: _literal_to_mlir,
}


def attribute_to_mlir(kind: Kind, value: Any) -> ir.Attribute:
    """Return an attribute's value as MLIR has it."""
    return _TO_MLIR[kind](value)


def attribute_from_mlir(
    kind: Kind, name: str, attributes: Mapping[str, ir.Attribute], result: TensorType, known: Iterable[Symbol] = ()
) -> Any:
    """Return the value of the attribute `name` of an operation whose result has the type `result`.

    Raises:
        TypeCheckError: It has another kind.
    """
    readers: dict[Kind, Callable[[], Any]] = {
        Kind.DTYPE: lambda: result.dtype,
        Kind.SHAPE: lambda: result.shape,
        Kind.EXTENT: lambda: dims.parse(ir.StringAttr(attributes[name]).value, known),
        Kind.INT: lambda: int(ir.IntegerAttr(attributes[name]).value),
        Kind.INTS: lambda: tuple(ir.DenseI64ArrayAttr(attributes[name])),
        Kind.STR: lambda: str(ir.StringAttr(attributes[name]).value),
        Kind.ARRAY: lambda: _literal_from_mlir(attributes[name], result),
    }
    try:
        return readers[kind]()
    except CatgradError:
        raise
    except (KeyError, MemoryError, TypeError, ValueError):
        raise TypeCheckError(f"the attribute {name} is not of the kind {kind.value}") from None
