"""The folder of a library: all that a program in C, C++ or Python needs.

| file | what it is |
|---|---|
| `libNAME.so`, `libNAME.a` | the code |
| `NAME.h`, `NAME.pc` | how C programs call and find it |
| `NAME.py` | how Python programs call it: with numpy, without catgrad |
| `manifest.json` | types, dimensions, versions, and the hashes of the other files |
| `parameters.safetensors` | arrays to begin with, where there are any |
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from catgrad import files
from catgrad.errors import CatgradError
from catgrad.parameters import to_safetensors
from catgrad.runtime.aot import loader
from catgrad.runtime.aot.header import header
from catgrad.runtime.aot.library import TARGETS, Library, compile_library
from catgrad.runtime.aot.manifest import manifest
from catgrad.runtime.aot.names import library_name
from catgrad.runtime.signature import Signature
from catgrad.term import Term

__all__ = ["check_writable", "export", "write"]

_MANIFEST, _PARAMETERS = "manifest.json", "parameters.safetensors"

_LARGEST_MANIFEST = 1 << 26
"""How many bytes a manifest takes at most."""

_LIBRARY = '_library = Library(Path(__file__).with_name("{manifest}"), "{name}")'
"""How the Python loader ends where it stands for a library."""

_PKG_CONFIG = """\
prefix=${{pcfiledir}}

Name: {name}
Description: functions compiled by catgrad
Version: {version}
Cflags: -I${{prefix}}
Libs: -L${{prefix}} -l{name}
"""


def export(
    folder: Path,
    programs: Mapping[str, tuple[Term, Signature]],
    name: str | None = None,
    target: str = "cpu",
    parameters: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Compile functions into a library, and write it.

    Args:
        folder: Where.
        programs: See `catgrad.runtime.aot.library.compile_library`.
        name: What the library is called; that of the folder if None.
        target: What it is for.
        parameters: Arrays by name.

    Returns:
        The files.

    Raises:
        CatgradError: A name is no identifier, the target is unknown, or there is no C compiler to link with.
        CompileError: A pass or a tool failed.
        OSError: A file cannot be written.
    """
    check_writable(folder)
    library = compile_library(library_name(folder.resolve().name) if name is None else name, programs, target)
    return write(folder, library, parameters)


def write(folder: Path, library: Library, parameters: Mapping[str, Any] | None = None) -> list[Path]:
    """Write a library into a folder, in the place of an earlier one of the same name.

    Args:
        folder: Where.
        library: What.
        parameters: Arrays by name.

    Returns:
        The files.

    Raises:
        CatgradError: Files that are no earlier library's would be lost; or there is no C compiler to link with, and all
            is there but the shared library.
        OSError: A file cannot be written.
    """
    name = library.interface.name
    contents, missing = _contents(library)
    if parameters is not None:
        contents[_PARAMETERS] = to_safetensors(parameters)
    contents[_MANIFEST] = (json.dumps(manifest(library, contents), indent=1) + "\n").encode()
    with files.locked(folder):
        _replace(folder, contents, _earlier(folder, name))
    if missing:
        raise CatgradError(f"{folder} has the static library, but not the shared one: {missing.message}") from missing
    return [folder / file for file in contents]


def _replace(folder: Path, contents: dict[str, bytes], earlier: frozenset[str]) -> None:
    """Write files, and remove those of an earlier library that are not among them: they would not belong to it."""
    for file in contents:
        if file not in earlier and os.path.lexists(folder / file):
            raise CatgradError(f"{folder / file} is no file of an earlier library of this name: choose another folder")
    manifest_first = reversed(contents.items())  # whatever comes after it is known to be a library's
    files.replace({folder / file: content for file, content in manifest_first})
    for file in earlier - contents.keys():
        (folder / file).unlink(missing_ok=True)


def _earlier(folder: Path, name: str) -> frozenset[str]:
    """Return the files in a folder that are an earlier library of a name, as its manifest lists them.

    Anybody can have written the manifest: only what a library of this name could have is believed to be of one. The
    shared library is one of its files even if it was missing: whoever had no compiler may have linked it since.
    """
    try:
        known = json.loads(files.read(folder / _MANIFEST, _LARGEST_MANIFEST))
        listed = {_MANIFEST, known["library"], *known["files"]} if known["name"] == name else set()
    except (CatgradError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return frozenset()
    return frozenset(file for file in listed & file_names(name) if _is_regular(folder / file))


def _is_regular(path: Path) -> bool:
    """Return whether a file is there; a link is none."""
    return path.is_file() and not path.is_symlink()


def file_names(name: str) -> frozenset[str]:
    """Return what the files of a library of a name can be called, for any target.

    Example:
        >>> sorted(file_names("net"))[:4]
        ['libnet.a', 'libnet.so', 'manifest.json', 'net.aarch64.o']
    """
    levels = {level.name for levels in TARGETS.values() for level in levels}
    code = (f"lib{name}.a", f"lib{name}.so", f"{name}.o", *(f"{name}.{level}.o" for level in levels))
    return frozenset({*code, f"{name}.h", f"{name}.pc", f"{name}.py", _PARAMETERS, _MANIFEST})


def check_writable(folder: Path) -> None:
    """Make a folder, and raise `CatgradError` if nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CatgradError(f"cannot write into {folder}: {error.strerror}: choose another folder") from error


def _contents(library: Library) -> tuple[dict[str, bytes], CatgradError | None]:
    """Return the files of a library, and why its shared one is not among them, where it could be."""
    name, missing = library.interface.name, None
    contents = {f"{name}.h": header(library.interface).encode(), f"lib{name}.a": library.archive()}
    if library.is_native:
        try:
            contents[library.shared_name] = library.shared()
        except CatgradError as error:
            missing = error
    else:
        contents.update(library.objects)
    texts = {f"{name}.py": _python(library), f"{name}.pc": _pkg_config(library)}
    return {**contents, **{file: text.encode() for file, text in texts.items()}}, missing


def _python(library: Library) -> str:
    loading = _LIBRARY.format(manifest=_MANIFEST, name=library.interface.name)
    functions = [f"{f.name} = _library.function({f.name!r})" for f in library.interface.functions]
    return "\n".join([inspect.getsource(loader), "", loading, *functions, ""])


def _pkg_config(library: Library) -> str:
    return _PKG_CONFIG.format(name=library.interface.name, version=version("catgrad"))
