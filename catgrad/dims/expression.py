"""Extents in normal form: integers, and the sums of products of atoms that are not constant.

The operators of `Dim` look up their meaning in `FUNCTIONS`, where the modules of arithmetic enter it.
"""

from __future__ import annotations

import keyword
import math
import operator
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Integral, Number
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar, Union

from catgrad.cached import cached_property
from catgrad.errors import CatgradError, TypeCheckError, located

__all__ = [
    "CALLS",
    "FUNCTIONS",
    "LARGEST_EXTENT",
    "Apply",
    "Atom",
    "Dim",
    "Extent",
    "Monomial",
    "Symbol",
    "Terms",
    "Unit",
    "dim",
    "extent",
    "fits",
    "from_terms",
    "function",
    "scale",
    "symbol_of",
    "symbols",
    "terms_of",
]

Extent: TypeAlias = Union[int, "Dim"]
Function = TypeVar("Function", bound=Callable[..., Extent])

FUNCTIONS: dict[str, Callable[..., Extent]] = {}
"""Arithmetic by name: add, sub, mul, floordiv, mod, min, max."""

MOST_ATOMS = 1_000
"""How many symbols and functions an extent may be written with: remainders of remainders double at each step."""

LARGEST_EXTENT = 2**63 - 1

CALLS = ("floordiv", "mod", "min", "max")
"""The functions that text writes as calls."""


def function(name: str) -> Callable[[Function], Function]:
    """Enter a function on extents as the meaning of `name`."""

    def enter(meaning: Function) -> Function:
        FUNCTIONS[name] = meaning
        return meaning

    return enter


class Unit(NamedTuple):
    """The atom of a symbol: its size divided by `multiple_of`. `max` is None when there is no upper bound."""

    name: str
    multiple_of: int
    min: int
    max: int | None

    @property
    def key(self) -> tuple[bool, str]:
        """Sort key of atoms."""
        return False, self.name


class Apply(NamedTuple):
    """The atom of a function applied to extents."""

    function: str
    args: tuple[Extent, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.args))})"

    @property
    def size(self) -> int:
        """Number of atoms that it is written with."""
        return 1 + sum(arg.size for arg in self.args if isinstance(arg, Dim))

    @property
    def key(self) -> tuple[bool, str]:
        """Sort key of atoms."""
        return True, str(self)


Atom: TypeAlias = Unit | Apply
Monomial: TypeAlias = tuple[Atom, ...]
"""A product: its atoms in order of their keys, each as often as its exponent."""
Terms: TypeAlias = tuple[tuple[Monomial, int], ...]


def _operator(name: str, *, reflected: bool = False) -> Callable[[Dim, Any], Extent]:
    """Return an operator; other objects of arithmetic, such as traced values, have their own reflected operators."""

    def apply(self: Dim, other: object) -> Any:
        operand = _as_extent(other)
        if operand is None:
            return self._no_integers() if _is_plain(other) else NotImplemented
        return FUNCTIONS[name](operand, self) if reflected else FUNCTIONS[name](self, operand)

    return apply


def _is_plain(value: object) -> bool:
    """Return whether a value is of Python or NumPy, which know of no dimensions."""
    return isinstance(value, Number) or type(value).__module__ in ("builtins", "numpy")


def _scalar(value: Any) -> Any:
    """Return a value, or the number in an array of rank 0, which is what NumPy makes of its numbers on the way."""
    return value[()] if getattr(value, "shape", None) == () else value


_UFUNCS = {"add": "add", "subtract": "sub", "multiply": "mul", "floor_divide": "floordiv", "remainder": "mod"}
"""Functions by what NumPy calls them."""
_COMPARISONS = {"equal": operator.eq, "not_equal": operator.ne}


