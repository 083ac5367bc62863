import json
import os
import sys

import pytest

from catgrad.cli import artifacts, main


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """A cache for the programs that many of these tests train."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def command(capsys, tmp_path, monkeypatch, kept):
    """Run the command in an empty folder; return its exit code and what it wrote to stdout and to stderr."""
    monkeypatch.chdir(tmp_path)
    if not os.environ["CATGRAD_CACHE_DIR"]:
        monkeypatch.setenv("CATGRAD_CACHE_DIR", str(kept))
    monkeypatch.setattr(sys, "path", [*sys.path])

    def run(*argv):
        code = main([str(argument) for argument in argv])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


@pytest.fixture
def result(command):
    """Run the command with --json and return the object it printed."""

    def run(*argv):
        code, out, err = command(*argv, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return run


@pytest.fixture
def without_ir(monkeypatch):
    """Let training runs write no IR: it takes longer than all the rest."""
    monkeypatch.setattr(artifacts, "_ir", lambda _: ())
