"""Arrays by name as a safetensors file, which holds each of them row by row.

Reference: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from catgrad.errors import CatgradError
from catgrad.types import TensorType, dtypes, is_masked

__all__ = ["check_finite", "check_fit", "from_safetensors", "to_safetensors"]

_METADATA = "__metadata__"
"""What names no array in the header of a file."""
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
        raise CatgradError(f"it is damaged, or no safetensors file: {error}") from None
    return {name: _decoded(name, **about) for name, about in sorted(found, key=itemgetter(0))}


def check_finite(parameters: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Raise `CatgradError` if a number is infinite or none."""
    for name, array in parameters.items():
        count = array.size - np.count_nonzero(np.isfinite(array))
        if count:
            raise CatgradError(f"parameters[{name!r}] must be finite: {count:,} of {array.size:,} numbers are not")


def check_fit(parameters: Mapping[str, Any], types: Mapping[str, TensorType]) -> None:
    """Raise `CatgradError` unless there is an array of each type, and no other."""
    _check_names(parameters)
    if parameters.keys() != types.keys():
        raise CatgradError(f"the model has the parameters {sorted(types)}, given {sorted(parameters)}")
    for name, type in types.items():
        given = TensorType.of(_array(name, parameters[name]))
        if given != type:
            raise CatgradError(f"parameters[{name!r}] must be {type}, got {given}")


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
    if dtype not in _DTYPES:
        raise CatgradError(f"{name!r} is of dtype {dtype}: expected one of {', '.join(_DTYPES)}")
    return np.frombuffer(data, _DTYPES[dtype].numpy).reshape(shape)


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
