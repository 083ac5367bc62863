"""Reproducers: a module together with the pipeline that fails on it, in the form that `mlir-opt` writes and reads."""

from __future__ import annotations

import re
from pathlib import Path

from mlir import ir

from catgrad.tools.driver.errors import UsageError

__all__ = ["Reproducer", "pipeline_of"]

_TEMPLATE = """{module}
{{-#
  external_resources: {{
    mlir_reproducer: {{
      pipeline: {pipeline},
      disable_threading: false,
      verify_each: {verify_each}
    }}
  }}
#-}}
"""
_PIPELINE = re.compile(r'mlir_reproducer:\s*\{[^{}]*?pipeline:\s*("(?:[^"\\]|\\.)*")')


class Reproducer:
    """A file that exists during each run of a pipeline, and afterwards if one has failed.

    It is written in advance because a crash leaves no time for it. The first failure is the one that is kept.

    Args:
        path: The file; None for no file.
        pipeline: The pipeline as text.
        verify_each: Whether the module is verified after each pass.
    """

    def __init__(self, path: str | None, pipeline: str, verify_each: bool) -> None:
        self._path = None if path is None else Path(path)
        self._pipeline = pipeline
        self._verify_each = verify_each

    def begin(self, module: ir.Operation) -> None:
        """Write the file, before the pipeline runs on `module`; raise `UsageError` if that is impossible."""
        if self._path is None:
            return
        pipeline = str(ir.StringAttr.get(self._pipeline))
        verify_each = str(self._verify_each).lower()
        try:
            self._path.write_text(_TEMPLATE.format(module=module, pipeline=pipeline, verify_each=verify_each))
        except OSError as error:
            raise UsageError(f"cannot write the reproducer '{self._path}': {error.strerror}") from error

    def succeed(self) -> None:
        """Remove the file."""
        if self._path is not None:
            self._path.unlink()

    def fail(self) -> str | None:
        """Keep the file for good; return how to use it."""
        kept, self._path = self._path, None
        return None if kept is None else f"to reproduce the failure: catgrad-opt --run-reproducer {kept}"


def pipeline_of(reproducer: str) -> str:
    """Return the pipeline that is stored in a reproducer; raise `UsageError` if there is none."""
    match = _PIPELINE.search(reproducer)
    if match is None:
        raise UsageError("--run-reproducer: the input stores no pipeline")
    with ir.Context():
        return str(ir.StringAttr(ir.Attribute.parse(match[1])).value)
