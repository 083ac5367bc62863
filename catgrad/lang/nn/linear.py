"""Affine layers."""

from __future__ import annotations

from typing import Any

from catgrad import ops, types
from catgrad.lang.module import Initializer, Module, Parameter
from catgrad.lang.nn import init
from catgrad.types import f32

__all__ = ["Linear"]


class Linear(Module):
    """The affine map x ↦ x Wᵀ + b on the last axis: dtype[..., inputs] → dtype[..., outputs].

    Parameters are `weight` : dtype[outputs, inputs] and `bias` : dtype[outputs].

    Args:
        inputs: Extent of the last axis of x.
        outputs: Extent of the last axis of the result.
        bias: Whether there is a bias.
        dtype: Element type of x and the parameters.
        initializer: How the parameters begin; uniform within ±1/√inputs when left out.

    Example:
        >>> import catgrad as cg
        >>> print(cg.trace(Linear(3, 2), cg.f32[5, 3]).type)
        ({bias: f32[2], weight: f32[2, 3]}, f32[5, 3]) -> f32[5, 2]
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        dtype: Any = f32,
        initializer: Initializer | None = None,
    ) -> None:
        start, element = initializer or init.fan_in(inputs), types.dtype(dtype)
        self.weight: Any = Parameter(element[outputs, inputs], start)
        self.bias: Any = Parameter(element[outputs], start) if bias else None

    def forward(self, x: Any) -> Any:
        """Return x Wᵀ + b."""
        y = ops.matmul(x, self.weight.T)
        return y if self.bias is None else y + self.bias
