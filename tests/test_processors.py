"""Code for every processor: operations at each level, run where this machine can, and compiled and checked anyway."""

import re
import shutil
import subprocess
from functools import cache

import numpy as np
import pytest

import catgrad as cg
from catgrad.backend import object_file
from catgrad.errors import CatgradError
from catgrad.export.folder import write
from catgrad.export.library import compile_library
from catgrad.llvm import Processor
from catgrad.ops import OPS
from catgrad.prepare import prepare
from catgrad.runtime.elf import undefined
from catgrad.runtime.link import MEMORY
from catgrad.target import LEVELS, X86_LEVELS, target
from catgrad.types import dtypes, f32

FEW = ("cast", "remainder", "log1p", "sum", "contract", "max")
"""Operations whose code differs between levels: conversions, loops, fused multiply-adds, vectors and masks."""
PROCESSORS = (*(f"cpu:{level}" for level in LEVELS), "cpu:x86-64-v4+avx512bf16", "cpu:x86-64-v4+avx512fp16")
COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"


PARTS = 3
"""The programs that the operations are divided into: each has every one, on some of the dtypes."""


@cache
def chosen(part):
    """Return the operations with the samples that they are run on."""
    return [
        (OPS[name], sample)
        for name in FEW
        for dtype in OPS[name].dtypes
        for sample in list(OPS[name].samples(dtype))[: len(dtypes) if name == "cast" else 1]
    ][part::PARTS]


@cache
def few(part):
    """Return a program of a few operations, its inputs, and what it should give."""
    inputs = [x for _, sample in chosen(part) for x in sample.inputs]

    def program(*inputs):
        rest = iter(inputs)
        taken = [[next(rest) for _ in sample.inputs] for _, sample in chosen(part)]
        return tuple(op.record(*x, **sample.attributes) for (op, sample), x in zip(chosen(part), taken, strict=True))

    expected = [op.evaluate(np, *sample.inputs, **sample.attributes)[0] for op, sample in chosen(part)]
    return cg.trace(program, *cg.lang.function.as_types(inputs)), inputs, expected


@cache
def results(processor, part):
    """Return what the program gives on a processor whose code runs here."""
    term, inputs, _ = few(part)
    return cg.compile(term, target=processor)(*inputs)


def check(found, expected):
    for result, right in zip(found, expected, strict=True):
        bits = {2: 7, 4: 18, 8: 46}.get(right.dtype.itemsize, 0)
        allowed = 0 if right.dtype.kind in "bi" else 2.0**-bits
        result, right = (x.astype(np.float64) for x in (result, right))
        np.testing.assert_allclose(result, right, rtol=allowed, atol=allowed)


@pytest.mark.sampled(PARTS, "processor")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("processor", PROCESSORS)
def test_a_few_operations_on_every_processor(processor, part):
    term, _, expected = few(part)
    missing = target(processor).missing
    if missing:
        assert undefined(object_file(*prepare(term), processor)) <= set(MEMORY)
        pytest.skip(f"compiled and checked, but not run: this processor lacks {', '.join(missing)}")
    check(results(processor, part), expected)


