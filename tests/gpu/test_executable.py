"""Executables on a device: arrays that live there, what is copied, and what is refused."""

import copy
import gc
import json
import pickle

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim
from catgrad.cli import main
from catgrad.cli.data import load
from catgrad.cli.tasks import TASKS
from catgrad.errors import ArgumentError, CatgradError
from catgrad.runtime.gpu.array import DeviceArray
from catgrad.runtime.gpu.devices import find_device
from catgrad.runtime.gpu_emulator import EmulationError

EMULATED = "cuda:emulate"
X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(scope="module", params=[EMULATED, pytest.param("cuda", marks=pytest.mark.gpu)])
def target(request):
    return request.param


@pytest.fixture(scope="module")
def double(target):
    return cg.compile(lambda x: x + x, cg.f32["B", 3], target=target)


@pytest.fixture(scope="module")
def emulated():
    return cg.compile(lambda x: x + x, cg.f32["B", 3], target=EMULATED)


@pytest.fixture(scope="module")
def update(target):
    def update(state, x):
        return {"w": state["w"] - x, "n": state["n"] + 1}, cg.sum(x)

    return cg.compile(update, {"w": cg.f32[3], "n": cg.i32[()]}, cg.f32[3], donate=0, target=target)


def test_results_are_on_the_device_and_become_numpy(double):
    y = double(X)
    assert isinstance(y, DeviceArray)
    assert (y.shape, y.dtype, y.ndim, y.size, y.nbytes) == ((2, 3), np.float32, 2, 6, 24)
    np.testing.assert_array_equal(np.asarray(y), X + X)
    np.testing.assert_array_equal(np.asarray(double(y)), 4 * X)
    assert f"device={double.device.name!r}" in repr(y)
    with pytest.raises(ValueError, match="is copied"):
        np.array(y, copy=False)


def test_a_result_that_memory_does_not_hold(emulated, monkeypatch):
    def refuse(size, *rest):
        raise MemoryError("no memory is left")

    monkeypatch.setattr(np, "full", refuse)
    with pytest.raises(EmulationError, match=r"cannot allocate 24 bytes: this machine has not that much memory"):
        emulated(X)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_has_memory_of_its_own(update, duplicate):
    state = update({"w": np.ones(3, np.float32), "n": np.int32(0)}, np.ones(3, np.float32))[0]
    best = {name: duplicate(array) for name, array in state.items()}
    update(state, np.ones(3, np.float32))
    assert all(best[name].device is state[name].device for name in best)
    assert (np.asarray(best["w"]).tolist(), int(best["n"])) == ([0, 0, 0], 1)


