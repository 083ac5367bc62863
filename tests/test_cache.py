"""The cache: keys, hits and damaged entries, authentication of entries, eviction, and limits."""

import dataclasses
import hashlib
import multiprocessing
import os
import stat
import time
import warnings
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from compiling import compile_some

import catgrad as cg
from catgrad import files, own_code, saved, seal, source
from catgrad.cache import BYTES, FOLDER, Cache
from catgrad.errors import CatgradError
from catgrad.target import target

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


# What is found again.


def test_the_second_compilation_is_a_load(folder):
    first, second = compiled(), compiled()
    assert not is_loaded(first)
    assert is_loaded(second)
    np.testing.assert_array_equal(first(ONE), second(ONE))
    assert second.ir("linalg") == first.ir("linalg")
    with pytest.raises(CatgradError, match="is an entry of the cache"):
        cg.load(next(folder.iterdir()))
    assert [entry.about.type for entry in Cache.of_user().entries()] == [str(first.signature)]
    assert (folder.stat().st_mode & 0o777, next(folder.iterdir()).stat().st_mode & 0o777) == (0o700, 0o600)


def test_what_changes_the_code_changes_the_key(folder, monkeypatch):
    compiled()
    assert not is_loaded(cg.compile(double, cg.f32[4]))
    assert not is_loaded(cg.compile(double, cg.f32["B"]))
    assert not is_loaded(cg.compile(cg.abs, cg.f32[3]))
    assert not is_loaded(cg.compile(cg.abs, cg.f64[3]))
    assert not is_loaded(cg.compile(lambda x: cg.negative(x), cg.f32[3]))
    assert not is_loaded(cg.compile(lambda x: x + 1, cg.f32[3]))
    assert not is_loaded(cg.compile(lambda x: x + 2, cg.f32[3]))
    assert not is_loaded(cg.compile(lambda x: x + 2, cg.f32[3], donate=0))
    with monkeypatch.context() as patch:
        abacus = {"processor": "abacus", "features": frozenset()}
        patch.setattr(source, "target", lambda name: dataclasses.replace(target(name), **abacus))
        assert not is_loaded(compiled())
    with monkeypatch.context() as patch:
        patch.setattr(source.cache, "versions", lambda: {"catgrad": "0"})
        assert not is_loaded(compiled())
    assert is_loaded(compiled())


def test_names_are_not_part_of_what_is_shared(folder):
    """The name of a function is that of its symbol, so functions of two names are two entries; both are right."""
    one, two = (cg.compile(cg.trace(f, cg.f32[3])) for f in (layer_like_one, layer_like_two))
    assert (one.signature.name, two.signature.name) == ("layer_like_one", "layer_like_two")
    assert one(np.ones(3, np.float32)).tolist() == two(np.ones(3, np.float32)).tolist()


def layer_like_one(x):
    return x * 2


def layer_like_two(x):
    return x * 2


def test_a_damaged_or_foreign_entry_is_rebuilt(folder, monkeypatch):
    compiled()
    (path,) = folder.iterdir()
    good = path.read_bytes()
    for content in (b"", good[:-40], good.replace(b"code.o", b"code.x"), b"text"):
        path.write_bytes(content)
        assert not is_loaded(compiled())
        assert path.read_bytes() == good
    cg.compile(lambda x: x, cg.f32[3])
    (other,) = set(folder.iterdir()) - {path}
    path.write_bytes(other.read_bytes())
    assert not is_loaded(compiled())
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: 12345)
        with pytest.warns(UserWarning, match="belongs to another user"):
            assert not is_loaded(compiled())
    assert is_loaded(compiled())


def test_what_was_used_longest_ago_goes_first(folder, monkeypatch):
    sizes = []
    for i in range(3):
        cg.compile(lambda x, i=i: x + i, cg.f32[3])
        sizes.append(sum(entry.bytes for entry in Cache.of_user().entries()))
    ages = {entry.path: i for i, entry in enumerate(Cache.of_user().entries())}
    for path, age in ages.items():
        os.utime(path, (time.time() - 100 * (1 + age),) * 2)
    assert is_loaded(cg.compile(lambda x: x + 0, cg.f32[3]))
    monkeypatch.setenv(BYTES, str(sizes[-1]))
    cg.compile(lambda x: x + 3, cg.f32[3])
    assert sum(entry.bytes for entry in Cache.of_user().entries()) <= sizes[-1]
    assert is_loaded(cg.compile(lambda x: x + 0, cg.f32[3]))
    assert not is_loaded(cg.compile(lambda x: x + 1, cg.f32[3]))


def test_a_folder_that_cannot_be_written_is_a_warning(folder):
    folder.write_text("a file")
    with pytest.warns(UserWarning, match=rf"compiled functions cannot be kept in {folder}: .*{FOLDER}") as warned:
        assert cg.compile(lambda x: x + 1, cg.f32[3])(np.zeros(3, np.float32)).tolist() == [1, 1, 1]
    assert [each.filename for each in warned] == [__file__]
    with warnings.catch_warnings():  # said once
        warnings.simplefilter("error")
        cg.compile(lambda x: x + 2, cg.f32[3])


@pytest.mark.parametrize("limit", ["much", "-1", "1e9", "9" * 5000, "²", "٣"])
def test_a_limit_that_is_no_number(folder, monkeypatch, limit):
    monkeypatch.setenv(BYTES, limit)
    with pytest.raises(CatgradError, match="CATGRAD_CACHE_BYTES is how many bytes"):
        cg.compile(lambda x: x, cg.f32[3])


def test_many_processes_share_a_cache(folder):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(compile_some, range(4))) == [8] * 4
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_folder_that_can_only_be_read_is_a_cache(folder, monkeypatch):
    compiled()

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    assert is_loaded(compiled())


def test_what_does_not_link_is_rebuilt(folder):
    compiled()
    (path,) = folder.iterdir()
    kept = saved.read(path)
    path.write_bytes(seal.seal(dataclasses.replace(kept, code=kept.code[:200]).to_bytes(), path.name))
    assert not is_loaded(compiled())
    assert is_loaded(compiled())


def test_a_folder_in_the_place_of_an_entry_is_left_alone(folder):
    compiled()
    (entry,) = folder.iterdir()
    entry.unlink()
    (entry / "inside").mkdir(parents=True)
    with pytest.warns(UserWarning, match="compiled functions cannot be kept"):
        assert not is_loaded(compiled())
    assert (entry / "inside").is_dir()


def test_code_is_not_kept_while_catgrad_changes(folder, monkeypatch):
    file, (size, time) = next(iter(own_code._IMPORTED.items()))
    monkeypatch.setitem(own_code._IMPORTED, file, (size, time - 1))
    compiled()
    assert not folder.exists()


def test_code_is_kept_whatever_the_clock_says(folder, monkeypatch):
    ahead = {file: (size, time + 10**18) for file, (size, time) in own_code._IMPORTED.items()}
    monkeypatch.setattr(own_code, "_IMPORTED", ahead)
    monkeypatch.setattr(own_code, "_state", ahead.get)
    compiled()
    assert len(list(folder.iterdir())) == 1


@dataclasses.dataclass
class State:
    weight: object
    count: object


def keep(state):
    return State(state.weight + 1, state.count)


def test_a_dataclass_means_nothing_without_its_program(tmp_path, folder):
    exes = [cg.compile(keep, State(cg.f32[3], cg.i32[()])) for _ in range(2)]
    assert is_loaded(exes[1])
    with pytest.raises(CatgradError, match="lists, tuples, and dicts with text or integers as keys, not State"):
        exes[0].save(tmp_path / "keep")


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
