"""Arrays by name as a safetensors file, which holds each of them row by row.

Reference: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from catgrad import files, json_text
from catgrad.errors import CatgradError
from catgrad.integers import GREATEST
from catgrad.numbers import is_masked
from catgrad.types import TensorType, dtypes

__all__ = ["byte_count", "check_finite", "check_fit", "from_safetensors", "read_safetensors", "to_safetensors"]

_METADATA = "__metadata__"
"""What names no array in the header of a file."""
_LENGTH = 8
"""Bytes at the beginning of a file that say how long its header is."""
_LARGEST_HEADER = 1 << 24
"""How many bytes a header has at most."""
_DAMAGED = "it is damaged, or no safetensors file"
_DTYPES = {dtype.name.upper(): dtype for dtype in dtypes}
"""The element types by what a file calls them."""


def to_safetensors(parameters: Mapping[str, Any]) -> bytes:
    """Return the file of some arrays, of whatever order in memory; equal arrays give equal bytes.

    Raises:
        CatgradError: They are not arrays by name.

    Example:
        >>> from safetensors.numpy import load
        >>> load(to_safetensors({"weight": np.array([[1, 2], [3, 4]], np.int32).T}))["weight"].tolist()
        [[1, 3], [2, 4]]
    """
    _check_names(parameters)
    return save({name: _array(name, parameters[name]) for name in sorted(parameters)})


def from_safetensors(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of a file, by name.

    Raises:
        CatgradError: The file is damaged, or has arrays of dtypes that catgrad lacks.

    Example:
        >>> from_safetensors(to_safetensors({"weight": np.array([[1, 2]], np.int32)}))["weight"].tolist()
        [[1, 2]]
    """
    try:
        found = deserialize(content)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise CatgradError(f"{_DAMAGED}: {error}") from None
    return {name: _decoded(name, **about) for name, about in sorted(found, key=itemgetter(0))}


def read_safetensors(path: Path, types: Mapping[str, TensorType]) -> tuple[bytes, dict[str, np.ndarray[Any, Any]]]:
    """Return what a file holds, and its arrays: one of each type, and no other.

    That is found out from its header, and the rest is read only if it is as long as those arrays are.

    Raises:
        CatgradError: It has other arrays, is damaged, or is no file that can be read.
        OSError: It cannot be read.
    """
    with files.opened(path) as (file, size):
        start = file.read(_LENGTH)
        length = int.from_bytes(start, "little")
        if length > min(size - _LENGTH, _LARGEST_HEADER):
            raise CatgradError(f"{_DAMAGED}: its header would have {length:,} bytes")
        header = file.read(length)
        given = _described(header, size - _LENGTH - length)
        _check_types(given, given.__getitem__, types)
        expected = _LENGTH + length + sum(map(byte_count, types.values()))
        if size != expected:
            raise CatgradError(f"{_DAMAGED}: it has {size:,} bytes, and its arrays take {expected:,}")
        content = start + header + file.read(expected - _LENGTH - length)
    return content, from_safetensors(content)


def byte_count(type: TensorType) -> int:
    """Return how many bytes an array of known size takes."""
    return math.prod(map(int, type.shape)) * type.dtype.numpy.itemsize


def check_finite(parameters: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Raise `CatgradError` if a number is infinite or none."""
    for name, array in parameters.items():
        count = array.size - np.count_nonzero(np.isfinite(array))
        if count:
            raise CatgradError(f"parameters[{name!r}] must be finite: {count:,} of {array.size:,} numbers are not")


def check_fit(parameters: Mapping[str, Any], types: Mapping[str, TensorType]) -> None:
    """Raise `CatgradError` unless there is an array of each type, and no other."""
    _check_names(parameters)
    _check_types(parameters, lambda name: TensorType.of(_array(name, parameters[name])), types)


def _check_types(names: Collection[str], given: Callable[[str], TensorType], types: Mapping[str, TensorType]) -> None:
    """Raise `CatgradError` unless there are these names, and what is given for each has its type."""
    if set(names) != types.keys():
        raise CatgradError(f"the model has the parameters {sorted(types)}, given {sorted(names)}")
    for name, type in types.items():
        if given(name) != type:
            raise CatgradError(f"parameters[{name!r}] must be {type}, got {given(name)}")


def _described(header: bytes, size: int) -> dict[str, TensorType]:
    """Return the types of the arrays that the header of a file lists, given the size of what comes after it."""
    try:
        listed = json_text.loads(header)
        listed.pop(_METADATA, None)
        types = {name: _type(name, about["dtype"], about["shape"]) for name, about in listed.items()}
        for name, type in types.items():
            start, end = listed[name]["data_offsets"]
            if not 0 <= start <= end <= size or end - start != byte_count(type):
                raise CatgradError(f"{_DAMAGED}: {name!r} is {type} at {start} to {end} of {size:,} bytes")
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if isinstance(error, CatgradError):
            raise
        raise CatgradError(f"{_DAMAGED}: its header lists no arrays") from error
    return types


def _type(name: str, dtype: str, shape: list[int]) -> TensorType:
    """Return the type of an array, given what a header says of it."""
    if dtype not in _DTYPES:
        raise CatgradError(f"{name!r} is of dtype {dtype}: expected one of {', '.join(_DTYPES)}")
    if not all(type(extent) is int and 0 <= extent <= GREATEST for extent in shape):
        raise CatgradError(f"{_DAMAGED}: {name!r} is of shape {shape}")
    return _DTYPES[dtype][tuple(shape)]


def _check_names(parameters: Mapping[str, Any]) -> None:
    """Raise `CatgradError` unless they are something by name, and a file can have the names."""
    if not isinstance(parameters, Mapping):
        raise CatgradError(f"parameters are arrays by name, such as {{'weight': w}}, not a {type(parameters).__name__}")
    for name in parameters:
        if not isinstance(name, str):
            raise CatgradError(f"parameters are arrays by name, and {name!r} is no text")
        if name == _METADATA:
            raise CatgradError(f"no array can be called {name}, which is what a file says about itself")


def _decoded(name: str, *, dtype: str, shape: list[int], data: bytearray) -> np.ndarray[Any, Any]:
    return np.frombuffer(data, _type(name, dtype, shape).dtype.numpy).reshape(shape)


def _array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return an array whose memory is what the file has: row by row, in this machine's order of bytes."""
    try:
        array = np.asarray(value)
        dtype = TensorType.of(value if is_masked(value) else array).dtype.numpy
    except (CatgradError, ValueError) as error:
        raise CatgradError(
            f"parameters[{name!r}] is of type {type(value).__name__}, which cannot be saved: {error}"
        ) from None
    return array.astype(dtype, order="C", copy=False)
