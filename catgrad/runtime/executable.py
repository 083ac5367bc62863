"""Calling compiled code with arrays: everything is checked in Python, then native code runs once, without the GIL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy import ndarray

from catgrad.errors import ArgumentError, CatgradError, located
from catgrad.files import user_path
from catgrad.nesting import difference, misfit
from catgrad.runtime.arguments import READABLE, WRITABLE, Parameter, has_memory
from catgrad.runtime.buffers import Array, Shape, Workspaces, address, aligned_empty, overlap
from catgrad.runtime.plan import Plan, Planner
from catgrad.runtime.signature import Signature
from catgrad.runtime.structure import flatten

__all__ = ["Code", "Executable"]

_BOUNDARY = located()

_PLANS = 256
"""How many combinations of shapes an executable remembers."""


class Code(Protocol):
    """Native code, which lives as long as this object."""

    @property
    def entry(self) -> Callable[[int], object]:
        """Calls the code with the address of a `catgrad.runtime.buffers.Frame`, and releases the GIL meanwhile."""

    @property
    def measure(self) -> Callable[[int], int]:
        """Returns the size of the workspace that the call with a frame needs."""

    @property
    def object_code(self) -> bytes:
        """The code as an object file."""


class Source(Protocol):
    """Source that code was compiled from."""

    @property
    def stages(self) -> tuple[str, ...]:
        """The names that `ir` knows, in the order of the compilation."""

    def ir(self, stage: str) -> str:
        """Return the IR after a stage."""

    def save(self, path: Path, object_code: bytes) -> None:
        """Write a file of the executable."""

    def reduced(self, object_code: bytes) -> tuple[Any, ...]:
        """Return what a pickle of the executable has, as `object.__reduce__` does."""

    def export(self, folder: Path, name: str | None, target: str, parameters: Mapping[str, Any] | None) -> list[Path]:
        """Write a library."""


class Executable:
    """A compiled function, called with arrays.

    `exe(*args, out=None)` takes arguments with the nested structure of its signature and returns results likewise.

    * An argument is a NumPy array, or any array in host memory with `__dlpack__`, of the shape of its type. It is not
      copied if it has the dtype, and is C-contiguous and aligned. Otherwise it is: from strided, sliced or byte-swapped
      arrays, from lists and numbers, from integers of another width that fit, and from floats of another width. With
      `strict` these are errors, but for numbers of rank 0, and so is always what is of another kind.
    * A result is a new array, aligned to 64 bytes. `out` has the structure of the result: arrays to write into, and
      None where a new one is wanted.
    * A donated argument is updated in place, never copied, and the same object is returned as the result.
    * An array that is written may not share memory with any other of the call.

    Whatever is wrong with the arguments is an `ArgumentError`, and then no native code has run.

    **Threads.** Calls may overlap, from several threads or nested through a foreign array's `__dlpack__`: they share no
    memory but the arrays they are given, and the GIL is released while native code runs. As everywhere with arrays, it
    is up to the caller that nobody uses an array while a call writes it, or resizes one while a call has it.

    Args:
        signature: What the code takes and gives.
        code: The machine code.
        source: What it was compiled from.
        compile_seconds: How long each stage took.
        target: What the code runs on.

    Attributes:
        signature: What it takes and gives.
        compile_seconds: How long each stage of the compilation took.
        target: What it runs on.
    """

    _address: Callable[[Any], int] = staticmethod(address)
    _allocate: Callable[[Shape, np.dtype[Any], int], Any] = staticmethod(aligned_empty)

    def __init__(
        self,
        signature: Signature,
        code: Code,
        *,
        source: Source | None = None,
        compile_seconds: Mapping[str, float] = MappingProxyType({}),
        target: str = "cpu",
    ) -> None:
        self.signature = signature
        self.__signature__ = signature.python
        self.compile_seconds = compile_seconds
        self.target = target
        self._source = source
        self._code = code
        self._entry = code.entry
        self._planner = Planner(signature, code.measure)
        self._plans: dict[tuple[Shape, ...], Plan] = {}
        self._workspaces = Workspaces(self._allocate)
        self._inputs, self._outputs = _parameters(signature)
        self._expected = [(each.type.dtype.numpy, each.flags) for each in self._inputs]
        self._places = signature.places
        self._array_names = (*signature.input_names, *(signature.output_names[i] for i in signature.fresh))
        self._written = frozenset(signature.places)
        self._input_tree, self._output_tree = signature.trees
        self._is_single = self._output_tree.is_leaf()
        self._is_flat = self._input_tree.num_nodes == self._input_tree.num_leaves + 1

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any:
        """Run the code.

        Args:
            args: Arrays in the nested structure of the signature.
            out: Arrays to write the results into.
            named: Refused: arguments are positional only.

        Raises:
            ArgumentError: An argument or `out` does not fit; no native code has run.
        """
        with _BOUNDARY:
            if named:
                raise self._misnamed(named)
            given = self._flatten(args)
            arrays = self._admit(given)
            shapes = tuple([array.shape for array in arrays])
            plan = self._plans.get(shapes) or self._plan(shapes)
            if out is None:
                fresh = [self._allocate(*result) for result in plan.results]
                arrays += fresh
                given += fresh
            elif self._is_perfect(out, plan):
                arrays.append(out)
                given.append(out)
            else:
                self._provide(out, plan, arrays, given)
            starts = list(map(self._address, arrays))
            if out is not None or self.signature.donated:
                self._check_overlap(starts, plan)
            workspace = self._workspaces.borrow(plan.workspace) if plan.workspace else None
            frame = plan.borrow_frame()
            frame.fill([*starts, 0 if workspace is None else self._address(workspace)])
            self._entry(frame.address)
            plan.return_frame(frame)
            if workspace is not None:
                self._workspaces.give_back(workspace)
            if self._is_single:
                return given[self._places[0]]
            return self._output_tree.unflatten([given[place] for place in self._places])

    def __repr__(self) -> str:
        return f"<Executable {self.signature}, {self.target}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return self._known_source.reduced(self._code.object_code)

    @property
    @_BOUNDARY
    def stages(self) -> tuple[str, ...]:
        """The names that `ir` knows, in the order of the compilation."""
        return self._known_source.stages

    @_BOUNDARY
    def ir(self, stage: str) -> str:
        """Return the IR after a stage of the compilation.

        Raises:
            CatgradError: There is no such stage; the message lists them.
        """
        return self._known_source.ir(stage)

    @_BOUNDARY
    def save(self, path: str | Path) -> None:
        """Write it into a file, which `catgrad.load` makes the same executable of, in any process.

        The file has the machine code for this processor, and the term it was compiled from.

        Raises:
            CatgradError: Its arguments or results are nested in anything but dicts, lists and tuples, or the file
                would be larger than `catgrad.load` reads.
            OSError: The file cannot be written.
        """
        self._known_source.save(user_path("save takes the path of a file", path), self._code.object_code)

    @_BOUNDARY
    def export(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        target: str = "cpu",
        parameters: Mapping[str, Array] | None = None,
    ) -> list[Path]:
        """Write a library with a C interface, which needs neither catgrad nor Python: see docs/deploy.md.

        Args:
            folder: Where; made if it is not there.
            name: What the library is called; that of the folder if None.
            target: What it is for: see `catgrad build --help`.
            parameters: Arrays to put beside it, by name.

        Returns:
            The files.

        Raises:
            CatgradError: A name is no identifier, the target is unknown, or there is no C compiler to link with.
            CompileError: A pass or a tool failed.
            OSError: A file cannot be written.
        """
        path = user_path("export takes the path of a folder", folder)
        return self._known_source.export(path, name, target, parameters)

    @property
    def _known_source(self) -> Source:
        if self._source is None:
            raise CatgradError(f"{self.signature.name} is code alone: what it was compiled from is not known")
        return self._source

    def _misnamed(self, named: Mapping[str, Any]) -> ArgumentError:
        """Return the error for keyword arguments."""
        name, takes, given = self.signature.name, ", ".join(self.signature.argument_names), ", ".join(named)
        return ArgumentError(f"{name} takes positional arguments only, ({takes}), and out; given {given} by keyword")

    def _flatten(self, args: tuple[Any, ...]) -> list[Any]:
        """Return the arrays among the arguments, in a new list."""
        if self._is_flat and len(args) == self._input_tree.num_children:
            return list(args)
        return flatten(self._input_tree, args, self._misfit)

    def _misfit(self, args: tuple[Any, ...]) -> str:
        return misfit(self.signature.name, self.signature.argument_names, self._input_tree, args)

    def _misfit_of_out(self, out: Any) -> str:
        return f"{self.signature.name}: {difference(self._output_tree, out, 'out')}"

    def _admit(self, given: list[Any]) -> list[Array]:
        """Return the arguments as arrays of the right dtypes that native code can use, in a new list."""
        for value, (dtype, flags) in zip(given, self._expected, strict=True):
            if type(value) is not ndarray or value.dtype != dtype or ~value.flags.num & flags:
                return self._convert(given)
        return list(given)

    def _convert(self, given: list[Any]) -> list[Array]:
        """Do what `_admit` does for arguments that are not all perfect; numbers in `given` become arrays as well."""
        arrays = [parameter.admit(value) for parameter, value in zip(self._inputs, given, strict=True)]
        given[:] = [value if has_memory(value) else array for value, array in zip(given, arrays, strict=True)]
        return arrays

    def _admit_target(self, parameter: Parameter, target: Any, shape: Shape) -> Any:
        """Return what the caller gave for a result as an array that native code can write."""
        return parameter.admit_target(target, shape)

    def _is_perfect(self, out: Any, plan: Plan) -> bool:
        """Return whether `out` is the one result's array and needs no further look."""
        if not self._is_single or type(out) is not ndarray or self.signature.donated:
            return False
        expected = self._outputs[0]
        fits = out.dtype == expected.type.dtype.numpy and not ~out.flags.num & expected.flags
        return fits and out.shape == plan.shapes[-1]

    def _plan(self, shapes: tuple[Shape, ...]) -> Plan:
        plan = self._planner(shapes)
        if len(self._plans) >= _PLANS:
            self._plans.clear()
        self._plans[shapes] = plan
        return plan

    def _provide(self, out: Any, plan: Plan, arrays: list[Array], given: list[Any]) -> None:
        """Append the fresh outputs to `arrays`, and what the caller gave for them to `given`."""
        inputs = len(given)
        targets = flatten(self._output_tree, out, self._misfit_of_out)
        for parameter, place, target in zip(self._outputs, self._places, targets, strict=True):
            if place < inputs:
                _check_donated(parameter, target, given[place], self._inputs[place].name)
                continue
            shape = plan.shapes[place]
            if target is None:
                arrays.append(self._allocate(*plan.results[place - inputs]))
                given.append(arrays[-1])
            else:
                arrays.append(self._admit_target(parameter, target, shape))
                given.append(target)

    def _check_overlap(self, starts: list[int], plan: Plan) -> None:
        """Raise when an array that is written shares memory with another."""
        found = overlap(starts, plan.sizes, self._written)
        if found is None:
            return
        one, other = (self._array_names[place] for place in sorted(found))
        name = self.signature.name
        raise ArgumentError(f"{name}: {one} and {other} share memory, and one is written: pass a copy of one of them")


def _parameters(signature: Signature) -> tuple[list[Parameter], list[Parameter]]:
    """Return what the inputs and the outputs must be."""
    donated, name, strict = {source for source, _ in signature.donated}, signature.name, signature.strict
    inputs = enumerate(zip(signature.input_names, signature.inputs, strict=True))
    outputs = zip(signature.output_names, signature.outputs, strict=True)
    return (
        [Parameter(name, *each, WRITABLE if i in donated else READABLE, strict) for i, each in inputs],
        [Parameter(name, *each, WRITABLE, strict) for each in outputs],
    )


def _check_donated(parameter: Parameter, target: Any, donated: Any, name: str) -> None:
    if target is not None and target is not donated:
        raise parameter.error(f"it is written into the donated {name}", f"pass None, or the array given for {name}")
