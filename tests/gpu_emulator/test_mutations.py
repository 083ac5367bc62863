"""Mistakes in kernels are found: by an error, or by a result that depends on the schedule or is wrong."""

import re

import numpy as np
import pytest
from mlir import ir

import catgrad as cg
from catgrad.prepare import prepare
from catgrad.runtime.gpu_emulator import EmulationError
from catgrad.source import Source

SCHEDULES = ["forward", "reverse", "round-robin", "random:0", "random:1"]
SPACE = "#gpu.address_space<workgroup>"

STEPS = "\n".join(
    f"""
    %k{step} = arith.constant {step} : index
    %active{step} = arith.cmpi ult, %t, %k{step} : index
    scf.if %active{step} {{
      %j = arith.addi %t, %k{step} : index
      %p = memref.load %s[%t] : memref<64xf32, {SPACE}>
      %q = memref.load %s[%j] : memref<64xf32, {SPACE}>
      %n = arith.addf %p, %q : f32
      memref.store %n, %s[%t] : memref<64xf32, {SPACE}>
    }}
    gpu.barrier"""
    for step in (32, 16, 8, 4, 2, 1)
)

# Every thread of a block stores the sum of the block.
TREE = f"""
gpu.func @tree(%x: memref<128xf32>, %y: memref<128xf32>) workgroup(%s: memref<64xf32, {SPACE}>) kernel {{
  %c0 = arith.constant 0 : index
  %b = gpu.block_id x
  %d = gpu.block_dim x
  %t = gpu.thread_id x
  %o = arith.muli %b, %d : index
  %i = arith.addi %o, %t : index
  %v = memref.load %x[%i] : memref<128xf32>
  memref.store %v, %s[%t] : memref<64xf32, {SPACE}>
  gpu.barrier
  {STEPS}
  %r = memref.load %s[%c0] : memref<64xf32, {SPACE}>
  memref.store %r, %y[%i] : memref<128xf32>
  gpu.return
}}
"""

# Tiles of 64 elements go through one buffer, which is written again when all have read it: y[t] = Σ x[64 i + 63 - t].
TILES = f"""
gpu.func @tiles(%x: memref<256xf32>, %y: memref<64xf32>) workgroup(%s: memref<64xf32, {SPACE}>) kernel {{
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %c63 = arith.constant 63 : index
  %z = arith.constant 0.0 : f32
  %t = gpu.thread_id x
  %u = arith.subi %c63, %t : index
  %r = scf.for %k = %c0 to %c256 step %c64 iter_args(%a = %z) -> f32 {{
    %i = arith.addi %k, %t : index
    %v = memref.load %x[%i] : memref<256xf32>
    memref.store %v, %s[%t] : memref<64xf32, {SPACE}>
    gpu.barrier
    %w = memref.load %s[%u] : memref<64xf32, {SPACE}>
    %n = arith.addf %a, %w : f32
    gpu.barrier
    scf.yield %n : f32
  }}
  memref.store %r, %y[%t] : memref<64xf32>
  gpu.return
}}
"""

