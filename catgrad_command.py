"""The `catgrad` command as it is started: beside the package, so that Ctrl-C may come while that is imported."""

import sys

__all__ = ["main"]


def main() -> int:
    """Import and run the command; return its exit code."""
    try:
        from catgrad.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
