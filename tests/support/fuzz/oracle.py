"""The fuzzing oracle: results of a program with bounds of their rounding errors, by stochastic error analysis.

A program of floats is evaluated by its reference meanings in f64, once as it is and some times with every result of
every operation moved at random by as much as the operation rounds. How far the results move is the condition of this
program at these values: where they stay, compiled code has to be right to a few units in the last place.

Reference: D. Stott Parker, "Monte Carlo arithmetic" (1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np

from catgrad.ops import OPS, Kind, call
from catgrad.passes.to_linalg.math import max_ulp
from catgrad.types import DType, TensorType, f64

__all__ = ["Expected", "expect"]

RUNS = 10
MARGIN = 4.0
"""How many times as far as in the runs a result may be: rounding is no worse than chance, but for single elements."""
SUMS = (OPS["sum"], OPS["contract"])
"""Operations that add terms in an order of their own: that the reference rounds little says nothing of them."""


@dataclass(frozen=True)
class Expected:
    """A result.

    Attributes:
        type: Its type.
        exact: Its value, in f64 if it is of floats.
        moved: How far it moved; infinite where it is not known.
    """

    type: TensorType
    exact: np.ndarray
    moved: np.ndarray

    def complaint(self, found: np.ndarray) -> str | None:
        """Return what is wrong with a result, if anything is."""
        if found.shape != self.exact.shape or found.dtype != self.type.dtype.numpy:
            return f"expected {self.type}, got {found.dtype}{found.shape}"
        exact, wide = (np.asarray(x, np.float64 if self.type.dtype.is_float else None) for x in (self.exact, found))
        is_known = np.isfinite(self.moved)
        same = (wide == exact) | ((wide != wide) & (exact != exact))
        if self.type.dtype.is_float:
            with np.errstate(invalid="ignore"):
                near = np.abs(wide - exact) <= self.allowed
            same |= near & np.isfinite(exact)
        wrong = np.argwhere(is_known & ~same)
        if not len(wrong):
            return None
        at = tuple(wrong[0])
        allowed = f" within {np.asarray(self.allowed)[at]}" if self.type.dtype.is_float else ""
        return f"{len(wrong)} elements are wrong: at {at} expected {exact[at]}{allowed}, got {wide[at]}"

    @property
    def allowed(self) -> np.ndarray:
        """How far a result of floats may be from the exact one."""
        about = ml_dtypes.finfo(self.type.dtype.numpy)
        unit = float(about.eps) / 2
        return MARGIN * (self.moved + float(about.smallest_subnormal)) + 2 * unit * np.abs(self.exact)


def expect(term, arrays) -> list[Expected]:
    """Return what a term without symbols gives for some arrays."""
    exact = _evaluate(term, arrays, None)
    runs = [_evaluate(term, arrays, np.random.default_rng(seed)) for seed in range(RUNS)]
    found = []
    for k, type in enumerate(term.target_types):
        others = [np.asarray(run[k]) for run in runs]
        found.append(Expected(type, exact[k], _distance(np.asarray(exact[k]), others, type.dtype.is_float)))
    return found


def _distance(exact: np.ndarray, others: list, is_float: bool) -> np.ndarray:
    """Return how far some results are from the exact one at most: infinitely where they differ in kind."""
    same = np.stack([(o == exact) | ((o != o) & (exact != exact)) for o in others])
    if not is_float:
        return np.where(same.all(0), 0.0, np.inf)
    with np.errstate(invalid="ignore"):
        apart = np.stack([np.abs(o - exact) for o in others])
    return np.where(same, 0.0, np.where(np.isfinite(apart), apart, np.inf)).max(0)


def _evaluate(term, arrays, rng) -> list:
    values = {
        node: np.asarray(array, np.float64 if type.dtype.is_float else None)
        for node, array, type in zip(term.inputs, arrays, term.source_types, strict=True)
    }
    for step in term.steps:
        operands = [values[node] for node in step.inputs]
        types = [term.node_types[node] for node in step.outputs]
        if step.operation.op is call:
            results = _evaluate(step.operation.keywords["definition"].term, operands, rng)
        else:
            inputs = [term.node_types[node] for node in step.inputs]
            results = _apply(step.operation, operands, inputs, types, rng)
        values.update(zip(step.outputs, results, strict=True))
    return [values[node] for node in term.outputs]


def _apply(operation, operands, inputs, types, rng) -> list:
    """Return the results of an operation on f64, moved by its rounding if there is chance in it."""
    results = _reference(operation, operands)
    if rng is None or not any(type.dtype.is_float for type in types):
        return [
            _limited(r, t.dtype) if t.dtype.is_float else np.asarray(r) for r, t in zip(results, types, strict=True)
        ]
    narrow = [_narrow(x, t.dtype) for x, t in zip(operands, inputs, strict=True)]
    rounded = operation.op.evaluate(np, *narrow, **operation.keywords)
    wide = [_widened(x) for x in narrow]
    exact, order = _reference(operation, wide), _order(operation, wide, types)
    moved = []
    for result, near, right, type in zip(results, rounded, exact, types, strict=True):
        if not type.dtype.is_float:
            moved.append(np.asarray(result))
            continue
        size = _rounding(operation, np.asarray(near, np.float64), np.asarray(right, np.float64), type.dtype)
        size = np.maximum(size, order)
        moved.append(_limited(result + rng.uniform(-1, 1, np.shape(result)) * size, type.dtype))
    return moved


def _reference(operation, operands) -> list:
    wide = {
        name: f64 if operation.op.attributes[name] is Kind.DTYPE and value.is_float else value
        for name, value in operation.attributes
    }
    with np.errstate(all="ignore"):
        results = operation.op.reference(np, *operands, **wide)
    return [_widened(result) for result in (results if isinstance(results, tuple) else (results,))]


def _widened(array) -> np.ndarray:
    array = np.asarray(array)
    return array.astype(np.float64) if array.dtype.kind in "fV" else array


def _narrow(array, dtype: DType) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(array).astype(dtype.numpy)


def _order(operation, operands, types) -> np.ndarray | float:
    """Return by how much the order of a sum may move it: a unit of what the magnitudes of its terms add up to."""
    if operation.op not in SUMS:
        return 0.0
    (magnitudes,) = _reference(operation, [np.abs(x) for x in operands])
    return np.nan_to_num(magnitudes, posinf=0.0) * (2.0**-53 if types[0].dtype is f64 else 2.0**-24)


def _rounding(operation, near: np.ndarray, right: np.ndarray, dtype: DType) -> np.ndarray:
    """Return by how much an operation rounds: as much as the reference does in its own type, and as is stated of it."""
    unit = float(ml_dtypes.finfo(dtype.numpy).eps) / 2
    with np.errstate(invalid="ignore"):
        local = np.nan_to_num(np.abs(near - right), nan=0.0, posinf=0.0)
    stated = 2 * max_ulp.get(operation.op.name, {}).get("f64" if dtype is f64 else "f32", 0.0)
    wide_unit = unit if dtype.bits >= 32 else 2.0**-24
    typical = float(np.sqrt(np.mean(local**2))) if local.size else 0.0
    rounds = unit * (local.any() or dtype is f64 or (dtype.bits < 32 and bool(stated)))
    return np.maximum(
        np.maximum(local, typical), np.abs(np.nan_to_num(right, posinf=0.0)) * (rounds + stated * wide_unit)
    )


def _limited(array, dtype: DType) -> np.ndarray:
    """Return f64 values with those too large for a type as infinities."""
    largest = float(ml_dtypes.finfo(dtype.numpy).max)
    array = np.asarray(array, np.float64)
    return np.where(np.abs(array) > largest, np.copysign(np.inf, array), array)
