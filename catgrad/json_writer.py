"""Terms as JSON: the graph in the schema of the Rust crate open-hypergraphs, with types, definitions and a version.

    {"version": 1, "name": ..., "symbols": [...], "definitions": {NAME: BODY, ...}, "main": BODY}

A BODY has the graph, how arguments and results are nested, and the names of the inputs. A nesting has the number of an
input or result at each leaf; lists and tuples are lists, dicts and dataclasses objects. Wires are labelled with their
types as text, boxes with `{"op": NAME, "attributes": {...}}`.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from catgrad import hypergraph, trees
from catgrad.body import Body
from catgrad.containers import parts
from catgrad.dims import Symbol
from catgrad.ops import Definition, Kind, Operation

__all__ = ["VERSION", "json_text"]

VERSION = 1


def json_text(term: Body) -> str:
    """Return a term as JSON text; equal terms give equal text."""
    names: dict[Definition, str] = {}
    for definition in term.definitions:
        names[definition] = _fresh(definition.name, set(names.values()))
    data = {
        "version": VERSION,
        "name": term.name,
        "symbols": [_symbol_out(symbol) for symbol in term.symbols],
        "definitions": {name: _body_out(definition.term, names) for definition, name in names.items()},
        "main": _body_out(term, names),
    }
    return json.dumps(data, indent=1)


def _fresh(name: str, taken: set[str]) -> str:
    candidates = (name if not n else f"{name}_{n}" for n in range(len(taken) + 1))
    return next(candidate for candidate in candidates if candidate not in taken)


def _symbol_out(symbol: Symbol) -> dict[str, Any]:
    return {"name": symbol.name, "multiple_of": symbol.multiple_of, "min": symbol.min, "max": symbol.max}


def _body_out(term: Body, names: Mapping[Definition, str]) -> dict[str, Any]:
    return {
        "term": hypergraph.to_json(term.graph, str, lambda operation: _operation_out(operation, names)),
        "inputs": _nesting(trees.example(term.input_tree)),
        "outputs": _nesting(trees.example(term.output_tree)),
        "input_names": list(term.input_names),
    }


def _nesting(value: Any) -> Any:
    """Return nested arguments as JSON has them."""
    items = dict(parts(value))
    if isinstance(value, dict) or dataclasses.is_dataclass(value):
        return {str(key): _nesting(item) for key, item in items.items()}
    if isinstance(value, list | tuple):
        return list(map(_nesting, items.values()))
    return value


def _operation_out(operation: Operation, names: Mapping[Definition, str]) -> dict[str, Any]:
    kinds = operation.op.attributes
    writers: dict[Kind, Callable[[Any], Any]] = {
        Kind.ARRAY: lambda a: {"type": str(a.type), "data": base64.b64encode(a.data).decode()},
        Kind.DEFINITION: names.__getitem__,
        Kind.DTYPE: str,
        Kind.EXTENT: str,
        Kind.INT: int,
        Kind.INTS: list,
        Kind.SHAPE: lambda shape: [str(extent) for extent in shape],
        Kind.STR: str,
    }
    attributes = {name: writers[kinds[name]](value) for name, value in operation.attributes}
    return {"op": operation.op.name, "attributes": attributes}