# C = A B, where one warp copies A to shared memory and both compute C.
PRODUCT = f"""
gpu.func @product(%A: memref<16x16xf16>, %B: memref<16x8xf16>, %C: memref<2x16x8xf32>)
    workgroup(%s: memref<16x16xf16, {SPACE}>) kernel {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %z = arith.constant dense<0.0> : vector<2x2xf32>
  %zb = arith.constant dense<0.0> : vector<2x2xf16>
  %t = gpu.thread_id x
  %warp = arith.divui %t, %c32 : index
  %l = arith.remui %t, %c32 : index
  %copies = arith.cmpi eq, %warp, %c1 : index
  %row = arith.divui %l, %c2 : index
  %half = arith.remui %l, %c2 : index
  %column = arith.muli %half, %c8 : index
  scf.if %copies {{
    %token = nvgpu.device_async_copy %A[%row, %column], %s[%row, %column], 8
      : memref<16x16xf16> to memref<16x16xf16, {SPACE}>
    %all = nvgpu.device_async_create_group %token
    nvgpu.device_async_wait %all {{numGroups = 0 : i32}}
  }}
  gpu.barrier
  %g = arith.divui %l, %c4 : index
  %i = arith.remui %l, %c4 : index
  %j = arith.muli %i, %c2 : index
  %lr = arith.remui %l, %c16 : index
  %lq = arith.divui %l, %c16 : index
  %lc = arith.muli %lq, %c8 : index
  %a = nvgpu.ldmatrix %s[%lr, %lc] {{numTiles = 4 : i32, transpose = false}}
    : memref<16x16xf16, {SPACE}> -> vector<4x2xf16>
  %j1 = arith.addi %j, %c1 : index
  %j2 = arith.addi %j, %c8 : index
  %j3 = arith.addi %j2, %c1 : index
  %b0 = memref.load %B[%j, %g] : memref<16x8xf16>
  %b1 = memref.load %B[%j1, %g] : memref<16x8xf16>
  %b2 = memref.load %B[%j2, %g] : memref<16x8xf16>
  %b3 = memref.load %B[%j3, %g] : memref<16x8xf16>
  %v0 = vector.insert %b0, %zb [0, 0] : f16 into vector<2x2xf16>
  %v1 = vector.insert %b1, %v0 [0, 1] : f16 into vector<2x2xf16>
  %v2 = vector.insert %b2, %v1 [1, 0] : f16 into vector<2x2xf16>
  %v3 = vector.insert %b3, %v2 [1, 1] : f16 into vector<2x2xf16>
  %m = nvgpu.mma.sync(%a, %v3, %z) {{mmaShape = [16, 8, 16]}}
    : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
  %g8 = arith.addi %g, %c8 : index
  %o0 = vector.extract %m[0] : vector<2xf32> from vector<2x2xf32>
  %o1 = vector.extract %m[1] : vector<2xf32> from vector<2x2xf32>
  vector.store %o0, %C[%warp, %g, %j] : memref<2x16x8xf32>, vector<2xf32>
  vector.store %o1, %C[%warp, %g8, %j] : memref<2x16x8xf32>, vector<2xf32>
  gpu.return
}}
"""


def compiled(name, function, *types):
    """Return the first kernel of a compiled program, under another name."""
    with ir.Context():
        module = ir.Module.parse(Source(*prepare(function, *types), "cuda:emulate").ir("gpu"))
    text = module.operation.get_asm(use_local_scope=True)
    kernel = re.search(r"( +)gpu\.func @(.+?)\n\1\}", text, re.DOTALL)[0]
    return re.sub(r"@\w+\(", f"@{name}(", kernel, count=1)


# What is compiled of C = A B: five stages of the depth go through three places in shared memory, before tensor cores.
STAGES = compiled("stages", lambda x, y: cg.contract("ik,kj->ij", x, y), cg.f16[16, 160], cg.f16[160, 16])


def arrays(kernel):
    """Return the inputs of a kernel, its result, and how to launch it."""
    generator = np.random.default_rng(0)
    if kernel == "stages":
        a, b = (generator.integers(-2, 3, shape).astype(np.float16) for shape in ((16, 160), (160, 16)))
        return [a, b], (a.astype(np.float32) @ b.astype(np.float32)).astype(np.float16), (1,), (32,)
    if kernel == "tree":
        x = generator.integers(-9, 9, 128).astype(np.float32)
        return [x], np.repeat(x.reshape(2, 64).sum(axis=1), 64), (2,), (64,)
    if kernel == "tiles":
        x = generator.integers(-9, 9, 256).astype(np.float32)
        return [x], x.reshape(4, 64).sum(axis=0)[::-1], (1,), (64,)
    a, b = (generator.integers(-9, 9, shape).astype(np.float16) for shape in ((16, 16), (16, 8)))
    return [a, b], np.stack([a.astype(np.float32) @ b.astype(np.float32)] * 2), (1,), (64,)


def is_right(gpu, body, schedule):
    """Return whether a kernel computes under a schedule what it should, without an error."""
    kernel = re.search(r"@(\w+)", body)[1]
    inputs, expected, grid, block = arrays(kernel)
    result = np.full_like(expected, np.nan)
    try:
        gpu(body, schedule).run(kernel, grid, block, *inputs, result)
    except EmulationError:
        return False
    return np.array_equal(result, expected)


