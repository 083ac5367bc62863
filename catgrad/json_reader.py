"""Reading terms from JSON, which is not trusted: what comes out has passed the type checker."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from catgrad import dims, hypergraph, trees
from catgrad.errors import CatgradError
from catgrad.json_writer import VERSION
from catgrad.ops import OPS, Definition, Kind, Literal, Operation
from catgrad.term import Term
from catgrad.typecheck import check
from catgrad.types import TensorType, dtype, parse_type

__all__ = ["from_json"]


def from_json(text: str) -> Term:
    """Read a term from JSON text, and type-check it.

    Raises:
        CatgradError: It is no such text; the message says where.
        TypeCheckError: It is, but an operation does not type-check.

    Example:
        >>> import catgrad as cg
        >>> from_json(cg.trace(cg.exp, cg.f32[3]).to_json()).type
        '(f32[3]) -> f32[3]'
    """
    try:
        term = _Reader(json.loads(text)).term()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CatgradError(f"this is no catgrad term: {type(error).__name__}: {error}") from error
    check(term)
    return term


class _Reader:
    """What a file says, read definition by definition."""

    def __init__(self, data: Any) -> None:
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise CatgradError(f"expected catgrad JSON of version {VERSION}")
        self._data = data
        self._known = tuple(
            dims.dim(s["name"], multiple_of=s["multiple_of"], min=s["min"], max=s["max"]) for s in data["symbols"]
        )
        self._definitions: dict[str, Definition] = {}

    def term(self) -> Term:
        """Return the main term."""
        for name, body in self._data["definitions"].items():
            self._definitions[name] = Definition(name, self._body(body, name))
        return self._body(self._data["main"], self._data["name"])

    def _body(self, body: Any, name: str) -> Term:
        graph = hypergraph.from_json(body["term"], self._type, self._operation)
        term = Term.flat(graph, name)
        shapes = [trees.flatten(_tuples(body[side]))[1] for side in ("inputs", "outputs")]
        if [shape.num_leaves for shape in shapes] != [len(term.source_types), len(term.target_types)]:
            raise CatgradError(f"{name}: the nesting of its inputs or outputs does not fit its type")
        return term.nested(*shapes, body["input_names"])

    def _type(self, text: Any) -> TensorType:
        return parse_type(text, self._known)

    def _operation(self, data: Any) -> Operation:
        op = OPS.get(data["op"])
        if op is None:
            raise CatgradError(f"there is no operation {data['op']}")
        readers: dict[Kind, Callable[[Any], Any]] = {
            Kind.ARRAY: lambda a: Literal(self._type(a["type"]), base64.b64decode(a["data"], validate=True)),
            Kind.DEFINITION: self._definitions.__getitem__,
            Kind.DTYPE: dtype,
            Kind.EXTENT: lambda e: dims.parse(e, self._known),
            Kind.INT: int,
            Kind.INTS: tuple,
            Kind.SHAPE: lambda shape: tuple(dims.parse(extent, self._known) for extent in shape),
            Kind.STR: str,
        }
        read = {name: readers[kind](data["attributes"][name]) for name, kind in op.attributes.items()}
        return op.operation(**read)


def _tuples(value: Any) -> Any:
    """Return nested JSON with tuples for lists, as arguments are nested."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
