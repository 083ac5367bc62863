"""From the elements of a pipeline to the steps that carry it out: one pass each, and where it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from catgrad.errors import CatgradError
from catgrad.passes import options
from catgrad.passes.base import Pass, Pipeline
from catgrad.passes.legality import Legal
from catgrad.passes.options import OptionError
from catgrad.passes.registry import Registry
from catgrad.tools.driver.errors import PipelineError
from catgrad.tools.driver.pipeline import Element, parse

__all__ = ["ROOT", "Step", "body", "steps", "text"]

ROOT = "builtin.module"
"""The operation that every pipeline starts from, and the only one that catgrad passes run on."""


@dataclass(frozen=True)
class Step:
    """One pass, run on every operation that `nesting` leads to.

    Attributes:
        work: One of our passes, or an element that MLIR knows.
        nesting: Names of operations below the module: ("gpu.module", "func.func").
    """

    work: Pass | Element
    nesting: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the pass."""
        return self.work.name

    def element(self) -> Element:
        """Return the pipeline element that stands for this step."""
        element = Element(self.name, options.text(self.work)) if isinstance(self.work, Pass) else self.work
        for operation in reversed(self.nesting):
            element = Element(operation, children=(element,))
        return element


def body(pipeline: str) -> tuple[Element, ...]:
    """Return what stands between the parentheses of `builtin.module(...)`; raise `PipelineError` for another root."""
    roots = parse(pipeline)
    if len(roots) != 1 or roots[0].children is None or roots[0].name not in {ROOT, "any"}:
        raise PipelineError(f"expected a pipeline of the form '{ROOT}(...)'", pipeline)
    return roots[0].children


def steps(elements: Iterable[Element], registry: Registry, nesting: tuple[str, ...] = ()) -> Iterator[Step]:
    """Yield the steps of a pipeline, with our named pipelines expanded.

    Raises:
        PipelineError: Options that do not fit one of our passes, or one that would not run on a module. Passes that
            are not ours are MLIR's affair.
    """
    for element in elements:
        if element.children is not None:
            yield from steps(element.children, registry, (*nesting, element.name))
        elif element.name in registry.pipelines:
            yield from _expanded(registry.pipelines[element.name], element, registry, nesting)
        elif element.name in registry.passes:
            yield _step(registry.passes[element.name], element, nesting)
        else:
            yield Step(element, nesting)


def text(plan: Iterable[Step]) -> str:
    """Return the pipeline that `plan` carries out."""
    return f"{ROOT}({','.join(str(step.element()) for step in plan)})"


def _step(cls: type[Pass], element: Element, nesting: tuple[str, ...]) -> Step:
    """Return the step that runs the pass `cls` with the options of `element`."""
    _require_module(element, nesting)
    with _reported("pass", element):
        return Step(options.construct(cls, options.parse(element.options)), nesting)


def _expanded(cls: type[Pipeline], element: Element, registry: Registry, nesting: tuple[str, ...]) -> Iterator[Step]:
    """Yield the steps of the pipeline `cls` with the options of `element`."""
    _require_module(element, nesting)
    with _reported("pipeline", element):
        stages = options.construct(cls, options.parse(element.options)).stages()
    for stage in stages:
        for work in stage.passes:
            yield from [Step(work, nesting)] if isinstance(work, Pass) else steps(parse(work), registry, nesting)
        yield Step(Legal.after(stage), nesting)


@contextmanager
def _reported(kind: str, element: Element) -> Iterator[None]:
    """Turn what is wrong with options into a `PipelineError`."""
    try:
        yield
    except (OptionError, CatgradError) as error:
        raise PipelineError(f"{kind} '{element.name}': {error}") from error


def _require_module(element: Element, nesting: tuple[str, ...]) -> None:
    """Raise `PipelineError` unless `nesting` leads to modules."""
    if (ROOT, *nesting)[-1] != ROOT:
        raise PipelineError(f"'{element.name}' runs on '{ROOT}': it cannot be nested in '{nesting[-1]}'")
