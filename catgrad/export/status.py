"""Status codes that the functions of a library return."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Status"]


class Status(IntEnum):
    """Status that an entry returns."""

    OK = 0
    DIMENSION = 1
    NULL = 2
    ALIGNMENT = 3
    WORKSPACE = 4
    PROCESSOR = 5

    @property
    def text(self) -> str:
        """Its meaning."""
        return _TEXTS[self]


_TEXTS = {
    Status.OK: "success",
    Status.DIMENSION: "a dimension is out of its range, or makes an array too large",
    Status.NULL: "an array or a struct is NULL",
    Status.ALIGNMENT: "an array is not aligned to its elements",
    Status.WORKSPACE: "the workspace is NULL or too small",
    Status.PROCESSOR: "this processor lacks instructions that the library uses",
}
