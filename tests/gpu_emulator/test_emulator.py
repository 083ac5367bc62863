"""The door: what is refused when kernels are compiled, and when they are launched."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlir import ir

from catgrad.errors import CatgradError, CompileError
from catgrad.runtime.gpu_emulator import EmulationError, Emulator

NOTHING = """
llvm.func @first() attributes {gpu.kernel, nvvm.kernel, nvvm.maxntid = array<i32: 64, 1, 1>} { llvm.return }
llvm.func @second() attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 8, 8, 1>} { llvm.return }
llvm.func @exp() attributes {gpu.kernel, nvvm.kernel} { llvm.return }
"""


def test_kernels(nvvm):
    device = nvvm(NOTHING)
    assert device.emulator.kernels == ("first", "second", "exp")
    device.run("exp", (3, 2, 1), (5, 4, 3))


def test_unsupported_operations_are_all_listed(nvvm):
    body = """
    llvm.func @vprintf(!llvm.ptr, !llvm.ptr) -> i32
    llvm.func @kernel(%p: !llvm.ptr, %n: i32, %q: !llvm.ptr<3>, %f: vector<2xf16>) attributes {nvvm.kernel} {
      %0 = llvm.call @vprintf(%p, %p) : (!llvm.ptr, !llvm.ptr) -> i32
      nvvm.mbarrier.init %q, %n : !llvm.ptr<3>, i32
      llvm.inline_asm has_side_effects "membar.gl;", "" : () -> ()
      %c = nvvm.read.ptx.sreg.clock : i32
      "llvm.intr.trap"() : () -> ()
      %d = nvvm.mma.sync A[%f, %f] B[%f] C[%f, %f] {layoutA = #nvvm.mma_layout<row>,
        layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 8>}
        : (vector<2xf16>, vector<2xf16>, vector<2xf16>) -> !llvm.struct<(vector<2xf16>, vector<2xf16>)>
      llvm.return
    }"""
    with pytest.raises(CompileError) as caught:
        nvvm(body)
    parts = str(caught.value).removeprefix("kernels cannot be emulated: ").split(", ", maxsplit=5)
    names = ["llvm.call of vprintf", "nvvm.mbarrier.init", "llvm.inline_asm", "nvvm.read.ptx.sreg.clock"]
    for part, name in zip(parts, [*names, "llvm.intr.trap", "nvvm.mma.sync #nvvm.shape<m = 16"], strict=True):
        assert part.startswith(name)
        assert "at loc(" in part


@pytest.mark.parametrize("name", ["__nv_system", "__nv_frexpf", "__nv_no_such_functionf"])
def test_functions_of_numbers_are_called_and_no_others(nvvm, name):
    """A function of addresses would use them unchecked, and a kernel has no business with the rest of the process."""
    body = f"""
    llvm.func @{name}(f32) -> f32
    llvm.func @kernel(%x: f32) attributes {{nvvm.kernel}} {{
      %0 = llvm.call @{name}(%x) : (f32) -> f32
      llvm.return
    }}"""
    with pytest.raises(CompileError, match=f"kernels cannot be emulated: llvm.call of {name} at"):
        nvvm(body)


def test_what_code_calls_is_checked(nvvm):
    """LLVM makes a call of a function of the compiler's run-time library, which nobody has asked for."""
    body = """
    llvm.func @kernel(%p: !llvm.ptr, %x: f32, %n: i32) attributes {nvvm.kernel} {
      %0 = llvm.intr.powi(%x, %n) : (f32, i32) -> f32
      llvm.store %0, %p : f32, !llvm.ptr
      llvm.return
    }"""
    with pytest.raises(CompileError, match="would call __powisf2: expected calls of"):
        nvvm(body)


def test_what_no_thread_reaches(nvvm):
    body = """
    llvm.func @wrong(%limit: i32) attributes {nvvm.kernel} {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %inside = llvm.icmp "ult" %t, %limit : i32
      llvm.cond_br %inside, ^fine, ^never
    ^fine:
      llvm.return
    ^never:
      llvm.unreachable
    }"""
    device = nvvm(body)
    device.run("wrong", (1,), (40,), np.int32(40))
    with pytest.raises(
        EmulationError, match=r"thread \(39, 0, 0\): llvm.unreachable at .*states that no thread comes here"
    ):
        device.run("wrong", (1,), (40,), np.int32(39))


