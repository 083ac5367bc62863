"""Show any stage of a model's compilation."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from catgrad.cli.arguments import add_target, path

__all__ = ["EPILOG", "configure", "run"]

EPILOG = """\
stages:
  term, dot, svg, json    the open hypergraph, as it was traced
  catgrad, linalg, ...    the IR after each stage of the compilation; a wrong name lists them all
  llvm-ir, asm            LLVM IR, and assembly for the target

objects of a file:
  a term; a pair (function, types); or, with --types, a function, Module or Learner

examples:
  catgrad show digits
  catgrad show iris:dense --step --stage svg -o step.svg
  catgrad show runs/digits --stage asm
  catgrad show model.py:model --types "f32[B, 784]" --stage linalg
"""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a dataset (digits), with a model (iris:hidden); the folder of a training run; or path/to/file.py:object",
    )
    parser.add_argument("--stage", default="term", help="which stage (default: %(default)s)")
    parser.add_argument("--step", action="store_true", help="the training step instead of the model")
    parser.add_argument("--types", metavar="TYPES", help="argument types of a function or module in a file")
    add_target(parser, "cuda:sm_90")
    parser.add_argument("-o", dest="output", type=path, metavar="FILE", help="write there instead of printing")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: Namespace) -> int:
    """Print a stage, or write it to a file."""
    from catgrad.cli import subject

    program = subject.find(arguments.model, types=arguments.types, step=arguments.step, target=arguments.target)
    with subject.blame(subject.split(arguments.model)[0]):
        text = program.show(arguments.stage)
        about = {"model": arguments.model, "type": program.term.type}
    if arguments.output is not None:
        arguments.output.write_text(text, encoding="utf-8")
    if arguments.json:
        print(json.dumps({**about, "stage": arguments.stage, "stages": program.stages, "text": text}))
    elif arguments.output is None:
        print(text.rstrip("\n"))
    return 0
