"""Kernels become PTX, and NVIDIA's assembler takes every one of them: no stack, no spilled register."""

import re
from functools import cache

import pytest
from optable import result_types

import catgrad as cg
from catgrad.autodiff import DERIVATIVES
from catgrad.autodiff.rules import NotDifferentiable
from catgrad.backend import emitted
from catgrad.cli import main
from catgrad.cli.tasks import TASKS
from catgrad.errors import CompileError
from catgrad.gpu_report.machine_code import machine_code, usages
from catgrad.ops import OPS
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.prepare import prepare
from catgrad.runtime.gpu import assembly, tools
from catgrad.source import Source
from catgrad.types import dtypes, f16, f32, f64

ARCHITECTURES = GpuMachine.names()
SETTINGS = TASKS["digits"].settings()
STEP = SETTINGS.learner.step, cg.f32["B", 64], cg.i32["B"]


def compiled(program, *types, architecture, bind=None):
    """Return the PTX of a program; unlike `Source.ir`, without the text of every stage."""
    term, signature = prepare(program, *types, bind=bind)
    module = emitted((term, signature))
    run(module, stages(f"cuda:{architecture}"))
    return assembly.ptx(module)


def faulty(text, folder):
    """Assemble PTX; return the kernels that have a stack or spill, and their stacks."""
    found = usages(assembly.assemble(text, folder / "kernels.cubin"))
    assert len(found) == len(re.findall(r"^\.visible \.entry", text, re.MULTILINE)) > 0
    return {name: each.stack_bytes for name, each in found.items() if each.stack_bytes or each.spilled_bytes}


@cache
def step(architecture, batch):
    """Return the PTX of the training step of digits, for a batch or for all."""
    return compiled(*STEP, architecture=architecture, bind={"B": batch} if batch else {})


@pytest.mark.parametrize(
    ("architecture", "batch"),
    [
        pytest.param(name, batch, marks=[] if (name, batch) == ("sm_90", None) else pytest.mark.slow)
        for batch in (32, None)
        for name in ARCHITECTURES
    ],
)
def test_the_digits_step_assembles_without_spills(architecture, batch, tmp_path):
    text = step(architecture, batch)
    assert f".target {architecture}" in text
    assert faulty(text, tmp_path) == {}
    assert (tmp_path / "kernels.cubin").read_bytes()[:4] == b"\x7fELF"


def samples(dtype):
    return [(op, s) for op in OPS.values() if op.name != "call" and dtype in op.dtypes for s in op.samples(dtype)]


def faulty_of(chosen, architecture, folder):
    """Assemble operations on samples; return the kernels that have a stack or spill."""

    def program(inputs):
        return [op.record(*x, **s.attributes) for (op, s), x in zip(chosen, inputs, strict=True)]

    types = cg.lang.function.as_types([sample.inputs for _, sample in chosen])
    return faulty(compiled(program, types, architecture=architecture), folder)


def test_each_operation_assembles_without_spills(tmp_path):
    assert faulty_of([*{op: (op, sample) for op, sample in samples(f32)}.values()], "sm_90", tmp_path) == {}


def layer_norm(x):
    """Layer normalisation without weights."""
    centred = x - cg.mean(x, axis=-1, keepdims=True)
    return centred * cg.rsqrt(cg.mean(cg.square(centred), axis=-1, keepdims=True) + 1e-5)


