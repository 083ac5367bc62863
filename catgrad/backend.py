"""From a term to native code, through MLIR: emit, run the pipeline of the target, link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

from mlir import ir
from mlir.dialects import func

from catgrad.dialect.emit import emit
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime import Executable, Signature
from catgrad.runtime.engine import assembly, jit, llvm_ir
from catgrad.term import Term

__all__ = ["TEXTS", "build", "emitted", "stage_names"]

OPT_LEVEL = 2
"""LLVM's optimisation level: contractions are vectors already, the loops that LLVM vectorises need no more."""

TEXTS: dict[str, Callable[[ir.Module], str]] = {"llvm-ir": llvm_ir, "asm": assembly}
"""What can be shown of a module after its last stage, beyond MLIR itself."""


def build(term: Term, signature: Signature, target: str, seconds: dict[str, float]) -> Executable:
    """Compile a simplified term.

    Args:
        term: The term.
        signature: What the executable takes and gives.
        target: Its pipeline.
        seconds: How long earlier stages took; completed here.

    Raises:
        CompileError: A pass failed; the message has a command that reproduces it.
    """
    started = perf_counter()
    module = emitted((term, signature))
    seconds["catgrad"] = perf_counter() - started
    seconds.update(run(module, stages(target)[1:]).seconds)
    started = perf_counter()
    native = jit(module, signature.name, OPT_LEVEL)
    seconds["native"] = perf_counter() - started
    texts = _Texts(term, signature, target)
    shown = {name: partial(texts.get, name) for name in stage_names(target)}
    return Executable(
        signature, native, ir={"term": partial(str, term), **shown}, compile_seconds=seconds, target=target
    )


def stage_names(target: str) -> list[str]:
    """Return the names of what `Executable.ir` can show, from MLIR on."""
    return [*(stage.name for stage in stages(target)), *TEXTS]


def emitted(*programs: tuple[Term, Signature]) -> ir.Module:
    """Return the module of some terms, their donated arguments marked with the results that take over their storage.

    Args:
        *programs: Simplified terms of different names, and what each takes and gives.
    """
    module = emit(*(term for term, _ in programs))
    entries = {op.name.value: op for op in module.body.operations}
    for _, signature in programs:
        _mark_donated(entries[signature.name], signature)
    return module


def _mark_donated(entry: func.FuncOp, signature: Signature) -> None:
    attributes = list(entry.arg_attrs)
    with entry.context:
        i64 = ir.IntegerType.get_signless(64)
        for source, result in signature.donated:
            position = len(signature.symbols) + source
            known = {named.name: named.attr for named in attributes[position]}
            attributes[position] = ir.DictAttr.get({**known, "catgrad.donated": ir.IntegerAttr.get(i64, result)})
        entry.arg_attrs = attributes


@dataclass
class _Texts:
    """The IR after each stage, for those who ask: compiled once more, and kept."""

    term: Term
    signature: Signature
    target: str
    _kept: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return the text of a stage."""
        if not self._kept:
            module = emitted((self.term, self.signature))
            run(module, stages(self.target), lambda stage, after: self._kept.update({stage.name: str(after)}))
            self._module = module
        if name not in self._kept:
            self._kept[name] = TEXTS[name](self._module)
        return self._kept[name]
