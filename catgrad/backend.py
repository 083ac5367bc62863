"""From a term to native code, through MLIR: emit, run the pipeline of the target, link."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from time import perf_counter

from mlir import ir
from mlir.dialects import func

from catgrad.dialect.emit import emit
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime import Code, Signature
from catgrad.runtime.engine import assembly, jit, llvm_ir, object_code
from catgrad.runtime.gpu.assembly import ptx, sass
from catgrad.runtime.gpu.devices import find_device
from catgrad.runtime.gpu.host import host_code
from catgrad.target import is_cpu
from catgrad.target import target as processor
from catgrad.term import Term

__all__ = ["build", "emitted", "object_file", "stage_names", "texts"]

OPT_LEVEL = 2
"""LLVM's optimisation level: contractions are vectors already, the loops that LLVM vectorises need no more."""

_TEXTS: dict[bool, dict[str, Callable[[ir.Module, str], str]]] = {
    True: {
        "llvm-ir": lambda module, _: llvm_ir(module),
        "asm": lambda module, target: assembly(module, processor(target), OPT_LEVEL),
    },
    False: {"ptx": lambda module, _: ptx(module), "sass": lambda module, _: sass(module)},
}
"""What can be shown of a module after its last stage, beyond MLIR itself, by whether the target is a processor."""


def build(term: Term, signature: Signature, target: str, seconds: MutableMapping[str, float]) -> Code:
    """Compile a simplified term.

    Args:
        term: The term.
        signature: What the code takes and gives.
        target: Its pipeline.
        seconds: How long earlier stages took; completed here.

    Raises:
        CatgradError: There is nothing here that runs code for the target.
        CompileError: A pass failed; the message has a command that reproduces it.
    """
    pipeline = stages(target)[1:]
    device = None if is_cpu(target) else find_device(target)
    started = perf_counter()
    module = emitted((term, signature))
    seconds["catgrad"] = perf_counter() - started
    seconds.update(run(module, pipeline).seconds)
    started = perf_counter()
    code: Code
    if device is None:
        code = jit(module, signature.name, OPT_LEVEL, processor=processor(target))
    else:
        code = host_code(module, signature.name, device, OPT_LEVEL)
    seconds["native"] = perf_counter() - started
    return code


def object_file(term: Term, signature: Signature, target: str) -> bytes:
    """Return the object file of a simplified term for any processor, which need not be this one.

    Raises:
        CatgradError: The target is no processor.
        CompileError: A pass failed, or the code would call what it may not.
    """
    module = emitted((term, signature))
    run(module, stages(target)[1:])
    return object_code(module, processor(target), OPT_LEVEL)


def stage_names(target: str) -> tuple[str, ...]:
    """Return the names of what `texts` shows."""
    return (*(stage.name for stage in stages(target)), *_TEXTS[is_cpu(target)])


def texts(term: Term, signature: Signature, target: str) -> Callable[[str], str]:
    """Compile a simplified term once more, keeping the IR after each stage; return what shows one."""
    kept: dict[str, str] = {}
    module = emitted((term, signature))
    run(module, stages(target), lambda stage, after: kept.update({stage.name: str(after)}))

    def show(name: str) -> str:
        if name not in kept:
            kept[name] = _TEXTS[is_cpu(target)][name](module, target)
        return kept[name]

    return show


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
