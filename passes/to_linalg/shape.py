"""Lowerings of operations that move values: broadcast and transpose as index maps, reshape as regrouped axes."""

from __future__ import annotations

from collections.abc import Sequence

from mlir import ir
from mlir.dialects import tensor

from catgrad import dims, ops
from catgrad.dims import Extent
from catgrad.passes.to_linalg.site import LOWERINGS, Result, Site, memory_type, projection
from catgrad.types import TensorType

__all__ = ["regroup"]

Groups = list[tuple[list[int], list[int]]]
"""Runs of axes of one shape and of another that hold equally many elements."""


@LOWERINGS.rule(ops.broadcast_to)
def broadcast_to(site: Site, x: ir.Value, shape: tuple[Extent, ...]) -> Result:
    """Read position 0 along the axes that x repeats along."""
    (given,) = site.inputs
    offset = len(shape) - given.rank
    axes = [None if old == 1 else offset + axis for axis, old in enumerate(given.shape)]
    return site.moved(x, projection(len(shape), axes))


@LOWERINGS.rule(ops.permute_dims)
def permute_dims(site: Site, x: ir.Value, axes: tuple[int, ...]) -> Result:
    """Read x at the permuted position."""
    source = [axes.index(axis) for axis in range(len(axes))]
    return site.moved(x, projection(len(axes), source))


@LOWERINGS.rule(ops.reshape)
def reshape(site: Site, x: ir.Value, shape: tuple[Extent, ...]) -> Result:
    """Collapse the smallest runs of axes that hold as many elements as runs of the result, and expand them again.

    Upstream lowers an expansion to two unknown extents not at all: `tensor.reshape`, which knows less, takes its place.
    """
    (given,) = site.inputs
    if x in site.splats:
        return site.splat(site.splats[x].scalar)
    if given.shape == shape:
        return x
    if given.size == 0:
        return site.empty(site.result)
    groups = regroup(given.shape, shape)
    if any(sum(not isinstance(shape[axis], int) for axis in new) > 1 for _, new in groups):
        return _reshape(site, x)
    middle = TensorType(given.dtype, [dims.product(given.shape[axis] for axis in old) for old, _ in groups])
    return _expand(site, _collapse(x, middle, [old for old, _ in groups]), [new for _, new in groups])


def _collapse(x: ir.Value, result: TensorType, groups: Sequence[Sequence[int]]) -> ir.Value:
    if ir.RankedTensorType(x.type).rank == result.rank:
        return x
    return tensor.collapse_shape(memory_type(result), x, groups)


def _expand(site: Site, x: ir.Value, groups: Sequence[Sequence[int]]) -> ir.Value:
    if ir.RankedTensorType(x.type).rank == site.result.rank:
        return x
    sizes = site.sizes(site.result.shape)
    static = [size if isinstance(size, int) else ir.ShapedType.get_dynamic_size() for size in sizes]
    dynamic = [size for size in sizes if not isinstance(size, int)]
    return tensor.expand_shape(memory_type(site.result), x, groups, dynamic, static)


def _reshape(site: Site, x: ir.Value) -> ir.Value:
    extents = [site.extent(e) for e in site.result.shape]
    shape = tensor.from_elements(ir.RankedTensorType.get([len(extents)], ir.IndexType.get()), extents)
    return tensor.reshape(memory_type(site.result), x, shape)


def regroup(old: Sequence[Extent], new: Sequence[Extent]) -> Groups:
    """Split two shapes of one number of elements into runs of axes that hold equally many; none may have extent 0.

    A run grows on the side whose product divides the other, and on both where neither does: for each value of the
    symbols the products are equal, because they are equal polynomials.

    Example:
        >>> regroup((2, 3, 4), (6, 2, 2))
        [([0, 1], [0]), ([2], [1, 2])]
    """
    groups: Groups = []
    i = j = 0
    while i < len(old) and j < len(new):
        start = i, j
        a, b = old[i], new[j]
        i, j = i + 1, j + 1
        while a != b:
            grow_old, grow_new = dims.divide(b, a) is not None, dims.divide(a, b) is not None
            if i < len(old) and not grow_new:
                a, i = a * old[i], i + 1
            if j < len(new) and not grow_old:
                b, j = b * new[j], j + 1
        groups.append((list(range(start[0], i)), list(range(start[1], j))))
    if groups:
        groups[-1][0].extend(range(i, len(old)))
        groups[-1][1].extend(range(j, len(new)))
    return groups
