"""The CUDA driver, without a device: what is asked of it, and what is said where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import catgrad as cg
from catgrad.errors import CatgradError
from catgrad.runtime.gpu import devices, driver

STUB = Path(__file__).parent / "stub"


def test_the_driver_is_asked_for_what_it_does(tmp_path):
    """The checks run in a process that finds the stub where it looks for the driver."""
    library = tmp_path / driver.LIBRARY
    subprocess.run(
        ["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, STUB / "libcuda.c", "-ldl", "-lpthread"],
        check=True,
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", STUB / "checks.py"],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "CUDA_LAUNCH_BLOCKING": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def _nothing_found(monkeypatch):
    """Let nobody have found a device before."""
    monkeypatch.setattr(devices, "_cuda", devices._cuda.__wrapped__)


@pytest.mark.usefixtures("_nothing_found")
@pytest.mark.parametrize("target", ["cuda", "cuda:sm_90"])
def test_without_a_driver_it_says_what_to_do(monkeypatch, target):
    monkeypatch.setattr(driver, "LIBRARY", "libabacus.so.1")
    with pytest.raises(CatgradError) as caught:
        cg.compile(lambda x: x, cg.f32[3], target=target)
    assert caught.value.message == (
        f"target {target!r} cannot run here: no CUDA driver: libabacus.so.1 not found: apt-get install nvidia-driver, "
        "or run the same kernels on the processor with target='cuda:emulate'"
    )


@pytest.mark.usefixtures("_nothing_found")
def test_without_bindings_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(driver, "LIBRARY", "libc.so.6")
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(
        CatgradError, match=r"no Python bindings of the CUDA driver: pip install 'catgrad\[cuda\]', or run"
    ):
        cg.compile(lambda x: x, cg.f32[3], target="cuda")


def test_a_driver_without_its_functions(monkeypatch):
    bindings = pytest.importorskip("cuda.bindings.driver")

    def missing(flags):
        raise RuntimeError("function cuInit is not found")

    monkeypatch.setattr(driver, "LIBRARY", "libc.so.6")
    monkeypatch.setattr(bindings, "cuInit", missing)
    with pytest.raises(driver.MissingDriver, match="the CUDA driver is too old: function cuInit is not found"):
        driver.open_driver()


def test_showing_code_needs_no_driver(monkeypatch):
    monkeypatch.setattr(driver, "LIBRARY", "libabacus.so.1")
    assert cg.stages("cuda")[-3:] == ("llvm", "ptx", "sass")


def test_what_is_no_target():
    with pytest.raises(CatgradError, match=r"expected one of cpu, .*cuda, cuda:emulate"):
        cg.compile(lambda x: x, cg.f32[3], target="abacus")
