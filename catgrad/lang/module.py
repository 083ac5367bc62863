"""Modules: functions with named parameters.

A module describes; it holds no arrays. Its parameters are arguments of its term, so that layers of equal code,
configuration and types are one definition, whatever their weights.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from catgrad import ops, trees
from catgrad.errors import CatgradError
from catgrad.lang.function import Function, argument_names, call_definition, check_declared
from catgrad.lang.trace import Program, Tracer, trace_function
from catgrad.term import Term
from catgrad.types import TensorType

__all__ = ["Initializer", "Module", "Parameter"]

Initializer = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray[Any, Any]]


@dataclass(frozen=True, eq=False)
class Parameter:
    """A trainable array of a module, described by its type and how it begins.

    Attributes:
        type: dtype and static shape.
        initializer: `(generator, shape) -> initial values`.
    """

    type: TensorType
    initializer: Initializer

    def initial(self, generator: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return initial values of the parameter's type."""
        shape = tuple(int(e) for e in self.type.shape)
        return np.ascontiguousarray(self.initializer(generator, shape), dtype=self.type.dtype.numpy)


class Module:
    """A function with parameters; subclass it and write `forward`.

    Attributes that are `Parameter`s or `Module`s (also in lists, tuples and dicts) become parameters, named by their
    path: "hidden.weight", "layers.0.bias". All other attributes are configuration, fixed when tracing.

    Example:
        >>> import catgrad as cg
        >>> class Affine(cg.Module):
        ...     def __init__(self, inputs, outputs):
        ...         self.linear = cg.nn.Linear(inputs, outputs)
        ...     def forward(self, x):
        ...         return self.linear(x)
        >>> list(Affine(3, 2).parameters())
        ['linear.bias', 'linear.weight']
    """

    def forward(self, *arguments: Any) -> Any:
        """Return the results for traced arguments."""
        raise CatgradError(f"{type(self).__name__} does not define forward")

    def __call__(self, *arguments: Any) -> Any:
        """Record a call of the module's definition, with the values that its parameters are bound to.

        Raises:
            CatgradError: A parameter has no value here.
        """
        values = dict(_slots(self))
        unbound = [path for path, value in values.items() if isinstance(value, Parameter)]
        if unbound:
            raise CatgradError(
                f"the parameter {unbound[0]} of {type(self).__name__} has no value here: trace the module itself, "
                "cg.trace(model, ...), or give it values, model.apply(parameters, ...)"
            )
        if not isinstance(ops.recorder(), Tracer):
            return self.forward(*arguments)
        leaves, tree = trees.flatten((values, *arguments))
        return call_definition(self._key(), type(self).__name__, leaves, tree, self._term)

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters by path, in order of path; one that is used twice is listed once."""
        distinct = {id(p): path for path, p in reversed(list(_slots(self)))}
        return {path: p for path, p in _slots(self) if isinstance(p, Parameter) and distinct[id(p)] == path}

    def init(self, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
        """Return initial values of all parameters; the same seed gives the same values."""
        generators = np.random.default_rng(seed).spawn(len(self.parameters()))
        pairs = zip(self.parameters().items(), generators, strict=True)
        return {path: parameter.initial(generator) for (path, parameter), generator in pairs}

    def apply(self, parameters: Mapping[str, Any], *arguments: Any) -> Any:
        """Return the results for given parameter values: traced values or arrays by path."""
        return self.bind(parameters).forward(*arguments)

    def bind(self, parameters: Mapping[str, Any]) -> Module:
        """Return the module with values in place of its parameters.

        Raises:
            CatgradError: A parameter is missing or unknown.
        """
        own = self.parameters()
        if parameters.keys() != own.keys():
            missing, unknown = own.keys() - parameters.keys(), parameters.keys() - own.keys()
            raise CatgradError(
                f"{type(self).__name__}: missing parameters {sorted(missing)}, unknown {sorted(unknown)}"
            )
        values = {id(own[path]): value for path, value in parameters.items()}
        bound: Module = _replace(self, lambda p: values[id(p)])
        return bound

    def as_function(self) -> Function:
        """Return the function of (parameters, *arguments) that the module is."""
        return ModuleFunction(self)

    def _key(self) -> Hashable:
        """Code, configuration and sharing: everything but the values."""
        numbers: dict[int, int] = {}
        sharing = tuple(numbers.setdefault(id(value), len(numbers)) for _, value in _slots(self))
        return type(self).forward, _configuration(self), sharing

    def _term(self, values: Mapping[str, TensorType], *types: Any, program: Program | None = None) -> Term:
        """Trace `forward` as a definition of (values by path, *arguments)."""

        def run(values: Mapping[str, Any], *arguments: Any) -> Any:
            paths = iter(values[path] for path, _ in _slots(self))
            return _replace(self, lambda _: next(paths)).forward(*arguments)

        names = argument_names(self.forward, len(types))
        return trace_function(run, type(self).__name__, (dict(values), *types), ["parameters", *names], program)


class ModuleFunction(Function):
    """A module as a function of its parameters and arguments.

    Args:
        module: The module, with unbound parameters.
    """

    def __init__(self, module: Module) -> None:
        self._module = module
        self.name = type(module).__name__
        self.leading = ({path: p.type for path, p in module.parameters().items()},)

    @property
    def key(self) -> Hashable:
        """The module's code and configuration."""
        return self._module._key()

    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Trace the module; see `Function.term`."""
        names = ["parameters", *argument_names(self._module.forward, len(types) - 1)]
        term = trace_function(self._module.apply, self.name, types, names, program)
        check_declared(type(self._module).forward, term)
        return term


def _is_slot(value: Any) -> bool:
    return isinstance(value, Parameter) or hasattr(value, "tracer") or isinstance(value, np.ndarray)


def _children(value: Any) -> list[tuple[str, Any]]:
    """Return what a module or container holds, by name, sorted for modules and dicts."""
    if isinstance(value, Module):
        return sorted(vars(value).items())
    if isinstance(value, dict):
        return sorted((str(name), item) for name, item in value.items())
    return [(str(i), item) for i, item in enumerate(value)] if isinstance(value, list | tuple) else []


def _slots(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return parameters, or the values bound to them, by path."""
    if _is_slot(value):
        yield path, value
    for name, item in _children(value):
        yield from _slots(item, f"{path}.{name}" if path else name)


def _replace(value: Any, new: Callable[[Any], Any]) -> Any:
    """Return a copy of a module or container with every slot replaced, in the order of `_slots`."""
    if _is_slot(value):
        return new(value)
    children = {name: _replace(item, new) for name, item in _children(value)}
    if isinstance(value, Module):
        made = copy.copy(value)
        vars(made).update(children)
        return made
    if isinstance(value, dict):
        return {name: children[str(name)] for name in value}
    return type(value)(children.values()) if isinstance(value, list | tuple) else value


def _configuration(value: Any) -> Hashable:
    """Return the static part of a module or container; what is unhashable counts by identity."""
    if _is_slot(value):
        return "parameter"
    children = _children(value)
    if children or isinstance(value, Module):
        return type(value), tuple((name, _configuration(item)) for name, item in children)
    return value if isinstance(value, Hashable) else (type(value), id(value))
