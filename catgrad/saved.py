"""Files of executables: the term, and the machine code that was made of it.

A file is a ZIP archive with a fixed order and fixed dates, so equal executables are equal bytes:

| member | what it is |
|---|---|
| `manifest.json` | name, type, target, processor, versions, and the hashes of the other members |
| `term.json` | the simplified term (`catgrad.from_json`) |
| `code.o` | an object file for the processor that the manifest names |

The code is trusted: run only that of files from where you would take a program. The hashes find damage, not malice.
All else is read as what it is, text from anywhere: how much of it there may be is decided before it is unpacked.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from catgrad import files, json_text
from catgrad.errors import CatgradError

__all__ = ["LARGEST", "About", "Saved", "from_bytes", "read"]

FORMAT = 2
"""Of the file, and of what machine code takes: that of another format is not run."""

_MANIFEST, _TERM, _CODE = "manifest.json", "term.json", "code.o"
_DATE = (1980, 1, 1, 0, 0, 0)
_LIMITS = {_MANIFEST: 4 << 20, _TERM: 128 << 20, _CODE: 128 << 20}
"""How many bytes each member may have."""
LARGEST = sum(_LIMITS.values())
"""The most bytes that a file may have."""
_END, _LOCATOR_SIZE = struct.Struct("<4s4H2LH"), 20
"""The record at the end of a ZIP archive, and the size of what comes before it in one of more than 4 GiB."""
_DIRECTORY = 1 << 10
"""How many bytes the list of members takes at most."""
_LARGE = 1 << 20
"""The bytes from which a member is not compressed: that it is so large is due to constants, which hardly shrink."""


@dataclass(frozen=True)
class About:
    """Metadata of a file.

    Attributes:
        name: The function.
        type: Its type, for people.
        target: What it was compiled for.
        donated: Pairs of an input and the output that is written into its memory.
        processor: The processor that it was compiled for, as LLVM names it.
        features: What the code may use: a processor that runs it has all of them.
        versions: Of catgrad, and of the compiler, by package.
        key: What a cache calls it, which stands for everything that the code depends on.
        nesting: How the arguments and the results are nested, from `catgrad.trees.to_json`; None in a cache.
        strict: Whether it refuses arguments that have to be copied to fit.
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
    strict: bool = False


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
                method = ZIP_DEFLATED if len(content) < _LARGE else ZIP_STORED
                file.writestr(ZipInfo(name, _DATE), content, method, compresslevel=1)
        return archive.getvalue()

    @property
    def excess(self) -> str | None:
        """The part of the file that would be larger than is read again, if there is one."""
        for name, size in {_TERM: len(self.term), _CODE: len(self.code)}.items():
            if size > _LIMITS[name]:
                return f"{self.about.name}: {name} would have {size:,} bytes, and {_LIMITS[name]:,} are read at most"
        return None


def read(path: Path) -> Saved:
    """Return what a file holds.

    Raises:
        CatgradError: It is no such file, is damaged, is of another format, or has more than is read.
        OSError: It cannot be read.
    """
    return from_bytes(files.read(path, LARGEST), path)


def from_bytes(content: bytes, path: Path) -> Saved:
    """Return what a file holds, given its bytes and, for messages, where they come from.

    Raises:
        CatgradError: It is no such file, is damaged, is of another format, or has more than is read.
    """
    try:
        _check_directory(content)
        with ZipFile(io.BytesIO(content)) as file:
            manifest = _manifest(file)
            members = {name: _member(file, name) for name in (_TERM, _CODE)}
        about = json.dumps(manifest["about"]).encode()
        if manifest["sha256"] != {"about": _hash(about), **_hashes(members)}:
            raise CatgradError(f"{path} is damaged: it is not what was saved")
        return Saved(_about(manifest), members[_TERM].decode(), members[_CODE])
    except _NOT_OURS as error:
        raise CatgradError(f"{path} is not what `exe.save` writes: {type(error).__name__}: {error}") from None


_NOT_OURS = (
    *(BadZipFile, zlib.error, struct.error, LookupError, TypeError, ValueError, AttributeError),
    *(EOFError, RuntimeError, ArithmeticError, AssertionError, OSError),
)
"""What reading a file of another kind can raise; no system is asked for anything, since its bytes are in memory."""


def _check_directory(content: bytes) -> None:
    """Raise `BadZipFile` unless the end of an archive announces a directory of as many members as there are.

    The module `zipfile` reads all entries at once, and as many as fit into the size that is announced. Archives of more
    than 4 GiB announce it elsewhere.
    """
    end = content[-_END.size :]
    if len(end) < _END.size or content[-_END.size - _LOCATOR_SIZE :].startswith(b"PK\6\7"):
        raise BadZipFile("it has not the end of a small archive")
    signature, _, _, _, count, size, _, comment = _END.unpack(end)
    if signature != b"PK\5\6" or comment:
        raise BadZipFile("it has not the end of an archive")
    if count > len(_LIMITS) or size > _DIRECTORY:
        raise BadZipFile(f"it has {count:,} members in a directory of {size:,} bytes, and there are {len(_LIMITS)}")


def _member(file: ZipFile, name: str) -> bytes:
    """Return what a member holds; nothing is unpacked beyond the size that it declares."""
    info = file.getinfo(name)
    if info.file_size > _LIMITS[name]:
        raise ValueError(f"{name} has {info.file_size:,} bytes, more than the {_LIMITS[name]:,} that are read")
    if info.compress_type not in (ZIP_DEFLATED, ZIP_STORED):
        raise ValueError(f"{name} is compressed by method {info.compress_type}")
    with file.open(info) as member:
        return member.read(info.file_size)


def _manifest(file: ZipFile) -> Any:
    manifest = json_text.loads(_member(file, _MANIFEST))
    if manifest["format"] != FORMAT:
        raise ValueError(f"its format is {manifest['format']!r}, not {FORMAT}")
    return manifest


def _about(manifest: Any) -> About:
    """Return what a manifest says, whose values are of the kinds that are written."""
    fields = manifest["about"]
    about = About(**{**fields, "donated": [(source, target) for source, target in fields["donated"]]})
    texts = [about.name, about.type, about.target, about.processor, about.key, *about.features]
    texts += [*about.versions.keys(), *about.versions.values()]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("what should be text is something else")
    if not all(type(position) is int for pair in about.donated for position in pair):
        raise TypeError("what should be the position of an array is something else")
    return about


def _hashes(members: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _hash(content) for name, content in members.items()}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
