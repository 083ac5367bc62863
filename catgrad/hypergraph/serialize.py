"""Open hypergraphs as JSON, in the schema of the `open-hypergraphs` Rust crate, with a version.

    {"version": 1, "sources": [0], "targets": [1],
     "hypergraph": {"nodes": [X, X], "edges": [f],
                    "adjacency": [{"sources": [0], "targets": [1]}],
                    "quotient": [[], []]}}

`quotient` lists pairs of nodes that are one; what is written here has none. How labels look is left to the caller.
Whatever is read is checked: malformed input raises `FormatError`, which starts with the path of the offending field.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable
from typing import Any, TypeAlias

from catgrad.hypergraph.arrays import integers
from catgrad.hypergraph.errors import FormatError, LabelClashError
from catgrad.hypergraph.finite_function import FiniteFunction
from catgrad.hypergraph.hypergraph import Hypergraph
from catgrad.hypergraph.labels import Label, LabelArray, intern, labels
from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.segments import Segments

__all__ = ["dumps", "from_json", "loads", "to_json"]

Encode: TypeAlias = Callable[[Any], Any]
Decode: TypeAlias = Callable[[Any], Label]

VERSION = 1
"""The version that is written; a file without one, as the Rust crate writes it, is read as this."""

_SIDES = ("sources", "targets")


def to_json(f: OpenHypergraph, node: Encode = str, edge: Encode = str) -> dict[str, Any]:
    """Return f as nested dicts and lists.

    Args:
        f: Any open hypergraph.
        node: Takes a node label to a JSON value; asked once for each distinct label.
        edge: The same for edge labels.

    Example:
        >>> to_json(OpenHypergraph.singleton("f", ["X"], []))["hypergraph"]["adjacency"]
        [{'sources': [0], 'targets': []}]
    """
    h = f.hypergraph
    ends = zip(h.sources.lists(), h.targets.lists(), strict=True)
    return {
        "version": VERSION,
        "sources": f.sources.table.tolist(),
        "targets": f.targets.table.tolist(),
        "hypergraph": {
            "nodes": _encoded(h.nodes, node),
            "edges": _encoded(h.edges, edge),
            "adjacency": [{"sources": sources, "targets": targets} for sources, targets in ends],
            "quotient": [[], []],
        },
    }


def dumps(f: OpenHypergraph, node: Encode = str, edge: Encode = str) -> str:
    """Return f as JSON text."""
    return json.dumps(to_json(f, node, edge))


def loads(text: str | bytes, node: Decode = str, edge: Decode = str) -> OpenHypergraph:
    """Read an open hypergraph from JSON text; raise `FormatError` if it is malformed."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"$: not JSON: {error}") from None
    return from_json(data, node, edge)


def from_json(data: Any, node: Decode = str, edge: Decode = str) -> OpenHypergraph:
    """Read an open hypergraph from nested dicts and lists.

    Args:
        data: What `json.loads` returned; it is not trusted.
        node: Takes a JSON value to a node label, and may raise.
        edge: The same for edge labels.

    Raises:
        FormatError: Something is missing, of the wrong kind, or out of range.

    Example:
        >>> from_json({"sources": [0], "targets": []})
        Traceback (most recent call last):
        ...
        catgrad.hypergraph.errors.FormatError: $.hypergraph: missing
    """
    path, graph = "$.hypergraph", _field(data, "hypergraph", "$")
    if data.get("version", VERSION) != VERSION:
        raise FormatError(f"$.version: expected {VERSION}, got {reprlib.repr(data['version'])}")
    nodes = _decoded(_list(graph, "nodes", path), f"{path}.nodes", node)
    edges = _decoded(_list(graph, "edges", path), f"{path}.edges", edge)
    ends = _adjacency(_list(graph, "adjacency", path), f"{path}.adjacency", len(edges), len(nodes))
    q = _quotient(graph, path, len(nodes))
    sources, targets = (FiniteFunction(integers(_nodes(data, side, "$", len(nodes))), len(nodes)) for side in _SIDES)
    try:
        merged = Hypergraph(nodes, edges, *ends).quotient(q)
    except LabelClashError as error:
        raise FormatError(f"{path}.quotient: {error.message}") from None
    return OpenHypergraph(sources >> q, targets >> q, merged)


def _encoded(array: LabelArray, encode: Encode) -> list[Any]:
    """Encode labels, equal ones once."""
    codes, distinct = intern(array)
    images = [encode(label) for label in distinct]
    return [images[code] for code in codes.tolist()]


def _decoded(items: list[Any], path: str, decode: Decode) -> LabelArray:
    """Decode a list of labels; equal labels become one object."""
    known: dict[Label, Label] = {}
    result = []
    for index, item in enumerate(items):
        try:
            label = decode(item)
            result.append(known.setdefault(label, label))
        except Exception as error:
            raise FormatError(f"{path}[{index}]: {error}") from None
    return labels(result)


def _adjacency(entries: list[Any], path: str, edges: int, nodes: int) -> tuple[Segments, Segments]:
    """Read the sources and targets of all edges."""
    if len(entries) != edges:
        raise FormatError(f"{path}: expected one entry for each of {edges} edges, got {len(entries)}")
    sources, targets = (
        Segments.of([_nodes(entry, side, f"{path}[{index}]", nodes) for index, entry in enumerate(entries)])
        for side in _SIDES
    )
    return sources, targets


def _quotient(graph: dict[str, Any], path: str, nodes: int) -> FiniteFunction:
    """Read the pairs of nodes that are one, as a quotient map; there may be none."""
    if "quotient" not in graph:
        return FiniteFunction.identity(nodes)
    pairs, path = _list(graph, "quotient", path), f"{path}.quotient"
    if len(pairs) != 2 or not all(isinstance(side, list) for side in pairs):
        raise FormatError(f"{path}: expected two lists of nodes, got {_shown(pairs)}")
    left, right = (_check_nodes(side, f"{path}[{index}]", nodes) for index, side in enumerate(pairs))
    if len(left) != len(right):
        raise FormatError(f"{path}: expected lists of equal length, got {len(left)} and {len(right)}")
    return FiniteFunction(integers(left), nodes).coequalizer(FiniteFunction(integers(right), nodes))


def _nodes(data: Any, name: str, path: str, nodes: int) -> list[int]:
    """Return a field that must be a list of nodes."""
    return _check_nodes(_list(data, name, path), f"{path}.{name}", nodes)


def _check_nodes(entries: list[Any], path: str, nodes: int) -> list[int]:
    """Return `entries` if all are nodes below `nodes`."""
    for index, entry in enumerate(entries):
        if type(entry) is not int or not 0 <= entry < nodes:
            raise FormatError(f"{path}[{index}]: expected a node below {nodes}, got {_shown(entry)}")
    return entries


def _list(data: Any, name: str, path: str) -> list[Any]:
    """Return a field that must be a list."""
    value = _field(data, name, path)
    if not isinstance(value, list):
        raise FormatError(f"{path}.{name}: expected a list, got {_shown(value)}")
    return value


def _field(data: Any, name: str, path: str) -> Any:
    """Return a field of what must be an object that has it."""
    if not isinstance(data, dict):
        raise FormatError(f"{path}: expected an object, got {_shown(data)}")
    if name not in data:
        raise FormatError(f"{path}.{name}: missing")
    return data[name]


def _shown(value: Any) -> str:
    """Return a short text for an unexpected value."""
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of length {len(value)}"
    return reprlib.repr(value)
