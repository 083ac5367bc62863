"""Simplification: rewrite rules, common subexpressions and dead code, in one linear pass over each body."""

from __future__ import annotations

from typing import NamedTuple

from catgrad.body import Step
from catgrad.ops import Definition, Operation, call, copy
from catgrad.rewrite.graph import Builder
from catgrad.rewrite.rules import RULES
from catgrad.term import Term

__all__ = ["simplify"]


def simplify(term: Term) -> Term:
    """Return an equal term with less to compute; for use after the last differentiation.

    Equal operations on equal values become one, the equations of `catgrad.rewrite.rules` are applied from left to
    right, and what no output depends on is dropped. A definition does not return what its callers have already. Values
    agree up to the sign of zeros and rounding.

    Example:
        >>> import catgrad as cg
        >>> term = cg.trace(lambda x: cg.exp(x) * cg.exp(x) * 1, cg.f32[3])
        >>> [str(step.operation) for step in simplify(term).steps]
        ['exp', 'copy[count=2]', 'multiply']
    """
    return _Simplifier().term(term)


class _Simplified(NamedTuple):
    """A definition without the results that its callers have already, and how to get those back.

    Attributes:
        call: Of the definition with the results that remain, each once; None where nothing remains.
        results: For each old result, where it is: a position among the inputs, or among the remaining results.
    """

    call: Operation | None
    results: tuple[tuple[str, int], ...]


class _Simplifier:
    """Simplifier, which remembers the definitions that it has simplified."""

    def __init__(self) -> None:
        self._definitions: dict[Definition, _Simplified] = {}

    def term(self, term: Term) -> Term:
        """Simplify one body."""
        builder, inputs, outputs = self._rebuilt(term)
        return term.with_graph(*builder.finish(inputs, outputs))

    def _rebuilt(self, term: Term) -> tuple[Builder, list[int], list[int]]:
        """Return the rebuilt body with the values of its inputs and outputs."""
        builder = Builder()
        types = term.node_types
        inputs = [builder.input(types[node]) for node in term.inputs]
        values = dict(zip(term.inputs, inputs, strict=True))
        for step in term.steps:
            results = self._step(builder, step, tuple(values[node] for node in step.inputs))
            values.update(zip(step.outputs, results, strict=True))
        return builder, inputs, [values[node] for node in term.outputs]

    def _step(self, builder: Builder, step: Step, inputs: tuple[int, ...]) -> tuple[int, ...]:
        operation, builder.location = step.operation, step.location
        if operation.op is copy:
            builder.share(inputs[0])
            return inputs * len(step.outputs)
        if operation.op in RULES:
            replaced = RULES[operation.op](builder, inputs, **operation.keywords)
            if replaced is not None:
                return tuple(replaced)
        if operation.op is call:
            return self._call(builder, operation, inputs)
        return builder.apply(operation, inputs)

    def _call(self, builder: Builder, operation: Operation, inputs: tuple[int, ...]) -> tuple[int, ...]:
        definition = operation.keywords["definition"]
        if definition not in self._definitions:
            self._definitions[definition] = self._simplified(definition)
        known = self._definitions[definition]
        made: tuple[int, ...] = ()
        if known.call is not None:
            made = builder.apply(known.call, inputs)
        sources = {"input": inputs, "result": made}
        return tuple(sources[kind][position] for kind, position in known.results)

    def _simplified(self, definition: Definition) -> _Simplified:
        builder, inputs, outputs = self._rebuilt(definition.term)
        remaining = [value for value in dict.fromkeys(outputs) if value not in inputs]
        results = tuple(
            ("input", inputs.index(value)) if value in inputs else ("result", remaining.index(value))
            for value in outputs
        )
        if not remaining:
            return _Simplified(None, results)
        graph, locations = builder.finish(inputs, remaining)
        simple = Definition(definition.name, Term.flat(graph, definition.name, locations))
        return _Simplified(call.operation(definition=simple), results)
