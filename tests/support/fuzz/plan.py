"""Random programs as data. A plan is a list of steps, each a sample of an operation from the table.

A step takes the types and attributes of its sample. Each operand is a new input, or an earlier value made to fit: cast,
and reshaped or summed and broadcast. So what is left of a plan when steps are taken away is a plan.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property

import numpy as np

import catgrad as cg
from catgrad.errors import CatgradError
from catgrad.ops import OPS, Kind
from catgrad.types import TensorType, dtype, dtypes

__all__ = ["Plan", "Step", "generate", "trace"]

RANGE = 4.0
"""Values lie between minus and plus this, where the samples of an operation do."""


@dataclass(frozen=True)
class Step:
    """An operation on one of its samples.

    Attributes:
        op: The operation's name.
        dtype: The dtype of the sample.
        sample: Which of the samples.
        operands: For each operand the value it is, or None for a new input. A value is (step, k): the k-th result of an
            earlier step, or for k < 0 its operand -1 - k.
    """

    op: str
    dtype: str
    sample: int
    operands: tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class Plan:
    """A program.

    Attributes:
        steps: What it does.
        order: How many times it is differentiated.
        symbolic: Whether an extent is a symbol.
        target: What it is compiled for.
        seed: Of the values of its inputs.
    """

    steps: tuple[Step, ...]
    order: int = 0
    symbolic: bool = False
    target: str = "cpu"
    seed: int = 0

    def to_json(self) -> dict:
        """Return what `of_json` was given."""
        return asdict(self)

    @staticmethod
    def of_json(data: dict) -> Plan:
        """Read a plan."""
        steps = (
            Step(s["op"], s["dtype"], s["sample"], tuple(None if o is None else tuple(o) for o in s["operands"]))
            for s in data["steps"]
        )
        return Plan(**{**data, "steps": tuple(steps)})

    def without(self, dropped: range) -> Plan:
        """Return the plan without some steps, whose results become inputs."""
        kept = [i for i in range(len(self.steps)) if i not in dropped]
        place = {old: new for new, old in enumerate(kept)}
        steps = (self.steps[i] for i in kept)
        renamed = (
            replace(
                s, operands=tuple(None if o is None or o[0] not in place else (place[o[0]], o[1]) for o in s.operands)
            )
            for s in steps
        )
        return replace(self, steps=tuple(renamed))

    @cached_property
    def inputs(self) -> list[np.ndarray]:
        """The values of the inputs, in the order in which the steps need them."""
        rng = np.random.default_rng(self.seed)
        arrays = [
            _like(array, rng)
            for step in self.steps
            for array, operand in zip(sample_of(step).inputs, step.operands, strict=True)
            if operand is None
        ]
        return arrays

    @property
    def values(self) -> dict[tuple[int, int], np.ndarray]:
        """What each step gives by the reference meanings, by (step, result)."""
        return _run(self, self.inputs, {}, None, 0.0)

    @cached_property
    def results(self) -> list[tuple[int, int]]:
        """The values that are results: those that no step takes, and those of which no other result tells."""
        exact = self.values
        taken = {operand for step in self.steps for operand in step.operands}
        found = [key for key in exact if key not in taken]
        for key in reversed([key for key in exact if key in taken]):
            moved = _run(self, self.inputs, {}, key[0], 1e-3)
            if not any(_differs(exact[result], moved[result]) for result in found):
                found.append(key)
        return sorted(found)


def _differs(exact: np.ndarray, moved: np.ndarray) -> bool:
    """Return whether a result of floats moves at least half as much as what it is made of was moved."""
    if not dtype(exact.dtype).is_float:
        return False
    exact, moved = (np.asarray(x, np.float64) for x in (exact, moved))
    with np.errstate(invalid="ignore"):
        return bool((np.abs(moved - exact) > 5e-4 * np.abs(exact)).any())


@cache
def _samples(op: str, of: str) -> list:
    return list(OPS[op].samples(dtype(of)))


def sample_of(step: Step):
    """Return the sample of a step."""
    found = _samples(step.op, step.dtype)
    return found[step.sample % len(found)]


def _bounds(array: np.ndarray) -> tuple[float, float]:
    """Return where the values of a sample lie, without those that are out of the ordinary."""
    values = np.asarray(array, np.float64)
    values = values[np.isfinite(values) & (np.abs(values) <= RANGE)]
    return (float(values.min()), float(values.max())) if values.size else (-1.0, 1.0)


def _like(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return other values where those of a sample lie: integers, which may be positions, are those of the sample."""
    if not dtype(array.dtype).is_float:
        return rng.permutation(array.reshape(-1)).reshape(array.shape).astype(array.dtype)
    return np.asarray(rng.uniform(*_bounds(array), array.shape)).astype(array.dtype)


def generate(seed: int, target: str = "cpu") -> Plan:
    """Return a random plan. Earlier values are taken where they lie in the domain that the samples show."""
    rng = np.random.default_rng(seed)
    main = dtypes[rng.integers(len(dtypes))] if rng.random() < 0.6 else cg.f32
    names = [name for name, op in OPS.items() if op.attributes.get("definition") is not Kind.DEFINITION]
    order = int(rng.choice([0, 0, 0, 0, 0, 1, 1, 2]))
    plan = Plan((), order, bool(rng.random() < 0.4), target, seed)
    values: dict[tuple[int, int], np.ndarray] = {}
    for _ in range(rng.integers(2, (9, 6, 4)[order])):
        op = OPS[names[rng.integers(len(names))]]
        of = main if main in op.dtypes else op.dtypes[rng.integers(len(op.dtypes))]
        if not _samples(op.name, of.name):
            continue
        number = int(rng.integers(len(_samples(op.name, of.name))))
        sample = sample_of(Step(op.name, of.name, number, ()))
        operands = tuple(_choose(array, values, rng) for array in sample.inputs)
        plan = replace(plan, steps=(*plan.steps, Step(op.name, of.name, number, operands)))
        _evaluate_last(plan, values)
    return plan


