"""Arrays in a device's memory."""

from __future__ import annotations

import math
import weakref
from typing import Any, NoReturn

import numpy as np

from catgrad.errors import ArgumentError
from catgrad.runtime.buffers import Array, Shape, address
from catgrad.runtime.dlpack import LEGACY_STREAM, to_dlpack
from catgrad.runtime.gpu.device import Device

__all__ = ["DeviceArray"]

_CUDA = 2
"""What DLPack calls the CUDA driver's devices."""
_ORDERED = {None, -1, LEGACY_STREAM}
"""The streams of a consumer that need no waiting: the same, none in particular, and one that it takes care of."""


class DeviceArray:
    """An array in a device's memory, row by row; the memory is freed with the last reference.

    `numpy.asarray` and `float` copy it to the host. Other libraries share its memory, by `__dlpack__` or by
    `__cuda_array_interface__`: `torch.from_dlpack(array)`, `cupy.from_dlpack(array)`, `jax.dlpack.from_dlpack(array)`.

    Args:
        device: Where.
        shape: Its extents.
        dtype: The type of its elements.
        foreign: What it shares the memory of (`catgrad.runtime.dlpack.from_device`); it has its own if None.

    Attributes:
        device: Where it is.
        shape: Its extents.
        dtype: The type of its elements.
        address: Where it begins; 0 if it is empty.
    """

    def __init__(self, device: Device, shape: Shape, dtype: np.dtype[Any], foreign: Array | None = None) -> None:
        self.device, self.shape, self.dtype = device, shape, dtype
        self.address = 0
        if not self.nbytes:
            return
        if foreign is not None:
            self.address = address(foreign)
            weakref.finalize(self, device.give_back, foreign).atexit = False
        else:
            self.address = device.allocate(self.nbytes)
            weakref.finalize(self, device.free, self.address).atexit = False

    @staticmethod
    def of(device: Device, array: Array) -> DeviceArray:
        """Copy an array to a device."""
        whole = np.ascontiguousarray(array).reshape(array.shape)
        made = DeviceArray(device, whole.shape, whole.dtype)
        if made.nbytes:
            device.copy_in(made.address, address(whole), made.nbytes)
        return made

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return self.size * self.dtype.itemsize

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("an array of a device is copied to be read by the host")
        found: Array = np.empty(self.shape, self.dtype)
        if self.nbytes:
            self.device.copy_out(address(found), self.address, self.nbytes)
        return found if dtype is None else found.astype(dtype)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if self.device.dlpack[0] != _CUDA or self.dtype.isbuiltin != 1:
            raise AttributeError(f"{self.dtype} on {self.device.name} has no __cuda_array_interface__")
        data = {"data": (self.address, False), "stream": LEGACY_STREAM}
        return {"version": 3, "shape": self.shape, "typestr": self.dtype.str, "strides": None, **data}

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device.dlpack

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if copy or (dl_device is not None and tuple(dl_device) != self.device.dlpack):
            raise BufferError("an array of a device is handed over where it is: copy it with numpy.asarray")
        if stream not in _ORDERED:
            self.device.wait()
        return to_dlpack(self, self.address, self.device.dlpack, max_version)

    def item(self) -> Any:
        """Return the one element as a Python number.

        Raises:
            ArgumentError: There is not exactly one.
        """
        if self.size != 1:
            raise ArgumentError(f"an array of shape {self.shape} is no number")
        return np.asarray(self).item()

    def __copy__(self) -> DeviceArray:
        return DeviceArray.of(self.device, np.asarray(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> DeviceArray:
        return self.__copy__()

    def __reduce__(self) -> NoReturn:
        raise TypeError("an array of a device cannot be pickled: pass np.asarray(x)")

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __repr__(self) -> str:
        return f"DeviceArray({np.asarray(self)!r}, device={self.device.name!r})"
