"""Memory accesses of operations: the dataflow of linalg operations on memrefs.

A *root* is a buffer that is a view of no other. Positions are those of the root's axes, without axes of extent 1, so
that a buffer and its views by `memref.expand_shape` and `memref.collapse_shape` that only add or drop such axes have
the same. What cannot be told is said to be anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlir import ir
from mlir.dialects import func

from catgrad.cached import cached_property

__all__ = ["MOVES", "VIEWS", "Access", "Step", "is_known", "is_local", "operands_of", "root_of"]

_RESHAPES = ("memref.cast", "memref.collapse_shape", "memref.expand_shape")
VIEWS = (*_RESHAPES, "memref.reinterpret_cast", "memref.subview")
"""Operations that show the same memory as another memref; a `memref.view` is that, or a place in a workspace."""
MOVES = ("linalg.fill", "linalg.copy", "memref.copy")
"""Operations that are generics in short: from a scalar or a buffer to a buffer."""


@dataclass(frozen=True)
class Access:
    """Access of an operation to a buffer.

    Attributes:
        root: The buffer, or the one that it is a view of.
        axes: For each axis of the root whose extent may differ from 1, the axis of the iteration that it follows, or
            None if its position is fixed; None as a whole if the operation may touch any element.
    """

    root: ir.Value
    axes: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Step:
    """A linalg operation, or a copy, on memrefs.

    Attributes:
        op: The operation.
    """

    op: ir.Operation

    @staticmethod
    def of(op: ir.Operation) -> Step | None:
        """Return what an operation is as a step, or None if it is none."""
        is_step = op.name in (*MOVES, "linalg.generic", "linalg.contract") and not op.results
        return Step(op) if is_step else None

    @cached_property
    def captured(self) -> tuple[Access, ...]:
        """Reads of the body from buffers that are no operands: of any element."""
        return tuple(Access(root_of(buffer)[0], None) for buffer in operands_of(self.op)[len(self.op.operands) :])

    @cached_property
    def inputs(self) -> int:
        """The number of operands that are only read."""
        return 1 if self._is_move else int(self.op.attributes["operandSegmentSizes"][0])

    @cached_property
    def maps(self) -> tuple[ir.AffineMap, ...]:
        """The index map of each operand."""
        if not self._is_move:
            return tuple(attribute.value for attribute in self.op.attributes["indexing_maps"])
        source, target = self.op.operands
        identity = ir.AffineMap.get_identity(ir.MemRefType(target.type).rank, context=self.op.context)
        is_scalar = not isinstance(source.type, ir.MemRefType)
        return (ir.AffineMap.get(identity.n_dims, 0, [], self.op.context) if is_scalar else identity), identity

    @cached_property
    def extents(self) -> tuple[int, ...]:
        """The extent of each axis of the iteration, negative where no operand's type tells it."""
        found = [-1] * self.maps[-1].n_dims
        for operand, map in zip(self.op.operands, self.maps, strict=True):
            for position, expr in enumerate(map.results):
                kind = ir.MemRefType(operand.type)
                if isinstance(expr, ir.AffineDimExpr) and not kind.is_dynamic_dim(position):
                    found[expr.position] = kind.shape[position]
        return tuple(found)

    @cached_property
    def axes(self) -> frozenset[int]:
        """The axes of the iteration whose extent may differ from 1."""
        return frozenset(axis for axis, extent in enumerate(self.extents) if extent != 1)

    @cached_property
    def folded(self) -> frozenset[int]:
        """Those of them that are folded."""
        if self._is_move:
            return frozenset()
        if self.op.name == "linalg.contract":
            return self.axes - {expr.position for expr in self.maps[-1].results if isinstance(expr, ir.AffineDimExpr)}
        kinds = [str(kind) for kind in self.op.attributes["iterator_types"]]
        return frozenset(axis for axis in self.axes if "reduction" in kinds[axis])

    @cached_property
    def accesses(self) -> tuple[Access | None, ...]:
        """Access to each operand; None for scalars."""
        return tuple(self._access(*each) for each in zip(self.op.operands, self.maps, strict=True))

    @cached_property
    def reads(self) -> tuple[Access, ...]:
        """Reads."""
        kept = (each for number, each in enumerate(self.accesses) if number < self.inputs or self.starts_from(number))
        return (*(access for access in kept if access is not None), *self.captured)

    @cached_property
    def writes(self) -> tuple[Access, ...]:
        """Writes."""
        return tuple(access for access in self.accesses[self.inputs :] if access is not None)

    def starts_from(self, operand: int) -> bool:
        """Return whether a result depends on what was there before."""
        if self.op.name != "linalg.generic":
            return self.op.name == "linalg.contract"
        return any(self.op.regions[0].blocks[0].arguments[operand].uses)

    @property
    def _is_move(self) -> bool:
        return self.op.name in MOVES

    def _access(self, operand: ir.Value, map: ir.AffineMap) -> Access | None:
        if not isinstance(operand.type, ir.MemRefType):
            return None
        root, is_exact = root_of(operand)
        wide = _wide(ir.MemRefType(operand.type))
        return Access(root, tuple(self._axis(map.results[position]) for position in wide) if is_exact else None)

    def _axis(self, expr: ir.AffineExpr) -> int | None:
        return expr.position if isinstance(expr, ir.AffineDimExpr) and expr.position in self.axes else None


def root_of(buffer: ir.Value) -> tuple[ir.Value, bool]:
    """Return the buffer that another is a view of, and whether both have the same axes but for those of extent 1."""
    is_exact = True
    while isinstance(buffer, ir.OpResult) and buffer.owner.operation.name in (*VIEWS, "memref.view"):
        op = buffer.owner.operation
        kept, known = (len(_wide(ir.MemRefType(each.type))) for each in (buffer, op.operands[0]))
        is_exact = is_exact and op.name in _RESHAPES and kept == known
        buffer = op.operands[0]
    return buffer, is_exact


def _wide(kind: ir.MemRefType) -> list[int]:
    """Return the axes whose extent may differ from 1."""
    return [axis for axis in range(kind.rank) if kind.is_dynamic_dim(axis) or kind.shape[axis] != 1]


def operands_of(op: ir.Operation) -> list[ir.Value]:
    """Return the operands of an operation, and the buffers that the operations inside it use."""
    found = list(op.operands)
    for region in op.regions:
        for block in region.blocks:
            for view in block.operations:
                found += [x for x in operands_of(view.operation) if isinstance(x.type, ir.MemRefType)]
    return found


def is_known(root: ir.Value) -> bool:
    """Return whether a root is disjoint from all others of which that is known.

    Allocations are, and the arguments of a function: a caller passes no array twice if it is written.
    """
    return _is_allocation(root) or _is_argument(root)


def is_local(root: ir.Value, block: ir.Block) -> bool:
    """Return whether a root is allocated in a block."""
    return _is_allocation(root) and root.owner.operation.block == block


def _is_allocation(root: ir.Value) -> bool:
    return isinstance(root, ir.OpResult) and root.owner.operation.name in ("memref.alloc", "memref.alloca")


def _is_argument(root: ir.Value) -> bool:
    if not isinstance(root, ir.BlockArgument):
        return False
    block: ir.Block = root.owner
    return isinstance(block.owner, func.FuncOp) and block == block.owner.entry_block
