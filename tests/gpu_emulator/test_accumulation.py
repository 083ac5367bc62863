"""A contraction adds to what its result holds, and rounds a result of 16 bits once."""

import re

import ml_dtypes
import numpy as np
import pytest
from mlir import ir
from mlir.passmanager import PassManager

from catgrad.passes.gpu.kernels import GpuKernels

DTYPES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32}
OUTLINE = "builtin.module(canonicalize,cse,gpu-launch-sink-index-computations,gpu-kernel-outlining,canonicalize,cse)"


def accumulating(factor, result):
    """Return the kernel of C += A B, for A of 5 × 40, B of 40 × 6."""
    text = f"""
    func.func @f(%a: memref<5x40x{factor}>, %b: memref<40x6x{factor}>, %c: memref<5x6x{result}>) {{
      linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                       affine_map<(m, n, k) -> (m, n)>]
        ins(%a, %b : memref<5x40x{factor}>, memref<40x6x{factor}>) outs(%c : memref<5x6x{result}>)
      return
    }}"""
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        GpuKernels().run(module.operation)
        PassManager.parse(OUTLINE).run(module.operation)
        text = module.operation.get_asm(use_local_scope=True)
        return re.search(r"( +)gpu\.func @f_kernel.+?\n\1\}", text, re.DOTALL)[0]


@pytest.mark.parametrize(("factor", "result"), [("f16", "f32"), ("bf16", "f32"), ("f16", "f16"), ("f32", "f32")])
def test_contractions_add_to_their_result(gpu, factor, result):
    generator = np.random.default_rng(0)
    a, b = (generator.integers(-2, 3, shape).astype(DTYPES[factor]) for shape in ((5, 40), (40, 6)))
    c = generator.integers(-9, 9, (5, 6)).astype(DTYPES[result])
    expected = (c.astype(np.float32) + a.astype(np.float32) @ b.astype(np.float32)).astype(DTYPES[result])
    kernel = accumulating(factor, result)
    (threads,) = re.findall(r"known_block_size = array<i32: (\d+), 1, 1>", kernel)
    gpu(kernel).run("f_kernel", (1,), (int(threads),), a, b, c)
    np.testing.assert_array_equal(c, expected)


def test_a_short_result_is_rounded_once(gpu):
    """2048 + 40 · 0.75 is not 2048, which it would be if it were rounded at each step."""
    a, b = np.full((5, 40), 0.75, np.float16), np.ones((40, 6), np.float16)
    c = np.full((5, 6), 2048, np.float16)
    gpu(accumulating("f16", "f16")).run("f_kernel", (1,), (32,), a, b, c)
    np.testing.assert_array_equal(c, np.float16(2078))
