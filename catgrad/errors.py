"""The errors that catgrad raises on purpose: one family, so that one `except` catches them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from catgrad.location import Location, caller, passed
from catgrad.text import printable
from catgrad.tracebacks import shorten

__all__ = [
    "ArgumentError",
    "AttributeMissing",
    "CatgradError",
    "CompileError",
    "DeviceError",
    "OutOfMemory",
    "RegistryError",
    "TypeCheckError",
    "located",
    "refuse_misfit",
]

P = ParamSpec("P")
R = TypeVar("R")


class CatgradError(Exception):
    """Something was asked of catgrad that it cannot do; the message says what, and where in the user's code.

    Args:
        message: What was expected and what was given; control characters in it are escaped.
        location: The line of the user's program that caused it, shown under the message.
    """

    def __init__(self, message: str, location: Location | None = None) -> None:
        self.message = self._own = printable(message)
        self.location = location
        super().__init__(self._shown())

    def locate(self, location: Location | None) -> None:
        """Show the error at `location`, if it has no place of its own."""
        if self.location is None and location is not None:
            self.location = location
            self.args = (self._shown(),)

    def blame(self, name: str) -> None:
        """Begin the message with the function that a user has called, the outermost of those that say so."""
        is_named = self._own.startswith((f"{name} ", f"{name}:"))
        self.message = self._own if is_named else f"{name}: {self._own}"
        self.args = (self._shown(),)

    def _shown(self) -> str:
        return self.message if self.location is None else f"{self.message}\n{self.location.excerpt()}"


class TypeCheckError(CatgradError, TypeError):
    """An operation was applied to types that its typing rule rejects, or a declared type is not the inferred one."""


class ArgumentError(CatgradError, ValueError):
    """An executable was called with arrays that do not fit its signature; no native code has run."""


class AttributeMissing(CatgradError, AttributeError):
    """The package, a traced value or a parameter has no such attribute."""


class OutOfMemory(CatgradError, MemoryError):
    """An array is larger than the memory that there is."""


class CompileError(CatgradError, RuntimeError):
    """A pass or the code generator failed; the message names the file that reproduces it."""


class DeviceError(CatgradError, RuntimeError):
    """A device has failed, or refused something; the message names the kernel, where one is to blame."""


class RegistryError(CatgradError, LookupError):
    """A rule is registered twice, or asked for and missing; the message names the file to edit."""


_INTENDED = CatgradError, MemoryError, OSError
"""Errors of what was asked of catgrad or of the system: where in catgrad they were raised says nothing of the cause."""


@dataclass(frozen=True)  # so that `catgrad.lang.environment` knows what decorated functions depend on
class ApiBoundary:
    """Context manager, and decorator of public functions; see `located`.

    Attributes:
        is_composite: Whether the functions name themselves in the errors of what they call.
    """

    is_composite: bool = False

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CatgradError):
            error.locate(passed(error) or caller())
        if error is not None:
            shorten(error, isinstance(error, _INTENDED))

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return a function with its body in such a block."""

        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                try:
                    return function(*args, **kwargs)
                except Exception as error:
                    refuse_misfit(error, function.__qualname__)
                    if self.is_composite and isinstance(error, CatgradError):
                        error.blame(function.__name__)
                    raise

        return wrapper


_BOUNDARY, _COMPOSITE = ApiBoundary(), ApiBoundary(is_composite=True)


def located(*, is_composite: bool = False) -> ApiBoundary:
    """Return a context manager and decorator of public functions, which shows errors as users should see them.

    Catgrad's own errors point at the user's line that led to them, where they have no place of their own, and all
    errors have short tracebacks (`catgrad.tracebacks`). A call with other arguments than the function has is a
    `TypeCheckError`.

    Args:
        is_composite: Whether a function calls others of values, and no code of users: errors of those name it, as in
            "softmax: max: axis 3 is out of range for rank 1".
    """
    return _COMPOSITE if is_composite else _BOUNDARY


def refuse_misfit(error: Exception, name: str) -> None:
    """Raise `TypeCheckError` if a call has failed because it has other arguments than the function.

    Args:
        error: What the call has raised, caught where the call is.
        name: What users call the function.
    """
    trace = error.__traceback__
    is_misfit = isinstance(error, TypeError) and not isinstance(error, CatgradError)
    if is_misfit and trace is not None and trace.tb_next is None:
        complaint = str(error).partition("() ")[2] or str(error)
        raise TypeCheckError(f"{name.removesuffix('.__init__')}: {complaint}") from None
