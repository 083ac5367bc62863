"""Types of values: an element type and a shape of symbolic dimensions.

Example:
    >>> from catgrad.dims import dim
    >>> B = dim("B")
    >>> f32[B, 784]
    f32[B, 784]
    >>> f32[B, 784].size, f32[B + B] is f32[2 * B]
    (784*B, True)
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from weakref import WeakValueDictionary

import ml_dtypes
import numpy as np

from catgrad import dims
from catgrad.cached import cached_property
from catgrad.dims import Extent, Symbol
from catgrad.errors import CatgradError, TypeCheckError, located
from catgrad.numbers import check_unmasked, leaves, placed, plain

__all__ = [
    "LARGEST",
    "DType",
    "TensorType",
    "as_array",
    "axes",
    "bf16",
    "bool_",
    "dtype",
    "dtypes",
    "f16",
    "f32",
    "f64",
    "i32",
    "i64",
    "parse_type",
    "python_dtype",
]


@dataclass(frozen=True, eq=False, repr=False)
class DType:
    """An element type. There is one object for each; `f32[B, 784]` is a tensor type.

    It equals NumPy's type of its values, its name here and there, has the hash of NumPy's dtype, and NumPy takes it for
    one: `f32 == np.float32`, `np.zeros(3, f32)`.

    Attributes:
        name: What users and the IR call it.
        numpy: The numpy type of its values.
        kind: The family it computes in; `int` is signed and wraps.
        bits: The size of a value.
    """

    name: str
    numpy: np.dtype[Any]
    kind: Literal["bool", "int", "float"]
    bits: int

    @property
    def is_bool(self) -> bool:
        """Whether values are truth values."""
        return self.kind == "bool"

    @property
    def is_integer(self) -> bool:
        """Whether values are integers; a boolean is not."""
        return self.kind == "int"

    @property
    def is_float(self) -> bool:
        """Whether values are floating-point numbers."""
        return self.kind == "float"

    @property
    def accumulator(self) -> DType:
        """The type in which sums and contractions of this type accumulate: f32 for narrower floats, else itself."""
        return f32 if self.is_float and self.bits < 32 else self

    @located()
    def __getitem__(self, shape: Any) -> TensorType:
        """Return the type of tensors of this dtype: `f32[B, 784]`, `f32[3]`, `f32[()]` for a scalar."""
        return TensorType(self, shape if isinstance(shape, tuple) else (shape,))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type of its values, by the name under which NumPy asks for it."""
        return self.numpy

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        if isinstance(other, np.dtype):
            return bool(self.numpy == other)
        return other is self.numpy.type or other in (self.name, self.numpy.name) if _is_name(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.numpy)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return "bool_" if self.is_bool else self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return dtype, (self.name,)


def _is_name(value: object) -> bool:
    """Return whether it can be what NumPy calls a type: a string, or the class of its scalars."""
    return isinstance(value, str) or (isinstance(value, type) and issubclass(value, np.generic))


bool_ = DType("bool", np.dtype(np.bool_), "bool", 8)
i32 = DType("i32", np.dtype(np.int32), "int", 32)
i64 = DType("i64", np.dtype(np.int64), "int", 64)
f16 = DType("f16", np.dtype(np.float16), "float", 16)
bf16 = DType("bf16", np.dtype(ml_dtypes.bfloat16), "float", 16)
f32 = DType("f32", np.dtype(np.float32), "float", 32)
f64 = DType("f64", np.dtype(np.float64), "float", 64)

dtypes: tuple[DType, ...] = (bool_, i32, i64, f16, bf16, f32, f64)
"""Every element type."""

_OF_PYTHON: dict[object, DType] = {bool: bool_, int: i32, float: f32}
_KNOWN: dict[object, DType] = {key: each for each in dtypes for key in (each, each.name, each.numpy, each.numpy.type)}
_KNOWN |= {each.numpy.name: each for each in dtypes} | _OF_PYTHON

LARGEST = 1 << 46
"""The most elements that a tensor may have: with 8 bytes each, and room to round up, there is memory for no more."""
_MOST_AXES = 64
"""The most axes that a tensor may have, which is as many as NumPy's arrays have."""


