"""Calls a compiled library with numpy arrays; needs neither catgrad nor a compiler.

The library, and the `manifest.json` that describes it, lie beside this file. A function takes and gives arrays nested
in tuples, lists and dictionaries. An array that it updates in place is returned as the same object.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Function", "Library"]

_DTYPES = {
    "bool": "bool",
    "i32": "int32",
    "i64": "int64",
    "f16": "float16",
    "bf16": "uint16",
    "f32": "float32",
    "f64": "float64",
}
_NUMBERS: dict[str, tuple[type, ...]] = {"b": (bool,), "i": (int,), "u": (), "f": (int, float)}
"""The Python numbers that may stand for an array, by the kind of its dtype."""
_CONTAINERS: dict[str, type] = {"dict": dict, "list": list, "tuple": tuple}
_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "add": int.__add__,
    "mul": int.__mul__,
    "floordiv": int.__floordiv__,
    "min": min,
    "max": max,
}


class Library:
    """A compiled library.

    Args:
        manifest: The path of the file that describes it.
        name: What it is called.

    Raises:
        ImportError: The file describes another library, there is none, this process has loaded another one from the
            same path, or this processor lacks instructions that it uses.
    """

    def __init__(self, manifest: Path, name: str) -> None:
        self._manifest = json.loads(manifest.read_text(encoding="utf-8"))
        if self._manifest["name"] != name:
            raise ImportError(f"{manifest} describes the library {self._manifest['name']}, not {name}")
        path = manifest.with_name(self._manifest["library"])
        if not path.exists():
            raise ImportError(f"{path} is not there: in its folder, run {self._manifest['link']}")
        self._code = ctypes.CDLL(str(path))
        build = self._manifest["build"].encode()
        if (ctypes.c_char * len(build)).in_dll(self._code, f"{name}_build").value != build:
            raise ImportError(f"this process uses another {path}, which was built before: start a new process")
        status = self._code[f"{name}_check"]()
        if status:
            raise ImportError(f"{path}: {self._manifest['statuses'][status]}")

    def function(self, name: str) -> Function:
        """Return one of its functions."""
        return Function(name, self._manifest["functions"][name], self._manifest["statuses"], self._code)


class Function:
    """A compiled function; calls may overlap in several threads.

    Args:
        name: What it is called.
        description: What the manifest says of it.
        statuses: What the numbers that it returns mean.
        code: The library.
    """

    def __init__(self, name: str, description: dict[str, Any], statuses: list[str], code: ctypes.CDLL) -> None:
        self.__name__ = name
        self.__doc__ = description["type"]
        self._about = description
        self._statuses = statuses
        self._code = code[description["symbol"]]
        self._workspace = code[f"{description['symbol']}_workspace"]
        self._workspace.restype = ctypes.c_size_t

    def __call__(self, *args: Any) -> Any:
        """Run the code.

        Raises:
            TypeError, ValueError: An argument has another structure, dtype or shape than the function takes.
        """
        inputs = self._about["inputs"]
        if len(args) != len(inputs):
            raise TypeError(f"{self.__name__} takes {len(inputs)} arguments, got {len(args)}")
        arrays: list[Any] = [None] * len(self._about["arrays"])
        for each, value in zip(inputs, args, strict=True):
            for operand, leaf in _leaves(each["tree"], value, each["name"]):
                arrays[operand] = _admit(leaf, self._about["arrays"][operand])
        dimensions = self._dimensions(arrays)
        self._complete(arrays, dimensions)
        self._check_overlap(arrays)
        self._run(arrays, list(dimensions.values()))
        return _tree(self._about["result"], arrays)

    def __repr__(self) -> str:
        return f"<compiled function {self.__doc__}>"

    def _dimensions(self, arrays: list[Any]) -> dict[str, int]:
        """Return the values of the symbolic dimensions, as the shapes of the arguments have them."""
        values = {}
        for each in self._about["dimensions"]:
            source = each["source"]
            size = arrays[source["array"]].shape[source["axis"]]
            values[each["name"]] = (size - source["offset"]) // source["scale"] * each["multiple_of"]
        return values

    def _complete(self, arrays: list[Any], dimensions: dict[str, int]) -> None:
        """Check the shapes of the arguments, and make new arrays for the results."""
        for operand, about in enumerate(self._about["arrays"]):
            shape = tuple(_extent(extent, dimensions) for extent in about["shape"])
            if arrays[operand] is None:
                arrays[operand] = np.empty(shape, _DTYPES[about["dtype"]])
            elif arrays[operand].shape != shape:
                raise ValueError(
                    f"{self.__name__}: {about['name']} must have shape {shape}, got {arrays[operand].shape}"
                )

    def _check_overlap(self, arrays: list[Any]) -> None:
        """Raise where an array that is written shares memory with another."""
        about = self._about["arrays"]
        blocks = sorted((x.ctypes.data, x.ctypes.data + x.nbytes, i) for i, x in enumerate(arrays) if x.nbytes)
        end, last = 0, 0
        written_end, last_written = 0, 0
        for start, stop, i in blocks:
            other = last if about[i]["written"] and start < end else last_written if start < written_end else None
            if other is not None:
                names = f"{about[other]['name']} and {about[i]['name']}"
                raise ValueError(
                    f"{self.__name__}: {names} share memory, and one is written: pass a copy of one of them"
                )
            if stop > end:
                end, last = stop, i
            if about[i]["written"] and stop > written_end:
                written_end, last_written = stop, i

    def _run(self, arrays: list[Any], dimensions: list[int]) -> None:
        sizes = [ctypes.c_int64(value) for value in dimensions]
        workspace = np.empty(self._workspace(*sizes), np.uint8)
        given = [_parameter(each, arrays) for each in self._about["parameters"]]
        room = ctypes.c_void_p(workspace.ctypes.data), ctypes.c_size_t(workspace.size)
        status = self._code(*sizes, *given, *room)
        if status:
            raise ValueError(f"{self.__name__}: {self._statuses[status]}")


def _leaves(tree: Any, value: Any, name: str) -> Iterator[tuple[int, Any]]:
    """Yield the arrays of a nested value, with their operands."""
    if isinstance(tree, int):
        yield tree, value
        return
    container, children = _node(tree)
    if not isinstance(value, container):
        raise TypeError(f"{name} must be a {container.__name__}, got a {type(value).__name__}")
    expected, items = _items(children), _items(value)
    if items.keys() != expected.keys():
        raise TypeError(f"{name} must have {sorted(expected)}, got {sorted(items)}")
    for key, child in expected.items():
        yield from _leaves(child, items[key], f"{name}[{key!r}]")


def _node(tree: Any) -> tuple[type, Any]:
    """Return what children are nested in, and these."""
    if tree is None:
        return type(None), ()
    ((kind, children),) = tree.items()
    return _CONTAINERS[kind], children


def _items(children: Any) -> dict[str, Any]:
    """Return what a dictionary, a sequence or None holds, by text."""
    pairs = children.items() if isinstance(children, dict) else enumerate(children or ())
    return {str(key): each for key, each in pairs}


def _admit(value: Any, about: dict[str, Any]) -> Any:
    """Return a value as an array that compiled code can use; only numbers are copied."""
    dtype = np.dtype(_DTYPES[about["dtype"]])
    is_number = type(value) in _NUMBERS[dtype.kind]
    array = np.array(value, dtype) if is_number else np.asarray(value)
    array = array.view(dtype) if array.dtype.name == "bfloat16" == about["dtype"].replace("bf", "bfloat") else array
    flags = array.flags
    if array.dtype != dtype or array.ndim != len(about["shape"]):
        raise TypeError(
            f"{about['name']} must be {dtype} with {len(about['shape'])} axes, got {array.dtype}{array.shape}"
        )
    if not (flags.c_contiguous and flags.aligned and (flags.writeable or not about["written"])):
        raise ValueError(f"{about['name']} must be contiguous, aligned, and writable if it is updated in place")
    return array


def _extent(extent: Any, dimensions: dict[str, int]) -> int:
    """Return the value of an extent: a number, the name of a dimension, or an operation on extents."""
    if isinstance(extent, int):
        return extent
    if isinstance(extent, str):
        return dimensions[extent]
    operation, *operands = extent
    return _OPERATIONS[operation](*(_extent(each, dimensions) for each in operands))


def _parameter(operands: Any, arrays: Sequence[Any]) -> Any:
    """Return a pointer to an array, or to a struct of such pointers."""
    if isinstance(operands, int):
        return ctypes.c_void_p(arrays[operands].ctypes.data)
    return (ctypes.c_void_p * len(operands))(*(arrays[each].ctypes.data for each in operands))


def _tree(tree: Any, arrays: Sequence[Any]) -> Any:
    """Return arrays in a nested structure."""
    if tree is None or isinstance(tree, int):
        return None if tree is None else arrays[tree]
    container, children = _node(tree)
    if isinstance(children, dict):
        return {key: _tree(child, arrays) for key, child in children.items()}
    return container(_tree(child, arrays) for child in children)
