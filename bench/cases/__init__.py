"""Every case, one file for each family."""

from bench.cases import (
    compiling,
    compiling_families,
    compiling_steps,
    elementwise,
    hypergraphs,
    matmul,
    overhead,
    rows,
    starting,
    training,
)
from bench.roofline import with_roofline

__all__ = ["CASES"]

CASES = tuple(
    with_roofline(case)
    for family in (
        *(matmul, elementwise, rows, training, overhead),
        *(compiling, compiling_families, compiling_steps, starting, hypergraphs),
    )
    for case in family.CASES
)
