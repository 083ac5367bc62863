"""The type of a compiled function: what it takes, what it gives, and which results reuse the memory of an argument."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optree import PyTreeSpec

from catgrad.cached import cached_property
from catgrad.dims import Extent, Symbol, symbols
from catgrad.errors import CatgradError
from catgrad.nesting import argument_names
from catgrad.runtime.structure import tuple_tree
from catgrad.types import TensorType

__all__ = ["Signature"]


@dataclass(frozen=True)
class Signature:
    """The type of a compiled function.

    Attributes:
        name: The function in the compiled module.
        symbols: The symbolic dimensions, in the order in which the function takes their values, before its arrays.
        inputs: The types of the arrays it takes, flat.
        outputs: The types of the arrays it gives, flat.
        donated: Pairs of an input and the output that is written into its memory, by position. They have the same type.
        nonempty: What has to be at least 1 for the results to have a value, such as the extent that a maximum is taken
            over.
        computed: The types that depend on the symbols, of all that the function computes.
        input_names: An expression for each input, for messages: "x", "state['weight']".
        input_tree: The nested structure of the positional arguments, a tuple; None when each argument is an array.
        output_tree: The nested structure of the result; None when it is a tuple of arrays.
        bound: The dimensions that were given values, with these.
        strict: Whether arguments are refused that have to be copied to fit.

    Raises:
        CatgradError: The parts do not fit together.

    Example:
        >>> from catgrad.dims import dim
        >>> from catgrad.types import f32
        >>> B = dim("B")
        >>> print(Signature("scale", (B,), (f32[B, 3], f32[()]), (f32[B, 3],), input_names=("x", "by")))
        scale: (x: f32[B, 3], by: f32[]) -> (f32[B, 3])
    """

    name: str
    symbols: tuple[Symbol, ...]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    donated: tuple[tuple[int, int], ...] = ()
    nonempty: tuple[Extent, ...] = ()
    computed: tuple[TensorType, ...] = ()
    input_names: tuple[str, ...] = ()
    input_tree: PyTreeSpec | None = None
    output_tree: PyTreeSpec | None = None
    bound: tuple[tuple[str, int], ...] = ()
    strict: bool = False

    def __post_init__(self) -> None:
        self._check_names()
        self._check_symbols()
        self._check_tree("input", self.input_tree, self.inputs)
        self._check_tree("output", self.output_tree, self.outputs)
        if self.input_tree is not None and self.input_tree.type is not tuple:
            raise CatgradError(f"{self.name}: the input tree {self.input_tree} is not the tuple of the arguments")
        self._check_donated()

    @property
    def argument_names(self) -> tuple[str, ...]:
        """The names of the positional arguments; an argument without arrays is called `_`."""
        return self.input_names if self.input_tree is None else argument_names(self.input_tree, self.input_names)

    @property
    def python(self) -> inspect.Signature:
        """Signature of the call in Python: `(x, y, /, *, out=None)`."""
        names = self.argument_names
        if not all(map(str.isidentifier, names)) or len({*names, "out"}) <= len(names):
            names = tuple(f"{name if name.isidentifier() else 'argument'}_{i}" for i, name in enumerate(names))
        arguments = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
        return inspect.Signature([*arguments, inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)])

    @property
    def trees(self) -> tuple[PyTreeSpec, PyTreeSpec]:
        """The nested structures of the arguments and the result."""
        # A structure without arrays is false.
        given = (self.input_tree, self.inputs), (self.output_tree, self.outputs)
        takes, gives = (tuple_tree(len(types)) if tree is None else tree for tree, types in given)
        return takes, gives

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """An expression for each output, starting from `out`."""
        if self.output_tree is None:
            return tuple(f"out[{i}]" for i in range(len(self.outputs)))
        return tuple(accessor.codify("out") for accessor in self.output_tree.accessors())

    @cached_property
    def fresh(self) -> tuple[int, ...]:
        """The outputs that are not written into an argument: the function takes an array for each, after the inputs."""
        donated = {output for _, output in self.donated}
        return tuple(i for i in range(len(self.outputs)) if i not in donated)

    @cached_property
    def places(self) -> tuple[int, ...]:
        """For each output, where it is written: a position among the inputs followed by the fresh outputs."""
        places = {output: len(self.inputs) + i for i, output in enumerate(self.fresh)}
        places.update((output, source) for source, output in self.donated)
        return tuple(places[i] for i in range(len(self.outputs)))

    def __str__(self) -> str:
        arguments = _nested(self.input_tree, self.inputs)
        takes = ", ".join(f"{name}: {_short(each)}" for name, each in zip(self.argument_names, arguments, strict=True))
        result = _nested(self.output_tree, self.outputs)
        gives = f"({', '.join(map(_short, result))})" if isinstance(result, tuple) else _short(result)
        return f"{self.name}: ({takes}) -> {gives}"

    def _check_names(self) -> None:
        if len(self.input_names) != len(self.inputs):
            raise CatgradError(f"{self.name}: expected {len(self.inputs)} input names, got {len(self.input_names)}")

    def _check_symbols(self) -> None:
        inputs, outputs = (dict.fromkeys(side) for side in (self.inputs, self.outputs))
        bound = symbols(extent for type in inputs for extent in type.shape)
        used = (*self.symbols, *symbols(extent for type in outputs for extent in type.shape))
        for symbol in used:
            if symbol not in bound:
                raise CatgradError(f"{self.name}: no input has the symbolic dimension {symbol}")

    def _check_tree(self, what: str, tree: PyTreeSpec | None, types: Sequence[TensorType]) -> None:
        if tree is not None and tree.num_leaves != len(types):
            raise CatgradError(f"{self.name}: the {what} tree has {tree.num_leaves} leaves for {len(types)} arrays")

    def _check_donated(self) -> None:
        if any(i not in range(len(self.inputs)) or j not in range(len(self.outputs)) for i, j in self.donated):
            raise CatgradError(f"{self.name}: the donated pairs {self.donated} name an array that is not there")
        for positions in zip(*self.donated, strict=True):
            if len(set(positions)) != len(positions):
                raise CatgradError(f"{self.name}: an array is donated twice in {self.donated}")
        for source, target in self.donated:
            if self.inputs[source] != self.outputs[target]:
                given, wanted = self.inputs[source], self.outputs[target]
                raise CatgradError(f"{self.name}: {self.input_names[source]}: {given} cannot hold a result {wanted}")


class _Verbatim:
    """A type inside a nested structure, shown as it is written."""

    def __init__(self, type: TensorType) -> None:
        self._text = str(type)

    def __repr__(self) -> str:
        return self._text


_abbreviation = reprlib.Repr()
_abbreviation.maxother = 80
_short = _abbreviation.repr


def _nested(tree: PyTreeSpec | None, types: Sequence[TensorType]) -> Any:
    leaves = tuple(map(_Verbatim, types))
    return leaves if tree is None else tree.unflatten(leaves)
