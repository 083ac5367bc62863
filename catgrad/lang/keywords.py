"""Keyword arguments: each takes its place among the positional ones, if it has one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catgrad.errors import TypeCheckError

__all__ = ["Keywords", "apply", "bind", "split"]


_ANYTHING = inspect.signature(lambda *arguments, **named: None)


@dataclass(frozen=True)
class Keywords:
    """The last argument of a call that has keyword-only arguments, or some behind a default: these, by name."""

    values: dict[str, Any]

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.values.items())


def bind(function: Any, name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the arguments of a call by position, and `Keywords` behind them where some have no position.

    Defaults are left out: they are Python values.

    Args:
        function: What is called.
        name: What users call it.
        arguments: Its positional arguments.
        named: Its keyword arguments.

    Raises:
        TypeCheckError: They do not fit the signature of the function.

    Example:
        >>> bind(lambda x, y, *, k: x, "f", (1,), {"k": 3, "y": 2})
        (1, 2, Keywords(values={'k': 3}))
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins have none
        signature = _ANYTHING
    try:
        bound = signature.bind(*arguments, **named)
    except TypeError as error:
        raise TypeCheckError(f"{name}: {error}") from None
    rest = bound.kwargs
    return (*bound.args, *([Keywords({key: rest[key] for key in sorted(rest)})] if rest else []))


def split(arguments: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional and keyword arguments, given what `bind` returned.

    Example:
        >>> split((1, 2, Keywords({"k": 3}))), split((1, 2))
        (((1, 2), {'k': 3}), ((1, 2), {}))
    """
    *others, last = arguments or [None]
    return (tuple(others), last.values) if isinstance(last, Keywords) else (tuple(arguments), {})


def apply(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """Call a function with what `bind` returned."""
    places, named = split(arguments)
    return function(*places, **named)
