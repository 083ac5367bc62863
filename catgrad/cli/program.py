"""A function on its way to native code, and what there is to see of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from catgrad.cached import cached_property
from catgrad.compile import compile, stages
from catgrad.errors import CatgradError
from catgrad.lang.function import trace
from catgrad.prepare import prepare
from catgrad.runtime import Executable
from catgrad.source import Source
from catgrad.term import Term

__all__ = ["Program"]

_PICTURES: Mapping[str, Callable[[Term], str]] = {
    "term": str,
    "dot": Term.to_dot,
    "svg": Term.to_svg,
    "json": Term.to_json,
}
"""What shows a term itself, as it was traced: nothing is compiled for it."""


@dataclass(frozen=True)
class Program:
    """A function at the types of its arguments.

    Attributes:
        function: A function, module or term.
        types: Types of the arguments; none for a term.
        bind: Values for symbolic dimensions.
        target: What to compile for.

    Example:
        >>> from catgrad.types import f32
        >>> program = Program(lambda x: x + x, (f32["B"],), bind={"B": 4})
        >>> print(program.term.type)
        (f32[4]) -> f32[4]
        >>> program.stages[:6]
        ('term', 'dot', 'svg', 'json', 'catgrad', 'linalg')
    """

    function: Any
    types: tuple[Any, ...] = ()
    bind: Mapping[str, int] = field(default_factory=dict)
    target: str = "cpu"

    @cached_property
    def term(self) -> Term:
        """The function as an open hypergraph."""
        term = self.function if isinstance(self.function, Term) else trace(self.function, *self.types)
        return term.substitute(self.bind)

    @cached_property
    def executable(self) -> Executable:
        """The function as native code."""
        return compile(self.function, *self.types, target=self.target, bind=self.bind)

    @cached_property
    def source(self) -> Source:
        """The function that is compiled."""
        return Source(*prepare(self.function, *self.types, bind=self.bind), self.target)

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The names that `show` knows."""
        return tuple(dict.fromkeys((*_PICTURES, *stages(self.target))))

    def show(self, stage: str) -> str:
        """Return the program at a stage, as text.

        Raises:
            CatgradError: There is no such stage; the message lists them.
        """
        if stage not in self.stages:
            raise CatgradError(f"there is no stage {stage!r}: expected one of {', '.join(self.stages)}")
        return _PICTURES[stage](self.term) if stage in _PICTURES else self.source.ir(stage)
