"""Calls a compiled library with numpy arrays; needs neither catgrad nor a compiler.

The library, and the `manifest.json` that describes it, lie beside this file. A function takes and gives arrays nested
in tuples, lists and dictionaries. An array that it updates in place is returned as the same object.
"""

from __future__ import annotations

import ctypes
import json
import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

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
_KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float"}
"""Dtypes of one kind are converted into each other."""
_NO_NUMBERS = "OSUMm"
"""The kinds of NumPy's dtypes of objects, text and times."""
_READABLE, _WRITABLE = 0x101, 0x501
"""The bits of `ndarray.flags.num` that code needs in what it reads, contiguous and aligned, and in what it writes."""
_PLANS = 256
"""How many combinations of shapes a function remembers."""
_word_at = ctypes.c_uint64.from_address
_DATA = object.__basicsize__
"""Where an array has its address, which the C macro `PyArray_DATA` reads: after the object header."""
_ndarray = np.ndarray
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
        self._statuses = statuses
        self._names = [each["name"] for each in description["inputs"]]
        self._readers = [_reader(each["tree"], each["name"]) for each in description["inputs"]]
        self._result = _writer(description["result"])
        self._arrays = [_Array(**about) for about in description["arrays"]]
        self._dimensions = description["dimensions"]
        inputs = self._arrays[: sum(_count(each["tree"]) for each in description["inputs"])]
        self._expected = [(about.dtype, about.flags, about.admit) for about in inputs]
        self._updates = any(about.written for about in inputs)
        self._pointers = [_pointer(each) for each in description["parameters"]]
        self._plans: dict[tuple[tuple[int, ...], ...], _Plan] = {}
        self._free: list[Any] = []
        self._code = code[description["symbol"]]
        self._workspace = code[f"{description['symbol']}_workspace"]
        sizes, pointers = [ctypes.c_int64] * len(self._dimensions), [ctypes.c_void_p] * len(self._pointers)
        self._code.argtypes = [*sizes, *pointers, ctypes.c_void_p, ctypes.c_size_t]
        self._workspace.argtypes, self._workspace.restype = sizes, ctypes.c_size_t

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run the code.

        Raises:
            TypeError, ValueError: An argument has another structure, dtype or shape than the function takes.
        """
        if named:
            args = self._placed(args, named)
        if len(args) != len(self._readers):
            raise TypeError(f"{self.__name__} takes {len(self._readers)} arguments, got {len(args)}")
        given: list[Any] = []
        for read, value in zip(self._readers, args, strict=True):
            read(value, given)
        arrays = [
            value
            if type(value) is _ndarray and value.dtype is dtype and value.flags.num & flags == flags
            else admit(value)
            for value, (dtype, flags, admit) in zip(given, self._expected, strict=True)
        ]
        shapes = tuple([array.shape for array in arrays])
        plan = self._plans.get(shapes) or self._plan(shapes)
        fresh = [np.empty(shape, dtype) for shape, dtype in plan.results]
        starts = [_word_at(id(array) + _DATA).value for array in arrays + fresh]
        if self._updates:
            self._check_overlap(starts, plan.sizes)
        self._run(plan, starts)
        return self._result([*map(_kept, given, arrays), *fresh] if self._updates else arrays + fresh)

    def __repr__(self) -> str:
        return f"<compiled function {self.__doc__}>"

    def _placed(self, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """Return the arguments by position."""
        rest = self._names[len(args) :]
        if named.keys() != set(rest):
            takes, given = ", ".join(self._names), ", ".join(named)
            raise TypeError(f"{self.__name__} takes ({takes}), got {len(args)} by position, and by keyword {given}")
        return (*args, *(named[name] for name in rest))

    def _plan(self, shapes: tuple[tuple[int, ...], ...]) -> _Plan:
        """Return what follows from the shapes of the arguments, after checking them."""
        for about, given in zip(self._arrays, shapes, strict=False):
            if len(given) != len(about.shape):
                raise TypeError(f"{about}, got {about.dtype}{given}")
        dimensions = {each["name"]: _dimension(each, shapes) for each in self._dimensions}
        expected = [tuple(_extent(extent, dimensions) for extent in about.shape) for about in self._arrays]
        for about, shape, given in zip(self._arrays, expected, shapes, strict=False):
            if given != shape:
                raise ValueError(f"{self.__name__}: {about.name} must have shape {shape}, got {given}")
        values = list(dimensions.values())
        described = list(zip(expected, (about.dtype for about in self._arrays), strict=True))
        sizes = [math.prod(shape) * dtype.itemsize for shape, dtype in described]
        plan = _Plan(values, described[len(shapes) :], sizes, self._workspace(*values))
        if len(self._plans) >= _PLANS:
            self._plans.clear()
        self._plans[shapes] = plan
        return plan

    def _check_overlap(self, starts: list[int], sizes: list[int]) -> None:
        """Raise where an array that is written shares memory with another."""
        spans = enumerate(zip(starts, sizes, strict=True))
        end = written_end = last = last_written = 0
        for start, stop, i in sorted((start, start + size, i) for i, (start, size) in spans if size):
            is_written = self._arrays[i].written
            if start < (end if is_written else written_end):
                names = f"{self._arrays[last if is_written else last_written].name} and {self._arrays[i].name}"
                raise ValueError(
                    f"{self.__name__}: {names} share memory, and one is written: pass a copy of one of them"
                )
            if stop > end:
                end, last = stop, i
            if is_written and stop > written_end:
                written_end, last_written = stop, i

    def _run(self, plan: _Plan, starts: list[int]) -> None:
        """Call the code, with memory to work in that no other call is using."""
        try:
            room = self._free.pop()
        except IndexError:
            room = np.empty(plan.workspace, np.uint8)
        if room.size < plan.workspace:
            room = np.empty(plan.workspace, np.uint8)
        pointers = [pointer(starts) for pointer in self._pointers]
        status = self._code(*plan.dimensions, *pointers, _word_at(id(room) + _DATA).value, plan.workspace)
        self._free.append(room)
        if status:
            raise ValueError(f"{self.__name__}: {self._statuses[status]}")


class _Array:
    """Requirements on an array of a call."""

    def __init__(self, name: str, dtype: str, shape: list[Any], written: bool) -> None:
        self.name = name
        self.dtype = np.dtype(_DTYPES[dtype])
        self.shape = shape
        self.written = written
        self.flags = _WRITABLE if written else _READABLE
        self._is_bf16 = dtype == "bf16"

    def __str__(self) -> str:
        return f"{self.name} must be {self.dtype} with {len(self.shape)} axes"

    def admit(self, value: Any) -> Any:
        """Return a value as an array that compiled code can use; what is only read is copied if need be."""
        if _is_masked(value):
            raise TypeError(f"{self.name} is masked, and the mask would be lost: pass {self.name}.filled(value)")
        try:
            array = np.asarray(value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{self}, got {_kind(type(value))}, which is no array: {error}") from None
        if array.dtype.kind in _NO_NUMBERS:
            raise TypeError(f"{self}, got {_kind(type(value))}, which is no array of numbers")
        array = array.view(self.dtype) if array.dtype.name == "bfloat16" and self._is_bf16 else array
        has_memory = hasattr(value, "__array_interface__") and not isinstance(value, np.generic)
        if array.dtype != self.dtype and not (has_memory and self.written):
            array = self._converted(array, isinstance(value, (bool, int, float, list, tuple)))
        if array.dtype != self.dtype:
            raise TypeError(f"{self}, got {array.dtype}{array.shape}")
        if not self.flags & ~array.flags.num:
            return array
        if self.written:
            raise ValueError(f"{self.name} must be contiguous, aligned, and writable: it is updated in place")
        return np.array(array, order="C")

    def _converted(self, array: Any, is_free: bool) -> Any:
        """Return an array of another width of the same kind, or of Python numbers, with the right dtype; others as is.

        Raises:
            ValueError: An element is out of range.
        """
        given, wanted = _KINDS.get(array.dtype.kind), None if self._is_bf16 else _KINDS[self.dtype.kind]
        if given != wanted and not (is_free and (not array.size or (given, wanted) == ("int", "float"))):
            return array
        with np.errstate(over="ignore", invalid="ignore"):
            made = array.astype(self.dtype)
        same = (np.isfinite(made) | ~np.isfinite(array)) if wanted == "float" else made == array
        if not same.all():
            raise ValueError(f"{self.name} has {array[~same].flat[0]}, which is out of range of {self.dtype}")
        return made


def _kind(cls: type) -> str:
    return "None" if cls is type(None) else f"a {cls.__name__}"


class _Plan(NamedTuple):
    """Plan of a call: what follows from the shapes of the arguments.

    Attributes:
        dimensions: The values of the symbolic dimensions.
        results: Shape and dtype of each new array.
        sizes: The bytes of each array.
        workspace: How many bytes the code works in.
    """

    dimensions: list[int]
    results: list[tuple[tuple[int, ...], Any]]
    sizes: list[int]
    workspace: int


def _is_masked(value: Any) -> bool:
    """Return whether it is a masked array, or has one in its lists."""
    if isinstance(value, (list, tuple)):
        return any(map(_is_masked, value))
    return isinstance(value, np.ma.MaskedArray)


def _kept(value: Any, array: Any) -> Any:
    """Return what is given back for an argument: the same object, if it has memory that was written."""
    return value if isinstance(value, _ndarray) else array


def _reader(tree: Any, name: str) -> Callable[[Any, list[Any]], None]:
    """Return what appends the arrays of a nested value to a list, in the order of operands."""
    if isinstance(tree, int):
        return lambda value, found: found.append(value)
    container, children = _node(tree)
    expected = {key: _reader(child, f"{name}[{key!r}]") for key, child in _items(children).items()}

    def read(value: Any, found: list[Any]) -> None:
        fits = isinstance(value, container)
        if not fits:
            raise TypeError(f"{name} must be {_kind(container)}, got {_kind(type(value))}")
        items: dict[str, Any] = value if container is dict and value.keys() == expected.keys() else _items(value)
        if items.keys() != expected.keys():
            raise TypeError(f"{name} must have {sorted(expected)}, got {sorted(items)}")
        for key, reader in expected.items():
            reader(items[key], found)

    return read


def _count(tree: Any) -> int:
    """Return how many arrays a nested value has."""
    return 1 if isinstance(tree, int) else sum(map(_count, _items(_node(tree)[1]).values()))


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


def _dimension(about: dict[str, Any], shapes: Sequence[tuple[int, ...]]) -> int:
    """Return the value of a symbolic dimension, as the shapes of the arguments have it."""
    source = about["source"]
    size = shapes[source["array"]][source["axis"]]
    return (size - source["offset"]) // source["scale"] * int(about["multiple_of"])


def _extent(extent: Any, dimensions: dict[str, int]) -> int:
    """Return the value of an extent: a number, the name of a dimension, or an operation on extents."""
    if isinstance(extent, int):
        return extent
    if isinstance(extent, str):
        return dimensions[extent]
    operation, *operands = extent
    return _OPERATIONS[operation](*(_extent(each, dimensions) for each in operands))


def _pointer(operands: Any) -> Callable[[list[int]], Any]:
    """Return what makes a parameter of addresses: that of an array, or a struct of some."""
    if isinstance(operands, int):
        return itemgetter(operands)
    struct = ctypes.c_void_p * len(operands)
    return lambda starts: struct(*[starts[each] for each in operands])


def _writer(tree: Any) -> Callable[[list[Any]], Any]:
    """Return what nests arrays."""
    if tree is None:
        return lambda arrays: None
    if isinstance(tree, int):
        return itemgetter(tree)
    container, children = _node(tree)
    if isinstance(children, dict):
        items = {key: _writer(child) for key, child in children.items()}
        return lambda arrays: {key: write(arrays) for key, write in items.items()}
    writers = list(map(_writer, children))
    return lambda arrays: container([write(arrays) for write in writers])
