"""Slices: the operations that an index depends on, copied to where it is needed.

Reference: Weiser, "Program slicing" (1984).
"""

from __future__ import annotations

from mlir import ir

from catgrad.passes.base import DiagnosticError

__all__ = ["EFFECT_FREE", "copy_slice"]

_VIEWS = ("cast", "collapse_shape", "dim", "expand_shape", "reinterpret_cast", "subview", "view")
EFFECT_FREE = ("arith.", "affine.", *(f"memref.{name}" for name in _VIEWS))
"""How the operations begin that may be copied: they have no effect, and read no memory."""


def copy_slice(value: ir.Value, known: dict[ir.Value, ir.Value]) -> ir.Value:
    """Return `value`, computed at the insertion point.

    Args:
        value: An index, or a memref of which only the extents matter.
        known: What takes the place of values there; extended by what is copied.

    Raises:
        DiagnosticError: It depends on memory, or on an argument of a block that is not known.
    """
    todo = [value]
    while todo:
        op = _definition(todo[-1], known)
        missing = [operand for operand in op.operands if operand not in known] if op else []
        if missing:
            todo += missing
            continue
        todo.pop()
        if op:
            copy = op.clone()
            for position, operand in enumerate(op.operands):
                copy.operands[position] = known[operand]
            known.update(zip(op.results, copy.results, strict=True))
    return known[value]


def _definition(value: ir.Value, known: dict[ir.Value, ir.Value]) -> ir.Operation | None:
    """Return the operation to copy for `value`, or None if it is known."""
    if value in known:
        return None
    if not isinstance(value, ir.OpResult):
        raise DiagnosticError(value.location, "the size of a buffer depends on a loop")
    op = value.owner.operation
    if not op.name.startswith(EFFECT_FREE) or op.regions:
        raise DiagnosticError(op.location, f"the size of a buffer depends on {op.name}")
    return op
