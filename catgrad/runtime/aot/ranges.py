"""How large dimensions may be, so that no size of an array overflows.

Example:
    >>> import catgrad as cg
    >>> B, T = cg.dim("B"), cg.dim("T", max=512)
    >>> ranges((B, T), [cg.f32[B, T, 64]]) == {"B": 1 << 31, "T": 512}
    True
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from catgrad.dims import Dim, Symbol, dim, substitute, upper_bound
from catgrad.types import TensorType

__all__ = ["ranges"]

_ADDRESS_BITS = 46
"""An array is smaller than this power of two, in elements of eight bytes at most; so that there is room to round up."""


def ranges(symbols: Sequence[Symbol], types: Iterable[TensorType]) -> dict[str, int]:
    """Return the greatest value of each symbol: its own, or the greatest power of two with which every array fits.

    Args:
        symbols: The symbols.
        types: The types of all arrays that depend on them.
    """
    sizes = {type.size for type in types if isinstance(type.size, Dim)}
    for bits in range(_ADDRESS_BITS, 0, -1):
        greatest = {symbol.name: _greatest(symbol, 1 << bits) for symbol in symbols}
        if all(_fits(size, symbols, greatest) for size in sizes):
            return greatest
    return {symbol.name: symbol.min for symbol in symbols}


def _greatest(symbol: Symbol, bound: int) -> int:
    bound = bound if symbol.max is None else min(symbol.max, bound)
    return max(bound // symbol.multiple_of * symbol.multiple_of, symbol.min)


def _fits(size: Dim, symbols: Sequence[Symbol], greatest: Mapping[str, int]) -> bool:
    capped = {s.name: dim(s.name, multiple_of=s.multiple_of, min=s.min, max=greatest[s.name]) for s in symbols}
    bound = upper_bound(substitute(size, capped))
    return bound is not None and bound <= 1 << _ADDRESS_BITS
