"""From the name of a model to the functions of a library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from catgrad.autodiff.learner import Learner
from catgrad.cached import cached_property
from catgrad.cli import subject
from catgrad.cli.program import Program
from catgrad.cli.saved_run import is_run, read_run
from catgrad.errors import CatgradError
from catgrad.export.names import library_name
from catgrad.export.programs import FUNCTIONS, PREDICT, bound, check_types, initial
from catgrad.lang.module import Module
from catgrad.runtime.signature import Signature
from catgrad.term import Term

__all__ = ["Model"]


@dataclass(frozen=True)
class Model:
    """Source of a library, as users name it on the command line.

    Attributes:
        name: See `catgrad.cli.subject.find`.
        types: The types of the arguments of a function, module, or learner's step in a file, separated by commas.
        bind: Values for symbolic dimensions.
    """

    name: str
    types: str | None = None
    bind: Mapping[str, int] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        """Name of the library.

        Example:
            >>> Model("runs/digits").identifier, Model("iris:hidden").identifier, Model("my-model.py:net").identifier
            ('digits', 'iris_hidden', 'net')
        """
        path, member = subject.split(self.name)
        return library_name(member if path else Path(self.name).name)

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions that it has; what is no learner can only predict."""
        return FUNCTIONS if isinstance(self._object, Learner) else (PREDICT,)

    @property
    def parameters(self) -> dict[str, Any] | None:
        """The parameters of a training run, else initial ones; None for what has none."""
        if subject.split(self.name)[0] is None and is_run(Path(self.name)):
            return read_run(Path(self.name)).parameters()
        model = self._object.model if isinstance(self._object, Learner) else self._object
        return model.init(seed=0) if isinstance(model, Module) else None

    def programs(self, functions: Sequence[str]) -> dict[str, tuple[Term, Signature]]:
        """Return what to compile, by name.

        Raises:
            CatgradError: The model has no such function, or no dimension of a name that is given a value.
        """
        absent = set(functions) - set(self.functions)
        if absent:
            raise CatgradError(f"{self.name} has no {', '.join(sorted(absent))}: it is not a Learner")
        if isinstance(self._object, Learner) and self.types is not None:
            check_types(subject.parse_types(self.types))
        made = {name: self._program(name) for name in functions}
        symbols = {symbol.name for program in made.values() for symbol in replace(program, bind={}).term.symbols}
        if self.bind.keys() - symbols:
            raise CatgradError(f"--bind: {self.name} has the dimensions {sorted(symbols)}, given {sorted(self.bind)}")
        return {name: self._prepared(name, program) for name, program in made.items()}

    @cached_property
    def _object(self) -> Any:
        path, member = subject.split(self.name)
        return subject.settings_of(self.name).learner if path is None else subject.load(path, member)

    def _program(self, function: str) -> Program:
        if function != PREDICT:
            return subject.find(self.name, types=self.types, step=True)
        types = self.types
        if types is not None and isinstance(self._object, Learner):
            types = _without_targets(types)
        return subject.find(self.name, types=types)

    def _prepared(self, name: str, program: Program) -> tuple[Term, Signature]:
        term, signature = bound(program.function, program.types, {**program.bind, **self.bind})
        return initial(term) if name == "init" else (term, signature)


def _without_targets(types: str) -> str:
    """Return the types of a learner's prediction, given those of its step."""
    return ", ".join(map(str, subject.parse_types(types)[:-1]))
