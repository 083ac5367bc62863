"""Processors as targets: what `target="cpu:x86-64-v4+avx512bf16"` says.

`cpu` is the processor of this process, with all that it can do. `cpu:LEVEL` is any processor of a level, and
`cpu:LEVEL+FEATURE` one that has more: code for it is the same wherever it is compiled.

Reference: "x86-64 psABI", section 3.1.1 (micro-architecture levels).
"""

from __future__ import annotations

import platform
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from catgrad.errors import CatgradError
from catgrad.llvm import processor

__all__ = ["HOST", "LEVELS", "X86_LEVELS", "Level", "Target", "highest", "is_cpu", "known", "target"]

HOST = "cpu"
"""The target that is this process's processor."""


@dataclass(frozen=True)
class Level:
    """Processors that share their instructions.

    Attributes:
        name: "x86-64-v3", as users and `catgrad.passes.machine` call it.
        triple: The architecture and the system, as LLVM names them.
        processor: What LLVM calls a processor of the level.
        features: What each of them has, as LLVM names it.
        extras: What some of them have besides, and code can be compiled for.
        tuning: What LLVM should know besides the name.
    """

    name: str
    triple: str
    processor: str
    features: frozenset[str]
    extras: frozenset[str] = frozenset()
    tuning: str = ""

    @property
    def architecture(self) -> str:
        """The family of instruction sets, as the operating system names it."""
        return self.triple.partition("-")[0]


_X86, _ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
_V2 = frozenset("cx16 popcnt sahf sse3 sse4.1 sse4.2 ssse3".split())
_V3 = _V2 | frozenset("avx avx2 bmi bmi2 f16c fma lzcnt movbe xsave".split())
_V4 = _V3 | frozenset("avx512bw avx512cd avx512dq avx512f avx512vl".split())
_EXTRAS = frozenset({"avx512bf16", "avx512fp16", "avx512vnni"})

LEVELS: Mapping[str, Level] = {
    level.name: level
    for level in (
        Level("x86-64-v2", _X86, "x86-64-v2", _V2),
        Level("x86-64-v3", _X86, "x86-64-v3", _V3),
        # Vectors are as wide as registers are.
        Level("x86-64-v4", _X86, "x86-64-v4", _V4, _EXTRAS, "-prefer-256-bit"),
        Level("aarch64", _ARM, "generic", frozenset({"neon"}), frozenset({"bf16", "fullfp16"})),
    )
}
"""The levels that code can be compiled for, lowest first."""

X86_LEVELS = tuple(name for name, level in LEVELS.items() if level.architecture == "x86_64")


@dataclass(frozen=True)
class Target:
    """A processor to compile for.

    Attributes:
        name: What users call it, in one spelling.
        level: The name of its level; None for the host, which is described as it is.
        triple: The architecture and the system, as LLVM names them.
        processor: What LLVM calls it.
        features: What it has, as LLVM names it: what runs the code has all of it.
        options: Features and tuning, as LLVM takes them: "+avx512bf16,-prefer-256-bit".
    """

    name: str
    level: str | None
    triple: str
    processor: str
    features: frozenset[str]
    options: str

    @property
    def missing(self) -> tuple[str, ...]:
        """Missing features of this process's processor for code of the target, or the architecture that it is not."""
        architecture = self.triple.partition("-")[0]
        if architecture != _architecture():
            return (f"{architecture} instructions",)
        return tuple(sorted(self.features - processor().features))

    def check_host(self) -> None:
        """Raise `CatgradError` unless this process can run code for the target."""
        if self.missing:
            best = highest()
            advice = f"name a target it can run, {HOST}{f' or {best}' if best else ''}"
            lacks = ", ".join(self.missing)
            raise CatgradError(
                f"code for {self.name} cannot run here: this processor lacks {lacks}: {advice}, or build a library for "
                "another machine, with `catgrad build` or `exe.export`"
            )


def is_cpu(name: str) -> bool:
    """Return whether a target is a processor.

    Raises:
        CatgradError: It is no string, so that nothing is called so.
    """
    if not isinstance(name, str):
        raise CatgradError(f"a target is named by a string, such as {HOST!r}, got {name!r}")
    return name.partition(":")[0] == HOST


@lru_cache(1 << 6)  # one processor has many spellings
def target(name: str) -> Target:
    """Return a processor by what users call it.

    Raises:
        CatgradError: There is no such target; the message lists those that there are.

    Example:
        >>> target("cpu:x86-64-v4+avx512vnni+avx512bf16").name
        'cpu:x86-64-v4+avx512bf16+avx512vnni'
    """
    if name == HOST:
        return _host()
    family, _, rest = name.partition(":")
    level_name, *extras = rest.split("+")
    level = LEVELS.get(level_name)
    if family != HOST or level is None or not set(extras) <= level.extras:
        raise CatgradError(f"unknown target {reprlib.repr(name)}: expected one of {', '.join(known())}")
    chosen = sorted(set(extras))
    return Target(
        name="+".join([f"{HOST}:{level_name}", *chosen]),
        level=level_name,
        triple=level.triple,
        processor=level.processor,
        features=level.features.union(chosen),
        options=",".join([*(f"+{each}" for each in chosen), *filter(None, [level.tuning])]),
    )


def highest() -> str | None:
    """Return the target that is the highest level this process's processor runs; None if it runs none."""
    runnable = [name for name in (f"{HOST}:{level}" for level in LEVELS) if not target(name).missing]
    return runnable[-1] if runnable else None


def known() -> tuple[str, ...]:
    """Return the targets that are processors, as messages list them."""
    return HOST, *(
        f"{HOST}:{level.name}" + "".join(f"[+{each}]" for each in sorted(level.extras)) for level in LEVELS.values()
    )


def _host() -> Target:
    host = processor()
    triples = {level.architecture: level.triple for level in LEVELS.values()}
    return Target(HOST, None, triples[_architecture()], host.name, host.features, host.options)


def _architecture() -> str:
    """Return the family of instruction sets of this process."""
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
