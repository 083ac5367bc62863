"""The command line: options in any order, passes in the order they are to run.

Example:
    >>> line = parse(["f.mlir", "--canonicalize", "-o", "g.mlir", "--inline=default-pipeline=cse"])
    >>> line.input, line.settings.output, [str(element) for element in line.passes]
    ('f.mlir', 'g.mlir', ['canonicalize', 'inline{default-pipeline=cse}'])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from catgrad.passes import options
from catgrad.passes.options import Option, OptionError
from catgrad.tools.driver.errors import UsageError
from catgrad.tools.driver.pipeline import Element

__all__ = ["CommandLine", "Settings", "parse"]

_ALIASES = {"o": "output", "h": "help"}


def _flag(default: object, summary: str, metavar: str = "", implied: str = "") -> Any:
    """Return a field that is an option.

    Args:
        default: Its value when it is not given.
        summary: One line of help.
        metavar: What help calls its value; empty for a switch.
        implied: Its value when only its name is given; empty if a value must follow.
    """
    return field(default=default, metadata={"summary": summary, "metavar": metavar, "implied": implied})


@dataclass(frozen=True)
class Settings:
    """The options: the field `emit_bytecode` is `--emit-bytecode`."""

    output: str = _flag("-", "write the result to FILE", "FILE")
    pass_pipeline: str | None = _flag(None, "passes as text: 'builtin.module(cse,func.func(...))'", "PIPELINE")
    split_input_file: str | None = _flag(
        None, "process the parts between lines that begin with MARKER ('// -----') on their own", "MARKER", "// -----"
    )
    verify_diagnostics: Literal["all", "only-expected"] | None = _flag(
        None, "compare diagnostics with expected-* comments: all of them, or only the expected", "WHICH", "all"
    )
    allow_unregistered_dialect: bool = _flag(False, "accept operations of unknown dialects")
    load_pass_plugin: tuple[str, ...] = _flag((), "load passes from Python files", "FILE,...")
    verify_each: bool = _flag(True, "verify the module after each pass (--no-verify-each: do not)")
    emit_bytecode: bool = _flag(False, "write bytecode")
    mlir_print_op_generic: bool = _flag(False, "print operations in generic form")
    mlir_print_debuginfo: bool = _flag(False, "print locations")
    mlir_print_local_scope: bool = _flag(False, "print without aliases")
    mlir_elide_elementsattrs_if_larger: int | None = _flag(None, "print constants of more than N elements as ...", "N")
    mlir_elide_resource_strings_if_larger: int | None = _flag(
        None, "print resources of more than N characters as ...", "N"
    )
    mlir_print_ir_before_all: bool = _flag(False, "print the module before each pass")
    mlir_print_ir_after_all: bool = _flag(False, "print the module after each pass")
    mlir_print_ir_after_change: bool = _flag(False, "print the module after passes that change it")
    mlir_print_ir_after_failure: bool = _flag(False, "print the module after a pass that fails")
    mlir_print_ir_before: tuple[str, ...] = _flag((), "print the module before these passes", "PASS,...")
    mlir_print_ir_after: tuple[str, ...] = _flag((), "print the module after these passes", "PASS,...")
    mlir_print_ir_module_scope: bool = _flag(False, "print the whole module, where a pass runs on a part of it")
    mlir_disable_threading: bool = _flag(False, "run on one thread")
    mlir_timing: bool = _flag(False, "report the time of each pass")
    dump_pass_pipeline: bool = _flag(False, "print the pipeline before it runs")
    mlir_pass_pipeline_crash_reproducer: str | None = _flag(
        None, "if the run fails, leave in FILE what reproduces the failure", "FILE"
    )
    run_reproducer: bool = _flag(False, "run the pipeline that is stored in a reproducer")
    debug: bool = _flag(False, "print the Python traceback of an internal error")
    list_passes: bool = _flag(False, "list all passes, MLIR's included")
    show_dialects: bool = _flag(False, "list all dialects")
    version: bool = _flag(False, "print the versions of catgrad and LLVM")
    help: bool = _flag(False, "print this text")

    @property
    def prints_between_passes(self) -> bool:
        """Whether the module is printed before or after any pass."""
        everywhere = self.mlir_print_ir_before_all or self.mlir_print_ir_after_all
        restricted = self.mlir_print_ir_after_change or self.mlir_print_ir_after_failure
        return everywhere or restricted or bool(self.mlir_print_ir_before or self.mlir_print_ir_after)


@dataclass(frozen=True)
class CommandLine:
    """Parsed command line.

    Attributes:
        settings: The options.
        input: Path of the input; "-" for standard input.
        passes: The passes given as options, in their order.
    """

    settings: Settings
    input: str
    passes: tuple[Element, ...]


def parse(argv: Sequence[str]) -> CommandLine:
    """Return what `argv`, without the program's name, asks for.

    An argument that names no option is a pass: `--name` or `--name="option=value ..."`.

    Raises:
        UsageError: A bad or missing value, or arguments that exclude each other.
    """
    known = {option.name: option for option in options.options(Settings)}
    values: dict[str, str] = {}
    passes: list[Element] = []
    inputs: list[str] = []
    rest = iter(argv)
    for word in rest:
        if word == "-" or not word.startswith("-"):
            inputs.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = _ALIASES.get(name, name)
        if name in known:
            _add(values, known[name], value if equals else _following(known[name], rest))
        elif _is_switch(known.get(name.removeprefix("no-"))):
            values[name.removeprefix("no-")] = "false"
        else:
            passes.append(Element(name, value))
    return _command_line(values, inputs, passes)


def _command_line(values: dict[str, str], inputs: list[str], passes: list[Element]) -> CommandLine:
    """Return the command line with these parts, if they fit together."""
    try:
        settings = options.construct(Settings, values)
    except OptionError as error:
        raise UsageError(str(error)) from error
    if len(inputs) > 1:
        raise UsageError(f"one input is expected, not {len(inputs)}: {' '.join(inputs)}")
    if settings.pass_pipeline is not None and passes:
        raise UsageError(f"--pass-pipeline and --{passes[0].name} exclude each other: put the pass into the pipeline")
    if settings.emit_bytecode and settings.split_input_file is not None:
        raise UsageError("--emit-bytecode and --split-input-file exclude each other: bytecode holds one module")
    return CommandLine(settings, inputs[0] if inputs else "-", tuple(passes))


def _add(values: dict[str, str], option: Option, value: str) -> None:
    """Record the value of an option: the last one counts, except that lists grow."""
    grows = option.name in values and option.kind.name.endswith(",...")
    values[option.name] = f"{values[option.name]},{value}" if grows else value


def _following(option: Option, rest: Iterator[str]) -> str:
    """Return the value of an option that is given without `=`: what it implies, or the next argument."""
    if _is_switch(option):
        return "true"
    value: str | None = option.field.metadata["implied"] or next(rest, None)
    if value is None:
        raise UsageError(f"--{option.name} needs a value: --{option.name}={option.field.metadata['metavar']}")
    return value


def _is_switch(option: Option | None) -> bool:
    """Return whether `option` exists and is on or off."""
    return option is not None and option.kind.name == "bool"
