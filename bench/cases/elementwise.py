"""Functions applied entrywise to f32[512, 1024]: exp, tanh, log, and the activation of a layer, bias then gelu.

Bytes count each entry read once and written once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.case import Case, Entry, normal, pure
from bench.libraries import Arrays

__all__ = ["CASES"]

SHAPE = (512, 1024)
BYTES = 8 * SHAPE[0] * SHAPE[1]


def positive(random: np.random.Generator) -> Arrays:
    """One array with entries between 0.1 and 10, log-uniform."""
    return (np.exp(random.uniform(-2.3, 2.3, SHAPE)).astype("f4"),)


def unary(name: str) -> tuple[Entry, ...]:
    """The function of that name in every library."""
    return pure(
        catgrad=lambda cg, x: getattr(cg, name)(x),
        numpy=lambda np, x, out=None: getattr(np, name)(x, out=out),
        torch=lambda torch, x, out=None: getattr(torch, name)(x, out=out),
        jax=lambda jax, x: getattr(jax.numpy, name)(x),
    )


def case(name: str, inputs: Callable[[np.random.Generator], Arrays]) -> Case:
    """A function of one array."""
    return Case(f"{name}/512x1024", inputs, unary(name), reference=getattr(np, name), bytes=BYTES)


def gelu_numpy(np: Any, x: Any, bias: Any, out: Any = None) -> Any:
    """gelu(x + bias) = s · sigmoid(1.5957691 · (s + 0.044715 · s³)), with one temporary."""
    s = np.add(x, bias, out=out)
    t = s * s
    t *= -1.5957691216057308 * 0.044715
    t -= 1.5957691216057308
    t *= s
    np.exp(t, out=t)
    t += 1
    return np.divide(s, t, out=s)


def gelu_torch(torch: Any, x: Any, bias: Any, out: Any = None) -> Any:
    """The sum and its gelu, both into `out` where there is one."""
    if out is None:
        return torch.nn.functional.gelu(x + bias, approximate="tanh")
    return torch.ops.aten.gelu_(torch.add(x, bias, out=out), approximate="tanh")


GELU = Case(
    "bias-gelu/512x1024",
    normal(SHAPE, SHAPE[1:]),
    pure(
        catgrad=lambda cg, x, bias: cg.gelu(x + bias, approximate="tanh"),
        numpy=gelu_numpy,
        torch=gelu_torch,
        jax=lambda jax, x, bias: jax.nn.gelu(x + bias, approximate=True),
    ),
    reference=lambda x, bias: gelu_numpy(np, x, bias),
    bytes=BYTES,
)

CASES = (case("exp", normal(SHAPE)), case("tanh", normal(SHAPE)), case("log", positive), GELU)
