"""Errors that end a run of `catgrad-opt` before it has a result."""

from __future__ import annotations

__all__ = ["DriverError", "PipelineError", "SourceError", "UsageError"]


class DriverError(Exception):
    """Ends the run with exit code 1; its text is what the user sees."""


class UsageError(DriverError):
    """The command line asks for something that does not exist, or cannot be done."""

    def __init__(self, message: str) -> None:
        super().__init__(f"catgrad-opt: error: {message}")


class PipelineError(UsageError):
    """A pipeline is malformed, or names what does not exist.

    Args:
        message: Why.
        source: The text of the pipeline, to show; empty where it adds nothing.
        position: Index into `source` where it goes wrong.
    """

    def __init__(self, message: str, source: str = "", position: int = 0) -> None:
        super().__init__(f"{message}\n  {source}\n  {' ' * position}^" if source else message)
        self.position = position


class SourceError(DriverError):
    """The input cannot be read as MLIR text or bytecode."""
