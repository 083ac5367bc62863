"""Extents in other algebras: numbers, other extents, code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import TypeVar

from catgrad.dims.bounds import interval
from catgrad.dims.expression import FUNCTIONS, Atom, Dim, Extent, Monomial, Symbol, Unit, scale, symbol_of
from catgrad.dims.polynomial import divide
from catgrad.errors import CatgradError

__all__ = ["evaluate", "fold", "substitute", "unmet"]

T = TypeVar("T")


def fold(
    of: Extent,
    constant: Callable[[int], T],
    symbol: Callable[[Symbol], T],
    apply: Callable[[str, T, T], T],
) -> T:
    """Interpret an extent in another algebra: the way to evaluate it, to substitute in it, and to emit code for it.

    Args:
        of: The extent.
        constant: The meaning of a number.
        symbol: The meaning of a symbol.
        apply: The meaning of "add", "mul", "floordiv" (toward minus infinity), "min" and "max" on two operands.

    Example:
        >>> from catgrad.dims import dim
        >>> fold(2 * dim("n") + 1, str, str, lambda f, a, b: f"{f}({a}, {b})")
        'add(mul(2, n), 1)'
    """

    def of_atom(atom: Atom) -> T:
        if isinstance(atom, Unit):
            return symbol(symbol_of(atom))
        args = [fold(arg, constant, symbol, apply) for arg in atom.args]
        return reduce(lambda a, b: apply(atom.function, a, b), args)

    def of_term(monomial: Monomial, coefficient: int) -> T:
        numerator, denominator = scale(monomial, coefficient)
        factors = [of_atom(atom) for atom in monomial]
        if denominator != 1:
            whole = reduce(lambda a, b: apply("mul", a, b), factors)
            factors = [apply("floordiv", whole, constant(denominator))]
        if numerator != 1 or not factors:
            factors.insert(0, constant(numerator))
        return reduce(lambda a, b: apply("mul", a, b), factors)

    if isinstance(of, int):
        return constant(of)
    return reduce(lambda a, b: apply("add", a, b), [of_term(*term) for term in of.terms])


def substitute(of: Extent, values: Mapping[str, Extent]) -> Extent:
    """Replace symbols by extents; those without a value stay.

    Raises:
        CatgradError: If a value is not provably one that its symbol's facts allow, or a divisor becomes zero.
    """

    def lookup(symbol: Symbol) -> Extent:
        value = values.get(symbol.name, symbol)
        fact = None if value == symbol else unmet(symbol, value)
        if fact is not None:
            raise CatgradError(f"{symbol} = {value} is not {'known to be ' * isinstance(value, Dim)}{fact}")
        return value

    return fold(of, int, lookup, lambda function, a, b: FUNCTIONS[function](a, b))


def evaluate(of: Extent, values: Mapping[str, int]) -> int:
    """Return the number that `of` is when every symbol has a value.

    Raises:
        CatgradError: If a symbol has no value or one that its facts forbid, or a divisor is zero.
    """
    result = substitute(of, values)
    if isinstance(result, Dim):
        raise CatgradError(f"{of} needs a value for {', '.join(map(str, result.symbols))}")
    return result


def unmet(symbol: Symbol, value: Extent) -> str | None:
    """Return a fact that `value` is not known to satisfy ("a multiple of 64"), or None if it may be the symbol's size.

    The fact of being at least 0 needs no proof: every extent is.
    """
    least, greatest = interval(value)
    if divide(value, symbol.multiple_of) is None:
        return f"a multiple of {symbol.multiple_of}"
    if greatest < symbol.min or (symbol.min and least < symbol.min):
        return f"at least {symbol.min}"
    if symbol.max is not None and greatest > symbol.max:
        return f"at most {symbol.max}"
    return None