def dtype(of: object) -> DType:
    """Return an element type by itself, its name, or its numpy type.

    Python's own numbers have a type too: `bool` is bool, `int` is i32, `float` is f32.

    Raises:
        TypeCheckError: If there is no such element type.

    Example:
        >>> dtype("f32") is dtype(np.float32) is dtype(float) is f32
        True
    """
    found = _KNOWN.get(of) if isinstance(of, Hashable) else None
    if found is None:
        raise TypeCheckError(f"expected one of the dtypes {', '.join(map(str, dtypes))}, got {of!r}")
    return found


_dtype = dtype


@dataclass(frozen=True, eq=False, init=False, repr=False)
class TensorType:
    """The type of a tensor. Equal types are the same object.

    Args:
        dtype: The element type.
        shape: An extent for each axis; a string is read as a dimension without facts.

    Attributes:
        dtype: The element type.
        shape: The extents, outermost axis first.
        symbols: The symbols of the shape, in order of first appearance.

    Raises:
        TypeCheckError: If an extent is negative, too large for 64 bits, or neither an integer nor a dimension; if
            there are more than 64 axes; or if the extents that are known, those of 0 apart, have a product above
            `LARGEST`.

    Example:
        >>> TensorType(f32, ["B", 784])
        f32[B, 784]
    """

    dtype: DType
    shape: tuple[Extent, ...]
    symbols: tuple[Symbol, ...]

    _interned: ClassVar[WeakValueDictionary[tuple[DType, tuple[Extent, ...]], TensorType]] = WeakValueDictionary()

    def __new__(cls, dtype: DType, shape: Iterable[Extent | str]) -> TensorType:
        """Return the object for this type, making it where there is none."""
        key = dtype if isinstance(dtype, DType) else _dtype(dtype), tuple(map(_extent, shape))
        found = cls._interned.get(key)
        if found is not None:
            return found
        if len(key[1]) > _MOST_AXES:
            raise TypeCheckError(f"a tensor has at most {_MOST_AXES} axes, given {len(key[1])}")
        if math.prod(extent for extent in key[1] if isinstance(extent, int) and extent) > LARGEST:
            raise TypeCheckError(f"{dtype}[{', '.join(map(str, key[1]))}] has more than {LARGEST} elements")
        self = super().__new__(cls)
        object.__setattr__(self, "dtype", key[0])
        object.__setattr__(self, "shape", key[1])
        object.__setattr__(self, "symbols", dims.symbols(key[1]))
        return cls._interned.setdefault(key, self)

    @staticmethod
    def of(value: Any) -> TensorType:
        """Return the type of an array or numpy scalar, or of a Python `bool` (bool), `int` (i32) or `float` (f32).

        A list of numbers is an array; see `as_array`.

        Arrays are numpy's, or any that follow the Python Array API standard.

        Raises:
            TypeCheckError: If it is none of these, its elements are of no element type, or it is masked.

        Example:
            >>> TensorType.of(np.zeros((2, 3), np.float32)), TensorType.of(1.0)
            (f32[2, 3], f32[()])
        """
        check_unmasked(value)
        if isinstance(value, (np.ndarray, np.generic)):
            return TensorType(dtype(value.dtype.newbyteorder("=")), value.shape)
        if isinstance(value, list):
            return TensorType.of(as_array(value))
        if type(value) in _OF_PYTHON:
            return TensorType(_OF_PYTHON[type(value)], ())
        if hasattr(value, "__array_namespace__") and not isinstance(value, type):
            return TensorType(dtype(str(value.dtype).rpartition(".")[2]), value.shape)
        raise no_array(value)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @cached_property
    def size(self) -> Extent:
        """The number of elements."""
        return dims.product(self.shape)

    @property
    def is_static(self) -> bool:
        """Whether every extent is a number."""
        return not self.symbols

    def substitute(self, values: Mapping[str, Extent]) -> TensorType:
        """Return the type with symbols replaced by extents; see `catgrad.dims.substitute`."""
        if self.is_static:
            return self
        return TensorType(self.dtype, [dims.substitute(extent, values) for extent in self.shape])

    @cached_property
    def _hash(self) -> int:
        return hash((self.dtype, self.shape))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, TensorType) and (self.dtype, self.shape) == (other.dtype, other.shape)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"

    def __repr__(self) -> str:
        return f"{self.dtype!r}[{', '.join(map(str, self.shape)) or '()'}]"

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorType, (self.dtype, self.shape)


