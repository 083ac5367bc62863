"""The passes and pipelines that `catgrad-opt` knows by name: all that the modules of this package define.

A new pass is known as soon as its file is here; there is no list of passes to add it to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from catgrad import passes
from catgrad.errors import RegistryError
from catgrad.passes import options
from catgrad.passes.base import Pass, Pipeline

__all__ = ["Registry", "load"]


@dataclass
class Registry:
    """Passes and pipelines by their names on the command line; a name means one thing only.

    Attributes:
        passes: Classes of passes by name.
        pipelines: Classes of pipelines by name.
    """

    passes: dict[str, type[Pass]] = field(default_factory=dict)
    pipelines: dict[str, type[Pipeline]] = field(default_factory=dict)

    def add_pass(self, cls: type[Pass]) -> None:
        """Register a pass; raise `RegistryError` if its name is taken, `TypeError` if a field has no text form."""
        self._refuse_taken(cls.name)
        options.options(cls)
        self.passes[cls.name] = cls

    def add_pipeline(self, cls: type[Pipeline]) -> None:
        """Register a pipeline; raise `RegistryError` if its name is taken, `TypeError` if a field has no text form."""
        self._refuse_taken(cls.name)
        options.options(cls)
        self.pipelines[cls.name] = cls

    def add_module(self, module: ModuleType) -> None:
        """Register every pass and pipeline that `module` defines; what it imports, others define."""
        for value in list(vars(module).values()):
            if not isinstance(value, type) or value.__module__ != module.__name__ or "name" not in vars(value):
                continue
            if issubclass(value, Pass):
                self.add_pass(value)
            elif issubclass(value, Pipeline):
                self.add_pipeline(value)

    def _refuse_taken(self, name: str) -> None:
        if name in self.passes or name in self.pipelines:
            raise RegistryError(f"the name {name} is registered already: passes and pipelines need different names")


def load() -> Registry:
    """Return a new registry of everything that the modules of this package define."""
    registry = Registry()
    for found in walk_packages(passes.__path__, f"{passes.__name__}."):
        registry.add_module(import_module(found.name))
    return registry
