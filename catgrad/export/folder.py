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
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from catgrad import files, json_text
from catgrad.errors import CatgradError
from catgrad.export import loader
from catgrad.export.header import header
from catgrad.export.library import TARGETS, Library, compile_library
from catgrad.export.manifest import fingerprint, manifest
from catgrad.export.names import library_name
from catgrad.ownership import check_free, unchanged
from catgrad.parameters import to_safetensors
from catgrad.runtime.signature import Signature
from catgrad.term import Term

__all__ = ["check_writable", "export", "write"]

_MANIFEST, _PARAMETERS = "manifest.json", "parameters.safetensors"

_LARGEST_MANIFEST = 1 << 26
"""How many bytes a manifest takes at most."""
_LINKED = 1 << 20
"""How many bytes a shared library has at most besides those of what it is linked of."""

_BUILD = re.compile(r"[0-9a-f]{16,64}")
"""What a manifest calls the build that its shared library holds as text."""

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
        programs: See `catgrad.export.library.compile_library`.
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
    """Write files, and remove those of an earlier library that are not among them: they would not belong to it.

    The manifest is the last: if this process is killed, each file is the earlier library's or what is to be written,
    and the same can be written again.
    """
    written = {file: fingerprint(content) for file, content in contents.items()}
    check_free(folder, contents, earlier | _unchanged(folder, written), "library of this name", "another folder")
    files.replace({folder / file: content for file, content in contents.items()})
    for file in earlier - contents.keys():
        (folder / file).unlink(missing_ok=True)


def _earlier(folder: Path, name: str) -> frozenset[str]:
    """Return the files in a folder that are an earlier library of a name, as its manifest lists them.

    Anybody can have written the manifest: a file is believed to be one of a library's if a library of this name could
    have it, and its content has the hash that the manifest gives.
    """
    try:
        known = json_text.loads(files.read(folder / _MANIFEST, _LARGEST_MANIFEST))
        if known["name"] != name or not _is_regular(folder / _MANIFEST):
            return frozenset()
        listed, shared, build = dict(known["files"]), known["library"], known["build"]
    except (CatgradError, OSError, ValueError, LookupError, TypeError):
        return frozenset()
    possible = file_names(name)
    known = {file: about for file, about in listed.items() if file in possible and _is_fingerprint(about)}
    own = _unchanged(folder, known)
    if isinstance(shared, str) and shared in possible and shared not in listed:
        most = sum(known[file]["bytes"] for file in own) + _LINKED
        own |= _build_of(folder, shared, build, most)
    return own | {_MANIFEST}


def _unchanged(folder: Path, known: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Return the files that are as their fingerprints say; those of another size are not read."""

    def read(file: str) -> bytes:
        return _read(folder / file, known[file]["bytes"])

    hashes = {file: about["sha256"] for file, about in known.items() if _size(folder / file) == about["bytes"]}
    return unchanged(hashes, read)


def _size(path: Path) -> int | None:
    """Return how large a file is; None if there is none, or a link in its place."""
    return path.stat().st_size if _is_regular(path) else None


def _is_fingerprint(about: Any) -> bool:
    """Return whether a manifest lists a file with its size and hash."""
    return isinstance(about, dict) and type(about.get("bytes")) is int and "sha256" in about


def _build_of(folder: Path, file: str, build: Any, most: int) -> frozenset[str]:
    """Return a file if it is the shared library of a build: whoever had no compiler may have linked it since."""
    if not (isinstance(build, str) and _BUILD.fullmatch(build)):
        return frozenset()
    try:
        content = _read(folder / file, most)
    except (CatgradError, OSError):
        return frozenset()
    is_linked = content.startswith(b"\x7fELF") and build.encode() in content
    return frozenset({file}) if is_linked else frozenset()


def _read(path: Path, most: int) -> bytes:
    """Return what a file holds, which is no link."""
    if not _is_regular(path):
        raise CatgradError(f"{path} is no regular file")
    return files.read(path, most)


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
        raise CatgradError(f"cannot write into {folder}: {error.strerror}: choose another folder") from None


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
