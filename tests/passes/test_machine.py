import pytest

from catgrad.passes import machine
from catgrad.passes.machine import Machine


@pytest.mark.parametrize(("name", "f32", "f64"), [("x86-64-v2", 4, 2), ("x86-64-v4", 16, 8), ("aarch64", 4, 2)])
def test_lanes(name, f32, f64):
    assert (Machine.named(name).lanes(32), Machine.named(name).lanes(64)) == (f32, f64)


def test_a_vector_has_at_least_one_lane():
    assert Machine.named("aarch64").lanes(256) == 1


def test_the_host_is_described():
    host = Machine.host()
    assert host is Machine.named("host")
    assert str(host) == "host"
    assert host.vector_bits in {128, 256, 512}
    assert 0 < host.l1_bytes < host.l2_bytes


@pytest.mark.parametrize(
    ("architecture", "features", "level"),
    [
        ("x86_64", {"sse2"}, "x86-64-v2"),
        ("x86_64", {"avx2", "f16c", "fma"}, "x86-64-v3"),
        ("x86_64", {"avx2", "fma"}, "x86-64-v2"),
        ("x86_64", {"avx2", "f16c", "fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}, "x86-64-v4"),
        ("arm64", set(), "aarch64"),
    ],
)
def test_the_preset_follows_from_the_features(architecture, features, level):
    assert machine._level(architecture, frozenset(features)) == level


@pytest.mark.parametrize(("text", "size"), [("48K", 48 << 10), ("2M", 2 << 20), ("512", 512), ("", 0), ("?", 0)])
def test_cache_sizes(text, size):
    assert machine._size(text) == size


def test_a_system_that_says_nothing_gets_the_preset(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "none")
    monkeypatch.setattr(machine, "_CACHES", tmp_path / "none")
    monkeypatch.setattr(machine.platform, "machine", lambda: "AMD64")
    host = Machine.host.__wrapped__()
    assert host.l2_bytes == Machine.named("x86-64-v2").l2_bytes


def test_an_unknown_machine_is_refused():
    with pytest.raises(ValueError, match=r"expected one of aarch64, host"):
        Machine.named("z80")
