"""The folder of a run is that of one run, whenever whoever writes it is killed."""

import os
import shutil
import subprocess
import sys

import pytest

from catgrad.cli.artifacts import _present, prepare
from catgrad.cli.run_folder import publish
from catgrad.errors import CatgradError

OLD = {"run.json": b"old", "parameters.safetensors": b"old", "model.svg": b"old", "ir/00-term.txt": b"old"}
NEW = {"run.json": b"new", "parameters.safetensors": b"new", "optimizer.safetensors": b"new", "ir/01-asm.s": b"new"}

KILLED = """
import itertools, os, shutil, sys
from pathlib import Path
from catgrad.cli.artifacts import _present
from catgrad.cli.run_folder import publish

CALLS = "mkdir open write fsync symlink replace rename link unlink rmdir remove close".split()
NEW, template = eval(sys.argv[1]), Path(sys.argv[2])
os.fsync = lambda _: None

def killed_at(n, folder):
    count = itertools.count(1)
    def counting(call):
        def counted(*arguments, **options):
            if next(count) == n:
                os._exit(9)
            return call(*arguments, **options)
        return counted
    for name in CALLS:
        setattr(os, name, counting(getattr(os, name)))
    publish(folder, NEW, _present(folder))
    os._exit(0)

for n in itertools.count(1):
    folder = template.with_name(f"killed-{n}")
    shutil.copytree(template, folder, symlinks=True)
    child = os.fork()
    if not child:
        killed_at(n, folder)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
print(n)
"""


@pytest.fixture
def without_disk(monkeypatch):
    """Do not wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def visible(folder):
    """The contents of the files that are there, but for hidden ones."""
    paths = [path for path in folder.rglob("*") if not path.relative_to(folder).parts[0].startswith(".")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


def write(folder, contents):
    folder.mkdir(exist_ok=True)
    publish(folder, contents, _present(folder))


def plain(folder):
    """A run whose files are no links, as somebody has copied it."""
    for name, content in OLD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def published(folder):
    write(folder, OLD)


def dereferenced(folder):
    """A copy that has files and folders where there were links."""
    published(folder.with_name("original"))
    shutil.copytree(folder.with_name("original"), folder)


def empty(folder):
    folder.mkdir()


@pytest.mark.usefixtures("without_disk")
@pytest.mark.parametrize("before", [published, pytest.param(plain, marks=pytest.mark.slow), dereferenced, empty])
def test_whenever_a_process_is_killed_the_files_are_those_of_one_run(tmp_path, before):
    template = tmp_path / "template"
    before(template)
    old = visible(template)
    assert old == ({} if before is empty else OLD)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, repr(NEW), template], capture_output=True, text=True, check=True
    )
    count = int(done.stdout)
    found = [visible(tmp_path / f"killed-{n}") for n in range(1, count + 1)]
    assert count > 20
    chosen = next(i for i, files in enumerate(found) if files != old)
    assert all(files == (old if i < chosen else NEW) for i, files in enumerate(found))
    for n in range(1, count + 1):
        write(tmp_path / f"killed-{n}", NEW)
        assert visible(tmp_path / f"killed-{n}") == NEW
        assert len(list((tmp_path / f"killed-{n}").glob(".version-*"))) == 1


def test_files_of_somebody_else_stay(tmp_path):
    published(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "ir" / "notes.txt").write_text("mine")
    write(tmp_path, NEW)
    assert visible(tmp_path) == {**NEW, "notes.txt": b"mine", "ir/notes.txt": b"mine"}


def test_a_full_disk_changes_nothing(tmp_path, monkeypatch):
    published(tmp_path)
    before = sorted(os.listdir(tmp_path))
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, NEW)
    assert visible(tmp_path) == OLD
    assert sorted(os.listdir(tmp_path)) == before


def test_everything_is_on_the_disk_before_it_is_chosen(tmp_path, monkeypatch):
    published(tmp_path)
    flushed, chosen, own, replace = [], [], os.fsync, os.replace

    def fsync(descriptor):
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        own(descriptor)

    def choose(source, target):
        if str(target).endswith(".current"):
            chosen.extend(flushed)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", choose)
    write(tmp_path, NEW)
    version = (tmp_path / ".current").resolve()
    written = [path for path in (version, *version.rglob("*")) if not path.is_symlink()]
    assert set(map(str, written)) | {str(tmp_path), str(tmp_path / "ir")} <= set(chosen)
    assert flushed[-1] == str(tmp_path)


@pytest.mark.parametrize("name", ["parameters.safetensors", "model.svg", "ir/00-term.txt"])
def test_a_folder_of_something_else_is_not_trained_into(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(CatgradError, match=f"{name} is no file of an earlier run: choose another folder with --save"):
        prepare(tmp_path)


def test_a_folder_called_like_a_file_is_found_before_training(tmp_path):
    published(tmp_path)
    (tmp_path / "optimizer.safetensors").mkdir()
    with pytest.raises(CatgradError, match=r"optimizer\.safetensors is no file of an earlier run"):
        prepare(tmp_path)