def _choose(array: np.ndarray, values: dict, rng: np.random.Generator) -> tuple[int, int] | None:
    """Return an earlier value that can be an operand like `array`, or None."""
    if not dtype(array.dtype).is_float or rng.random() < 0.2:
        return None
    low, high = _bounds(array)
    fitting = [key for key, value in values.items() if _is_inside(fitted(value, TensorType.of(array)), low, high)]
    if not fitting:
        return None
    recent = fitting[-4:] if rng.random() < 0.7 else fitting
    return recent[rng.integers(len(recent))]


def _is_inside(value: np.ndarray, low: float, high: float) -> bool:
    margin = 0 if low >= 0 else high - low
    wide = np.asarray(value, np.float64)
    return bool(np.isfinite(wide).all() and (wide >= low - margin).all() and (wide <= high + margin).all())


def _evaluate_last(plan: Plan, values: dict) -> None:
    """Enter the operands and results of the last step among the values."""
    inputs = iter(plan.inputs)
    last = len(plan.steps) - 1
    for place, step in enumerate(plan.steps):
        fresh = [next(inputs) if operand is None else None for operand in step.operands]
        if place == last:
            sample = sample_of(step)
            arrays = [
                new if operand is None else fitted(values[operand], TensorType.of(like))
                for new, operand, like in zip(fresh, step.operands, sample.inputs, strict=True)
            ]
            results = OPS[step.op].evaluate(np, *arrays, **sample.attributes)
            floats = {(last, k): r for k, r in enumerate(results) if dtype(r.dtype).is_float}
            values.update(floats)
            values.update({(last, -1 - k): a for k, a in enumerate(arrays) if dtype(a.dtype).is_float})


def fitted(value, want: TensorType):
    """Return a value as one of another type: an array, or what is traced."""
    have = cg.ops.typeof(value)
    if have.shape != want.shape and have.size == want.size:
        value = cg.reshape(value, want.shape)
    elif have.shape != want.shape:
        value = cg.broadcast_to(cg.reshape(cg.sum(value), (1,) * want.rank), want.shape)
    return value if have.dtype is want.dtype else cg.cast(value, want.dtype)


def trace(plan: Plan, planted: int | None = None, error: float = 0.0) -> cg.Term:
    """Return the term of a plan.

    Args:
        plan: The plan.
        planted: A step whose results are wrong.
        error: By how much, relative to them.
    """
    if plan.symbolic:
        for size in sorted({n for a in plan.inputs for n in a.shape if n > 1}):
            try:
                return _trace(plan, {size: cg.dim("B")}, planted, error)
            except CatgradError:
                continue
    return _trace(plan, {}, planted, error)


def _trace(plan: Plan, sizes: dict, planted: int | None, error: float) -> cg.Term:
    types = [_sized(TensorType.of(array), sizes) for array in plan.inputs]
    results = plan.results  # here, as they are evaluated and not traced

    def program(*inputs):
        values = _run(plan, inputs, sizes, planted, error)
        return [values[key] for key in results]

    wrt = [i for i, type in enumerate(types) if type.dtype.is_float]
    if not plan.order or not wrt:
        return cg.trace(program, *types)

    def loss(*inputs):
        return _total(program(*inputs))

    def slope(*inputs):
        return _total(cg.grad(loss, wrt=wrt)(*inputs))

    def both(*inputs):
        return program(*inputs), cg.grad(loss if plan.order == 1 else slope, wrt=wrt)(*inputs)

    return cg.trace(both, *types)


def _total(results):
    """Return one number that all results of floats take part in."""
    total = cg.constant(0.0, cg.f64)
    for result in results:
        if result.dtype.is_float:
            total = total + cg.cast(cg.sum(result * result), cg.f64)
    return total


def _sized(type: TensorType, sizes: dict) -> TensorType:
    return TensorType(type.dtype, [sizes.get(n, n) for n in type.shape])


def _run(plan: Plan, inputs, sizes: dict, planted: int | None, error: float) -> dict:
    """Run the steps, and return the results by what they are of."""
    remaining, values = iter(inputs), {}
    for place, step in enumerate(plan.steps):
        sample = sample_of(step)
        operands = []
        for k, (operand, like) in enumerate(zip(step.operands, sample.inputs, strict=True)):
            value = next(remaining) if operand is None else values[operand]
            values[place, -1 - k] = fitted(value, _sized(TensorType.of(like), sizes))
            operands.append(values[place, -1 - k])
        attributes = {name: _renamed(OPS[step.op].attributes[name], v, sizes) for name, v in sample.attributes.items()}
        results = OPS[step.op].record(*operands, **attributes)
        results = results if isinstance(results, tuple) else (results,)
        for k, result in enumerate(results):
            is_wrong = place == planted and cg.ops.typeof(result).dtype.is_float
            values[place, k] = result * cg.constant(1 + error, cg.ops.typeof(result).dtype) if is_wrong else result
    return {key: value for key, value in values.items() if key[1] >= 0}


def _renamed(kind: Kind, value, sizes: dict):
    if kind is Kind.SHAPE:
        return tuple(sizes.get(n, n) for n in value)
    return sizes.get(value, value) if kind is Kind.EXTENT else value
