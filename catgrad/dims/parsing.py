"""Extents as text: what `str` writes is read back."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catgrad.dims.expression import CALLS, FUNCTIONS, Extent, Symbol, dim
from catgrad.errors import CatgradError

__all__ = ["parse", "parse_shape"]


def parse(text: str, known: Iterable[Symbol] = ()) -> Extent:
    """Read the extent that `str` wrote: `parse(str(e), symbols(e)) == e`.

    Args:
        text: Integers, names, `+ - * // %`, and `floordiv`, `mod`, `min`, `max` of such.
        known: Symbols that are not plain; every other name becomes a symbol without facts.

    Raises:
        CatgradError: If the text is anything else.

    Example:
        >>> parse("2*B*S + min(B, 128)")
        2*B*S + min(B, 128)
    """
    shape = parse_shape(text, known)
    if len(shape) != 1:
        raise CatgradError(f"expected one dimension, got {text!r}")
    return shape[0]


def parse_shape(text: str, known: Iterable[Symbol] = ()) -> tuple[Extent, ...]:
    """Read extents separated by commas; none from an empty text. See `parse`."""
    if not text.strip():
        return ()
    if len(text) > _LONGEST_TEXT:
        raise CatgradError(f"a dimension of {len(text)} characters is too long")
    reader = _Reader(text, {symbol.name: symbol for symbol in known})
    try:
        return reader.shape(ast.parse(f"({text},)", mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise reader.error() from None


_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
}

_LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class _Reader:
    """Reads the expressions of `text`, an untrusted input."""

    text: str
    known: Mapping[str, Symbol]

    def shape(self, node: ast.expr) -> tuple[Extent, ...]:
        if not isinstance(node, ast.Tuple):
            raise self.error()
        return tuple(map(self.read, node.elts))

    def read(self, node: ast.expr) -> Extent:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.Name):
            return self.known[node.id] if node.id in self.known else dim(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.read(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return FUNCTIONS[_OPERATORS[type(node.op)]](self.read(node.left), self.read(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.call(node.func.id, node)
        raise self.error()

    def call(self, function: str, node: ast.Call) -> Extent:
        if function not in CALLS or node.keywords or not node.args:
            raise self.error()
        if function in ("floordiv", "mod") and len(node.args) != 2:
            raise self.error()
        return FUNCTIONS[function](*map(self.read, node.args))

    def error(self) -> CatgradError:
        return CatgradError(f"{self.text!r} is not a dimension: expected integers, names, + - * // %, min and max")
