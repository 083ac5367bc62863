"""Lowering of launches to calls of the CUDA driver.

MLIR's launches call a run-time library of its own, which ends the process where there is no driver. Here the functions
of that library are defined in the module itself, in terms of two functions of the driver and a record of what goes on,
which are there when the code runs.

Kernels are loaded before the code runs. There is one stream, the driver's default, and nothing waits: the stream's
order is the order of everything that happens on the device.

Reference: mlir/lib/ExecutionEngine/CudaRuntimeWrappers.cpp of LLVM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir

from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named

__all__ = ["DriverCalls"]

_LIBRARY = """
// The loaded kernels, the function that was looked up last, and the status of the first call that failed, else 0: what
// comes after it is left out.
llvm.mlir.global external @catgrad.launches() : !llvm.struct<(ptr, ptr, i32)>

llvm.func @cuModuleGetFunction(!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
llvm.func @cuLaunchKernel(!llvm.ptr, i32, i32, i32, i32, i32, i32, i32, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32

// A constructor, which nobody runs, would load the kernels with this.
llvm.func @mgpuModuleLoadJIT(%text: !llvm.ptr, %level: i32, %size: i64) -> !llvm.ptr {
  %none = llvm.mlir.zero : !llvm.ptr
  llvm.return %none : !llvm.ptr
}

llvm.func @mgpuModuleUnload(%module: !llvm.ptr) {
  llvm.return
}

llvm.func @mgpuModuleGetFunction(%none: !llvm.ptr, %name: !llvm.ptr) -> !llvm.ptr {
  %zero = llvm.mlir.constant(0 : i32) : i32
  %record = llvm.mlir.addressof @catgrad.launches : !llvm.ptr
  %function_at = llvm.getelementptr %record[0, 1] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(ptr, ptr, i32)>
  %status_at = llvm.getelementptr %record[0, 2] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(ptr, ptr, i32)>
  %before = llvm.load %status_at : !llvm.ptr -> i32
  %succeeded = llvm.icmp "eq" %before, %zero : i32
  llvm.cond_br %succeeded, ^look_up, ^done
^look_up:
  %module = llvm.load %record : !llvm.ptr -> !llvm.ptr
  %status = llvm.call @cuModuleGetFunction(%function_at, %module, %name) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  llvm.store %status, %status_at : i32, !llvm.ptr
  llvm.br ^done
^done:
  %function = llvm.load %function_at : !llvm.ptr -> !llvm.ptr
  llvm.return %function : !llvm.ptr
}

llvm.func @mgpuLaunchKernel(%function: !llvm.ptr, %gx: i64, %gy: i64, %gz: i64, %bx: i64, %by: i64, %bz: i64,
    %shared: i32, %stream: !llvm.ptr, %parameters: !llvm.ptr, %extra: !llvm.ptr, %count: i64) {
  %zero = llvm.mlir.constant(0 : i32) : i32
  %record = llvm.mlir.addressof @catgrad.launches : !llvm.ptr
  %status_at = llvm.getelementptr %record[0, 2] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(ptr, ptr, i32)>
  %before = llvm.load %status_at : !llvm.ptr -> i32
  %succeeded = llvm.icmp "eq" %before, %zero : i32
  llvm.cond_br %succeeded, ^launch, ^done
^launch:
  %gx32 = llvm.trunc %gx : i64 to i32
  %gy32 = llvm.trunc %gy : i64 to i32
  %gz32 = llvm.trunc %gz : i64 to i32
  %bx32 = llvm.trunc %bx : i64 to i32
  %by32 = llvm.trunc %by : i64 to i32
  %bz32 = llvm.trunc %bz : i64 to i32
  %status = llvm.call @cuLaunchKernel(%function, %gx32, %gy32, %gz32, %bx32, %by32, %bz32, %shared, %stream,
      %parameters, %extra)
      : (!llvm.ptr, i32, i32, i32, i32, i32, i32, i32, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  llvm.store %status, %status_at : i32, !llvm.ptr
  llvm.br ^done
^done:
  llvm.return
}

llvm.func @mgpuStreamCreate() -> !llvm.ptr {
  %default = llvm.mlir.zero : !llvm.ptr
  llvm.return %default : !llvm.ptr
}

llvm.func @mgpuStreamSynchronize(%stream: !llvm.ptr) {
  llvm.return
}

llvm.func @mgpuStreamDestroy(%stream: !llvm.ptr) {
  llvm.return
}
"""


@dataclass(frozen=True)
class DriverCalls(Pass):
    """Define what launches call by the CUDA driver, in a module whose host code is in the LLVM dialect."""

    name: ClassVar[str] = "catgrad-driver-calls"

    def run(self, module: ir.Operation) -> None:
        """Add the functions; they take the place of declarations."""
        block = module.regions[0].blocks[0]
        library = ir.Module.parse(_LIBRARY, module.context).body
        defined = {ir.StringAttr(op.attributes["sym_name"]) for op in library}
        for op in named(module, "llvm.func"):
            if ir.StringAttr(op.attributes["sym_name"]) in defined:
                op.erase()
        for op in library:
            block.append(op.operation.clone())
