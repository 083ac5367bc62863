"""The tables of passes and pipelines are complete and unambiguous."""

from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import ClassVar

import pytest

from catgrad import passes
from catgrad.errors import RegistryError
from catgrad.passes import registry
from catgrad.passes.base import Pass, Pipeline


@dataclass(frozen=True)
class Nothing(Pass):
    """Do nothing."""

    name: ClassVar[str] = "test-nothing"

    def run(self, module):
        """Do nothing."""


def test_every_pass_on_disk_is_registered():
    modules = [import_module(found.name) for found in walk_packages(passes.__path__, "catgrad.passes.")]
    on_disk = registry.Registry()
    for module in modules:
        on_disk.add_module(module)
    known = registry.load()
    assert known.passes == on_disk.passes
    assert known.pipelines == on_disk.pipelines


def test_names_are_in_kebab_case_and_say_whose_they_are():
    known = registry.load()
    for name in [*known.passes, *known.pipelines]:
        assert name.startswith("catgrad-")
        assert name == name.lower().replace("_", "-")


def test_a_name_cannot_be_registered_twice():
    table = registry.Registry()
    table.add_pass(Nothing)
    with pytest.raises(RegistryError, match="test-nothing"):
        table.add_pass(Nothing)
    with pytest.raises(RegistryError, match="test-nothing"):
        table.add_pipeline(Pipeline("test-nothing", "", tuple))


def test_what_a_module_imports_is_not_its_own():
    module = ModuleType("elsewhere")
    module.Nothing, module.Pass = Nothing, Pass
    table = registry.Registry()
    table.add_module(module)
    assert not table.passes


def test_a_registry_is_a_new_one_each_time():
    registry.load().add_pass(Nothing)
    assert "test-nothing" not in registry.load().passes
