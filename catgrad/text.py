"""Text that came from elsewhere: a name in a file, a word that a user typed."""

from __future__ import annotations

__all__ = ["is_unicode", "printable"]


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
