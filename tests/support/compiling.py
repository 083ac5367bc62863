"""Functions for worker processes: importable there."""

import numpy as np

import catgrad as cg
from catgrad.cache import Cache


def compile_some(seed):
    """Compile eight functions in an order of its own, with entries coming and going; return how many were right."""
    right = 0
    order = np.random.default_rng(seed).permutation(8)
    for i in map(int, order):
        exe = cg.compile(lambda x, i=i: x * i, cg.f32[3])
        right += exe(np.ones(3, np.float32)).tolist() == [i] * 3
        if i == seed:
            Cache.of_user().clear()
    return right