@pytest.mark.sampled(9)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("chain", [cg.softmax, cg.log_softmax, layer_norm], ids=lambda chain: chain.__name__)
def test_gradients_along_rows_of_unknown_length_assemble_without_spills(chain, architecture, tmp_path):
    def gradient(x, g):
        return cg.vjp(chain)(x, g)

    for rows in (1, "B"):
        assert faulty(compiled(gradient, *[f16[rows, "N"]] * 2, architecture=architecture), tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", dtypes, ids=str)
def test_every_sample_of_every_operation_assembles_without_spills(dtype, architecture, tmp_path):
    assert faulty_of(samples(dtype), architecture, tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [f32, f64], ids=str)
def test_every_gradient_assembles_without_spills(dtype, architecture, tmp_path):
    chosen = [
        (op, sample)
        for op, sample in samples(dtype)
        if sample.smooth and sample.inputs and not isinstance(DERIVATIVES[op], NotDifferentiable)
        if any(type.dtype.is_float for type in result_types(op, sample))
    ]

    def gradients(inputs):
        return [gradient(op, sample)(*x) for (op, sample), x in zip(chosen, inputs, strict=True)]

    def gradient(op, sample):
        def loss(*x):
            results = op.record(*x, **sample.attributes)
            results = results if isinstance(results, tuple) else (results,)
            return sum(cg.sum(r * r) for r in results if r.dtype.is_float)

        return cg.grad(loss, wrt=[i for i, x in enumerate(sample.inputs) if x.dtype.kind == "f"])

    types = cg.lang.function.as_types([sample.inputs for _, sample in chosen])
    assert faulty(compiled(gradients, types, architecture=architecture), tmp_path) == {}


def test_accesses_are_sixteen_bytes_wide_and_tiles_are_shared():
    text = step("sm_90", None)
    assert ".v4" in text
    assert "st.shared" in text
    assert "shfl.sync.bfly" in text
    assert "atom." not in text


@pytest.mark.slow
def test_the_command_shows_the_same(capsys):
    assert main(["show", "digits", "--step", "--target", "cuda:sm_90", "--stage", "ptx"]) == 0
    assert capsys.readouterr().out.count(".visible .entry") == step("sm_90", None).count(".visible .entry") > 0


def test_machine_code_as_text(capsys):
    assert main(["show", "digits", "--target", "cuda:sm_90", "--stage", "sass"]) == 0
    text = capsys.readouterr().out
    assert ".text.Perceptron_kernel" in text
    assert re.search(r"\bFFMA\b", text)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_instructions_of_an_elementwise_kernel(architecture):
    (code,) = machine_code(compiled(lambda x, y: x + y, *[f32[4096]] * 2, architecture=architecture)).values()
    assert code.opcodes["LDG.E.128"] == 2
    assert code.opcodes["STG.E.128"] == 1
    assert (code.kinds["global_load"], code.kinds["global_store"], code.kinds["tensor"]) == (2, 1, 0)
    assert code.kinds["shared_load"] == code.kinds["barrier"] == 0
    assert 4 < code.instructions < 100


def test_instructions_of_a_contraction():
    (code,) = machine_code(compiled(lambda x, y: x @ y, f32[64, 64], f32[64, 64], architecture="sm_90")).values()
    assert code.opcodes["FFMA"] > 0
    assert all(code.kinds[kind] for kind in ("shared_load", "shared_store", "barrier"))
    assert code.kinds["tensor"] == 0
    assert code.usage.shared_bytes > 0


def test_what_is_no_ptx(tmp_path):
    with pytest.raises(CompileError, match="names no architecture: it is no PTX"):
        assembly.assemble("text", tmp_path / "kernels.cubin")
    with pytest.raises(CompileError, match="ptxas failed:"):
        assembly.assemble(".target sm_80\nnonsense", tmp_path / "kernels.cubin")
    (tmp_path / "kernels.cubin").write_text("nonsense")
    with pytest.raises(CompileError, match="nvdisasm failed:"):
        assembly.disassemble(tmp_path / "kernels.cubin")


def test_a_tool_that_is_missing(monkeypatch):
    monkeypatch.setattr(tools, "find", lambda tool: None)
    source = Source(*prepare(lambda x: x + 1, cg.f32[3]), "cuda")
    with pytest.raises(CompileError, match="ptxas is not installed: pip install nvidia-cuda-nvcc"):
        source.ir("sass")
    with pytest.raises(CompileError, match="nvdisasm is not installed: pip install nvidia-cuda-nvdisasm"):
        assembly.disassemble("kernels.cubin")
