"""Passes and pipelines: frozen data that the runner and `catgrad-opt` read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir

__all__ = ["DiagnosticError", "Pass", "Pipeline", "Stage"]


class DiagnosticError(Exception):
    """An operation cannot be processed: reported as an MLIR error at its location.

    Args:
        location: Where; usually the operation's own location.
        message: Why, without a full stop.
    """

    def __init__(self, location: ir.Location, message: str) -> None:
        super().__init__(message)
        self.location = location
        self.message = message


@dataclass(frozen=True)
class Pass(ABC):
    """A transformation of a module, with its options as dataclass fields.

    The IR is valid before and after `run`; in between it need not be. A subclass's docstring is its help text: the
    first line is the summary. Field `tile_size: int = 8` is the command-line option `tile-size=8`.
    """

    name: ClassVar[str]
    """Name on the command line, in kebab-case: "catgrad-to-linalg"."""

    @abstractmethod
    def run(self, module: ir.Operation) -> None:
        """Transform `module` (a `builtin.module`) in place; raise `DiagnosticError` where that is impossible."""


@dataclass(frozen=True)
class Stage:
    """A named stretch of a pipeline.

    Attributes:
        name: The name `Executable.ir` and `catgrad show --stage` know it by.
        passes: Python passes, and upstream pipelines as text ("canonicalize,func.func(cse)").
        legal_after: Dialect and operation names that may remain ("linalg", "func.call"); checked after the stage.
    """

    name: str
    passes: tuple[Pass | str, ...]
    legal_after: frozenset[str]


@dataclass(frozen=True)
class Pipeline(ABC):
    """A named sequence of stages: `catgrad-opt --NAME` runs it. Options and help are as those of a pass."""

    name: ClassVar[str]
    """Name on the command line, in kebab-case: "catgrad-cpu-pipeline"."""

    @abstractmethod
    def stages(self) -> tuple[Stage, ...]:
        """Return the stages; raise `CatgradError` where the options allow none."""
