"""Symbolic dimensions: integer polynomials over symbols, with floor division, minimum and maximum.

An *extent* is a number or a `Dim`: a non-constant polynomial in normal form, so that equality is decided by comparing
normal forms. It is sound: two extents that are equal have the same value for every value of their symbols.

* A polynomial is a sum of integer multiples of monomials; a monomial is a product of atoms.
* An atom is a symbol or one of `floordiv(p, q)`, `min(p, ...)`, `max(p, ...)` applied to extents in normal form.
* `p % q` is `p - q * (p // q)`, so the two always add up.
* A symbol S with the fact `multiple_of=k` is held as k times the atom S/k: `S // k` is exact, and `S // k * k == S`.

The order of terms is graded lexicographic, as in Cox, Little, O'Shea, "Ideals, Varieties, and Algorithms", section 2.2.

Example:
    >>> n, m = dim("n"), dim("m", min=1)
    >>> n + n == 2 * n, 2 * n == 3 * n
    (True, False)
    >>> (2 * n + 1) // 2, (n * m) // m, n % 2
    (n, n, n - 2*floordiv(n, 2))
    >>> s = dim("S", multiple_of=64, max=2048)
    >>> s // 64 * 64 == s, s % 32, minimum(s, 4096)
    (True, 0, S)
"""

from __future__ import annotations

import ast
import keyword
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, reduce, wraps
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeAlias, TypeVar, Union

from catgrad.errors import ArgumentError, CatgradError

__all__ = [
    "Dim",
    "Extent",
    "Solver",
    "Symbol",
    "dim",
    "divide",
    "evaluate",
    "extent",
    "fold",
    "is_zero",
    "lower_bound",
    "maximum",
    "minimum",
    "parse",
    "parse_shape",
    "product",
    "provably_positive",
    "solve",
    "substitute",
    "symbols",
    "upper_bound",
]

Extent: TypeAlias = Union[int, "Dim"]
T = TypeVar("T")


class _Unit(NamedTuple):
    """The atom of a symbol: its size divided by `multiple_of`. `max` is None when there is no upper bound."""

    name: str
    multiple_of: int
    min: int
    max: int | None

    @property
    def key(self) -> tuple[bool, str]:
        return False, self.name


class _Apply(NamedTuple):
    """The atom of a function applied to extents."""

    function: str
    args: tuple[Extent, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.args))})"

    @property
    def key(self) -> tuple[bool, str]:
        return True, str(self)


Atom: TypeAlias = _Unit | _Apply
Monomial: TypeAlias = tuple[Atom, ...]
"""A product: its atoms in order of their keys, each as often as its exponent."""
Terms: TypeAlias = tuple[tuple[Monomial, int], ...]


def _as_extent(value: object) -> Extent | None:
    if isinstance(value, Dim):
        return value
    return None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)


def _arithmetic(method: Callable[[Dim, Extent], Extent]) -> Callable[[Dim, Extent], Extent]:
    """Leave operands that are not extents to their own reflected operators."""

    @wraps(method)
    def checked(self: Dim, other: object) -> Any:
        operand = _as_extent(other)
        return NotImplemented if operand is None else method(self, operand)

    return checked


