"""The variables of a module, and where those in shared memory lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import llvm

from catgrad.errors import CompileError
from catgrad.runtime.gpu_emulator.sizes import natural_alignment, size_of

__all__ = ["SHARED_SPACE", "Variables", "take_variables"]

SHARED_SPACE = 3
_MOST_STATIC = 48 * 1024


@dataclass(frozen=True)
class Variables:
    """The variables of a module, by name.

    Attributes:
        sizes: Their bytes; 0 for the shared memory that a launch adds.
        alignments: What the addresses of those in shared memory are multiples of.
    """

    sizes: dict[str, int]
    alignments: dict[str, int]

    def place(self, kernel: str, used: Iterable[str]) -> tuple[dict[str, int], int]:
        """Return the offsets in shared memory of the variables that a kernel uses, and the bytes that they need.

        Raises:
            CompileError: They need more than a device has for variables.
        """
        offsets, end = dict[str, int](), 0
        # What a launch adds comes last.
        for name in sorted(set(used) & set(self.alignments), key=lambda name: (not self.sizes[name], name)):
            offsets[name] = -(-end // self.alignments[name]) * self.alignments[name]
            end = offsets[name] + self.sizes[name]
        begin = max((offset for name, offset in offsets.items() if not self.sizes[name]), default=end)
        offsets |= {name: begin for name in offsets if not self.sizes[name]}
        if end > _MOST_STATIC:
            raise CompileError(
                f"kernel {kernel}: a device has {_MOST_STATIC:,} bytes for shared variables, got {end:,}"
            )
        return offsets, begin


def take_variables(program: ir.Module) -> Variables:
    """Return the variables of a module, and take those in shared memory out of it.

    Raises:
        CompileError: A variable has a type whose size is not known.
    """
    sizes, alignments = dict[str, int](), dict[str, int]()
    for op in list(program.body):
        if not isinstance(op, llvm.GlobalOp):
            continue
        kind, name = op.global_type.value, op.sym_name.value
        size = size_of(kind)
        if size is None:
            raise CompileError(f"kernels cannot be emulated: variable {name} of type {kind}")
        sizes[name] = size
        if op.addr_space is not None and op.addr_space.value == SHARED_SPACE:
            alignments[name] = natural_alignment(kind) if op.alignment is None else op.alignment.value
            op.erase()
    return Variables(sizes, alignments)
