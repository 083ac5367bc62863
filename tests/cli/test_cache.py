"""The command that lists and clears the cache."""

import pytest

import catgrad as cg
from catgrad import seal
from catgrad.cache import FOLDER


def test_list_and_clear(command, result, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    cg.compile(lambda x: x + 1, cg.f32[3])
    cg.compile(cg.exp, cg.f32["B"])
    (tmp_path / "cache" / f"{'0' * 64}.catgrad").write_bytes(seal.MAGIC + b"?")
    code, out, err = command("cache", "list")
    assert (code, err) == (0, "")
    assert "cpu  exp: (x: f32[B]) -> f32[B]" in out
    assert "damaged: " in out
    assert f"3 compiled functions, 0.0 MB, kept in {tmp_path / 'cache'}" in out
    listed = result("cache", "list")
    assert listed["bytes"] == sum(entry["bytes"] for entry in listed["entries"])
    assert {entry["about"] and entry["about"]["name"] for entry in listed["entries"]} == {"lambda", "exp", None}
    assert len(result("cache", "clear")["entries"]) == 3
    assert list((tmp_path / "cache").iterdir()) == []
    assert "0 compiled functions" in command("cache", "clear")[1]


def test_no_cache(command, result, monkeypatch):
    monkeypatch.setenv(FOLDER, "")
    assert command("cache", "list")[1] == "0 compiled functions, 0.0 MB, kept nowhere: CATGRAD_CACHE_DIR is empty\n"
    assert result("cache", "list") == {"folder": None, "limit": None, "bytes": 0, "entries": []}


@pytest.mark.parametrize("action", ["list", "clear"])
def test_a_cache_that_is_a_file(command, tmp_path, monkeypatch, action):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file"))
    code, out, err = command("cache", action)
    assert (code, out) == (1, "")
    assert f"cannot {action} the cache in {tmp_path / 'file'}: Not a directory: {FOLDER} says where" in err


def test_help_says_where(command, capsys):
    with pytest.raises(SystemExit):
        command("cache", "--help")
    assert "CATGRAD_CACHE_BYTES" in capsys.readouterr().out
