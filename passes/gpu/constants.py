"""Constants where kernels can read them: the host's memory is not theirs."""

from __future__ import annotations

from math import prod

from mlir import ir
from mlir.dialects import arith, memref

from catgrad.passes.gpu.launch import ceil_divide, guarded, launch
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.work import Work, worth
from catgrad.passes.kernels.emit import multiply, product, split, value
from catgrad.passes.kernels.view import width
from catgrad.passes.kernels.walk import named

__all__ = ["copy_constants"]


def copy_constants(module: ir.Operation, machine: GpuMachine) -> None:
    """Let a kernel write each constant array into a buffer, which its readers read instead.

    The kernel reads it in its own module, where outlining puts what kernels refer to. Tables of indices are the host's:
    they say where arrays are.
    """
    constants = named(module, "memref.get_global")
    for op in (op for op in constants if not isinstance(op.result.type.element_type, ir.IndexType)):
        with ir.InsertionPoint(op), worth(_work(op), op.location):
            buffer = memref.alloc(op.result.type, [], [])
            _emit_copy(op, buffer, machine)
        op.result.replace_all_uses_with(buffer)
        op.erase()


def _work(constant: ir.Operation) -> Work:
    kind = ir.MemRefType(constant.result.type)
    size = prod(kind.shape) * width(kind.element_type) // 8
    return Work({}, size, size)


def _emit_copy(constant: ir.Operation, buffer: ir.Value, machine: GpuMachine) -> None:
    shape = list(ir.MemRefType(buffer.type).shape)
    total = product(shape)
    if total == 0:
        return
    with launch([ceil_divide(total, machine.block)], [machine.block]) as here:
        own = constant.clone().result
        number = arith.addi(multiply(here.block[0], machine.block), here.thread[0])
        with guarded(arith.cmpi(arith.CmpIPredicate.ult, number, value(total))):
            place = [value(position) for position in split(number, shape)]
            memref.store(memref.load(own, place), buffer, place)
