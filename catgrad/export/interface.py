"""Compiled functions as a C programmer sees them: what they are called, what they take, and in which structs.

An array is a pointer; a nested argument is a pointer to a struct of such pointers. Equal structures are one struct, so
that the parameters of a training state are what the prediction takes.

Example:
    >>> import catgrad as cg
    >>> from catgrad.runtime.signature import Signature
    >>> from catgrad.trees import flatten
    >>> B = cg.dim("B")
    >>> tree = flatten(({"bias": 0, "weight": 0}, 0))[1]
    >>> types = cg.f32[2], cg.f32[3, 2], cg.f32[B, 3]
    >>> names = "p['bias']", "p['weight']", "x"
    >>> signature = Signature("predict", (B,), types, (cg.f32[B, 2],), input_names=names, input_tree=tree)
    >>> made = interface("net", {"predict": signature})
    >>> [(struct.name, [member.name for member in struct.members]) for struct in made.structs]
    [('net_p', ['bias', 'weight'])]
    >>> [member.name for member in made.functions[0].parameters]
    ['p', 'x', 'result']
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from optree import PyTreeSpec

from catgrad.cached import cached_property
from catgrad.dims import Symbol
from catgrad.errors import CatgradError
from catgrad.export.names import OWN, Scope, check_names
from catgrad.export.status import Status
from catgrad.runtime.signature import Signature
from catgrad.types import TensorType

__all__ = ["Array", "Function", "Group", "Interface", "Member", "arrays", "interface"]


@dataclass(frozen=True)
class Array:
    """A pointer to the elements of an array, row by row.

    Attributes:
        name: Its identifier.
        key: What it is called among its siblings in Python: a dictionary's key, or a position.
        type: Its type.
        operand: Which array of the compiled function it is: its inputs come first, then its fresh outputs.
        is_written: Whether the function writes it.
    """

    name: str
    key: Hashable
    type: TensorType
    operand: int
    is_written: bool

    @property
    def structure(self) -> Hashable:
        """Key that is equal for arrays of equal type."""
        return self.type


@dataclass(frozen=True)
class Group:
    """A pointer to a struct, or a struct inside another.

    Attributes:
        name: Its identifier.
        key: What it is called among its siblings in Python.
        members: What is in it.
    """

    name: str
    key: Hashable
    members: tuple[Member, ...]

    @property
    def structure(self) -> Hashable:
        """Key that is equal for groups that can share a struct."""
        return tuple((member.name, member.structure) for member in self.members)

    @property
    def is_written(self) -> bool:
        """Whether the function writes any array of it."""
        return any(array.is_written for array in arrays(self.members))


Member: TypeAlias = Array | Group


def arrays(members: Sequence[Member]) -> Iterator[Array]:
    """Yield the arrays of some members in the order in which they lie in memory."""
    for member in members:
        if isinstance(member, Array):
            yield member
        else:
            yield from arrays(member.members)


@dataclass(frozen=True)
class Function:
    """A function of a library.

    Attributes:
        name: What it is called in Python.
        symbol: What it is called in C.
        signature: Its type.
        types: The types of all arrays that depend on its symbols, those on the way to its results included.
        dimension_names: Their identifiers.
        inputs: Its positional arguments.
        outputs: The parts of its result that are not written into an argument.
    """

    name: str
    symbol: str
    signature: Signature
    types: tuple[TensorType, ...]
    dimension_names: tuple[str, ...]
    inputs: tuple[Member, ...]
    outputs: tuple[Member, ...]

    @property
    def dimensions(self) -> tuple[Symbol, ...]:
        """The symbolic dimensions, which it takes first."""
        return self.signature.symbols

    @property
    def parameters(self) -> tuple[Member, ...]:
        """Parameters after the dimensions, and before the workspace."""
        return (*self.inputs, *self.outputs)


@dataclass(frozen=True)
class Struct:
    """A struct type of a library.

    Attributes:
        name: Its name in C.
        members: Its members; those of any group that has this structure.
    """

    name: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Interface:
    """Interface of a library.

    Attributes:
        name: The library; everything in it begins with this name.
        functions: Its functions.
    """

    name: str
    functions: tuple[Function, ...]

    @cached_property
    def structs(self) -> tuple[Struct, ...]:
        """The struct types, each after those inside it."""
        return tuple(self._struct_of.values())

    def struct(self, group: Group) -> Struct:
        """Return the type of a group."""
        return self._struct_of[group.structure]

    @cached_property
    def macros(self) -> dict[str, str]:
        """The names of macros for structs, by the names of those."""
        scope = Scope(self._statuses)
        return {struct.name: scope.name(struct.name.upper()) for struct in self.structs}

    @cached_property
    def constants(self) -> dict[tuple[str, str], str]:
        """The names of constants for dimensions that were given values, by function and dimension."""
        scope = Scope({*self._statuses, *self.macros.values()})
        bound = [(f, name) for f in self.functions for name, _ in f.signature.bound]
        return {(f.name, name): scope.name(f"{f.symbol.upper()}_{name}") for f, name in bound}

    @property
    def _statuses(self) -> set[str]:
        return {f"{self.name.upper()}_{status}" for status in Status.__members__}

    @cached_property
    def _struct_of(self) -> dict[Hashable, Struct]:
        """The struct types by structure. Where one has several names, an argument's goes first, and the outermost."""
        sides = [f.inputs for f in self.functions], [f.outputs for f in self.functions]
        groups = [found for side in sides for found in sorted(_groups(side, 0), key=lambda found: found[0])]
        functions = {f.symbol for f in self.functions}
        own = {f"{self.name}_{name}" for name in OWN}
        scope = Scope({*functions, *(f"{symbol}_workspace" for symbol in functions), *own})
        names: dict[Hashable, str] = {}
        for _, group in groups:
            if group.structure not in names:
                names[group.structure] = scope.name(f"{self.name}_{group.name}")
        inner_first = {group.structure: group for _, group in sorted(groups, key=lambda found: -found[0])}
        return {each: Struct(names[each], group.members) for each, group in inner_first.items()}


