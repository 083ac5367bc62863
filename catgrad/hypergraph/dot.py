"""Open hypergraphs as DOT text, the language of Graphviz: boxes are operations, arrows are wires.

A node produced once and consumed once is drawn as one arrow from box to box with its label beside it; any other node is
a dot where its arrows meet. Boundaries are on the left and on the right, numbered or with names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.properties import consumers, producers

__all__ = ["to_dot"]

_HEADER = """\
digraph {
  rankdir=LR; ordering=in; bgcolor="transparent"; nodesep=0.25; ranksep=0.45;
  node [fontname="Helvetica", fontsize=11, shape=box, style="rounded,filled", fillcolor="#f4f6fb", color="#5b6b8c", \
height=0.3, margin="0.12,0.05"];
  edge [fontname="Helvetica", fontsize=8, fontcolor="#8a8a8a", color="#5b6b8c", arrowsize=0.5];"""
_BOUNDARY = 'shape=plaintext, style="", fontsize=9, fontcolor="#8a8a8a"'
_DOT = 'shape=point, width=0.06, fontsize=8, fontcolor="#8a8a8a"'


def to_dot(
    f: OpenHypergraph,
    node_label: Callable[[Any], str] = str,
    edge_label: Callable[[Any], str] = str,
    edge_color: Callable[[Any], str] | None = None,
    ends: tuple[Sequence[str], Sequence[str]] | None = None,
) -> str:
    """Return f as DOT text, drawn from left to right; equal graphs give equal text.

    Args:
        f: Any open hypergraph.
        node_label: Takes a node label to the text beside the wire.
        edge_label: Takes an edge label to the text in the box.
        edge_color: Takes an edge label to what the box is filled with, such as "#f4f6fb".
        ends: The names of the sources and of the targets.

    Example:
        >>> print(to_dot(OpenHypergraph.singleton("f", ["X"], [])).splitlines()[-2])
          i0 -> e0 [label="X"];
    """
    edges = f.hypergraph.edges.tolist()
    fills = ["" if edge_color is None else f', fillcolor="{edge_color(label)}"' for label in edges]
    boxes = [f"  e{i} [label={_quoted(edge_label(e))}{fills[i]}];" for i, e in enumerate(edges)]
    sources, targets = ends or (list(map(str, range(len(side)))) for side in (f.sources, f.targets))
    boundaries = [*_boundary("i", "source", sources), *_boundary("o", "sink", targets)]
    wires = _wires(f, [_quoted(node_label(label)) for label in f.hypergraph.nodes.tolist()])
    return "\n".join([_HEADER, *boundaries, *boxes, *wires, "}\n"])


def _boundary(end: str, rank: str, names: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a boundary: its ends, in one column."""
    for i, name in enumerate(names):
        yield f"  {end}{i} [label={_quoted(name)}, {_BOUNDARY}];"
    if names:
        yield f"  {{rank={rank}; {' '.join(f'{end}{i};' for i in range(len(names)))}}}"


def _wires(f: OpenHypergraph, texts: list[str]) -> Iterator[str]:
    """Yield the lines of all nodes; arrows come in the order in which boxes consume them, which DOT then keeps."""
    h = f.hypergraph
    origins = _origins(f)
    uses = [(v, f"e{i}") for i, sources in enumerate(h.sources.lists()) for v in sources]
    uses += [(v, f"o{i}") for i, v in enumerate(f.targets.table.tolist())]
    simple = ((producers(f) == 1) & (consumers(f) == 1)).tolist()
    for v in (v for v, plain in enumerate(simple) if not plain):
        yield f"  n{v} [xlabel={texts[v]}, {_DOT}];"
        yield from (f"  {origin} -> n{v} [arrowhead=none];" for origin in origins[v])
    for v, end in uses:
        yield f"  {origins[v][0]} -> {end} [label={texts[v]}];" if simple[v] else f"  n{v} -> {end};"


def _origins(f: OpenHypergraph) -> list[list[str]]:
    """Return, for each node, the names of the ends that produce it."""
    ends = [(v, f"i{i}") for i, v in enumerate(f.sources.table.tolist())]
    ends += [(v, f"e{i}") for i, targets in enumerate(f.hypergraph.targets.lists()) for v in targets]
    origins: list[list[str]] = [[] for _ in f.hypergraph.nodes]
    for v, name in ends:
        origins[v].append(name)
    return origins


def _quoted(text: str) -> str:
    """Return a DOT string: quotes and backslashes escaped, line breaks kept."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
