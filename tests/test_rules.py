"""Rule tables refuse duplicates and say what is missing."""

from dataclasses import dataclass

import pytest

from catgrad.errors import RegistryError
from catgrad.rules import RuleTable


@dataclass(eq=True)
class Key:
    name: str


def test_a_rule_is_registered_once():
    table, key = RuleTable("lowering", "passes/rules.py"), Key("exp")
    table.add(key, 1)
    assert table[key] == 1
    with pytest.raises(RegistryError, match=r"the operation exp has a lowering already: see passes/rules\.py"):
        table.add(key, 2)
    assert table[key] == 1


def test_a_missing_rule_says_where_to_write_it():
    table = RuleTable("lowering", "passes/rules.py")
    with pytest.raises(RegistryError, match=r"the operation exp has no lowering: add one to passes/rules\.py"):
        table[Key("exp")]
    with pytest.raises(LookupError):
        table[Key("exp")]


def test_keys_are_objects_and_not_names():
    table, first, second = RuleTable("rule", "file"), Key("exp"), Key("exp")
    table.add(first, 1)
    assert first in table
    assert second not in table
    table.add(second, 2)
    assert (table[first], table[second], len(table)) == (1, 2, 2)
    assert list(table) == [first, second]


def test_one_function_may_be_the_rule_of_several_operations():
    table, keys = RuleTable("rule", "file"), [Key("max"), Key("min")]

    @table.rule(*keys)
    def rule(x):
        return x

    assert table[keys[0]] is table[keys[1]] is rule
    assert rule(3) == 3
