"""Operations that move values without changing them: reshape, permute_dims, broadcast_to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from catgrad import dims
from catgrad.dims import Extent
from catgrad.errors import TypeCheckError, located
from catgrad.ops.op import Kind, Op, Sample, generator, operation, typeof
from catgrad.ops.samples import draw
from catgrad.text import brief
from catgrad.types import DType, TensorType, dtypes

__all__ = ["broadcast_to", "expand_dims", "permute_dims", "reshape", "squeeze"]


def axis_index(name: str, axis: int, rank: int) -> int:
    """Return `axis` counted from the front; raise `TypeCheckError` if it is no integer in [-rank, rank)."""
    if not isinstance(axis, int | np.integer) or isinstance(axis, bool):
        raise TypeCheckError(f"{name}: an axis is an integer, not {axis!r}")
    if not -rank <= axis < rank:
        raise TypeCheckError(f"{name}: axis {axis} is out of range for rank {rank}")
    return int(axis) % rank


def axis_indices(name: str, axis: Any, rank: int) -> tuple[int, ...]:
    """Return the axes that the user means by `axis`, in increasing order.

    Args:
        name: The operation, for the error.
        axis: An axis, several, or None for all of them.
        rank: How many there are.

    Raises:
        TypeCheckError: One is out of range or named twice.

    Example:
        >>> axis_indices("sum", (-1, 0), 3)
        (0, 2)
    """
    if axis is None:
        return tuple(range(rank))
    many = axis if isinstance(axis, Iterable) and not isinstance(axis, str) else (axis,)
    found = sorted(axis_index(name, each, rank) for each in many)
    if len(set(found)) != len(found):
        raise TypeCheckError(f"{name}: the axes {axis} are not distinct for rank {rank}")
    return tuple(found)


def extents(name: str, shape: Any) -> tuple[Extent, ...]:
    """Return a shape given as one extent or a sequence of them; raise `TypeCheckError` for anything else."""
    given = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    found = tuple(int(extent) if isinstance(extent, np.integer) else extent for extent in given)
    for extent in found:
        if not isinstance(extent, int | dims.Dim) or isinstance(extent, bool):
            raise TypeCheckError(f"{name}: a shape has integers and dimensions, not {extent!r}")
        if not dims.fits(extent):
            raise TypeCheckError(f"{name}: the extent of an axis does not fit in 64 bits: {brief(extent)}")
    return found


def _reshape_samples(dtype: DType) -> list[Sample]:
    rng = generator("reshape", dtype)
    cases = [((3, 4), (2, 6)), ((), (1, 1)), ((2, 3, 2), (12,)), ((0, 3), (3, 0)), ((1,), ())]
    return [Sample((draw(rng, dtype, old, -4, 4),), {"shape": new}) for old, new in cases]


def _infer_extent(op: Op, x: TensorType, shape: tuple[Extent, ...]) -> tuple[Extent, ...]:
    """Replace the one -1 in `shape` by the extent that keeps the number of elements."""
    holes = [axis for axis, extent in enumerate(shape) if isinstance(extent, int) and extent == -1]
    if not holes:
        return shape
    if len(holes) > 1:
        raise TypeCheckError(f"{op.name}: only one extent may be -1, given {shape}")
    rest = dims.product(e for axis, e in enumerate(shape) if axis != holes[0])
    found = None if rest == 0 else dims.divide(x.size, rest)
    if found is None:
        raise TypeCheckError(f"{op.name}: {x} has {x.size} elements, which {rest} does not divide")
    return (*shape[: holes[0]], found, *shape[holes[0] + 1 :])


def _reshape(op: Op, x: Any, shape: Any) -> Any:
    return op.record(x, shape=_infer_extent(op, typeof(x), extents("reshape", shape)))


@operation(
    inputs=("x",),
    attributes={"shape": Kind.SHAPE},
    reference=lambda xp, x, shape: xp.reshape(x, shape),
    samples=_reshape_samples,
    dtypes=dtypes,
    surface=_reshape,
)
def reshape(x: TensorType, shape: tuple[Extent, ...]) -> TensorType:
    """reshape : X → Y, the same elements in row-major order; one extent may be -1.

    Example:
        >>> import numpy as np
        >>> reshape(np.arange(6), (2, -1))
        array([[0, 1, 2],
               [3, 4, 5]])
    """
    result = TensorType(x.dtype, shape)
    if result.size != x.size:
        raise TypeCheckError(f"reshape: {x} has {x.size} elements, {result} has {result.size}")
    return result


def _permute_samples(dtype: DType) -> list[Sample]:
    rng = generator("permute_dims", dtype)
    cases = [((3, 4), (1, 0)), ((), ()), ((2, 3, 5), (2, 0, 1)), ((0, 3), (1, 0)), ((17, 33), (1, 0))]
    return [Sample((draw(rng, dtype, shape, -4, 4),), {"axes": axes}) for shape, axes in cases]


def _permute_dims(op: Op, x: Any, axes: Sequence[int]) -> Any:
    rank = typeof(x).rank
    return op.record(x, axes=tuple(axis_index(op.name, axis, rank) for axis in axes))


@operation(
    inputs=("x",),
    attributes={"axes": Kind.INTS},
    reference=lambda xp, x, axes: xp.permute_dims(x, axes),
    samples=_permute_samples,
    dtypes=dtypes,
    surface=_permute_dims,
)
def permute_dims(x: TensorType, axes: tuple[int, ...]) -> TensorType:
    """permute_dims : X → Y, axis i of the result is axis axes[i] of x.

    Example:
        >>> import numpy as np
        >>> permute_dims(np.zeros((2, 3)), (1, 0)).shape
        (3, 2)
    """
    if sorted(axes) != list(range(x.rank)):
        raise TypeCheckError(f"permute_dims: {axes} is not a permutation of the {x.rank} axes of {x}")
    return TensorType(x.dtype, tuple(x.shape[axis] for axis in axes))


def _broadcast_samples(dtype: DType) -> list[Sample]:
    rng = generator("broadcast_to", dtype)
    cases = [((3, 1), (3, 4)), ((), (2, 3)), ((4,), (3, 4)), ((1, 3), (0, 3)), ((2, 1, 3), (2, 5, 3))]
    return [Sample((draw(rng, dtype, old, -4, 4),), {"shape": new}) for old, new in cases]


@operation(
    inputs=("x",),
    attributes={"shape": Kind.SHAPE},
    reference=lambda xp, x, shape: xp.broadcast_to(x, shape),
    samples=_broadcast_samples,
    dtypes=dtypes,
    surface=lambda op, x, shape: op.record(x, shape=extents("broadcast_to", shape)),
)
def broadcast_to(x: TensorType, shape: tuple[Extent, ...]) -> TensorType:
    """broadcast_to : X → Y, x repeated along new leading axes and along axes of extent 1.

    Example:
        >>> import numpy as np
        >>> broadcast_to(np.array([1, 2]), (2, 2))
        array([[1, 2],
               [1, 2]])
    """
    result = TensorType(x.dtype, shape)
    offset = result.rank - x.rank
    if offset < 0 or any(old not in (1, new) for old, new in zip(x.shape, shape[offset:], strict=True)):
        raise TypeCheckError(f"broadcast_to: {x} does not broadcast to {result}")
    return result


@located(is_composite=True)
def expand_dims(x: Any, axis: int) -> Any:
    """Return x : X with an axis of extent 1 inserted before `axis` of the result.

    Example:
        >>> import numpy as np
        >>> expand_dims(np.zeros((2, 3)), 1).shape
        (2, 1, 3)
    """
    shape = list(typeof(x).shape)
    shape.insert(axis_index("expand_dims", axis, len(shape) + 1), 1)
    return reshape(x, tuple(shape))


@located(is_composite=True)
def squeeze(x: Any, axis: int | Sequence[int]) -> Any:
    """Return x : X without the given axes, which must have extent 1.

    Example:
        >>> import numpy as np
        >>> squeeze(np.zeros((2, 1, 3)), 1).shape
        (2, 3)
    """
    given = typeof(x)
    axes = axis_indices("squeeze", axis, given.rank)
    if any(given.shape[a] != 1 for a in axes):
        raise TypeCheckError(f"squeeze: the axes {axes} of {given} do not all have extent 1")
    return reshape(x, tuple(e for a, e in enumerate(given.shape) if a not in axes))
