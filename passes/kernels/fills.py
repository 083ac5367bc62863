"""The pass that gives every operation its own place to begin from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir

from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named

__all__ = ["SeparateFills"]


@dataclass(frozen=True)
class SeparateFills(Pass):
    """Give each operation that writes into an empty or filled tensor one of its own, directly before it.

    Common subexpression elimination makes equal ones one. Bufferization would have to see that their users do not
    disturb each other, in more than linear time, and copies the filled buffer for each.
    """

    name: ClassVar[str] = "catgrad-separate-fills"

    def run(self, module: ir.Operation) -> None:
        """Clone every fill, and then every empty tensor, in front of its users."""
        for fill in named(module, "linalg.fill"):
            if fill.results and _starts_empty(fill):
                _separate(fill)
        for empty in named(module, "tensor.empty"):
            for use in list(empty.results[0].uses):
                with ir.InsertionPoint(use.owner):
                    use.owner.operation.operands[use.operand_number] = empty.clone().results[0]
            empty.erase()


def _starts_empty(fill: ir.Operation) -> bool:
    """Return whether `fill` fills a `tensor.empty`."""
    init = fill.operands[1]
    return isinstance(init, ir.OpResult) and init.owner.operation.name == "tensor.empty"


def _separate(fill: ir.Operation) -> None:
    """Give the users of `fill` that write into it clones."""
    empty = fill.operands[1].owner.operation
    for use in list(fill.results[0].uses):
        user = use.owner.operation
        if _is_init(user, use.operand_number):
            with ir.InsertionPoint(user):
                clone = fill.clone()
            with ir.InsertionPoint(clone):
                clone.operands[1] = empty.clone().results[0]
            user.operands[use.operand_number] = clone.results[0]
    for op in (fill, empty):
        if not list(op.results[0].uses):
            op.erase()


def _is_init(user: ir.Operation, number: int) -> bool:
    """Return whether operand `number` of `user` is what it accumulates into."""
    return user.name.startswith("linalg.") and number >= len(user.operands) - len(user.results)
