"""Reductions: the extent of some axes is folded into one value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from catgrad import types
from catgrad.errors import TypeCheckError
from catgrad.ops.elementwise import ALL, NUMBERS, require_dtype
from catgrad.ops.op import Kind, Op, Sample, generator, operation, typeof
from catgrad.ops.samples import draw
from catgrad.ops.shape import axis_index, axis_indices, reshape
from catgrad.types import DType, TensorType, i32, i64

__all__ = ["argmax", "argmin", "max", "min", "sum"]

CASES = (((3, 4), (1,)), ((3, 4), (0,)), ((3, 4), (0, 1)), ((2, 3, 5), (1,)), ((17, 33), (1,)), ((4,), ()), ((), ()))


def _reduction_samples(name: str, empty: bool) -> Any:
    def samples(dtype: DType) -> list[Sample]:
        rng = generator(name, dtype)
        found = [Sample((_distinct(rng, dtype, shape),), {"axes": axes}) for shape, axes in CASES]
        ties = np.array([[1, 1, 0], [0, 0, 0]]).astype(dtype.numpy)
        found.append(Sample((ties,), {"axes": (1,)}, smooth=False))
        if dtype.is_float:
            odd = np.array([[1.0, np.nan, 2.0], [np.inf, -np.inf, 0.0], [-0.0, 0.0, -1.0]]).astype(dtype.numpy)
            found.append(Sample((odd,), {"axes": (1,)}, smooth=False))
        if empty:
            found.append(Sample((np.zeros((3, 0), dtype.numpy),), {"axes": (1,)}))
        return found

    return samples


def _distinct(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return values without ties, so that finite differences of max and min make sense."""
    if dtype.is_bool:
        return draw(rng, dtype, shape, 0, 1)
    ranks = rng.permutation(int(np.prod(shape))).reshape(shape)
    return np.asarray(ranks * (1 if dtype.is_integer else 0.125) - 2).astype(dtype.numpy)


def _reduce(op: Op, x: Any, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Any:
    """Give a reduction its public form: any axes, counted from either end, kept with extent 1 on demand."""
    given = typeof(x)
    axes = axis_indices(op.name, axis, given.rank)
    reduced = op.record(x, axes=axes)
    return _kept(reduced, given, axes) if keepdims else reduced


def _kept(reduced: Any, given: TensorType, axes: tuple[int, ...]) -> Any:
    """Return a reduction's result with the axes that it lost, at extent 1."""
    return reshape(reduced, tuple(1 if a in axes else e for a, e in enumerate(given.shape)))


def _without(x: TensorType, axes: tuple[int, ...]) -> TensorType:
    return TensorType(x.dtype, tuple(e for a, e in enumerate(x.shape) if a not in axes))


def _check_axes(name: str, x: TensorType, axes: tuple[int, ...]) -> None:
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < x.rank for a in axes):
        raise TypeCheckError(f"{name}: {axes} are not increasing axes of {x}")


def _total(xp: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Return the sum over axes; their elements become neighbours, which libraries add pairwise and lose few digits."""
    rest = tuple(axis for axis in range(x.ndim) if axis not in axes)
    kept = tuple(x.shape[axis] for axis in rest)
    flat = xp.reshape(xp.permute_dims(x, (*rest, *axes)), (math.prod(x.shape),))
    return xp.sum(xp.reshape(flat, (*kept, math.prod(x.shape[axis] for axis in axes))), axis=-1, dtype=x.dtype)


@operation(
    inputs=("x",),
    attributes={"axes": Kind.INTS},
    reference=lambda xp, x, axes: _total(xp, x, axes),
    samples=_reduction_samples("sum", empty=True),
    dtypes=NUMBERS,
    surface=_reduce,
)
def sum(x: TensorType, axes: tuple[int, ...]) -> TensorType:
    """sum : X → Y over the given axes; 16-bit floats accumulate in f32, integers wrap, an empty sum is 0.

    The order in which floats are added is fixed by the extents, and keeps digits of long sums.

    Example:
        >>> import numpy as np
        >>> sum(np.ones((2, 3)), axis=1, keepdims=True).tolist()
        [[3.0], [3.0]]
    """
    require_dtype("sum", x, NUMBERS)
    _check_axes("sum", x, axes)
    return _without(x, axes)


def _extremum(name: str, adjective: str) -> Op:
    def typing(x: TensorType, axes: tuple[int, ...]) -> TensorType:
        _check_axes(name, x, axes)
        return _without(x, axes)

    return Op(
        name=name,
        inputs=("x",),
        attributes={"axes": Kind.INTS},
        typing=typing,
        reference=lambda xp, x, axes: _fold(xp, name, x, axes),
        samples=_reduction_samples(name, empty=False),
        dtypes=ALL,
        surface=_reduce,
        nonempty=lambda x, axes: [x.shape[a] for a in axes],
        doc=f"{name} : X → Y, the {adjective} over the given axes; NaN if there is one.",
    )


def _fold(xp: Any, name: str, x: Any, axes: tuple[int, ...]) -> Any:
    if not axes:
        return x
    if x.dtype != xp.bool:
        return getattr(xp, name)(x, axis=axes)
    return xp.any(x, axis=axes) if name == "max" else xp.all(x, axis=axes)


max = _extremum("max", "largest")
min = _extremum("min", "smallest")


def _arg_samples(name: str) -> Any:
    def samples(dtype: DType) -> list[Sample]:
        rng = generator(name, dtype)
        values = [(draw(rng, dtype, (3, 4), -9, 9), 1), (draw(rng, dtype, (5, 3), -9, 9), 0)]
        values += [(draw(rng, dtype, (17,), -9, 9), 0), (np.array([[2, 2, 1], [0, 0, 0]]).astype(dtype.numpy), 1)]
        if dtype.is_float:
            values.append((np.array([[1, np.nan, 3], [np.nan, np.nan, 0]]).astype(dtype.numpy), 1))
        return [Sample((x,), {"axis": axis, "dtype": index}, False) for x, axis in values for index in (i32, i64)]

    return samples


def _position(op: Op, x: Any, axis: int | None = None, *, keepdims: bool = False, dtype: Any = i32) -> Any:
    """Give argmax its public form: of the flattened tensor when no axis is named."""
    given = typeof(x)
    axes = axis_indices(op.name, axis, given.rank) if axis is None else (axis_index(op.name, axis, given.rank),)
    if axis is None:
        x = reshape(x, (given.size,))
    found = op.record(x, axis=0 if axis is None else axes[0], dtype=types.dtype(dtype))
    return _kept(found, given, axes) if keepdims else found


def _arg_extremum(name: str, adjective: str) -> Op:
    def typing(x: TensorType, axis: int, dtype: DType) -> TensorType:
        _check_axes(name, x, (axis,))
        require_dtype(name, x, NUMBERS)
        if not dtype.is_integer:
            raise TypeCheckError(f"{name}: positions are i32 or i64, not {dtype.name}")
        return TensorType(dtype, _without(x, (axis,)).shape)

    return Op(
        name=name,
        inputs=("x",),
        attributes={"axis": Kind.INT, "dtype": Kind.DTYPE},
        typing=typing,
        reference=lambda xp, x, axis, dtype: getattr(xp, name)(x, axis=axis),
        samples=_arg_samples(name),
        dtypes=NUMBERS,
        surface=_position,
        nonempty=lambda x, axis, dtype: [x.shape[axis]],
        doc=f"{name} : X → index, the position of the first {adjective} element along an axis; the first NaN wins.",
    )


argmax = _arg_extremum("argmax", "largest")
argmin = _arg_extremum("argmin", "smallest")
