"""Resolution of what a command line names: a trained or trainable model, or an object of a Python file."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from reprlib import repr as shortened
from traceback import walk_tb
from typing import Any

from catgrad.autodiff.learner import Learner
from catgrad.cli.program import Program
from catgrad.cli.saved_run import is_run, read_run
from catgrad.cli.tasks import MODELS, TASKS, Settings
from catgrad.errors import CatgradError
from catgrad.location import Location
from catgrad.runtime import Executable
from catgrad.term import Term
from catgrad.types import TensorType, parse_type

__all__ = ["blame", "find", "load", "parse_types", "settings_of", "split"]

_MODULE = "__catgrad_main__"
"""The name of the user's file as a module: its own could be that of another."""
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def find(name: str, *, types: str | None = None, step: bool = False, target: str = "cpu") -> Program:
    """Return the program that `name` stands for.

    Args:
        name: "digits", "iris:hidden", the folder of a training run, or "path/to/file.py:object". The object is a term,
            a pair (function, types), or a function, `Module` or `Learner`, which needs `types`.
        types: The types of the arguments, separated by commas.
        step: The training step instead of the model.
        target: What to compile for.

    Raises:
        CatgradError: There is no such thing, or its file fails.
    """
    path, member = split(name)
    if path is not None:
        return _program(name, load(path, member), types, step, target)
    settings = settings_of(name)
    if types is not None:
        raise CatgradError(f"--types is for objects of a file: the types of {name} are known")
    return settings.step(target) if step else settings.predict(target)


def split(name: str) -> tuple[Path | None, str]:
    """Return the file and the rest of "path/to/file.py:object"; None where there is no file.

    Example:
        >>> split("iris:hidden")
        (None, 'iris:hidden')
    """
    path, _, member = name.rpartition(":")
    return (Path(path), member) if path.endswith(".py") else (None, name)


def parse_types(text: str) -> tuple[TensorType, ...]:
    """Read types that are separated by commas.

    Raises:
        TypeCheckError: The text is something else.

    Example:
        >>> parse_types("f32[B, 784], i32[B]")
        (f32[B, 784], i32[B])
    """
    return tuple(map(parse_type, re.split(r",(?![^\[]*\])", text))) if text.strip() else ()


@contextmanager
def blame(path: Path | None) -> Iterator[None]:
    """Turn what the user's file raises, if there is one, into a `CatgradError` at the file's line where it has one."""
    try:
        yield
    except CatgradError:
        raise
    except SyntaxError as error:
        place = Location(error.filename or str(path), error.lineno or 0, error.offset or 0)
        raise CatgradError(f"SyntaxError: {error.msg}", place) from error
    except (Exception, SystemExit) as error:
        if path is None:
            raise
        raise CatgradError(f"{type(error).__name__}: {error}", _innermost(error, path)) from error


def settings_of(name: str) -> Settings:
    """Return the settings of a trainable model, or of a training run.

    Raises:
        CatgradError: There is no such model.
    """
    dataset, _, model = name.partition(":")
    is_known = dataset in TASKS and (model or "hidden") in MODELS
    if is_known and not is_run(Path(name)):
        return TASKS[dataset].settings(model=model or None)
    if name and Path(name).is_dir():
        return read_run(Path(name)).settings
    if name.endswith(".py"):
        raise CatgradError(f"{name} is a file: say which object of it, as in {name}:object")
    meant = f"; did you mean {dataset}.py:{model or 'object'}?" if Path(f"{dataset}.py").is_file() else ""
    raise CatgradError(
        f"unknown model {shortened(name)}: expected one of {', '.join(TASKS)}, with one of :{', :'.join(MODELS)} after "
        f"it; the folder of a training run; or path/to/file.py:object{meant}"
    )


def load(path: Path, member: str) -> Any:
    """Run a Python file, which may import its neighbours, and return the object that it calls `member`.

    Raises:
        CatgradError: There is no such file or object, or the file fails.
    """
    spec = spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise CatgradError(f"there is no file {path}")
    module = sys.modules[_MODULE] = module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    with blame(path):
        spec.loader.exec_module(module)
    if not hasattr(module, member):
        raise CatgradError(f"{path} has no object {member!r}")
    return getattr(module, member)


def _program(name: str, value: Any, types: str | None, step: bool, target: str) -> Program:
    if isinstance(value, type):
        raise CatgradError(f"{name} is a class: name an object that it makes, such as {_instance(name, value)}")
    if step and not isinstance(value, Learner):
        raise CatgradError(f"{name} has no training step: it is not a Learner")
    if isinstance(value, Term):
        return Program(value, target=target)
    if isinstance(value, tuple) and len(value) == 2:
        function, own = value
        _check_traceable(f"the first of {name}", function)
        return Program(function, own if isinstance(own, tuple) else (own,), target=target)
    _check_traceable(name, value)
    if types is None:
        raise CatgradError(f"{name} needs the types of its arguments, such as --types 'f32[B, 784], i32[B]'")
    if isinstance(value, Learner):
        value = value.step if step else value.predict
    return Program(value, parse_types(types), target=target)


def _check_traceable(name: str, value: Any) -> None:
    """Raise `CatgradError` unless a value is something that types make a program of."""
    if isinstance(value, Executable) or not (isinstance(value, Learner) or callable(value)):
        kind = type(value).__name__
        raise CatgradError(f"{name} is of type {kind}: expected a function, Module, Learner, Term or (function, types)")


def _instance(name: str, cls: type) -> str:
    """Return how an object of a class is made and named: "net = Mlp(inputs, classes), which is model.py:net"."""
    try:
        parameters: Iterable[inspect.Parameter] = inspect.signature(cls).parameters.values()
    except ValueError:
        parameters = ()
    needed = [each.name for each in parameters if each.default is each.empty and each.kind not in _VARIADIC]
    return f"net = {cls.__name__}({', '.join(needed)}), which is {split(name)[0]}:net"


def _innermost(error: BaseException, path: Path) -> Location | None:
    """Return the innermost line of the file at `path` that led to `error`."""
    place = None
    for frame, line in walk_tb(error.__traceback__):
        if Path(frame.f_code.co_filename).resolve() == path.resolve():
            place = Location(frame.f_code.co_filename, line, 0, frame.f_code.co_name)
    return place
