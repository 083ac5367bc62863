import gzip
import os

import numpy as np
import pytest

from catgrad.cli import data
from catgrad.cli.data import fashion_mnist, idx
from catgrad.cli.data.dataset import Examples, hold_back
from catgrad.errors import CatgradError

ARRAY = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(6))


def test_idx_with_and_without_compression(tmp_path):
    for name, content in (("plain", ARRAY), ("gzip", gzip.compress(ARRAY, mtime=0))):
        (tmp_path / name).write_bytes(content)
        read = idx.read(tmp_path / name)
        assert read.dtype == np.uint8
        assert read.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(("kind", "dtype"), [(0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")])
def test_idx_of_every_element_type(kind, dtype):
    values = np.array([1, 2, 3], dtype)
    read = idx.decode(bytes([0, 0, kind, 1, 0, 0, 0, 3]) + values.tobytes())
    assert read.tolist() == [1, 2, 3]


def test_idx_without_elements():
    assert idx.decode(bytes([0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 3])).shape == (0, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starts with nothing"),
        (b"\0\0", "not an IDX file"),
        (b"\x89PNG\r\n", "starts with 89 50 4e 47"),
        (b"\0\0\7\1" + ARRAY[4:], "not an IDX file"),
        (b"\0\0\x08\xff", "not an IDX file"),
        (ARRAY[:6], "the file has 6"),
        (ARRAY[:-1], "takes 18 bytes, the file has 17"),
        (ARRAY + b"\0", "takes 18 bytes, the file has 19"),
        (b"\0\0\x08\2" + b"\xff" * 8, "the file has 12"),
        (gzip.compress(ARRAY, mtime=0)[:-9], "Compressed file ended"),
        (gzip.compress(ARRAY, mtime=0)[:12] + bytes(30), ""),
        (b"\x1f\x8b" + bytes(20), ""),
    ],
)
def test_idx_that_is_damaged_is_named(tmp_path, content, message):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(CatgradError, match="images: ") as raised:
        idx.read(path)
    assert message in str(raised.value)


def write(folder, images, labels, parts=("train", "t10k")):
    for part in parts:
        for name, array in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(extent.to_bytes(4, "big") for extent in array.shape)
            (folder / name).write_bytes(header + array.astype(np.uint8).tobytes())


def test_fashion_mnist_is_scaled_and_flat(tmp_path):
    write(tmp_path, np.full((4, 28, 28), 255), np.arange(4))
    loaded = data.load("fashion-mnist", folder=tmp_path)
    assert (loaded.train.x.dtype, loaded.train.x.shape, loaded.train.x.max()) == (np.float32, (4, 784), 1)
    assert loaded.test.y.dtype == np.int32
    assert loaded.test.y.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((4, 28, 27)), np.zeros(4), "images-idx3-ubyte: expected images of 28 × 28"),
        (np.zeros((0, 28, 28)), np.zeros(0), "images-idx3-ubyte: expected images of 28 × 28"),
        (np.zeros((4, 28, 28)), np.zeros(3), "labels-idx1-ubyte: expected 4 labels"),
        (np.zeros((4, 28, 28)), np.zeros((4, 1)), "labels-idx1-ubyte: expected 4 labels"),
        (np.zeros((4, 28, 28)), np.full(4, 10), "labels-idx1-ubyte: expected labels below 10"),
    ],
)
def test_other_data_is_not_taken_for_fashion_mnist(tmp_path, images, labels, message):
    write(tmp_path, images, labels)
    with pytest.raises(CatgradError, match=message):
        fashion_mnist.load(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path, np.zeros((4, 28, 28)), np.zeros(4), parts=["train"])
    with pytest.raises(CatgradError, match="there is no t10k-images-idx3-ubyte"):
        fashion_mnist.load(tmp_path)


def test_held_back_examples_are_the_others_and_of_every_class():
    examples = Examples(np.arange(103, dtype=np.float32)[:, None], np.arange(103, dtype=np.int32) % 3)
    split = hold_back(examples, seed=0)
    assert sorted([*split.train.x[:, 0], *split.test.x[:, 0]]) == list(range(103))
    counts = np.bincount(split.test.y)
    assert counts.max() - counts.min() <= 1
    assert len(split.test) == 26
    assert (hold_back(examples, seed=0).test.x == split.test.x).all()
    assert (hold_back(examples, seed=1).test.x != split.test.x).any()


def test_what_is_read_is_bounded(tmp_path):
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(CatgradError, match="unpacked, it holds more than the 65,536 bytes that are read"):
        idx.read(tmp_path / "bomb", 1 << 16)
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 1 << 36)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CatgradError, match="more than the 268,435,456 that are read"):
        idx.read(tmp_path / "sparse")
    with pytest.raises(CatgradError, match="is no regular file"):
        idx.read(tmp_path / "pipe")
