"""Optics: a functor that gives every arrow a forward half and a reverse half that meet in a residual.

The data are two object maps F (values) and R (changes), and for each operation x : A → B an object M and arrows

    forward : FA → FB ● M                 reverse : M ● RB → RA

The image of an object A is FA ● RA, and R flows from right to left: the reverse half is bent around by the Frobenius
structure, so the whole assignment is one strict functor and arrows of any size are mapped at once. `adapt` bends the
changes back, after which the arrow is monogamous and acyclic if f and the halves of its operations are.

References: Wilson, Zanasi, arXiv:2305.01041, section 10; Cruttwell et al., arXiv:2103.01931 (reverse derivatives).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from catgrad.hypergraph.arrays import IntArray, integers, unchecked
from catgrad.hypergraph.family import Family
from catgrad.hypergraph.finite_function import FiniteFunction
from catgrad.hypergraph.functor import (
    MapObject,
    MapOperation,
    TypedOperation,
    Wires,
    check_type,
    distinct_operations,
    map_objects,
    map_type,
)
from catgrad.hypergraph.labels import Label, LabelArray, concatenate, labels
from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.segments import Segments
from catgrad.hypergraph.witness import Witness

__all__ = ["Halves", "Optic", "OpticWitness"]


class OpticWitness(NamedTuple):
    """Witness of an optic: a node labelled A goes to FA and to RA, an edge x to its two halves."""

    forward: Witness
    reverse: Witness


class Halves(NamedTuple):
    """An arrow cut at its residual: forward : FA → FB ● M and reverse : M ● RB → RA.

    Attributes:
        forward: The forward half.
        reverse: The reverse half.
        residual: The labels of M: the residuals of the edges of f, in the order of the edges.
        witness: Its forward part points into `forward`, its reverse part into `reverse`.
    """

    forward: OpenHypergraph
    reverse: OpenHypergraph
    residual: LabelArray
    witness: OpticWitness


class _Lens(NamedTuple):
    """The two halves of one operation, and the size of the residual between them."""

    forward: OpenHypergraph
    reverse: OpenHypergraph
    residual: int


@dataclass(frozen=True)
class Optic:
    """An optic functor.

    Args:
        forward_object: The object map F.
        reverse_object: The object map R.
        forward: Takes x and its types A, B to an arrow FA → FB ● M, which decides M.
        reverse: Takes x and its types A, B to an arrow M ● RB → RA.

    Example:
        >>> f = OpenHypergraph.singleton
        >>> optic = Optic(
        ...     forward_object=lambda a: [a],
        ...     reverse_object=lambda a: [a + "'"],
        ...     forward=lambda x, a, b: f(x, a, [*b, "M"]),
        ...     reverse=lambda x, a, b: f("R" + x, ["M"] + [c + "'" for c in b], [c + "'" for c in a]),
        ... )
        >>> arrow, _ = optic.map_adapted(f("f", ["X"], ["Y"]) >> f("g", ["Y"], ["Z"]))
        >>> arrow.source_type.tolist(), arrow.target_type.tolist()
        (['X', "Z'"], ['Z', "X'"])
    """

    forward_object: MapObject
    reverse_object: MapObject
    forward: MapOperation
    reverse: MapOperation

    def map_arrow(self, f: OpenHypergraph) -> tuple[OpenHypergraph, OpticWitness]:
        """Return the image FA₀ ● RA₀ ● FA₁ ● RA₁ ● ... → FB₀ ● RB₀ ● ... of f : A → B, and its witness."""
        distinct, which = distinct_operations(f)
        lenses = [self._lens(x) for x in distinct]
        bent = [self._bend(lens, x) for lens, x in zip(lenses, distinct, strict=True)]
        values, changes = self._objects(f.hypergraph.nodes)
        wires = Wires.over(f, Segments.join(values, changes))
        image, witness = wires.substitute(Family.of(bent).select(which))
        forward_edges = integers([len(lens.forward.hypergraph.edges) for lens in lenses])[which]
        nodes = witness.nodes.split(values.sizes)
        edges = witness.edges.split(forward_edges)
        return image, OpticWitness(*map(Witness, nodes, edges))

    def map_adapted(self, f: OpenHypergraph) -> tuple[OpenHypergraph, OpticWitness]:
        """Return the image of f : A → B as an arrow FA ● RB → FB ● RA, and its witness."""
        image, witness = self.map_arrow(f)
        return self.adapt(image, f.source_type, f.target_type), witness

    def adapt(self, image: OpenHypergraph, a: LabelArray, b: LabelArray) -> OpenHypergraph:
        """Bend the changes of the image of an arrow a → b, so that they flow from left to right.

               ┌───────┐                         ┌───────┐
        FA  ───┤       ├─── FB            FA  ───┤       ├─── FB
               │ image │           ↦             │ image │
        RA  ───┤       ├─── RB            RB  ───┤       ├─── RA
               └───────┘                         └───────┘
        """
        inputs, reverse_outputs = self._unravel(image.sources, a)
        outputs, reverse_inputs = self._unravel(image.targets, b)
        sources, targets = (inputs, reverse_inputs), (outputs, reverse_outputs)
        return OpenHypergraph.over(image.hypergraph, np.concatenate(sources), np.concatenate(targets))

    def halves(self, f: OpenHypergraph) -> Halves:
        """Return the two halves of f : A → B, cut at the residuals of its operations.

                  ┌─────────┐                      ┌─────────┐
                  │         ├─── FB         M  ────┤         │
            FA ───┤ forward │                      │ reverse ├─── RA
                  │         ├─── M          RB ────┤         │
                  └─────────┘                      └─────────┘

        Composed along M they are the adapted image of f.
        """
        distinct, which = distinct_operations(f)
        lenses = [self._lens(x) for x in distinct]
        sizes = integers([lens.residual for lens in lenses])[which]
        values, changes = self._objects(f.hypergraph.nodes)
        forward_images = Family.of([lens.forward for lens in lenses]).select(which)
        reverse_images = Family.of([lens.reverse for lens in lenses]).select(which)
        forward, forward_witness = _forward_half(Wires.over(f, values), forward_images)
        reverse, reverse_witness = _reverse_half(Wires.over(f, changes), reverse_images, sizes)
        residual = reverse.source_type[: sizes.sum()]
        return Halves(forward, reverse, residual, OpticWitness(forward_witness, reverse_witness))

    def _objects(self, objects: LabelArray) -> tuple[Segments, Segments]:
        """Map objects to their values and to their changes."""
        return map_objects(self.forward_object, objects), map_objects(self.reverse_object, objects)

    def _lens(self, x: TypedOperation) -> _Lens:
        """Map one operation to its two halves, and check that they meet in the same residual."""
        forward, reverse = self.forward(*x), self.reverse(*x)
        (fa, fb), (ra, rb) = ([map_type(m, side) for side in x[1:]] for m in (self.forward_object, self.reverse_object))
        residual = forward.target_type[len(fb) :]
        check_type(forward, fa, concatenate([fb, residual]), x.label)
        check_type(reverse, concatenate([residual, rb]), ra, x.label)
        return _Lens(forward, reverse, len(residual))

    def _bend(self, lens: _Lens, x: TypedOperation) -> OpenHypergraph:
        """Join the halves of x along M and bend the changes, which end interleaved with the values.

               ┌─────────┐
               │         ├──────────────────── FB
        FA  ───┤ forward │ M
               │         ├────┐  ┌─────────┐
               └─────────┘    └──┤         │
                                 │ reverse ├─── RA
        RB  ─────────────────────┤         │
                                 └─────────┘
        """
        forward, reverse = lens.forward, lens.reverse
        outputs, saved = _cut(forward.targets, len(forward.targets) - lens.residual)
        restored, changes = _cut(reverse.sources, lens.residual)
        glued = forward.hypergraph.glue(reverse.hypergraph, saved, restored)
        ends = (outputs >> glued.left).table, (changes >> glued.right).table
        starts = (forward.sources >> glued.left).table, (reverse.targets >> glued.right).table
        sources, targets = self._interleave(*starts, x.source), self._interleave(*ends, x.target)
        return OpenHypergraph.over(glued.hypergraph, sources, targets)

    def _interleave(self, values: IntArray, changes: IntArray, objects: tuple[Label, ...]) -> IntArray:
        """Order nodes FA₀ FA₁ ... and RA₀ RA₁ ... as FA₀ RA₀ FA₁ RA₁ ..."""
        forward, reverse = self._objects(labels(objects))
        joined: IntArray = Segments.join(Segments(forward.sizes, values), Segments(reverse.sizes, changes)).values
        return joined

    def _unravel(self, boundary: FiniteFunction, objects: LabelArray) -> tuple[IntArray, IntArray]:
        """Order nodes FA₀ RA₀ FA₁ RA₁ ... as FA₀ FA₁ ... and RA₀ RA₁ ..."""
        values, changes = self._objects(objects)
        parts = Segments(values.sizes + changes.sizes, boundary.table).split(values.sizes)
        return parts[0].values, parts[1].values


def _forward_half(wires: Wires, images: Family) -> tuple[OpenHypergraph, Witness]:
    """Glue forward images along FA and FB; their residuals join the target boundary."""
    outputs, residuals = images.targets.split(wires.edge_targets.sizes)
    ends = wires.edge_sources.values, wires.edge_targets.values
    glued = wires.glue(images, ends, (images.sources.values, outputs.values))
    targets = np.concatenate([glued.left.table[wires.targets], glued.right.table[residuals.values]])
    half = OpenHypergraph.over(glued.hypergraph, glued.left.table[wires.sources], targets)
    return half, Witness(wires.nodes.map_values(glued.left.table), images.edges)


def _reverse_half(wires: Wires, images: Family, residual_sizes: IntArray) -> tuple[OpenHypergraph, Witness]:
    """Glue reverse images along RB and RA; their residuals join the source boundary."""
    residuals, inputs = images.sources.split(residual_sizes)
    ends = wires.edge_targets.values, wires.edge_sources.values
    glued = wires.glue(images, ends, (inputs.values, images.targets.values))
    sources = np.concatenate([glued.right.table[residuals.values], glued.left.table[wires.targets]])
    half = OpenHypergraph.over(glued.hypergraph, sources, glued.left.table[wires.sources])
    return half, Witness(wires.nodes.map_values(glued.left.table), images.edges)


def _cut(boundary: FiniteFunction, index: int) -> tuple[FiniteFunction, FiniteFunction]:
    """Cut a boundary in two."""
    first, second = np.split(boundary.table, [index])
    return unchecked(FiniteFunction, first, boundary.target), unchecked(FiniteFunction, second, boundary.target)
