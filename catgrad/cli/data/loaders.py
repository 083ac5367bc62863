"""Loaders of datasets, and where each comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from catgrad.cli.data.dataset import Dataset, Examples, hold_back
from catgrad.cli.data.fashion_mnist import load as load_fashion_mnist
from catgrad.errors import CatgradError

__all__ = ["load"]


def load(name: str, seed: int = 0, folder: Path | None = None) -> Dataset:
    """Read a dataset.

    Args:
        name: "iris", "digits" or "fashion-mnist".
        seed: Decides which examples are held back, where the dataset does not say.
        folder: Where its files are, for a dataset that has files.

    Raises:
        CatgradError: The dataset is not there, or not what it should be.
    """
    if folder is not None and name in _BUNDLED:
        raise CatgradError(f"{name} comes with scikit-learn: it has no data folder")
    return _BUNDLED[name](seed) if name in _BUNDLED else load_fashion_mnist(folder)


def _iris(_: int) -> Dataset:
    """Return Fisher's iris flowers: 150 × 4 lengths in cm, 3 species, none held back."""
    x, y = _sklearn().load_iris(return_X_y=True)
    return Dataset(_examples(x, y), None)


def _digits(seed: int) -> Dataset:
    """Return handwritten digits: 1797 images of 8 × 8 in [0, 1], a quarter held back."""
    x, y = _sklearn().load_digits(return_X_y=True)
    return hold_back(_examples(x / 16, y), seed)


_BUNDLED: Mapping[str, Callable[[int], Dataset]] = {"iris": _iris, "digits": _digits}


def _examples(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Examples:
    return Examples(x.astype(np.float32), y.astype(np.int32))


def _sklearn() -> Any:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise CatgradError("this dataset comes with scikit-learn: pip install scikit-learn") from error
    return datasets
