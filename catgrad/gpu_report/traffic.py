"""What the threads of each launch request of global memory: counted by running the program on the emulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mlir import ir

from catgrad.backend import OPT_LEVEL
from catgrad.runtime import Signature
from catgrad.runtime.gpu.device import Grid
from catgrad.runtime.gpu.emulated import EmulatedDevice
from catgrad.runtime.gpu.executable import GpuExecutable
from catgrad.runtime.gpu.host import host_code
from catgrad.runtime.gpu_emulator import Emulator, Traffic

__all__ = ["measure"]


class _CountingDevice(EmulatedDevice):
    """A device that remembers what each launch requests."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[Traffic] = []

    def load(self, module: ir.Module) -> _CountingKernels:
        return _CountingKernels(self.emulator(module, counts=True), self.counted)


class _CountingKernels:
    def __init__(self, emulator: Emulator, counted: list[Traffic]) -> None:
        self._emulator, self._counted = emulator, counted

    def launch(self, name: str, grid: Grid, block: Grid, shared_bytes: int, parameters: int) -> None:
        self._emulator.launch(name, grid, block, shared_bytes, parameters)
        self._counted.append(self._emulator.traffic)


def measure(module: ir.Module, signature: Signature) -> tuple[Traffic, ...]:
    """Run a program on arrays of zeros; return what each launch requests, in order.

    Args:
        module: The program after its last stage; its kernels are replaced by their PTX.
        signature: What it takes and gives; every size is known.

    Raises:
        CatgradError: The emulator lacks an operation, or finds an error.
    """
    flat = replace(signature, input_tree=None, output_tree=None)
    device = _CountingDevice()
    code = host_code(module, flat.name, device, OPT_LEVEL)
    zeros = [np.zeros(tuple(map(int, each.shape)), each.dtype.numpy) for each in flat.inputs]
    GpuExecutable(flat, code, device, target=device.name)(*zeros)
    return tuple(device.counted)
