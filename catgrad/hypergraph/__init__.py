"""Open hypergraphs: string diagrams as arrays, and the functors between them.

Pure mathematics, in layers that each build on the ones before:

| module | what it adds |
|---|---|
| `finite_function`, `segments` | functions between finite sets, families of lists: what all else is made of |
| `hypergraph`, `open_hypergraph`, `family` | graphs, graphs with boundaries, many at once |
| `properties`, `layer`, `restrict`, `isomorphism` | what can be asked of a graph |
| `functor`, `optic`, `copies` | transformations, each with a witness of where nodes and edges went |
| `lax` | a builder for graphs that are written step by step |
| `serialize`, `dot` | JSON and pictures |

Algorithms are array operations, linear in what they read and write (up to the sorting of numpy where things are
grouped), because:

* Labels are hashed once, where they come in. From then on they are small integers into an alphabet, which the two sides
  of a composition share or merge.
* What comes from outside is checked by the constructors; what is computed from checked objects is not checked again.
* Tensor copies two graphs. Composition copies them and renumbers the ends of the second: nodes of the first keep their
  numbers. Connected components are searched for only among wires that meet more than once.
* A functor maps each distinct operation once; the tensor of the images of all operations is a gather.
* In a traversal every edge fires once.
"""

from __future__ import annotations

from catgrad.hypergraph.arrays import IntArray as IntArray
from catgrad.hypergraph.copies import explicit_copies as explicit_copies
from catgrad.hypergraph.copies import forget as forget
from catgrad.hypergraph.dot import to_dot as to_dot
from catgrad.hypergraph.errors import CompositionError as CompositionError
from catgrad.hypergraph.errors import CycleError as CycleError
from catgrad.hypergraph.errors import FormatError as FormatError
from catgrad.hypergraph.errors import HypergraphError as HypergraphError
from catgrad.hypergraph.errors import LabelClashError as LabelClashError
from catgrad.hypergraph.family import Family as Family
from catgrad.hypergraph.family import tensor_all as tensor_all
from catgrad.hypergraph.finite_function import FiniteFunction as FiniteFunction
from catgrad.hypergraph.functor import Functor as Functor
from catgrad.hypergraph.functor import TypedOperation as TypedOperation
from catgrad.hypergraph.functor import distinct_operations as distinct_operations
from catgrad.hypergraph.hypergraph import Hypergraph as Hypergraph
from catgrad.hypergraph.isomorphism import is_isomorphic as is_isomorphic
from catgrad.hypergraph.labels import Label as Label
from catgrad.hypergraph.labels import LabelArray as LabelArray
from catgrad.hypergraph.labels import intern as intern
from catgrad.hypergraph.labels import labels as labels
from catgrad.hypergraph.lax import LaxOpenHypergraph as LaxOpenHypergraph
from catgrad.hypergraph.layer import Assignment as Assignment
from catgrad.hypergraph.layer import edge_layers as edge_layers
from catgrad.hypergraph.layer import is_acyclic as is_acyclic
from catgrad.hypergraph.layer import schedule as schedule
from catgrad.hypergraph.layer import ssa as ssa
from catgrad.hypergraph.open_hypergraph import OpenHypergraph as OpenHypergraph
from catgrad.hypergraph.optic import Halves as Halves
from catgrad.hypergraph.optic import Optic as Optic
from catgrad.hypergraph.optic import OpticWitness as OpticWitness
from catgrad.hypergraph.properties import consumers as consumers
from catgrad.hypergraph.properties import is_monogamous as is_monogamous
from catgrad.hypergraph.properties import producers as producers
from catgrad.hypergraph.restrict import restrict_to_outputs as restrict_to_outputs
from catgrad.hypergraph.segments import Segments as Segments
from catgrad.hypergraph.serialize import dumps as dumps
from catgrad.hypergraph.serialize import from_json as from_json
from catgrad.hypergraph.serialize import loads as loads
from catgrad.hypergraph.serialize import to_json as to_json
from catgrad.hypergraph.witness import Witness as Witness
