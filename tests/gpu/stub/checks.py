"""Calls of the CUDA driver, recorded by the stub beside this file in a process of its own: see ../test_cuda.py."""

import ctypes
import gc
import sys
import threading
import time
from collections import Counter

import ml_dtypes
import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim
from catgrad.cli import examination
from catgrad.errors import ArgumentError, CatgradError, CompileError, DeviceError
from catgrad.runtime.dlpack import from_device
from catgrad.runtime.gpu import devices, driver
from catgrad.runtime.gpu.array import DeviceArray
from catgrad.runtime.gpu.devices import find_device

STUB = ctypes.CDLL(driver.LIBRARY)
STUB.stub_calls.restype = ctypes.c_char_p
X = np.arange(6, dtype=np.float32).reshape(2, 3)
INVALID_VALUE, OUT_OF_MEMORY, NO_DEVICE, INVALID_PTX, UNSUPPORTED_PTX, ILLEGAL_ADDRESS = 1, 2, 100, 218, 222, 700


@pytest.fixture(autouse=True)
def _fresh():
    gc.collect()
    find_device("cuda").wait()
    STUB.stub_forget()
    yield
    STUB.stub_forget()
    assert STUB.stub_depth() == 0


@pytest.fixture(scope="module")
def double():
    return cg.compile(lambda x: x + x, cg.f32["B", 3], target="cuda")


@pytest.fixture(scope="module")
def deep():
    return cg.compile(lambda x: cg.sum(cg.tanh(x) @ x.T), cg.f32["B", 3], target="cuda")


def kernels(executable):
    """The names of an executable's kernels, which are all launched once."""
    return list(executable._code._kernels.names.values())


def calls(*names):
    """The calls since the test began, or those of some functions."""
    found = [line.strip() for line in STUB.stub_calls().decode().splitlines()]
    return [call for call in found if not names or call.partition(" ")[0] in names]


def fail(function, status, times=1 << 30):
    STUB.stub_fail(function.encode(), status, times)


def test_a_call_copies_in_launches_and_copies_out_in_order(double):
    y = double(X)
    assert isinstance(y, DeviceArray)
    assert calls() == [
        "cuMemAllocFromPoolAsync 24 (nil)",
        "cuMemcpyHtoD 24",
        "cuMemAllocFromPoolAsync 24 (nil)",
        "cuLaunchKernel lambda_kernel 1 1 1 256 1 1 0 (nil)",
        "cuMemFreeAsync",
    ]
    np.asarray(y)
    assert calls()[-1] == "cuMemcpyDtoH 24"
    del y
    assert calls()[-1] == "cuMemFreeAsync"


def test_arrays_keep_what_was_copied():
    for array in (X, X.astype(np.float16), X.astype(ml_dtypes.bfloat16), np.array(3), np.zeros((0, 3)), X > 1):
        copied = DeviceArray.of(find_device("cuda"), array)
        np.testing.assert_array_equal(np.asarray(copied), array)
        assert np.asarray(copied).dtype == array.dtype


def test_nothing_is_asked_for_an_empty_array():
    same = cg.compile(lambda x: x, cg.f32[0, 3], target="cuda")
    STUB.stub_forget()
    assert np.asarray(same(np.zeros((0, 3), np.float32))).shape == (0, 3)
    assert not calls("cuMemAllocFromPoolAsync", "cuMemcpyHtoD", "cuMemcpyDtoH", "cuMemFreeAsync")


def test_the_target_is_that_of_the_device(double):
    assert double.target == "cuda:sm_90"
    assert ".target sm_90" in double.ir("ptx")
    older = cg.compile(lambda x: x, cg.f32[3], target="cuda:sm_80")
    assert older.device is double.device
    with pytest.raises(
        CatgradError, match=r"'cuda:sm_100' needs compute capability 10.0, and Stub has 9.0: use .*sm_90"
    ):
        cg.compile(lambda x: x, cg.f32[3], target="cuda:sm_100")


def test_kernels_may_use_all_shared_memory():
    cg.compile(lambda x: x - 1, cg.f32[3], target="cuda")
    assert calls("cuFuncSetAttribute") == [f"cuFuncSetAttribute lambda_kernel 8 {232448 - 1024}"]


