"""The text of pass pipelines: a tree of named elements, as in MLIR.

    pipeline ::= element ("," element)*
    element  ::= name ("{" options "}")? ("(" pipeline? ")")?

Example:
    >>> cse, nest = parse("cse,func.func(canonicalize{max-iterations=3})")
    >>> nest.name, nest.children[0].options
    ('func.func', 'max-iterations=3')
    >>> str(nest)
    'func.func(canonicalize{max-iterations=3})'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from catgrad.tools.driver.errors import PipelineError

__all__ = ["Element", "parse"]

_NAME = re.compile(r"[\w.-]+|\*")


@dataclass(frozen=True)
class Element:
    """A pass with its options, or an operation and the pipeline to run on each of them.

    Attributes:
        name: Pass, pipeline or operation: "cse", "func.func".
        options: The text between the braces.
        children: The nested pipeline; None for a pass.
    """

    name: str
    options: str = ""
    children: tuple[Element, ...] | None = None

    def __str__(self) -> str:
        options = f"{{{self.options}}}" if self.options else ""
        children = "" if self.children is None else f"({','.join(map(str, self.children))})"
        return self.name + options + children


def parse(source: str) -> tuple[Element, ...]:
    """Return the elements of a pipeline; raise `PipelineError` where it is malformed."""
    try:
        return _Parser(source).pipeline()
    except RecursionError:
        raise PipelineError("the pipeline is nested too deeply") from None


class _Parser:
    """Recursive descent over one text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0

    def pipeline(self) -> tuple[Element, ...]:
        """Parse the whole text."""
        elements = self.elements()
        if self.position < len(self.source):
            raise self.error("expected ',' or the end of the pipeline")
        return elements

    def elements(self) -> tuple[Element, ...]:
        """Parse elements with commas between them."""
        found = [self.element()]
        while self.take(","):
            found.append(self.element())
        return tuple(found)

    def element(self) -> Element:
        """Parse one element."""
        self.skip_spaces()
        name = _NAME.match(self.source, self.position)
        if name is None:
            raise self.error("expected the name of a pass or an operation")
        self.position = name.end()
        options = self.options() if self.take("{") else ""
        children = self.children() if self.take("(") else None
        return Element(name.group(), options, children)

    def options(self) -> str:
        """Parse the text up to the brace that closes the one just taken; braces inside are balanced."""
        start, depth = self.position, 1
        for brace in re.compile("[{}]").finditer(self.source, start):
            depth += 1 if brace.group() == "{" else -1
            if depth == 0:
                self.position = brace.end()
                return self.source[start : brace.start()].strip()
        self.position = start - 1
        raise self.error("this brace is not closed")

    def children(self) -> tuple[Element, ...]:
        """Parse a nested pipeline and the parenthesis that closes it."""
        if self.take(")"):
            return ()
        elements = self.elements()
        if not self.take(")"):
            raise self.error("expected ',' or ')'")
        return elements

    def take(self, token: str) -> bool:
        """Step over `token` and the spaces around it, if it comes next."""
        self.skip_spaces()
        taken = self.source.startswith(token, self.position)
        self.position += len(token) * taken
        self.skip_spaces()
        return taken

    def skip_spaces(self) -> None:
        """Step over white space."""
        while self.source[self.position : self.position + 1].isspace():
            self.position += 1

    def error(self, message: str) -> PipelineError:
        """Return the error at the current position."""
        return PipelineError(message, self.source, self.position)
