"""The cache runs what this user has compiled, removes what it has written itself, and stays within its limit."""

import hashlib
import os
import stat
import warnings

import numpy as np
import pytest

import catgrad as cg
from catgrad import files, saved, seal
from catgrad.cache import BYTES, FOLDER, Cache
from catgrad.errors import CatgradError

ONE = np.ones(3, np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache that is empty, and a user without a key."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "cache"


def is_loaded(executable):
    return "load" in executable.compile_seconds


def double(x):
    return x * 2


def compiled():
    exe = cg.compile(double, cg.f32[3])
    assert exe(ONE).tolist() == [2, 2, 2]
    return exe


@pytest.fixture
def entry(folder):
    """The one entry of the cache."""
    compiled()
    (path,) = folder.iterdir()
    return path


def forged(entry):
    """An entry as somebody would make it who has another key: its code adds instead."""
    other = cg.compile(lambda x: x + 41, cg.f32[3])
    content = Cache.of_user().find(other._source.key).to_bytes()
    return seal.MAGIC + hashlib.sha256(content).digest() + content, content


# Who may have written what is run.


def test_the_key_is_the_users_alone(entry):
    path = seal.key_path()
    assert (path.parent.parent.name, stat.S_IMODE(path.stat().st_mode), path.stat().st_size) == ("data", 0o600, 32)
    assert [each.name for each in path.parent.iterdir()] == ["cache.key"]
    assert is_loaded(compiled())


@pytest.mark.parametrize("kind", ["forged code", "no code", "saved", "other entry", "link", "link to own", "pipe"])
def test_what_the_user_did_not_write_is_not_run(entry, tmp_path, kind):
    content, payload = forged(entry)
    (other,) = set(entry.parent.iterdir()) - {entry}
    good = entry.read_bytes()
    entry.unlink()
    (tmp_path / "elsewhere").write_bytes(good if kind == "link to own" else content)
    os.chmod(tmp_path / "elsewhere", 0o600)
    {
        "forged code": lambda: entry.write_bytes(content),
        "no code": lambda: entry.write_bytes(seal.MAGIC),
        "saved": lambda: entry.write_bytes(payload),
        "other entry": lambda: entry.write_bytes(other.read_bytes()),
        "link": lambda: entry.symlink_to(tmp_path / "elsewhere"),
        "link to own": lambda: entry.symlink_to(tmp_path / "elsewhere"),
        "pipe": lambda: os.mkfifo(entry, 0o600),
    }[kind]()
    if not entry.is_symlink():
        os.chmod(entry, 0o600)
    assert not is_loaded(compiled())
    assert entry.read_bytes() == good
    assert is_loaded(compiled())


def test_another_key_opens_nothing(entry):
    seal.key_path().write_bytes(bytes(32))
    assert not is_loaded(compiled())
    assert is_loaded(compiled())


@pytest.mark.parametrize(
    ("damage", "reason"),
    {
        "short": "holds 16 bytes, not 32: remove it, and a new one is made",
        "long": "holds 64 bytes, more than the 32 that are read: remove it, and a new one is made",
        "readable": "others have rights to it: chmod go-rwx",
        "linked": "it is a symbolic link: put a file in its place, or remove it",
        "pipe": "is no regular file: remove it, and a new one is made",
        "folder": "others have rights to it: chmod go-rwx",
    }.items(),
)
def test_a_key_that_others_may_know_is_not_used(entry, tmp_path, damage, reason):
    key = seal.key_path()
    content = key.read_bytes()
    (tmp_path / "key").write_bytes(content)
    {
        "short": lambda: key.write_bytes(content[:16]),
        "long": lambda: key.write_bytes(content * 2),
        "readable": lambda: key.chmod(0o644),
        "linked": lambda: (key.unlink(), key.symlink_to(tmp_path / "key")),
        "pipe": lambda: (key.unlink(), os.mkfifo(key, 0o600)),
        "folder": lambda: key.parent.chmod(0o777),
    }[damage]()
    with pytest.warns(UserWarning, match=f"cannot be kept without the key {key}: .*{reason}") as warned:
        assert not is_loaded(compiled())
    assert "CATGRAD_CACHE_DIR" not in str(warned[0].message)
    with warnings.catch_warnings():  # said once
        warnings.simplefilter("error")
        assert not is_loaded(compiled())


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o720, 0o702])
def test_a_folder_that_others_can_write_is_not_used(entry, mode):
    entry.parent.chmod(mode)
    with pytest.warns(UserWarning, match="others have rights to it: chmod"):
        assert not is_loaded(compiled())
    entry.parent.chmod(0o755)
    assert is_loaded(compiled())


