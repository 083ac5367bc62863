"""Files of executables: the term, and the machine code that was made of it.

A file is a ZIP archive with a fixed order and fixed dates, so equal executables are equal bytes:

| member | what it is |
|---|---|
| `manifest.json` | name, type, target, processor, versions, and the hashes of the other members |
| `term.json` | the simplified term (`catgrad.from_json`) |
| `code.o` | an object file for the processor that the manifest names |

The code is trusted: open only files from where you would take a program. The hashes find damage, not malice.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from catgrad.errors import CatgradError

__all__ = ["About", "Saved", "read", "read_about"]

FORMAT = 1
"""Of the file, and of what machine code takes: that of another format is not run."""

_MANIFEST, _TERM, _CODE = "manifest.json", "term.json", "code.o"
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class About:
    """What a file says about itself.

    Attributes:
        name: The function.
        type: Its type, for people.
        target: What it was compiled for.
        donated: Pairs of an input and the output that is written into its memory.
        processor: The processor that it was compiled on, as LLVM names it.
        features: What the code may use: a processor that runs it has all of them.
        versions: Of catgrad, and of the compiler, by package.
        key: What a cache calls it, which stands for everything that the code depends on.
        nesting: How the arguments and the results are nested, from `catgrad.trees.to_json`; None in a cache.
    """

    name: str
    type: str
    target: str
    donated: list[tuple[int, int]]
    processor: str
    features: list[str]
    versions: dict[str, str]
    key: str
    nesting: list[Any] | None = None


@dataclass(frozen=True)
class Saved:
    """An executable at rest.

    Attributes:
        about: What it is.
        term: The simplified term as JSON, its arguments and results in a row.
        code: Its machine code, an object file.
    """

    about: About
    term: str
    code: bytes

    def to_bytes(self) -> bytes:
        """Return the file."""
        members = {_TERM: self.term.encode(), _CODE: self.code}
        about = asdict(self.about)
        hashes = {"about": _hash(json.dumps(about).encode()), **_hashes(members)}
        manifest = json.dumps({"format": FORMAT, "about": about, "sha256": hashes}, indent=1)
        archive = io.BytesIO()
        with ZipFile(archive, "w") as file:
            for name, content in {_MANIFEST: manifest.encode(), **members}.items():
                file.writestr(ZipInfo(name, _DATE), content, ZIP_DEFLATED, compresslevel=1)
        return archive.getvalue()


def read(path: Path) -> Saved:
    """Return what a file holds.

    Raises:
        CatgradError: It is no such file, is damaged, or is of another format.
        OSError: It cannot be read.
    """
    content = io.BytesIO(path.read_bytes())
    try:
        with ZipFile(content) as file:
            manifest = _manifest(file)
            members = {name: file.read(name) for name in (_TERM, _CODE)}
        about = json.dumps(manifest["about"]).encode()
        if manifest["sha256"] != {"about": _hash(about), **_hashes(members)}:
            raise CatgradError(f"{path} is damaged: it is not what was saved")
        return Saved(_about(manifest), members[_TERM].decode(), members[_CODE])
    except _NOT_OURS as error:
        raise CatgradError(_explain(path, error)) from error


def read_about(path: Path) -> About:
    """Return what a file says about itself, unchecked.

    Raises:
        CatgradError: It is no such file, or of another format.
        OSError: It cannot be read.
    """
    content = io.BytesIO(path.read_bytes())
    try:
        with ZipFile(content) as file:
            return _about(_manifest(file))
    except _NOT_OURS as error:
        raise CatgradError(_explain(path, error)) from error


_NOT_OURS = (BadZipFile, LookupError, TypeError, ValueError, AttributeError, EOFError, RuntimeError, zlib.error)
"""What reading a file of another kind can raise."""


def _explain(path: Path, error: Exception) -> str:
    return f"{path} is not what `exe.save` writes: {type(error).__name__}: {error}"


def _manifest(file: ZipFile) -> Any:
    manifest = json.loads(file.read(_MANIFEST))
    if manifest["format"] != FORMAT:
        raise ValueError(f"its format is {manifest['format']}, not {FORMAT}")
    return manifest


def _about(manifest: Any) -> About:
    fields = manifest["about"]
    return About(**{**fields, "donated": [(int(source), int(target)) for source, target in fields["donated"]]})


def _hashes(members: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _hash(content) for name, content in members.items()}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
