"""Simplification: rewrite rules, common subexpressions and dead code, in one linear pass over each body."""

from __future__ import annotations

from dataclasses import replace

from catgrad.ops import Definition, Operation, call, copy
from catgrad.rewrite.graph import Builder
from catgrad.rewrite.rules import RULES
from catgrad.term import Step, Term

__all__ = ["simplify"]


def simplify(term: Term) -> Term:
    """Return an equal term with less to compute; for use after the last differentiation.

    Equal operations on equal values become one, the equations of `catgrad.rewrite.rules` are applied from left to
    right, and what no output depends on is dropped. Values agree up to the sign of zeros and rounding.

    Example:
        >>> import catgrad as cg
        >>> term = cg.trace(lambda x: cg.exp(x) * cg.exp(x) * 1, cg.f32[3])
        >>> [str(step.operation) for step in simplify(term).steps]
        ['exp', 'copy[count=2]', 'multiply']
    """
    return _Simplifier().term(term)


class _Simplifier:
    """What became of each definition."""

    def __init__(self) -> None:
        self._definitions: dict[Definition, Definition] = {}

    def term(self, term: Term) -> Term:
        """Simplify one body."""
        builder = Builder()
        types = term.node_types
        values = {node: builder.input(types[node]) for node in term.inputs}
        inputs = list(values.values())
        for step in term.steps:
            results = self._step(builder, step, tuple(values[node] for node in step.inputs))
            values.update(zip(step.outputs, results, strict=True))
        return builder.finish(inputs, [values[node] for node in term.outputs], term)

    def _step(self, builder: Builder, step: Step, inputs: tuple[int, ...]) -> tuple[int, ...]:
        operation = step.operation
        if operation.op is copy:
            builder.share(inputs[0])
            return inputs * len(step.outputs)
        if operation.op in RULES:
            replaced = RULES[operation.op](builder, inputs, **operation.keywords)
            if replaced is not None:
                return tuple(replaced)
        if operation.op is call:
            operation = self._call(operation)
        return builder.apply(operation, inputs, step.location)

    def _call(self, operation: Operation) -> Operation:
        definition = operation.keywords["definition"]
        if definition not in self._definitions:
            self._definitions[definition] = replace(definition, term=self.term(definition.term))
        return call.operation(definition=self._definitions[definition])
