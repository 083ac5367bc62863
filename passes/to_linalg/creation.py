"""Lowerings of operations without operands."""

from __future__ import annotations

from functools import partial

import numpy as np
from mlir import ir
from mlir.dialects import arith, linalg

from catgrad import ops
from catgrad.dialect.types import dense
from catgrad.dims import Extent
from catgrad.ops import Literal
from catgrad.passes.to_linalg.scalars import from_index
from catgrad.passes.to_linalg.site import LOWERINGS, Result, Site, Splat, loaded
from catgrad.types import DType


@LOWERINGS.rule(ops.constant)
def constant(site: Site, value: Literal) -> Result:
    """Embed the elements, or the one that they all are; a bool is a byte that is 0 or 1."""
    if value.type.dtype.is_bool:
        elements = ir.DenseElementsAttr.get(value.array.view(np.int8))
    else:
        elements = dense(value.array, value.type.dtype)
    tensor = partial(arith.constant, elements.type, elements)
    if not elements.is_splat:
        return tensor()
    return Splat(loaded(arith.constant(elements.type.element_type, elements.get_splat_value())), tensor)


@LOWERINGS.rule(ops.iota)
def iota(site: Site, dtype: DType, shape: tuple[Extent, ...], axis: int) -> Result:
    """Convert the position of each iteration."""
    return site.pointwise([], lambda: from_index(linalg.IndexOp(axis).result, dtype))


@LOWERINGS.rule(ops.nat_to_tensor)
def nat_to_tensor(site: Site, value: Extent, dtype: DType) -> Splat:
    """Convert the extent."""
    return site.splat(from_index(site.extent(value), dtype))
