"""Underlying objects: the variable that an address is computed from."""

from __future__ import annotations

from mlir import ir

__all__ = ["escapes", "literal", "root_of"]

_TRANSPARENT = frozenset({"llvm.addrspacecast", "llvm.bitcast", "llvm.getelementptr"})
_VARIABLES = frozenset({"llvm.alloca", "llvm.mlir.addressof"})
_ENDS = {
    "llvm.icmp": {0, 1},
    "llvm.intr.lifetime.end": {0},
    "llvm.intr.lifetime.start": {0},
    "llvm.intr.masked.load": {0},
    "llvm.intr.masked.store": {1},
    "llvm.load": {0},
    "llvm.ptrtoint": {0},
    "llvm.store": {1},
}
"""Operations that use an address and hand it to no other, with the numbers of such operands."""


def root_of(value: ir.Value) -> ir.Value | None:
    """Return the variable that an address is computed from, where that is plain."""
    while isinstance(value, ir.OpResult) and value.owner.name in _TRANSPARENT:
        value = value.owner.operands[0]
    return value if isinstance(value, ir.OpResult) and value.owner.name in _VARIABLES else None


def escapes(value: ir.Value) -> bool:
    """Return whether `root_of` may be unable to say of an access that it is to the variable with this address."""
    for use in value.uses:
        name = use.owner.operation.name
        if name in _TRANSPARENT:
            if escapes(use.owner.operation.results[0]):
                return True
        elif use.operand_number not in _ENDS.get(name, set()):
            return True
    return False


def literal(value: ir.Value) -> int | None:
    """Return the number that an SSA value is, where it is a constant."""
    owner = value.owner
    if isinstance(owner, ir.Block) or owner.name != "llvm.mlir.constant":
        return None
    attribute = owner.attributes["value"]
    return attribute.value if isinstance(attribute, ir.IntegerAttr) else None
