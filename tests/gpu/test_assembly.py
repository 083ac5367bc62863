"""Kernels become PTX, and NVIDIA's assembler takes every one of them without spilling a register."""

import re

import pytest

import catgrad as cg
from catgrad.cli import main
from catgrad.cli.tasks import TASKS
from catgrad.errors import CompileError
from catgrad.prepare import prepare
from catgrad.runtime.gpu import assembly
from catgrad.source import Source

USAGE = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
SETTINGS = TASKS["digits"].settings()
STEP = SETTINGS.learner.step, cg.f32["B", 64], cg.i32["B"]


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90", "sm_100"])
@pytest.mark.parametrize("bind", [{"B": 32}, {}], ids=["static", "dynamic"])
def test_the_digits_step_assembles_without_spills(architecture, bind, tmp_path):
    source = Source(*prepare(*STEP, bind=bind), f"cuda:{architecture}")
    text = source.ir("ptx")
    assert f".target {architecture}" in text
    said = assembly.assemble(text, tmp_path / "kernels.cubin")
    kernels = re.findall(r"^\.visible \.entry", text, re.MULTILINE)
    assert USAGE.findall(said) == [("0", "0", "0")] * len(kernels)
    assert (tmp_path / "kernels.cubin").read_bytes()[:4] == b"\x7fELF"


def test_accesses_are_sixteen_bytes_wide_and_tiles_are_shared(capsys):
    assert main(["show", "digits", "--step", "--target", "cuda:sm_90", "--stage", "ptx"]) == 0
    text = capsys.readouterr().out
    assert ".v4" in text
    assert "st.shared" in text
    assert "shfl.sync.bfly" in text
    assert "atom." not in text


def test_what_is_no_ptx(tmp_path):
    with pytest.raises(CompileError, match="names no architecture: it is no PTX"):
        assembly.assemble("text", tmp_path / "kernels.cubin")
    with pytest.raises(CompileError, match="ptxas failed:"):
        assembly.assemble(".target sm_80\nnonsense", tmp_path / "kernels.cubin")


def test_a_tool_that_is_missing(monkeypatch):
    monkeypatch.setattr(assembly.shutil, "which", lambda tool: None)
    monkeypatch.setattr(assembly.sysconfig, "get_path", lambda name: "nowhere")
    source = Source(*prepare(lambda x: x + 1, cg.f32[3]), "cuda")
    with pytest.raises(CompileError, match="ptxas is not installed: pip install nvidia-cuda-nvcc"):
        source.ir("sass")
