"""The order of sums, computed step by step with numpy: what every kernel has to compute to the last bit.

chained(a, b)   of the rows of a and b, the sums of products, in blocks of 256 and groups
blocks(x)       of the rows of x, the sums in blocks of 64 that are added in f64
rows(x)         of the rows of x, the sums of chunks of 4096 in 64 interleaved partial sums that are added in f64
"""

from fractions import Fraction

import numpy as np

BLOCK, GROUP, CHAIN, PARTIALS = 256, 256, 64, 64
CHUNK = CHAIN * PARTIALS


def chained(a, b):
    """Return Σ_k a[..., k] · b[..., k]."""
    a, b = np.broadcast_arrays(a, b)
    total = np.zeros(a.shape[:-1], a.dtype)
    for first in range(0, a.shape[-1], BLOCK * GROUP):
        group = np.zeros_like(total)
        for block in _units(min(first + BLOCK * GROUP, a.shape[-1]), BLOCK, first):
            group = group + _chain(a[..., block], b[..., block])
        total = total + group
    return total


def blocks(x):
    """Return the sums over the last axis, as those over outer axes are computed."""
    return _total([_added(x[..., block]) for block in _units(x.shape[-1], CHAIN)], x)


def rows(x):
    """Return the sums over the last axis, as those over inner axes are computed."""
    return _total([_tree(x[..., chunk]) for chunk in _units(x.shape[-1], CHUNK)], x)


def inner_and_outer(x):
    """Return the sums over the last axis, the rows, and the first."""
    return _total([_tree(row[..., chunk]) for row in x for chunk in _units(x.shape[-1], CHUNK)], x[0])


def _units(stop, unit, start=0):
    return [slice(first, min(first + unit, stop)) for first in range(start, stop, unit)]


def _total(sums, like):
    """Return the sum of sums in f64, rounded to the type of `like`."""
    total = np.zeros(like.shape[:-1], np.float64)
    for each in sums:
        total = total + each
    return total.astype(like.dtype)


def _chain(a, b):
    total = np.zeros(a.shape[:-1], a.dtype)
    for k in range(a.shape[-1]):
        total = fma(a[..., k], b[..., k], total)
    return total


def _added(x):
    total = np.zeros(x.shape[:-1], x.dtype)
    for k in range(x.shape[-1]):
        total = total + x[..., k]
    return total


def _tree(x):
    padded = np.zeros((*x.shape[:-1], -(-x.shape[-1] // PARTIALS) * PARTIALS), x.dtype)
    padded[..., : x.shape[-1]] = x
    partials = np.zeros((*x.shape[:-1], PARTIALS), x.dtype)
    for terms in np.moveaxis(padded.reshape(*x.shape[:-1], -1, PARTIALS), -2, 0):
        partials = partials + terms
    while partials.shape[-1] > 1:
        half = partials.shape[-1] // 2
        partials = partials[..., :half] + partials[..., half:]
    return partials[..., 0]


def fma(a, b, c):
    """Return a · b + c rounded once: to odd in f64 before it is rounded to f32, and exactly for f64."""
    if a.dtype == np.float64:
        exact = [Fraction(x) * Fraction(y) + Fraction(z) for x, y, z in zip(a.flat, b.flat, c.flat, strict=True)]
        return np.array([float(x) for x in exact]).reshape(a.shape)
    product, c = a.astype(np.float64) * b.astype(np.float64), c.astype(np.float64)
    total = product + c
    rounded = total - product
    error = (product - (total - rounded)) + (c - rounded)
    is_even = (total.view(np.int64) & 1) == 0
    odd = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.where((error != 0) & is_even, odd, total).astype(np.float32)
