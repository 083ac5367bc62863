"""Emulated devices for tests: kernels as text, arguments as arrays and numbers."""

import numpy as np
import pytest
from mlir import ir
from mlir.passmanager import PassManager

from catgrad.runtime.gpu_emulator import Emulator

_LOWER = (
    "builtin.module(gpu.module(convert-nvgpu-to-nvvm,expand-strided-metadata,lower-affine,"
    "convert-vector-to-llvm{use-vector-alignment=1},convert-scf-to-cf,"
    "convert-gpu-to-nvvm{use-bare-ptr-memref-call-conv=1},canonicalize,cse,reconcile-unrealized-casts))"
)


class Device:
    """An emulator that takes numpy arrays, and numbers as numpy scalars."""

    def __init__(self, module, schedule="forward", **more):
        self.emulator = Emulator(module, schedule, **more)

    def run(self, kernel, grid, block, *arguments, shared=0):
        """Launch a kernel; arrays are copied to the device and back."""
        grid, block = ((*sizes, 1, 1)[:3] for sizes in (grid, block))
        arrays = [each for each in arguments if isinstance(each, np.ndarray)]
        addresses = [self.emulator.allocate(each.nbytes) for each in arrays]
        for address, each in zip(addresses, arrays, strict=True):
            self.emulator.copy_in(address, each.ctypes.data, each.nbytes)
        places = iter(addresses)
        values = [np.array([next(places)]) if isinstance(a, np.ndarray) else np.array([a]) for a in arguments]
        table = np.array([each.ctypes.data for each in values] or [0], np.uint64)
        try:
            self.emulator.launch(kernel, grid, block, shared, table.ctypes.data)
            for address, each in zip(addresses, arrays, strict=True):
                self.emulator.copy_out(each.ctypes.data, address, each.nbytes)
        finally:
            for address in addresses:
                self.emulator.free(address)


def parse(body):
    """Return the module of a `gpu.module` with a body."""
    context = ir.Context()
    context.emit_error_diagnostics = True
    context.attach_diagnostic_handler(lambda diagnostic: True)
    with context, ir.Location.unknown():
        return ir.Module.parse(f"module attributes {{gpu.container_module}} {{ gpu.module @kernels {{\n{body}\n}} }}")


@pytest.fixture(scope="session")
def nvvm():
    """Return the device of kernels in the NVVM dialect."""
    return lambda body, *options, **more: Device(parse(body), *options, **more)


@pytest.fixture(scope="session")
def gpu():
    """Return the device of kernels in the gpu dialect, lowered as for PTX."""

    def make(body, schedule="forward", **more):
        module = parse(body)
        with module.context, ir.Location.unknown():
            PassManager.parse(_LOWER).run(module.operation)
        return Device(module, schedule, **more)

    return make
