"""From kernels in NVVM to PTX, and to the machine code that NVIDIA's tools make of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlir import ir
from mlir.dialects import gpu
from mlir.passmanager import PassManager

from catgrad.errors import CompileError
from catgrad.native import critical
from catgrad.runtime.gpu.tools import run

__all__ = ["assemble", "disassemble", "embedded", "ptx", "sass", "to_binary", "to_nothing"]

_TO_PTX = "builtin.module(gpu-module-to-binary{format=isa})"
_ASSEMBLY = 2
"""What MLIR calls PTX among the formats of kernels."""
_TARGET = re.compile(r"^\.target (\w+)", re.MULTILINE)


@critical()
def ptx(module: ir.Module) -> str:
    """Return the PTX of the kernels of a module, whose kernels are in NVVM; empty if there are none.

    Raises:
        CompileError: LLVM refuses them.
    """
    with module.context:
        copy = ir.Module.parse(module.operation.get_asm())
        to_binary(copy)
        return embedded(copy)


def embedded(module: ir.Module) -> str:
    """Return the PTX of the kernels of a module that `to_binary` has changed."""
    texts = [gpu.ObjectAttr(op.objects[0]).object for op in module.body if isinstance(op, gpu.BinaryOp)]
    return "".join(text.rstrip(b"\0").decode() for text in texts)


def to_binary(module: ir.Module) -> None:
    """Replace the kernels of a module by their PTX.

    Raises:
        CompileError: LLVM refuses them.
    """
    with module.context:
        try:
            PassManager.parse(_TO_PTX).run(module.operation)
        except ir.MLIRError as error:
            raise CompileError(f"cannot make PTX: {error}") from error


def to_nothing(module: ir.Module) -> None:
    """Replace the kernels of a module, which somebody has already, by an empty text in place of their PTX."""
    with module.context, ir.Location.unknown():
        handler = ir.Attribute.parse("#gpu.select_object")
        level = ir.DictAttr.get({"O": ir.IntegerAttr.get(ir.IntegerType.get_signless(32), 0)})
        for op in [view for view in module.body if isinstance(view, gpu.GPUModuleOp)]:
            nothing = gpu.ObjectAttr.get(op.targets[0], _ASSEMBLY, b"\0", level)
            with ir.InsertionPoint(op):
                gpu.BinaryOp(op.sym_name, ir.ArrayAttr.get([nothing]), offloadingHandler=handler)
            op.operation.erase()


def sass(module: ir.Module) -> str:
    """Return the machine code of the kernels of a module as text.

    Raises:
        CompileError: The tools are not there, or refuse the kernels.
    """
    text = ptx(module)
    if not text:
        return ""
    with TemporaryDirectory(prefix="catgrad-") as folder:
        binary = Path(folder, "kernels.cubin")
        assemble(text, binary)
        return run("nvdisasm", str(binary)).stdout


def disassemble(binary: Path) -> Any:
    """Return what `nvdisasm -json` says of machine code: what the file is, and a list of its functions.

    Raises:
        CompileError: The tool is not there, or refuses the file.
    """
    return json.loads(run("nvdisasm", "-json", str(binary)).stdout)


def assemble(text: str, binary: Path) -> str:
    """Assemble PTX, and return what the assembler says of each kernel: registers, shared memory, spills.

    Args:
        text: The PTX.
        binary: Where to write the machine code, for the architecture that the text names.

    Raises:
        CompileError: There is no assembler, or it refuses the text.
    """
    named = _TARGET.search(text)
    if named is None:
        raise CompileError("the text names no architecture: it is no PTX")
    with TemporaryDirectory(prefix="catgrad-") as folder:
        source = Path(folder, "kernels.ptx")
        source.write_text(text)
        return run("ptxas", "-v", f"-arch={named[1]}", "-o", str(binary), str(source)).stderr
