"""Optimizers: lenses between parameters and their updated selves.

An optimizer has a state S beside the parameters P. Its forward map shows the parameters to the model; its reverse map
S × P × P' → S × P takes their gradients back. `update` is the reverse map, for one parameter at a time.

Reference: Cruttwell et al., "Categorical foundations of gradient-based learning" (2021), arXiv:2103.01931.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catgrad import ops
from catgrad.errors import CatgradError
from catgrad.types import TensorType, f32

__all__ = ["Adam", "Optimizer", "Sgd", "adam", "sgd"]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Optimizer(ABC):
    """How parameters change given their gradients."""

    @abstractmethod
    def state_types(self, parameters: Mapping[str, TensorType]) -> dict[str, Any]:
        """Return the nested types of the state, which begins with zeros."""

    @abstractmethod
    def update(self, parameters: Values, gradients: Values, state: Values) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the new parameters and the new state, for traced values."""


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent; see `sgd`."""

    rate: float
    momentum: float
    nesterov: bool
    weight_decay: float

    def state_types(self, parameters: Mapping[str, TensorType]) -> dict[str, Any]:
        """One velocity for each parameter, if there is momentum."""
        return {"velocity": dict(parameters)} if self.momentum else {}

    def update(self, parameters: Values, gradients: Values, state: Values) -> tuple[dict[str, Any], dict[str, Any]]:
        """Step against the velocity, or the gradient where there is no momentum."""
        decayed = {k: g + self.weight_decay * parameters[k] if self.weight_decay else g for k, g in gradients.items()}
        if not self.momentum:
            return {k: p - self.rate * decayed[k] for k, p in parameters.items()}, {}
        velocity = {k: self.momentum * state["velocity"][k] + g for k, g in decayed.items()}
        step = {k: decayed[k] + self.momentum * v if self.nesterov else v for k, v in velocity.items()}
        return {k: p - self.rate * step[k] for k, p in parameters.items()}, {"velocity": velocity}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moment estimation; see `adam`."""

    rate: float
    beta1: float
    beta2: float
    epsilon: float

    def state_types(self, parameters: Mapping[str, TensorType]) -> dict[str, Any]:
        """Two moments for each parameter, and the number of steps."""
        return {"first": dict(parameters), "second": dict(parameters), "step": f32[()]}

    def update(self, parameters: Values, gradients: Values, state: Values) -> tuple[dict[str, Any], dict[str, Any]]:
        """Step against the first moment over the root of the second, both corrected for having begun at zero."""
        step = state["step"] + 1
        correction1, correction2 = (1 - ops.pow(ops.constant(beta), step) for beta in (self.beta1, self.beta2))
        rate = self.rate * ops.sqrt(correction2) / correction1
        floor = self.epsilon * ops.sqrt(correction2)
        first = {k: self.beta1 * state["first"][k] + (1 - self.beta1) * g for k, g in gradients.items()}
        second = {k: self.beta2 * state["second"][k] + (1 - self.beta2) * (g * g) for k, g in gradients.items()}
        updated = {
            k: p - ops.cast(rate, p.dtype) * first[k] / (ops.sqrt(second[k]) + ops.cast(floor, p.dtype))
            for k, p in parameters.items()
        }
        return updated, {"first": first, "second": second, "step": step}


def sgd(rate: float, *, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0) -> Sgd:
    """Return stochastic gradient descent: v ← μ v + g + λ p, then p ← p - η v.

    Args:
        rate: η, the learning rate.
        momentum: μ; 0 keeps no velocity.
        nesterov: Step along g + λ p + μ v instead of v.
        weight_decay: λ.

    Raises:
        CatgradError: A coefficient is out of range.

    Reference: Sutskever et al., "On the importance of initialization and momentum" (2013).

    Example:
        >>> sgd(0.1, momentum=0.9)
        Sgd(rate=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)
    """
    _check(rate=(rate, 0, float("inf")), momentum=(momentum, 0, 1), weight_decay=(weight_decay, 0, float("inf")))
    if nesterov and not momentum:
        raise CatgradError("sgd: nesterov needs a momentum above 0")
    return Sgd(rate, momentum, nesterov, weight_decay)


def adam(rate: float = 1e-3, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Adam:
    """Return Adam: p ← p - η m̂ / (√v̂ + ε) for running means m of g and v of g².

    Args:
        rate: η, the learning rate.
        beta1: How much of m is kept in a step.
        beta2: How much of v is kept in a step.
        epsilon: ε, added to the root.

    Raises:
        CatgradError: A coefficient is out of range.

    Reference: Kingma and Ba, "Adam: a method for stochastic optimization" (2014), arXiv:1412.6980.

    Example:
        >>> adam(1e-3)
        Adam(rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    _check(rate=(rate, 0, float("inf")), beta1=(beta1, 0, 1), beta2=(beta2, 0, 1), epsilon=(epsilon, 0, 1))
    return Adam(rate, beta1, beta2, epsilon)


def _check(**coefficients: tuple[float, float, float]) -> None:
    """Raise unless low ≤ value < high for each coefficient."""
    for name, (value, low, high) in coefficients.items():
        if not low <= value < high:
            raise CatgradError(f"{name} must be in [{low}, {high}), given {value}")
