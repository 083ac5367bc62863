"""The machine model of a processor for code generation: a description, never a list of special cases.

Example:
    >>> machine = Machine.named("x86-64-v4")
    >>> machine.lanes(32), machine.vector_registers
    (16, 32)
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from catgrad.target import Target

__all__ = ["Machine"]

_CPUINFO = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Machine:
    """One core of a processor, as the kernels see it.

    Attributes:
        name: "x86-64-v4", "aarch64", ... ; "host" describes the processor this runs on.
        vector_bits: Width of a vector register.
        vector_registers: How many of them there are.
        l1_bytes: Size of the level 1 data cache.
        l2_bytes: Size of the level 2 cache.
        multiply_adds_in_flight: Independent vector multiply-adds that hide their latency: latency × throughput.
        alias_bytes: Addresses this far apart compete for the same place in the level 1 cache.
        line_bytes: Size of a cache line.
        multiply_add: Whether there is an instruction that computes a · b + c with one rounding.
        half_conversions: Whether there are instructions that turn f16 into f32 and back.
        features: Instruction sets, as the operating system names them.
    """

    name: str
    vector_bits: int
    vector_registers: int
    l1_bytes: int = 32 << 10
    l2_bytes: int = 512 << 10
    multiply_adds_in_flight: int = 8
    alias_bytes: int = 4096
    line_bytes: int = 64
    multiply_add: bool = True
    half_conversions: bool = True
    features: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name

    def lanes(self, bits: int) -> int:
        """Return how many elements of `bits` bits one vector register holds."""
        return max(self.vector_bits // bits, 1)

    @staticmethod
    def named(name: str) -> Machine:
        """Return the machine called `name`; raise `ValueError` with the known names if there is none.

        Example:
            >>> Machine.named("pdp-11")
            Traceback (most recent call last):
            ...
            ValueError: unknown machine 'pdp-11': expected one of aarch64, host, x86-64-v2, x86-64-v3, x86-64-v4
        """
        if name == "host":
            return Machine.host()
        if name not in _PRESETS:
            raise ValueError(f"unknown machine {name!r}: expected one of {', '.join(sorted([*_PRESETS, 'host']))}")
        return _PRESETS[name]

    @staticmethod
    def of(target: Target) -> Machine:
        """Return what a target is to kernels."""
        return Machine.host() if target.level is None else Machine.named(target.level)

    @staticmethod
    @cache
    def host() -> Machine:
        """Return the processor this runs on; what cannot be found out is taken from the nearest preset."""
        features = _features()
        preset = _PRESETS[_level(platform.machine().lower(), features)]
        return replace(
            preset,
            name="host",
            features=features,
            l1_bytes=_cache_bytes("1", {"Data", "Unified"}) or preset.l1_bytes,
            l2_bytes=_cache_bytes("2", {"Data", "Unified"}) or preset.l2_bytes,
        )


_PRESETS = {
    machine.name: machine
    for machine in (
        Machine("x86-64-v2", vector_bits=128, vector_registers=16, multiply_add=False, half_conversions=False),
        Machine("x86-64-v3", vector_bits=256, vector_registers=16),
        Machine("x86-64-v4", vector_bits=512, vector_registers=32, l2_bytes=1 << 20),
        Machine("aarch64", vector_bits=128, vector_registers=32, multiply_adds_in_flight=16),
    )
}

_AVX512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
_AVX2 = {"avx2", "f16c", "fma"}


def _level(architecture: str, features: frozenset[str]) -> str:
    """Return the name of the preset that `features` allow."""
    if architecture in {"aarch64", "arm64"}:
        return "aarch64"
    if features >= _AVX512:
        return "x86-64-v4"
    return "x86-64-v3" if features >= _AVX2 else "x86-64-v2"


def _features() -> frozenset[str]:
    """Return the instruction sets that the operating system reports; none where it does not say."""
    if sys.platform != "linux" or not _CPUINFO.exists():
        return frozenset()
    for line in _CPUINFO.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return frozenset(value.split())
    return frozenset()


def _cache_bytes(level: str, kinds: set[str]) -> int:
    """Return the size of the first cache of `level` and one of `kinds`, or 0 where the system does not say."""
    for entry in sorted(_CACHES.glob("index*")):
        if _read(entry / "level") == level and _read(entry / "type") in kinds:
            return _size(_read(entry / "size"))
    return 0


def _read(path: Path) -> str:
    """Return the text of `path` without its end of line, or nothing if there is no such file."""
    return path.read_text().strip() if path.exists() else ""


def _size(text: str) -> int:
    """Return the number of bytes that "48K" or "2M" stands for."""
    digits, unit = text.rstrip("KMG"), text[-1:]
    return int(digits) * _UNITS.get(unit, 1) if digits.isdigit() else 0
