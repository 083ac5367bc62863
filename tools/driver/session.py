"""One run of `catgrad-opt`: read, and for each chunk parse, run the passes, check, print."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlir import ir

from catgrad import dialect
from catgrad.passes.registry import Registry
from catgrad.passes.verify import Verify
from catgrad.tools.driver import assembly, output, schedule
from catgrad.tools.driver.arguments import CommandLine, Settings
from catgrad.tools.driver.errors import UsageError
from catgrad.tools.driver.execute import Task, prepare
from catgrad.tools.driver.pipeline import Element
from catgrad.tools.driver.reporter import Reporter
from catgrad.tools.driver.reproducer import Reproducer, pipeline_of
from catgrad.tools.driver.source import Chunk, Source
from catgrad.tools.driver.timing import Timer

__all__ = ["Watch", "run"]

Watch = Callable[[str], None]
"""Is told what is about to be done, so that a message about a crash can say it."""

_UNEXPLAINED = 'cannot be parsed; operations of catgrad have the generic form "catgrad.exp"(%x) : (...) -> ...'
"""MLIR refuses any other form of our operations without a reason."""

_CUSTOM_FORM = re.compile(r'(?<!["@\w.])catgrad\.\w+\b(?!")(?=\s*[%({])')


@dataclass(frozen=True)
class Session:
    """Session: what the chunks of one run share.

    Attributes:
        settings: The options.
        source: The input.
        plan: The steps of the pipeline.
        reproducer: What a failure leaves behind.
        timer: Where the time goes.
        watch: Is told about each phase.
    """

    settings: Settings
    source: Source
    plan: tuple[schedule.Step, ...]
    reproducer: Reproducer
    timer: Timer
    watch: Watch


def run(line: CommandLine, registry: Registry, watch: Watch) -> int:
    """Carry out what `line` asks for and return the exit code; raise `DriverError` if there is nothing to carry out."""
    settings = line.settings
    session = _session(line, registry, watch)
    if settings.dump_pass_pipeline:
        print(schedule.text(session.plan), file=sys.stderr)
    results = [ChunkRun(session, chunk).process() for chunk in session.source.chunks(settings.split_input_file)]
    succeeded = all(result.succeeded for result in results)
    if succeeded or settings.output == "-":
        output.write(settings.output, [result.output for result in results])
    if settings.mlir_timing:
        print(session.timer.report(), file=sys.stderr)
    return 0 if succeeded else 1


@dataclass(frozen=True)
class Result:
    """Outcome of a chunk.

    Attributes:
        succeeded: Whether all went as it should.
        output: The resulting module; None if a pass failed.
    """

    succeeded: bool
    output: str | bytes | None


class ChunkRun:
    """The processing of one chunk, in a context of its own."""

    def __init__(self, session: Session, chunk: Chunk) -> None:
        self.session = session
        self.settings = session.settings
        self.chunk = chunk
        self.reporter = Reporter(session.source, keep=session.settings.verify_diagnostics is not None)

    def process(self) -> Result:
        """Run the pipeline on the chunk, and compare the diagnostics if that is asked for."""
        context = _context(self.settings)
        with context, ir.Location.unknown(), context.attach_diagnostic_handler(self.reporter.receive):
            module = self.output()
        which = self.settings.verify_diagnostics
        if which is None:
            return Result(module is not None, module)
        text = self.chunk.content if isinstance(self.chunk.content, str) else ""
        return Result(self.reporter.compare(text, only_expected=which == "only-expected"), module)

    def output(self) -> str | bytes | None:
        """Parse the chunk, run the passes and print; return None after a failure, which has been reported."""
        tasks = [prepare(step, self.settings) for step in self.session.plan]
        module = self.parse()
        if module is None or not self.transform(module.operation, tasks):
            return None
        self.session.watch("printing the module")
        with self.session.timer.measure("Output"):
            return assembly.printed(module.operation, self.settings)

    def parse(self) -> ir.Module | None:
        """Return the module that the chunk describes, if it is well-formed and well-typed."""
        self.session.watch("parsing the input")
        with self.session.timer.measure("Parser"):
            try:
                module = assembly.parse(self.chunk.content, self.session.source.name)
                if assembly.uses(module.operation, "catgrad"):
                    prepare(schedule.Step(Verify()), Settings()).run(module.operation)
                return module
            except ir.MLIRError:
                self.reporter.explain(_UNEXPLAINED, *self._custom_form())
                return None

    def _custom_form(self) -> tuple[int, int]:
        """Return line and column of the first operation of ours that is not in the generic form, or zeros."""
        content = self.chunk.content if isinstance(self.chunk.content, str) else ""
        for number, line in enumerate(content.split("\n"), 1):
            found = _CUSTOM_FORM.search(line.partition("//")[0])
            if found:
                return number, found.start() + 1
        return 0, 0

    def transform(self, module: ir.Operation, tasks: Sequence[Task]) -> bool:
        """Run the passes; return whether they succeeded."""
        self.session.reproducer.begin(module)
        for task in tasks:
            self.session.watch(f"running the pass '{task.step.name}'")
            try:
                with self.session.timer.measure(task.step.name):
                    task.run(module)
            except ir.MLIRError:
                self.fail(task)
                return False
        self.session.reproducer.succeed()
        return True

    def fail(self, task: Task) -> None:
        """Report that a pass failed, if it has not been said, and what reproduces the failure."""
        self.reporter.explain(f"the pass '{task.step.name}' failed")
        hint = self.session.reproducer.fail()
        if hint is not None:
            print(f"catgrad-opt: note: {hint}", file=sys.stderr)


def _session(line: CommandLine, registry: Registry, watch: Watch) -> Session:
    """Read the input and make the plan."""
    settings = line.settings
    try:
        source = Source.read(line.input)
    except OSError as error:
        raise UsageError(f"cannot read '{line.input}': {error.strerror}") from error
    plan = tuple(schedule.steps(_elements(line, source), registry))
    kept = Reproducer(settings.mlir_pass_pipeline_crash_reproducer, schedule.text(plan), settings.verify_each)
    return Session(settings, source, plan, kept, Timer(), watch)


def _elements(line: CommandLine, source: Source) -> tuple[Element, ...]:
    """Return the pipeline that is asked for, wherever it is written."""
    pipeline = line.settings.pass_pipeline
    if line.settings.run_reproducer:
        pipeline = pipeline_of("\n".join(source.lines))
    return line.passes if pipeline is None else schedule.body(pipeline)


def _context(settings: Settings) -> ir.Context:
    """Return a new context that knows our dialect."""
    context = ir.Context()
    # Errors that nobody handles abort the process unless they are diagnostics.
    context.emit_error_diagnostics = True
    context.allow_unregistered_dialects = settings.allow_unregistered_dialect
    if settings.mlir_disable_threading or settings.prints_between_passes:
        context.enable_multithreading(False)
    dialect.load(context)
    return context
