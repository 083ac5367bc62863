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

import numpy as np
from safetensors.numpy import save

from catgrad.errors import CatgradError
from catgrad.runtime.aot import loader
from catgrad.runtime.aot.header import header
from catgrad.runtime.aot.library import TARGETS, Library, compile_library
from catgrad.runtime.aot.manifest import manifest
from catgrad.runtime.signature import Signature
from catgrad.saved import replace
from catgrad.term import Term

__all__ = ["check_writable", "export", "write"]

_LIBRARY = '_library = Library(Path(__file__).with_name("manifest.json"))'
"""How the Python loader ends where it stands for a library."""

_PKG_CONFIG = """\
prefix=${{pcfiledir}}

Name: {name}
Description: functions compiled by catgrad
Version: {version}
Cflags: -I${{prefix}}
Libs: -L${{prefix}} -l{name}
Libs.private: {private}
"""


def export(
    folder: Path,
    programs: Mapping[str, tuple[Term, Signature]],
    name: str | None = None,
    target: str = "cpu",
    parameters: Mapping[str, np.ndarray[Any, Any]] | None = None,
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
    library = compile_library(name or re.sub(r"\W", "_", folder.resolve().name), programs, target)
    return write(folder, library, parameters)


def write(folder: Path, library: Library, parameters: Mapping[str, np.ndarray[Any, Any]] | None = None) -> list[Path]:
    """Write a library into a folder, which is made if it is not there.

    Args:
        folder: Where.
        library: What.
        parameters: Arrays by name.

    Returns:
        The files.

    Raises:
        CatgradError: There is no C compiler to link with.
        OSError: A file cannot be written.
    """
    name = library.interface.name
    contents = {f"{name}.h": header(library.interface).encode(), **_code(library)}
    if parameters is not None:
        contents["parameters.safetensors"] = save({key: parameters[key] for key in sorted(parameters)})
    description = json.dumps(manifest(library, contents), indent=1) + "\n"
    _clear(folder, name)
    for file, content in {**contents, "manifest.json": description.encode()}.items():
        replace(folder / file, content)
    return [folder / file for file in (*contents, "manifest.json")]


def check_writable(folder: Path) -> None:
    """Make a folder, and raise `CatgradError` if nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CatgradError(f"cannot write into {folder}: {error.strerror}: choose another folder") from error


def _clear(folder: Path, name: str) -> None:
    """Remove what an earlier library of this name has left: what does not belong to the new one would go with it."""
    levels = {level for target in TARGETS.values() for level in target.levels}
    for file in (f"lib{name}.so", f"{name}.py", f"{name}.pc", f"{name}.o", *(f"{name}.{level}.o" for level in levels)):
        (folder / file).unlink(missing_ok=True)


def _code(library: Library) -> dict[str, bytes]:
    """Return the files with code, and those that only make sense where it runs."""
    name = library.interface.name
    static = {f"lib{name}.a": library.archive()}
    if not library.is_native:
        return {**static, **library.objects}
    loading = {f"{name}.py": _python(library).encode(), f"{name}.pc": _pkg_config(library).encode()}
    return {**static, f"lib{name}.so": library.shared(), **loading}


def _python(library: Library) -> str:
    functions = [f"{f.name} = _library.function({f.name!r})" for f in library.interface.functions]
    return "\n".join([inspect.getsource(loader), "", _LIBRARY, *functions, ""])


def _pkg_config(library: Library) -> str:
    private = " ".join(f"-l{needed}" for needed in library.needs if needed != "c")
    return _PKG_CONFIG.format(name=library.interface.name, version=version("catgrad"), private=private)
