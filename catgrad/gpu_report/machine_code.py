"""Machine code of each kernel: the registers and memory it takes of a multiprocessor, and its instructions.

The assembler itself says what a kernel takes; it alone tells what was spilled. The disassembler lists the instructions.

Reference: CUDA Compiler Driver NVCC, section "Printing Code Generation Statistics"; CUDA Binary Utilities, sections
"nvdisasm" and "Instruction Set Reference".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from catgrad.runtime.gpu.assembly import assemble, disassemble

__all__ = ["KINDS", "MachineCode", "Usage", "machine_code", "usages"]

KINDS: Mapping[str, frozenset[str]] = {
    "tensor": frozenset({
        *("HMMA", "IMMA", "DMMA", "BMMA", "QMMA", "OMMA"),
        *("HGMMA", "IGMMA", "BGMMA", "QGMMA"),
        *("UTCHMMA", "UTCIMMA", "UTCQMMA", "UTCOMMA"),
    }),
    "global_load": frozenset({"LDG", "LD"}),
    "global_store": frozenset({"STG", "ST"}),
    "async_copy": frozenset({"LDGSTS", "UBLKCP", "UTMALDG"}),
    "shared_load": frozenset({"LDS", "LDSM"}),
    "shared_store": frozenset({"STS", "STSM"}),
    "local": frozenset({"LDL", "STL"}),
    "atomic": frozenset({"ATOM", "ATOMG", "ATOMS", "RED", "REDG"}),
    "shuffle": frozenset({"SHFL", "REDUX"}),
    "barrier": frozenset({"BAR"}),
}
"""Kinds of instructions, by the first word of their opcodes."""

_PADDING = "NOP"
_ENTRY = re.compile(r"^.*Compiling entry function '([^']+)'.*$", re.MULTILINE)
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_REGISTERS = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")


@dataclass(frozen=True)
class Usage:
    """Resources of a kernel.

    Attributes:
        registers: Registers of a thread, of 32 bits.
        shared_bytes: Shared memory that the kernel declares.
        stack_bytes: Memory of a thread for variables that are addressed.
        spilled_bytes: What a thread stores and loads because registers are lacking.
    """

    registers: int
    shared_bytes: int
    stack_bytes: int
    spilled_bytes: int


@dataclass(frozen=True)
class MachineCode:
    """A kernel for an architecture.

    Attributes:
        usage: What it takes.
        opcodes: How often each instruction occurs, with its modifiers: {"LDG.E.128": 2}.
    """

    usage: Usage
    opcodes: Mapping[str, int]

    @property
    def instructions(self) -> int:
        """The number of instructions, without those that fill up the end."""
        return sum(number for opcode, number in self.opcodes.items() if opcode != _PADDING)

    @property
    def kinds(self) -> dict[str, int]:
        """The number of instructions of each of `KINDS`."""
        words = Counter[str]()
        for opcode, number in self.opcodes.items():
            words[opcode.partition(".")[0]] += number
        return {kind: sum(words[word] for word in sorted(members)) for kind, members in KINDS.items()}


def machine_code(ptx: str) -> dict[str, MachineCode]:
    """Return what the assembler makes of the kernels of a PTX text, by name.

    Raises:
        CompileError: NVIDIA's tools are not there, or refuse it.
    """
    with TemporaryDirectory(prefix="catgrad-") as folder:
        binary = Path(folder, "kernels.cubin")
        taken = usages(assemble(ptx, binary))
        _, functions = disassemble(binary)
    opcodes = {
        function["function-name"]: Counter(each["opcode"] for each in function["sass-instructions"])
        for function in functions
    }
    return {name: MachineCode(usage, dict(opcodes[name])) for name, usage in taken.items()}


def usages(said: str) -> dict[str, Usage]:
    r"""Return what each kernel takes, from what the assembler says.

    Example:
        >>> usages(
        ...     "ptxas info    : Compiling entry function 'f' for 'sm_90'\n"
        ...     "    0 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads\n"
        ...     "ptxas info    : Used 36 registers, used 1 barriers, 8192 bytes smem\n"
        ... )
        {'f': Usage(registers=36, shared_bytes=8192, stack_bytes=0, spilled_bytes=12)}
    """
    _, *rest = _ENTRY.split(said)
    return {name: _usage(text) for name, text in zip(rest[::2], rest[1::2], strict=True)}


def _usage(said: str) -> Usage:
    frames = [tuple(map(int, found)) for found in _STACK.findall(said)]
    registers, shared = _REGISTERS.search(said), _SHARED.search(said)
    return Usage(
        registers=int(registers[1]) if registers else 0,
        shared_bytes=int(shared[1]) if shared else 0,
        stack_bytes=sum(stack for stack, _, _ in frames),
        spilled_bytes=sum(stores + loads for _, stores, loads in frames),
    )