def drop(body, text, number):
    """Return `body` without one of the places where it has `text`."""
    parts = body.split(text)
    return text.join([*parts[:number], parts[number] + parts[number + 1], *parts[number + 2 :]])


MUTATIONS = {
    **{f"tree without barrier {i}": drop(TREE, "gpu.barrier", i) for i in range(7)},
    **{f"tiles without barrier {i}": drop(TILES, "gpu.barrier", i) for i in range(2)},
    "product without barrier": drop(PRODUCT, "gpu.barrier", 0),
    "product without wait": PRODUCT.replace("nvgpu.device_async_wait %all {numGroups = 0 : i32}", ""),
    "product that waits for too little": PRODUCT.replace("numGroups = 0", "numGroups = 1"),
    "tree with a shorter step": TREE.replace("constant 8 : index", "constant 7 : index"),
    "tree that writes one further": TREE.replace("store %v, %s[%t]", "store %v, %s[%i]"),
    "tree that reads one further": TREE.replace("load %s[%c0]", "load %s[%k1]"),
    "tiles that read one further": TILES.replace("constant 63", "constant 64"),
    "tiles that go too far": TILES.replace("constant 256", "constant 257"),
    "tree with a barrier that some do not reach": TREE.replace(
        "store %n, %s[%t] : memref<64xf32, #gpu.address_space<workgroup>>",
        "store %n, %s[%t] : memref<64xf32, #gpu.address_space<workgroup>>\ngpu.barrier",
    ),
    "fragments of B swapped": PRODUCT
    .replace("insert %b0", "insert %b_")
    .replace("insert %b2", "insert %b0")
    .replace("insert %b_", "insert %b2"),
    "elements of B swapped": PRODUCT.replace("%b0, %zb [0, 0]", "%b0, %zb [0, 1]").replace(
        "%b1, %v0 [0, 1]", "%b1, %v0 [0, 0]"
    ),
    "rows of A swapped": PRODUCT.replace("%s[%lr, %lc] {", "%s[%lc, %lr] {"),
    "A transposed": PRODUCT.replace("transpose = false", "transpose = true"),
    "rows of C swapped": PRODUCT
    .replace("%C[%warp, %g, %j]", "%C[%warp, %g_, %j]")
    .replace("%C[%warp, %g8, %j]", "%C[%warp, %g, %j]")
    .replace("%g_", "%g8"),
    "stages without barrier": drop(STAGES, "gpu.barrier", 0),
    "stages without wait": drop(STAGES, "nvvm.cp.async.wait.group 1", 0),
    "stages that wait for too little": STAGES.replace("wait.group 1", "wait.group 2"),
    "stages that begin with a copy less": drop(STAGES, "nvvm.cp.async.commit.group", 0),
    "stages in too few places": re.sub(r"(cmpi eq, %\w+, )%c2 ", r"\1%c1 ", STAGES),
    "stages that are not twisted where they are written": re.sub(r"arith.xori", "arith.ori", STAGES, count=1),
    "fragments of A swapped": re.sub(r"A\[(%\w+), (%\w+), ", r"A[\2, \1, ", STAGES, count=1),
    "a fragment of B swapped": re.sub(r"B\[(%\w+), (%\w+)\]", r"B[\2, \1]", STAGES, count=1),
    "sums swapped": re.sub(r"C\[(%\w+), (%\w+), ", r"C[\2, \1, ", STAGES, count=1),
    "a fragment transposed": STAGES.replace("transpose = false", "transpose = true", 1),
    "a fragment not transposed": STAGES.replace("transpose = true", "transpose = false", 1),
}


@pytest.mark.parametrize("body", [TREE, TILES, PRODUCT, STAGES], ids=["tree", "tiles", "product", "stages"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_correct_kernels_are_right_under_every_schedule(gpu, body, schedule):
    assert is_right(gpu, body, schedule)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("body", MUTATIONS.values(), ids=MUTATIONS)
def test_mistakes_are_found(gpu, body):
    assert body not in {TREE, TILES, PRODUCT, STAGES}
    assert not all(is_right(gpu, body, schedule) for schedule in SCHEDULES)
