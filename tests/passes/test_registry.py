"""The tables of passes and pipelines are complete and unambiguous."""

from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import pytest

from catgrad.errors import RegistryError
from catgrad.passes import registry
from catgrad.passes.base import Pass, Pipeline


@dataclass(frozen=True)
class Nothing(Pass):
    """Do nothing."""

    name: ClassVar[str] = "test-nothing"

    def run(self, module):
        """Do nothing."""


@dataclass(frozen=True)
class Idle(Pipeline):
    """Do nothing."""

    name: ClassVar[str] = "test-nothing"

    def stages(self):
        """Return no stages."""
        return ()


def test_every_pass_of_a_pipeline_is_registered():
    known = registry.load()
    assert known.pipelines
    for pipeline in known.pipelines.values():
        works = [work for stage in pipeline().stages() for work in stage.passes if isinstance(work, Pass)]
        assert works
        for work in works:
            assert known.passes[work.name] is type(work)


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
        table.add_pipeline(Idle)


def test_what_a_module_imports_is_not_its_own():
    module = ModuleType("elsewhere")
    own = type("Own", (Idle,), {"name": "test-pipeline", "__module__": "elsewhere"})
    module.Nothing, module.Pass, module.Idle, module.Own = Nothing, Pass, Idle, own
    table = registry.Registry()
    table.add_module(module)
    assert not table.passes
    assert table.pipelines == {"test-pipeline": own}


def test_a_registry_is_a_new_one_each_time():
    registry.load().add_pass(Nothing)
    assert "test-nothing" not in registry.load().passes
