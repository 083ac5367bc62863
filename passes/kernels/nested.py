"""A contraction of any shape as plain nested loops, the last axis of C innermost."""

from __future__ import annotations

from mlir.dialects import arith

from catgrad.passes.kernels.emit import combine, is_float
from catgrad.passes.kernels.problem import Problem
from catgrad.passes.kernels.product import nest
from catgrad.passes.kernels.view import extend

__all__ = ["emit_nested"]


def emit_nested(problem: Problem) -> None:
    """Emit C += A · B element by element."""
    last = problem.c.axes[-1:]
    order = [dim for dim in (*problem.c.axes, *problem.depth) if dim not in last]
    with nest(problem, [*order, *last]) as here:
        element = here.c.element
        multiply = arith.mulf if is_float(element) else arith.muli
        term = multiply(extend(here.a.load({}), element), extend(here.b.load({}), element))
        here.c.store(combine("add", here.c.load({}), term), {})
