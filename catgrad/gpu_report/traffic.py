"""Global memory traffic of each launch: requests of its threads, counted by running the program on the emulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mlir import ir

from catgrad.backend import OPT_LEVEL
from catgrad.errors import CatgradError
from catgrad.runtime import Signature
from catgrad.runtime.gpu.emulated import EmulatedDevice
from catgrad.runtime.gpu.executable import GpuExecutable
from catgrad.runtime.gpu.host import host_code
from catgrad.runtime.gpu_emulator import Traffic

__all__ = ["measure"]

_ADVICE = "--no-run, or counts=False"


def measure(module: ir.Module, signature: Signature) -> tuple[Traffic, ...]:
    """Run a program on arrays of zeros; return what each launch requests, in order.

    Args:
        module: The program after its last stage; its kernels are replaced by their PTX.
        signature: What it takes and gives; every size is known.

    Raises:
        CatgradError: The emulator lacks an operation or the memory, or finds an error.
    """
    flat = replace(signature, input_tree=None, output_tree=None)
    counted: list[Traffic] = []
    device = EmulatedDevice(traffic=counted)
    code = host_code(module, flat.name, device, OPT_LEVEL)
    try:
        zeros = [np.zeros(tuple(map(int, each.shape)), each.dtype.numpy) for each in flat.inputs]
        GpuExecutable(flat, code, device, target=device.name)(*zeros)
    except MemoryError as error:
        raise CatgradError(f"counting what is moved takes a run: {error}; leave it out with {_ADVICE}") from error
    return tuple(counted)
