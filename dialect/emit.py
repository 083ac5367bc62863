"""Emission: a term becomes a module of the catgrad dialect, one `func.func` for each definition.

A copy is one SSA value used several times. The term's symbols are leading index arguments of every function that
needs them, and calls pass them on.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlir import ir
from mlir.dialects import func

from catgrad.body import Step
from catgrad.dialect.definition import load
from catgrad.dialect.functions import symbol_attributes
from catgrad.dialect.types import IMPLIED, attribute_to_mlir, to_mlir
from catgrad.errors import CatgradError
from catgrad.location import Location
from catgrad.ops import Definition, Operation, call, copy
from catgrad.term import Term, linkable
from catgrad.types import TensorType

__all__ = ["NAME", "emit", "new_context"]

NAME = "catgrad.name"
"""The argument attribute that holds how the user writes an input."""

_DIALECTS = (
    *("arith", "bufferization", "cf", "func", "gpu", "linalg", "llvm", "math", "memref", "nvgpu", "nvvm", "scf"),
    *("tensor", "ub", "vector"),
)
"""Dialects that passes in Python build operations of; MLIR's own passes load theirs, and loading all takes long."""


def new_context() -> ir.Context:
    """Return a context with the dialect loaded, in which errors reach diagnostic handlers.

    It has one thread: a handler in Python, called from another one, waits for the lock that the first one holds.
    """
    context = ir.Context(load_on_create_dialects=_DIALECTS)
    context.enable_multithreading(False)
    context.emit_error_diagnostics = True
    load(context)
    return context


def emit(*terms: Term, context: ir.Context | None = None) -> ir.Module:
    """Return the module of some terms: a public function for each, by its name, and a private one for each definition.

    Args:
        *terms: Terms with different names.
        context: A context with the dialect loaded; a new one when left out.

    Raises:
        CatgradError: Two terms have one name.

    Example:
        >>> import catgrad as cg
        >>> print(emit(cg.trace(cg.exp, cg.f32[3])))
        module {
          func.func @exp(%arg0: tensor<3xf32> {catgrad.name = "x"}) -> tensor<3xf32> {
            %0 = "catgrad.exp"(%arg0) : (tensor<3xf32>) -> tensor<3xf32>
            return %0 : tensor<3xf32>
          }
        }
        <BLANKLINE>
    """
    context = context or new_context()
    with context, ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            _Emitter(terms).run()
    return module


class _Emitter:
    """The functions of one module, by definition."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = terms
        self._types: dict[TensorType, ir.Type] = {}
        self._names: dict[Definition, str] = {}
        taken = {linkable(term.name) for term in terms}
        if len(taken) != len(terms):
            raise CatgradError(f"terms need different names: {', '.join(linkable(term.name) for term in terms)}")
        for definition in dict.fromkeys(d for term in terms for d in term.definitions):
            self._names[definition] = _unique(linkable(definition.name), taken)

    def run(self) -> None:
        """Emit the terms, then what they call."""
        for term in self._terms:
            self._function(term, linkable(term.name), "public")
        for definition, name in reversed(self._names.items()):
            self._function(definition.term, name, "private")

    def _function(self, term: Term, name: str, visibility: str) -> None:
        index = ir.IndexType.get()
        inputs = [index] * len(term.symbols) + self._mlir(term.source_types)
        made = func.FuncOp(name, (inputs, self._mlir(term.target_types)))
        if visibility == "private":
            made.sym_visibility = ir.StringAttr.get(visibility)
        made.arg_attrs = _argument_attributes(term, named=visibility == "public")
        block = made.add_entry_block()
        symbols, arguments = _cut(list(block.arguments), len(term.symbols))
        values = dict(zip(term.inputs, arguments, strict=True))
        extents = dict(zip((symbol.name for symbol in term.symbols), symbols, strict=True))
        with ir.InsertionPoint(block):
            for step in term.steps:
                operands = [values[node] for node in step.inputs]
                with _location(step.location):
                    values.update(zip(step.outputs, self._step(step, operands, term, extents), strict=True))
            func.ReturnOp([values[node] for node in term.outputs])

    def _mlir(self, types: Sequence[TensorType]) -> list[ir.Type]:
        """Return types as MLIR has them; a deep model has few different ones."""
        for type in types:
            if type not in self._types:
                self._types[type] = to_mlir(type)
        return [self._types[type] for type in types]

    def _step(
        self, step: Step, operands: list[ir.Value], term: Term, extents: dict[str, ir.Value]
    ) -> Sequence[ir.Value]:
        operation = step.operation
        if operation.op is copy:
            return operands * len(step.outputs)
        types = self._mlir([term.node_types[node] for node in step.outputs])
        if operation.op is not call:
            return [_create(operation, types, operands)]
        callee: Definition = operation.keywords["definition"]
        passed = [extents[symbol.name] for symbol in callee.term.symbols]
        return list(func.CallOp(types, self._names[callee], [*passed, *operands]).results)


def _create(operation: Operation, types: list[ir.Type], operands: list[ir.Value]) -> ir.Value:
    kinds = operation.op.attributes
    attributes = {
        name: attribute_to_mlir(kinds[name], value)
        for name, value in operation.attributes
        if kinds[name] not in IMPLIED
    }
    name = f"catgrad.{operation.op.name}"
    return ir.Operation.create(name, results=types, operands=operands, attributes=attributes).result


def _argument_attributes(term: Term, named: bool) -> list[ir.DictAttr]:
    names = [{NAME: ir.StringAttr.get(_utf8(name))} if named else {} for name in term.input_names]
    return [ir.DictAttr.get(attributes) for attributes in (*map(symbol_attributes, term.symbols), *names)]


def _location(location: Location | None) -> ir.Location:
    if location is None:
        return ir.Location.unknown()
    return ir.Location.file(_utf8(location.file), location.line, location.column)


def _utf8(text: str) -> str:
    """Return a text as MLIR can have it; what is no Unicode, in a file's name say, is a question mark."""
    return text.encode(errors="replace").decode()


def _cut(values: list[ir.Value], count: int) -> tuple[list[ir.Value], list[ir.Value]]:
    return values[:count], values[count:]


def _unique(name: str, taken: set[str]) -> str:
    """Return `name`, numbered if it is taken, and take it."""
    candidates = (name if not n else f"{name}_{n}" for n in range(len(taken) + 1))
    found = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(found)
    return found
