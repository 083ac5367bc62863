"""The string diagram of a term: boxes and wires, of which copies are forks.

A derivative is drawn folded. What `grad` has made is drawn in place, calls stay boxes, and the operations between two
calls are one box. Every box is of the forward pass, which the value needs, of the reverse pass, which is the rest of a
derivative, or of the update, which uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from catgrad.body import Body, Step
from catgrad.hypergraph import Hypergraph, OpenHypergraph, Segments, labels
from catgrad.ops import Definition, Operation, call, copy
from catgrad.types import TensorType

__all__ = ["FORWARD", "REVERSE", "UPDATE", "Box", "picture"]

FORWARD, REVERSE, UPDATE = "forward", "reverse", "update"
_WITH_VALUE = "value_and_grad("
_DERIVATIVES = ("grad(", _WITH_VALUE)
"""How the names of what `grad` and `value_and_grad` make begin."""
_QUIET = {"broadcast_to", "cast", "constant", "nat_to_tensor", "permute_dims", "reshape", "stop_gradient"}
"""Operations that say little about what is computed."""
_NAMES = 4
"""How many operations a box names."""


class Box(NamedTuple):
    """Text of a box, and the part of a derivative that it is."""

    text: str
    role: str | None


@dataclass(frozen=True)
class _Node:
    """A box on its way into the picture.

    Attributes:
        operations: What is in it.
        inputs: The values that it uses.
        outputs: The values that it makes.
        role: The part of a derivative that it is.
    """

    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    role: str | None = None

    @property
    def definition(self) -> Definition | None:
        """The definition that it calls."""
        first = self.operations[0]
        return first.keywords["definition"] if first.op is call else None


def picture(term: Body) -> OpenHypergraph:
    """Return what is drawn of a term: a graph whose nodes are types, and whose edges are of `Box`."""
    drawing = _Drawing()
    inputs = [drawing.value(type) for type in term.source_types]
    outputs = drawing.run(term, inputs)
    nodes = drawing.nodes
    if any(node.role for node in nodes):
        nodes = _folded([replace(node, role=node.role or UPDATE) for node in nodes], set(outputs))
    return _graph(nodes, inputs, outputs, drawing.types)


@dataclass
class _Drawing:
    """The evaluation of a term whose values are numbers: a copy is its operand, and an operation is a new box."""

    types: list[TensorType] = field(default_factory=list)
    nodes: list[_Node] = field(default_factory=list)

    def value(self, type: TensorType) -> int:
        """Return a new value."""
        self.types.append(type)
        return len(self.types) - 1

    def run(self, body: Body, inputs: Sequence[int]) -> list[int]:
        """Evaluate a term at some values, and return its results."""
        values = dict(zip(body.graph.sources.table.tolist(), inputs, strict=True))
        begun = len(self.nodes)
        for step in body.steps:
            made = self._apply(step, body, [values[node] for node in step.inputs])
            values.update(zip(step.outputs, made, strict=True))
        outputs = [values[node] for node in body.outputs]
        if _is_derivative(body.name):
            value = outputs[:1] if body.name.startswith(_WITH_VALUE) else []
            self.nodes[begun:] = _told_apart(self.nodes[begun:], value)
        return outputs

    def _apply(self, step: Step, body: Body, given: list[int]) -> list[int]:
        if step.operation.op is copy:
            return given * len(step.outputs)
        node = _Node((step.operation,), tuple(given), tuple(self.value(body.node_types[n]) for n in step.outputs))
        if node.definition is not None and _is_derivative(node.definition.name):
            return self.run(node.definition.term, given)
        self.nodes.append(node)
        return list(node.outputs)


def _is_derivative(name: str) -> bool:
    return name.startswith(_DERIVATIVES)


def _told_apart(nodes: Sequence[_Node], values: Sequence[int]) -> list[_Node]:
    """Return the boxes of a derivative with their roles: forward is what its value and calls of f.fwd need."""
    needed, told = set(values), []
    for node in reversed(nodes):
        name = "" if node.definition is None else node.definition.name
        is_forward = name.endswith(".fwd") or not (name.endswith(".rev") or needed.isdisjoint(node.outputs))
        needed.update(node.inputs if is_forward else ())
        told.append(replace(node, role=FORWARD if is_forward else REVERSE))
    return told[::-1]


def _folded(nodes: Sequence[_Node], results: set[int]) -> list[_Node]:
    """Put the connected operations of a role that lie between the same calls into one box.

    No path leads from such a box to a call and back: behind the call, its depth would be greater.
    """
    depths = _depths(nodes)
    producers = {value: i for i, node in enumerate(nodes) for value in node.outputs}
    parents = list(range(len(nodes)))
    for i, node in enumerate(nodes):
        for other in sorted({producers[value] for value in node.inputs if value in producers}):
            if _belong(node, nodes[other]) and depths[i] == depths[other]:
                parents[_root(parents, i)] = _root(parents, other)
    members: dict[int, list[_Node]] = {}
    for i, node in enumerate(nodes):
        members.setdefault(_root(parents, i), []).append(node)
    uses = Counter(value for node in nodes for value in set(node.inputs))
    return [_merged(each, uses, results) for each in members.values()]


def _root(parents: list[int], i: int) -> int:
    """Return what stands for the set that i belongs to."""
    while parents[i] != i:
        parents[i] = i = parents[parents[i]]
    return i


def _belong(one: _Node, other: _Node) -> bool:
    return one.role == other.role and one.definition is None and other.definition is None


def _depths(nodes: Sequence[_Node]) -> list[int]:
    """Return after how many calls each box comes; one that no input reaches comes when it is used."""
    after: dict[int, int | None] = {}
    found: list[int | None] = []
    for node in nodes:
        known = [depth for depth in (after.get(value, 0) for value in node.inputs) if depth is not None]
        is_call = node.definition is not None
        depth = max(known, default=0 if is_call else None)
        found.append(depth)
        after.update(dict.fromkeys(node.outputs, None if depth is None else depth + is_call))
    used: dict[int, int] = {}
    depths = []
    for node, known_depth in zip(reversed(nodes), reversed(found), strict=True):
        uses = [used[value] for value in node.outputs if value in used]
        depths.append(min(uses, default=0) if known_depth is None else known_depth)
        used.update({value: min(depths[-1], used.get(value, depths[-1])) for value in node.inputs})
    return depths[::-1]


def _merged(members: Sequence[_Node], uses: Mapping[int, int], results: set[int]) -> _Node:
    """Return some boxes as one, of which only the wires to others are seen."""
    if len(members) == 1:
        return members[0]
    made = [value for node in members for value in node.outputs]
    inside = Counter(value for node in members for value in set(node.inputs))
    inputs = dict.fromkeys(value for node in members for value in node.inputs if value not in set(made))
    outputs = tuple(value for value in made if value in results or uses[value] > inside[value])
    operations = tuple(operation for node in members for operation in node.operations)
    return _Node(operations, tuple(inputs), outputs, members[0].role)


def _text(node: _Node) -> str:
    """Return what is written in a box: the operation with its attributes, or the most telling names of many."""
    if len(node.operations) == 1:
        attributes = [str(value) for _, value in node.operations[0].attributes if not isinstance(value, TensorType)]
        return " ".join([node.operations[0].op.name, *attributes])
    names = dict.fromkeys(operation.op.name for operation in node.operations)
    telling = [name for name in names if name not in _QUIET] or list(names)
    more = " …" if len(telling) > _NAMES else ""
    return f"{node.role}: {len(node.operations)} operations\n{', '.join(telling[:_NAMES])}{more}"


def _graph(
    nodes: Sequence[_Node], inputs: Sequence[int], outputs: Sequence[int], types: Sequence[TensorType]
) -> OpenHypergraph:
    """Return boxes and wires as a graph; values that are nowhere to be seen are left out."""
    seen = sorted({*inputs, *outputs, *(v for node in nodes for v in (*node.inputs, *node.outputs))})
    place = {value: i for i, value in enumerate(seen)}
    graph = Hypergraph(
        labels([types[value] for value in seen]),
        labels([Box(_text(node), node.role) for node in nodes]),
        Segments.of([[place[value] for value in node.inputs] for node in nodes]),
        Segments.of([[place[value] for value in node.outputs] for node in nodes]),
    )
    sources, targets = (np.array([place[value] for value in ends], np.int32) for ends in (inputs, outputs))
    return OpenHypergraph.over(graph, sources, targets)
