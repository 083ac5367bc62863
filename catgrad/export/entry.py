"""The C entry of a compiled function: it checks its arguments, and calls the function.

    int32_t NAME_f(int64_t B, const struct *parameters, const float *x, float *result, void *workspace, size_t size)
    size_t NAME_f_workspace(int64_t B)

The function itself takes a frame (`catgrad.passes.frames`), which its entry makes on the stack. The workspace may begin
anywhere: what is needed to align it is part of its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate

from mlir import ir
from mlir.dialects import arith, llvm

from catgrad.dims import Dim, Extent, Symbol, fold, lower_bound
from catgrad.export.emitter import Body, all_of, call, compare, constant, integer, offset, pointer
from catgrad.export.interface import Array, Function, Member, arrays
from catgrad.export.status import Status
from catgrad.passes.places import ALIGNMENT
from catgrad.runtime.buffers import ENTRY, MEASURE
from catgrad.types import LARGEST

__all__ = ["add_entry", "entry_types"]

_WORD_BYTES = 8


def entry_types(function: Function) -> list[ir.Type]:
    """Return the types of what the entry of a function takes."""
    dimensions = [integer(64)] * len(function.dimensions)
    return [*dimensions, *[pointer()] * len(function.parameters), pointer(), integer(64)]


def add_entry(module: ir.Module, function: Function, symbol: str, visibility: str) -> None:
    """Add two functions to the module where a function is compiled: its entry, and the size of its workspace.

    Args:
        module: A module in the LLVM dialect, where the last argument of the function is its workspace.
        function: The function.
        symbol: What the entry is called; the other one is called the same with `_workspace` behind it.
        visibility: Of both: "default" or "hidden".
    """
    with module.context, ir.Location.unknown(), ir.InsertionPoint(module.body):
        _add_size(function, f"{symbol}_workspace", visibility)
        _add_call(function, symbol, visibility)


def _add_size(function: Function, symbol: str, visibility: str) -> None:
    kinds = [integer(64)] * len(function.dimensions)
    with Body(symbol, kinds, integer(64), visibility) as body:
        frame = _Frame(function, body.arguments)
        frame.check(body, otherwise=partial(constant, 64, 0))
        llvm.return_(arg=frame.workspace_bytes())


def _add_call(function: Function, symbol: str, visibility: str) -> None:
    with Body(symbol, entry_types(function), integer(32), visibility) as body:
        frame = _Frame(function, body.arguments[: len(function.dimensions)])
        *given, workspace, size = body.arguments[len(function.dimensions) :]
        frame.check(body, otherwise=_status(Status.DIMENSION))
        body.require(_are_given(given), _status(Status.NULL))
        found = {
            array.operand: (array, x)
            for member, x in zip(function.parameters, given, strict=True)
            for array, x in _addresses(member, x)
        }
        body.require(_are_given([address for _, address in found.values()]), _status(Status.NULL))
        body.require(all_of(_is_aligned(*each) for each in found.values()), _status(Status.ALIGNMENT))
        needed = frame.workspace_bytes()
        body.require(compare("uge", size, needed), _status(Status.WORKSPACE))
        is_idle = compare("eq", needed, constant(64, 0))
        body.require(arith.ori(is_idle, _are_given([workspace])), _status(Status.WORKSPACE))
        frame.call([found[operand][1] for operand in range(len(found))], _aligned(workspace), needed)
        llvm.return_(arg=_status(Status.OK)())


def _status(status: Status) -> Callable[[], ir.Value]:
    return partial(constant, 32, status)


def _are_given(addresses: Sequence[ir.Value]) -> ir.Value:
    null = llvm.mlir_zero(pointer())
    return all_of(llvm.icmp(llvm.ICmpPredicate.ne, address, null) for address in addresses)


def _addresses(member: Member, given: ir.Value) -> Iterator[tuple[Array, ir.Value]]:
    """Yield the arrays of a parameter with their addresses; a struct holds one pointer after the other."""
    if isinstance(member, Array):
        yield member, given
        return
    for position, array in enumerate(arrays(member.members)):
        yield array, llvm.load(pointer(), offset(given, constant(64, _WORD_BYTES * position)))


def _is_aligned(array: Array, address: ir.Value) -> ir.Value:
    last_bits = constant(64, array.type.dtype.numpy.itemsize - 1)
    return compare("eq", arith.andi(_number(address), last_bits), constant(64, 0))


def _number(address: ir.Value) -> ir.Value:
    return llvm.ptrtoint(integer(64), address)


def _aligned(address: ir.Value) -> ir.Value:
    """Return the first aligned address from `address` on."""
    behind = arith.subi(constant(64, 0), _number(address))
    return offset(address, arith.andi(behind, constant(64, ALIGNMENT - 1)))


class _Frame:
    """Frame of a compiled function, on the stack: numbers, then the address and the extents of each array.

    The last array is the workspace.

    Args:
        function: The function.
        dimensions: The values of its symbols.
    """

    def __init__(self, function: Function, dimensions: Sequence[ir.Value]) -> None:
        signature = function.signature
        self._function = function
        self._types = [*signature.inputs, *(signature.outputs[i] for i in signature.fresh)]
        self._dimensions = dict(zip((symbol.name for symbol in function.dimensions), dimensions, strict=True))
        ranks = [*(type.rank for type in self._types), 1]
        *self._places, length = accumulate((1 + rank for rank in ranks), initial=len(self._dimensions))
        self._words = llvm.alloca(pointer(), constant(64, length), ir.TypeAttr.get(integer(64)))
        self._extents: dict[Extent, ir.Value] = {}

    def check(self, body: Body, otherwise: Callable[[], ir.Value]) -> None:
        """Return `otherwise` unless every dimension is in its range, and every array exists and fits into memory."""
        body.require(all_of(map(self._is_in_range, self._function.dimensions)), otherwise)
        exact, types = _Exact(), self._function.types
        extents = dict.fromkeys(extent for type in types for extent in type.shape if isinstance(extent, Dim))
        self._extents = {extent: self._value(extent, exact) for extent in extents}
        sizes = [self._value(size, exact) for size in dict.fromkeys(type.size for type in types)]
        doubtful = [extent for extent in extents if (bound := lower_bound(extent)) is None or bound < 0]
        least = [*((extent, 0) for extent in doubtful), *((extent, 1) for extent in self._function.signature.nonempty)]
        exact.conditions += [compare("sge", self._value(extent, exact), constant(64, n)) for extent, n in least]
        exact.conditions += [compare("sle", size, constant(64, LARGEST)) for size in sizes]
        body.require(all_of(exact.conditions), otherwise)

    def workspace_bytes(self) -> ir.Value:
        """Return the size of a workspace that begins anywhere, 0 if none is needed, once all has been checked."""
        for word, number in enumerate(self._dimensions.values()):
            self._set(word, number)
        for place, type in zip(self._places, self._types, strict=False):
            for axis, extent in enumerate(type.shape, 1):
                if isinstance(extent, Dim):
                    self._set(place + axis, self._extents[extent])
        zero = constant(64, 0)
        size = call(self._function.signature.name + MEASURE, integer(64), [self._words])
        with_slack = arith.addi(size, constant(64, ALIGNMENT - 1))
        return arith.select(compare("eq", size, zero), zero, with_slack)

    def call(self, addresses: Sequence[ir.Value], workspace: ir.Value, size: ir.Value) -> None:
        """Call the function, after its workspace has been measured."""
        for place, address in zip(self._places, [*addresses, workspace], strict=True):
            self._set(place, address)
        self._set(self._places[-1] + 1, size)
        call(self._function.signature.name + ENTRY, None, [self._words])

    def _set(self, word: int, value: ir.Value) -> None:
        llvm.store(value, offset(self._words, constant(64, _WORD_BYTES * word)))

    def _is_in_range(self, symbol: Symbol) -> ir.Value:
        value = self._dimensions[symbol.name]
        remainder = arith.remsi(value, constant(64, symbol.multiple_of))
        conditions = [compare("sge", value, constant(64, symbol.min)), compare("eq", remainder, constant(64, 0))]
        if symbol.max is not None:
            conditions.append(compare("sle", value, constant(64, symbol.max)))
        return all_of(conditions)

    def _value(self, extent: Extent, exact: _Exact) -> ir.Value:
        return fold(extent, partial(constant, 64), lambda symbol: self._dimensions[symbol.name], exact)


class _Exact:
    """Arithmetic of 64 bits that knows when its results mean something.

    Attributes:
        conditions: They do if these hold: nothing has overflowed, and nothing was divided by zero.
    """

    def __init__(self) -> None:
        self.conditions: list[ir.Value] = []

    def __call__(self, function: str, a: ir.Value, b: ir.Value) -> ir.Value:
        """Return f(a, b) for a function that extents are made of."""
        if function in _OVERFLOWING:
            return self._checked(_OVERFLOWING[function], a, b)
        return self._quotient(a, b) if function == "floordiv" else _EXTREMA[function](a, b)

    def _checked(self, operation: Callable[..., ir.Value], a: ir.Value, b: ir.Value) -> ir.Value:
        both = operation(ir.Type.parse("!llvm.struct<(i64, i1)>"), a, b)
        self.conditions.append(compare("eq", llvm.extractvalue(integer(1), both, [1]), constant(1, 0)))
        return llvm.extractvalue(integer(64), both, [0])

    def _quotient(self, a: ir.Value, b: ir.Value) -> ir.Value:
        is_possible = compare("ne", b, constant(64, 0))
        self.conditions.append(is_possible)
        return arith.floordivsi(a, arith.select(is_possible, b, constant(64, 1)))


_OVERFLOWING = {"add": llvm.intr_sadd_with_overflow, "mul": llvm.intr_smul_with_overflow}
_EXTREMA = {"min": arith.minsi, "max": arith.maxsi}
