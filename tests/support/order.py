"""The order of sums, computed step by step with numpy: what every kernel has to compute to the last bit.

chained(a, b, dtype)   of the rows of a and b, the sums of products, in blocks of 256
blocks(x)              of the rows of x, the sums in blocks of 256
rows(x)                of the rows of x, the sums of chunks of 2¹⁶ in 64 interleaved partial sums
"""

from fractions import Fraction

import numpy as np

BLOCK, GROUP, PARTIALS, CHUNK = 256, 256, 64, 1 << 16


def chained(a, b):
    """Return Σ_k a[..., k] · b[..., k]."""
    a, b = np.broadcast_arrays(a, b)
    return _in_units(a.shape[-1], BLOCK, lambda start, stop: _chain(a[..., start:stop], b[..., start:stop]), a)


def blocks(x):
    """Return the sums over the last axis, as those over outer axes are computed."""
    return _in_units(x.shape[-1], BLOCK, lambda start, stop: _added(x[..., start:stop]), x)


def rows(x):
    """Return the sums over the last axis, as those over inner axes are computed."""
    return _in_units(x.shape[-1], CHUNK, lambda start, stop: _tree(x[..., start:stop]), x)


def inner_and_outer(x, outer):
    """Return the sums over the last axis and then over the `outer` axes before it."""
    return blocks(np.moveaxis(rows(x), outer, range(-len(outer), 0)).reshape(*_rest(x.shape[:-1], outer), -1))


def _rest(shape, axes):
    return [size for axis, size in enumerate(shape) if axis not in axes]


def _in_units(extent, unit, sums, like):
    """Return the sums of units, in groups."""
    total = np.zeros(like.shape[:-1], like.dtype)
    for first in range(0, extent, unit * GROUP):
        group = np.zeros_like(total)
        for start in range(first, min(first + unit * GROUP, extent), unit):
            group = group + sums(start, min(start + unit, extent))
        total = total + group
    return total


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
