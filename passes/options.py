"""The text form of pass options: `tile-size=8 fuse=false` is `Tiling(tile_size=8, fuse=False)`.

The syntax is MLIR's: `name=value` pairs between spaces; a value with spaces is quoted or in braces; a name alone stands
for `name=true`. A field `tile_size: int = 8` of a frozen dataclass is the option `tile-size`; its type says which
values are good.

Example:
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Tiling:
    ...     sizes: tuple[int, ...] = ()
    ...     fuse: bool = True
    >>> construct(Tiling, parse("sizes=4,8 fuse=false"))
    Tiling(sizes=(4, 8), fuse=False)
    >>> text(Tiling((4, 8)))
    'sizes=4,8 fuse=true'
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["Option", "OptionError", "construct", "options", "parse", "text"]

T = TypeVar("T")

_OPTION = re.compile(r"""\s*([A-Za-z][\w.-]*)(?:=('[^']*'|"[^"]*"|\{[^{}]*\}|[^\s'"{}]*))?(?=\s|$)""")
_PLAIN = re.compile(r"""[^\s'"{}]+""")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


class OptionError(ValueError):
    """Options were given that do not exist, or values that do not fit; the message says which would."""


@dataclass(frozen=True)
class Kind:
    """The values an option can take.

    Attributes:
        name: What help and errors call them: "int", "fast|slow", "int,...".
        read: The value of a text; raises `ValueError` if it has none.
    """

    name: str
    read: Callable[[str], object]


@dataclass(frozen=True)
class Option:
    """One option of a pass, for help.

    Attributes:
        name: The name on the command line.
        kind: The values it can take.
        default: The text of its default, or None where a value must be given.
        field: The dataclass field it sets.
    """

    name: str
    kind: Kind
    default: str | None
    field: Field[Any]


def options(cls: type) -> tuple[Option, ...]:
    """Return the options of a dataclass; raise `TypeError` at a field whose values have no text form."""
    hints = get_type_hints(cls)
    return tuple(
        Option(field.name.replace("_", "-"), _kind(hints[field.name]), _default(field), field) for field in fields(cls)
    )


def parse(source: str) -> dict[str, str]:
    """Return the values in `source` by option name; raise `OptionError` where it is malformed."""
    values: dict[str, str] = {}
    position, end = 0, len(source.rstrip())
    while position < end:
        match = _OPTION.match(source, position)
        if match is None:
            raise OptionError(f"expected 'name=value' at {source[position:].strip()!r}")
        name, value = match.groups()
        if name in values:
            raise OptionError(f"option {name!r} is given twice")
        values[name] = "true" if value is None else _unquoted(value)
        position = match.end()
    return values


def construct(cls: type[T], values: Mapping[str, str]) -> T:
    """Return the instance of dataclass `cls` whose fields have the values that the texts stand for.

    Raises:
        OptionError: An option that `cls` does not have, a bad value, or a missing one.
    """
    known = {option.name: option for option in options(cls)}
    for name in values:
        if name not in known:
            raise OptionError(f"unknown option {name!r}: expected {_alternatives(known)}")
    for name, option in known.items():
        if option.default is None and name not in values:
            raise OptionError(f"option {name!r} must be given")
    return cls(**{known[name].field.name: _read(known[name], value) for name, value in values.items()})


def text(instance: Any) -> str:
    """Return the options that construct `instance`, in the order of its fields; a field that is None needs none."""
    values = ((option.name, getattr(instance, option.field.name)) for option in options(type(instance)))
    return " ".join(f"{name}={_quoted(_written(value))}" for name, value in values if value is not None)


def _read(option: Option, value: str) -> object:
    """Return the value that `value` stands for."""
    try:
        return option.kind.read(value)
    except OptionError:
        raise
    except ValueError as error:
        raise OptionError(f"option {option.name!r} expects {option.kind.name}, not {value!r}") from error


def _kind(hint: Any) -> Kind:
    """Return the values that a field annotated with `hint` can take."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if origin is Literal:
        return _choice({str(value): value for value in arguments})
    if origin is tuple and arguments[1:] == (...,):
        return _sequence(_kind(arguments[0]))
    if origin in {Union, types.UnionType}:
        return _kind(next(argument for argument in arguments if argument is not type(None)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choice({str(member.value): member for member in hint})
    if hasattr(hint, "named"):
        return _named(hint)
    raise TypeError(f"a pass option cannot be {hint}: no text stands for its values")


def _choice(values: Mapping[str, object]) -> Kind:
    """Return the kind whose texts are the keys of `values`."""

    def read(source: str) -> object:
        if source not in values:
            raise ValueError(source)
        return values[source]

    return Kind("|".join(values), read)


def _sequence(item: Kind) -> Kind:
    """Return the kind of tuples, written with commas between the items."""
    return Kind(f"{item.name},...", lambda source: tuple(item.read(part) for part in source.split(",") if part))


def _named(cls: Any) -> Kind:
    """Return the values of a class whose static method `named` finds them by name, as `Machine.named` does."""

    def read(source: str) -> object:
        try:
            return cls.named(source)
        except ValueError as error:
            raise OptionError(str(error)) from error

    return Kind(cls.__name__.lower(), read)


def _truth(source: str) -> bool:
    if source.lower() not in _TRUTH:
        raise ValueError(source)
    return _TRUTH[source.lower()]


_SCALARS: dict[Any, Kind] = {
    bool: Kind("bool", _truth),
    int: Kind("int", lambda source: int(source, 0)),
    float: Kind("float", float),
    str: Kind("string", str),
}


def _default(field: Field[Any]) -> str | None:
    """Return the text of a field's default: empty for None, and None where there is no default."""
    default = field.default if field.default_factory is MISSING else field.default_factory()
    if default is MISSING:
        return None
    return "" if default is None else _written(default)


def _written(value: object) -> str:
    """Return the text that stands for one value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(_written, value))
    return str(value.value if isinstance(value, Enum) else value)


def _unquoted(value: str) -> str:
    """Return `value` without the quotes or braces around it."""
    return value[1:-1] if value[:1] in {"'", '"', "{"} else value


def _quoted(value: str) -> str:
    """Return `value` with quotes around it if it needs them."""
    if not value or _PLAIN.fullmatch(value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def _alternatives(known: Mapping[str, Option]) -> str:
    return f"one of {', '.join(known)}" if known else "none"
