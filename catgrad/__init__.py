"""catgrad: a deep-learning compiler.

A model is an open hypergraph. A type checker with symbolic shapes accepts or rejects it, reverse-mode differentiation
is a functor on it, and what results is compiled to native code that needs no framework to run.
"""

from importlib import import_module
from sys import modules
from typing import TYPE_CHECKING, Any

from catgrad.native import critical as _critical

with _critical():  # an import of NumPy that was interrupted cannot be repeated
    from catgrad import ops as ops
    from catgrad import own_code as own_code
    from catgrad.compile import compile as compile
    from catgrad.compile import load as load
    from catgrad.compile import stages as stages
    from catgrad.dims import dim as dim
    from catgrad.errors import ArgumentError as ArgumentError
    from catgrad.errors import AttributeMissing as _AttributeMissing
    from catgrad.errors import CatgradError as CatgradError
    from catgrad.errors import CompileError as CompileError
    from catgrad.errors import TypeCheckError as TypeCheckError
    from catgrad.interpret import interpret as interpret
    from catgrad.ops import abs as abs
    from catgrad.ops import add as add
    from catgrad.ops import arange as arange
    from catgrad.ops import argmax as argmax
    from catgrad.ops import argmin as argmin
    from catgrad.ops import broadcast_to as broadcast_to
    from catgrad.ops import cast as cast
    from catgrad.ops import ceil as ceil
    from catgrad.ops import constant as constant
    from catgrad.ops import contract as contract
    from catgrad.ops import cos as cos
    from catgrad.ops import divide as divide
    from catgrad.ops import equal as equal
    from catgrad.ops import erf as erf
    from catgrad.ops import exp as exp
    from catgrad.ops import expand_dims as expand_dims
    from catgrad.ops import expm1 as expm1
    from catgrad.ops import floor as floor
    from catgrad.ops import floor_divide as floor_divide
    from catgrad.ops import full as full
    from catgrad.ops import greater as greater
    from catgrad.ops import greater_equal as greater_equal
    from catgrad.ops import iota as iota
    from catgrad.ops import less as less
    from catgrad.ops import less_equal as less_equal
    from catgrad.ops import log as log
    from catgrad.ops import log1p as log1p
    from catgrad.ops import logical_and as logical_and
    from catgrad.ops import logical_not as logical_not
    from catgrad.ops import logical_or as logical_or
    from catgrad.ops import logical_xor as logical_xor
    from catgrad.ops import matmul as matmul
    from catgrad.ops import max as max
    from catgrad.ops import maximum as maximum
    from catgrad.ops import min as min
    from catgrad.ops import minimum as minimum
    from catgrad.ops import multiply as multiply
    from catgrad.ops import nat_to_tensor as nat_to_tensor
    from catgrad.ops import negative as negative
    from catgrad.ops import not_equal as not_equal
    from catgrad.ops import one_hot as one_hot
    from catgrad.ops import ones as ones
    from catgrad.ops import permute_dims as permute_dims
    from catgrad.ops import pow as pow
    from catgrad.ops import remainder as remainder
    from catgrad.ops import reshape as reshape
    from catgrad.ops import round as round
    from catgrad.ops import rsqrt as rsqrt
    from catgrad.ops import sigmoid as sigmoid
    from catgrad.ops import sign as sign
    from catgrad.ops import sin as sin
    from catgrad.ops import sqrt as sqrt
    from catgrad.ops import squeeze as squeeze
    from catgrad.ops import stop_gradient as stop_gradient
    from catgrad.ops import subtract as subtract
    from catgrad.ops import sum as sum
    from catgrad.ops import tanh as tanh
    from catgrad.ops import trunc as trunc
    from catgrad.ops import where as where
    from catgrad.ops import zeros as zeros
    from catgrad.types import bf16 as bf16
    from catgrad.types import bool_ as bool_
    from catgrad.types import f16 as f16
    from catgrad.types import f32 as f32
    from catgrad.types import f64 as f64
    from catgrad.types import i32 as i32
    from catgrad.types import i64 as i64

if TYPE_CHECKING:
    from catgrad.autodiff import grad as grad
    from catgrad.autodiff import value_and_grad as value_and_grad
    from catgrad.autodiff import vjp as vjp
    from catgrad.autodiff.learner import learner as learner
    from catgrad.json_reader import from_json as from_json
    from catgrad.lang import nn as nn
    from catgrad.lang import optim as optim
    from catgrad.lang.function import function as function
    from catgrad.lang.function import trace as trace
    from catgrad.lang.functions import all as all
    from catgrad.lang.functions import any as any
    from catgrad.lang.functions import clip as clip
    from catgrad.lang.functions import gelu as gelu
    from catgrad.lang.functions import log_softmax as log_softmax
    from catgrad.lang.functions import logsumexp as logsumexp
    from catgrad.lang.functions import mean as mean
    from catgrad.lang.functions import reciprocal as reciprocal
    from catgrad.lang.functions import relu as relu
    from catgrad.lang.functions import silu as silu
    from catgrad.lang.functions import softmax as softmax
    from catgrad.lang.functions import softplus as softplus
    from catgrad.lang.functions import square as square
    from catgrad.lang.module import Module as Module
    from catgrad.lang.module import Parameter as Parameter
    from catgrad.runtime import Executable as Executable
    from catgrad.term import Term as Term
    from catgrad.typecheck import check as check

_MODULES = {
    "catgrad.autodiff": "autodiff grad learner value_and_grad vjp",
    "catgrad.hypergraph": "hypergraph",
    "catgrad.json_reader": "from_json",
    "catgrad.lang": "lang",
    "catgrad.lang.function": "function trace",
    "catgrad.lang.functions": (
        "all any clip gelu log_softmax logsumexp mean reciprocal relu silu softmax softplus square"
    ),
    "catgrad.lang.module": "Module Parameter",
    "catgrad.lang.nn": "nn",
    "catgrad.lang.optim": "optim",
    "catgrad.rewrite": "rewrite",
    "catgrad.runtime": "runtime Executable",
    "catgrad.term": "term Term",
    "catgrad.typecheck": "typecheck check",
}
"""The names that are imported when they are first used, so that `import catgrad` costs little, by module."""

_DEFERRED = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted(
    name
    for name in {*globals(), *_DEFERRED} - {"Any", "TYPE_CHECKING", "import_module", "modules"}
    if not name.startswith("_")
)


def __getattr__(name: str) -> Any:
    """Import a public name that is not there yet: something in a module, or a module itself."""
    if name not in _DEFERRED:
        if f"catgrad.{name}" in modules:  # from an import of catgrad that was interrupted
            return globals().setdefault(name, modules[f"catgrad.{name}"])
        missing = _AttributeMissing(f"module {__name__!r} has no attribute {name!r}")
        missing.name, missing.obj = name, modules[__name__]  # of which Python 3.12 makes a suggestion
        raise missing
    with _critical():
        module = import_module(_DEFERRED[name])
    return globals().setdefault(name, getattr(module, name, module))


def __dir__() -> list[str]:
    """Return all names, those that are not imported yet included."""
    return sorted({*globals(), *_DEFERRED})
