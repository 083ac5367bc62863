"""Whatever is printed can be written."""

import io
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from catgrad.streams import usable_streams

SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        ("utf-8", "✓ π ᵀ ü", "✓ π ᵀ ü"),
        ("latin-1", "✓ x Wᵀ ü × – λ", "+ x WT ü × - ?"),
        ("ascii", "✗ Wᵀ ü × – → µs x² λ 日", "x WT u x - -> us x2 ? ?"),
        ("utf-8", "name-\udcff", "name-?"),
    ],
)
def test_characters_that_an_encoding_lacks_have_a_plain_form(monkeypatch, encoding, text, written):
    stream = io.TextIOWrapper(io.BytesIO(), encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    with usable_streams():
        print(text)
    stream.flush()
    assert stream.buffer.getvalue().decode(encoding) == written + "\n"
    assert stream.errors == "strict"


def test_what_the_doctor_finds_can_be_told_apart_in_any_encoding():
    done = run(("catgrad", "doctor"), env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert {line[:1] for line in done.stdout.decode("ascii").splitlines()} <= {"+", "x", "-", " "}


def test_streams_that_are_closed_are_back_to_that_afterwards(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with usable_streams():
        print("text")
        print("text", file=sys.stderr)
        assert sys.stdin.read() == ""
    assert (sys.stdin, sys.stdout, sys.stderr) == (None, None, None)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("words", [("catgrad", "train", "--help"), ("catgrad", "cache", "list")], ids=" ".join)
def test_every_encoding_will_do(words, encoding):
    done = run(words, env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "words",
    [
        ("catgrad", "--help"),
        ("catgrad", "show", "iris:linear"),
        ("catgrad", "cache", "list"),
        ("catgrad", "train", "iris", "--quiet", "--epochs", "1"),
        ("catgrad-opt", "--version"),
    ],
    ids=" ".join,
)
def test_closed_output_is_silence(tmp_path, words):
    done = run(("sh", "-c", 'exec "$@" >&-', "sh", *words), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_closed_streams_hide_no_failure():
    assert run(("sh", "-c", 'exec "$@" >&- 2>&-', "sh", "catgrad", "show", "nothing")).returncode == 1
    done = run(("sh", "-c", 'exec "$@" <&-', "sh", "catgrad-opt"))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"the input is empty" in done.stderr


def run(words, env=None, **options):
    """Run a command of the environment."""
    found = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", **(env or {})}
    return subprocess.run(words, capture_output=True, check=False, env=found, **options)
