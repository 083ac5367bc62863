"""Memory estimate: whether what is to be trained fits into the machine."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from catgrad import trees
from catgrad.cli.tasks import Settings
from catgrad.errors import CatgradError
from catgrad.integers import parse_integer
from catgrad.parameters import byte_count

__all__ = ["check_room"]

_GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""How many bytes the processes of a container may take, on Linux."""


def check_room(settings: Settings) -> None:
    """Raise `CatgradError` unless the parameters, their gradients and the optimizer's state can be in memory."""
    learner = settings.learner
    parameters = {path: parameter.type for path, parameter in learner.model.parameters().items()}
    leaves = trees.flatten(({**parameters}, {**parameters}, learner.optimizer.state_types(parameters)))[0]
    needed, there = sum(map(byte_count, leaves)), _memory()
    if needed > there:
        raise CatgradError(
            f"training this model takes {needed / 1e9:,.1f} GB of memory for parameters, gradients and optimizer, "
            f"and there are {there / 1e9:,.1f}: choose a smaller --hidden, now {settings.hidden}"
        )


def _memory() -> int:
    """Return how many bytes the process may take."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError):
        return min(physical, parse_integer(_GROUP_LIMIT.read_text(encoding="utf-8").strip()) or physical)
    return physical
