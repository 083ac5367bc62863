"""Build a library that needs neither catgrad nor Python."""

from __future__ import annotations

import json
import shlex
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from catgrad.cli.arguments import path
from catgrad.cli.binding import add_bind, advice
from catgrad.errors import CatgradError
from catgrad.native import critical

if TYPE_CHECKING:
    from catgrad.export.library import Library
    from catgrad.runtime import Signature

__all__ = ["EPILOG", "configure", "run"]

EPILOG = """\
functions:
  init        parameters -> the state in which training begins
  step        a training step, which updates the state in place
  predict     the model; or the function of a file

targets:
  cpu         x86-64: code for AVX-512, AVX2 and older processors, chosen when it is loaded
  cpu:x86-64-v2, cpu:x86-64-v3, cpu:x86-64-v4, cpu:aarch64

examples:
  catgrad build digits -o digits
  catgrad build runs/digits -o digits --what predict
  catgrad build model.py:learner -o model --types "f32[B, 784], i32[B]" --bind B=128
"""

_FUNCTIONS = ("init", "step", "predict")
"""As in `catgrad.export.programs`, which takes long to load."""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="what to build, as for show")
    parser.add_argument("-o", dest="output", type=path, metavar="DIR", required=True, help="the folder to write")
    parser.add_argument("--name", help="of the library; every symbol begins with it (default: that of the model)")
    parser.add_argument("--what", type=_functions, metavar="LIST", help="functions (default: all that the model has)")
    add_bind(parser)
    parser.add_argument("--static", action="store_true", help="fail if a dimension is not fixed")
    parser.add_argument("--types", metavar="TYPES", help="argument types of a function or module in a file")
    parser.add_argument("--target", default="cpu", help="such as cpu:x86-64-v3: see below (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: Namespace) -> int:
    """Compile the functions, write the folder, and say what is in it."""
    # Here and not above: these take long to load, and help needs none of them.
    from catgrad.cli import subject
    from catgrad.cli.building import Model

    with critical():
        from catgrad.export.folder import check_writable, write
        from catgrad.export.library import compile_library

    model = Model(arguments.model, arguments.types, arguments.bind)
    with subject.blame(subject.split(arguments.model)[0]):
        programs = model.programs(arguments.what or model.functions)
        parameters = model.parameters
    if arguments.static:
        _check_static({name: signature for name, (_, signature) in programs.items()})
    check_writable(arguments.output)
    name = model.identifier if arguments.name is None else arguments.name
    library = compile_library(name, programs, arguments.target)
    files = write(arguments.output, library, parameters)
    _report(arguments, library, files)
    return 0


def _functions(text: str) -> tuple[str, ...]:
    """Read names of functions, separated by commas."""
    names = tuple(dict.fromkeys(text.split(",")))
    if not set(names) <= set(_FUNCTIONS):
        raise ArgumentTypeError(f"expected some of {','.join(_FUNCTIONS)}, got {text!r}")
    return names


def _check_static(signatures: Mapping[str, Signature]) -> None:
    for name, signature in signatures.items():
        if signature.symbols:
            unknown = advice(signature.symbols)
            raise CatgradError(f"--static: {name} has dimensions that are not fixed: fix them with {unknown}")


def _report(arguments: Namespace, library: Library, files: list[Path]) -> None:
    """Print the files, and how to link objects that are for other machines."""
    if arguments.json:
        about = {"target": library.target, "native": library.is_native}
        print(json.dumps({"model": arguments.model, **about, "files": list(map(str, files))}))
        return
    print("\n".join(f"{path.stat().st_size:>10,}  {path}" for path in files))
    if not library.is_native:
        print(
            f"for another machine: link lib{library.interface.name}.a into a program there, or make what Python loads:"
        )
        print(f"  cd {shlex.quote(str(arguments.output))} && {library.link_command}")
