"""The two-operand contraction (einsum), and the products of linear algebra written with it."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from catgrad.dims import Extent
from catgrad.errors import TypeCheckError, located
from catgrad.ops.broadcasting import broadcast_shapes, of_one_dtype
from catgrad.ops.elementwise import NUMBERS, require_dtype
from catgrad.ops.op import Kind, Sample, generator, operation, typeof
from catgrad.ops.samples import draw
from catgrad.ops.shape import broadcast_to
from catgrad.types import DType, TensorType

__all__ = ["contract", "matmul", "parse_spec"]

_STACK = "".join(letter for letter in ascii_letters if letter not in "ijk")
"""Indices of the stacks of matmul, beside those of its matrices."""

CASES = (
    ("ik,kj->ij", (3, 4), (4, 5)),
    ("ik,jk->ij", (17, 19), (33, 19)),
    ("ki,kj->ij", (5, 7), (5, 2)),
    ("ki,jk->ij", (4, 3), (2, 4)),
    ("bik,bkj->bij", (2, 3, 4), (2, 4, 5)),
    ("i,i->", (9,), (9,)),
    ("i,j->ij", (3,), (4,)),
    ("ij,j->i", (3, 4), (4,)),
    (",->", (), ()),
    ("ik,kj->ij", (3, 0), (0, 5)),
    ("ik,kj->ij", (0, 4), (4, 5)),
    ("bhik,bhjk->bhij", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("ijk,jkl->il", (2, 3, 4), (3, 4, 5)),
    ("ij,ij->ij", (3, 4), (3, 4)),
    ("ij,ij->i", (3, 17), (3, 17)),
    ("bij,bij->bj", (2, 3, 4), (2, 3, 4)),
    ("ij,kj->", (3, 4), (2, 4)),
    ("ik,kj->ji", (3, 4), (4, 5)),
)


def parse_spec(spec: str) -> tuple[str, str, str]:
    """Split "ik,kj->ij" into the indices of the operands and of the result.

    Raises:
        TypeCheckError: The text is not of that form, an index repeats within one operand, or the result names an
            index that no operand has.

    Example:
        >>> parse_spec("ik,kj->ij")
        ('ik', 'kj', 'ij')
    """
    sides = spec.replace(" ", "").split("->") if isinstance(spec, str) and spec.isascii() else [""]
    operands = sides[0].split(",")
    if len(sides) != 2 or len(operands) != 2 or not all(p.isalpha() or not p for p in (*operands, sides[1])):
        raise TypeCheckError(f'contract: the spec {spec!r} is not of the form "ik,kj->ij"')
    x, y, out = *operands, sides[1]
    if any(len(set(part)) != len(part) for part in (x, y, out)):
        raise TypeCheckError(f"contract: an index repeats within one operand of {spec!r}")
    if not set(out) <= set(x + y):
        raise TypeCheckError(f"contract: the result of {spec!r} has an index that no operand has")
    return x, y, out


def _contract_samples(dtype: DType) -> list[Sample]:
    rng = generator("contract", dtype)
    return [Sample((draw(rng, dtype, x, -2, 2), draw(rng, dtype, y, -2, 2)), {"spec": spec}) for spec, x, y in CASES]


@operation(
    inputs=("x", "y"),
    attributes={"spec": Kind.STR},
    reference=lambda xp, x, y, spec: _einsum(xp, x, y, spec),
    samples=_contract_samples,
    dtypes=NUMBERS,
    surface=lambda op, spec, x, y: op.record(*of_one_dtype(x, y), spec="{},{}->{}".format(*parse_spec(spec))),
)
def contract(x: TensorType, y: TensorType, spec: str) -> TensorType:
    """contract : X × Y → Z, the two-operand einsum: each index is batch, kept or summed.

    16-bit floats accumulate in f32; integers wrap.

    Example:
        >>> import numpy as np
        >>> contract("ik,jk->ij", np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
    """
    require_dtype("contract", x, NUMBERS)
    if x.dtype is not y.dtype:
        raise TypeCheckError(f"contract needs operands of one dtype; x is {x}, y is {y}: use cg.cast")
    first, second, out = parse_spec(spec)
    if (len(first), len(second)) != (x.rank, y.rank):
        raise TypeCheckError(f"contract: {spec!r} names {len(first)} and {len(second)} axes; x is {x}, y is {y}")
    extent: dict[str, Extent] = dict(zip(first, x.shape, strict=True))
    for index, size in zip(second, y.shape, strict=True):
        if extent.setdefault(index, size) != size:
            raise TypeCheckError(f"contract {spec!r}: index {index} is {extent[index]} in {x} and {size} in {y}")
    return TensorType(x.dtype, tuple(extent[index] for index in out))


def _einsum(xp: Any, x: Any, y: Any, spec: str) -> Any:
    """Evaluate by aligning both operands on all indices, multiplying and summing; numpy has its own.

    It adds some in one chain, which in f64 keeps the digits of f32.
    """
    if xp is np:
        wide = np.float64 if x.dtype == np.float32 else x.dtype
        operands = (each.astype(wide, copy=False) for each in (x, y))
        return np.asarray(np.einsum(spec, *operands, optimize=True)).astype(x.dtype)
    first, second, out = parse_spec(spec)
    letters = out + "".join(sorted(set(first + second) - set(out)))
    product = _align(xp, x, first, letters) * _align(xp, y, second, letters)
    return xp.sum(product, axis=tuple(range(len(out), len(letters))), dtype=x.dtype)


def _align(xp: Any, x: Any, indices: str, letters: str) -> Any:
    present = [letter for letter in letters if letter in indices]
    x = xp.permute_dims(x, tuple(indices.index(letter) for letter in present))
    shape = iter(x.shape)
    return xp.reshape(x, tuple(next(shape) if letter in indices else 1 for letter in letters))


@located(is_composite=True)
def matmul(x: Any, y: Any) -> Any:
    """Return the matrix product by the rules of the Array API: stacks broadcast, rank-1 operands are vectors.

    Args:
        x: Shape [..., n, k] or [k].
        y: Shape [..., k, m] or [k].

    Returns:
        Shape [..., n, m], without n or m where that operand has rank 1.

    Raises:
        TypeCheckError: An operand has rank 0, or the extents do not agree.

    Example:
        >>> import numpy as np
        >>> matmul(np.ones((2, 3)), np.ones(3)).tolist()
        [3.0, 3.0]
    """
    x, y = of_one_dtype(x, y)
    a, b = typeof(x), typeof(y)
    if not a.rank or not b.rank:
        raise TypeCheckError(f"matmul needs operands of rank 1 or more; given {a} and {b}")
    stack = broadcast_shapes("matmul", [a.shape[:-2], b.shape[:-2]])
    letters = _STACK[: len(stack)]
    left, right = ("k" if a.rank == 1 else "ik"), ("k" if b.rank == 1 else "kj")
    x, first = _stacked(x, a, stack, letters)
    y, second = _stacked(y, b, stack, letters)
    out = letters + left.replace("k", "") + right.replace("k", "")
    return contract(f"{first}{left},{second}{right}->{out}", x, y)


def _stacked(x: Any, given: TensorType, stack: tuple[Extent, ...], letters: str) -> tuple[Any, str]:
    """Return x and the letters of its stack axes, broadcast only where it has a stack of another shape."""
    own = given.shape[:-2]
    if own in ((), stack):
        return x, letters if own else ""
    return broadcast_to(x, (*stack, *given.shape[-2:])), letters
