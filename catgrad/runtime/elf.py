"""Object files: the symbols that they take from elsewhere.

Reference: "System V Application Binary Interface", chapter 4 (object files).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["undefined"]

_SECTIONS, _COUNT = struct.Struct("<Q"), struct.Struct("<H")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMBOL_TABLE = 2


def undefined(code: bytes) -> frozenset[str]:
    """Return the symbols that an object file of 64 bits takes from elsewhere.

    Args:
        code: What LLVM has written.
    """
    found = (name for names, table in _symbol_tables(code) for name in _undefined(names, table))
    return frozenset(found)


def _symbol_tables(code: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the tables of symbols, each after its names."""
    (start,), (count,) = _SECTIONS.unpack_from(code, 0x28), _COUNT.unpack_from(code, 0x3C)
    headers = [_SECTION.unpack_from(code, start + i * _SECTION.size) for i in range(count)]
    contents = [code[header[4] : header[4] + header[5]] for header in headers]
    for header, content in zip(headers, contents, strict=True):
        if header[1] == _SYMBOL_TABLE:
            yield contents[header[6]], content


def _undefined(names: bytes, table: bytes) -> Iterator[str]:
    for name, _, _, section, _, _ in _SYMBOL.iter_unpack(table):
        if name and not section:
            yield names[name : names.index(b"\0", name)].decode()
