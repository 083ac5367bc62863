"""NVIDIA's tools, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

from catgrad.errors import CompileError

__all__ = ["PACKAGES", "find", "run"]

PACKAGES = {"ptxas": "nvidia-cuda-nvcc", "nvdisasm": "nvidia-cuda-nvdisasm"}
"""The packages that bring the tools."""


def find(tool: str) -> str | None:
    """Return the path of one of `PACKAGES`: of the environment, else of the system; None if it is not there."""
    own = sorted(Path(sysconfig.get_path("purelib"), "nvidia").glob(f"**/bin/{tool}"))
    return str(own[0]) if own else shutil.which(tool)


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end, and return what it says.

    Raises:
        CompileError: It is not installed, or fails.
    """
    path = find(tool)
    if path is None:
        raise CompileError(f"{tool} is not installed: pip install {PACKAGES[tool]}")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"{tool} failed:\n{done.stderr.strip()}")
    return done
