"""Tracebacks as users read them: they end at the user's line, without frames of catgrad."""

import traceback
from functools import partial
from traceback import walk_tb

import numpy as np
import pytest
from framing import frames

import catgrad as cg
from catgrad import nn, optim
from catgrad.errors import CatgradError
from catgrad.types import f32


class Model(cg.Module):
    """A model whose second layer fails."""

    def __init__(self, fail):
        self.layer = nn.Linear(3, 4)
        self.fail = fail

    def forward(self, x):
        return self.fail(self.layer(x))


def wrong_shape(y):
    return cg.relu(y).reshape(7)


def own_mistake(y):
    return {}["key"]


def mistake_elsewhere(y):
    return np.linalg.inv(np.zeros((2, 2)))


def chained(y):
    try:
        return y.reshape(7)
    except CatgradError as error:
        raise ValueError("mine") from error


PROGRAMS = {
    "module": lambda fail: cg.compile(Model(fail), f32[2, 3]),
    "learner": lambda fail: cg.compile(
        cg.learner(Model(fail), loss=nn.mse, optimizer=optim.sgd(0.1)).step, f32[2, 3], f32[2, 4]
    ),
    "definitions": lambda fail: cg.trace(lambda x: cg.function(cg.function(fail))(x), f32[2]),
    "gradients": lambda fail: cg.trace(cg.grad(cg.grad(fail)), f32[2]),
    "closures": lambda fail: cg.trace(lambda x: cg.vjp(lambda y: fail(x + y))(x, x), f32[2]),
    "at once": lambda fail: cg.grad(fail)(np.ones(2, np.float32)),
}


def functions(error):
    return [frame.f_code.co_name for frame in frames(error)]


def files(error):
    return {frame.f_code.co_filename for frame in frames(error)}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("fail", "kind"), [(wrong_shape, cg.TypeCheckError), (own_mistake, KeyError), (chained, ValueError)]
)
def test_tracebacks_end_at_the_users_line(program, fail, kind):
    with pytest.raises(kind) as caught:
        PROGRAMS[program](fail)
    assert files(caught.value) == {__file__}
    assert functions(caught.value)[-1] == fail.__name__
    assert len(traceback.format_exception(caught.value)) < 20


def test_errors_that_led_to_another_are_short_as_well():
    with pytest.raises(ValueError, match="mine") as caught:
        cg.trace(chained, f32[2])
    assert files(caught.value.__cause__) == {__file__}
    assert caught.value.__cause__.location.line == chained.__code__.co_firstlineno + 2


def test_errors_of_other_libraries_keep_their_frames():
    with pytest.raises(np.linalg.LinAlgError) as caught:
        cg.trace(mistake_elsewhere, f32[2])
    assert functions(caught.value)[-1] != "mistake_elsewhere"
    assert not any("catgrad/lang" in file for file in files(caught.value))


def test_mistakes_of_catgrad_keep_theirs(monkeypatch):
    monkeypatch.setattr("catgrad.lang.trace.caller", partial({}.__getitem__, "key"))
    with pytest.raises(KeyError) as caught:
        cg.trace(lambda x: cg.exp(x), f32[2])
    assert "record" in functions(caught.value)


def test_all_frames_on_request(monkeypatch):
    monkeypatch.setenv("CATGRAD_TRACEBACK", "full")
    with pytest.raises(cg.TypeCheckError) as caught:
        cg.trace(wrong_shape, f32[2])
    assert "trace_function" in functions(caught.value)
    assert caught.value.location.line == wrong_shape.__code__.co_firstlineno + 1


def test_errors_at_once_end_at_the_users_line():
    for f in (lambda: cg.add(np.ones(3), np.ones(4)), lambda: cg.exp(np.ones(3, np.uint8)), lambda: f32[-1]):
        with pytest.raises(cg.TypeCheckError) as caught:
            f()
        assert files(caught.value) == {__file__}
        assert caught.value.location.file == __file__


def test_the_local_variables_of_the_users_frames_can_be_examined():
    with pytest.raises(cg.TypeCheckError) as caught:
        cg.trace(wrong_shape, f32[2])
    *_, (frame, line) = walk_tb(caught.value.__traceback__)
    assert str(frame.f_locals["y"]) == "<traced f32[2]>"
    assert line == wrong_shape.__code__.co_firstlineno + 1


@pytest.mark.parametrize(
    "arguments", [(np.ones(3, np.float32),), (), ({"x": np.ones(2, np.float32)},), (np.ones(2, np.int64),)], ids=repr
)
def test_a_call_that_does_not_fit_ends_at_its_line(arguments):
    exe = cg.compile(lambda x: x + 1, f32[2])
    with pytest.raises(CatgradError, match=r"exe\(\*arguments\)") as caught:
        exe(*arguments)
    assert functions(caught.value) == ["test_a_call_that_does_not_fit_ends_at_its_line"]


def test_a_name_that_is_not_there_is_shown_at_its_line():
    with pytest.raises(AttributeError, match=r"module 'catgrad' has no attribute .tangent.\n.*\n.*cg") as caught:
        cg.trace(lambda x: cg.tangent(x), f32[2])
    assert functions(caught.value)[-1] == "<lambda>"
    assert not hasattr(cg, "tangent")
