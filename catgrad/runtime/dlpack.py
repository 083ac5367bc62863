"""Foreign arrays as NumPy arrays without a copy, by DLPack; with bfloat16, which NumPy's import does not know.

A producer hands over a capsule with a `DLManagedTensor` (https://dmlc.github.io/dlpack/latest/c_api.html). For bfloat16
its type code is rewritten to an unsigned integer of the same width before NumPy reads it, and the result is viewed as
`ml_dtypes.bfloat16`.
"""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

from catgrad.runtime.buffers import Array

__all__ = ["from_dlpack"]

_UINT, _BFLOAT = 1, 4
_TENSOR_OFFSET = {b"dltensor": 0, b"dltensor_versioned": 32}
"""Where the `DLTensor` lies in the struct behind a capsule of each name."""
_CODE_OFFSET = 20
"""Where `dtype.code` lies in a `DLTensor`, after the data pointer, the device and the rank."""

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
        bits = _Bits(producer)
        try:
            return np.from_dlpack(bits).view(ml_dtypes.bfloat16)
        except RuntimeError:
            raise error from None


class _Bits:
    """A producer of bfloat16 that passes for one of uint16, and leaves everything else as it is."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def __dlpack__(self, **options: Any) -> Any:
        capsule = self._producer.__dlpack__(**options)
        name = _capsule_name(capsule)
        code = _capsule_pointer(capsule, name) + _TENSOR_OFFSET[name] + _CODE_OFFSET
        dtype = ctypes.c_uint8.from_address(code)
        if dtype.value == _BFLOAT:
            dtype.value = _UINT
        return capsule

    def __dlpack_device__(self) -> Any:
        return self._producer.__dlpack_device__()
