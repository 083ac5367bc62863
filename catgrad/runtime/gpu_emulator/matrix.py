"""Products of small matrices by a warp: generated code for `mma.sync` with sums in f32.

D = A B + C, where A is 16 × k, B is k × 8, C and D are 16 × 8. Lane 4 g + t holds, in registers of `pack` elements:

    A, register r, element i    row g + 8 (r mod 2), column pack t + 4 pack ⌊r/2⌋ + i
    B, register r, element i    row pack t + 4 pack r + i, column g
    C, register r               row g + 8 ⌊r/2⌋, column 2 t + r mod 2

Reference: PTX ISA, sections "Matrix Fragments for mma.m16n8k8" and "Matrix Fragments for mma.m16n8k16".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith, llvm

from catgrad.runtime.gpu_emulator.code import Record, Word, constant, load, loop, pointer, store, word
from catgrad.runtime.gpu_emulator.routines import Routine
from catgrad.runtime.gpu_emulator.warp import lanes_of, whole_warp

__all__ = ["FORMATS", "Format", "product", "registers_a", "registers_b"]

_ROWS, _COLUMNS = 16, 8
_FLOAT = 4


@dataclass(frozen=True)
class Format:
    """Packing of elements of A and B into registers of 32 bits.

    Attributes:
        pack: Elements in a register.
        decode: Emits the bits of the f32 that an element stands for, of a register and the element's number in it.
    """

    pack: int
    decode: Callable[[Word, int], Word]


def _from_f16(register: Word, i: int) -> Word:
    half = llvm.bitcast(ir.F16Type.get(), (register >> 16 * i).to(16).value)
    return word(arith.extf(ir.F32Type.get(), half))


def _from_bf16(register: Word, i: int) -> Word:
    return register & 0xFFFF0000 if i else register << 16


def _from_tf32(register: Word, i: int) -> Word:
    return register & 0xFFFFE000


FORMATS = {"f16": Format(2, _from_f16), "bf16": Format(2, _from_bf16), "tf32": Format(1, _from_tf32)}
"""Formats by MLIR's name."""


def registers_a(format: Format, k: int) -> int:
    """Return how many registers of a lane hold its part of A."""
    return _ROWS * k // 32 // format.pack


def registers_b(format: Format, k: int) -> int:
    """Return how many registers of a lane hold its part of B."""
    return k * _COLUMNS // 32 // format.pack


def product(name: str, k: int) -> Routine:
    """Return the collective of a product with elements of the format `name`.

    Inputs are the registers of A, B and C, one after the other; outputs are those of D.
    """
    format = FORMATS[name]
    count_a, count_b = registers_a(format, k), registers_b(format, k)

    def body(launch: Word, threads: Word, group: Word) -> None:
        a, b, c = (_buffer(size) for size in (_ROWS * k, k * _COLUMNS, _ROWS * _COLUMNS))
        with whole_warp(launch, threads, group):
            with lanes_of(threads, group) as (lane, thread):
                g, t = lane >> 2, lane & 3
                for r in range(count_a):
                    for i, bits in _elements(format, thread, r):
                        column = t * format.pack + (4 * format.pack * (r // 2) + i)
                        store(_at(a, g + 8 * (r % 2), k, column), bits)
                for r in range(count_b):
                    for i, bits in _elements(format, thread, count_a + r):
                        row = t * format.pack + (4 * format.pack * r + i)
                        store(_at(b, row, _COLUMNS, g), bits)
                for r in range(4):
                    store(_sum_at(c, lane, r), thread.get("inputs", count_a + count_b + r))
            _multiply(a, b, c, k)
            with lanes_of(threads, group) as (lane, thread):
                for r in range(4):
                    thread.set("outputs", load(_sum_at(c, lane, r), 32), r)

    return Routine(f"emulator.product.{name}.{k}", (64, 64, 32), 0, body)


def _elements(format: Format, thread: Record, register: int) -> list[tuple[int, Word]]:
    bits = thread.get("inputs", register)
    return [(i, format.decode(bits, i)) for i in range(format.pack)]


def _multiply(a: Word, b: Word, c: Word, k: int) -> None:
    """Add A B to C, row by row. A product of two elements is exact in f32, so it needs no fused operation."""
    row_type = ir.VectorType.get([_COLUMNS], ir.F32Type.get())
    with loop(_ROWS) as row:
        at = _at(c, row, _COLUMNS)
        total = llvm.load(row_type, pointer(at), alignment=_FLOAT)
        for i in range(k):
            factor = llvm.load(ir.F32Type.get(), pointer(_at(a, row, k, constant(i, 64))), alignment=_FLOAT)
            other = llvm.load(row_type, pointer(_at(b, constant(i, 64), _COLUMNS)), alignment=_FLOAT)
            total = arith.addf(total, arith.mulf(_splat(factor, row_type), other))
        llvm.store(total, pointer(at), alignment=_FLOAT)


def _splat(scalar: ir.Value, kind: ir.Type) -> ir.Value:
    vector = llvm.mlir_undef(kind)
    for i in range(_COLUMNS):
        vector = llvm.insertelement(vector, scalar, constant(i, 64).value)
    return vector


def _buffer(floats: int) -> Word:
    """Return the address of memory on the stack."""
    kind = ir.F32Type.get()
    return word(llvm.alloca(llvm.PointerType.get(), constant(floats, 64).value, kind, alignment=64))


def _at(matrix: Word, row: Word, columns: int, column: Word | None = None) -> Word:
    """Return the address of an element, or of a row."""
    index = row.to(64) * columns
    return matrix + (index if column is None else index + column.to(64)) * _FLOAT


def _sum_at(c: Word, lane: Word, register: int) -> Word:
    return _at(c, (lane >> 2) + 8 * (register // 2), _COLUMNS, (lane & 3) * 2 + register % 2)
