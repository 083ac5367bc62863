"""Say what a model's kernels cost on a GPU, without one."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import replace

from catgrad.cli.binding import add_bind, advice
from catgrad.errors import CatgradError
from catgrad.native import critical

__all__ = ["EPILOG", "configure", "run"]

EPILOG = """\
kernels:
  regs, shared     registers of a thread, shared memory of a block
  stack, spill     bytes of a thread that are in slow memory
  occ, limit       warps that a multiprocessor keeps at once, of those that it could; what allows no more
  instr, MMA       instructions; those of tensor cores
  LDG+STG          instructions that load from global memory (into shared memory, too) + that store there
  LDS+STS          instructions that load from shared memory + that store there

launches:
  FLOP             floating-point operations that the program asks for
  moved            bytes that the threads request of global memory, counted by running the kernels on the emulator
  least            bytes that have to move: each element that is read or written, once
  ratio            moved / least; 1 is exactly 1
  time, bound      the least time for FLOP and least at the peaks of the GPU; which of them takes it
  as one           the whole function, if nothing had to be handed on from launch to launch

examples:
  catgrad gpu-report digits --step --arch sm_90
  catgrad gpu-report digits --bind B=128 --gpu b200 --json
  catgrad gpu-report model.py:f --types "f32[B, 784]" --bind B=32 --gpu h200-sxm
"""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="what to report on, as for show")
    parser.add_argument(
        "--arch", metavar="ARCH", help="the architecture: sm_80, sm_90 or sm_100 (default: that of the GPU, else sm_80)"
    )
    parser.add_argument("--gpu", metavar="NAME", help="the GPU that times are for; a wrong name lists them all")
    parser.add_argument("--step", action="store_true", help="the training step instead of the model")
    parser.add_argument("--types", metavar="TYPES", help="argument types of a function or module in a file")
    add_bind(parser)
    parser.add_argument("--no-run", action="store_true", help="do not count what is moved, which needs a run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: Namespace) -> int:
    """Compile the model, and print what is known of its kernels."""
    # Here and not above: these take long to load, and help needs none of them.
    from catgrad.cli import subject
    from catgrad.cli.console import terminal

    with critical():
        from catgrad.gpu_report import find_gpu, report
        from catgrad.gpu_report.rendering import as_json, tables

    gpu = find_gpu(arguments.gpu, arguments.arch)
    program = subject.find(arguments.model, types=arguments.types, step=arguments.step)
    with subject.blame(subject.split(arguments.model)[0]):
        source = replace(program, bind={**program.bind, **arguments.bind}).source
    if source.signature.symbols:
        raise CatgradError(f"a report needs every size: fix them with {advice(source.signature.symbols)}")
    made = report(source.term, source.signature, gpu, counts=not arguments.no_run)
    if arguments.json:
        print(json.dumps({"model": arguments.model, "type": str(source.signature), **as_json(made)}))
    else:
        terminal().print(tables(made), markup=False, soft_wrap=False)
    return 0
