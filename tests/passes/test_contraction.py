"""Contractions of every kind against numpy.einsum; run as a script, random ones."""

import inspect
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowered import call
from mlir import ir
from mlir.passmanager import PassManager

from catgrad.passes.kernels.contraction import ContractionKernels
from catgrad.passes.kernels.tiles import balanced, choose_tile, tile_rows
from catgrad.passes.machine import Machine
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime.engine import jit

DTYPES = {
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "f32": np.float32,
    "f64": np.float64,
    "i32": np.int32,
    "i64": np.int64,
}
MACHINES = ("x86-64-v2", "x86-64-v3", "x86-64-v4")


@dataclass(frozen=True)
class Case:
    """One contraction: what is computed, on what, and for which machine."""

    spec: str
    extents: dict[str, int]
    dtype: str = "f32"
    out: str = "f32"
    dynamic: str = ""
    fill: bool = True
    machine: str = "x86-64-v4"

    @property
    def terms(self):
        inputs, output = self.spec.split("->")
        return (*inputs.split(","), output)

    def type(self, term, dtype):
        return "memref<" + "".join(f"{'?' if d in self.dynamic else self.extents[d]}x" for d in term) + f"{dtype}>"

    def module(self):
        dims = sorted(self.extents)
        maps = ", ".join(f"affine_map<({', '.join(dims)}) -> ({', '.join(term)})>" for term in self.terms)
        a, b, c = (
            self.type(term, dtype) for term, dtype in zip(self.terms, (self.dtype, self.dtype, self.out), strict=True)
        )
        zero = "0.0" if self.out.startswith("f") else "0"
        fill = f"%z = arith.constant {zero} : {self.out} linalg.fill ins(%z : {self.out}) outs(%c : {c})"
        return f"""func.func @f(%a: {a}, %b: {b}, %c: {c}) {{
            {fill if self.fill else ""}
            linalg.contract indexing_maps = [{maps}] ins(%a, %b : {a}, {b}) outs(%c : {c})
            return
        }}"""


def compiled(text, machine):
    """Return what calls the function."""
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(text)
    run(module, stages(machine=Machine.named(machine))[-3:])
    return jit(module, "f", opt_level=0)


def numbers(rng, shape, dtype):
    """Return small integers, whose sums are exact in every dtype."""
    return np.asarray(rng.integers(-3, 4, shape)).astype(DTYPES[dtype])


