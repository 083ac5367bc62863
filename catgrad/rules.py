"""Rule tables: what is known about each operation, registered once, keyed by the operation itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from catgrad.errors import RegistryError

__all__ = ["Named", "RuleTable"]


class Named(Protocol):
    """Anything with a name to show in an error."""

    @property
    def name(self) -> str:
        """The name users know it by."""


K = TypeVar("K", bound=Named)
R = TypeVar("R")


class RuleTable(Generic[K, R]):
    """A table of rules that refuses duplicates, and says which file to edit when a rule is missing.

    Args:
        what: What a rule is, in the singular: "derivative".
        file: Where rules are written: "catgrad/autodiff/rules.py".

    Example:
        >>> from types import SimpleNamespace
        >>> exp = SimpleNamespace(name="exp")
        >>> table = RuleTable("derivative", "catgrad/autodiff/rules.py")
        >>> table[exp]
        Traceback (most recent call last):
        ...
        catgrad.errors.RegistryError: the operation exp has no derivative: add one to catgrad/autodiff/rules.py
        >>> table.add(exp, "out * dy")
        >>> table[exp]
        'out * dy'
    """

    def __init__(self, what: str, file: str) -> None:
        self._what = what
        self._file = file
        self._rules: dict[int, tuple[K, R]] = {}

    def add(self, key: K, rule: R) -> None:
        """Register `rule` for `key`; raise `RegistryError` if it has one."""
        if id(key) in self._rules:
            raise RegistryError(f"the operation {key.name} has a {self._what} already: see {self._file}")
        self._rules[id(key)] = (key, rule)

    def rule(self, *keys: K) -> Callable[[R], R]:
        """Return a decorator that registers a function for each of `keys`."""

        def register(rule: R) -> R:
            for key in keys:
                self.add(key, rule)
            return rule

        return register

    def __getitem__(self, key: K) -> R:
        if id(key) not in self._rules:
            raise RegistryError(f"the operation {key.name} has no {self._what}: add one to {self._file}")
        return self._rules[id(key)][1]

    def __contains__(self, key: K) -> bool:
        return id(key) in self._rules

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self._rules.values())

    def __len__(self) -> int:
        return len(self._rules)
