"""Mistakes in the kernel of a chain on rows are found: in what is compiled, not in what was written for a test."""

import re

import numpy as np
import pytest

import catgrad as cg
from catgrad.prepare import prepare
from catgrad.runtime.gpu_emulator import EmulationError
from catgrad.source import Source

SCHEDULES = ["forward", "reverse"]
ROWS, COLUMNS, BLOCK = 3, 260, 256


def chain(x):
    """Fold twice, one fold after the other."""
    distance = cg.max(x, axis=1, keepdims=True) - x
    return distance * cg.sum(distance, axis=1, keepdims=True)


def compiled():
    """Return the kernel."""
    text = Source(*prepare(chain, cg.f32[ROWS, COLUMNS]), "cuda").ir("gpu")
    (kernel,) = re.findall(r" +gpu\.func @.+?\n    \}", text, re.DOTALL)
    return re.sub(r"@\w+", "@chain", kernel, count=1)


KERNEL = compiled()


def drop(text, number):
    """Return the kernel without one of the places where it has `text`."""
    parts = KERNEL.split(text)
    return text.join([*parts[:number], parts[number] + parts[number + 1], *parts[number + 2 :]])


MUTATIONS = {
    "without the first barrier": drop("gpu.barrier", 0),
    "without the second barrier": drop("gpu.barrier", 1),
    "a step of the exchange left out": re.sub(r"constant 16 : i32", "constant 8 : i32", KERNEL),
    "rows and columns swapped": re.sub(r"(vector.load %arg0)\[(%\w+), (%\w+)", r"\1[\3, \2", KERNEL, count=1),
    "going too far": KERNEL.replace(f"constant {COLUMNS} : index", f"constant {COLUMNS + 4} : index"),
    "a row too many": KERNEL.replace(f"constant {ROWS} : index", f"constant {ROWS + 1} : index"),
    "a fold of another kind": KERNEL.replace("arith.maximumf", "arith.minimumf"),
    "writing what another thread has": re.sub(r"(vector.store %\w+, %arg1\[%\w+, )%\w+", r"\1%thread_id_x", KERNEL),
}


def is_right(gpu, kernel, schedule):
    """Return whether a kernel computes under a schedule what it should, without an error."""
    x = np.random.default_rng(0).integers(-9, 9, (ROWS, COLUMNS)).astype(np.float32)
    distance = x.max(axis=1, keepdims=True) - x
    result = np.full_like(x, np.nan)
    try:
        gpu(kernel, schedule).run("chain", (1,), (BLOCK,), x, result)
    except EmulationError:
        return False
    return np.array_equal(result, distance * distance.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_kernel_is_right_under_every_schedule(gpu, schedule):
    assert is_right(gpu, KERNEL, schedule)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kernel", MUTATIONS.values(), ids=MUTATIONS)
def test_mistakes_are_found(gpu, kernel):
    assert kernel != KERNEL
    assert not all(is_right(gpu, kernel, schedule) for schedule in SCHEDULES)
