"""The devices that there are, by target."""

from __future__ import annotations

from functools import cache

from catgrad.errors import CatgradError
from catgrad.runtime.gpu.device import Device

__all__ = ["find_device"]


@cache
def find_device(target: str) -> Device:
    """Return the device that runs code for a target.

    Raises:
        CatgradError: There is none; the message says what is missing.
    """
    if target != "cuda:emulate":
        raise CatgradError(
            f"there is no driver for target {target!r} here: run the same kernels on the processor with "
            f"target='cuda:emulate', or see them with `catgrad show --target {target} --stage ptx`"
        )
    from catgrad.runtime.gpu.emulated import EmulatedDevice

    return EmulatedDevice()
