"""Passes to test the driver with: each does one thing that a pass can do."""

import os
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Literal

from mlir import ir
from mlir.passmanager import PassManager

from catgrad.errors import CatgradError
from catgrad.passes.base import DiagnosticError, Pass, Pipeline, Stage


class Side(Enum):
    """A choice between members of an enumeration."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Count(Pass):
    """Count the operations of a module.

    The count becomes the attribute "test.count", and the options "test.options".

    Attributes:
        start: Where to start
            counting.
        label: Any text.
    """

    name: ClassVar[str] = "test-count"
    start: int = 0
    label: str = ""
    scale: float = 1.5
    exact: bool = True
    sizes: tuple[int, ...] = (1, 2)
    order: Literal["pre", "post"] = "pre"
    side: Side = Side.LEFT
    limit: int | None = None

    def run(self, module: ir.Operation) -> None:
        """Count."""
        total = self.start

        def visit(_: ir.Operation) -> ir.WalkResult:
            nonlocal total
            total += 1
            return ir.WalkResult.ADVANCE

        module.walk(visit)
        module.attributes["test.count"] = ir.IntegerAttr.get(ir.IndexType.get(), total)
        module.attributes["test.options"] = ir.StringAttr.get(repr(self))


@dataclass(frozen=True)
class Reject(Pass):
    """Report an error at each operation of one name."""

    name: ClassVar[str] = "test-reject"
    operation: str

    def run(self, module: ir.Operation) -> None:
        """Find the operation and reject it."""
        found = []

        def visit(operation: ir.Operation) -> ir.WalkResult:
            if operation.name == self.operation:
                found.append(operation.location)
            return ir.WalkResult.ADVANCE

        module.walk(visit)
        if found:
            raise DiagnosticError(found[0], f"{self.operation} is rejected")


@dataclass(frozen=True)
class Raise(Pass):
    """Raise an exception: one that is meant for users, or one that is a mistake in the pass."""

    name: ClassVar[str] = "test-raise"
    expected: bool = False

    def run(self, module: ir.Operation) -> None:
        """Raise."""
        raise CatgradError("nothing fits") if self.expected else KeyError("missing")


@dataclass(frozen=True)
class Break(Pass):
    """Make the module invalid: remove the terminator of each function."""

    name: ClassVar[str] = "test-break"

    def run(self, module: ir.Operation) -> None:
        """Remove the terminators."""
        for function in module.regions[0].blocks[0].operations:
            list(function.regions[0].blocks[0].operations)[-1].operation.erase()


@dataclass(frozen=True)
class Nested(Pass):
    """Run passes of MLIR's."""

    name: ClassVar[str] = "test-nested"

    def run(self, module: ir.Operation) -> None:
        """Run them."""
        PassManager.parse("builtin.module(func.func(cse))").run(module)


@dataclass(frozen=True)
class Abort(Pass):
    """End the process as a failed assertion does."""

    name: ClassVar[str] = "test-abort"

    def run(self, module: ir.Operation) -> None:
        """End the process."""
        os.abort()


@dataclass(frozen=True)
class Simplify(Pipeline):
    """Simplify, count, simplify.

    Attributes:
        start: Where to start counting.
    """

    name: ClassVar[str] = "test-pipeline"
    start: int = 100

    def stages(self) -> tuple[Stage, ...]:
        """Return two stages."""
        if self.start < 0:
            raise CatgradError("counting starts at 0")
        return (
            Stage("first", ("func.func(cse)", Count(start=self.start)), frozenset({"builtin", "func", "arith"})),
            Stage("second", ("canonicalize,cse",), frozenset({"builtin", "func", "arith"})),
        )