def test_an_array_of_a_device_is_not_pickled(double):
    with pytest.raises(TypeError, match=r"pass np\.asarray\(x\)"):
        pickle.dumps(double(X))


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_one_executable_serves_every_size(double, rows):
    x = np.random.default_rng(0).standard_normal((rows, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(double(x)), x + x)


@pytest.mark.parametrize("rows", [127, 128, 129])
def test_elements_that_are_computed_one_by_one(target, rows):
    """128 rows fill all blocks, of threads that have one element each."""
    x = np.random.default_rng(0).standard_normal((rows, 10)).astype(np.float32)
    centred = cg.compile(lambda x: x - cg.max(x, axis=1, keepdims=True), cg.f32[rows, 10], target=target)
    np.testing.assert_array_equal(np.asarray(centred(x)), x - x.max(axis=1, keepdims=True))


def test_a_donated_state_stays_on_the_device(update):
    w = np.ones(3, np.float32)
    state, total = update({"w": w, "n": 4}, X[0])
    assert (w == 1).all()
    assert float(total) == 3
    assert int(state["n"]) == 5
    again, _ = update(state, X[0])
    assert again["w"] is state["w"]
    np.testing.assert_array_equal(np.asarray(again["w"]), 1 - 2 * X[0])


def test_results_are_written_where_they_are_wanted(double):
    target = double(X)
    assert double(2 * X, out=target) is target
    np.testing.assert_array_equal(np.asarray(target), 4 * X)
    with pytest.raises(ArgumentError, match="got a ndarray: pass a DeviceArray"):
        double(X, out=X.copy())
    with pytest.raises(ArgumentError, match=r"the array has shape \(2, 3\): pass one of shape \(1, 3\)"):
        double(X[:1], out=target)


def test_what_does_not_fit_is_refused(double, update):
    other = cg.compile(lambda x: x, cg.f64[2, 3], target=double.target)(X.astype(np.float64))
    with pytest.raises(ArgumentError, match=r"x must be f32\[B, 3\], but got float64 of shape \(2, 3\)"):
        double(other)
    with pytest.raises(ArgumentError, match=r"x must be f32\[B, 3\], but got int64 of shape \(2, 3\)"):
        double(X.astype(int))
    with pytest.raises(ArgumentError, match="x axis 1: expected 3, got 2"):
        double(X[:, :2].copy())
    state, _ = update({"w": X[0], "n": 0}, X[0])
    with pytest.raises(ArgumentError, match="share memory"):
        update(state, state["w"])
    with pytest.raises(ArgumentError, match="is no number"):
        float(state["w"])


def test_arrays_of_the_host_are_copied_to_fit(double, update):
    for given in (np.asfortranarray(X), X.astype(np.float64), X.tolist(), X[::-1][::-1].astype(">f4")):
        np.testing.assert_array_equal(np.asarray(double(given)), 2 * X)
    strided = np.ones((3, 2), np.float32)[:, 0]
    state, _ = update({"w": strided, "n": np.int64(4)}, X[0])
    assert int(state["n"]) == 5
    assert (strided == 1).all()


def test_an_array_of_another_device_is_refused(double):
    class Elsewhere:
        name = "elsewhere"

    y = double(X)
    y.device = Elsewhere()
    with pytest.raises(ArgumentError, match=r"it is on elsewhere: pass np.asarray\(x\)"):
        double(y)
    y.device = double.device


def test_training_on_the_device_is_training(target):
    learner = cg.learner(nn.Linear(3, 2), loss=nn.softmax_cross_entropy, optimizer=optim.adam(0.1))
    labels = np.array([0, 1], np.int32)
    losses = []
    for place in ("cpu", target):
        step, state = cg.compile(learner.step, cg.f32[2, 3], cg.i32[2], target=place), learner.init(seed=0)
        losses.append([])
        for _ in range(5):
            state, loss = step(state, X, labels)
            losses[-1].append(float(loss))
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


@pytest.mark.parametrize("steps", [10, pytest.param(50, marks=pytest.mark.slow)])
def test_steps_of_digits_have_the_losses_of_the_processor(target, steps):
    settings = TASKS["digits"].settings()
    examples = load("digits", 0).train
    losses = []
    for place in ("cpu", target):
        step, state = settings.step(place).executable, settings.learner.init(0)
        losses.append([])
        for number in range(steps):
            batch = examples[slice(number % 40 * settings.batch, (number % 40 + 1) * settings.batch)]
            state, loss = step(state, batch.x, batch.y)
            losses[-1].append(float(loss))
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


@pytest.mark.slow
def test_the_command_trains_on_the_device(target, capsys, tmp_path):
    command = ["train", "iris", "--model", "dense", "--epochs", "1", "--target", target, "--json"]
    assert main([*command, "--save", str(tmp_path)]) == 0
    written = json.loads(capsys.readouterr().out)
    assert written["train_accuracy"] > 0.3
    assert "nvvm" in written["files"]["ir"]
    assert (tmp_path / "ir" / "09-ptx.ptx").read_text().count(".visible .entry") > 1
    assert main(["show", str(tmp_path), "--step", "--target", target, "--stage", "gpu"]) == 0
    assert "gpu.module @kernels" in capsys.readouterr().out


def test_a_function_without_kernels(target):
    empty = cg.compile(lambda x: x, cg.f32[0, 3], target=target)
    assert np.asarray(empty(np.zeros((0, 3), np.float32))).shape == (0, 3)


def test_an_interrupt_reaches_the_caller(emulated, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(emulated._code._kernels._emulator, "launch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        emulated(X)


def test_memory_is_freed(emulated):
    device = find_device(EMULATED)
    y = emulated(X)
    gc.collect()
    before = len(device._memory.table())
    for _ in range(100):
        y = emulated(y)
        y = emulated(X)
    gc.collect()
    assert len(device._memory.table()) == before


def test_an_error_in_a_kernel_is_an_error_of_the_call(emulated):
    y = emulated(X)
    address, y.address = y.address, y.address + (1 << 20)
    with pytest.raises(CatgradError, match="lambda_kernel"):
        emulated(y)
    y.address = address
    np.testing.assert_array_equal(np.asarray(emulated(y)), 4 * X)


def test_it_is_not_saved(double, tmp_path):
    with pytest.raises(CatgradError, match="cannot be saved"):
        double.save(tmp_path / "double")
