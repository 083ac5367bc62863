"""Losses: their values and gradients against closed forms in f64, and what they refuse."""

import functools
import warnings

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.types import TensorType, bool_, f16, f32, f64, i32, i64

N, C = cg.dim("N"), cg.dim("C")
INF = np.inf

LOGITS = np.array([[1, 2, -INF, 0], [0, 0, 0, 0], [-INF, -INF, 3, -INF], [-INF] * 4, [1e4, -1e4, 0, 5]])
LABELS = np.array([0, 3, 2, -1, 0])
TARGETS = np.array([[0.25, 0.75, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0.5, 0, 0.25, 0.25]])

RUNS = pytest.mark.parametrize("run", ["interpreter", "cpu", pytest.param("cuda:emulate", marks=pytest.mark.slow)])


def _run(run, f, *arrays):
    term = cg.trace(f, *map(TensorType.of, arrays))
    results = cg.interpret(term, *arrays) if run == "interpreter" else cg.compile(term, target=run)(*arrays)
    return [np.asarray(y).astype(np.float64) for y in results]


def _log_softmax(x):
    top = x.max(-1, keepdims=True)
    return x - top - np.log(np.exp(x - top).sum(-1, keepdims=True))


@pytest.mark.sampled(2, "dtype")
@RUNS
@pytest.mark.parametrize("dtype", [f32, f16, f64], ids=str)
def test_cross_entropy_with_excluded_classes_and_ignored_rows(dtype, run):
    def f(x, labels, targets):
        ignoring = lambda x, labels: nn.softmax_cross_entropy(x, labels, ignore_index=-1)  # noqa: E731
        return *cg.value_and_grad(ignoring)(x, labels), *cg.value_and_grad(nn.softmax_cross_entropy)(x, targets)

    x, targets = LOGITS.astype(dtype.numpy), TARGETS.astype(dtype.numpy)
    loss, gradient, soft, soft_gradient = _run(run, f, x, LABELS.astype(np.int32), targets)
    kept = [0, 1, 2, 4]
    logs = _log_softmax(x[kept].astype(np.float64))
    tolerance = {f16: 2e-3, f32: 1e-6, f64: 1e-14}[dtype]
    hot = np.eye(4)[LABELS[kept]]
    np.testing.assert_allclose(loss, -np.where(hot > 0, logs, 0).sum() / 4, rtol=tolerance)
    np.testing.assert_allclose(gradient[kept], (np.exp(logs) - hot) / 4, atol=tolerance)
    assert gradient[3].tolist() == [0.0] * 4
    assert np.isnan(soft)
    np.testing.assert_allclose(soft_gradient[kept], (np.exp(logs) - TARGETS[kept]) / 5, atol=tolerance)


@RUNS
def test_labels_that_are_no_class_make_their_row_nan(run):
    x = LOGITS[[1, 1, 1]].astype(np.float32)
    f = cg.value_and_grad(lambda x, labels: nn.softmax_cross_entropy(x, labels))
    for wrong in (4, -1, 2**31 - 1) if run == "interpreter" else (4,):
        loss, gradient = _run(run, f, x, np.array([0, wrong, 1], np.int32))
        assert np.isnan(loss)
        assert np.isnan(gradient).all(axis=1).tolist() == [False, True, False]


def test_labels_that_are_arguments_of_a_traced_function_are_not_known():
    x, labels, loss = np.zeros((3, 4), np.float32), np.array([0, 4, 1], np.int32), nn.softmax_cross_entropy
    learner = cg.learner(nn.Linear(4, 4), loss=loss, optimizer=cg.optim.sgd(0.1))
    term = cg.trace(loss, f32[3, 4], i32[3])
    for run in (
        cg.function(loss),
        lambda x, labels: cg.interpret(term, x, labels),
        cg.compile(term),
        lambda x, labels: cg.value_and_grad(loss)(x, labels)[0],
        lambda x, labels: cg.grad(loss)(x, labels)[1].sum(),
        lambda x, labels: cg.vjp(loss)(x, labels, np.float32(1))[0],
        lambda x, labels: learner.step(learner.init(), x, labels)[1],
    ):
        assert np.isnan(run(x, labels))
    with pytest.raises(CatgradError, match="given 4"):
        cg.compile(lambda x: loss(x, labels), f32[3, 4])


@pytest.mark.parametrize("dtype", [i32, i64, bool_], ids=str)
def test_predictions_are_floats(dtype):
    x = np.ones((2, 3), dtype.numpy)
    ce = nn.softmax_cross_entropy
    for loss, name, labels in ((ce, "logits", x[:, 0].astype(int)), (ce, "logits", x), (nn.mse, "predictions", x)):
        message = rf"{loss.__name__} needs floats as {name}; given {dtype}\[2, 3\]: use cg.cast\({name}, cg.f32\)"
        for use in (loss, cg.function(loss), functools.partial(cg.trace, loss), functools.partial(cg.compile, loss)):
            with pytest.raises(TypeCheckError, match=message):
                use(x, labels)