def _groups(levels: Iterable[Sequence[Member]], depth: int) -> Iterator[tuple[int, Group]]:
    """Yield the groups in some sequences of members, with how deep they lie."""
    for members in levels:
        for member in members:
            if isinstance(member, Group):
                yield depth, member
                yield from _groups([member.members], depth + 1)


def interface(name: str, signatures: Mapping[str, Signature]) -> Interface:
    """Describe a library.

    Args:
        name: What it is called.
        signatures: The types of its functions, by name.

    Raises:
        CatgradError: A name is no identifier, or a function is called like something else.
    """
    check_names(name, signatures)
    return Interface(name, tuple(_function(name, *each) for each in signatures.items()))


def _function(library: str, name: str, signature: Signature) -> Function:
    types = (type for type in (*signature.inputs, *signature.outputs, *signature.computed) if not type.is_static)
    scope = Scope()
    dimensions = tuple(scope.name(symbol.name) for symbol in signature.symbols)
    donated = {source for source, _ in signature.donated}
    fresh = {output: len(signature.inputs) + i for i, output in enumerate(signature.fresh)}
    read = [(type, i, i in donated) for i, type in enumerate(signature.inputs)]
    written = [(type, fresh[i], True) if i in fresh else None for i, type in enumerate(signature.outputs)]
    takes, gives = signature.trees
    inputs = _arguments(takes, signature.argument_names, iter(read), scope)
    outputs = _results(gives, iter(written), scope)
    return Function(name, f"{library}_{name}", signature, tuple(dict.fromkeys(types)), dimensions, inputs, outputs)


_Leaf: TypeAlias = "tuple[TensorType, int, bool] | None"
"""The type of an array, its operand, and whether it is written; None for what a function does not take."""


def _arguments(tree: PyTreeSpec, names: Sequence[str], leaves: Iterator[_Leaf], scope: Scope) -> tuple[Member, ...]:
    found = [_member(name, child, leaves, scope) for name, child in zip(names, tree.children(), strict=True)]
    for name, member in zip(names, found, strict=True):
        if member is None:
            raise CatgradError(f"the argument {name} has no array, so that C has nothing to pass: leave it out")
    return tuple(member for member in found if member)


def _results(tree: PyTreeSpec, leaves: Iterator[_Leaf], scope: Scope) -> tuple[Member, ...]:
    """Return what a function writes apart from its arguments; the elements of a tuple are separate."""
    is_tuple = tree.type is tuple
    children = tree.children() if is_tuple else [tree]
    found = [_member("result", child, leaves, scope) for child in children]
    return tuple(member for member in found if member)


def _member(key: Hashable, tree: PyTreeSpec, leaves: Iterator[_Leaf], scope: Scope) -> Member | None:
    """Return a nested structure of arrays; None if it has none."""
    if tree.is_leaf():
        leaf = next(leaves)
        return Array(scope.name(key), key, *leaf) if leaf else None
    if tree.type is dict and not all(isinstance(key, str) for key in tree.entries()):
        raise CatgradError(f"the keys of {key} become names in C: they have to be text, not {tree.entries()}")
    inner = Scope()
    found = [_member(k, child, leaves, inner) for k, child in zip(tree.entries(), tree.children(), strict=True)]
    members = tuple(member for member in found if member)
    return Group(scope.name(key), key, members) if members else None
