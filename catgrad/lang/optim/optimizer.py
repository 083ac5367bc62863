"""Optimizers: lenses between parameters and their updated selves.

An optimizer has a state S beside the parameters P. Its forward map shows the parameters to the model; its reverse map
S × P × P' → S × P takes their gradients back. `update` is the reverse map, for one parameter at a time.

Reference: Cruttwell et al., "Categorical foundations of gradient-based learning" (2021), arXiv:2103.01931.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from catgrad import ops
from catgrad.errors import CatgradError, located
from catgrad.lang.function import PythonFunction
from catgrad.lang.settings import real
from catgrad.types import TensorType, f32, f64

__all__ = ["Adam", "Optimizer", "Sgd", "adam", "sgd"]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Optimizer(ABC):
    """Optimizer: how parameters change given their gradients.

    The state is {slot: {path: array}} for slots that every parameter has, besides scalars that all of them share. The
    rule for one parameter is a definition, so parameters of equal type share its code. Parameters of f16 and bf16 have
    slots of f32, and are updated in f32: only what they become is rounded.

    Attributes:
        limits: For each coefficient, the least value, and the least that is too large.

    Raises:
        CatgradError: A coefficient is no number, or out of range.
    """

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}

    @located()
    def __post_init__(self) -> None:
        """Check the coefficients, and keep them as Python numbers."""
        for name, (low, high) in self.limits.items():
            object.__setattr__(self, name, real(name, getattr(self, name), low, high))

    @property
    @abstractmethod
    def slots(self) -> tuple[str, ...]:
        """Names of what is kept for each parameter, of its shape, in f32 or, for f64, in f64."""

    @abstractmethod
    def rule(self, parameter: Any, gradient: Any, *known: Any) -> tuple[Any, ...]:
        """Return the new parameter and slots, given the slots and the coefficients of the step; all f32, or f64."""

    def scalars(self) -> dict[str, TensorType]:
        """Return the types of what is kept once for all parameters."""
        return {}

    def advance(self, scalars: Values) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """Return the next scalars, and the coefficients that the rule needs."""
        return {}, ()

    def state_types(self, parameters: Mapping[str, TensorType]) -> dict[str, Any]:
        """Return the nested types of the state, which begins with zeros."""
        kept = {path: TensorType(type.dtype.accumulator, type.shape) for path, type in parameters.items()}
        return {**{slot: dict(kept) for slot in self.slots}, **self.scalars()}

    def update(self, parameters: Values, gradients: Values, state: Values) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the new parameters and the new state, for traced values by path."""
        scalars, coefficients = self.advance({name: state[name] for name in self.scalars()})
        rounded = PythonFunction(self._rounded)
        rounded.name = "rule"  # in diagrams and in the IR
        updated = {
            path: rounded(parameter, gradients[path], *(state[slot][path] for slot in self.slots), *coefficients)
            for path, parameter in parameters.items()
        }
        slots = {slot: {path: new[1 + i] for path, new in updated.items()} for i, slot in enumerate(self.slots)}
        return {path: new[0] for path, new in updated.items()}, {**slots, **scalars}

    def _rounded(self, parameter: Any, gradient: Any, *known: Any) -> tuple[Any, ...]:
        """Apply the rule, and return the new parameter in its own dtype."""
        dtype = ops.typeof(parameter).dtype
        new, *slots = self.rule(*(ops.converted(x, dtype.accumulator) for x in (parameter, gradient)), *known)
        return ops.converted(new, dtype), *slots


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent; see `sgd`."""

    limits = MappingProxyType({"rate": (0, math.inf), "momentum": (0, 1), "weight_decay": (0, math.inf)})

    rate: float
    momentum: float
    nesterov: bool
    weight_decay: float

    def __post_init__(self) -> None:
        """Check the coefficients."""
        super().__post_init__()
        if not isinstance(self.nesterov, bool | np.bool_):
            raise CatgradError(f"nesterov must be True or False, given {self.nesterov!r}")
        if self.nesterov and not self.momentum:
            raise CatgradError("sgd: nesterov needs a momentum above 0")

    @property
    def slots(self) -> tuple[str, ...]:
        """A velocity, if there is momentum."""
        return ("velocity",) if self.momentum else ()

    def rule(self, parameter: Any, gradient: Any, *known: Any) -> tuple[Any, ...]:
        """Step against the velocity, or the gradient where there is no momentum."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * parameter
        if not self.momentum:
            return (parameter - self.rate * gradient,)
        velocity = self.momentum * known[0] + gradient
        step = gradient + self.momentum * velocity if self.nesterov else velocity
        return parameter - self.rate * step, velocity


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moment estimation; see `adam`."""

    limits = MappingProxyType({"rate": (0, math.inf), "beta1": (0, 1), "beta2": (0, 1), "epsilon": (0, 1)})

    rate: float
    beta1: float
    beta2: float
    epsilon: float

    @property
    def slots(self) -> tuple[str, ...]:
        """Two moments."""
        return ("first", "second")

    def scalars(self) -> dict[str, TensorType]:
        """The number of steps taken."""
        return {"step": f32[()]}

    def advance(self, scalars: Values) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """Count the step, and correct rate and floor for moments that began at zero.

        The corrections 1 - βᵗ are computed as -expm1(t log β), because β is close to 1; in f64, for parameters of f64.
        """
        step = scalars["step"] + 1
        logarithms = (math.log(beta) if beta else -math.inf for beta in (self.beta1, self.beta2))
        correction1, correction2 = (-ops.expm1(ops.cast(step, f64) * logarithm) for logarithm in logarithms)
        root = ops.sqrt(correction2)
        return {"step": step}, (self.rate * root / correction1, self.epsilon * root)

    def rule(self, parameter: Any, gradient: Any, *known: Any) -> tuple[Any, ...]:
        """Step against the first moment over the root of the second."""
        first, second, rate, floor = known
        dtype = ops.typeof(parameter).dtype
        first = self.beta1 * first + (1 - self.beta1) * gradient
        second = self.beta2 * second + (1 - self.beta2) * (gradient * gradient)
        step = ops.cast(rate, dtype) * first / (ops.sqrt(second) + ops.cast(floor, dtype))
        return parameter - step, first, second


@located()
def sgd(rate: float, *, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0) -> Sgd:
    """Return stochastic gradient descent: v ← μ v + g + λ p, then p ← p - η v.

    Args:
        rate: η, the learning rate.
        momentum: μ; 0 keeps no velocity.
        nesterov: Step along g + λ p + μ v instead of v.
        weight_decay: λ.

    Raises:
        CatgradError: A coefficient is no number, or out of range.

    Reference: Sutskever et al., "On the importance of initialization and momentum" (2013).

    Example:
        >>> sgd(0.1, momentum=0.9)
        Sgd(rate=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)
    """
    return Sgd(rate, momentum, nesterov, weight_decay)


@located()
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
    return Adam(rate, beta1, beta2, epsilon)
