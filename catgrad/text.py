"""Text that came from elsewhere: a name in a file, a word that a user typed."""

from __future__ import annotations

import re

__all__ = ["abridged", "brief", "is_unicode", "printable"]

_LONG = re.compile(r"'[^'\n]{400,}'|\S{400,}")
"""What is quoted, or a word, and longer than anybody reads."""


def abridged(text: str) -> str:
    """Return a message in which long words and quotations have an ellipsis in the middle.

    Example:
        >>> abridged("no model '" + "x" * 5000 + "', sorry") == "no model '" + "x" * 39 + "..." + "x" * 19 + "', sorry"
        True
    """
    return _LONG.sub(lambda found: f"{found[0][:40]}...{found[0][-20:]}", text)


def brief(value: object) -> str:
    """Return a value as Python writes it; of a long integer only how long it is.

    Example:
        >>> brief(7), brief(10**400)
        ('7', 'an integer of 1329 bits')
    """
    bits = value.bit_length() if isinstance(value, int) else 0
    return f"an integer of {bits} bits" if bits > 128 else repr(value)


def is_unicode(text: str) -> bool:
    """Return whether text has an encoding in UTF-8: a surrogate on its own has none.

    Example:
        >>> is_unicode("π"), is_unicode(chr(0xD800))
        (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """Return text with control characters escaped as Python writes them, so that a terminal obeys none of them.

    Ends of lines and tabs stay.

    Example:
        >>> printable(f"{chr(0x202E)} B × 3") == repr(chr(0x202E))[1:-1] + " B × 3"
        True
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
