"""Learners: a model, a loss and an optimizer composed into one step.

With P the parameters, S the optimizer's state, X the inputs and Y the targets, the step is

    (S ● P) ● X ● Y  →  (S ● P) ● loss

the composite of the optimizer's lens, the model's and the loss's, read as one function.

Reference: Cruttwell et al., "Categorical foundations of gradient-based learning" (2021), arXiv:2103.01931.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from catgrad import trees
from catgrad.autodiff.transforms import value_and_grad
from catgrad.errors import CatgradError, TypeCheckError, located
from catgrad.files import user_path
from catgrad.lang.function import Function, PythonFunction
from catgrad.lang.module import Module
from catgrad.lang.optim import Optimizer
from catgrad.lang.settings import check_function
from catgrad.lang.trace import Program
from catgrad.native import critical
from catgrad.nesting import difference
from catgrad.term import Term

__all__ = ["Learner", "learner"]


@dataclass(frozen=True)
class Learner:
    """Supervised learning problem: a model, a loss and an optimizer.

    Attributes:
        model: The module; its parameters are learned.
        loss: `(predictions, targets) -> f32[]`.
        optimizer: How the parameters change.
    """

    model: Module
    loss: Callable[[Any, Any], Any]
    optimizer: Optimizer

    def __post_init__(self) -> None:
        """Raise `CatgradError` where a part is something else."""
        _check("the model is a Module, such as cg.nn.Linear(3, 2)", self.model, Module)
        check_function("learner: the loss, such as cg.nn.mse,", self.loss, "predictions", "targets")
        _check("the optimizer is made by a function of cg.optim, such as cg.optim.adam()", self.optimizer, Optimizer)

    @located()
    def init(self, seed: int = 0) -> dict[str, Any]:
        """Return initial parameters and optimizer state: {"parameters": ..., "optimizer": ...}."""
        leaves, shape = trees.flatten(self._state_types["optimizer"])
        zeros = [np.zeros(tuple(map(int, t.shape)), t.dtype.numpy) for t in leaves]
        return {"parameters": self.model.init(seed), "optimizer": trees.unflatten(shape, zeros)}

    @property
    def _state_types(self) -> dict[str, Any]:
        parameters = {path: p.type for path, p in self.model.parameters().items()}
        return {"parameters": parameters, "optimizer": self.optimizer.state_types(parameters)}

    @property
    def step(self) -> Function:
        """The function (state, inputs, targets) ↦ (state, loss); compiled, it updates the state in place."""

        def step(state: Any, inputs: Any, targets: Any) -> Any:
            def loss(parameters: Any, inputs: Any, targets: Any) -> Any:
                return self.loss(self.model.apply(parameters, inputs), targets)

            value, gradients = value_and_grad(loss)(state["parameters"], inputs, targets)
            parameters, optimizer = self.optimizer.update(state["parameters"], gradients, state["optimizer"])
            return {"parameters": parameters, "optimizer": optimizer}, value

        return _Step(step, self)

    @property
    def predict(self) -> Function:
        """The function (parameters, inputs) ↦ predictions."""
        return self.model.as_function()

    @located()
    def export(
        self,
        folder: str | Path,
        *types: Any,
        functions: Sequence[str] = ("init", "step", "predict"),
        name: str | None = None,
        bind: Mapping[str, int] | None = None,
        target: str = "cpu",
        parameters: Mapping[str, Any] | None = None,
    ) -> list[Path]:
        """Write a library with a C interface that trains and predicts without catgrad or Python: see docs/deploy.md.

        Args:
            folder: Where; made if it is not there.
            *types: The types of the inputs and targets, as for compiling the step.
            functions: Which functions it has: "init", "step", "predict".
            name: What the library is called; that of the folder if None.
            bind: Values for symbolic dimensions; others become arguments.
            target: What it is for: see `catgrad build --help`.
            parameters: Those to put beside it; `init(seed=0)` has them if None.

        Returns:
            The files.

        Raises:
            TypeCheckError: The types do not fit the model.
            CatgradError: There is no such function, dimension or target, the parameters do not fit, or there
                is no C compiler to link with.
            OSError: A file cannot be written.
        """
        # Here, so that what is traced and trained in Python alone imports no compiler.
        with critical():
            from catgrad.export.folder import export
            from catgrad.export.programs import programs
            from catgrad.parameters import check_fit

        beginning = self.model.init(seed=0) if parameters is None else parameters
        check_fit(beginning, self._state_types["parameters"])
        made = programs(self.step, self.predict, types, functions, bind)
        return export(user_path("export takes the path of a folder", folder), made, name, target, beginning)


class _Step(PythonFunction):
    """The step of a learner: it knows the state's type, may take over its storage, and is pickled as the learner."""

    def __init__(self, function: Callable[..., Any], learner: Learner) -> None:
        super().__init__(function)
        self._learner = learner
        self.leading = (learner._state_types,)
        self.donates = (0,)

    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Trace the step, for a state that has the structure of the learner's."""
        problem = difference(trees.flatten(self.leading)[1].child(0), types[0], "state") if types else ""
        if problem:
            raise TypeCheckError(f"step: {problem}: init() makes one")
        return super().term(*types, program=program)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._learner, "step")


def _check(expected: str, value: Any, kind: type) -> None:
    """Raise `CatgradError` unless a part of a learner is of its kind; what makes one is not one."""
    name = getattr(value, "__name__", None)
    shown = f"{name} itself: call it" if name and callable(value) else reprlib.repr(value)
    if not isinstance(value, kind):
        raise CatgradError(f"learner: {expected}, given {shown}")


@located()
def learner(model: Module, *, loss: Callable[[Any, Any], Any], optimizer: Optimizer) -> Learner:
    """Compose a model, a loss and an optimizer.

    Raises:
        CatgradError: One of them is something else.

    Example:
        >>> import numpy as np, catgrad as cg
        >>> made = learner(cg.nn.Linear(2, 1), loss=cg.nn.mse, optimizer=cg.optim.sgd(0.1))
        >>> x, y = np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32)
        >>> state = made.init(seed=0)
        >>> losses = []
        >>> for _ in range(3):
        ...     state, loss = made.step(state, x, y)
        ...     losses.append(loss.item())
        >>> losses[0] > losses[1] > losses[2]
        True
    """
    return Learner(model, loss, optimizer)
