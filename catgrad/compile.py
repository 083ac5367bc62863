"""From a function to native code, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from catgrad.dims import Extent
from catgrad.errors import located
from catgrad.native import critical

if TYPE_CHECKING:
    from catgrad.runtime import Executable

__all__ = ["compile", "load", "stages"]


@located()
def compile(
    f: Any,
    *types: Any,
    target: str = "cpu",
    bind: Mapping[str, Extent] | None = None,
    donate: int | Sequence[int] | None = None,
    strict: bool = False,
) -> Executable:
    """Compile a function, module or term to native code, or load it if it was compiled before (`catgrad.cache`).

    Threads may compile at once; they take turns. Ctrl-C has its way between two passes, and `os.fork` in another thread
    waits until nothing is being compiled (`catgrad.native`).

    Args:
        f: What to compile; see `catgrad.trace`. A module's parameters come before its arguments.
        *types: Nested argument types. Symbols that `bind` leaves open are read off the arrays at each call.
        target: "cpu", this process's processor; "cpu:x86-64-v2", "cpu:x86-64-v3" or "cpu:x86-64-v4", any of a level;
            "cpu:x86-64-v4+avx512bf16", one that has more; "cuda", the best code for the GPU that is there;
            "cuda:sm_80", "cuda:sm_90" or "cuda:sm_100", for GPUs of an architecture and later ones; "cuda:emulate", a
            GPU's kernels on the processor. See docs/gpu.md.
        bind: Values for symbols: {"B": 128}.
        donate: Arguments whose storage the results may take over; those that `f` itself declares when left out.
        strict: Whether arguments are refused that have to be copied to fit; see `catgrad.runtime.Executable`.

    Returns:
        What takes and gives nested numpy arrays; on a GPU, it gives arrays that stay there.

    Raises:
        TypeCheckError: An operation rejects its operands; the error shows the user's line.
        CatgradError: The target is unknown, its code cannot run here, or a donated argument has no result of its type.
        CompileError: A pass failed; the error says how to reproduce it.

    Example:
        >>> import numpy as np, catgrad as cg
        >>> double = compile(lambda x: x + x, cg.f32[cg.dim("B")])
        >>> double(np.array([1.0, 2.0], np.float32)).tolist()
        [2.0, 4.0]
    """
    with critical():  # here, as below, so that importing catgrad imports little
        from catgrad.prepare import TERM, prepare
        from catgrad.source import Source, executable

    started = perf_counter()
    program, signature = prepare(f, *types, bind=bind, donate=donate)
    seconds = {TERM: perf_counter() - started}
    return executable(Source(program, replace(signature, strict=strict), target), seconds)


@located()
def load(path: str | Path, *, trust_code: bool = True) -> Executable:
    """Load an executable that `Executable.save` wrote.

    Where the processor lacks something that the saved code uses, the term in the file is compiled again.

    The file has machine code: run it only if you would run a program from the same place. Without it a file from
    anywhere can be loaded: its term is type-checked and compiled, and nothing else in it is used.

    Args:
        path: The file.
        trust_code: Whether to run the machine code in the file; otherwise its term is compiled here.

    Raises:
        CatgradError: It is no such file, is damaged, or has more than is read.
        OSError: It cannot be read.

    Example:
        >>> import tempfile, numpy as np, catgrad as cg
        >>> double = compile(lambda x: x + x, cg.f32["B"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     double.save(f"{folder}/double.catgrad")
        ...     again = load(f"{folder}/double.catgrad")
        >>> again(np.array([1.0, 2.0], np.float32)).tolist()
        [2.0, 4.0]
    """
    with critical():
        from catgrad.files import user_path
        from catgrad.source import load

    return load(user_path("load takes the path of a file", path), trust_code)


@located()
def stages(target: str = "cpu") -> tuple[str, ...]:
    """Return the names of the stages of the pipeline for a target, which `Executable.ir` shows.

    Example:
        >>> stages()[:3]
        ('term', 'catgrad', 'linalg')
    """
    with critical():
        from catgrad.backend import stage_names
        from catgrad.prepare import TERM

    return (TERM, *stage_names(target))
