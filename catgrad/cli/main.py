"""The command line: what it understands, and how it fails."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from catgrad.cli import build, cache, doctor, gpu_report, show, train
from catgrad.cli.interruption import Interrupted, interruptible, raising
from catgrad.errors import CatgradError
from catgrad.integers import parse_integer
from catgrad.streams import forget_output, usable_streams
from catgrad.text import abridged

__all__ = ["main"]

_COMMANDS = {
    "train": train,
    "show": show,
    "build": build,
    "gpu-report": gpu_report,
    "cache": cache,
    "doctor": doctor,
}
_GREATEST_SIZE = 10_000
"""Characters that a terminal is at most wide or high."""
_SIGNALED = 128
"""Shells give this and the number of a signal as the exit code of a program that the signal has ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 when it succeeded, 1 when it failed, 128 + N when the signal N came.

    Args:
        argv: The arguments; those of the process when left out.

    Raises:
        SystemExit: The arguments cannot be understood (2), or asked for help (0).
    """
    _forget_impossible_sizes()
    with usable_streams(), raising():
        try:
            return _run(argv)
        except BrokenPipeError:
            forget_output(sys.stdout.fileno())
            return 1
        except (CatgradError, OSError) as error:
            _complain(str(error))
            return 1
        except MemoryError as error:
            _complain(f"not enough memory: {error}")
            return 1
        except KeyboardInterrupt as error:
            with interruptible():
                _complain(str(error) or "interrupted")
            return _SIGNALED + (error.number if isinstance(error, Interrupted) else signal.SIGINT)


def _run(argv: Sequence[str] | None) -> int:
    """Run the command, and see to it that all it printed is written."""
    arguments = _parser().parse_args(argv)
    code: int = arguments.run(arguments)
    sys.stdout.flush()
    return code


def _forget_impossible_sizes() -> None:
    """Let the size of the terminal be found out where the environment says one that none has."""
    for name in ("COLUMNS", "LINES"):
        if name in os.environ and parse_integer(os.environ[name], 1, _GREATEST_SIZE) is None:
            del os.environ[name]


class _Parser(ArgumentParser):
    """Shows long words of users only in part."""

    def error(self, message: str) -> NoReturn:
        super().error(abridged(message))


def _parser() -> ArgumentParser:
    parser = _Parser(prog="catgrad", description="Deep-learning models compiled to native code.")
    parser.add_argument("--version", action="version", version=f"catgrad {version('catgrad')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in _COMMANDS.items():
        summary = (command.__doc__ or "").partition("\n")[0]
        added = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=command.EPILOG,
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.configure(added)
        added.set_defaults(run=command.run)
    return parser


def _complain(message: str) -> None:
    from rich.console import Console
    from rich.text import Text

    text = Text.assemble(("error: ", "bold red"), abridged(message))
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)
