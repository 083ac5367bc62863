"""Errors for what Python and NumPy do with arrays and cannot do with a traced value: each says what to write.

A traced value has a type, and no elements before the program runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from catgrad import ops
from catgrad.errors import AttributeMissing, CatgradError, TypeCheckError
from catgrad.lang import functions

__all__ = ["Refusals"]

_UNKNOWN = "the elements of {x} are not known while tracing: "
_STEER = _UNKNOWN + "use cg.where to choose between values, and shapes or Python numbers to steer the program"
_NUMBER = _UNKNOWN + "use functions of catgrad instead of those of math or Python, such as cg.sqrt, or cg.cast for int"
_LOOP = _UNKNOWN + "compute with all of them at once, as cg.sum(x, axis=0) does, or keep several values in a list"
_SHIFT = "{x} has no bits to shift: multiply by a power of 2, or use // for a shift to the right"

_REFUSED = {
    "__bool__": _STEER,
    **dict.fromkeys(("__int__", "__float__", "__complex__", "__index__", "__bytes__"), _NUMBER),
    **dict.fromkeys(("__iter__", "__next__", "__reversed__"), _LOOP),
    "__contains__": _UNKNOWN + "cg.any(x == value) says whether it is among them",
    "__array__": _UNKNOWN + "NumPy cannot make an array of them; use functions of catgrad",
    "__getitem__": "{x} cannot be indexed: cg.one_hot(i, n) @ x takes rows, cg.expand_dims and cg.squeeze add and "
    "remove axes of extent 1, cg.reshape and cg.permute_dims change the others",
    **dict.fromkeys(
        ("__setitem__", "__delitem__"),
        "{x} cannot be changed: cg.where(mask, new, x) is a value with other elements",
    ),
    "__len__": "{x} has no len: its extents are x.shape, and x.shape[0] may be a symbol",
    "__call__": "{x} is no function",
    **dict.fromkeys(("__enter__", "__exit__"), "{x} is no context manager, and needs none: use it as it is"),
    **dict.fromkeys(("__aenter__", "__aexit__"), "{x} is no context manager, and needs none: use it as it is"),
    **dict.fromkeys(("__await__", "__aiter__", "__anext__"), "{x} cannot be waited for: tracing is not asynchronous"),
    "__round__": "round is for Python numbers: write cg.round(x)",
    "__floor__": "math.floor is for Python numbers: write cg.floor(x)",
    "__ceil__": "math.ceil is for Python numbers: write cg.ceil(x)",
    "__trunc__": "math.trunc is for Python numbers: write cg.trunc(x)",
    **dict.fromkeys(("__divmod__", "__rdivmod__"), "divmod is for Python numbers: write x // y and x % y"),
    **dict.fromkeys(("__lshift__", "__rlshift__", "__rshift__", "__rrshift__"), _SHIFT),
    "__reduce_ex__": "{x} exists while its function is traced, and cannot be saved: return it as a result",
}

_OPERATORS: dict[Any, Callable[..., Any]] = {
    **{
        getattr(np, op.__name__): op
        for op in (
            *(ops.add, ops.subtract, ops.multiply, ops.divide, ops.floor_divide, ops.remainder, ops.matmul),
            *(ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal),
        )
    },
    np.power: ops.pow,
    np.bitwise_and: ops.logical_and,
    np.bitwise_or: ops.logical_or,
    np.bitwise_xor: ops.logical_xor,
}
"""What NumPy makes of an operator whose left side is an array."""

_NAMESAKES = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "dot": "matmul",
    "rint": "round",
    "transpose": "permute_dims",
}
"""Functions of NumPy that have another name here."""

_FUNCTIONS = {*ops.OPS, *functions.__all__, "expand_dims", "matmul", "squeeze"} - {"call", "copy"}
"""The functions of values that users write as `cg.name(x)`."""


class Refusals:
    """The part of a traced value that is what it cannot do."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any) -> Any:
        """Apply an operator with an array on its left, and refuse all else."""
        if ufunc in _OPERATORS and any(out is operands[0] for out in options.get("out", ())):
            raise CatgradError("an array cannot hold traced values: write a = a + x instead of a += x")
        if ufunc in _OPERATORS and method == "__call__" and not options:
            return _OPERATORS[ufunc](*operands)
        raise _refused(f"{ufunc.__name__}{'' if method == '__call__' else '.' + method}")

    def __array_function__(self, function: Callable[..., Any], *_: Any) -> NoReturn:
        """Refuse."""
        raise _refused(function.__name__, function.__module__)

    def __format__(self, spec: str) -> str:
        """Return the text, which has no format of its own."""
        if spec:
            raise CatgradError(_UNKNOWN.format(x=self) + f"they have no text in the format {spec!r}")
        return str(self)

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        advice = f"write cg.{name}(x)" if name in _FUNCTIONS else "use functions of catgrad"
        raise AttributeMissing(f"{self} has no attribute {name}: {advice}")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        """Refuse."""
        raise AttributeMissing(f"{self} has no attributes that can be set: keep {name} in a variable")


def _refused(name: str, module: str = "numpy") -> TypeCheckError:
    """Return the error for a function of NumPy."""
    own = _NAMESAKES.get(name, name)
    other = "write it with functions of catgrad, which docs/operations.md lists"
    advice = f"write cg.{own}" if own in _FUNCTIONS else other
    return TypeCheckError(f"{module}.{name} takes no traced values: {advice}")


def _refusal(message: str) -> Callable[..., NoReturn]:
    def refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
        raise TypeCheckError(message.format(x=self))

    return refuse


for _name, _message in _REFUSED.items():
    setattr(Refusals, _name, _refusal(_message))
