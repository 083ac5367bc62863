"""The manifest of a library: its description of itself, for programs to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableSequence
from typing import Any

from optree import PyTreeSpec

from catgrad.cache import versions
from catgrad.dims import Extent, Solver, Symbol, fold
from catgrad.dims.solver import Source
from catgrad.export.interface import Array, Function, Member, arrays
from catgrad.export.library import TARGETS, Library
from catgrad.export.status import Status
from catgrad.ownership import digest

__all__ = ["fingerprint", "manifest"]

_FORMAT = 2


def manifest(library: Library, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the description of a library as what JSON can hold.

    Args:
        library: The library.
        files: What lies beside the description.
    """
    levels = TARGETS[library.target]
    return {
        "format": _FORMAT,
        "name": library.interface.name,
        "library": library.shared_name,
        "link": library.link_command,
        "build": library.build,
        "target": {"name": library.target, "triple": levels[0].triple, "levels": [level.name for level in levels]},
        "versions": versions(),
        "statuses": [status.text for status in Status],
        "functions": {function.name: _function(function) for function in library.interface.functions},
        "files": {name: fingerprint(content) for name, content in files.items()},
    }


def fingerprint(content: bytes) -> dict[str, Any]:
    """Return the size and the hash of a file, by which it is known again."""
    return {"bytes": len(content), "sha256": digest(content)}


def _function(function: Function) -> dict[str, Any]:
    signature = function.signature
    inputs, outputs = signature.trees
    arguments = zip(signature.argument_names, inputs.children(), strict=True)
    operands = iter(range(len(signature.inputs)))
    return {
        "symbol": function.symbol,
        "type": str(signature),
        "dimensions": _dimensions(function),
        "arrays": _arrays(function),
        "inputs": [{"name": name, "tree": _nested(tree, operands)} for name, tree in arguments],
        "result": _nested(outputs, iter(signature.places)),
        "parameters": [_operands(member) for member in function.parameters],
    }


def _dimensions(function: Function) -> list[dict[str, Any]]:
    """Return the symbols, and where they are read off the inputs: size = scale * (symbol / multiple_of) + offset."""
    axes = [(i, axis, e) for i, type in enumerate(function.signature.inputs) for axis, e in enumerate(type.shape)]
    sources = Solver([("", extent) for _, _, extent in axes]).sources
    return [_dimension(symbol, sources[symbol], *axes[sources[symbol].place][:2]) for symbol in function.dimensions]


def _dimension(symbol: Symbol, source: Source, array: int, axis: int) -> dict[str, Any]:
    about = {"name": symbol.name, "min": symbol.min, "max": symbol.max, "multiple_of": symbol.multiple_of}
    return {**about, "source": {"array": array, "axis": axis, "scale": source.scale, "offset": source.offset}}


def _arrays(function: Function) -> list[dict[str, Any]]:
    """Return what each array of a function is; the inputs come first, then the results that are new."""
    signature = function.signature
    types = [*signature.inputs, *(signature.outputs[i] for i in signature.fresh)]
    names = [*signature.input_names, *(signature.output_names[i] for i in signature.fresh)]
    written = {array.operand for array in arrays(function.parameters) if array.is_written}
    described = enumerate(zip(names, types, strict=True))
    return [
        {"name": name, "dtype": str(type.dtype), "shape": list(map(_extent, type.shape)), "written": i in written}
        for i, (name, type) in described
    ]


def _extent(extent: Extent) -> Any:
    """Return a number, the name of a symbol, or a list of an operation and extents."""
    return fold(extent, int, lambda symbol: symbol.name, lambda *operation: list(operation))


def _operands(member: Member) -> Any:
    """Return the operand of an array, and a list of those in a struct."""
    return member.operand if isinstance(member, Array) else [array.operand for array in arrays(member.members)]


def _nested(tree: PyTreeSpec, operands: Iterator[int]) -> Any:
    """Return a nested structure: an operand for an array, None, or what a "dict", "list" or "tuple" holds."""
    if tree.is_leaf():
        return next(operands)
    if tree.type is type(None):
        return None
    children = [_nested(child, operands) for child in tree.children()]
    for kind, sequence in (("tuple", tuple), ("list", MutableSequence)):
        if issubclass(tree.type, sequence):
            return {kind: children}
    return {"dict": dict(zip(map(str, tree.entries()), children, strict=True))}
