"""Modules: functions with named parameters.

A module describes; its parameters are arguments of its term. What makes two layers one definition is that their
`forward`s record the same operations on arguments of the same types, whatever else they hold.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import numpy as np

from catgrad import ops, trees
from catgrad.errors import AttributeMissing, CatgradError, TypeCheckError, located
from catgrad.lang import keywords
from catgrad.lang.environment import Formal, closure
from catgrad.lang.function import Function, argument_names, call_definition, check_declared
from catgrad.lang.settings import check_function, natural
from catgrad.lang.structure import HIDDEN, Node, path_text, reach, replace
from catgrad.lang.trace import Program, Tracer, trace_function
from catgrad.lang.var import Var
from catgrad.numbers import is_number
from catgrad.term import Term
from catgrad.types import TensorType, as_array

__all__ = ["Initializer", "Module", "Parameter"]

Initializer = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray[Any, Any]]


@dataclass(frozen=True, eq=False, init=False)
class Parameter:
    """A trainable array of a module, described by its type and how it begins.

    Attributes:
        type: dtype and static shape.
        initializer: `(generator, shape) -> initial values`.

    Raises:
        CatgradError: The type has symbols or is none, or the initializer is no function.
    """

    type: TensorType
    initializer: Initializer

    @located()
    def __init__(self, type: TensorType, initializer: Initializer) -> None:
        if not isinstance(type, TensorType) or not type.is_static:
            raise CatgradError(f"a parameter has a type with known extents, such as cg.f32[3, 4], given {type!r}")
        check_function("an initializer", initializer, "a generator", "a shape")
        object.__setattr__(self, "type", type)
        object.__setattr__(self, "initializer", initializer)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(f"'Parameter' object has no attribute {name!r}")
        raise AttributeMissing(
            f"a parameter of the type {self.type} has no value here, and no {name}: trace the module, cg.trace(model, "
            "...), or give it values, model.apply(parameters, ...)"
        )

    def initial(self, generator: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return initial values of the parameter's type.

        Raises:
            CatgradError: The initializer gives something else than numbers of the dtype's range, or another shape.
        """
        shape = tuple(int(e) for e in self.type.shape)
        made = self.initializer(generator, shape)
        given = made if isinstance(made, np.ndarray) else np.asarray(made)
        kinds = "biuf" if self.type.dtype.is_float else "biu"
        if given.shape != shape or (given.dtype.kind not in kinds and given.dtype != self.type.dtype.numpy):
            raise CatgradError(
                f"the initializer of a parameter {self.type} has to give numbers of the shape {shape}, and gives "
                f"{given.dtype} of the shape {given.shape}"
            )
        try:
            return np.ascontiguousarray(ops.numbers(made, self.type.dtype))
        except TypeCheckError as error:
            raise CatgradError(f"the initializer of a parameter {self.type}: {error.message}") from None


_SLOTS = (Parameter, Var)


class _Signature:
    """The signature of `forward`, as that of a module; a class has that of its constructor."""

    def __get__(self, module: Module | None, owner: type) -> inspect.Signature:
        if module is None:
            raise AttributeError("__signature__")
        return inspect.signature(module.forward)


