"""The devices that there are, by target."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from catgrad.errors import CatgradError
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.runtime.gpu.device import Device
from catgrad.runtime.gpu.driver import MissingDriver

if TYPE_CHECKING:
    from catgrad.runtime.gpu.cuda import CudaDevice

__all__ = ["BEST", "find_device"]

BEST, _EMULATED = "cuda", "cuda:emulate"
"""The target that stands for the best code for the device that is there; and the one that needs none."""

_LOCK = Lock()
"""Arrays are of one device, so there is one object of each, whoever asks first."""


def find_device(target: str) -> Device:
    """Return the device that runs code for a target.

    Raises:
        CatgradError: There is none; the message says what is missing.
    """
    with _LOCK:
        if target == _EMULATED:
            return _emulated()
        try:
            device = _cuda()
        except MissingDriver as error:
            advice = f"{error.install}, or run" if error.install else "run"
            raise CatgradError(
                f"target {target!r} cannot run here: {error.message}: {advice} the same kernels on the processor with "
                f"target={_EMULATED!r}"
            ) from error
    _check(target, device)
    return device


def _check(target: str, device: CudaDevice) -> None:
    """Raise when a device does not run the code of an architecture."""
    if target == BEST:
        return
    needed = GpuMachine.named(target.removeprefix(f"{BEST}:")).capability
    if needed > device.about.capability:
        has, needs = ("{}.{}".format(*capability) for capability in (device.about.capability, needed))
        raise CatgradError(
            f"target {target!r} needs compute capability {needs}, and {device.name} has {has}: use "
            f"target={device.target!r}"
        )


@cache
def _emulated() -> Device:
    from catgrad.runtime.gpu.emulated import EmulatedDevice

    return EmulatedDevice()


@cache
def _cuda() -> CudaDevice:
    from catgrad.runtime.gpu.cuda import CudaDevice

    return CudaDevice()
