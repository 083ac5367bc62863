"""Lowering of contractions to one `linalg.contract`, whose index maps say which operand is transposed."""

from __future__ import annotations

from collections.abc import Sequence

from mlir import ir
from mlir.dialects import arith, linalg

from catgrad import ops
from catgrad.ops import parse_spec
from catgrad.passes.to_linalg.reduction import narrow, total
from catgrad.passes.to_linalg.scalars import wrapped
from catgrad.passes.to_linalg.site import LOWERINGS, Result, Site, projection
from catgrad.types import TensorType


@LOWERINGS.rule(ops.contract)
def contract(site: Site, x: ir.Value, y: ir.Value, spec: str) -> Result:
    """Sum out the indices that only one operand has, then multiply and sum over those that both have."""
    first, second, out = parse_spec(spec)
    x, first = _sum_alone(site, x, site.inputs[0], first, second + out)
    y, second = _sum_alone(site, y, site.inputs[1], second, first + out)
    if set(first + second) == set(out):
        return _multiply(site, [(x, first), (y, second)], out)
    accumulated = TensorType(site.result.dtype.accumulator, site.result.shape)
    start = site.filled(accumulated, 0)
    letters = out + "".join(index for index in first if index not in out)
    maps = [_map(letters, indices) for indices in (first, second, out)]
    return narrow(site, linalg.contract(x, y, outs=[start], indexing_maps=maps))


def _sum_alone(site: Site, x: ir.Value, given: TensorType, indices: str, others: str) -> tuple[ir.Value, str]:
    """Return an operand summed over the indices that appear nowhere else; then it has the accumulator's dtype."""
    alone = [axis for axis, index in enumerate(indices) if index not in others]
    if not alone:
        return x, indices
    return total(site, x, given, alone), "".join(index for index in indices if index in others)


def _map(letters: str, indices: str) -> ir.AffineMap:
    return projection(len(letters), [letters.index(index) for index in indices])


def _multiply(site: Site, operands: Sequence[tuple[ir.Value, str]], out: str) -> Result:
    """Return the product of operands where nothing is summed: the outer product, or entry by entry."""
    dtype = site.result.dtype
    product = wrapped(arith.mulf if dtype.is_float else arith.muli, dtype, dtype)
    return site.pointwise([(value, _map(out, indices)) for value, indices in operands], product)
