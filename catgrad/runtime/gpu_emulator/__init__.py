"""Running the kernels of a GPU on the CPU: every thread is a coroutine, every access is checked before it is made.

What runs is the module that becomes PTX: one `gpu.module` in the LLVM and NVVM dialects, as `convert-gpu-to-nvvm`
leaves it. Blocks run one after the other, their threads in an order that the caller chooses: what a kernel computes
must not depend on it.

* `emulator` is the door; `memory` is the device's memory, `schedules` has the orders of threads.
* `module` makes a module of coroutines of a module of kernels; `rules`, `guards` and `calls` say what becomes of each
  operation, `coroutine` how a thread waits.
* `compiled` makes machine code of that, by the code generator of executables; `conversions` is what it calls where a
  processor has no instruction.
* `code` and `routines` are how the rest is written: integers, records, loops and functions of generated code.
  `scheduler` runs the threads of a grid, `access` checks addresses, `warp` and `matrix` are what the lanes of a warp do
  together, `copies` is what goes on meanwhile.

Reference: https://docs.nvidia.com/cuda/parallel-thread-execution/ (PTX ISA)
"""

from catgrad.runtime.gpu_emulator.emulator import Emulator, Traffic
from catgrad.runtime.gpu_emulator.faults import EmulationError
from catgrad.runtime.gpu_emulator.memory import Memory

__all__ = ["EmulationError", "Emulator", "Memory", "Traffic"]
