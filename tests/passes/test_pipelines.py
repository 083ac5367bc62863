import numpy as np
import pytest
from lowered import AsItIs, call
from mlir import ir
from mlir.passmanager import PassManager

from catgrad.errors import RegistryError
from catgrad.passes.machine import Machine
from catgrad.passes.pipelines import CpuPipeline, stages
from catgrad.passes.runner import run
from catgrad.runtime.engine import jit

MATMUL = """indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
    affine_map<(m, n, k) -> (m, n)>]"""

CALLS = f"""
func.func @f(%n: index, %x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {{
  %h = call @layer(%n, %x, %w) : (index, tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %y = call @layer(%n, %h, %w) : (index, tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}}
func.func private @layer(%n: index, %x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {{
  %z = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %i = linalg.fill ins(%z : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.contract {MATMUL} ins(%x, %w : tensor<?x8xf32>, tensor<8x8xf32>)
    outs(%i : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}}
"""


def compiled(text, opt_level=0):
    """Return the compiled function, and the module after each stage."""
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(text)
    seen = {}
    run(module, stages(lowering=AsItIs()), lambda stage, after: seen.update({stage.name: str(after)}))
    return jit(module, "f", opt_level), seen


def test_every_upstream_pipeline_parses():
    with ir.Context():
        for stage in stages(lowering=AsItIs()):
            for item in stage.passes:
                if isinstance(item, str):
                    PassManager.parse(f"builtin.module({item})")


def test_the_machine_reaches_the_kernels():
    machine = Machine.named("x86-64-v3")
    kernels = next(stage for stage in stages(machine=machine, lowering=AsItIs()) if stage.name == "kernels")
    assert [item.machine for item in kernels.passes if hasattr(item, "machine")] == [machine, machine]


def test_the_pipeline_has_a_name():
    assert CpuPipeline.name == "catgrad-cpu-pipeline"
    assert CpuPipeline().stages() == stages()
    assert CpuPipeline("cpu:x86-64-v2").stages() == stages("cpu:x86-64-v2")


def test_an_unknown_target_is_refused():
    with pytest.raises(RegistryError, match="unknown target 'abacus': expected one of cpu"):
        stages("abacus")


@pytest.mark.parametrize("size", [1, 6, 13])
def test_private_functions_return_tensors(size):
    native, _ = compiled(CALLS)
    rng = np.random.default_rng(size)
    x, w = rng.standard_normal((size, 8)).astype(np.float32), rng.standard_normal((8, 8)).astype(np.float32)
    y = np.empty((size, 8), np.float32)
    call(native, size, x, w, y)
    np.testing.assert_allclose(y, x @ w @ w, rtol=1e-4, atol=1e-4)


def test_contractions_that_share_a_fill_are_not_copied():
    text = f"""func.func @f(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {{
      %z = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<8x8xf32>
      %i = linalg.fill ins(%z : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
      %y = linalg.contract {MATMUL} ins(%x, %x : tensor<8x8xf32>, tensor<8x8xf32>)
        outs(%i : tensor<8x8xf32>) -> tensor<8x8xf32>
      %w = linalg.contract {MATMUL} ins(%x, %y : tensor<8x8xf32>, tensor<8x8xf32>)
        outs(%i : tensor<8x8xf32>) -> tensor<8x8xf32>
      return %y, %w : tensor<8x8xf32>, tensor<8x8xf32>
    }}"""
    native, seen = compiled(text)
    assert "memref.alloc" not in seen["bufferized"]
    assert "memref.copy" not in seen["bufferized"]
    assert "linalg.fill" not in seen["kernels"]
    x, y, z = np.eye(8, dtype=np.float32) * 3, np.empty((8, 8), np.float32), np.empty((8, 8), np.float32)
    call(native, x, y, z)
    np.testing.assert_array_equal((y, z), (x @ x, x @ x @ x))


def test_a_strided_copy_needs_no_library():
    text = """func.func @f(%x: tensor<4x6xf32>) -> tensor<4x3xf32> {
      %y = tensor.extract_slice %x[0, 2] [4, 3] [1, 1] : tensor<4x6xf32> to tensor<4x3xf32>
      return %y : tensor<4x3xf32>
    }"""
    native, _ = compiled(text)
    x, y = np.arange(24, dtype=np.float32).reshape(4, 6), np.empty((4, 3), np.float32)
    call(native, x, y)
    np.testing.assert_array_equal(y, x[:, 2:5])


def test_callers_own_what_callees_make():
    _, seen = compiled(CALLS)
    entry, _, callee = seen["bufferized"].partition("func.func private")
    assert "memref.alloc" in entry
    assert "->" not in callee.partition("{")[0]
    assert "memref.alloc" not in callee


def test_a_private_function_may_return_its_argument():
    text = """func.func private @id(%x: tensor<4xf32>) -> tensor<4xf32> { return %x : tensor<4xf32> }
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = call @id(%x) : (tensor<4xf32>) -> tensor<4xf32>
      %z = call @id(%y) : (tensor<4xf32>) -> tensor<4xf32>
      return %z : tensor<4xf32>
    }"""
    native, _ = compiled(text)
    x, y = np.arange(4, dtype=np.float32), np.empty(4, np.float32)
    call(native, x, y)
    np.testing.assert_array_equal(y, x)