def no_array(value: object) -> TypeCheckError:
    """Return the error for what stands where an array or a number is expected."""
    if isinstance(value, dims.Dim):
        return TypeCheckError(
            f"the dimension {value} is no number while tracing: cg.nat_to_tensor({value}, cg.f32) is its value"
        )
    shown = f"the type {value!r}" if isinstance(value, type | DType) else type(value).__name__
    return TypeCheckError(f"expected an array or a number, got {shown}")


def _extent(value: object) -> Extent:
    """Return `value` as the extent of an axis."""
    try:
        extent = dims.parse(value) if isinstance(value, str) else dims.extent(value)
    except CatgradError as error:
        raise TypeCheckError(f"the extent of an axis: {error.message}") from None
    least, greatest = dims.lower_bound(extent), dims.upper_bound(extent)
    if greatest is not None and greatest < 0:
        raise TypeCheckError(f"the extent of an axis is negative: {extent}")
    if not dims.fits(extent) or (least is not None and least > dims.LARGEST_EXTENT):
        raise TypeCheckError(f"the extent of an axis does not fit in 64 bits: {extent}")
    return extent


def as_array(value: Any) -> np.ndarray[Any, Any]:
    """Return what stands for an array as one: an array, a number, or numbers and arrays in lists.

    Python's numbers are bool, i32 or f32.

    Raises:
        TypeCheckError: It is none of these, is ragged or masked, or has a number that is out of range.

    Example:
        >>> as_array([1, 2]).dtype, as_array([1.0, 2]).dtype, as_array([np.float64(1)]).dtype
        (dtype('int32'), dtype('float32'), dtype('float64'))
    """
    if isinstance(value, np.ndarray | np.generic):
        TensorType.of(value)
        return np.asarray(value)
    others = [leaf for leaf in leaves(value) if type(leaf) not in _OF_PYTHON]
    for leaf in others:
        check_unmasked(leaf)
    try:
        if not all(hasattr(leaf, "__array__") for leaf in others):
            raise ValueError
        found = np.asarray(plain(value))
    except ValueError:
        raise TypeCheckError(
            f"expected an array, or numbers in lists of one length, got {reprlib.repr(value)}"
        ) from None
    return as_array(found) if others else placed(value, python_dtype(leaves(value)))


def python_dtype(numbers: Iterable[Any]) -> DType:
    """Return the dtype that Python numbers take where nothing says otherwise.

    Example:
        >>> python_dtype([True, 2]), python_dtype([True, 2.0]), python_dtype([])
        (i32, f32, f32)
    """
    kinds = {next((kind for kind in (bool, int) if isinstance(number, kind)), float) for number in numbers}
    return _OF_PYTHON[next((kind for kind in (float, int, bool) if kind in kinds), float)]


def parse_type(text: str, known: Iterable[Symbol] = ()) -> TensorType:
    """Read the type that `str` wrote.

    Args:
        text: A dtype and the extents: "f32[B, 784]".
        known: Symbols that have facts; see `catgrad.dims.parse`.

    Raises:
        TypeCheckError: If the dtype is unknown, or the text is no type.

    Example:
        >>> parse_type("f32[2*B, 784]").shape
        (2*B, 784)
    """
    match = re.fullmatch(r"\s*(\w+)\[(.*)\]\s*", text)
    if match is None:
        raise TypeCheckError(f"expected a type such as f32[B, 784], got {text!r}")
    try:
        shape = dims.parse_shape(match[2], known)
    except CatgradError as error:
        raise TypeCheckError(f"in the type {text!r}: {error.message}") from None
    return TensorType(dtype(match[1]), shape)


def axes(names: Iterable[str], types: Iterable[TensorType]) -> list[tuple[str, Extent]]:
    """Return every axis of some arrays: what to call it in a message, and its extent.

    Example:
        >>> axes(["x", "y"], [f32["B", 3], f32[()]])
        [('x axis 0', B), ('x axis 1', 3)]
    """
    named = zip(names, types, strict=True)
    return [(f"{name} axis {axis}", extent) for name, type in named for axis, extent in enumerate(type.shape)]
