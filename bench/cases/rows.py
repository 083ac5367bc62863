"""Functions of the rows of f32[512, 1024]."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.case import Case, normal, pure

__all__ = ["CASES"]

SHAPE = (512, 1024)


def softmax_numpy(np: Any, x: Any, out: Any = None) -> Any:
    """exp(x - max) / sum, row by row, with no temporary of x's size."""
    y = np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    np.exp(y, out=y)
    return np.divide(y, y.sum(axis=1, keepdims=True), out=y)


CASES = (
    Case(
        "softmax/512x1024",
        normal(SHAPE),
        pure(
            catgrad=lambda cg, x: cg.softmax(x),
            numpy=softmax_numpy,
            torch=lambda torch, x, out=None: torch.softmax(x, 1, out=out),
            jax=lambda jax, x: jax.nn.softmax(x, axis=1),
        ),
        reference=lambda x: softmax_numpy(np, x),
        bytes=8 * SHAPE[0] * SHAPE[1],
    ),
)
