"""JSON text that is not trusted: how much it may say is decided before anything is made of it."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["loads"]

MOST_VALUES = 4_000_000
"""How many values a text may have: half a gigabyte of Python objects at most."""


def loads(text: str | bytes) -> Any:
    """Return what JSON text says.

    Raises:
        ValueError: It is no JSON, has more than `MOST_VALUES` values, or is nested too deep for Python.

    Example:
        >>> loads('{"B": [1, 2]}')
        {'B': [1, 2]}
    """
    if not isinstance(text, str | bytes):
        raise ValueError(f"expected text, got {type(text).__name__}")
    try:
        text = text.decode() if isinstance(text, bytes) else text
        count = sum(map(text.count, "[{,"))
        if count > MOST_VALUES:
            raise ValueError(f"a text of {count:,} values is too long: at most {MOST_VALUES:,} are read")
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"nested too deeply: {error}") from None