def test_a_thousand_steps_do_not_grow():
    learner = cg.learner(nn.Linear(3, 2), loss=nn.softmax_cross_entropy, optimizer=optim.adam(0.1))
    step, state = cg.compile(learner.step, cg.f32[2, 3], cg.i32[2], target="cuda"), learner.init(seed=0)
    labels = np.array([0, 1], np.int32)
    state, loss = step(state, X, labels)
    before, first = STUB.stub_blocks(), loss.address
    for _ in range(1000):
        state, loss = step(state, X, labels)
    assert STUB.stub_blocks() == before
    assert first
    STUB.stub_forget()
    state, loss = step(state, X, labels)
    assert Counter(call.partition(" ")[0] for call in calls("cuMemAllocFromPoolAsync", "cuMemFreeAsync")) == {
        "cuMemAllocFromPoolAsync": 3,
        "cuMemFreeAsync": 3,
    }
    del state, loss, step
    gc.collect()
    np.asarray(DeviceArray.of(find_device("cuda"), X))
    assert STUB.stub_blocks() == 0


def test_kernels_are_unloaded_when_they_are_done():
    before = STUB.stub_modules()
    triple = cg.compile(lambda x: x * 3, cg.f32[2, 3], target="cuda")
    y = triple(X)
    del triple
    gc.collect()
    assert STUB.stub_modules() == before + 1
    np.asarray(y)
    gc.collect()
    assert STUB.stub_modules() == before


def test_other_threads(double):
    found = []

    def work():
        for _ in range(50):
            found.append(np.asarray(double(DeviceArray.of(double.device, X))).shape)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(2, 3)] * 200
    held = [double(X)]
    before = STUB.stub_blocks()
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    assert STUB.stub_blocks() == before - 1


def test_other_threads_run_while_one_waits(double):
    y = double(X)
    STUB.stub_delay(300_000)
    thread = threading.Thread(target=np.asarray, args=[y])
    thread.start()
    turns = 0
    while thread.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 20


def test_a_launch_that_is_refused_names_its_kernel(deep):
    deep(X)
    STUB.stub_forget()
    fail("cuLaunchKernel", INVALID_VALUE, 1)
    with pytest.raises(
        DeviceError, match=r"Stub: the launch of lambda_kernel failed: CUDA_ERROR_INVALID_VALUE \(the stub says 1\)\n"
    ):
        deep(X)
    assert len(calls("cuLaunchKernel")) == 1
    deep(X)
    assert len(calls("cuLaunchKernel")) == 1 + len(kernels(deep))


@pytest.mark.parametrize("look", [np.asarray, float, lambda loss: loss.device.wait(), repr])
def test_a_failure_inside_a_kernel_names_the_kernels_it_may_be(deep, look):
    STUB.stub_break(ILLEGAL_ADDRESS)
    loss = deep(X)
    for _ in range(2):
        with pytest.raises(DeviceError) as caught:
            look(loss)
        assert "CUDA_ERROR_ILLEGAL_ADDRESS" in str(caught.value)
        assert f"in one of the kernels {', '.join(kernels(deep))} (CUDA" in str(caught.value)
        assert "(CUDA_LAUNCH_BLOCKING=1 tells which)" in str(caught.value)
        assert "the device is lost to this process, which has to be restarted" in str(caught.value)
    with pytest.raises(DeviceError, match="cannot allocate 24 bytes: CUDA_ERROR_ILLEGAL_ADDRESS"):
        deep(X)
    del loss
    STUB.stub_forget()
    float(deep(X))


def test_what_was_waited_for_is_not_suspected(deep, double):
    float(deep(X))
    y = double(X)
    STUB.stub_break(ILLEGAL_ADDRESS)
    y = double(y)
    with pytest.raises(DeviceError) as caught:
        np.asarray(y)
    assert "in one of the kernels lambda_kernel (CUDA" in str(caught.value)


def test_many_suspects_are_cut_short(double, monkeypatch):
    monkeypatch.setattr(double._code._kernels, "names", {n: f"kernel_{n}" for n in range(11)})
    STUB.stub_break(ILLEGAL_ADDRESS)
    y = double(X)
    with pytest.raises(DeviceError, match="kernel_6, kernel_7 and 3 more"):
        np.asarray(y)
    STUB.stub_forget()
    np.asarray(y)


def test_launches_that_wait_name_the_kernel(double, monkeypatch):
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    fail("cuLaunchKernel", ILLEGAL_ADDRESS, 1)
    with pytest.raises(
        DeviceError, match=r"the launch of lambda_kernel failed: CUDA_ERROR_ILLEGAL_ADDRESS .*700\): the device"
    ):
        double(X)


