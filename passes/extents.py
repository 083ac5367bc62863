"""Extents at run time: a polynomial over symbols becomes arithmetic on the index arguments that hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlir import ir
from mlir.dialects import arith

from catgrad import dims
from catgrad.dims import Extent, Symbol

__all__ = ["at_run_time"]

_ARITHMETIC: dict[str, Callable[[ir.Value, ir.Value], ir.Value]] = {
    "add": arith.addi,
    "mul": arith.muli,
    "floordiv": arith.floordivsi,
    "min": arith.minsi,
    "max": arith.maxsi,
}


def at_run_time(extent: Extent, symbols: Mapping[Symbol, ir.Value]) -> ir.Value:
    """Return an extent as an index value, computed at the insertion point.

    Args:
        extent: The extent.
        symbols: The index value of each symbol.
    """
    return dims.fold(extent, _index, symbols.__getitem__, lambda name, a, b: _ARITHMETIC[name](a, b))


def _index(value: int) -> ir.Value:
    return arith.constant(ir.IndexType.get(), value)