@pytest.mark.sampled(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_levels_give_the_same_bits(part):
    """But for products, which are rounded before they are added where there is no fused multiply-add."""
    runnable = [processor for processor in ("cpu", *PROCESSORS) if not target(processor).missing]
    for processor in runnable:
        for (op, _), found, right in zip(
            chosen(part), results(processor, part), results(runnable[-1], part), strict=True
        ):
            if op.name != "contract" or "fma" in target(processor).features:
                assert found.tobytes() == right.tobytes(), f"{op.name} on {processor}"


MAIN = """
#include <stdio.h>
#include "lib.h"

int main(void)
{{
    static _Alignas(64) char in[{count}][{largest}], out[{results}][{largest}], workspace[1 << 20];
    const size_t given[] = {{ {given} }}, taken[] = {{ {taken} }};
    for (int i = 0; i < {count}; i++)
        if (fread(in[i], 1, given[i], stdin) != given[i])
            return 1;
    if (lib_f({arguments}, workspace, sizeof workspace) != LIB_OK)
        return 2;
    for (int i = 0; i < {results}; i++)
        fwrite(out[i], 1, taken[i], stdout);
    return 0;
}}
"""


@pytest.mark.sampled(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_code_for_arm_runs(tmp_path, part):
    """In a program for AArch64, which an emulator runs."""
    missing = [tool for tool in (COMPILER, EMULATOR) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian's gcc-aarch64-linux-gnu and qemu-user)")
    term, inputs, expected = few(part)
    write(tmp_path, compile_library("lib", {"f": prepare(term)}, "cpu:aarch64"))
    places = [f"(void *) in[{i}]" for i in range(len(inputs))] + [f"(void *) out[{i}]" for i in range(len(expected))]
    source = MAIN.format(
        count=len(inputs),
        results=len(expected),
        largest=-(-max(x.nbytes for x in [*inputs, *expected]) // 64) * 64,
        given=", ".join(str(x.nbytes) for x in inputs),
        taken=", ".join(str(x.nbytes) for x in expected),
        arguments=", ".join(places),
    )
    (tmp_path / "main.c").write_text(source)
    build = [COMPILER, "-static", "-o", "main", "main.c", "liblib.a"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    given = b"".join(x.tobytes() for x in inputs)
    done = subprocess.run([EMULATOR, tmp_path / "main"], input=given, check=True, capture_output=True)
    ends = np.cumsum([x.nbytes for x in expected])
    results = [
        np.frombuffer(done.stdout[end - x.nbytes : end], x.dtype).reshape(x.shape)
        for end, x in zip(ends, expected, strict=True)
    ]
    check(results, expected)


def test_code_depends_on_the_target_alone():
    """The host is only a machine to compile on: objects are those of libraries, wherever they are made."""
    program = prepare(lambda x: cg.tanh(x @ x), f32[4, 4])
    codes = [object_file(*program, f"cpu:{level}") for level in X86_LEVELS]
    assert len(set(codes)) == len(codes)
    assert codes[0] == object_file(*program, f"cpu:{X86_LEVELS[0]}")


def test_features_have_one_spelling():
    assert target("cpu:x86-64-v4+avx512vnni+avx512bf16").name == "cpu:x86-64-v4+avx512bf16+avx512vnni"
    assert cg.compile(lambda x: x, f32[1], target="cpu:x86-64-v2").target == "cpu:x86-64-v2"


@pytest.mark.parametrize("name", ["cpu:x86-64-v5", "cpu:x86-64-v2+avx512bf16", "cpu:", "cpu:x86-64-v4+"])
def test_an_unknown_processor_is_an_error_that_lists_the_known(name):
    with pytest.raises(
        CatgradError, match=r"unknown target 'cpu:.*': expected one of cpu, cpu:x86-64-v2, .*\[\+avx512bf16\]"
    ):
        cg.compile(lambda x: x, f32[1], target=name)


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("cpu:x86-64-v3", "avx, .*, xsave"),
        ("cpu:x86-64-v4+avx512bf16", "avx, .*, avx512bf16, .*"),
        ("cpu:aarch64", "aarch64 ins.*"),
    ],
)
def test_code_that_cannot_run_here_is_refused_before_it_is_compiled(monkeypatch, name, lacks):
    """This machine is taken for the least of its kind, so that the test is the same on all."""
    least = LEVELS["x86-64-v2"]
    monkeypatch.setattr("catgrad.target.processor", lambda: Processor(least.processor, least.features))
    monkeypatch.setattr("catgrad.target._architecture", lambda: least.architecture)
    monkeypatch.setattr("catgrad.backend.emitted", None)
    message = (
        rf"code for {re.escape(name)} cannot run here: this processor lacks {lacks}: "
        "name a target it can run, cpu or cpu:x86-64-v2, or build a library"
    )
    with pytest.raises(CatgradError, match=message):
        cg.compile(lambda x: x, f32[1], target=name)