def test_memory_that_is_not_there(double):
    y = double(X)
    STUB.stub_forget()
    fail("cuMemAllocFromPoolAsync", OUT_OF_MEMORY, 1)
    double(y)
    assert calls()[:3] == ["cuMemAllocFromPoolAsync 24 (nil)", "cuStreamSynchronize (nil)", "cuMemPoolTrimTo 0"]
    fail("cuMemAllocFromPoolAsync", OUT_OF_MEMORY)
    with pytest.raises(DeviceError, match=r"Stub: cannot allocate 24 bytes: CUDA_ERROR_OUT_OF_MEMORY"):
        double(y)
    STUB.stub_forget()
    double(y)


def test_copies_that_fail(double):
    y = double(X)
    fail("cuMemcpyHtoD", INVALID_VALUE, 1)
    with pytest.raises(DeviceError, match="cannot copy 24 bytes to the device: CUDA_ERROR_INVALID_VALUE"):
        double(X)
    fail("cuMemcpyDtoH", INVALID_VALUE, 1)
    with pytest.raises(DeviceError, match="cannot copy 24 bytes from the device: CUDA_ERROR_INVALID_VALUE"):
        np.asarray(y)


def test_what_the_bindings_do_not_know(double):
    y = double(X)
    fail("cuMemcpyDtoH", 12345, 1)
    with pytest.raises(DeviceError, match="Stub: 12345 is not a valid CUresult"):
        np.asarray(y)
    fail("cuLaunchKernel", 12345, 1)
    with pytest.raises(DeviceError, match="Stub: the launch of lambda_kernel failed: CUDA error 12345"):
        double(y)


def test_kernels_that_the_driver_refuses():
    fail("cuModuleLoadDataEx", INVALID_PTX, 1)
    with pytest.raises(
        CompileError, match=r"Stub refuses the kernels: CUDA_ERROR_INVALID_PTX .*: line 7: the stub does not"
    ):
        cg.compile(lambda x: x * 5, cg.f32[3], target="cuda")
    fail("cuModuleLoadDataEx", UNSUPPORTED_PTX, 1)
    with pytest.raises(
        CompileError, match=r"UNSUPPORTED_PTX_VERSION .*update the driver, or compile for target='cuda:sm_80'"
    ):
        cg.compile(lambda x: x * 5, cg.f32[3], target="cuda")
    fail("cuFuncSetAttribute", INVALID_VALUE, 1)
    with pytest.raises(DeviceError, match="cannot load lambda_kernel: CUDA_ERROR_INVALID_VALUE"):
        cg.compile(lambda x: x * 5, cg.f32[3], target="cuda")


@pytest.fixture
def another():
    """Lets the next who asks for the device find a new one."""
    devices._cuda.cache_clear()
    yield
    devices._cuda.cache_clear()


@pytest.mark.usefixtures("another")
def test_a_driver_that_does_not_start():
    fail("cuInit", NO_DEVICE, 1)
    with pytest.raises(CatgradError) as caught:
        find_device("cuda")
    assert str(caught.value) == (
        "target 'cuda' cannot run here: the CUDA driver does not start: CUDA_ERROR_NO_DEVICE (the stub says 100): run "
        "the same kernels on the processor with target='cuda:emulate'"
    )
    fail("cuDevicePrimaryCtxRetain", OUT_OF_MEMORY, 1)
    with pytest.raises(CatgradError, match="does not start: CUDA_ERROR_OUT_OF_MEMORY"):
        find_device("cuda")


@pytest.mark.usefixtures("another")
def test_a_device_that_is_too_old():
    STUB.stub_capability(75)
    try:
        with pytest.raises(CatgradError, match=r"Stub has compute capability 7.5, and kernels need 8.0: run the same"):
            find_device("cuda:sm_80")
    finally:
        STUB.stub_capability(90)


@pytest.mark.parametrize(("capability", "target"), [(80, "sm_80"), (89, "sm_80"), (90, "sm_90"), (120, "sm_100")])
@pytest.mark.usefixtures("another")
def test_the_best_code_for_a_device(capability, target):
    STUB.stub_capability(capability)
    try:
        assert find_device("cuda").target == f"cuda:{target}"
    finally:
        STUB.stub_capability(90)


class Foreign:
    """An array of another library, on the device."""

    def __init__(self, array, address=None, **changed):
        self.array, self.address, self.changed, self.streams = array, address or array.address, changed, []

    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, *, stream, max_version=None, dl_device=None, copy=None):
        self.streams.append(stream)
        return self.array.__dlpack__(max_version=self.changed.get("max_version", max_version))


