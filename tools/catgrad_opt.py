"""`catgrad-opt`: MLIR's optimizer driver, `mlir-opt`, with the dialect and the passes of catgrad.

`catgrad-opt f.mlir --catgrad-to-linalg --canonicalize -o g.mlir` reads, transforms and writes a module.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence

from catgrad.streams import usable_streams
from catgrad.tools.driver.errors import DriverError
from catgrad.tools.driver.supervisor import supervise

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the driver and return the exit code: 0 if all went well, else 1.

    Args:
        argv: The arguments, to run in this process, where a failed assertion of MLIR's is fatal; None to take the
            arguments of the process and run in a child of it.
    """
    with usable_streams():
        if argv is None:
            return supervise(lambda watch: _guarded(sys.argv[1:], watch))
        return _guarded(argv, lambda _: None)


def _guarded(argv: Sequence[str], watch: Callable[[str], None]) -> int:
    """Do what `argv` asks for; turn what prevents it into a message."""
    try:
        return _dispatch(argv, watch)
    except DriverError as error:
        print(error, file=sys.stderr)
    except Exception as error:
        if "--debug" in argv:
            traceback.print_exc()
        print(f"catgrad-opt: internal error: {type(error).__name__}: {error}", file=sys.stderr)
    return 1


def _dispatch(argv: Sequence[str], watch: Callable[[str], None]) -> int:
    """Do what `argv` asks for."""
    # Here and not above: MLIR takes long to load, and the parent of a supervised process needs none of it.
    from catgrad.passes import registry
    from catgrad.tools.driver import arguments, manual, plugins, session

    watch("starting")
    line = arguments.parse(argv)
    known = registry.load()
    for path in line.settings.load_pass_plugin:
        plugins.load(path, known)
    if line.settings.help:
        print(manual.help_text(known))
    elif line.settings.list_passes:
        print(manual.passes(known))
    elif line.settings.show_dialects:
        print(manual.dialects())
    elif line.settings.version:
        print(manual.versions())
    else:
        return session.run(line, known, watch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
