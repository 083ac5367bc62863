"""The catgrad dialect, generated from the operation table as IRDL, which each context reads.

IRDL fixes the number of operands, their kinds and the attributes. Relations between shapes and dtypes are the typing
rule's, which the pass `catgrad-verify` calls.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType

from mlir import ir
from mlir.dialects import irdl

from catgrad.dialect.types import IMPLIED
from catgrad.ops import OPS, Kind, Op

__all__ = ["DIALECT_OPS", "load"]

_ATTRIBUTE_BASES = {
    Kind.EXTENT: "#builtin.string",
    Kind.INT: "#builtin.integer",
    Kind.INTS: "#builtin.dense_array",
    Kind.STR: "#builtin.string",
    Kind.ARRAY: "#builtin.dense_int_or_fp_elements",
}

DIALECT_OPS: dict[str, Op] = {
    f"catgrad.{op.name}": op for op in OPS.values() if op.inputs is not None and op.name != "copy"
}
"""Dialect operations by name. A copy is one value used twice, and a call is `func.call`."""


_CLASSES = "mlir.dialects.catgrad"
"""Where the bindings look for classes of the dialect's operations; while it is missing, at each operation they see."""


def load(context: ir.Context) -> None:
    """Register the dialect in `context`."""
    sys.modules.setdefault(_CLASSES, ModuleType(_CLASSES, "No classes: operations of the catgrad dialect are OpViews."))
    with context:
        irdl.load_dialects(ir.Module.parse(_definitions()))


@cache
def _definitions() -> str:
    """Return the dialect as text, which is read in a tenth of the time that building it takes."""
    with ir.Context(load_on_create_dialects=["irdl"]), ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            dialect = irdl.dialect("catgrad")
            with ir.InsertionPoint(dialect.body):
                for op in DIALECT_OPS.values():
                    _define(op)
        return str(module)


def _define(op: Op) -> None:
    """Define one operation: a constraint per operand, since a shared one would force equal types."""
    assert op.inputs is not None
    single = irdl.Variadicity.single
    with ir.InsertionPoint(irdl.operation_(op.name).body):
        operands = [irdl.base(base_name="!builtin.tensor") for _ in op.inputs]
        explicit = {name: kind for name, kind in op.attributes.items() if kind not in IMPLIED}
        constraints = [irdl.base(base_name=_ATTRIBUTE_BASES[kind]) for kind in explicit.values()]
        result = irdl.base(base_name="!builtin.tensor")
        irdl.operands_(operands, list(op.inputs), [single] * len(operands))
        if explicit:
            irdl.attributes_(constraints, ir.ArrayAttr.get([ir.StringAttr.get(name) for name in explicit]))
        irdl.results_([result], ["result"], [single])