@dataclass(frozen=True, eq=False, repr=False)
class Dim:
    """A size that is not known when tracing; made by `dim` and by arithmetic.

    Arithmetic with numbers and other dimensions (`+ - * // %`) gives a number when the result is constant. A `Dim` is
    never equal to a number, and has no truth value and no order.

    Attributes:
        terms: The monomials with their coefficients, leading term first.
        symbols: The symbols, in order of first appearance.
    """

    terms: Terms
    symbols: tuple[Symbol, ...] = field(init=False)
    _hash: int = field(init=False)

    __array_ufunc__: ClassVar[None] = None  # numpy integers leave arithmetic to the reflected operators below

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbols", self._find_symbols())
        object.__setattr__(self, "_hash", hash(self.terms))

    def _find_symbols(self) -> tuple[Symbol, ...]:
        atoms = [atom for monomial, _ in self.terms for atom in monomial]
        return _distinct(symbol for atom in atoms for symbol in _symbols_of_atom(atom))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Dim) and self._hash == other._hash and self.terms == other.terms

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._text

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.terms,)

    @_arithmetic
    def __add__(self, other: Extent) -> Extent:
        return _add(self, other)

    __radd__ = __add__

    @_arithmetic
    def __sub__(self, other: Extent) -> Extent:
        return _subtract(self, other)

    @_arithmetic
    def __rsub__(self, other: Extent) -> Extent:
        return _subtract(other, self)

    @_arithmetic
    def __mul__(self, other: Extent) -> Extent:
        return _multiply(self, other)

    __rmul__ = __mul__

    @_arithmetic
    def __floordiv__(self, other: Extent) -> Extent:
        return _floordiv(self, other)

    @_arithmetic
    def __rfloordiv__(self, other: Extent) -> Extent:
        return _floordiv(other, self)

    @_arithmetic
    def __mod__(self, other: Extent) -> Extent:
        return _mod(self, other)

    @_arithmetic
    def __rmod__(self, other: Extent) -> Extent:
        return _mod(other, self)

    def __neg__(self) -> Extent:
        return _multiply(self, -1)

    def _unknown(self, *_: object) -> NoReturn:
        raise CatgradError(
            f"the size of {self} is not known when tracing; bind its symbols to numbers, "
            "or use catgrad.dims.minimum and maximum"
        )

    __bool__ = __index__ = __lt__ = __le__ = __gt__ = __ge__ = _unknown

    @cached_property
    def _text(self) -> str:
        text = " + ".join(_render(monomial, coefficient) for monomial, coefficient in self.terms)
        return text.replace("+ -", "- ")


class Symbol(Dim):
    """A named size and what is known about it: every value is a multiple of `multiple_of` between `min` and `max`."""

    @property
    def _unit(self) -> _Unit:
        atom = self.terms[0][0][0]
        assert isinstance(atom, _Unit)
        return atom

    @property
    def name(self) -> str:
        """The name, a Python identifier."""
        return self._unit.name

    @property
    def multiple_of(self) -> int:
        """A positive divisor of every value."""
        return self._unit.multiple_of

    @property
    def min(self) -> int:
        """The least value."""
        return self._unit.min

    @property
    def max(self) -> int | None:
        """The greatest value, or None where there is none."""
        return self._unit.max

    def _find_symbols(self) -> tuple[Symbol, ...]:
        return (self,)

    def unmet(self, value: Extent) -> str | None:
        """Return a fact that `value` is not known to satisfy ("a multiple of 64"), or None if it may be the size.

        The fact of being at least 0 needs no proof: every extent is.
        """
        least, greatest = _interval(value)
        if divide(value, self.multiple_of) is None:
            return f"a multiple of {self.multiple_of}"
        if greatest < self.min or (self.min and least < self.min):
            return f"at least {self.min}"
        if self.max is not None and greatest > self.max:
            return f"at most {self.max}"
        return None


