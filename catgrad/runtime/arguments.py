"""What one array of a call must be, how a foreign array becomes one, and what to say when it cannot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from catgrad.errors import ArgumentError
from catgrad.runtime.buffers import Array, Shape
from catgrad.runtime.dlpack import from_dlpack
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
    """

    function: str
    name: str
    type: TensorType
    flags: int

    def admit(self, value: Any) -> Array:
        """Return `value` as an array of the right dtype that compiled code can use, in the same memory.

        A number is copied into a new array of rank 0.

        Raises:
            ArgumentError: It is no such array, and only a copy could be one.
        """
        array = self._view(value)
        if array.dtype != self.type.dtype.numpy:
            raise self.error(f"got {array.dtype} of shape {array.shape}", f"pass {self.name}.astype({self._dtype!r})")
        missing = self.flags & ~array.flags.num
        for bit, problem, advice in _ADVICE:
            if missing & bit:
                raise self.error(f"the array {problem}", advice.format(name=self.name))
        return array

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

    @property
    def _dtype(self) -> str:
        return str(self.type.dtype.numpy)

    def _view(self, value: Any) -> Array:
        """Return `value` as an array in the same memory; only numbers are copied."""
        if isinstance(value, (np.ndarray, np.generic)):
            return np.asarray(value)
        if isinstance(value, (bool, int, float)) and not self.type.shape:
            return self._number(value)
        if has_memory(value):
            return self._foreign(value)
        raise self.error(f"got {_describe(value)}", f"pass np.asarray({self.name}, dtype={self._dtype!r})")

    def _number(self, value: float) -> Array:
        kind = self.type.dtype.kind
        if type(value) not in _NUMBERS[kind]:
            raise self.error(f"got {_describe(value)}", f"pass {kind}({self.name})")
        array = _converted(value, self.type.dtype.numpy)
        if array is None:
            raise self.error(f"the {type(value).__name__} is out of range", "compile it for a wider dtype")
        return array

    def _foreign(self, value: Any) -> Array:
        try:
            return from_dlpack(value)
        except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
            problem = f"{_describe(value)} cannot be read in place ({error})"
            raise self.error(problem, "pass a NumPy array in host memory") from error


def _converted(value: float, dtype: np.dtype[Any]) -> Array | None:
    """Return a number as an array of rank 0, or None when it is out of range; infinity is in the range of a float."""
    try:
        with np.errstate(over="ignore"):
            array = np.array(value, dtype)
        return None if np.isinf(array) and math.isfinite(value) else array
    except OverflowError:
        return None


def _describe(value: Any) -> str:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
