"""The classifiers that the command trains: f32[B, inputs] → f32[B, classes]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catgrad import ops
from catgrad.lang import nn
from catgrad.lang.module import Module

__all__ = ["Activation", "Dense", "Perceptron", "identity", "squared_error"]

Activation = Callable[[Any], Any]


class Dense(Module):
    """The layer x ↦ σ(x Wᵀ + b), with one bias for each output.

    Args:
        inputs: Extent of the last axis of x.
        outputs: Extent of the last axis of the result.
        activation: σ.
    """

    def __init__(self, inputs: int, outputs: int, activation: Activation) -> None:
        self.linear = nn.Linear(inputs, outputs)
        self.activation = activation

    def forward(self, x: Any) -> Any:
        """Return σ(x Wᵀ + b)."""
        return self.activation(self.linear(x))


class Perceptron(Module):
    """Two dense layers.

    Args:
        inputs: Extent of the last axis of x.
        hidden: Outputs of the first layer.
        classes: Outputs of the second layer.
        activation: σ of the first layer.
        output: σ of the second layer.
    """

    def __init__(self, inputs: int, hidden: int, classes: int, activation: Activation, output: Activation) -> None:
        self.hidden = Dense(inputs, hidden, activation)
        self.out = Dense(hidden, classes, output)

    def forward(self, x: Any) -> Any:
        """Return the second layer of the first layer of x."""
        return self.out(self.hidden(x))


def identity(x: Any) -> Any:
    """Return x : the activation of a layer whose results are logits."""
    return x


def squared_error(predictions: Any, labels: Any) -> Any:
    """Return the mean squared distance of f32[B, classes] to the one-hot rows of i32[B] : f32[]."""
    return nn.mse(predictions, ops.one_hot(labels, predictions.shape[-1], predictions.dtype))