def dim(name: str, *, multiple_of: int = 1, min: int = 0, max: int | None = None) -> Symbol:
    """Return the symbolic dimension `name`, with facts that are checked where it is bound and used in simplification.

    Args:
        name: An ASCII identifier; two symbols of one name must have the same facts.
        multiple_of: A positive divisor of every size.
        min: The least size; 0 by default, because an empty batch is legal.
        max: The greatest size, if there is one.

    Raises:
        CatgradError: If the name is not an identifier, or if no size satisfies the facts.

    Example:
        >>> dim("S", multiple_of=64) % 32
        0
    """
    if not (name.isidentifier() and name.isascii()) or keyword.iskeyword(name) or name in _CALLS:
        raise CatgradError(f"a dimension needs an identifier for a name, got {name!r}")
    if multiple_of < 1 or min < 0:
        raise CatgradError(f"dimension {name}: expected multiple_of >= 1 and min >= 0, got {multiple_of} and {min}")
    least = -(-min // multiple_of) * multiple_of
    greatest = None if max is None else max // multiple_of * multiple_of
    if greatest is not None and greatest < least:
        raise CatgradError(f"dimension {name}: no multiple of {multiple_of} lies between {min} and {max}")
    return _symbol(_Unit(name, multiple_of, least, greatest))


def extent(value: object) -> Extent:
    """Return `value` as an extent: a `Dim`, or an `int` from any integer but a boolean.

    Raises:
        CatgradError: If it is neither.
    """
    converted = _as_extent(value)
    if converted is None:
        raise CatgradError(f"expected an integer or a dimension, got {value!r}")
    return converted


def minimum(first: Extent, *others: Extent) -> Extent:
    """Return the least of the extents; those that are provably not less than another are dropped."""
    return _extremum("min", (first, *others), _below)


def maximum(first: Extent, *others: Extent) -> Extent:
    """Return the greatest of the extents; those that are provably not greater than another are dropped."""
    return _extremum("max", (first, *others), lambda a, b: _below(b, a))


def product(extents: Iterable[Extent]) -> Extent:
    """Return the product of `extents`; 1 for none."""
    one: Extent = 1
    return reduce(_multiply, extents, one)


def divide(a: Extent, b: Extent) -> Extent | None:
    """Return the extent q with q * b == a, or None if there is no such polynomial (or b is 0).

    Example:
        >>> n, m = dim("n"), dim("m")
        >>> divide(n * m + m, n + 1), divide(n, 2)
        (m, None)
    """
    if b == 0:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return None if a % b else a // b
    (lead, scale), quotient = _terms(b)[0], dict[Monomial, int]()
    while a != 0:
        monomial, coefficient = _terms(a)[0]
        factor = _cancel(monomial, lead)
        if factor is None or coefficient % scale:
            return None
        quotient[factor] = coefficient // scale
        a = _subtract(a, _multiply(_extent({factor: quotient[factor]}), b))
    return _extent(quotient)


def symbols(extents: Extent | Iterable[Extent]) -> tuple[Symbol, ...]:
    """Return the symbols of one extent or several, in order of first appearance.

    Raises:
        CatgradError: If two symbols of one name have different facts.
    """
    if isinstance(extents, Dim):
        return extents.symbols
    if isinstance(extents, int):
        return ()
    return _distinct(symbol for e in extents if isinstance(e, Dim) for symbol in e.symbols)


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
        >>> fold(2 * dim("n") + 1, str, str, lambda f, a, b: f"{f}({a}, {b})")
        'add(mul(2, n), 1)'
    """

    def of_atom(atom: Atom) -> T:
        if isinstance(atom, _Unit):
            return symbol(_symbol(atom))
        args = [fold(arg, constant, symbol, apply) for arg in atom.args]
        return reduce(lambda a, b: apply(atom.function, a, b), args)

    def of_term(monomial: Monomial, coefficient: int) -> T:
        numerator, denominator = _scale(monomial, coefficient)
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
        fact = None if value == symbol else symbol.unmet(value)
        if fact is not None:
            raise CatgradError(f"{symbol} = {value} is not {'known to be ' * isinstance(value, Dim)}{fact}")
        return value

    return fold(of, int, lookup, lambda function, a, b: _FUNCTIONS[function](a, b))


def evaluate(of: Extent, values: Mapping[str, int]) -> int:
    """Return the number that `of` is when every symbol has a value.

    Raises:
        CatgradError: If a symbol has no value or one that its facts forbid, or a divisor is zero.
    """
    result = substitute(of, values)
    if isinstance(result, Dim):
        raise CatgradError(f"{of} needs a value for {', '.join(map(str, result.symbols))}")
    return result


def is_zero(of: Extent) -> bool:
    """Return whether `of` is provably zero."""
    return of == 0 or _interval(of) == (0, 0)


def provably_positive(of: Extent) -> bool:
    """Return whether `of` is provably at least 1."""
    return _lower(of) >= 1


def lower_bound(of: Extent) -> int | None:
    """Return a number that `of` is provably never below, or None if the facts give none."""
    return of if isinstance(of, int) else _finite(_lower(of))


def upper_bound(of: Extent) -> int | None:
    """Return a number that `of` is provably never above, or None if the facts give none."""
    return of if isinstance(of, int) else _finite(_upper(of))


# Normal forms: terms in order, without zero coefficients.


def _monomial_key(monomial: Monomial) -> tuple[int, list[tuple[bool, str]]]:
    return -len(monomial), [atom.key for atom in monomial]


def _extent(terms: Mapping[Monomial, int]) -> Extent:
    """Return the extent with these terms, in normal form."""
    present = [term for term in terms.items() if term[1]]
    if not present:
        return 0
    if len(present) == 1:
        [(monomial, coefficient)] = present
        if not monomial:
            return coefficient
        if len(monomial) == 1 and isinstance(unit := monomial[0], _Unit) and unit.multiple_of == coefficient:
            return _symbol(unit)
    return Dim(tuple(sorted(present, key=lambda term: _monomial_key(term[0]))))


def _terms(of: Extent) -> Terms:
    if isinstance(of, Dim):
        return of.terms
    return (((), of),) if of else ()


@lru_cache(maxsize=1 << 12)
def _symbol(unit: _Unit) -> Symbol:
    return Symbol((((unit,), unit.multiple_of),))


def _atom(function: str, args: tuple[Extent, ...]) -> Extent:
    return _extent({(_Apply(function, args),): 1})


def _applied(function: str, monomial: Monomial) -> tuple[Extent, ...] | None:
    """Return the arguments if `monomial` is one application of `function`."""
    if len(monomial) == 1 and isinstance(monomial[0], _Apply) and monomial[0].function == function:
        return monomial[0].args
    return None


def _symbols_of_atom(atom: Atom) -> tuple[Symbol, ...]:
    return (_symbol(atom),) if isinstance(atom, _Unit) else symbols(atom.args)


def _distinct(found: Iterable[Symbol]) -> tuple[Symbol, ...]:
    by_name: dict[str, Symbol] = {}
    for symbol in found:
        if by_name.setdefault(symbol.name, symbol) != symbol:
            raise CatgradError(f"the dimension {symbol} is used with two sets of facts: give it one `dim` or two names")
    return tuple(by_name.values())


def _scale(monomial: Monomial, coefficient: int) -> tuple[int, int]:
    """Return the coefficient in lowest terms as a fraction of the product of whole symbols instead of their units."""
    content = math.prod(atom.multiple_of for atom in monomial if isinstance(atom, _Unit))
    shared = math.gcd(coefficient, content)
    return coefficient // shared, content // shared


def _render(monomial: Monomial, coefficient: int) -> str:
    numerator, denominator = _scale(monomial, coefficient)
    text = "*".join(atom.name if isinstance(atom, _Unit) else str(atom) for atom in monomial)
    if denominator != 1:
        text = f"floordiv({text}, {denominator})"
    if abs(numerator) == 1 and monomial:
        return text if numerator == 1 else f"-{text}"
    return f"{numerator}*{text}" if monomial else str(numerator)


# Arithmetic.


def _add(a: Extent, b: Extent) -> Extent:
    terms = dict(_terms(a))
    for monomial, coefficient in _terms(b):
        terms[monomial] = terms.get(monomial, 0) + coefficient
    return _extent(terms)


def _subtract(a: Extent, b: Extent) -> Extent:
    return _add(a, _multiply(b, -1))


def _multiply(a: Extent, b: Extent) -> Extent:
    terms: dict[Monomial, int] = {}
    for left, x in _terms(a):
        for right, y in _terms(b):
            monomial = tuple(sorted(left + right, key=lambda atom: atom.key)) if left and right else left or right
            terms[monomial] = terms.get(monomial, 0) + x * y
    return _extent(terms)


def _cancel(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """Return `monomial` without the atoms of `divisor`, or None if it lacks one."""
    rest = list(monomial)
    for atom in divisor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def _mod(a: Extent, b: Extent) -> Extent:
    return _subtract(a, _multiply(b, _floordiv(a, b)))


def _floordiv(a: Extent, b: Extent) -> Extent:
    if b == 0:
        raise CatgradError(f"{a} is divided by zero")
    if isinstance(b, int):
        return _floordiv_number(a, b)
    quotient = divide(a, b)
    if quotient is not None and _nonzero(b):
        return quotient
    shared = math.gcd(*(coefficient for _, coefficient in _terms(a) + _terms(b)))
    return _atom("floordiv", (_floordiv_number(a, shared), _floordiv_number(b, shared)))


def _floordiv_number(a: Extent, k: int) -> Extent:
    """Return a // k: the whole multiples of k leave the division, so that 3*n // 2 is n + n // 2."""
    if isinstance(a, int):
        return a // k
    if k < 0:
        return _floordiv_number(-a, -k)
    rest = {monomial: _residue(coefficient, k) if monomial else coefficient % k for monomial, coefficient in a.terms}
    whole = {monomial: (coefficient - rest[monomial]) // k for monomial, coefficient in a.terms}
    return _add(_extent(whole), _floordiv_reduced(_extent(rest), k))


def _residue(coefficient: int, k: int) -> int:
    """Return the representative of `coefficient` modulo k that is nearest zero, positive on a tie."""
    residue = coefficient % k
    return residue - k if 2 * residue > k else residue


def _floordiv_reduced(a: Extent, k: int) -> Extent:
    """Return a // k for reduced coefficients, as a division with a positive leading term."""
    if isinstance(a, int):
        return a // k
    if a.terms[0][1] < 0:  # floor(-x / k) = -floor((x + k - 1) / k)
        return -_floordiv_number(k - 1 - a, k)
    shared = math.gcd(k, *(coefficient for monomial, coefficient in a.terms if monomial))
    if shared > 1:  # floor((g*x + c) / (g*k)) = floor((x + floor(c / g)) / k)
        return _floordiv_number(_extent({m: c // shared for m, c in a.terms}), k // shared)
    for monomial, coefficient in a.terms:
        inner = _division_by_number(monomial) if coefficient == 1 else None
        if inner is not None:  # floor((floor(x / b) + y) / k) = floor((x + b*y) / (b*k))
            x, b = inner
            rest = _subtract(a, _extent({monomial: 1}))
            return _floordiv_number(_add(x, _multiply(b, rest)), b * k)
    low, high = _interval(a)
    if not _infinite(low) and not _infinite(high) and low // k == high // k:
        return int(low // k)
    return _atom("floordiv", (a, k))


def _division_by_number(monomial: Monomial) -> tuple[Extent, int] | None:
    """Return x and b if `monomial` is floordiv(x, b) for a number b."""
    args = _applied("floordiv", monomial)
    return (args[0], args[1]) if args is not None and isinstance(args[1], int) else None


def _extremum(function: str, extents: Sequence[Extent], before: Callable[[Extent, Extent], bool]) -> Extent:
    """Return the first of `extents` in the order `before`, as far as it is provable."""
    kept: list[Extent] = []
    for candidate in (part for e in extents for part in _operands(function, extent(e))):
        if not any(before(other, candidate) for other in kept):
            kept = [other for other in kept if not before(candidate, other)] + [candidate]
    if len(kept) == 1:
        return kept[0]
    return _atom(function, tuple(sorted(kept, key=lambda e: (isinstance(e, int), str(e)))))


def _operands(function: str, of: Extent) -> tuple[Extent, ...]:
    (monomial, coefficient), *rest = _terms(of) or (((), 0),)
    args = _applied(function, monomial) if coefficient == 1 and not rest else None
    return (of,) if args is None else args


_FUNCTIONS: dict[str, Callable[..., Extent]] = {
    "add": _add,
    "mul": _multiply,
    "floordiv": _floordiv,
    "mod": _mod,
    "min": minimum,
    "max": maximum,
}


# Bounds, by interval arithmetic and by replacing an atom with a linear bound of it.

_MOST_REPLACEMENTS = 8

Interval: TypeAlias = tuple[float, float]
"""The ends are integers or infinite."""


def _finite(bound: float) -> int | None:
    return None if _infinite(bound) else int(bound)


def _infinite(bound: float) -> bool:
    return abs(bound) == math.inf  # math.isinf overflows on large integers


def _interval(of: Extent) -> Interval:
    return (of, of) if isinstance(of, int) else (_lower(of), _upper(of))


@lru_cache(maxsize=1 << 14)
def _upper(of: Extent) -> float:
    return -_lower(_multiply(of, -1))


def _below(a: Extent, b: Extent) -> bool:
    return _lower(_subtract(b, a)) >= 0


def _nonzero(of: Extent) -> bool:
    low, high = _interval(of)
    return low > 0 or high < 0


@lru_cache(maxsize=1 << 14)
def _lower(of: Extent) -> float:
    """Return the best lower bound found on the way of replacing atoms, each time where that helps most."""
    best, scale = _least(of), 1
    for _ in range(_MOST_REPLACEMENTS):
        replaced = list(_replacements(of))
        if not replaced:
            break
        of, factor = max(replaced, key=lambda bound: _ceildiv(_least(bound[0]), bound[1]))
        scale *= factor
        best = max(best, _ceildiv(_least(of), scale))
    return best


def _replacements(of: Extent) -> Iterator[tuple[Extent, int]]:
    """Yield extents p and positive numbers k with of >= p / k, and one atom of `of` replaced in p."""
    for monomial, coefficient in _terms(of):
        for bound, k in _linear_bounds(monomial, coefficient):
            rest = _subtract(of, _extent({monomial: coefficient}))
            yield _add(_multiply(k, rest), bound), k


def _least(of: Extent) -> float:
    """Return the lower bound by interval arithmetic on the terms."""
    return sum(_interval_of_term(monomial, coefficient)[0] for monomial, coefficient in _terms(of))


def _linear_bounds(monomial: Monomial, coefficient: int) -> Iterator[tuple[Extent, int]]:
    """Yield extents p and positive numbers k with coefficient * monomial >= p / k."""
    division = _division_by_number(monomial)
    if division is not None:
        x, k = division
        yield _multiply(coefficient, x if coefficient < 0 else _subtract(x, k - 1)), k
    for arg in _applied("min" if coefficient < 0 else "max", monomial) or ():
        yield _multiply(coefficient, arg), 1


def _interval_of_term(monomial: Monomial, coefficient: int) -> Interval:
    start: Interval = (coefficient, coefficient)
    return reduce(_times, map(_interval_of_atom, monomial), start)


def _times(a: Interval, b: Interval) -> Interval:
    ends = [x * y if x and y else 0 for x in a for y in b]
    return min(ends), max(ends)


def _interval_of_atom(atom: Atom) -> Interval:
    if isinstance(atom, _Unit):
        return atom.min // atom.multiple_of, math.inf if atom.max is None else atom.max // atom.multiple_of
    lows, highs = zip(*map(_interval, atom.args), strict=True)
    if atom.function == "min":
        return min(lows), min(highs)
    if atom.function == "max":
        return max(lows), max(highs)
    return _interval_of_floordiv((lows[0], highs[0]), (lows[1], highs[1]))


def _interval_of_floordiv(a: Interval, b: Interval) -> Interval:
    if b[0] <= 0:
        return -math.inf, math.inf
    quotients = [_floor_quotient(x, y) for x in a for y in b]
    return min(quotients), max(quotients)


def _floor_quotient(x: float, y: float) -> float:
    """Return the floor of x / y for y >= 1, in the limit where they are infinite."""
    if _infinite(x):
        return x
    return (-1 if x < 0 else 0) if _infinite(y) else x // y


def _ceildiv(x: float, k: int) -> float:
    return x if _infinite(x) else -(-x // k)


# Text.


def parse(text: str, known: Iterable[Symbol] = ()) -> Extent:
    """Read the extent that `str` wrote: `parse(str(e), symbols(e)) == e`.

    Args:
        text: Integers, names, `+ - * // %`, and `floordiv`, `mod`, `min`, `max` of such.
        known: Symbols that are not plain; every other name becomes a symbol without facts.

    Raises:
        CatgradError: If the text is anything else.

    Example:
        >>> parse("2*B*S + min(B, 128)")
        2*B*S + min(B, 128)
    """
    shape = parse_shape(text, known)
    if len(shape) != 1:
        raise CatgradError(f"expected one dimension, got {text!r}")
    return shape[0]


def parse_shape(text: str, known: Iterable[Symbol] = ()) -> tuple[Extent, ...]:
    """Read extents separated by commas; none from an empty text. See `parse`."""
    if not text.strip():
        return ()
    if len(text) > _LONGEST_TEXT:
        raise CatgradError(f"a dimension of {len(text)} characters is too long")
    reader = _Reader(text, {symbol.name: symbol for symbol in known})
    try:
        return reader.shape(ast.parse(f"({text},)", mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise reader.error() from None


_OPERATORS: dict[type[ast.operator], Callable[[Extent, Extent], Extent]] = {
    ast.Add: _add,
    ast.Sub: _subtract,
    ast.Mult: _multiply,
    ast.FloorDiv: _floordiv,
    ast.Mod: _mod,
}

_CALLS = ("floordiv", "mod", "min", "max")
_LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class _Reader:
    """Reads the expressions of `text`, an untrusted input."""

    text: str
    known: Mapping[str, Symbol]

    def shape(self, node: ast.expr) -> tuple[Extent, ...]:
        if not isinstance(node, ast.Tuple):
            raise self.error()
        return tuple(map(self.read, node.elts))

    def read(self, node: ast.expr) -> Extent:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.Name):
            return self.known[node.id] if node.id in self.known else dim(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.read(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](self.read(node.left), self.read(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.call(node.func.id, node)
        raise self.error()

    def call(self, function: str, node: ast.Call) -> Extent:
        if function not in _CALLS or node.keywords or not node.args:
            raise self.error()
        if function in ("floordiv", "mod") and len(node.args) != 2:
            raise self.error()
        return _FUNCTIONS[function](*map(self.read, node.args))

    def error(self) -> CatgradError:
        return CatgradError(f"{self.text!r} is not a dimension: expected integers, names, + - * // %, min and max")


# Solving for the symbols.


class _Source(NamedTuple):
    """Where the value of a symbol is read: size = scale * (symbol / multiple_of) + offset."""

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

    Raises:
        CatgradError: If a symbol cannot be determined.

    Example:
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
        self._sources = [(symbol, self._source(symbol)) for symbol in self.symbols]
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
        values = tuple(self._value(symbol, source, actual) for symbol, source in self._sources)
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

    def _source(self, symbol: Symbol) -> _Source:
        if symbol in self._extents:
            return _Source(self._extents.index(symbol), symbol.multiple_of, 0)
        for place, e in enumerate(self._extents):
            terms = dict(_terms(e))
            scale, offset = terms.pop((symbol._unit,), 0), terms.pop((), 0)
            if scale and not terms:
                return _Source(place, scale, offset)
        uses = [f"{w}: {e}" for w, e in zip(self._places, self._extents, strict=True) if symbol in symbols(e)]
        raise CatgradError(f"the size {symbol} cannot be determined from {'; '.join(uses)}")

    def _value(self, symbol: Symbol, source: _Source, actual: Sequence[int]) -> int:
        size = actual[source.place]
        units, remainder = divmod(size - source.offset, source.scale)
        value = units * symbol.multiple_of
        fact = symbol.unmet(value)
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
        return self._places[dict(self._sources)[symbol].place]


def solve(declared: Sequence[tuple[str, Extent]], actual: Sequence[int]) -> dict[str, int]:
    """Return the values of the symbols by name: a `Solver` used once.

    Example:
        >>> solve([("x axis 0", dim("B")), ("x axis 1", 2 * dim("B") + 1)], [4, 9])
        {'B': 4}
    """
    solver = Solver(declared)
    return dict(zip((symbol.name for symbol in solver.symbols), solver(actual), strict=True))
