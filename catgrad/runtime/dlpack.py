"""Foreign arrays without a copy, by DLPack: those of the host as NumPy arrays, those of devices by their addresses.

A producer hands over a capsule with a `DLManagedTensor` (https://dmlc.github.io/dlpack/latest/c_api.html). NumPy makes
and takes those of the host, but neither knows bfloat16 nor devices. So what is in a capsule is disguised on its way:
bfloat16 as an unsigned integer of the same width, and memory of a device as the host's. Such an array has the address,
shape and dtype; nobody may look at its elements.
"""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

from catgrad.runtime.buffers import Array, Shape

__all__ = ["LEGACY_STREAM", "device_of", "from_device", "from_dlpack", "to_dlpack"]

LEGACY_STREAM = 1
"""What DLPack calls CUDA's default stream."""

_HOST = (1, 0)
_UINT, _BFLOAT = 1, 4
_TENSOR_OFFSET = {b"dltensor": 0, b"dltensor_versioned": 32}
"""Where the `DLTensor` lies in the struct behind a capsule of each name."""
_DEVICE_OFFSET, _CODE_OFFSET = 8, 20
"""Where `device` lies in a `DLTensor`, after the data pointer, and `dtype.code`, after the rank."""
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)

_capsule_name = ctypes.pythonapi.PyCapsule_GetName
_capsule_name.restype, _capsule_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype, _capsule_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def from_dlpack(producer: Any) -> Array:
    """Return a view of an array of another library.

    Raises:
        BufferError, RuntimeError, TypeError, AttributeError: `producer` has no DLPack form that NumPy can view: it is
            on another device, has a data type NumPy does not know, or needs a gradient.
    """
    try:
        return np.from_dlpack(producer)
    except RuntimeError as error:  # NumPy's "Unsupported dtype in DLTensor"
        disguised = _Disguised(producer, {})
        try:
            return np.from_dlpack(disguised).view(ml_dtypes.bfloat16)
        except RuntimeError:
            raise error from None


def device_of(value: Any) -> tuple[int, int] | None:
    """Return which device the memory of an array is on, as DLPack has it; None if it does not say."""
    known = getattr(value, "__dlpack_device__", None)
    return None if known is None else tuple(known())


def from_device(producer: Any) -> Array:
    """Return what a producer has on a device; see above. It is ready for what comes next in CUDA's default stream.

    Raises:
        BufferError, RuntimeError, TypeError, AttributeError: It is not handed over, or its data type is not known.
    """
    disguised = _Disguised(producer, {"stream": LEGACY_STREAM})
    array: Array = np.from_dlpack(disguised)
    return array.view(ml_dtypes.bfloat16) if disguised.is_bfloat else array


def to_dlpack(owner: Any, address: int, device: tuple[int, int], max_version: tuple[int, int] | None) -> Any:
    """Return a capsule for memory of a device.

    Args:
        owner: Whose memory it is, with a shape and a dtype; it lives as long as the consumer needs it.
        address: Where it begins.
        device: Which device, as DLPack has it.
        max_version: The version that the consumer knows.
    """
    is_bfloat = owner.dtype == _BFLOAT16
    memory = _Memory(owner, address, owner.shape, np.dtype(np.uint16) if is_bfloat else owner.dtype)
    capsule = np.asarray(memory).__dlpack__(max_version=max_version)
    tensor = _tensor(capsule)
    _place(tensor, device)
    if is_bfloat:
        ctypes.c_uint8.from_address(tensor + _CODE_OFFSET).value = _BFLOAT
    return capsule


class _Disguised:
    """A producer whose bfloat16 passes for uint16, and whose memory for the host's; the rest is as it is."""

    def __init__(self, producer: Any, options: dict[str, Any]) -> None:
        self._producer, self._options = producer, options
        self.is_bfloat = False

    def __dlpack__(self, **options: Any) -> Any:
        capsule = self._producer.__dlpack__(**options, **self._options)
        tensor = _tensor(capsule)
        code = ctypes.c_uint8.from_address(tensor + _CODE_OFFSET)
        self.is_bfloat = code.value == _BFLOAT
        if self.is_bfloat:
            code.value = _UINT
        if self._options:
            _place(tensor, _HOST)
        return capsule

    def __dlpack_device__(self) -> Any:
        return _HOST if self._options else self._producer.__dlpack_device__()


class _Memory:
    """Array interface, from which NumPy makes an array without copying."""

    def __init__(self, owner: Any, address: int, shape: Shape, dtype: np.dtype[Any]) -> None:
        self._owner = owner
        self.__array_interface__ = {"version": 3, "data": (address, False), "shape": shape, "typestr": dtype.str}


def _tensor(capsule: Any) -> int:
    """Return the address of the `DLTensor` in a capsule."""
    name = _capsule_name(capsule)
    return int(_capsule_pointer(capsule, name)) + _TENSOR_OFFSET[name]


def _place(tensor: int, device: tuple[int, int]) -> None:
    """Say on which device the memory of a `DLTensor` is."""
    (ctypes.c_int32 * 2).from_address(tensor + _DEVICE_OFFSET)[:] = list(device)
