"""Validation and conversion of the arrays of a call, and the errors for arrays that it cannot take."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from catgrad.containers import items
from catgrad.errors import ArgumentError
from catgrad.numbers import floats, is_masked, plain
from catgrad.runtime.buffers import Array, Shape
from catgrad.runtime.conversion import Unfit, converted, kind_of
from catgrad.runtime.dlpack import from_dlpack
from catgrad.text import brief
from catgrad.types import TensorType

__all__ = ["CONTIGUOUS", "READABLE", "WRITABLE", "WRITEABLE", "Parameter", "has_memory"]

CONTIGUOUS, _ALIGNED, WRITEABLE = 0x001, 0x100, 0x400
"""Bits of `ndarray.flags.num`."""
READABLE = CONTIGUOUS | _ALIGNED
"""The bits of `ndarray.flags.num` that compiled code needs in what it reads."""
WRITABLE = READABLE | WRITEABLE
"""And in what it writes."""

_ADVICE = (
    (CONTIGUOUS, "is not C-contiguous", "pass np.ascontiguousarray({name})"),
    (_ALIGNED, "is not aligned", "pass {name}.copy()"),
    (WRITEABLE, "is read-only but will be written", "pass {name}.copy()"),
)
_NUMBERS: dict[str, set[type]] = {"bool": {bool}, "int": {int}, "float": {int, float}}
"""The Python numbers that may stand for an array of rank 0, by the kind of its dtype."""


def has_memory(value: Any) -> bool:
    """Return whether `value` is an array, so that what is written to it is seen by whoever has it."""
    return hasattr(value, "__dlpack__")


@dataclass(frozen=True)
class Parameter:
    """An array that a call takes: an argument, or a result that the caller provides.

    Attributes:
        function: Name of the executable, for messages.
        name: An expression for the array, such as `state['weight']`.
        type: Its type; checking the shape is not done here, since it takes all the arguments to know the symbols.
        flags: `READABLE` or `WRITABLE`.
        strict: Whether what only a copy could be is refused even if it is only read.
    """

    function: str
    name: str
    type: TensorType
    flags: int
    strict: bool = False

    def admit(self, value: Any) -> Array:
        """Return `value` as an array of the right dtype that compiled code can use, in the same memory if it is one.

        Otherwise it is a copy, unless the array will be written: of an array of another layout, byte order, or width of
        the same kind of numbers; or of numbers, alone or in lists.

        Raises:
            ArgumentError: It is no such array, and may not be copied.
        """
        array = self._view(value)
        dtype = self.type.dtype.numpy
        if array.dtype == dtype and not self.flags & ~array.flags.num:
            return array
        if self._may_copy(value) and self._is_of_kind(value, array):
            return self._copy(array)
        if array.dtype != dtype:
            self._check_range(value)
            raise self.error(f"got {array.dtype} of shape {array.shape}", self._conversion(value))
        raise self._misfit(array)

    def _may_copy(self, value: Any) -> bool:
        return not self.strict and not (self.flags & WRITEABLE and has_memory(value))

    def _is_of_kind(self, value: Any, array: Array) -> bool:
        """Return whether the elements are of the right kind; Python integers, as in lists, are floats as well."""
        given, wanted = kind_of(array.dtype), self.type.dtype.kind
        return given == wanted or ((given, wanted) == ("int", "float") and isinstance(value, (list, tuple)))

    def _copy(self, array: Array) -> Array:
        try:
            return converted(array, self.type.dtype)
        except Unfit as error:
            raise self._beyond(error.index, error.value) from None

    def _check_range(self, value: Any) -> None:
        """Raise if lists of integers have one that is too large, which NumPy makes floats or objects of."""
        if self.type.dtype.kind != "int" or not isinstance(value, (list, tuple)):
            return
        numbers = np.asarray(value, object)
        if all(type(number) is int for number in numbers.flat):
            info = np.iinfo(self.type.dtype.numpy)
            found = (each for each in np.ndenumerate(numbers) if not info.min <= each[1] <= info.max)
            raise self._beyond(*next(found))

    def _beyond(self, index: tuple[int, ...], value: Any) -> ArgumentError:
        place = f"{self.name}[{', '.join(map(str, index))}]" if index else self.name
        advice = "compile it for a wider dtype" if self.type.dtype.bits < 64 else "pass one that fits"
        return self.error(f"{place} is {brief(value)}, out of range", advice)

    def _misfit(self, array: Array) -> ArgumentError:
        """Say why an array of the right dtype cannot be used."""
        missing = self.flags & ~array.flags.num
        problem, advice = next(each for bit, *each in _ADVICE if missing & bit)
        return self.error(f"the array {problem}", advice.format(name=self.name))

    def admit_target(self, value: Any, shape: Shape) -> Array:
        """Do what `admit` does for an array to write a result of this shape into; a number is none.

        Raises:
            ArgumentError: It is no such array.
        """
        if not has_memory(value):
            raise self.error(f"got {_describe(value)}", "pass an array to write into, or None for a new one")
        array = self.admit(value)
        if array.shape != shape:
            raise self.error(f"the array has shape {array.shape}", f"pass one of shape {shape}, or None for a new one")
        return array

    def error(self, problem: str, advice: str) -> ArgumentError:
        """Say what was expected, what was given, and what to do."""
        return ArgumentError(f"{self.function}: {self.name} must be {self.type}, but {problem}: {advice}")

    def _unusable(self, value: Any) -> ArgumentError:
        """Say why a value is no array."""
        if isinstance(getattr(value, "type", None), TensorType):
            advice = "an executable takes arrays; in a function that is traced, call what it was compiled from"
            return self.error(f"got {value}, which has a type but no elements", advice)
        return self.error(f"got {_describe(value)}", self._conversion(value))

    def _conversion(self, value: Any) -> str:
        """Return which conversion works, if one does."""
        dtype = str(self.type.dtype.numpy)
        if not _is_numeric(value, self.type.rank):
            return f"pass an array of {dtype}"
        is_array = hasattr(value, "astype") or has_memory(value)
        return f"pass {self.name}.astype({dtype!r})" if is_array else f"pass np.asarray({self.name}, dtype={dtype!r})"

    def _view(self, value: Any) -> Array:
        """Return `value` as an array in the same memory; only numbers, alone and in lists, are copied."""
        if _is_masked(value):
            raise self.error("it is masked, and the mask would be lost", f"pass {self.name}.filled(value)")
        if isinstance(value, (np.ndarray, np.generic)):
            return np.asarray(value)
        if isinstance(value, (bool, int, float)) and not self.type.shape:
            return self._number(value)
        if has_memory(value):
            return self._foreign(value)
        if isinstance(value, (list, tuple)) and not self.strict and not self.flags & WRITEABLE:
            return self._nested(value)
        raise self._unusable(value)

    def _nested(self, value: Any) -> Array:
        """Return what is in lists as an array of the dtype that NumPy finds; Python's integers are floats as well."""
        dtype = self.type.dtype
        try:
            array = np.asarray(plain(value))
            if dtype.is_float and array.dtype.kind in "iufO":
                array = np.asarray(floats(value, dtype))
        except (ValueError, TypeError, OverflowError) as error:
            raise self.error(f"got {_describe(value)} that is no array ({error})", "pass an array") from None
        return array if array.size else array.astype(self.type.dtype.numpy)

    def _number(self, value: float) -> Array:
        kind = self.type.dtype.kind
        if type(value) not in _NUMBERS[kind]:
            raise self.error(f"got {_describe(value)}", f"pass {kind}({self.name})")
        try:
            return converted(np.asarray(floats(value, self.type.dtype) if kind == "float" else value), self.type.dtype)
        except (OverflowError, Unfit):
            raise self._beyond((), value) from None

    def _foreign(self, value: Any) -> Array:
        try:
            return from_dlpack(value)
        except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
            problem = f"{_describe(value)} cannot be read in place ({error})"
            raise self.error(problem, "pass a NumPy array in host memory") from error


def _is_masked(value: Any) -> bool:
    """Return whether it is a masked array, or has one in its lists."""
    return is_masked(value) or (isinstance(value, (list, tuple)) and any(_is_masked(x) for _, x in items(value)))


def _is_numeric(value: Any, rank: int) -> bool:
    """Return whether NumPy makes an array of real numbers of it, with so many axes."""
    try:
        array = np.asarray(value)
        is_real = kind_of(array.dtype) or all(isinstance(each, Real) for each in array.flat)
    except Exception:  # whatever a method of a stranger's object raises
        return False
    return bool(is_real) and array.ndim == rank


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
