"""Runs the stages of a pipeline, checks what each leaves behind, and makes failures reproducible."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from mlir import ir
from mlir.passmanager import PassManager

from catgrad.errors import CompileError
from catgrad.location import Location
from catgrad.native import checkpoint
from catgrad.passes.base import DiagnosticError, Pass, Stage
from catgrad.passes.legality import Legal
from catgrad.passes.options import text

__all__ = ["Report", "run"]


@dataclass
class Report:
    """Durations of the stages.

    Attributes:
        seconds: Time by stage name, in order.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The time of all stages, in seconds."""
        return sum(self.seconds.values())


def run(module: ir.Module, stages: Sequence[Stage], after: Callable[[Stage, ir.Module], None] | None = None) -> Report:
    """Run `stages` on `module` in place.

    Args:
        module: What to compile; verified after every pass.
        stages: What to do.
        after: Called with each stage and the module once the stage is done and what it left is legal.

    Returns:
        The time each stage took.

    Raises:
        CompileError: A pass failed or left what is not legal. The message has the diagnostics, and the `catgrad-opt`
            command line that repeats the failure on a file written for it.
    """
    report = Report()
    for stage in stages:
        before = module.operation.clone()
        started = perf_counter()
        _run_stage(module, stage, before)
        report.seconds[stage.name] = perf_counter() - started
        if after is not None:
            after(stage, module)
    return report


def _run_stage(module: ir.Module, stage: Stage, before: ir.Operation) -> None:
    """Run one stage; on failure raise `CompileError` with a way to repeat it on `before`."""
    with _diagnostics(module.context) as messages:
        try:
            for item in stage.passes:
                checkpoint()
                _run_pass(module, item)
            Legal.after(stage).run(module.operation)
        except DiagnosticError as error:
            error.location.emit_error(error.message)
            raise CompileError(_explain(stage, messages, before), _place(error.location)) from error
        except ir.MLIRError as error:
            messages.extend(_line(diagnostic) for diagnostic in error.error_diagnostics if not messages)
            raise CompileError(_explain(stage, messages or [str(error)], before)) from error


def _run_pass(module: ir.Module, item: Pass | str) -> None:
    """Run a Python pass, or an upstream pipeline given as text, and verify what it leaves."""
    with module.context, ir.Location.unknown():
        if isinstance(item, str):
            PassManager.parse(_pipeline([item])).run(module.operation)
        else:
            item.run(module.operation)
            module.operation.verify()


@contextmanager
def _diagnostics(context: ir.Context) -> Iterator[list[str]]:
    """Collect the diagnostics of MLIR as lines while the body runs."""
    messages: list[str] = []

    def collect(diagnostic: ir.Diagnostic) -> bool:
        messages.extend(_line(each) for each in (diagnostic, *diagnostic.notes))
        return True

    # An error that a pass emits and survives would otherwise abort the process.
    shown, context.emit_error_diagnostics = context.emit_error_diagnostics, True
    handler = context.attach_diagnostic_handler(collect)
    try:
        yield messages
    finally:
        handler.detach()
        context.emit_error_diagnostics = shown


def _line(diagnostic: ir.Diagnostic | ir.DiagnosticInfo) -> str:
    """Return a diagnostic as `location: severity: message`."""
    return f"{diagnostic.location}: {diagnostic.severity.name.lower()}: {diagnostic.message}"


def _explain(stage: Stage, messages: Sequence[str], before: ir.Operation) -> str:
    """Return what went wrong and how to repeat it; writes `before` to a file."""
    descriptor, path = tempfile.mkstemp(prefix=f"catgrad-{stage.name}-", suffix=".mlir")
    with os.fdopen(descriptor, "w") as file:
        file.write(before.get_asm(enable_debug_info=True))
    command = f"catgrad-opt {path} --pass-pipeline={shlex.quote(_pipeline(stage.passes))}"
    return "\n".join([f"stage {stage.name} failed", *messages, "to repeat the failure:", f"  {command}"])


def _pipeline(passes: Sequence[Pass | str]) -> str:
    """Return `passes` as one textual pipeline."""
    return f"builtin.module({','.join(item if isinstance(item, str) else _named(item) for item in passes)})"


def _named(item: Pass) -> str:
    """Return the text that stands for a pass and its options."""
    options = text(item)
    return f"{item.name}{{{options}}}" if options else item.name


def _place(location: ir.Location) -> Location | None:
    """Return the place in a file that `location` stands for, if any."""
    while not location.is_a_file():
        if location.is_a_name():
            location = location.child_loc
        elif location.is_a_callsite():
            location = location.callee
        else:
            return None
    return Location(location.filename, location.start_line, location.start_col)
