"""Affine layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from catgrad import ops, types
from catgrad.errors import CatgradError, located
from catgrad.lang.module import Initializer, Module, Parameter
from catgrad.lang.nn import init
from catgrad.lang.settings import natural
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

    Raises:
        CatgradError: An extent is no integer, or negative; or the dtype is not of floats.

    Example:
        >>> import catgrad as cg
        >>> print(cg.trace(Linear(3, 2), cg.f32[5, 3]).type)
        ({bias: f32[2], weight: f32[2, 3]}, f32[5, 3]) -> f32[5, 2]
    """

    @located()
    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        dtype: Any = f32,
        initializer: Initializer | None = None,
    ) -> None:
        inputs, outputs, dtype = natural("inputs", inputs), natural("outputs", outputs), types.dtype(dtype)
        if not dtype.is_float:
            raise CatgradError(f"the parameters of a linear layer are floats, given the dtype {dtype}")
        if not isinstance(bias, bool | np.bool_):
            raise CatgradError(f"bias must be True or False, given {bias!r}")
        start = init.fan_in(inputs) if initializer is None else initializer
        self.weight: Any = Parameter(dtype[outputs, inputs], start)
        self.bias: Any = Parameter(dtype[outputs], start) if bias else None

    def forward(self, x: Any) -> Any:
        """Return x Wᵀ + b."""
        y = ops.matmul(x, self.weight.T)
        return y if self.bias is None else y + self.bias
