"""Passes from elsewhere: a Python file that defines subclasses of `Pass`, for `--load-pass-plugin`."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from catgrad.passes.registry import Registry
from catgrad.tools.driver.errors import UsageError

__all__ = ["load"]


def load(path: str, registry: Registry) -> None:
    """Run the Python file at `path` and register the passes and pipelines that it defines.

    Raises:
        UsageError: The file cannot be run, or defines a name that is taken.
    """
    name = f"catgrad_plugin_{Path(path).stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot load the plugin '{path}': it is not a Python file")
    module = module_from_spec(spec)
    # Dataclasses look up their module by name to resolve annotations.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        registry.add_module(module)
    except Exception as error:
        raise UsageError(f"cannot load the plugin '{path}': {type(error).__name__}: {error}") from error
