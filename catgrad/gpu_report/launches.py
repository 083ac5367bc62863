"""A program as the list of its launches, in the order in which they happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith, func, gpu, scf

from catgrad.errors import CatgradError
from catgrad.passes.gpu.work import Work, plain, work_at

__all__ = ["Launch", "launches"]

Grid = tuple[int, int, int]


@dataclass(frozen=True)
class Launch:
    """One launch of a kernel.

    Attributes:
        kernel: Its name.
        grid: Blocks along x, y and z.
        block: Threads of a block along x, y and z.
        shared_bytes: Shared memory of a block beyond what the kernel declares.
        work: What it has to do.
        place: Where the program says so: "model.py:12"; empty if that is not known.
    """

    kernel: str
    grid: Grid
    block: Grid
    shared_bytes: int
    work: Work
    place: str


def launches(module: ir.Module, entry: str) -> tuple[Launch, ...]:
    """Return the launches of a function of a module after the stage "gpu", all of whose sizes are known.

    Raises:
        CatgradError: A size is not known.
    """
    functions = {op.name.value: op for op in module.body if isinstance(op, func.FuncOp)}
    return tuple(_walk(functions, functions[entry].body.blocks[0]))


def _walk(functions: dict[str, func.FuncOp], block: ir.Block) -> Iterator[Launch]:
    for op in block:
        if isinstance(op, gpu.LaunchFuncOp):
            yield _read(op)
        elif isinstance(op, func.CallOp):
            yield from _walk(functions, functions[op.callee.value].body.blocks[0])
        elif isinstance(op, scf.ForOp):
            start, stop, step = map(_number, (op.lowerBound, op.upperBound, op.step))
            yield from list(_walk(functions, op.body)) * len(range(start, stop, step))


def _read(op: gpu.LaunchFuncOp) -> Launch:
    kernel, work = op.kernel.value[-1], work_at(op.location)
    if work is None:
        raise CatgradError(f"it is not known what the kernel {kernel} does: the size of an operand is not known")
    grid = _sizes(op.gridSizeX, op.gridSizeY, op.gridSizeZ)
    block = _sizes(op.blockSizeX, op.blockSizeY, op.blockSizeZ)
    shared_bytes = 0 if op.dynamicSharedMemorySize is None else _number(op.dynamicSharedMemorySize)
    return Launch(kernel, grid, block, shared_bytes, work, _place(plain(op.location)))


def _sizes(x: ir.Value, y: ir.Value, z: ir.Value) -> Grid:
    return _number(x), _number(y), _number(z)


def _number(size: ir.Value) -> int:
    if not isinstance(size.owner.opview, arith.ConstantOp):
        raise CatgradError("a launch has a size that is not known")
    return int(size.owner.opview.literal_value)


def _place(location: ir.Location) -> str:
    """Return the file and the line of a location; the first of several."""
    while location.is_a_name() or location.is_a_fused():
        location = location.child_loc if location.is_a_name() else location.locations[0]
    return f"{location.filename}:{location.start_line}" if location.is_a_file() else ""
