"""A lit format that runs each test in a fork of the lit worker, where MLIR is loaded already.

A RUN line is a pipe of the tools in `TOOLS`, each with or without `not` before it and `2>&1` behind it:

    // RUN: %catgrad-opt %s --cse | %filecheck %s
    // RUN: not %catgrad-opt %s --nope 2>&1 | %filecheck %s --check-prefix=ERROR

A test with any other RUN line is left to lit's shell, which starts a process for each tool; so are all tests if the
environment variable CATGRAD_LIT_EXTERNAL is 1. A fork that dies, even of a failed assertion of MLIR's, fails only its
own test.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import IO, Any, NoReturn

import lit.Test
from filecheck.main import main as filecheck_main
from lit import TestRunner
from lit.formats import ShTest
from lit.ShCommands import Command, Pipeline
from lit.ShUtil import ShParser

from catgrad.tools.catgrad_opt import main as catgrad_opt_main

__all__ = ["SUBSTITUTIONS", "InProcess"]

_EXTERNAL = "CATGRAD_LIT_EXTERNAL"
_MERGED = [((">&", 2), "1")]
"""How lit's parser describes `2>&1`."""


def _filecheck(arguments: Sequence[str]) -> None:
    """Run filecheck."""
    filecheck_main(["filecheck", *arguments])


def _python(arguments: Sequence[str]) -> None:
    """Run a Python script as `python` would."""
    sys.argv = list(arguments)
    runpy.run_path(arguments[0], run_name="__main__")


@dataclass(frozen=True)
class Tool:
    """A program that can run in this process.

    Attributes:
        command: The words that start it in a process of its own.
        run: Runs it on arguments; returns its exit code, or raises `SystemExit`.
    """

    command: tuple[str, ...]
    run: Callable[[Sequence[str]], int | None]


TOOLS = {
    "%catgrad-opt": Tool((sys.executable, "-m", "catgrad.tools.catgrad_opt"), catgrad_opt_main),
    "%filecheck": Tool((sys.executable, "-m", "filecheck"), _filecheck),
    "%python": Tool((sys.executable,), _python),
}
"""The known tools by the names that tests use; a command that begins another's comes after it."""

SUBSTITUTIONS = [(name, shlex.join(tool.command)) for name, tool in TOOLS.items()]
"""What lit's configuration replaces those names by."""


@dataclass(frozen=True)
class Call:
    """A tool in a pipe.

    Attributes:
        words: The command as it was written.
        tool: The program.
        arguments: Its arguments.
        negated: Whether it is expected to fail.
        merged: Whether its messages go where its output goes.
    """

    words: tuple[str, ...]
    tool: Tool
    arguments: tuple[str, ...]
    negated: bool
    merged: bool

    def accepts(self, code: int) -> bool:
        """Return whether the exit code is as expected."""
        return (code != 0) == self.negated


@dataclass(frozen=True)
class _Surroundings:
    """Environment of the tools of a test.

    Attributes:
        folder: The working directory.
        environment: The environment variables.
        seconds: The time they may take.
    """

    folder: str
    environment: dict[str, str]
    seconds: int

    def enter(self) -> None:
        """Make them those of this process."""
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        signal.alarm(self.seconds)


class _UnknownError(Exception):
    """A RUN line is more than a pipe of known tools."""


class InProcess(ShTest):  # type: ignore[misc]  # lit has no types
    """Runs tests whose RUN lines are pipes of known tools without starting processes for them.

    Args:
        seconds: The time that a test may take.
    """

    def __init__(self, seconds: int = 60) -> None:
        super().__init__()
        self._seconds = seconds

    def execute(self, test: Any, lit_config: Any) -> Any:
        """Run one test; return its result."""
        if os.environ.get(_EXTERNAL) == "1" or test.config.unsupported or lit_config.noExecute:
            return super().execute(test, lit_config)
        script = TestRunner.parseIntegratedTestScript(test)
        if isinstance(script, lit.Test.Result):
            return script
        try:
            pipes = [_pipe(line) for line in _expanded(test, script)]
        except _UnknownError:
            return super().execute(test, lit_config)
        _preload()
        folder = os.path.dirname(test.getExecPath())
        return _run(pipes, _Surroundings(folder, test.config.environment, self._seconds))


