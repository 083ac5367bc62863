"""The `catgrad` command as it is started: beside the package, so that Ctrl-C may come while that is imported."""

import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Import and run the command; return its exit code."""
    try:
        from catgrad.cli import main as run

        return run()
    except KeyboardInterrupt as error:
        print("error: interrupted", file=sys.stderr)
        return 128 + getattr(error, "number", signal.SIGINT)  # as shells say which signal has ended a program
