"""Terms for people: as text, as diagrams, and as JSON."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from catgrad.body import Body, Step
from catgrad.errors import CatgradError, located
from catgrad.files import user_path
from catgrad.hypergraph import to_dot as graph_to_dot
from catgrad.json_writer import json_text
from catgrad.native import critical
from catgrad.picture import FORWARD, REVERSE, UPDATE, picture
from catgrad.text import printable
from catgrad.trees import example, leaf_names

__all__ = ["Shown", "dot", "svg", "text"]

_COLORS = {None: "#f4f6fb", FORWARD: "#cfe3fb", REVERSE: "#fbd9c5", UPDATE: "#d5efd3"}
"""What boxes are filled with."""


class Shown:
    """The ways in which a term shows itself, each returned as text and written to a file on demand."""

    def __str__(self: Body) -> str:
        return text(self)

    def _repr_svg_(self: Body) -> str | None:
        """Return what a notebook shows; None, for the text, without graphviz."""
        try:
            return svg(self)
        except CatgradError:
            return None

    @located()
    def to_dot(self: Body, path: str | Path | None = None) -> str:
        """Return the diagram in the DOT language."""
        return _written(dot(self), path)

    @located()
    def to_svg(self: Body, path: str | Path | None = None) -> str:
        """Return the diagram as SVG; raise `CatgradError` if graphviz is not installed."""
        return _written(svg(self), path)

    @located()
    def to_json(self: Body, path: str | Path | None = None) -> str:
        """Return the term as JSON, which `catgrad.from_json` reads."""
        return _written(json_text(self), path)

    @located()
    def to_mlir(self: Any, path: str | Path | None = None) -> str:
        """Return the term as a module of the catgrad dialect."""
        with critical():
            from catgrad.dialect.emit import emit  # so that importing catgrad does not import mlir

            return _written(str(emit(self)), path)


def _written(content: str, path: str | Path | None) -> str:
    if path is not None:
        with open(user_path("a term is written into the path of a file", path), "w", encoding="utf-8") as file:
            file.write(content)
    return content


def text(term: Body) -> str:
    """Return a term as a list of assignments, after those of the definitions that it calls.

    Example:
        >>> import catgrad as cg
        >>> print(text(cg.trace(lambda x: x + 1, cg.f32[2])))
        <lambda> : (f32[2]) -> f32[2]
          %1 = constant[value=1.0]()                          : f32[]
          %2 = broadcast_to[shape=(2,)](%1)                   : f32[2]
          %3 = add(%0, %2)                                    : f32[2]
          return %3
    """
    return "\n\n".join(map(_body, (*(d.term for d in term.definitions), term)))


def _body(term: Body) -> str:
    lines = [f"{printable(term.name)} : {term.type}"]
    lines += [_assignment(step, term) for step in term.steps]
    return "\n".join([*lines, f"  return {_nodes(term.outputs)}"])


def _assignment(step: Step, term: Body) -> str:
    results = f"{_nodes(step.outputs)} = " if step.outputs else ""
    types = ", ".join(str(term.node_types[node]) for node in step.outputs)
    return f"  {results}{step.operation}({_nodes(step.inputs)})".ljust(54) + (f": {types}" if types else "")


def _nodes(nodes: tuple[int, ...]) -> str:
    return ", ".join(f"%{node}" for node in nodes)


def dot(term: Body) -> str:
    """Return a term's diagram in the DOT language."""
    results = leaf_names("out", example(term.output_tree))
    return graph_to_dot(
        picture(term),
        edge_label=lambda box: box.text,
        edge_color=lambda box: _COLORS[box.role],
        ends=(term.input_names, results),
    )


def svg(term: Body) -> str:
    """Return a term's diagram as SVG.

    Raises:
        CatgradError: Graphviz is not installed.
    """
    if shutil.which("dot") is None:
        raise CatgradError("a diagram as SVG needs graphviz: apt-get install graphviz, or brew install graphviz")
    try:
        with critical():
            import graphviz
    except ImportError as error:
        raise CatgradError("a diagram as SVG needs the Python package graphviz: pip install 'catgrad[svg]'") from error
    rendered: str = graphviz.Source(dot(term)).pipe("svg", encoding="utf-8")
    return rendered
