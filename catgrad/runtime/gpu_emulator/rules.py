"""Rewrite rules for operations, above all of those of the NVVM dialect: one rule for each, keyed by its class.

A rule emits code before the operation and returns what takes the place of its result, if it has one.

Reference: PTX ISA, sections "Special Registers", "shfl.sync", "mma", "ldmatrix", "cp.async", "bar, barrier".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from mlir import ir
from mlir.dialects import llvm, nvvm

from catgrad.runtime.gpu_emulator import copies, matrix, warp
from catgrad.runtime.gpu_emulator.access import aligned, fault, shared_memory
from catgrad.runtime.gpu_emulator.code import Record, Word, constant, either, when, where, word
from catgrad.runtime.gpu_emulator.coroutine import Coroutine
from catgrad.runtime.gpu_emulator.layout import WARP, Fault

__all__ = ["RULES", "Rule", "UnsupportedError"]

Rule: TypeAlias = Callable[[Any, Coroutine], "ir.Value | None"]

RULES: dict[type[ir.OpView], Rule] = {}
"""Rules by the class of the operation."""

_ALL_LANES = 0xFFFFFFFF


class UnsupportedError(Exception):
    """An operation cannot be emulated; the message says in which form, where another form can."""


def rule(*kinds: type[ir.OpView]) -> Callable[[Rule], Rule]:
    """Return a decorator that enters a rule for classes of operations."""

    def enter(function: Rule) -> Rule:
        for kind in kinds:
            assert kind not in RULES
            RULES[kind] = function
        return function

    return enter


def _enter_registers() -> None:
    """Enter the special registers."""
    triples = {
        "thread": (nvvm.ThreadIdXOp, nvvm.ThreadIdYOp, nvvm.ThreadIdZOp),
        "block_index": (nvvm.BlockIdXOp, nvvm.BlockIdYOp, nvvm.BlockIdZOp),
        "block_size": (nvvm.BlockDimXOp, nvvm.BlockDimYOp, nvvm.BlockDimZOp),
        "grid_size": (nvvm.GridDimXOp, nvvm.GridDimYOp, nvvm.GridDimZOp),
    }
    for name, kinds in triples.items():
        for axis, kind in enumerate(kinds):
            rule(kind)(_axis_of(name, axis))


def _axis_of(name: str, axis: int) -> Rule:
    def read(op: ir.OpView, thread: Coroutine) -> ir.Value:
        if name == "thread":
            return thread.thread.get("index", axis).value
        return thread.launch.get(name, axis).value

    return read


_enter_registers()


@rule(nvvm.LaneIdOp)
def _lane(op: nvvm.LaneIdOp, thread: Coroutine) -> ir.Value:
    return thread.lane().value


@rule(nvvm.WarpIdOp)
def _warp(op: nvvm.WarpIdOp, thread: Coroutine) -> ir.Value:
    return (thread.thread.get("linear") // WARP).value


@rule(nvvm.WarpDimOp)
def _warps(op: nvvm.WarpDimOp, thread: Coroutine) -> ir.Value:
    return thread.launch.get("warps").value


@rule(nvvm.WarpSizeOp)
def _warp_size(op: nvvm.WarpSizeOp, thread: Coroutine) -> ir.Value:
    return constant(WARP, 32).value


@rule(nvvm.MembarOp)
def _fence(op: nvvm.MembarOp, thread: Coroutine) -> None:
    """Threads run one at a time, and see what was written before."""


@rule(nvvm.RcpApproxFtzF32Op)
def _reciprocal(op: nvvm.RcpApproxFtzF32Op, thread: Coroutine) -> ir.Value:
    one = llvm.mlir_constant(ir.FloatAttr.get_f32(1.0))
    return llvm.fdiv(one, op.operands[0])


@rule(nvvm.Barrier0Op)
def _barrier0(op: nvvm.Barrier0Op, thread: Coroutine) -> None:
    thread.barrier(op, constant(0, 32), constant(0, 32))


@rule(nvvm.BarrierOp)
def _barrier(op: nvvm.BarrierOp, thread: Coroutine) -> None:
    if op.reductionOp is not None:
        raise UnsupportedError("with a reduction")
    number, count = (constant(0, 32) if each is None else word(each) for each in (op.barrierId, op.numberOfThreads))
    thread.barrier(op, number, count)


@rule(nvvm.SyncWarpOp)
def _sync_warp(op: nvvm.SyncWarpOp, thread: Coroutine) -> None:
    with thread.collective(op, warp.meet, [], word(op.mask)):
        pass


@rule(nvvm.ShflOp)
def _shuffle(op: nvvm.ShflOp, thread: Coroutine) -> ir.Value:
    mask, value, offset, clamp = map(word, op.operands)
    lane = thread.lane()
    segment, bound = clamp >> 8 & 31, clamp & 31
    least = lane & segment
    most = least | (bound & ~segment & 31)
    offset = offset & 31
    kind = _enumerator(op.kind)
    source = {
        "up": lane - offset,
        "down": lane + offset,
        "bfly": lane ^ offset,
        "idx": least | (offset & ~segment & 31),
    }[kind]
    valid = most.signed_at_most(source) if kind == "up" else source <= most
    with thread.collective(op, warp.shuffle, [value, where(valid, source, lane)], mask) as record:
        is_pair = isinstance(op.result.type, llvm.StructType)
        result = _restore(record.get("outputs"), op.operands[1].type)
        return _structure(op.result.type, [result, valid.value]) if is_pair else result


@rule(nvvm.VoteSyncOp)
def _vote(op: nvvm.VoteSyncOp, thread: Coroutine) -> ir.Value:
    kind = _enumerator(op.kind)
    with thread.collective(op, warp.vote, [word(op.pred).to(32)], word(op.mask)) as record:
        yes, all_lanes = record.get("outputs", 0), record.get("outputs", 1)
        none, unanimous = yes.equals(0), yes.equals(all_lanes)
        return {"ballot": yes, "any": ~none, "all": unanimous, "uni": none | unanimous}[kind].value


@rule(nvvm.LdMatrixOp)
def _load_matrices(op: nvvm.LdMatrixOp, thread: Coroutine) -> ir.Value:
    if "m = 8, n = 8" not in str(op.shape) or "b16" not in str(op.eltType):
        raise UnsupportedError("of other than 8 × 8 elements of 16 bits")
    count = op.num.value
    address = word(op.ptr)
    gives_row = thread.lane() < 8 * count
    site = thread.sites.add(op)
    with when(gives_row):
        aligned(thread.launch.address, constant(site, 32), address, 16, 16)
    valid = either(
        gives_row,
        lambda: shared_memory(16, True, False)(thread.launch.address, site, address),
        lambda: constant(1, 1),
    )
    address = where(valid, address, thread.launch.get("scratch"))
    together = warp.load_matrices(count, _enumerator(op.layout) == "col")
    with thread.collective(op, together, [address], constant(_ALL_LANES, 32)) as record:
        return _outputs(op, record, count)


@rule(nvvm.MmaOp)
def _product(op: nvvm.MmaOp, thread: Coroutine) -> ir.Value:
    name, k = _enumerator(op.multiplicandAPtxType), int(str(op.shape).rpartition("k = ")[2].rstrip(">"))
    layouts = [_enumerator(each) for each in (op.layoutA, op.layoutB)]
    form = f"{op.shape} of {name}, {_enumerator(op.multiplicandBPtxType)} and {op.operandC[0].type}"
    is_known = name in matrix.FORMATS and "m = 16, n = 8" in str(op.shape) and layouts == ["row", "col"]
    if not is_known or str(op.operandC[0].type) != "f32" or name != _enumerator(op.multiplicandBPtxType):
        raise UnsupportedError(form)
    format = matrix.FORMATS[name]
    if len(op.operandA) != matrix.registers_a(format, k) or len(op.operandB) != matrix.registers_b(format, k):
        raise UnsupportedError(form)
    inputs = [word(each) for each in (*op.operandA, *op.operandB, *op.operandC)]
    with thread.collective(op, matrix.product(name, k), inputs, constant(_ALL_LANES, 32)) as record:
        return _outputs(op, record, 4)


@rule(nvvm.CpAsyncOp)
def _start_copy(op: nvvm.CpAsyncOp, thread: Coroutine) -> None:
    size = op.size.value
    source_size = constant(size, 64) if op.cpSize is None else word(op.cpSize).to(64)
    site = thread.sites.add(op)
    thread.count(source_size, reads=True, writes=False)
    copies.start_copy(size)(thread.launch.address, site, word(op.dst), word(op.src), source_size)


@rule(nvvm.CpAsyncCommitGroupOp)
def _commit(op: nvvm.CpAsyncCommitGroupOp, thread: Coroutine) -> None:
    copies.commit(thread.launch.address)


@rule(nvvm.CpAsyncWaitGroupOp)
def _wait(op: nvvm.CpAsyncWaitGroupOp, thread: Coroutine) -> None:
    copies.wait(thread.launch.address, op.n.value)


@rule(llvm.GEPOp)
def _address(op: llvm.GEPOp, thread: Coroutine) -> ir.Value:
    """Drop the statement that an address does not wrap around: LLVM would conclude that it needs no check."""
    attributes = {name: op.operation.attributes[name] for name in ("elem_type", "rawConstantIndices")}
    types = [op.operation.results[0].type]
    return ir.Operation.create("llvm.getelementptr", types, list(op.operands), attributes).result


@rule(llvm.ReturnOp)
def _exit(op: llvm.ReturnOp, thread: Coroutine) -> None:
    llvm.br([], thread.exited)


@rule(llvm.UnreachableOp)
def _unreachable(op: llvm.UnreachableOp, thread: Coroutine) -> None:
    fault(thread.launch.address, Fault.UNREACHABLE, thread.sites.add(op), 0, 0)
    llvm.br([], thread.exited)


def _outputs(op: ir.OpView, record: Record, count: int) -> ir.Value:
    """Return the first outputs of a collective as the result of an operation: a value, or a structure of them."""
    kind = op.result.type
    if not isinstance(kind, llvm.StructType):
        return _restore(record.get("outputs"), kind)
    return _structure(kind, [_restore(record.get("outputs", i), kind.body[i]) for i in range(count)])


def _restore(bits: Word, kind: ir.Type) -> ir.Value:
    return bits.value if isinstance(kind, ir.IntegerType) else llvm.bitcast(kind, bits.value)


def _structure(kind: ir.Type, values: list[ir.Value]) -> ir.Value:
    structure = llvm.mlir_undef(kind)
    for i, each in enumerate(values):
        structure = llvm.insertvalue(structure, each, ir.DenseI64ArrayAttr.get([i]))
    return structure


def _enumerator(attribute: ir.Attribute) -> str:
    """Return the word that an attribute of an enumeration holds: "row" of `#nvvm.mma_layout<row>`."""
    return str(attribute).rstrip(">").replace("<", " ").rpartition(" ")[2]
