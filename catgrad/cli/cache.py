"""List or remove what has been compiled before."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import datetime
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from catgrad.errors import CatgradError
from catgrad.text import printable

if TYPE_CHECKING:
    from catgrad.cache import Cache, Entry

__all__ = ["EPILOG", "configure", "run"]

_WIDTH = 100
"""Characters after which a type is cut."""

EPILOG = """\
Compiled functions are kept in CATGRAD_CACHE_DIR, or among your caches; nowhere if it is set to nothing. Those that were
used longest ago go when all take more than CATGRAD_CACHE_BYTES (512 MiB by default). Other files there are left alone.
"""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = ("list", "clear")
    parser.add_argument("action", choices=actions, help="list what is there, or clear it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: Namespace) -> int:
    """Do it, and say what was found."""
    from catgrad.cache import Cache

    cache = Cache.of_user()
    entries = [] if cache is None else _found(cache, arguments.action)
    if arguments.json:
        print(json.dumps(_record(cache, entries)))
    elif arguments.action == "list":
        _print(entries)
    if not arguments.json:
        what = "removed" if arguments.action == "clear" else "kept"
        place = "nowhere: CATGRAD_CACHE_DIR is empty" if cache is None else f"in {cache.folder}"
        print(printable(f"{len(entries)} compiled functions, {_bytes(entries) / 1e6:.1f} MB, {what} {place}"))
    return 0


def _found(cache: Cache, action: str) -> list[Entry]:
    try:
        return cache.entries() if action == "list" else cache.clear()
    except OSError as error:
        advice = "CATGRAD_CACHE_DIR says where the cache is"
        raise CatgradError(f"cannot {action} the cache in {cache.folder}: {error.strerror}: {advice}") from error


def _bytes(entries: list[Entry]) -> int:
    return sum(entry.bytes for entry in entries)


def _record(cache: Cache | None, entries: list[Entry]) -> dict[str, Any]:
    return {
        "folder": None if cache is None else str(cache.folder),
        "limit": None if cache is None else cache.limit,
        "bytes": _bytes(entries),
        "entries": [_entry(entry) for entry in entries],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    about = entry.about
    place = {"path": str(entry.path), "bytes": entry.bytes, "used": entry.used}
    return {**place, "about": None if about is None else asdict(about)}


def _print(entries: list[Entry]) -> None:
    """Print a row for each entry: when it was last used, its size, and what it is."""
    for entry in entries:
        about = entry.about
        used = datetime.fromtimestamp(entry.used).strftime("%Y-%m-%d %H:%M")
        what = f"{about.target}  {shorten(about.type, _WIDTH)}" if about else f"damaged: {entry.path}"
        print(printable(f"{used}  {entry.bytes:>11,}  {what}"))
