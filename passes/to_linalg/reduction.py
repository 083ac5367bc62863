"""Lowerings of reductions: a tensor filled with the identity, and a `linalg.generic` that folds into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from mlir import ir
from mlir.dialects import arith, linalg

from catgrad import ops
from catgrad.passes.to_linalg.scalars import from_index, narrowed, widened
from catgrad.passes.to_linalg.site import (
    LOWERINGS,
    PARALLEL,
    REDUCTION,
    Body,
    Operand,
    Result,
    Site,
    generic,
    iterators,
    projection,
)
from catgrad.passes.views import CHOOSES
from catgrad.types import DType, TensorType

__all__ = ["narrow", "total"]

Identity = Callable[[DType], float]

_REASSOCIATE = arith.FastMathFlags.reassoc | arith.FastMathFlags.contract

_SUM: Mapping[str, Body] = {"int": arith.addi, "float": partial(arith.addf, fastmath=_REASSOCIATE)}
_MAX: Mapping[str, Body] = {"bool": arith.ori, "int": arith.maxsi, "float": arith.maximumf}
_MIN: Mapping[str, Body] = {"bool": arith.andi, "int": arith.minsi, "float": arith.minimumf}
_GREATER: Mapping[str, Body] = {
    "int": partial(arith.cmpi, arith.CmpIPredicate.sgt),
    "float": partial(arith.cmpf, arith.CmpFPredicate.OGT),
}
_LESS: Mapping[str, Body] = {
    "int": partial(arith.cmpi, arith.CmpIPredicate.slt),
    "float": partial(arith.cmpf, arith.CmpFPredicate.OLT),
}


def _least(dtype: DType) -> float:
    """Return the identity of max."""
    if dtype.is_float:
        return -np.inf
    return 0 if dtype.is_bool else int(np.iinfo(dtype.numpy).min)


def _greatest(dtype: DType) -> float:
    """Return the identity of min."""
    if dtype.is_float:
        return np.inf
    return 1 if dtype.is_bool else int(np.iinfo(dtype.numpy).max)


def _accumulated(x: TensorType, axes: Sequence[int]) -> TensorType:
    """Return the type in which a reduction accumulates."""
    return TensorType(x.dtype.accumulator, [e for axis, e in enumerate(x.shape) if axis not in axes])


def _projection(rank: int, axes: Sequence[int]) -> ir.AffineMap:
    return projection(rank, [axis for axis in range(rank) if axis not in axes])


def _iterators(rank: int, axes: Sequence[int]) -> ir.ArrayAttr:
    return iterators(REDUCTION if axis in axes else PARALLEL for axis in range(rank))


def _fold(site: Site, x: ir.Value, given: TensorType, axes: Sequence[int], identity: float, combine: Body) -> ir.Value:
    """Return x folded over `axes`, in the accumulator's dtype."""
    accumulated = _accumulated(given, axes)
    start = site.filled(accumulated, identity)
    output: Operand = (start, _projection(given.rank, axes))
    source: Operand = (x, ir.AffineMap.get_identity(given.rank))

    def body(element: ir.Value, so_far: ir.Value) -> list[ir.Value]:
        return [combine(so_far, widened(site.element(x, element)))]

    return generic([source], [output], _iterators(given.rank, axes), body)[0]


def total(site: Site, x: ir.Value, given: TensorType, axes: Sequence[int]) -> ir.Value:
    """Return the sum of x over `axes`, in the accumulator's dtype.

    Args:
        site: Where.
        x: The tensor.
        given: Its type.
        axes: Axes to sum over.
    """
    return _fold(site, x, given, axes, 0, _SUM[given.dtype.kind])


def narrow(site: Site, x: ir.Value) -> Result:
    """Return a tensor of the accumulator's dtype in the dtype of the result."""
    dtype = site.result.dtype
    if dtype.accumulator is dtype:
        return x
    return site.pointwise((x,), lambda element: narrowed(element, dtype))


@LOWERINGS.rule(ops.sum)
def sum(site: Site, x: ir.Value, axes: tuple[int, ...]) -> Result:
    """Add up; the order is left open, so that a loop may keep a vector of partial sums."""
    return narrow(site, total(site, x, site.inputs[0], axes)) if axes else x


def _extremum(
    site: Site, x: ir.Value, axes: tuple[int, ...], identity: Identity, combine: Mapping[str, Body]
) -> Result:
    (given,) = site.inputs
    if not axes:
        return x
    return narrow(site, _fold(site, x, given, axes, identity(given.dtype), combine[given.dtype.kind]))


LOWERINGS.add(ops.max, partial(_extremum, identity=_least, combine=_MAX))
LOWERINGS.add(ops.min, partial(_extremum, identity=_greatest, combine=_MIN))


def _arg_extremum(
    site: Site, x: ir.Value, axis: int, dtype: DType, identity: Identity, beyond: Mapping[str, Body]
) -> ir.Value:
    """Fold pairs of the best element and its position; of equals, and of NaNs, the first stays."""
    (given,) = site.inputs
    accumulated = _accumulated(given, (axis,))
    best = site.filled(accumulated, identity(accumulated.dtype))
    first = site.filled(site.result, 0)

    def body(element: ir.Value, best: ir.Value, position: ir.Value) -> tuple[ir.Value, ir.Value]:
        element = widened(site.element(x, element))
        better = beyond[given.dtype.kind](element, best)
        if given.dtype.is_float:
            better = arith.ori(better, _first_nan(element, best))
        here = from_index(linalg.IndexOp(axis).result, dtype)
        return _chosen(better, element, best), _chosen(better, here, position)

    source: Operand = (x, ir.AffineMap.get_identity(given.rank))
    kept = _projection(given.rank, (axis,))
    return generic([source], [(best, kept), (first, kept)], _iterators(given.rank, (axis,)), body)[1]


def _chosen(condition: ir.Value, new: ir.Value, old: ir.Value) -> ir.Value:
    choice = arith.SelectOp(condition, new, old)
    choice.attributes[CHOOSES] = ir.UnitAttr.get()
    return choice.result


def _first_nan(element: ir.Value, best: ir.Value) -> ir.Value:
    new = arith.cmpf(arith.CmpFPredicate.UNO, element, element)
    return arith.andi(new, arith.cmpf(arith.CmpFPredicate.ORD, best, best))


LOWERINGS.add(ops.argmax, partial(_arg_extremum, identity=_least, beyond=_GREATER))
LOWERINGS.add(ops.argmin, partial(_arg_extremum, identity=_greatest, beyond=_LESS))