class Module(Node):
    """A function with parameters; subclass it and write `forward`.

    Attributes that are `Parameter`s or `Module`s become parameters, named by their path: "hidden.weight",
    "layers.0.bias". They may be in lists, tuples, dicts, NamedTuples and dataclasses, be shared, and point back to what
    holds them. All other attributes are configuration of any type, as it is when `forward` is traced; arrays are
    constants.

    While it is traced, `forward` runs on a copy of the module, with values in place of the parameters, for each call.

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

    __signature__ = _Signature()

    def forward(self, *arguments: Any) -> Any:
        """Return the results for traced arguments."""
        raise CatgradError(f"{type(self).__name__} does not define forward")

    @located()
    def __call__(self, /, *arguments: Any, **named: Any) -> Any:
        """Record a call of the module's definition, with the values that its parameters are bound to.

        Raises:
            CatgradError: A parameter has no value here.
        """
        values = self._slots()
        unbound = [path for path, value in values.items() if isinstance(value, Parameter)]
        name = type(self).__name__
        if unbound:
            raise CatgradError(
                f"the parameter {unbound[0]} of {name} has no value here: trace the module itself, cg.trace(model, "
                "...), or give it values, model.apply(parameters, ...); a module that another uses is an attribute of "
                "it, or in a list, tuple, dict or dataclass that is"
            )
        if not isinstance(ops.recorder(), Tracer):
            return self._forward(arguments, named)
        if named:
            arguments = keywords.bind(self.forward, name, arguments, named)
        leaves, tree = trees.flatten_arguments((values, *arguments))
        code = closure(self._with({id(value): Formal(i) for i, value in enumerate(values.values())}))
        return call_definition(code, name, leaves, tree, partial(self._term, values))

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters by path, in order of path; one that is used twice is listed once."""
        return {path: value for path, value in self._slots().items() if isinstance(value, Parameter)}

    @located()
    def init(self, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
        """Return initial values of all parameters; the same seed, a natural number, gives the same values."""
        generators = np.random.default_rng(natural("seed", seed)).spawn(len(self.parameters()))
        pairs = zip(self.parameters().items(), generators, strict=True)
        return {path: parameter.initial(generator) for (path, parameter), generator in pairs}

    @located()
    def apply(self, parameters: Mapping[str, Any], *arguments: Any, **named: Any) -> Any:
        """Return the results for given parameter values: traced values or arrays by path."""
        return self.bind(parameters)._forward(arguments, named)

    @located()
    def bind(self, parameters: Mapping[str, Any]) -> Module:
        """Return the module with values in place of its parameters.

        Raises:
            CatgradError: A parameter is missing or unknown, or a value has another shape than the parameter.
        """
        own = self.parameters()
        if not isinstance(parameters, Mapping):
            raise CatgradError(f"{type(self).__name__}: expected values by the names of parameters, got {parameters!r}")
        if parameters.keys() != own.keys():
            missing, unknown = own.keys() - parameters.keys(), parameters.keys() - own.keys()
            raise CatgradError(
                f"{type(self).__name__}: missing parameters {sorted(missing)}, unknown {sorted(unknown)}"
            )
        values = {path: _value(path, value, own[path].type) for path, value in parameters.items()}
        bound = self._with({id(own[path]): value for path, value in values.items()})
        known = {id(value): value for value in values.values() if not isinstance(value, Var)}
        for _, holder, _ in reach(bound, bound._is_slot) if known else ():
            if isinstance(holder, Module):
                vars(holder)[HIDDEN] = known | vars(holder).get(HIDDEN, {})
        return bound

    def as_function(self) -> Function:
        """Return the function of (parameters, *arguments) that the module is."""
        return ModuleFunction(self)

    def _forward(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Return the results, with arrays for lists of numbers."""
        leaves, tree = trees.flatten_arguments(keywords.bind(self.forward, type(self).__name__, arguments, named))
        return keywords.apply(self.forward, trees.unflatten(tree, leaves))

    def _is_slot(self, value: Any) -> bool:
        """Return whether it is a parameter, or the value that one is bound to."""
        return isinstance(value, _SLOTS) or id(value) in self.__dict__.get(HIDDEN, ())

    def _slots(self) -> dict[str, Any]:
        """Return parameters, or the values bound to them, by path."""
        found: dict[str, Any] = {}
        for path, value, is_slot in reach(self, self._is_slot):
            if is_slot and found.setdefault(path_text(path), value) is not value:
                raise CatgradError(f"{type(self).__name__} has two parameters called {path_text(path)}")
        return found

    def _with(self, values: Mapping[int, Any]) -> Module:
        """Return the module with other values in its slots, given by the identities of the present ones."""
        made: Module = replace(self, self._is_slot, lambda slot: values.get(id(slot), slot))
        return made

    def _term(
        self, slots: Mapping[str, Any], types: Mapping[str, TensorType], *arguments: Any, program: Program
    ) -> Term:
        """Trace `forward` as a definition of (values by path, *arguments)."""

        def run(values: Mapping[str, Any], *arguments: Any, **named: Any) -> Any:
            return self._with({id(slot): values[path] for path, slot in slots.items()}).forward(*arguments, **named)

        names = ["parameters", *argument_names(self.forward, arguments)]
        return trace_function(run, type(self).__name__, (dict(types), *arguments), names, program)


def _value(path: str, value: Any, type: TensorType) -> Any:
    """Return what a parameter is bound to, a traced value or an array; Python numbers and lists take its dtype."""
    is_free = is_number(value) or isinstance(value, list)
    made = ops.numbers(value, type.dtype) if is_free else value
    made = as_array(made) if isinstance(made, np.ndarray) else made
    given = ops.typeof(made)
    if given.is_static and given.shape != type.shape:
        raise CatgradError(f"the parameter {path} is {type}, given {given}: use cg.reshape or cg.permute_dims")
    return made


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
    def __signature__(self) -> inspect.Signature:
        own = inspect.Parameter("parameters", inspect.Parameter.POSITIONAL_ONLY)
        known = inspect.signature(self._module).parameters
        return inspect.Signature([own, *(each for name, each in known.items() if name != own.name)])

    @property
    def parts(self) -> tuple[Any, ...]:
        """The module."""
        return (self._module,)

    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Trace the module; see `Function.term`."""
        names = ["parameters", *argument_names(self._module.forward, types[1:])]
        term = trace_function(self._module.apply, self.name, types, names, program)
        check_declared(type(self._module).forward, term)
        return term
