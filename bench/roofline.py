"""Peaks of the machine: a loop of fused multiply-adds and a copy, timed in turn with the competitors.

No computation of `flops` operations on `bytes` of data can take less than max(flops / peak, bytes / bandwidth)
(S. Williams, A. Waterman, D. Patterson, "Roofline", CACM 2009). `peak` is measured by the widest vectors of f32, in
registers, emitted through MLIR: no memory is touched. `bandwidth` is that of copying between two arrays that together
have the case's bytes, so a case that fits in a cache is compared with that cache.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.case import Case, Entry

if TYPE_CHECKING:
    from bench.libraries import Arrays, Call, Library

__all__ = ["with_roofline"]

FLOPS_PER_CALL = 1 << 30
BYTES_PER_CALL = 1 << 28
# Independent accumulators: more than two units of latency four need, fewer than any vector register file has.
CHAINS = 12

PIPELINE = (
    "builtin.module(convert-scf-to-cf,convert-vector-to-llvm,convert-arith-to-llvm,finalize-memref-to-llvm,"
    "convert-func-to-llvm{use-bare-ptr-memref-call-conv=1},convert-cf-to-llvm,reconcile-unrealized-casts)"
)


def with_roofline(case: Case) -> Case:
    """The case with the machine itself as a competitor, once for each kind of work that the case counts."""
    entries = []
    if case.flops:
        entries.append(Entry("machine", multiply_add, "fma", FLOPS_PER_CALL / case.flops))
    if case.bytes:
        repeats = max(1, int(BYTES_PER_CALL / case.bytes))
        entries.append(Entry("machine", partial(copy, int(case.bytes), repeats), "copy", repeats))
    return replace(case, entries=(*case.entries, *entries))


def copy(size: int, repeats: int, library: Library, inputs: Arrays) -> Call:
    """Moves `size` bytes that many times: half of them read, half of them written, in equal parts by each thread."""
    part = size // 2 // library.threads
    arrays = [(np.zeros(part, np.uint8), np.ones(part, np.uint8)) for _ in range(library.threads)]

    def work(thread: int) -> None:
        for _ in range(repeats):
            np.copyto(*arrays[thread])

    return in_threads(work, library.threads)


def multiply_add(library: Library, inputs: Arrays) -> Call:
    """Does FLOPS_PER_CALL operations as multiply-adds in registers, in equal parts by each thread."""
    lanes = vector_lanes()
    engine = compile_kernel(lanes)
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.raw_lookup("multiply_add"))
    trips = ctypes.c_int64(FLOPS_PER_CALL // (2 * CHAINS * lanes * library.threads))
    data = [np.full(lanes, 0.5, "f4") for _ in range(library.threads)]
    packed = [pack(ctypes.addressof(trips), array.ctypes.data) for array in data]

    def work(thread: int, keep_alive: Any = (engine, trips, data)) -> None:
        kernel(ctypes.addressof(packed[thread][0]))

    return in_threads(work, library.threads)


def in_threads(work: Callable[[int], None], threads: int) -> Call:
    """The call that does the work of every thread at once; in this very thread if there is one."""
    if threads == 1:
        return partial(work, 0)
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(work, range(threads)))


def pack(trips: int, data: int) -> tuple[Any, Any]:
    """The packed arguments of the kernel, pointers to its arguments, and what they point to."""
    pointer = ctypes.c_void_p(data)
    return (ctypes.c_void_p * 2)(trips, ctypes.addressof(pointer)), pointer


def vector_lanes() -> int:
    """Lanes of f32 in the widest vector of this processor, by its flags (four if it does not list any)."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    return 16 if "avx512f" in flags else 8 if "avx2" in flags else 4


def compile_kernel(lanes: int) -> Any:
    """An execution engine with `multiply_add(trips, data)`, which runs CHAINS recurrences v = v·d + d side by side."""
    from mlir import ir
    from mlir.execution_engine import ExecutionEngine
    from mlir.passmanager import PassManager

    with ir.Context(), ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            emit_kernel(ir.VectorType.get([lanes], ir.F32Type.get()))
        PassManager.parse(PIPELINE).run(module.operation)
        return ExecutionEngine(module, opt_level=0)


def emit_kernel(vector_type: Any) -> None:
    """Emits the kernel at the current insertion point."""
    from mlir import ir
    from mlir.dialects import arith, func, scf, vector

    index = ir.IndexType.get()
    memref = ir.MemRefType.get(vector_type.shape, vector_type.element_type)

    @func.FuncOp.from_py_func(index, memref, name="multiply_add")  # type: ignore[untyped-decorator]
    def multiply_add(trips: Any, data: Any) -> None:
        zero, one = (arith.ConstantOp(index, value).result for value in (0, 1))
        factor = vector.load(vector_type, data, [zero])
        loop = scf.ForOp(zero, trips, one, [factor] * CHAINS)
        with ir.InsertionPoint(loop.body):
            scf.yield_([vector.fma(value, factor, factor) for value in loop.inner_iter_args])
        total = loop.results[0]
        for value in list(loop.results)[1:]:
            total = arith.addf(total, value)
        vector.store(total, data, [zero])
