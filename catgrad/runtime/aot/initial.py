"""Where training begins: a function of the parameters alone."""

from __future__ import annotations

from typing import Any

from catgrad import ops, trees
from catgrad.compile import prepare
from catgrad.errors import CatgradError
from catgrad.runtime.signature import Signature
from catgrad.term import Term

__all__ = ["initial"]


def initial(step: Term) -> tuple[Term, Signature]:
    """Return the function parameters ↦ state for a training step (state, ...) ↦ (state, loss).

    The state that begins with given parameters has them, and zeros in everything that the optimizer remembers.

    Args:
        step: The step of a `catgrad.learner`.

    Raises:
        CatgradError: Its first argument is no such state.
    """
    state, *_ = trees.unflatten(step.input_tree, step.source_types)
    if not isinstance(state, dict) or state.keys() != {"optimizer", "parameters"}:
        raise CatgradError(f"{step.name} is not the step of a learner: it has no state to begin with")

    def init(parameters: Any) -> Any:
        leaves, tree = trees.flatten(state["optimizer"])
        zeros = [ops.zeros(type.shape, type.dtype) for type in leaves]
        return {"parameters": parameters, "optimizer": trees.unflatten(tree, zeros)}

    return prepare(init, state["parameters"])