def check(case, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [[case.extents[d] for d in term] for term in case.terms]
    a, b, c = (numbers(rng, s, d) for s, d in zip(shapes, (case.dtype, case.dtype, case.out), strict=True))
    exact = np.einsum(case.spec, a.astype(np.float64), b.astype(np.float64)) + (0 if case.fill else c)
    call(compiled(case.module(), case.machine), a, b, c)
    np.testing.assert_array_equal(c, exact, err_msg=str(case))


CASES = [
    Case("mk,kn->mn", {"m": 7, "k": 5, "n": 33}),
    Case("mk,kn->mn", {"m": 13, "k": 9, "n": 150}, machine="x86-64-v2"),
    Case("mk,nk->mn", {"m": 37, "k": 50, "n": 35}),
    Case("km,kn->mn", {"m": 37, "k": 50, "n": 130}, fill=False),
    Case("km,nk->mn", {"m": 21, "k": 33, "n": 40}, machine="x86-64-v3"),
    Case("mk,kn->mn", {"m": 100, "k": 20, "n": 600}),
    Case("mk,kn->mn", {"m": 100, "k": 1500, "n": 1024}),
    Case("mk,kn->mn", {"m": 2, "k": 700, "n": 1000}),
    Case("mk,kn->mn", {"m": 11, "k": 6, "n": 70}, dynamic="m"),
    Case("mk,nk->mn", {"m": 26, "k": 40, "n": 90}, dynamic="mnk"),
    Case("km,kn->mn", {"m": 3, "k": 40, "n": 90}, dynamic="k"),
    Case("mk,kn->mn", {"m": 3, "k": 0, "n": 5}, dynamic="k"),
    Case("mk,kn->mn", {"m": 3, "k": 0, "n": 5}),
    Case("mk,kn->mn", {"m": 0, "k": 4, "n": 5}),
    Case("mk,kn->mn", {"m": 0, "k": 4, "n": 0}, dynamic="mn"),
    Case("mk,kn->mn", {"m": 1, "k": 1, "n": 1}),
    Case("mk,k->m", {"m": 37, "k": 50}),
    Case("km,k->m", {"m": 37, "k": 50}),
    Case("k,kn->n", {"k": 50, "n": 37}, dynamic="kn"),
    Case("k,k->", {"k": 1000}, fill=False),
    Case("ij,ji->", {"i": 5, "j": 7}),
    Case("bk,bk->b", {"b": 5, "k": 40}, dynamic="k"),
    Case("kb,kb->b", {"b": 5, "k": 40}),
    Case("bmk,bkn->bmn", {"b": 3, "m": 7, "k": 8, "n": 9}, dynamic="b"),
    Case("bqhd,bkhd->bhqk", {"b": 2, "h": 3, "q": 17, "k": 20, "d": 24}),
    Case("bhqk,bkhd->bqhd", {"b": 2, "h": 3, "q": 17, "k": 20, "d": 24}),
    Case("ikj,kjn->in", {"i": 9, "k": 3, "j": 4, "n": 20}),
    Case("kij,knj->in", {"i": 9, "k": 3, "j": 4, "n": 20}),
    Case("bik,bkj->ijb", {"b": 3, "i": 4, "j": 5, "k": 6}),
    Case("mk,kn->mn", {"m": 30, "k": 40, "n": 70}, dtype="bf16"),
    Case("mk,nk->mn", {"m": 3, "k": 40, "n": 7}, dtype="f16"),
    Case("mk,kn->mn", {"m": 9, "k": 40, "n": 33}, dtype="f64", out="f64"),
    Case("mk,kn->mn", {"m": 9, "k": 40, "n": 33}, dtype="i64", out="i64"),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.spec}-{case.dtype}-{case.dynamic}")
def test_it_is_what_einsum_says(case):
    check(case)


def random_case(rng):
    """Return a contraction with up to two indices of each role, in any order."""
    letters = iter("abcdefgh")
    roles = {
        role: [next(letters) for _ in range(rng.integers(low, 3))]
        for role, low in zip("bmnk", (0, 0, 0, 1), strict=True)
    }
    order = lambda *names: "".join(rng.permutation([d for name in names for d in roles[name]]))  # noqa: E731
    spec = f"{order('b', 'm', 'k')},{order('b', 'k', 'n')}->{order('b', 'm', 'n')}"
    extents = {d: int(rng.choice([1, 2, 3, 5, 17, 34])) for d in sorted(set(spec) - set(",->"))}
    dtype, out = [*((d, d) for d in ("f32", "f64", "i32", "i64")), ("f16", "f32"), ("bf16", "f32")][rng.integers(6)]
    dynamic = "".join(d for d in extents if rng.random() < 0.2)
    machine = MACHINES[rng.integers(3)]
    return Case(spec, extents, dtype, out, dynamic, bool(rng.integers(2)), machine)


def fuzz(seed, count):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        check(random_case(rng))


@pytest.mark.parametrize("count", [10, pytest.param(40, marks=pytest.mark.slow)])
def test_random_contractions(count):
    """In a process of its own: a wrong kernel may write anywhere."""
    command = [sys.executable, __file__, "1", str(count)]
    paths = {**os.environ, "PYTHONPATH": str(Path(inspect.getfile(call)).parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=paths)
    assert done.returncode == 0, done.stderr[-3000:]


def kernel(text, machine="x86-64-v4"):
    """Return the text of a module after the pass."""
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        ContractionKernels(Machine.named(machine)).run(module.operation)
        PassManager.parse("builtin.module(canonicalize,cse)").run(module.operation)
        return str(module)


def test_a_fill_with_zero_is_absorbed():
    text = kernel(Case("mk,kn->mn", {"m": 8, "k": 16, "n": 64}).module())
    assert "linalg" not in text
    assert text.count("memref<8x64xf32>, vector<16xf32>") == text.count("vector.store")


def test_another_fill_is_kept():
    case = Case("mk,kn->mn", {"m": 8, "k": 16, "n": 64})
    text = kernel(case.module().replace("constant 0.0", "constant 1.0"))
    assert "linalg.fill" in text


def test_a_fill_is_kept_when_its_buffer_is_read_before():
    case = Case("mk,kn->mn", {"m": 8, "k": 16, "n": 64})
    extra = "%i = arith.constant 0 : index %x = memref.load %c[%i, %i] : memref<8x64xf32>"
    extra += " memref.store %x, %a[%i, %i] : memref<8x16xf32>\n linalg.contract"
    assert "linalg.fill" in kernel(case.module().replace("linalg.contract", extra, 1))


def test_a_contraction_on_tensors_is_left():
    text = """func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<f32>) -> tensor<f32> {
      %r = linalg.contract indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>, affine_map<(k) -> ()>]
        ins(%a, %b : tensor<4xf32>, tensor<4xf32>) outs(%c : tensor<f32>) -> tensor<f32>
      return %r : tensor<f32>
    }"""
    assert "linalg.contract" in kernel(text)


def test_vectors_are_as_wide_as_the_machine():
    case = Case("mk,kn->mn", {"m": 8, "k": 16, "n": 64})
    assert "vector<4xf32>" in kernel(case.module(), "x86-64-v2")
    assert "vector<8xf32>" in kernel(case.module(), "x86-64-v3")


def test_strided_operands():
    view = "strided<[20, 1], offset: 3>"
    text = f"""func.func @f(%a: memref<6x20xf32>, %b: memref<20x20xf32>, %c: memref<6x20xf32>) {{
      %x = memref.subview %a[0, 3] [6, 10] [1, 1] : memref<6x20xf32> to memref<6x10xf32, {view}>
      %y = memref.subview %b[0, 3] [10, 17] [1, 1] : memref<20x20xf32> to memref<10x17xf32, {view}>
      %z = memref.subview %c[0, 3] [6, 17] [1, 1] : memref<6x20xf32> to memref<6x17xf32, {view}>
      linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                       affine_map<(m, n, k) -> (m, n)>]
        ins(%x, %y : memref<6x10xf32, {view}>, memref<10x17xf32, {view}>) outs(%z : memref<6x17xf32, {view}>)
      return
    }}"""
    rng = np.random.default_rng(0)
    a, b, c = (numbers(rng, shape, "f32") for shape in ((6, 20), (20, 20), (6, 20)))
    expected = c.copy()
    expected[:, 3:] += a[:, 3:13] @ b[:10, 3:]
    call(compiled(text, "x86-64-v4"), a, b, c)
    np.testing.assert_array_equal(c, expected)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 500), st.integers(1, 20))
def test_balanced_runs_cover_everything_once(total, most):
    runs = balanced(total, most)
    tiles = [(start, run.size) for run in runs for start in range(run.start, run.stop, run.size)]
    covered = [i for start, size in tiles for i in range(start, start + size)]
    assert covered == list(range(total))
    assert len(runs) <= 2
    assert all(run.size <= most for run in runs)
    assert max((run.size for run in runs), default=0) - min((run.size for run in runs), default=0) <= 1


@settings(deadline=None, max_examples=50)
@given(st.integers(-1, 300), st.integers(-1, 300), st.sampled_from([(4, 16), (8, 16), (16, 32), (4, 32)]))
def test_a_tile_fits_the_registers(rows, columns, machine):
    rows, columns = rows or 1, columns or 1
    lanes, registers = machine
    tile = choose_tile(rows, columns, lanes, registers, 8)
    assert tile.rows * tile.vectors + tile.vectors + 1 <= registers
    assert tile.rows >= 1
    assert tile_rows(1, tile.vectors, registers, 8) == 1


if __name__ == "__main__":
    fuzz(int(sys.argv[1]), int(sys.argv[2]))
