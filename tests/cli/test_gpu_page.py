"""The page about GPUs is so: what needs none runs as it says, and a report looks like the one that it shows."""

import re
import shlex
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from catgrad.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "gpu.md").read_text(encoding="utf-8")
ON_A_DEVICE = re.compile(r"\n## On a device.*?(?=\n## )", re.DOTALL)
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", ON_A_DEVICE.sub("", PAGE), re.DOTALL)
TITLE = re.compile(r"# (\w+\.py)\n")
TRAINING = "catgrad train"
"""What takes long, and is tested elsewhere."""


def words(table):
    """Return what a table has besides numbers: columns, names, units, and lines of the program."""
    return re.findall(r"[^\W\d][\w.:]*", table)


def execute(text):
    """Run the commands of a block in this process, without what they are piped into."""
    if text.startswith("python -c"):
        exec(shlex.split(text)[2], {})
        return
    for line in text.splitlines():
        argv = shlex.split(line, comments=True)
        assert argv[0] == "catgrad"
        assert main([*takewhile(lambda word: word != "|", argv[1:])]) == 0, line


@pytest.mark.slow
def test_what_the_page_runs_without_a_gpu(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("COLUMNS", "110")
    printed = ""
    for kind, text in BLOCKS:
        if title := TITLE.match(text):
            (tmp_path / title[1]).write_text(text)
        elif kind == "python":
            exec(text, {})
        elif kind == "text":
            assert words(printed) == words(text)
        elif not text.startswith(TRAINING):
            execute(text)
            printed, problems = capsys.readouterr()
            assert printed
            assert problems == ""
