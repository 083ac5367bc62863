"""The functions that a library of a learner has: where training begins, a step of it, and the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catgrad import ops, trees
from catgrad.errors import CatgradError
from catgrad.lang.function import Function, trace
from catgrad.prepare import prepare
from catgrad.runtime.signature import Signature
from catgrad.term import Term

__all__ = ["FUNCTIONS", "PREDICT", "bound", "check_types", "initial", "programs"]

PREDICT = "predict"
"""What a function is called that is no learner's."""
FUNCTIONS = ("init", "step", PREDICT)
"""What a learner has."""


def programs(
    step: Function,
    predict: Function,
    types: Sequence[Any],
    functions: Sequence[str] = FUNCTIONS,
    bind: Mapping[str, int] | None = None,
) -> dict[str, tuple[Term, Signature]]:
    """Return what to compile for a learner, by name.

    Args:
        step: Its step.
        predict: Its prediction.
        types: The types of its inputs and targets.
        functions: Some of `FUNCTIONS`.
        bind: Values for dimensions.

    Raises:
        CatgradError: There is no such function, not a type for the inputs and one for the targets, or no dimension that
            is given a value.
        TypeCheckError: The types do not fit the model.
    """
    wanted = (functions,) if isinstance(functions, str) or not isinstance(functions, Iterable) else functions
    unknown = [each for each in wanted if each not in FUNCTIONS]
    if unknown:
        raise CatgradError(f"a learner has no {', '.join(map(str, unknown))}: expected some of {', '.join(FUNCTIONS)}")
    check_types(types)
    prepared = prepare(step, *types, bind=bind)
    made = {
        "init": lambda: initial(prepared[0]),
        "step": lambda: prepared,
        "predict": lambda: bound(predict, types[:-1], bind or {}),
    }
    return {function: made[function]() for function in wanted}


def check_types(types: Sequence[Any]) -> None:
    """Raise `CatgradError` unless there are types for a learner's step."""
    if len(types) != 2:
        raise CatgradError(f"a learner takes the types of its inputs and of its targets, got {len(types)}: {types}")


def bound(function: Any, types: Sequence[Any], bind: Mapping[str, int]) -> tuple[Term, Signature]:
    """Return what to compile for a function, some of whose dimensions may be among those that have values."""
    known = {symbol.name for symbol in trace(function, *types).symbols}
    return prepare(function, *types, bind={name: value for name, value in bind.items() if name in known})


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
