"""Reading terms from JSON, which is not trusted: what comes out has passed the type checker."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from catgrad import dims, hypergraph, json_text, trees
from catgrad.errors import CatgradError, located
from catgrad.hypergraph import OpenHypergraph
from catgrad.json_writer import VERSION
from catgrad.ops import OPS, Definition, Kind, Literal, Operation, copy
from catgrad.term import Term
from catgrad.typecheck import check
from catgrad.types import TensorType, dtype, parse_type

__all__ = ["from_json"]


@located()
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
        term = _Reader(json_text.loads(text)).term()
    except CatgradError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        found = f"it has no {error}" if isinstance(error, KeyError) else error
        raise CatgradError(f"this is no catgrad term: {found}") from None
    check(term)
    return term


DEEPEST = 100
"""How many definitions may call one another in a row: each is entered from within the one before."""


class _Reader:
    """Reader of a file, definition by definition."""

    def __init__(self, data: Any) -> None:
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise CatgradError(f"expected catgrad JSON of version {VERSION}")
        self._data = data
        self._known = tuple(
            dims.dim(s["name"], multiple_of=s["multiple_of"], min=s["min"], max=s["max"]) for s in data["symbols"]
        )
        self._definitions: dict[str, Definition] = {}
        self._depths: dict[Definition, int] = {}

    def term(self) -> Term:
        """Return the main term."""
        for name, body in self._data["definitions"].items():
            definition = Definition(name, self._body(body, name))
            depth = 1 + max((self._depths[called] for called in definition.term.called), default=0)
            if depth > DEEPEST:
                raise CatgradError(f"{name}: definitions may call one another {DEEPEST} deep")
            self._definitions[name], self._depths[definition] = definition, depth
        return self._body(self._data["main"], self._data["name"])

    def _body(self, body: Any, name: str) -> Term:
        graph = _checked(hypergraph.from_json(body["term"], self._type, self._operation), name)
        inputs, input_tree = _nesting(body["inputs"], len(graph.sources), name)
        outputs, output_tree = _nesting(body["outputs"], len(graph.targets), name)
        names = body["input_names"]
        if len(names) != len(inputs) or not all(isinstance(each, str) for each in names):
            raise CatgradError(f"{name}: expected {len(inputs)} names of inputs, got {names!r}")
        boundaries = graph.sources.table[inputs], graph.targets.table[outputs]
        term = Term.flat(OpenHypergraph.over(graph.hypergraph, *boundaries), name)
        return term.nested(input_tree, output_tree, [names[i] for i in inputs])

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
            Kind.INT: lambda value: value,
            Kind.INTS: tuple,
            Kind.SHAPE: lambda shape: tuple(dims.parse(extent, self._known) for extent in shape),
            Kind.STR: lambda value: value,
        }
        read = {name: readers[kind](data["attributes"][name]) for name, kind in op.attributes.items()}
        return op.operation(**read)


def _checked(graph: OpenHypergraph, name: str) -> OpenHypergraph:
    """Return a graph whose wires have one producer and one use, and whose copies say how many there are."""
    if not isinstance(name, str):
        raise CatgradError(f"a name is text, got {name!r}")
    if not hypergraph.is_monogamous(graph):
        raise CatgradError(f"{name}: a wire has not exactly one producer and one use")
    edges, sizes = graph.hypergraph.edges, graph.hypergraph.targets.sizes.tolist()
    for label, size in zip(edges, sizes, strict=True):
        if label.op is copy and label.keywords["count"] != size:
            raise CatgradError(f"{name}: {label} has {size} results")
    return graph


def _nesting(shape: Any, count: int, name: str) -> tuple[np.ndarray[Any, np.dtype[np.int64]], trees.Tree]:
    """Return the leaves of a nesting, which say where each input or result is on the boundary, and its shape."""
    leaves, tree = trees.flatten(_tuples(shape))
    if any(type(leaf) is not int for leaf in leaves) or sorted(leaves) != list(range(count)):
        raise CatgradError(f"{name}: the nesting of its inputs or outputs does not fit its type")
    return np.array(leaves, dtype=np.int64), tree


def _tuples(value: Any, depth: int = 0) -> Any:
    """Return nested JSON with tuples for lists, as arguments are nested."""
    if depth > trees.DEEPEST:
        raise CatgradError(f"arguments and results may be nested {trees.DEEPEST} deep")
    if isinstance(value, dict):
        return {key: _tuples(item, depth + 1) for key, item in value.items()}
    return tuple(_tuples(item, depth + 1) for item in value) if isinstance(value, list) else value
