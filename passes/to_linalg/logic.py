"""Lowerings of comparisons, the logic of bools, selection, and conversion between dtypes."""

from __future__ import annotations

from functools import partial

from mlir import ir
from mlir.dialects import arith

from catgrad import ops
from catgrad.passes.to_linalg.elementwise import entrywise
from catgrad.passes.to_linalg.scalars import convert
from catgrad.passes.to_linalg.site import LOWERINGS, Body, Result, Site, number
from catgrad.types import DType


def _integers(predicate: str) -> Body:
    return partial(arith.cmpi, getattr(arith.CmpIPredicate, predicate))


def _floats(predicate: str) -> Body:
    return partial(arith.cmpf, getattr(arith.CmpFPredicate, predicate))


entrywise(ops.equal, bool=_integers("eq"), int=_integers("eq"), float=_floats("OEQ"))
entrywise(ops.not_equal, bool=_integers("ne"), int=_integers("ne"), float=_floats("UNE"))
entrywise(ops.less, int=_integers("slt"), float=_floats("OLT"))
entrywise(ops.less_equal, int=_integers("sle"), float=_floats("OLE"))
entrywise(ops.greater, int=_integers("sgt"), float=_floats("OGT"))
entrywise(ops.greater_equal, int=_integers("sge"), float=_floats("OGE"))

entrywise(ops.logical_and, bool=arith.andi)
entrywise(ops.logical_or, bool=arith.ori)
entrywise(ops.logical_xor, bool=arith.xori)
entrywise(ops.logical_not, bool=lambda x: arith.xori(x, number(x.type, 1)))


@LOWERINGS.rule(ops.where)
def where(site: Site, condition: ir.Value, x: ir.Value, y: ir.Value) -> Result:
    """Select, in whatever type: nothing is computed, so 16-bit floats stay as they are."""
    return site.pointwise((condition, x, y), arith.select)


@LOWERINGS.rule(ops.cast)
def cast(site: Site, x: ir.Value, dtype: DType) -> Result:
    """Convert each element, unless it has the type already."""
    (given,) = site.inputs
    if given.dtype is dtype:
        return x
    return site.pointwise((x,), lambda element: convert(element, given.dtype, dtype))
