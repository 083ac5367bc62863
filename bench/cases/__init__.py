"""Every case, one file for each family."""

from bench.cases import compiling, elementwise, hypergraphs, matmul, overhead, rows, training
from bench.roofline import with_roofline

__all__ = ["CASES"]

CASES = tuple(
    with_roofline(case)
    for family in (matmul, elementwise, rows, training, overhead, compiling, hypergraphs)
    for case in family.CASES
)
