"""Transformations of terms as passes: a module is lifted, transformed as hypergraphs, and emitted again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir

from catgrad.autodiff import vjp
from catgrad.dialect.emit import emit
from catgrad.dialect.functions import functions
from catgrad.dialect.lift import LiftError, lift
from catgrad.errors import CatgradError
from catgrad.passes.base import DiagnosticError, Pass
from catgrad.passes.calls import is_private
from catgrad.rewrite import inline_small, simplify
from catgrad.term import Term

__all__ = ["Grad", "Simplify"]


@dataclass(frozen=True)
class Grad(Pass):
    """Add the vector-Jacobian product of each public function, or of one.

    A function f : A -> B gets a neighbour f.vjp : A, cotangents of B -> B, cotangents of A. A definition g that f calls
    becomes g.fwd and g.rev, called from there. Integers and bools have no cotangents.
    """

    name: ClassVar[str] = "catgrad-grad"

    function: str = ""
    """The function to differentiate; every public one when empty."""

    def run(self, module: ir.Operation) -> None:
        """Append the derivatives to the module."""
        terms = _public_terms(module)
        chosen = [self.function] if self.function else list(terms)
        if not set(chosen) <= set(terms):
            raise DiagnosticError(module.location, f"there is no public function {self.function} to differentiate")
        _replace(module, {**terms, **{f"{name}.vjp": vjp(terms[name]) for name in chosen}})


@dataclass(frozen=True)
class Simplify(Pass):
    """Inline small functions, apply rewrite rules, and drop what is computed twice or not used."""

    name: ClassVar[str] = "catgrad-simplify"

    def run(self, module: ir.Operation) -> None:
        """Replace every function by its simplified form."""
        _replace(module, {name: simplify(inline_small(term)) for name, term in _public_terms(module).items()})


def _public_terms(module: ir.Operation) -> dict[str, Term]:
    """Return the terms of the public functions by name; the private ones are their definitions."""
    try:
        terms = lift(module)
    except LiftError as error:
        raise DiagnosticError(error.op.location, error.message) from None
    except CatgradError as error:
        raise DiagnosticError(module.location, error.message) from None
    private = {f.sym_name.value for f in functions(module) if is_private(f)}
    return {name: term for name, term in terms.items() if name not in private}


def _replace(module: ir.Operation, terms: Mapping[str, Term]) -> None:
    """Replace the functions of a module by those of the given terms."""
    try:
        emitted = emit(*terms.values(), context=module.context)
    except CatgradError as error:
        raise DiagnosticError(module.location, error.message) from None
    block = module.regions[0].blocks[0]
    for op in functions(module):
        op.operation.erase()
    for op in emitted.body.operations:
        block.append(op.operation.clone())
