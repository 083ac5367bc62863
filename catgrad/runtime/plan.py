"""Shape inference of a call: from its arguments the values of the symbols, the shapes of the results, the frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from catgrad.dims import Extent, Solver, evaluate, symbols
from catgrad.errors import ArgumentError, CatgradError
from catgrad.runtime.buffers import Frame, Shape
from catgrad.runtime.signature import Signature
from catgrad.types import LARGEST, axes

__all__ = ["Plan", "Planner"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan of a call, shared by all calls with the same shapes.

    Attributes:
        integers: The values of the symbols, as the function takes them.
        shapes: The shapes of the function's arrays: the inputs, then the fresh outputs.
        sizes: Their sizes in bytes.
        results: Shape, dtype and size of the fresh outputs.
        workspace: The size of the memory that a call works in, in bytes.
    """

    integers: tuple[int, ...]
    shapes: tuple[Shape, ...]
    sizes: tuple[int, ...]
    results: tuple[tuple[Shape, np.dtype[Any], int], ...]
    workspace: int
    _frames: list[Frame] = field(default_factory=list)

    def borrow_frame(self) -> Frame:
        """Return a frame that no other call is using; give it back with `return_frame`."""
        try:
            return self._frames.pop()
        except IndexError:
            return Frame(self.integers, (*self.shapes, (self.workspace,)))

    def return_frame(self, frame: Frame) -> None:
        """Take back a frame whose call is over. There are as many as calls have overlapped."""
        self._frames.append(frame)


class Planner:
    """Makes the plan for given shapes, or says why they do not fit the signature.

    Args:
        signature: Whose arguments they are.
        measure: Returns the size of the workspace of a call, given the address of its frame.

    Raises:
        CatgradError: A symbol of the signature cannot be determined from the shapes.
    """

    def __init__(self, signature: Signature, measure: Callable[[int], int]) -> None:
        self._signature = signature
        self._measure = measure
        self._solver = Solver(axes(signature.input_names, signature.inputs))
        self._sizes = {type.size: type for type in signature.computed}

    def __call__(self, shapes: tuple[Shape, ...]) -> Plan:
        """Return the plan for arguments of these shapes.

        Raises:
            ArgumentError: They do not fit the signature, a result would have a negative extent or no value, or an array
                would be too large.
        """
        signature = self._signature
        self._check_ranks(shapes)
        try:
            values = self._solve(shapes)
            self._check_nonempty(values)
            self._check_sizes(values)
            outputs = [signature.outputs[i].substitute(values) for i in signature.fresh]
        except CatgradError as error:
            raise ArgumentError(f"{signature.name}: {error.message}") from None
        results = [_extents(type.shape) for type in outputs]
        arrays = (*shapes, *results)
        dtypes = [type.dtype.numpy for type in (*signature.inputs, *outputs)]
        sizes = [math.prod(shape) * dtype.itemsize for shape, dtype in zip(arrays, dtypes, strict=True)]
        n = len(shapes)
        integers = tuple(values[symbol.name] for symbol in signature.symbols)
        frame = Frame(integers, (*arrays, (0,)))
        return Plan(
            integers=integers,
            shapes=arrays,
            sizes=tuple(sizes),
            results=tuple(zip(results, dtypes[n:], sizes[n:], strict=True)),
            workspace=self._measure(frame.address),
        )

    def _check_ranks(self, shapes: Sequence[Shape]) -> None:
        signature = self._signature
        for name, type, shape in zip(signature.input_names, signature.inputs, shapes, strict=True):
            if len(shape) != type.rank:
                axes = f"{len(shape)} axes: shape {shape}"
                raise ArgumentError(f"{signature.name}: {name} must be {type}, but the array has {axes}")

    def _check_nonempty(self, values: Mapping[str, int]) -> None:
        for extent in self._signature.nonempty:
            if evaluate(extent, values) < 1:
                given = ", ".join(f"{symbol} = {values[symbol.name]}" for symbol in symbols(extent))
                raise ArgumentError(
                    f"{extent} has to be at least 1 (here {given}): max, min, ... of nothing has no value"
                )

    def _check_sizes(self, values: Mapping[str, int]) -> None:
        for size, type in self._sizes.items():
            if evaluate(size, values) > LARGEST:
                raise ArgumentError(f"{type} would have {evaluate(size, values)} elements, more than {LARGEST}")

    def _solve(self, shapes: Sequence[Shape]) -> dict[str, int]:
        values = self._solver([extent for shape in shapes for extent in shape])
        return {symbol.name: value for symbol, value in zip(self._solver.symbols, values, strict=True)}


def _extents(shape: Sequence[Extent]) -> Shape:
    """Return a shape without symbols."""
    return tuple(map(int, shape))
