"""Binding symbols: from the sizes of arrays to the values of the symbols in their types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from catgrad.dims.expression import Extent, Symbol, symbols, terms_of
from catgrad.dims.interpretation import evaluate, unmet
from catgrad.errors import ArgumentError, CatgradError

__all__ = ["Solver", "Source", "solve"]


class Source(NamedTuple):
    """Source of the value of a symbol: size = scale * (symbol / multiple_of) + offset."""

    place: int
    scale: int
    offset: int


class Solver:
    """Binds symbols from the sizes of arrays: made once for a signature, called with the sizes of each call.

    A symbol is read from the first place that is that symbol alone, else from the first that is linear in it and has
    no other symbol. Every place and every fact is checked.

    Args:
        declared: For each size, where it is found ("x axis 0"), for messages, and the extent that it should be.

    Attributes:
        symbols: The symbols, in order of first appearance.
        sources: Where each is read.

    Raises:
        CatgradError: If a symbol cannot be determined.

    Example:
        >>> from catgrad.dims import dim
        >>> Solver([("x axis 0", 2 * dim("B")), ("x axis 1", 3)])([8, 3])
        (4,)
        >>> Solver([("x axis 0", 2 * dim("B")), ("y axis 0", dim("B"))])([6, 4])
        Traceback (most recent call last):
        ...
        catgrad.errors.ArgumentError: x axis 0: expected 2*B = 8 (B = 4 from y axis 0), got 6
    """

    def __init__(self, declared: Sequence[tuple[str, Extent]]) -> None:
        self._places = [where for where, _ in declared]
        self._extents = [e for _, e in declared]
        self.symbols = symbols(self._extents)
        self.sources = {symbol: self._source(symbol) for symbol in self.symbols}
        self._numbers = [(i, e) for i, e in enumerate(self._extents) if isinstance(e, int)]
        self._plain = [(i, self.symbols.index(e)) for i, e in enumerate(self._extents) if isinstance(e, Symbol)]
        self._others = [(i, e) for i, e in enumerate(self._extents) if not isinstance(e, int | Symbol)]

    def __call__(self, actual: Sequence[int]) -> tuple[int, ...]:
        """Return the values of `symbols`.

        Args:
            actual: A size for each declared place.

        Raises:
            ArgumentError: If a size is not the declared one; the message shows both.
        """
        values = tuple(self._value(symbol, source, actual) for symbol, source in self.sources.items())
        for place, number in self._numbers:
            if actual[place] != number:
                raise self._mismatch(place, actual, values)
        for place, position in self._plain:
            if actual[place] != values[position]:
                raise self._mismatch(place, actual, values)
        for place, expected in self._others:
            if evaluate(expected, self._by_name(values)) != actual[place]:
                raise self._mismatch(place, actual, values)
        return values

    def _source(self, symbol: Symbol) -> Source:
        if symbol in self._extents:
            return Source(self._extents.index(symbol), symbol.multiple_of, 0)
        for place, e in enumerate(self._extents):
            terms = dict(terms_of(e))
            scale, offset = terms.pop((symbol.unit,), 0), terms.pop((), 0)
            if scale and not terms:
                return Source(place, scale, offset)
        uses = [f"{w}: {e}" for w, e in zip(self._places, self._extents, strict=True) if symbol in symbols(e)]
        raise CatgradError(f"the size {symbol} cannot be determined from {'; '.join(uses)}")

    def _value(self, symbol: Symbol, source: Source, actual: Sequence[int]) -> int:
        size = actual[source.place]
        units, remainder = divmod(size - source.offset, source.scale)
        value = units * symbol.multiple_of
        fact = unmet(symbol, value)
        if remainder:
            fact = "an integer" if symbol.multiple_of == 1 else f"a multiple of {symbol.multiple_of}"
        if fact is not None:
            expected = f"{self._places[source.place]}: expected {self._extents[source.place]}"
            raise ArgumentError(f"{expected}, got {size}: {symbol} would not be {fact}")
        return value

    def _by_name(self, values: tuple[int, ...]) -> dict[str, int]:
        return {symbol.name: value for symbol, value in zip(self.symbols, values, strict=True)}

    def _mismatch(self, place: int, actual: Sequence[int], values: tuple[int, ...]) -> ArgumentError:
        expected, by_name = self._extents[place], self._by_name(values)
        text = str(expected) if isinstance(expected, int | Symbol) else f"{expected} = {evaluate(expected, by_name)}"
        bindings = [f"{s} = {by_name[s.name]} from {self._origin(s)}" for s in symbols(expected)]
        why = f" ({', '.join(bindings)})" if bindings else ""
        return ArgumentError(f"{self._places[place]}: expected {text}{why}, got {actual[place]}")

    def _origin(self, symbol: Symbol) -> str:
        return self._places[self.sources[symbol].place]


def solve(declared: Sequence[tuple[str, Extent]], actual: Sequence[int]) -> dict[str, int]:
    """Return the values of the symbols by name: a `Solver` used once.

    Example:
        >>> from catgrad.dims import dim
        >>> solve([("x axis 0", dim("B")), ("x axis 1", 2 * dim("B") + 1)], [4, 9])
        {'B': 4}
    """
    solver = Solver(declared)
    return dict(zip((symbol.name for symbol in solver.symbols), solver(actual), strict=True))
