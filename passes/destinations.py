"""Destination passing: the caller owns every array that crosses the boundary of a compiled module.

    @f(%x: tensor<4xf32>) -> tensor<4xf32>    becomes    @f(%x: memref<4xf32>, %out: memref<4xf32>)

An argument marked `catgrad.donated = k` is the destination of result k as well, which then has no argument of its own.
Bufferization decides what happens in place; a copy is made where a donated argument is read after it was overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import bufferization, func

from catgrad.passes.base import DiagnosticError, Pass
from catgrad.passes.calls import DESTINATIONS, donations, is_private

__all__ = ["Destinations"]


@dataclass(frozen=True)
class Destinations(Pass):
    """Pass the results of public functions through memref arguments instead of returning tensors.

    Inputs become memrefs, results become further memref arguments after them, in order; donated arguments serve as the
    destination of their result. Private functions stay on tensors.
    """

    name: ClassVar[str] = "catgrad-destinations"

    def run(self, module: ir.Operation) -> None:
        """Rewrite every public function that has a body and tensors in its signature."""
        operations = [view.operation for view in module.regions[0].blocks[0].operations]
        _refuse_calls(operations, {op.attributes["sym_name"].value for op in operations if _is_entry(op)})
        for op in operations:
            if _is_entry(op):
                with op.location:
                    _Entry(op, donations(op)).rewrite()
            elif op.name == "func.func" and op.regions[0].blocks:
                _compute_results_in_place(op.regions[0].blocks[0])


@dataclass(frozen=True)
class _Place:
    """Destination of a result.

    Attributes:
        buffer: The memref that the caller gave.
        tensor: Its contents when the function begins.
        donated: Whether it is an input as well.
    """

    buffer: ir.Value
    tensor: ir.Value
    donated: bool


@dataclass(frozen=True)
class _Entry:
    """A public function, and which argument each donated result goes to.

    Attributes:
        op: The `func.func`.
        donated: Argument number for each donated result number.
    """

    op: ir.Operation
    donated: dict[int, int]

    @property
    def _body(self) -> ir.Block:
        return self.op.regions[0].blocks[0]

    def rewrite(self) -> None:
        """Change the body, then the signature."""
        returned = [view.operation for view in self._body.operations][-1]
        if len(self.op.regions[0].blocks) > 1 or any(
            not isinstance(x.type, ir.RankedTensorType) for x in returned.operands
        ):
            raise DiagnosticError(self.op.location, "an entry has one block and returns tensors")
        with ir.InsertionPoint.at_block_begin(self._body):
            inputs = self._read_inputs()
            results = list(returned.operands)
            places = [self._place(k, result, inputs) for k, result in enumerate(results)]
        for result, place in zip(results, places, strict=True):
            _compute_in(result, place.tensor)
        with ir.InsertionPoint(returned):
            _write_results(list(zip(results, places, strict=True)))
            ir.Operation.create("func.return")
        returned.erase()
        self._set_signature()

    def _read_inputs(self) -> dict[int, ir.Value]:
        """Make the tensor arguments memrefs; return the tensor that each is read as."""
        tensors = {}
        for number, argument in enumerate(self._body.arguments):
            if isinstance(argument.type, ir.RankedTensorType):
                tensor_type = argument.type
                argument.set_type(_memref_of(tensor_type))
                writable = number in self.donated.values()
                tensor = bufferization.to_tensor(tensor_type, argument, restrict=True, writable=writable)
                argument.replace_all_uses_except(tensor, tensor.owner.operation)
                tensors[number] = tensor
        return tensors

    def _place(self, k: int, result: ir.Value, inputs: dict[int, ir.Value]) -> _Place:
        """Return the destination of result `k`: the argument donated to it, or a new argument."""
        if k in self.donated:
            number = self.donated[k]
            return _Place(self._body.arguments[number], inputs[number], donated=True)
        buffer = self._body.add_argument(_memref_of(result.type), self.op.location)
        tensor = bufferization.to_tensor(result.type, buffer, restrict=True, writable=True)
        return _Place(buffer, tensor, donated=False)

    def _set_signature(self) -> None:
        """Write the type and the attributes of the function, now that its arguments are what they will be."""
        arguments = self._body.arguments
        self.op.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get([x.type for x in arguments], []))
        for name in {"res_attrs", "arg_attrs"} & set(self.op.attributes):
            del self.op.attributes[name]


def _refuse_calls(operations: Sequence[ir.Operation], entries: Collection[str]) -> None:
    """Raise `DiagnosticError` at a call of an entry, whose arguments will be those of its callers outside."""
    for op in operations:
        for inner in (view for region in op.regions for block in region.blocks for view in block.operations):
            if isinstance(inner, func.CallOp) and inner.callee.value in entries:
                name = inner.callee.value
                raise DiagnosticError(inner.location, f"@{name} is public: only private functions are called")


def _is_entry(op: ir.Operation) -> bool:
    """Return whether `op` is a public function with a body whose signature has tensors."""
    if op.name != "func.func" or not op.regions[0].blocks or is_private(op):
        return False
    kind = ir.FunctionType(ir.TypeAttr(op.attributes["function_type"]).value)
    return any(isinstance(x, ir.RankedTensorType) for x in [*kind.inputs, *kind.results])


def _memref_of(kind: ir.Type) -> ir.MemRefType:
    """Return the memref, row by row without gaps, that holds a tensor of type `kind`."""
    return ir.MemRefType.get(kind.shape, kind.element_type)


def _compute_results_in_place(block: ir.Block) -> None:
    """Let what a private function returns be computed in the destinations that it was given.

    What is returned twice is computed in the first of its destinations, and copied from there.
    """
    placed: dict[ir.Value, ir.Value] = {}
    for value in list(block.operations)[-1].operands:
        op = value.owner
        if not isinstance(op, bufferization.MaterializeInDestinationOp):
            continue
        if op.source in placed:
            op.operation.operands[0] = placed[op.source]
        else:
            placed[op.source] = value
            _compute_in(op.source, op.dest)


def _has_inits(op: ir.Operation) -> bool:
    """Return whether the last operands of an operation are the tensors that its results start from."""
    return op.name.startswith("linalg.") or DESTINATIONS in op.attributes


def _compute_in(result: ir.Value, tensor: ir.Value) -> None:
    """Let the operations that compute `result` start from `tensor` where they start from an empty tensor."""
    while isinstance(result, ir.OpResult) and _has_inits(result.owner.operation):
        op = result.owner.operation
        number = _init_number(op, result.result_number)
        init = op.operands[number]
        if init.type != tensor.type or not isinstance(init, ir.OpResult):
            return
        if init.owner.name == "tensor.empty":
            op.operands[number] = tensor
            return
        result = init


def _init_number(op: ir.Operation, k: int) -> int:
    """Return the operand number of the init of result `k` of a destination-style operation."""
    return len(op.operands) - len(op.results) + k


def _write_results(results: Sequence[tuple[ir.Value, _Place]]) -> None:
    """Move every result to its place.

    A place that is an input may hold another result. So results for inputs are written last, and those that may live
    in another input are copied before anything is written.
    """
    donated = {place.tensor for _, place in results if place.donated}
    moves = [(_apart(result, place, donated), place) for result, place in results if result != place.tensor]
    for result, place in sorted(moves, key=lambda move: move[1].donated):
        bufferization.materialize_in_destination(None, result, place.buffer, restrict=True, writable=True)


def _apart(result: ir.Value, place: _Place, donated: set[ir.Value]) -> ir.Value:
    """Return `result`, copied if it is for an input and may live in another one."""
    if not place.donated or not (set(_origins(result)) & donated) - {place.tensor}:
        return result
    return bufferization.alloc_tensor(result.type, [], copy=result)


def _origins(result: ir.Value) -> Iterator[ir.Value]:
    """Yield the values whose memory `result` may share, itself included."""
    seen: set[ir.Value] = set()
    todo = [result]
    while todo:
        value = todo.pop()
        if value in seen:
            continue
        seen.add(value)
        yield value
        todo += _sources(value)


def _sources(value: ir.Value) -> list[ir.Value]:
    """Return the values whose memory the operation that defines `value` may have reused for it."""
    if not isinstance(value, ir.OpResult):
        return []
    op = value.owner.operation
    if _has_inits(op):
        return [op.operands[_init_number(op, value.result_number)]]
    return [x for x in _operands(op) if isinstance(x.type, ir.RankedTensorType)]


def _operands(op: ir.Operation) -> Iterator[ir.Value]:
    """Yield the operands of `op` and of the operations inside it."""
    yield from op.operands
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield from _operands(inner.operation)