@dataclass(frozen=True, eq=False, repr=False)
class Dim:
    """A size that is not known when tracing; made by `dim` and by arithmetic.

    Arithmetic with numbers and other dimensions (`+ - * // %`) gives a number when the result is constant. A `Dim` is
    never equal to a number, and has no truth value and no order.

    Attributes:
        terms: The monomials with their coefficients, leading term first.
        symbols: The symbols, in order of first appearance.
        size: How many atoms it is written with.

    Raises:
        CatgradError: It is written with more than `MOST_ATOMS`.
    """

    terms: Terms
    symbols: tuple[Symbol, ...] = field(init=False)
    size: int = field(init=False)
    _hash: int = field(init=False)

    __add__ = __radd__ = _operator("add")
    __sub__ = _operator("sub")
    __rsub__ = _operator("sub", reflected=True)
    __mul__ = __rmul__ = _operator("mul")
    __floordiv__ = _operator("floordiv")
    __rfloordiv__ = _operator("floordiv", reflected=True)
    __mod__ = _operator("mod")
    __rmod__ = _operator("mod", reflected=True)

    def __neg__(self) -> Extent:
        return self * -1

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", self._count_atoms())
        object.__setattr__(self, "symbols", self._find_symbols())
        object.__setattr__(self, "_hash", hash(self.terms))

    def _count_atoms(self) -> int:
        size = sum(atom.size if isinstance(atom, Apply) else 1 for monomial, _ in self.terms for atom in monomial)
        if size > MOST_ATOMS:
            raise CatgradError(f"a dimension of {size} symbols and functions is too long: at most {MOST_ATOMS}")
        return size

    def _find_symbols(self) -> tuple[Symbol, ...]:
        return _distinct(symbol for monomial, _ in self.terms for atom in monomial for symbol in _symbols_of(atom))

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

    def _unknown(self, *_: object, **__: object) -> NoReturn:
        raise CatgradError(
            f"the size of {self} is not known when tracing; bind its symbols to numbers, "
            "or use catgrad.dims.minimum and maximum"
        )

    __bool__ = __index__ = __lt__ = __le__ = __gt__ = __ge__ = _unknown
    __int__ = __float__ = __complex__ = __round__ = __floor__ = __ceil__ = __trunc__ = __abs__ = _unknown

    def _no_integers(self, *_: object, **__: object) -> NoReturn:
        raise TypeCheckError(
            f"{self} is a size, and sizes have + - * // % with integers and sizes: cg.nat_to_tensor({self}, cg.f32) is "
            "its value as a tensor, which has the other functions"
        )

    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __divmod__ = __rdivmod__ = _no_integers
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = __and__ = __rand__ = __or__ = __ror__ = _no_integers

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **options: Any) -> Any:
        """Apply an operator with a number of NumPy on its left."""
        name, extents = ufunc.__name__, [_as_extent(_scalar(operand)) for operand in operands]
        if name in _COMPARISONS:
            return _COMPARISONS[name](*extents)
        if name not in _UFUNCS or method != "__call__" or options or None in extents:
            return self._no_integers()
        return FUNCTIONS[_UFUNCS[name]](*extents)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec) if spec in ("", "s") else self._unknown()

    @cached_property
    def _text(self) -> str:
        return " + ".join(_render(*term) for term in self.terms).replace("+ -", "- ")


class Symbol(Dim):
    """A named size and what is known about it: every value is a multiple of `multiple_of` between `min` and `max`."""

    @property
    def unit(self) -> Unit:
        """The only atom."""
        atom = self.terms[0][0][0]
        assert isinstance(atom, Unit)
        return atom

    @property
    def name(self) -> str:
        """The name, a Python identifier."""
        return self.unit.name

    @property
    def multiple_of(self) -> int:
        """A positive divisor of every value."""
        return self.unit.multiple_of

    @property
    def min(self) -> int:
        """The least value."""
        return self.unit.min

    @property
    def max(self) -> int | None:
        """The greatest value, or None where there is none."""
        return self.unit.max

    def _find_symbols(self) -> tuple[Symbol, ...]:
        return (self,)