def test_an_entry_that_others_can_write_is_not_run(entry):
    entry.chmod(0o666)
    assert not is_loaded(compiled())
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600


def test_what_is_checked_is_what_is_read(entry, monkeypatch):
    """An entry is swapped for another file as soon as it was opened: what is read is what was checked."""
    content, _ = forged(entry)
    plain = os.open

    def swapping(path, *arguments, **keywords):
        descriptor = plain(path, *arguments, **keywords)
        if path == entry.name:
            entry.unlink()
            entry.write_bytes(content)
        return descriptor

    monkeypatch.setattr(files.os, "open", swapping)
    assert is_loaded(compiled())


def test_entries_are_read_within_limits(entry):
    with open(entry, "r+b") as file:
        file.truncate(1 << 40)
    assert not is_loaded(compiled())


# What the cache may remove.


def test_files_of_others_are_left_alone(entry, monkeypatch):
    folder, exe = entry.parent, compiled()
    exe.save(folder / "model.catgrad")
    exe.save(folder / f"{'a' * 64}.catgrad")
    (folder / ".model.catgrad-0123456789abcdef").write_text("half")
    (folder / f"{'b' * 64}.catgrad").symlink_to(folder / "model.catgrad")
    (folder / f"{'c' * 64}.catgrad").mkdir()
    (folder / "notes.catgrad").write_text("mine")
    mine = set(folder.iterdir()) - {entry}
    monkeypatch.setenv(BYTES, "0")
    cg.compile(lambda x: x - 1, cg.f32[3])
    assert set(folder.iterdir()) == mine
    monkeypatch.delenv(BYTES)
    compiled()
    assert len(Cache.of_user().clear()) == 1
    assert set(folder.iterdir()) == mine
    assert cg.load(folder / "model.catgrad")(ONE).tolist() == [2, 2, 2]


def test_killed_writers_count(entry, monkeypatch):
    halves = [entry.with_name(f".{i:064x}.catgrad-{i:016x}") for i in range(3)]
    for i, half in enumerate(halves):
        half.write_bytes(bytes(1000))
        os.utime(half, (i, i))
    monkeypatch.setenv(BYTES, str(entry.stat().st_size * 2 + 1500))
    cg.compile(lambda x: x - 1, cg.f32[3])
    assert [half.exists() for half in halves] == [False, False, True]
    assert entry.exists()
    Cache.of_user().clear()
    assert not list(entry.parent.iterdir())


def test_a_cache_that_is_cleared_while_it_is_written(folder, monkeypatch):
    plain = os.replace
    monkeypatch.setattr(files.os, "replace", lambda *names: (Cache.of_user().clear(), plain(*names)))
    assert not is_loaded(compiled())
    assert not list(folder.iterdir())


def test_what_would_not_be_read_is_not_kept(folder, monkeypatch):
    monkeypatch.setitem(saved._LIMITS, "code.o", 100)
    assert not is_loaded(compiled())
    assert not folder.exists()


# Limits of what is read.


def test_files_are_read_within_limits(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert files.read(path, 5) == b"12345"
    with pytest.raises(CatgradError, match="holds 5 bytes, more than the 4"):
        files.read(path, 4)
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        with pytest.raises(CatgradError, match="is no regular file"):
            files.read(other, 4)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode):
    executable, path = cg.compile(cg.exp, cg.f32[3]), tmp_path / "exp.catgrad"
    executable.save(path)
    path.chmod(mode)
    executable.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_that_is_replaced_lends_nothing(tmp_path):
    (tmp_path / "target").write_text("mine")
    (tmp_path / "target").chmod(0o666)
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "new").write_bytes(b"")
    files.replace({tmp_path / "link": b"written"})
    assert stat.S_IMODE((tmp_path / "link").lstat().st_mode) == stat.S_IMODE((tmp_path / "new").stat().st_mode)
    assert (tmp_path / "target").read_text() == "mine"
