"""Lowerings of operations without operands."""

from __future__ import annotations

import numpy as np
from mlir import ir
from mlir.dialects import arith, linalg

from catgrad import ops
from catgrad.dialect.types import dense
from catgrad.dims import Extent
from catgrad.ops import Literal
from catgrad.passes.to_linalg.scalars import from_index
from catgrad.passes.to_linalg.site import LOWERINGS, Site
from catgrad.types import DType


@LOWERINGS.rule(ops.constant)
def constant(site: Site, value: Literal) -> ir.Value:
    """Embed the elements; a bool is a byte that is 0 or 1."""
    if value.type.dtype.is_bool:
        elements = ir.DenseElementsAttr.get(value.array.view(np.int8))
    else:
        elements = dense(value.array, value.type.dtype)
    return arith.constant(elements.type, elements)


@LOWERINGS.rule(ops.iota)
def iota(site: Site, dtype: DType, shape: tuple[Extent, ...], axis: int) -> ir.Value:
    """Convert the position of each iteration."""
    return site.pointwise([], lambda: from_index(linalg.IndexOp(axis).result, dtype))


@LOWERINGS.rule(ops.nat_to_tensor)
def nat_to_tensor(site: Site, value: Extent, dtype: DType) -> ir.Value:
    """Convert the extent: one iteration over no axes, which fuses like any other."""
    extent = site.extent(value)
    return site.pointwise([], lambda: from_index(extent, dtype))
