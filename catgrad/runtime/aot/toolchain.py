"""LLVM's tools and the system's linker: from LLVM IR to object code, archives and shared libraries."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from catgrad.errors import CatgradError, CompileError
from catgrad.runtime.engine import find_tool

__all__ = ["archive", "link", "object_code", "undefined"]

_OPTIMISED = "-O2"
_FEATURES = {"x86-64-v4": ["-mattr=-prefer-256-bit"]}
"""What to tell LLVM about a processor besides its name: with AVX-512, that vectors are as wide as registers are."""

_LINK = (
    "-shared",
    "-nostdlib",
    "-Wl,-z,defs,-z,text,-z,relro,-z,now,-z,noexecstack",
    "-Wl,--gc-sections,--strip-all,--build-id=none,--hash-style=gnu,--as-needed",
)
"""Options for a library of nothing but the objects: all it needs is known, and no page of code is ever written."""


def object_code(llvm_ir: str, triple: str, processor: str) -> bytes:
    """Return the object code of a module, which may lie anywhere in memory.

    Args:
        llvm_ir: The module.
        triple: The architecture and the system, as LLVM names them.
        processor: Whose instructions may be used, as LLVM names it.

    Raises:
        CompileError: The LLVM tools are not installed, or fail.
    """
    machine = [f"-mtriple={triple}", f"-mcpu={processor}", *_FEATURES.get(processor, ())]
    optimised = _run([find_tool("opt"), _OPTIMISED, *machine], llvm_ir.encode())
    kind = ["-relocation-model=pic", "-filetype=obj", "-function-sections"]
    return _run([find_tool("llc"), _OPTIMISED, *machine, *kind], optimised)


def archive(objects: Mapping[str, bytes]) -> bytes:
    """Return the static library of some objects, by name."""
    with _files(objects) as paths:
        target = paths[0].with_name("library.a")
        _run([find_tool("llvm-ar"), "rcsD", target, *paths])
        return target.read_bytes()


def undefined(code: bytes) -> set[str]:
    """Return the symbols that an object takes from elsewhere."""
    return set(_run([find_tool("llvm-nm"), "--undefined-only", "--just-symbol-name", "-"], code).decode().split())


def link(objects: Mapping[str, bytes], soname: str, libraries: Sequence[str]) -> bytes:
    """Return the shared library of some objects.

    Args:
        objects: By name.
        soname: What programs that are linked to it will look for.
        libraries: What it needs: "c", "gcc".

    Raises:
        CatgradError: There is no C compiler to link with.
        CompileError: It fails.
    """
    with _files(objects) as paths:
        target = paths[0].with_name(soname)
        needed = [f"-l{library}" for library in libraries]
        try:
            _run([*_compiler(), *_LINK, f"-Wl,-soname,{soname}", "-o", target, *paths, *needed])
        except CompileError as error:
            advice = "if the compiler finds no ld, install binutils"
            raise CompileError(f"the library cannot be linked: {advice}\n{error.message}") from error
        return target.read_bytes()


def _compiler() -> list[str]:
    """Return the command of the system's C compiler, which knows how to call the linker."""
    named = os.environ.get("CC", "").strip()
    for command in [named] if named else ["cc", "gcc", "clang"]:
        with suppress(ValueError):  # a quotation without an end
            words = shlex.split(command)
            if shutil.which(words[0]):
                return words
    missing = f"there is no {named}" if named else "there is none"
    raise CatgradError(f"linking a shared library needs a C compiler, and {missing}: install gcc or clang, or set $CC")


@contextmanager
def _files(contents: Mapping[str, bytes]) -> Iterator[list[Path]]:
    """Provide files in a folder of their own while the body runs."""
    with TemporaryDirectory(prefix="catgrad-") as folder:
        paths = [Path(folder, name) for name in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            path.write_bytes(content)
        yield paths


def _run(command: Sequence[str | Path], content: bytes = b"") -> bytes:
    """Run a command on `content` and return what it prints."""
    words = list(map(str, command))
    done = subprocess.run(words, input=content, capture_output=True, check=False)
    if done.returncode:
        raise CompileError(f"{shlex.join(words)} failed:\n{done.stderr.decode(errors='replace').strip()}")
    return done.stdout
