"""The least program that fails as well, by delta debugging.

Reference: A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input" (2002).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from fuzz.cases import Case

__all__ = ["shrunk"]


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Return a case that fails, none of whose simplifications does.

    Args:
        case: One that fails.
        fails: Tries another.
    """
    while True:
        simpler = next(filter(fails, _simplifications(case)), None)
        if simpler is None:
            return case
        case = simpler


def _simplifications(case: Case) -> Iterator[Case]:
    """Yield simpler cases, by half of the steps first and by single ones last."""
    plan = case.plan
    length = len(plan.steps)
    while length:
        length //= 2
        for start in range(0, len(plan.steps), max(length, 1)):
            dropped = range(start, min(start + max(length, 1), len(plan.steps)))
            if len(dropped) < len(plan.steps):
                yield replace(case, plan=plan.without(dropped))
    for changes in ({"order": plan.order - 1}, {"symbolic": False}):
        simpler = replace(plan, **changes)
        if simpler != plan and simpler.order >= 0:
            yield replace(case, plan=simpler)
    for i, step in enumerate(plan.steps):
        for k, operand in enumerate(step.operands):
            if operand is not None:
                operands = (*step.operands[:k], None, *step.operands[k + 1 :])
                steps = (*plan.steps[:i], replace(step, operands=operands), *plan.steps[i + 1 :])
                yield replace(case, plan=replace(plan, steps=steps))