def test_functions_that_are_not_inlined(nvvm):
    body = """
    llvm.func @helper(%n: i32) -> i32 attributes {no_inline} {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %r = llvm.call @helper(%t) : (i32) -> i32
      llvm.return %r : i32
    }
    llvm.func @kernel(%p: !llvm.ptr, %n: i32) attributes {nvvm.kernel} {
      %r = llvm.call @helper(%n) : (i32) -> i32
      llvm.store %r, %p : i32, !llvm.ptr
      llvm.return
    }"""
    with pytest.raises(CompileError, match=r"llvm.call of helper at loc\("):
        nvvm(body)


def test_private_variables_whose_address_is_handed_on(nvvm):
    body = """
    llvm.func @kernel(%p: !llvm.ptr, %which: i1) attributes {nvvm.kernel} {
      %c1 = llvm.mlir.constant(1 : i32) : i32
      %a = llvm.alloca %c1 x f32 : (i32) -> !llvm.ptr
      %v = llvm.load %p : !llvm.ptr -> f32
      llvm.store %v, %a : f32, !llvm.ptr
      %q = llvm.select %which, %p, %a : i1, !llvm.ptr
      llvm.store %v, %q : f32, !llvm.ptr
      llvm.return
    }"""
    with pytest.raises(CompileError, match=r"llvm.alloca whose address is handed on at loc\("):
        nvvm(body)


def test_modules_without_kernels():
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.create()
    with pytest.raises(CompileError, match=r"expected a module with one gpu.module, got 0"):
        Emulator(module)


def test_operations_that_are_not_lowered(nvvm):
    with pytest.raises(CompileError, match=r"kernels cannot be emulated: gpu.barrier at loc"):
        nvvm("llvm.func @f() attributes {nvvm.kernel} { gpu.barrier llvm.return }")


def test_the_module_is_left_as_it_is(nvvm):
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(f"module {{ gpu.module @kernels {{ {NOTHING} }} }}")
    before = str(module)
    Emulator(module)
    assert str(module) == before


@pytest.mark.parametrize("schedule", ["", "backward", "random", "random:x", "forward:1"])
def test_schedules_that_do_not_exist(nvvm, schedule):
    with pytest.raises(CompileError, match="expected the schedule forward, reverse, round-robin or random:SEED"):
        nvvm(NOTHING, schedule)


@pytest.mark.parametrize(
    ("kernel", "grid", "block", "shared", "message"),
    [
        ("none", (1, 1, 1), (1, 1, 1), 0, "there is no kernel none: the module has first, second, exp"),
        ("exp", (0, 1, 1), (1, 1, 1), 0, r"expected a grid of three sizes up to \(2147483647, 65535, 65535\)"),
        ("exp", (1, 65536, 1), (1, 1, 1), 0, "expected a grid"),
        ("exp", (1, 1, 1), (1, 1, 65), 0, r"expected a block of three sizes up to \(1024, 1024, 64\)"),
        ("exp", (1, 1, 1), (32, 33, 1), 0, "a block has at most 1024 threads"),
        ("exp", (1, 1, 1), (1, 1, 1), 232449, "a block has at most 232,448 bytes of shared memory, got 232,449"),
        ("exp", (1, 1, 1), (1, 1, 1), -1, "shared memory"),
        ("first", (1, 1, 1), (65, 1, 1), 0, r"it was made for blocks of \(64, 1, 1\) threads, got \(65, 1, 1\)"),
        ("second", (1, 1, 1), (64, 1, 1), 0, r"it was made for blocks of \(8, 8, 1\) threads"),
    ],
)
def test_launches_that_a_device_refuses(nvvm, kernel, grid, block, shared, message):
    with pytest.raises(EmulationError, match=message):
        nvvm(NOTHING).emulator.launch(kernel, grid, block, shared, 0)


def test_errors_are_of_the_family():
    assert issubclass(EmulationError, CatgradError)


def test_a_launch_that_failed_leaves_the_emulator_usable(nvvm):
    body = """
    llvm.func @get(%x: !llvm.ptr, %i: i64) attributes {nvvm.kernel} {
      %p = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %v = llvm.load %p : !llvm.ptr -> f32
      nvvm.barrier0
      llvm.store %v, %x : f32, !llvm.ptr
      llvm.return
    }"""
    device, x = nvvm(body), np.arange(4, dtype=np.float32)
    for _ in range(20):
        with pytest.raises(EmulationError):
            device.run("get", (4,), (64,), x, np.int64(10**12))
    device.run("get", (1,), (64,), x, np.int64(2))
    assert x[0] == 2


def test_a_process_that_used_an_emulator_ends_well():
    """In a process of its own: what is left over at the end of the interpreter may crash it."""
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from conftest import Device, parse
Device(parse({NOTHING!r})).run("exp", (2,), (40,))
print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
