"""Help of `catgrad-opt`: `--help`, `--list-passes`, `--show-dialects` and `--version`."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import mlir

from catgrad.passes import options
from catgrad.passes.options import Option
from catgrad.passes.registry import Registry
from catgrad.tools.driver.arguments import Settings
from catgrad.tools.driver.errors import UsageError

__all__ = ["dialects", "help_text", "passes", "versions"]

_INTRODUCTION = """\
usage: catgrad-opt [option | pass]... [input]

Reads a module from the file `input`, or from standard input if it is - or absent, runs passes on it in the order in
which they are given, and prints the result.

A pass is an option of its own name, and its options are the value; or all passes are one text:

  catgrad-opt f.mlir --canonicalize --convert-vector-to-scf="full-unroll=true target-rank=2"
  catgrad-opt f.mlir --pass-pipeline='builtin.module(func.func(canonicalize{max-iterations=3}),cse)'

Both take the passes below and all of MLIR's (--list-passes)."""

_EXIT_CODES = """\
The exit code is 0 if all went well and 1 if not; with --verify-diagnostics, errors that are expected are well."""

_COLUMN = 48
_ATTRIBUTES = re.compile(r"^(?:Attributes|Args):\n((?:(?: .*)?\n?)*)", re.MULTILINE)
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n     .*)*)", re.MULTILINE)


def help_text(registry: Registry) -> str:
    """Return the help."""
    sections = [
        _INTRODUCTION,
        _section("options", map(_flag_row, options.options(Settings))),
        _section("passes of catgrad", _rows(registry.passes)),
        _section("pipelines of catgrad", _rows(registry.pipelines)),
        _EXIT_CODES,
    ]
    return "\n\n".join(section for section in sections if section)


def passes(registry: Registry) -> str:
    """Return the list of our passes and MLIR's."""
    return "\n\n".join(
        filter(None, [_section("passes of catgrad", _rows(registry.passes)), _mlir_opt("--list-passes")])
    )


def dialects() -> str:
    """Return the list of dialects: ours and MLIR's."""
    return _mlir_opt("--show-dialects").replace(": ", ": catgrad,", 1)


def versions() -> str:
    """Return the versions of catgrad and LLVM."""
    return f"catgrad {version('catgrad')}\n{_mlir_opt('--version')}"


def _flag_row(flag: Option) -> str:
    """Return the line about an option of the command line."""
    metadata = flag.field.metadata
    value = f"={metadata['metavar']}" if metadata["metavar"] else ""
    name = "-o, --output" if flag.name == "output" else f"--{flag.name}"
    return _row(name + (f"[{value}]" if metadata["implied"] else value), metadata["summary"])


def _rows(classes: Mapping[str, type]) -> Iterator[str]:
    """Yield the lines about passes or pipelines by name: a summary of each, and its options."""
    for name, cls in sorted(classes.items()):
        documentation = inspect.getdoc(cls) or ""
        yield _row(f"--{name}", documentation.partition("\n")[0])
        described = _attributes(documentation)
        for option in options.options(cls):
            default = f"(default: {option.default})" if option.default else ""
            text = f"{described.get(option.field.name, '')} {default}"
            yield _row(f"  {option.name}=<{option.kind.name}>", text.strip())


def _attributes(documentation: str) -> dict[str, str]:
    """Return the descriptions in the section "Attributes" of a docstring, by name."""
    section = _ATTRIBUTES.search(documentation)
    return {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(section[1])} if section else {}


def _section(title: str, rows: Iterable[str]) -> str:
    """Return rows under a title; nothing if there are none."""
    text = "\n".join(rows)
    return f"{title}:\n{text}" if text else ""


def _row(name: str, summary: str) -> str:
    """Return a line with `name` in the first column and `summary` in the second."""
    return f"  {name:<{_COLUMN}} {summary}".rstrip()


def _mlir_opt(flag: str) -> str:
    """Return what MLIR's own driver prints for `flag`."""
    beside = [str(Path(folder, "bin")) for folder in mlir.__path__]
    program = shutil.which("mlir-opt", path=os.pathsep.join([*beside, os.environ.get("PATH", "")]))
    if program is None:
        raise UsageError(f"{flag} needs mlir-opt, which is not installed")
    return subprocess.run([program, flag], capture_output=True, text=True, check=True).stdout.strip()
