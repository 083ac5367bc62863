"""Every operation of the table has everything that an operation must have."""

import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from catgrad.autodiff import DERIVATIVES
from catgrad.autodiff.rules import NotDifferentiable, Reverse
from catgrad.errors import RegistryError
from catgrad.ops import OPS, call, copy
from catgrad.passes.to_linalg import LOWERINGS
from catgrad.rewrite.rules import RULES
from catgrad.types import dtypes

ROOT = Path(__file__).parent.parent
LIT = ROOT / "lit_tests" / "passes" / "to-linalg"

every = pytest.mark.parametrize("op", OPS.values(), ids=OPS)
LOWERED = [op for op in OPS.values() if op not in (copy, call)]
"""A copy is a value used twice, and a call is one of `func`: neither is an operation of the dialect."""


@every
def test_entry(op):
    assert OPS[op.name] is op
    assert re.fullmatch(r"[a-z][a-z0-9_]*", op.name)
    assert callable(op.typing)
    assert callable(op.reference)
    assert set(op.dtypes) <= set(dtypes)
    assert op.dtypes


@every
def test_documentation_begins_with_name_and_type(op):
    assert re.match(rf"{op.name} : .+ → .+", op.doc), op.doc


@every
def test_samples(op):
    for dtype in op.dtypes:
        assert op is call or op.samples(dtype), f"{op.name} has no samples for {dtype}: add some to its entry"


@every
def test_samples_have_the_dtype_and_the_attributes_of_the_entry(op):
    for dtype in op.dtypes:
        for sample in op.samples(dtype):
            assert set(sample.attributes) == set(op.attributes)
            assert len(sample.inputs) == len(op.inputs)
            given = [x.dtype for x in sample.inputs]
            assert not given or dtype.numpy in given


@every
def test_names_of_operands_and_attributes_are_those_of_the_typing_rule(op):
    parameters = inspect.signature(op.typing).parameters.values()
    named = {p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}
    assert set(op.attributes) <= {p.name for p in parameters}
    assert not named or not op.inputs or set(op.inputs) <= named


@pytest.mark.parametrize("op", [op for op in OPS.values() if op is not call], ids=lambda op: op.name)
def test_derivative(op):
    rule = DERIVATIVES[op]
    assert isinstance(rule, Reverse) or (isinstance(rule, NotDifferentiable) and rule.reason)
    if isinstance(rule, Reverse):
        assert set(rule.saved) <= {*op.inputs, "out"}
        assert set(rule.static) <= {*op.inputs, *op.attributes}


@pytest.mark.parametrize("op", LOWERED, ids=lambda op: op.name)
def test_lowering(op):
    assert callable(LOWERINGS[op])


def test_lit_tests_mention_every_lowering():
    text = "".join(path.read_text(encoding="utf-8") for path in LIT.glob("*.mlir"))
    missing = [op.name for op in LOWERED if not re.search(rf"catgrad\.{op.name}\b", text)]
    assert not missing, f"no file of {LIT.relative_to(ROOT)} has a case for: {', '.join(missing)}"


@pytest.mark.parametrize("table", [DERIVATIVES, LOWERINGS, RULES], ids=lambda table: table._what)
def test_tables_have_rules_for_operations_of_the_table_only(table):
    assert len(table) == len(set(table))
    assert all(OPS.get(op.name) is op for op in table)


@pytest.mark.parametrize("table", [DERIVATIVES, LOWERINGS, RULES], ids=lambda table: table._what)
def test_a_missing_rule_names_operation_table_and_file(table):
    with pytest.raises(RegistryError, match=rf"operation frobnicate has no {table._what}: add one to .+") as caught:
        table[SimpleNamespace(name="frobnicate")]
    place = str(caught.value).rsplit(" ", 1)[1]
    assert (ROOT / place).exists()
