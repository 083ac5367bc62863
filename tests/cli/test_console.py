"""Console output: progress, rows and commands fit the width of the terminal."""

import io
import shlex
from types import SimpleNamespace

import pytest
from rich.console import Console

from catgrad.cli.console import folded_command, row, terminal
from catgrad.cli.progress import Bar
from catgrad.cli.training import Epoch

TRAINER = SimpleNamespace(steps=42, settings=SimpleNamespace(epochs=60))
ESSENTIAL = len("epoch 60/60")


def drawn(width, epochs):
    """The last line of a bar, drawn on a terminal of a width."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, highlight=False, color_system=None)
    with Bar(console, TRAINER) as bar:
        for _ in range(epochs):
            bar(Epoch(0.12345, 0.9876, 0.01))
        bar._progress.refresh()
    lines = [line for line in console.file.getvalue().replace("\r", "\n").split("\n") if "epoch" in line]
    return lines[-1].split("\x1b[2K")[-1].rstrip()


@pytest.mark.parametrize("width", [ESSENTIAL, 20, 36, 40, 60, 80, 120])
@pytest.mark.parametrize("epochs", [0, 1, 60])
def test_the_bar_is_one_line_of_whole_words(width, epochs):
    line = drawn(width, epochs)
    assert len(line) <= width
    assert line.startswith(f"epoch {epochs}/60")
    assert "…" not in line
    assert "nan" not in line


def test_what_matters_most_is_shown_where_there_is_little_room():
    assert drawn(40, 1).split() == ["epoch", "1/60", "loss", "0.1235", "accuracy", "98.76%"]
    assert "4,200 steps/s" in drawn(120, 1)


def test_before_the_first_epoch_there_is_no_loss():
    assert not {"loss", "accuracy", "steps/s"} & set(drawn(120, 0).split())


@pytest.mark.parametrize("width", [30, 40, 80])
def test_rows_and_commands_fit(width):
    text = row("accuracy", "98.67% of the 450 held-back examples, 99.93% of the 1,347 examples learned from", width)
    words = ["catgrad", "show", "runs/digits", "--step", "--stage destinations"]
    command = folded_command(words, width)
    assert max(map(len, [*text.split("\n"), *command.split("\n")])) <= width
    assert text.split()[1:4] == ["98.67%", "of", "the"]
    assert text.split()[-3:] == ["examples", "learned", "from"]
    assert shlex.split(command.replace("\\\n", "")) == shlex.split(" ".join(words))


def test_a_path_is_never_broken():
    path = "a/very/long/path/to/the-parameters-of/the-run.safetensors"
    assert path in row("parameters", path, 20)


@pytest.mark.parametrize(("columns", "width"), [("40", 40), ("many", 10_000), (None, 10_000)])
def test_other_programs_get_whole_lines(monkeypatch, columns, width):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert terminal().width == width
