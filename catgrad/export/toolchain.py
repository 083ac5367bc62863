"""LLVM's archiver and the system's linker: from objects to archives and shared libraries."""

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
from catgrad.llvm import find_tool

__all__ = ["archive", "link"]

_LINK = (
    "-shared",
    "-nostdlib",
    "-Wl,-z,defs,-z,text,-z,relro,-z,now,-z,noexecstack",
    "-Wl,--gc-sections,--strip-all,--build-id=none,--hash-style=gnu,--as-needed",
)
"""Options for a library of nothing but the objects: all it needs is known, and no page of code is ever written."""


def archive(objects: Mapping[str, bytes]) -> bytes:
    """Return the static library of some objects, by name."""
    with _files(objects) as paths:
        target = paths[0].with_name("library.a")
        _run([find_tool("llvm-ar"), "rcsD", target, *paths])
        return target.read_bytes()


def link(objects: Mapping[str, bytes], soname: str) -> bytes:
    """Return the shared library of some objects.

    Args:
        objects: By name.
        soname: What programs that are linked to it will look for.

    Raises:
        CatgradError: There is no C compiler to link with.
        CompileError: It fails.
    """
    with _files(objects) as paths:
        target = paths[0].with_name(soname)
        try:
            _run([*_compiler(), *_LINK, f"-Wl,-soname,{soname}", "-o", target, *paths, "-lc"])
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


def _run(command: Sequence[str | Path]) -> None:
    """Run a command."""
    words = list(map(str, command))
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode:
        raise CompileError(f"{shlex.join(words)} failed:\n{done.stderr.decode(errors='replace').strip()}")
