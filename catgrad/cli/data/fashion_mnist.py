"""Fashion-MNIST: 70,000 grey images of 28 × 28 pixels, in ten kinds of clothing.

Reference: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset" (2017), arXiv:1708.07747.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from catgrad.cli.data import idx
from catgrad.cli.data.dataset import Dataset, Examples
from catgrad.errors import CatgradError

__all__ = ["DEBIAN", "INSTALL", "load"]

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package puts the files."""

INSTALL = "apt-get install dataset-fashion-mnist"
"""The command that installs the package."""

_CLASSES = 10


def load(folder: Path | None = None) -> Dataset:
    """Read the four IDX files, compressed or not.

    Args:
        folder: Where they are; Debian's folder if None.

    Returns:
        60,000 examples to learn from and 10,000 to be judged by, with pixels in [0, 1].

    Raises:
        CatgradError: A file is missing, or is not what it should be.
    """
    folder = folder or DEBIAN
    return Dataset(train=_examples(folder, "train"), test=_examples(folder, "t10k"))


def _examples(folder: Path, part: str) -> Examples:
    images_at, labels_at = _find(folder, f"{part}-images-idx3-ubyte"), _find(folder, f"{part}-labels-idx1-ubyte")
    images, labels = idx.read(images_at), idx.read(labels_at)
    _expect(
        images_at,
        images.dtype == np.uint8 and images.shape[1:] == (28, 28) and len(images) > 0,
        "images of 28 × 28 bytes",
    )
    _expect(labels_at, labels.dtype == np.uint8 and labels.shape == images.shape[:1], f"{len(images)} labels")
    _expect(labels_at, labels.max() < _CLASSES, f"labels below {_CLASSES}")
    return Examples(images.reshape(len(images), -1) / np.float32(255), labels.astype(np.int32))


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise CatgradError(f"there is no {name}[.gz] in {folder}: {INSTALL}, or give the folder that has it by --data")


def _expect(path: Path, holds: bool, what: str) -> None:
    if not holds:
        raise CatgradError(f"{path}: expected {what}")
