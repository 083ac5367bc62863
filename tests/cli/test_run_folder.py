"""The folder of a run is that of one run, whenever whoever writes it is killed."""

import os
import shutil
import subprocess
import sys
from dataclasses import asdict

import pytest

from catgrad.cli import artifacts
from catgrad.cli.layout import present
from catgrad.cli.run_folder import publish
from catgrad.cli.tasks import TASKS
from catgrad.errors import CatgradError

OLD = {"run.json": b"old", "parameters.safetensors": b"old", "model.svg": b"old", "ir/00-term.txt": b"old"}
NEW = {"run.json": b"new", "parameters.safetensors": b"new", "optimizer.safetensors": b"new", "ir/01-asm.s": b"new"}

KILLED = """
import itertools, os, shutil, sys
from pathlib import Path
from catgrad.cli.layout import present
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
    publish(folder, NEW, present(folder))
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
    publish(folder, contents, present(folder))


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


@pytest.mark.sampled(3)
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


SHOWN = ("model.dot", "model.svg", "ir/00-term.txt")


def trained(folder):
    """The files of a run, as training leaves them."""
    settings = TASKS["iris"].settings(model="dense")
    folder.mkdir(exist_ok=True)
    record = {"settings": asdict(settings)}
    artifacts.write(folder, dict.fromkeys(SHOWN, "shown"), settings.learner.init(), record, finished=True)


def is_free(folder):
    """Whether a run may be written into a folder."""
    with artifacts.prepared(folder, SHOWN):
        return True


@pytest.mark.parametrize("name", ["run.json", "parameters.safetensors", "model.svg", "ir/00-term.txt"])
@pytest.mark.parametrize("content", ["precious", "{}", '{"settings": {}, "sha256": {}}'])
def test_a_folder_of_something_else_is_not_trained_into(tmp_path, name, content):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(CatgradError, match=f"{name} is no file of an earlier run: choose another folder with --save"):
        is_free(tmp_path)
    assert (tmp_path / name).read_text() == content


@pytest.mark.parametrize("name", ["parameters.safetensors", "model.svg", "ir/00-term.txt"])
@pytest.mark.parametrize("copied", [False, True])
def test_only_what_a_run_has_written_is_replaced(tmp_path, name, copied):
    trained(tmp_path / "run")
    folder = tmp_path / "copy" if copied else tmp_path / "run"
    if copied:
        shutil.copytree(tmp_path / "run", folder)
    assert is_free(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b"x")
    with pytest.raises(CatgradError, match=f"{name} is no file of an earlier run: .* one that you have changed"):
        is_free(folder)


def test_what_a_run_does_not_list_stays(tmp_path):
    trained(tmp_path)
    others = tmp_path / "ir" / "00-notes.txt", tmp_path / "ir" / "01-linalg.mlir", tmp_path / "optimizer.safetensors"
    for path in others[:2]:
        path.write_text("mine")
    trained(tmp_path)
    assert {path.read_text() for path in others[:2]} == {"mine"}
    others[2].write_text("mine")
    with pytest.raises(CatgradError, match=r"optimizer\.safetensors is no file of an earlier run"):
        is_free(tmp_path)


def test_links_that_lead_nowhere_are_in_nobody_s_way(tmp_path):
    trained(tmp_path)
    (tmp_path / "optimizer.safetensors").symlink_to(".current/optimizer.safetensors")
    assert is_free(tmp_path)
    (tmp_path / "optimizer.safetensors").unlink()
    (tmp_path / "optimizer.safetensors").symlink_to("elsewhere")
    with pytest.raises(CatgradError, match=r"optimizer\.safetensors is no file of an earlier run"):
        is_free(tmp_path)


def test_a_folder_called_like_a_file_is_found_before_training(tmp_path):
    trained(tmp_path)
    (tmp_path / "optimizer.safetensors").mkdir()
    with pytest.raises(CatgradError, match=r"optimizer\.safetensors is no file of an earlier run"):
        is_free(tmp_path)


@pytest.mark.parametrize("copied", [False, True])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, copied):
    folder = tmp_path / "run"
    trained(folder)
    (folder / "parameters.safetensors").chmod(0o600)
    if copied:
        shutil.copytree(folder, tmp_path / "copy")
        folder = tmp_path / "copy"
    trained(folder)
    assert (folder / "parameters.safetensors").stat().st_mode & 0o777 == 0o600
    assert (folder / "run.json").stat().st_mode & 0o777 == 0o644 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_folders_in_which_nothing_is_written_go(tmp_path):
    (tmp_path / "mine").mkdir()
    with artifacts.prepared(tmp_path / "mine" / "runs" / "run", SHOWN):
        assert (tmp_path / "mine" / "runs" / "run").is_dir()
    assert list((tmp_path / "mine").iterdir()) == []
    with artifacts.prepared(tmp_path / "runs" / "run", SHOWN):
        (tmp_path / "runs" / "file").write_text("mine")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["file"]
