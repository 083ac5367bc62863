"""The errors that catgrad raises on purpose: one family, so that one `except` catches them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from catgrad.location import Location, caller, passed
from catgrad.text import printable

__all__ = ["ArgumentError", "CatgradError", "CompileError", "DeviceError", "RegistryError", "TypeCheckError", "located"]


class CatgradError(Exception):
    """Something was asked of catgrad that it cannot do; the message says what, and where in the user's code.

    Args:
        message: What was expected and what was given; control characters in it are escaped.
        location: The line of the user's program that caused it, shown under the message.
    """

    def __init__(self, message: str, location: Location | None = None) -> None:
        message = printable(message)
        super().__init__(message if location is None else f"{message}\n{location.excerpt()}")
        self.message = message
        self.location = location

    def locate(self, location: Location | None) -> None:
        """Show the error at `location`, if it has no place of its own."""
        if self.location is None and location is not None:
            self.location = location
            self.args = (f"{self.message}\n{location.excerpt()}",)


class TypeCheckError(CatgradError, TypeError):
    """An operation was applied to types that its typing rule rejects, or a declared type is not the inferred one."""


class ArgumentError(CatgradError, ValueError):
    """An executable was called with arrays that do not fit its signature; no native code has run."""


class CompileError(CatgradError, RuntimeError):
    """A pass or the code generator failed; the message names the file that reproduces it."""


class DeviceError(CatgradError, RuntimeError):
    """A device has failed, or refused something; the message names the kernel, where one is to blame."""


class RegistryError(CatgradError, LookupError):
    """A rule is registered twice, or asked for and missing; the message names the file to edit."""


@contextmanager
def located() -> Iterator[None]:
    """Show the errors of a block at the user's line that led to them, where they have no place of their own."""
    try:
        yield
    except CatgradError as error:
        error.locate(passed(error) or caller())
        raise