@pytest.mark.parametrize("dtype", [cg.f32, cg.bf16, cg.f16, cg.bool_, cg.i64])
def test_arrays_of_other_libraries_are_not_copied(dtype):
    same = cg.compile(lambda x: cg.reshape(x, (3, 2)), dtype[2, 3], target="cuda")
    x = DeviceArray.of(same.device, X.astype(dtype.numpy))
    foreign = Foreign(x)
    STUB.stub_forget()
    same(foreign)
    assert not calls("cuMemcpyHtoD", "cuMemcpyDtoH")
    assert foreign.streams == [1]
    assert from_device(foreign).dtype == dtype.numpy


def test_a_donated_array_of_another_library_is_updated():
    increment = cg.compile(lambda x: x + 1, cg.f32[2, 3], target="cuda", donate=0)
    x = DeviceArray.of(increment.device, X)
    assert increment(Foreign(x)).address == x.address
    with pytest.raises(ArgumentError, match="the array is read-only but will be written: pass a copy"):
        increment(Foreign(x, max_version=None))


def test_arrays_of_other_libraries_that_do_not_fit(double):
    wrong = DeviceArray.of(double.device, X.astype(np.float64))
    with pytest.raises(ArgumentError, match=r"x must be f32\[B, 3\], but got float64 of shape \(2, 3\): convert it"):
        double(Foreign(wrong))
    x = double(np.ones((3, 3), np.float32))
    x.shape, x.address = (2, 3), x.address + 12
    with pytest.raises(ArgumentError, match="its address is no multiple of 16: pass a copy"):
        double(Foreign(x))
    x.address -= 12

    class Gradient(Foreign):
        def __dlpack__(self, **_):
            raise BufferError("it needs a gradient")

    with pytest.raises(ArgumentError, match=r"it is not handed over \(it needs a gradient\): pass a DeviceArray"):
        double(Gradient(x))


def test_the_memory_lives_as_long_as_somebody_has_it(double):
    y = double(X)
    before = STUB.stub_blocks()
    capsule = y.__dlpack__()
    del y
    gc.collect()
    assert STUB.stub_blocks() == before
    del capsule
    gc.collect()
    assert STUB.stub_blocks() == before - 1


def test_memory_of_another_library_is_kept_until_kernels_are_done_with_it(double):
    before = STUB.stub_blocks()
    z = double(Foreign(double(X)))
    gc.collect()
    assert STUB.stub_blocks() == before + 2
    np.asarray(z)
    gc.collect()
    assert STUB.stub_blocks() == before + 1
    for _ in range(200):
        z = double(Foreign(double(X)))
    assert STUB.stub_blocks() < before + 80
    STUB.stub_break(ILLEGAL_ADDRESS)
    z = double(z)
    for _ in range(70):
        double.device.give_back(X)
    with pytest.raises(DeviceError, match="ILLEGAL_ADDRESS"):
        double.device.wait()


def test_consumers_on_other_streams_find_what_was_launched(double):
    y = double(X)
    for stream in (None, -1, 1):
        y.__dlpack__(stream=stream)
    assert not calls("cuStreamSynchronize")
    y.__dlpack__(stream=0xBEEF)
    assert calls("cuStreamSynchronize") == ["cuStreamSynchronize (nil)"]
    with pytest.raises(BufferError, match="handed over where it is"):
        y.__dlpack__(dl_device=(1, 0))
    assert y.__dlpack_device__() == (2, 0)


def test_the_interface_of_cuda_arrays(double):
    y = double(X)
    assert y.__cuda_array_interface__ == {
        "version": 3,
        "shape": (2, 3),
        "typestr": "<f4",
        "strides": None,
        "data": (y.address, False),
        "stream": 1,
    }
    assert not hasattr(DeviceArray.of(double.device, X.astype(ml_dtypes.bfloat16)), "__cuda_array_interface__")


def test_the_doctor_knows_the_device(monkeypatch):
    monkeypatch.setattr(examination, "_FUNCTION", "")
    found = examination.examine()["CUDA driver"]
    assert found.found
    assert found.value == "version 13.0: Stub, compute capability 9.0, 85.9 GB"
    fail("cuInit", NO_DEVICE, 1)
    found = examination.examine()["CUDA driver"]
    assert not found.found
    assert found.value == "the CUDA driver does not start: CUDA_ERROR_NO_DEVICE (the stub says 100)"
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    found = examination.examine()["CUDA driver"]
    assert (found.value, found.install) == ("no Python bindings of the CUDA driver", "pip install 'catgrad[cuda]'")