@pytest.mark.parametrize("wrong", [4, -1, -100])
def test_labels_that_are_known_and_no_class_are_refused(wrong):
    labels = np.array([0, wrong, 1])
    with pytest.raises(CatgradError, match=rf"labels are classes in \[0, 4\); given {wrong}"):
        nn.softmax_cross_entropy(np.zeros((3, 4)), labels)
    with pytest.raises(CatgradError, match=rf"given {wrong}"):
        nn.softmax_cross_entropy(np.zeros((3, 4)), labels, ignore_index=7)
    with pytest.raises(CatgradError, match=rf"given {wrong}"):
        cg.trace(lambda x: nn.softmax_cross_entropy(x, labels), f32[3, 4])
    loss = nn.softmax_cross_entropy(np.zeros((3, 4)), labels, ignore_index=wrong)
    np.testing.assert_allclose(loss, np.log(4))


def test_the_mean_over_no_rows_is_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(nn.softmax_cross_entropy(np.zeros((2, 3)), np.array([5, 5]), ignore_index=5))
        assert np.isnan(nn.softmax_cross_entropy(np.zeros((0, 3)), np.zeros(0, np.int32)))
        assert np.isnan(nn.mse(np.zeros(0), np.zeros(0)))


def test_a_class_that_is_excluded_and_wanted_costs_everything():
    x = np.array([[0.0, -INF]])
    for labels in (np.array([1]), np.array([[0.5, 0.5]])):
        assert nn.softmax_cross_entropy(x, labels) == INF
        assert np.isfinite(cg.grad(lambda x, y=labels: nn.softmax_cross_entropy(x, y))(x)).all()


def test_gradients_by_distributions_are_logarithms():
    x, p = np.array([[1.0, 2.0, -INF]]), np.array([[0.0, 1.0, 0.0]])
    gradient = cg.grad(nn.softmax_cross_entropy, wrt=1)(x, p)
    np.testing.assert_allclose(gradient[0, :2], -_log_softmax(x)[0, :2])
    assert gradient[0, 2] == 0


def test_one_row_needs_no_axis_for_it():
    assert nn.softmax_cross_entropy(np.zeros(4), np.asarray(2)) == pytest.approx(np.log(4))
    assert nn.softmax_cross_entropy(np.zeros((2, 3, 4)), np.ones((2, 3), int)) == pytest.approx(np.log(4))


@pytest.mark.parametrize(
    ("loss", "first", "second"),
    [
        (nn.mse, f32[3, 1], f32[3]),
        (nn.mse, f32[3], f32[3, 1]),
        (nn.mse, f32[3], f32[1]),
        (nn.mse, f32[3], f32[()]),
        (nn.mse, f32[N], f32[C]),
        (nn.mse, f16[3], f32[3]),
        (nn.softmax_cross_entropy, f32[3, 4], i32[3, 1]),
        (nn.softmax_cross_entropy, f32[3, 4], i32[1]),
        (nn.softmax_cross_entropy, f32[3, 4], i64[()]),
        (nn.softmax_cross_entropy, f32[3, 4], i32[3, 4]),
        (nn.softmax_cross_entropy, f32[3, 4], i32[4]),
        (nn.softmax_cross_entropy, f32[N, 4], i32[C]),
        (nn.softmax_cross_entropy, f32[()], i32[()]),
        (nn.softmax_cross_entropy, f32[3, 4], f32[4]),
        (nn.softmax_cross_entropy, f32[3, 4], f32[3]),
        (nn.softmax_cross_entropy, f32[3, 4], f32[1, 4]),
        (nn.softmax_cross_entropy, f16[3, 4], f32[3, 4]),
        (nn.softmax_cross_entropy, f32[3, 4], bool_[3, 4]),
        (lambda x, y: nn.softmax_cross_entropy(x, y, ignore_index=0), f32[3, 4], f32[3, 4]),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_does_not_fit_is_refused(loss, first, second):
    with pytest.raises(TypeCheckError, match=r"needs"):
        cg.trace(loss, first, second)


def test_classes_may_be_many_at_run_time():
    f = cg.compile(cg.value_and_grad(nn.softmax_cross_entropy), f32[N, C], i64[N])
    for size in (1, 3):
        loss, gradient = f(np.zeros((2, size), np.float32), np.array([0, size - 1]))
        assert loss == pytest.approx(np.log(size), abs=1e-6)
        assert gradient.shape == (2, size)
    assert np.isnan(f(np.zeros((2, 3), np.float32), np.array([0, 3]))[0])


@RUNS
def test_means_of_squares_in_f16_are_computed_in_f32(run):
    x, y = np.full(100_000, 300, np.float16), np.full(100_000, 290, np.float16)
    loss, gradient = _run(run, cg.value_and_grad(nn.mse), x, y)
    assert loss == 100
    np.testing.assert_allclose(gradient, np.full(100_000, 2e-4), rtol=1e-3)


def test_a_mean_over_no_rows_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = nn.softmax_cross_entropy(np.zeros((2, 3), np.float32), np.array([7, 7]), ignore_index=np.int64(7))
        assert np.isnan(loss)
        assert np.isnan(nn.softmax_cross_entropy(np.zeros((0, 3), np.float32), np.zeros(0, np.int32)))
        assert np.isinf(nn.softmax_cross_entropy(np.array([[0.0, -np.inf]]), np.array([[0.0, 1.0]])))
