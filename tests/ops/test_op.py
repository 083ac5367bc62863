"""Entries of the table: labels, the public form, and recorders."""

import inspect

import array_api_strict
import numpy as np
import pytest

import catgrad as cg
from catgrad import ops
from catgrad.errors import RegistryError, TypeCheckError
from catgrad.ops import OPS, Op, Operation, recording, typeof
from catgrad.types import f32, f64, i32


def test_a_name_is_taken_once():
    with pytest.raises(RegistryError, match=r"exp is in the table already: see catgrad/ops"):
        Op("exp", ("x",), {}, typing=lambda x: x, reference=lambda xp, x: x, samples=lambda dtype: [], dtypes=())
    assert OPS["exp"] is ops.exp


def test_labels_are_equal_by_operation_and_attributes():
    a, b = ops.sum.operation(axes=(0,)), ops.sum.operation(axes=(0,))
    assert a == b
    assert hash(a) == hash(b)
    assert a != ops.sum.operation(axes=(1,))
    assert a != ops.max.operation(axes=(0,))
    assert str(a) == "sum[axes=(0,)]"
    assert str(ops.exp.operation()) == "exp"


def test_an_entry_shows_itself_as_a_function():
    assert repr(ops.exp) == "<operation exp>"
    assert ops.contract.__name__ == "contract"
    assert list(inspect.signature(ops.where).parameters) == ["condition", "x", "y"]
    assert "IEEE 754" in inspect.getdoc(ops.pow)


def test_an_operation_on_arrays_is_evaluated_at_once():
    assert ops.exp(np.zeros(2)).tolist() == [1.0, 1.0]
    assert ops.exp(0.0).dtype == np.float32


def test_an_operation_stays_in_the_library_of_its_arrays():
    x = array_api_strict.asarray([0.0, 1.0])
    assert isinstance(ops.exp(x), type(x))
    assert typeof(x) is f64[2]


def test_recorders_nest():
    class Names:
        def __init__(self):
            self.seen = []

        def record(self, operation, operands):
            self.seen.append(str(operation))
            return (operands[0],)

        def constant(self, array):
            return array

    outer, inner = Names(), Names()
    x = np.zeros(2)
    with recording(outer):
        ops.exp(x)
        with recording(inner):
            ops.log(x)
        ops.sin(x)
    ops.cos(x)
    assert (outer.seen, inner.seen) == (["exp", "sin"], ["log"])


@pytest.mark.parametrize("value", [None, "text", ["text"], {}, object(), 1j, np.uint8(3), np.zeros(2, complex)])
def test_what_is_no_array_is_refused(value):
    with pytest.raises(TypeCheckError, match="expected"):
        ops.exp(value)


def test_an_operation_may_have_several_results():
    assert len(Operation(ops.copy, (("count", 3),)).typing(f32[2])) == 3
    assert Operation(ops.copy, (("count", 0),)).typing(f32[2]) == ()


def test_a_call_takes_exactly_what_its_definition_takes():
    term = cg.trace(lambda x, y: x + y, f32[2], f32[2])
    label = ops.call.operation(definition=ops.Definition("f", term))
    assert label.typing(f32[2], f32[2]) == (f32[2],)
    with pytest.raises(TypeCheckError, match=r"f takes \(f32\[2\], f32\[2\]\); given \(f32\[2\], i32\[2\]\)"):
        label.typing(f32[2], i32[2])
