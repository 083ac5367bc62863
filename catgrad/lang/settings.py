"""Settings: numbers that users configure layers, optimizers and initial values with, checked where they are given."""

from __future__ import annotations

import inspect
import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from catgrad.errors import CatgradError
from catgrad.text import brief

__all__ = ["check_function", "natural", "real"]


def real(name: str, value: Any, low: float, high: float) -> float:
    """Return a number of Python or NumPy as a Python number.

    Raises:
        CatgradError: It is no number, or not in [low, high).

    Example:
        >>> real("rate", np.float64(0.5), 0, 1)
        0.5
    """
    plain = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    is_number = isinstance(plain, Real) and not isinstance(plain, bool)
    try:
        number = float(plain) if is_number else math.nan
    except OverflowError:  # of an integer beyond all floats
        number = math.inf
    if not low <= number < high:
        raise CatgradError(f"{name} must be in [{low}, {high}), given {brief(value)}")
    return number


def natural(name: str, value: Any) -> int:
    """Return a number of Python or NumPy that counts something.

    Raises:
        CatgradError: It is no integer, or negative.

    Example:
        >>> natural("inputs", np.int64(3))
        3
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise CatgradError(f"{name} must be a known integer that is not negative, given {brief(value)}")
    return int(value)


def check_function(name: str, value: Any, *arguments: str) -> None:
    """Check that a value can be called.

    Args:
        name: What it is for.
        value: The value.
        *arguments: What it will be called with.

    Raises:
        CatgradError: It is no function, or one of other arguments.

    Example:
        >>> check_function("the loss", lambda predictions, targets: 0, "predictions", "targets")
    """
    try:
        fits = callable(value) and not isinstance(value, type)
        if fits:
            inspect.signature(value).bind(*arguments)
    except TypeError:
        fits = False
    except ValueError:  # some functions of C have no signature
        return
    if not fits:
        raise CatgradError(f"{name} is a function of {' and '.join(arguments)}, given {value!r}")
