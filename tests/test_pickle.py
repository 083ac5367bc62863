"""Modules, terms, learners and executables, pickled and copied; those of pickles in another process as well."""

import copy
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim
from catgrad.errors import CatgradError

B = cg.dim("B", multiple_of=2)
X = np.arange(8, dtype=np.float32).reshape(4, 2)


class Two(NamedTuple):
    first: object
    second: object = None


@dataclass(frozen=True)
class State:
    weight: object
    rest: object = ()


class Model(cg.Module):
    def __init__(self):
        self.layers = Two(nn.Linear(2, 3), [nn.Linear(3, 1, initializer=nn.init.normal(0.1))])
        self.shared = State(self.layers.first)
        self.table = np.ones(3, np.float32)
        self.activation = cg.tanh

    def forward(self, x):
        return self.layers.second[0](self.activation(self.shared.weight(x)) + self.table)


@cg.function
def advance(state, x):
    return State(state.weight * 2, Two(cg.sum(x), None)), {"y": [x + 1]}


def again(value):
    return pickle.loads(pickle.dumps(value))


WAYS = pytest.mark.parametrize("way", [again, copy.deepcopy, copy.copy])


@WAYS
def test_steps_and_predictions_of_a_learner(way):
    learner = cg.learner(nn.Linear(2, 1), loss=nn.mse, optimizer=optim.sgd(0.1))
    y = np.ones((4, 1), np.float32)
    (_, first), (_, second) = (step(learner.init(0), X, y) for step in (learner.step, way(learner.step)))
    assert first == second
    parameters = learner.init(0)["parameters"]
    np.testing.assert_array_equal(way(learner.predict)(parameters, X), learner.predict(parameters, X))


@WAYS
def test_modules(way):
    model = Model()
    values, made = model.init(seed=3), way(model)
    assert type(made) is Model
    assert made.layers.first is made.shared.weight
    for path, value in made.init(seed=3).items():
        np.testing.assert_array_equal(value, values[path])
    np.testing.assert_array_equal(made.apply(values, X), model.apply(values, X))
    np.testing.assert_array_equal(way(model.bind(values))(X), model.apply(values, X))


@WAYS
def test_learners(way):
    made = cg.learner(Model(), loss=nn.mse, optimizer=optim.adam(1e-2))
    y = np.ones((4, 1), np.float32)
    results = [learner.step(learner.init(seed=1), X, y)[1].item() for learner in (made, way(made))]
    assert results[0] == results[1]


@WAYS
def test_terms(way):
    learner = cg.learner(Model(), loss=nn.mse, optimizer=optim.sgd(0.1))
    for term in (
        cg.trace(learner.step, cg.f32[B, 2], cg.f32[B, 1]),
        cg.trace(advance, State(cg.f32[()]), cg.f32[B]),
    ):
        made = way(term)
        assert (str(made), made.input_names, len(made.definitions)) == (
            str(term),
            term.input_names,
            len(term.definitions),
        )
        assert (made.input_tree, made.output_tree) == (term.input_tree, term.output_tree)
        cg.check(made)


@WAYS
def test_executables(way):
    exe = cg.compile(advance, State(cg.f32[()]), cg.f32[B], donate=0, strict=True, bind={"B": 4})
    made = way(exe)
    assert (repr(made), made.signature) == (repr(exe), exe.signature)
    state, results = made(State(np.float32(3)), X[:, 0].copy())
    assert (state.weight, state.rest.first, type(state.rest)) == (6, 12, Two)
    assert results["y"][0].tolist() == (X[:, 0] + 1).tolist()
    with pytest.raises(CatgradError, match="not C-contiguous"):
        made(State(np.float32(3)), X[:, 0])


def test_executables_for_gpus_are_where_their_kernels_are():
    exe = cg.compile(lambda x: x + 1, cg.f32[3], target="cuda:emulate")
    with pytest.raises(CatgradError, match="an executable for a GPU cannot be saved"):
        pickle.dumps(exe)


def test_a_process_of_its_own(tmp_path):
    model = Model()
    parts = {
        "model": model,
        "term": cg.trace(advance, State(cg.f32[()]), cg.f32[4]),
        "exe": cg.compile(advance, State(cg.f32[()]), cg.f32[4]),
        "learner": cg.learner(model, loss=nn.mse, optimizer=optim.adam(1e-2)),
    }
    (tmp_path / "all").write_bytes(pickle.dumps(parts))
    program = f"""
import importlib, pathlib, pickle
import numpy as np, catgrad as cg
found = pickle.loads(pathlib.Path({str(tmp_path / "all")!r}).read_bytes())
State = importlib.import_module({__name__!r}).State
x = np.arange(4, dtype=np.float32)
for run in (found["exe"], lambda *a: cg.interpret(found["term"], *a)):
    state, results = run(State(np.float32(3)), x)
    assert state.weight == 6 and state.rest.first == 6 and results["y"][0][3] == 4
print(sorted(found["learner"].init()["parameters"]) == sorted(found["model"].parameters()))
"""
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout == "True\n", done.stderr


def test_operations_and_decorated_functions_are_themselves():
    for each in (cg.exp, cg.sum, advance):
        assert again(each) is copy.deepcopy(each) is each