@located()
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
    if (
        not isinstance(name, str)
        or not (name.isidentifier() and name.isascii())
        or keyword.iskeyword(name)
        or name in CALLS
    ):
        allowed = "ASCII letters, digits and _, beginning with no digit"
        raise CatgradError(
            f"a dimension needs a name of {allowed}, that is no keyword of Python and none of {', '.join(CALLS)}; got "
            f"{name!r}"
        )
    facts: dict[str, object] = {"multiple_of": multiple_of, "min": min, "max": 0 if max is None else max}
    for fact, value in facts.items():
        number = _as_extent(value)
        if not isinstance(number, int) or number > LARGEST_EXTENT:
            raise CatgradError(
                f"dimension {name}: expected {fact} to be an integer of 64 bits, got {reprlib.repr(value)}"
            )
    if multiple_of < 1 or min < 0:
        raise CatgradError(f"dimension {name}: expected multiple_of >= 1 and min >= 0, got {multiple_of} and {min}")
    least = -(-min // multiple_of) * multiple_of
    greatest = None if max is None else max // multiple_of * multiple_of
    if greatest is not None and greatest < least:
        raise CatgradError(f"dimension {name}: no multiple of {multiple_of} lies between {min} and {max}")
    return symbol_of(Unit(name, multiple_of, least, greatest))


@lru_cache(maxsize=1 << 12)
def symbol_of(unit: Unit) -> Symbol:
    """Return the symbol with this atom."""
    return Symbol((((unit,), unit.multiple_of),))


def extent(value: object) -> Extent:
    """Return `value` as an extent: a `Dim`, or an `int` from any integer but a boolean.

    Raises:
        CatgradError: If it is neither.
    """
    converted = _as_extent(value)
    if converted is None:
        raise CatgradError(f"expected an integer or a dimension, got {value!r}")
    return converted


def _as_extent(value: object) -> Extent | None:
    if isinstance(value, Dim):
        return value
    return None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)


def fits(extent: Extent) -> bool:
    """Return whether every number that an extent is written with has 64 bits, as compiled code computes it."""
    if isinstance(extent, int):
        return -LARGEST_EXTENT <= extent <= LARGEST_EXTENT
    applied = (atom for monomial, _ in extent.terms for atom in monomial if isinstance(atom, Apply))
    return all(fits(number) for _, number in extent.terms) and all(fits(arg) for atom in applied for arg in atom.args)


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


def _symbols_of(atom: Atom) -> tuple[Symbol, ...]:
    return (symbol_of(atom),) if isinstance(atom, Unit) else symbols(atom.args)


def _distinct(found: Iterable[Symbol]) -> tuple[Symbol, ...]:
    by_name: dict[str, Symbol] = {}
    for symbol in found:
        if by_name.setdefault(symbol.name, symbol) != symbol:
            raise CatgradError(f"the dimension {symbol} is used with two sets of facts: give it one `dim` or two names")
    return tuple(by_name.values())


def terms_of(of: Extent) -> Terms:
    """Return the terms of an extent: a number has one, and zero has none."""
    if isinstance(of, Dim):
        return of.terms
    return (((), of),) if of else ()


def from_terms(terms: Mapping[Monomial, int]) -> Extent:
    """Return the extent with these terms, in normal form: ordered, without zero coefficients."""
    present = [term for term in terms.items() if term[1]]
    if not present:
        return 0
    if len(present) == 1:
        [(monomial, coefficient)] = present
        if not monomial:
            return coefficient
        if len(monomial) == 1 and isinstance(unit := monomial[0], Unit) and unit.multiple_of == coefficient:
            return symbol_of(unit)
    return Dim(tuple(sorted(present, key=lambda term: _key(term[0]))))


def _key(monomial: Monomial) -> tuple[int, list[tuple[bool, str]]]:
    return -len(monomial), [atom.key for atom in monomial]


def scale(monomial: Monomial, coefficient: int) -> tuple[int, int]:
    """Return the coefficient in lowest terms as a fraction of the product of whole symbols instead of their units."""
    content = math.prod(atom.multiple_of for atom in monomial if isinstance(atom, Unit))
    shared = math.gcd(coefficient, content)
    return coefficient // shared, content // shared


def _render(monomial: Monomial, coefficient: int) -> str:
    numerator, denominator = scale(monomial, coefficient)
    text = "*".join(atom.name if isinstance(atom, Unit) else str(atom) for atom in monomial)
    if denominator != 1:
        text = f"floordiv({text}, {denominator})"
    if abs(numerator) == 1 and monomial:
        return text if numerator == 1 else f"-{text}"
    return f"{numerator}*{text}" if monomial else str(numerator)