def _expanded(test: Any, script: list[Any]) -> list[str]:
    """Return the RUN lines of `test` with lit's substitutions made, without the marks of their origin."""
    folder, base = TestRunner.getTempPaths(test)
    os.makedirs(folder, exist_ok=True)
    conditions = dict.fromkeys(test.config.available_features, True)
    substitutions = TestRunner.getDefaultSubstitutions(test, folder, base)
    limit = test.config.recursiveExpansionLimit
    lines = TestRunner.applySubstitutions(script, substitutions, conditions, recursion_limit=limit)
    return [re.sub(TestRunner.kPdbgRegex, r"\2", line) for line in lines]


def _pipe(line: str) -> list[Call]:
    """Return the calls that a RUN line makes; raise `_UnknownError` if it is not a pipe of known tools."""
    try:
        parsed = ShParser(line, pipefail=True).parse()
    except ValueError as error:
        raise _UnknownError(line) from error
    if not isinstance(parsed, Pipeline) or parsed.negate:
        raise _UnknownError(line)
    return [_call(command) for command in parsed.commands]


def _call(command: Command) -> Call:
    """Return the call that a command makes; raise `_UnknownError` if it is none of a known tool."""
    words = tuple(command.args)
    rest = words[1:] if words[:1] == ("not",) else words
    tool = next((tool for tool in TOOLS.values() if rest[: len(tool.command)] == tool.command), None)
    if tool is None or command.redirects not in ([], _MERGED) or not all(isinstance(word, str) for word in words):
        raise _UnknownError(words)
    arguments = rest[len(tool.command) :]
    if tool is TOOLS["%python"] and arguments[:1] and arguments[0].startswith("-"):
        raise _UnknownError(words)
    return Call(words, tool, arguments, negated=rest != words, merged=bool(command.redirects))


@cache
def _preload() -> None:
    """Import once, in the worker, what the forks would import each; make no context, whose threads would not fork."""
    from catgrad.passes import registry
    from catgrad.tools.driver import session  # noqa: F401

    registry.load()


def _run(pipes: Sequence[Sequence[Call]], surroundings: _Surroundings) -> Any:
    """Run pipes in a fork, one after the other until one fails; return the result of the test."""
    with tempfile.TemporaryFile(buffering=0) as report:
        child = os.fork()
        if child == 0:
            _become(pipes, surroundings, report)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return lit.Test.Result(lit.Test.PASS, "")
        report.seek(0)
        text = report.read().decode(errors="replace")
        return lit.Test.Result(lit.Test.FAIL, f"{text}\nexit code {code}")


def _become(pipes: Sequence[Sequence[Call]], surroundings: _Surroundings, report: IO[bytes]) -> NoReturn:
    """Run pipes in this process, and end it."""
    code = 1
    try:
        surroundings.enter()
        code = int(not all(_succeeds(pipe, report) for pipe in pipes))
    finally:
        os._exit(code)


def _succeeds(pipe: Sequence[Call], report: IO[bytes]) -> bool:
    """Return whether every call in a pipe ends as expected; if not, `report` has all they wrote."""
    with ExitStack() as stack:
        flows = [stack.enter_context(tempfile.TemporaryFile(buffering=0)) for _ in range(len(pipe) + 1)]
        calls = list(zip(pipe, pairwise(flows), strict=True))
        codes = [_run_here(call, source, sink, report) for call, (source, sink) in calls]
        succeeded = all(call.accepts(code) for call, code in zip(pipe, codes, strict=True))
        for flow in () if succeeded else flows[1:]:
            flow.seek(0)
            report.write(flow.read())
        return succeeded


def _run_here(call: Call, source: IO[bytes], sink: IO[bytes], report: IO[bytes]) -> int:
    """Run a tool with these standard streams; return its exit code."""
    report.write(f"$ {shlex.join(call.words)}\n".encode())
    source.seek(0)
    for target, stream in enumerate((source, sink, sink if call.merged else report)):
        os.dup2(stream.fileno(), target)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)
    sys.stderr = open(2, "w", buffering=1, closefd=False)
    try:
        return call.tool.run(call.arguments) or 0
    except SystemExit as end:
        return _exit_code(end.code)
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _exit_code(code: str | int | None) -> int:
    """Return the exit code of a `SystemExit`, whose message goes to standard error."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
    return code if isinstance(code, int) else int(code is not None)
