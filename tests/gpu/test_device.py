"""A real device: its memory, its failures, and the arrays of other libraries."""

import os
import subprocess
import sys

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim

pytestmark = pytest.mark.gpu

X = np.arange(6, dtype=np.float32).reshape(2, 3)
WILD = """
import numpy as np, catgrad as cg
double = cg.compile(lambda x: x + x, cg.f32[2, 3], target="cuda")
y = double(np.ones((2, 3), np.float32))
y.address += 1 << 46
try:
    np.asarray(double(y))
except cg.errors.DeviceError as error:
    print(error)
"""


def test_a_thousand_steps_do_not_grow():
    learner = cg.learner(nn.Linear(3, 2), loss=nn.softmax_cross_entropy, optimizer=optim.adam(0.1))
    step, state = cg.compile(learner.step, cg.f32[2, 3], cg.i32[2], target="cuda"), learner.init(seed=0)
    device, labels = step.device, np.array([0, 1], np.int32)

    def used():
        device.wait()
        kind = device.driver.CUmemPool_attribute.CU_MEMPOOL_ATTR_USED_MEM_CURRENT
        return int(device.stream.attempt(device.driver.cuMemPoolGetAttribute, device._pool, kind)[1])

    state, loss = step(state, X, labels)
    before = used()
    for _ in range(1000):
        state, loss = step(state, X, labels)
    assert used() == before
    assert np.isfinite(float(loss))


@pytest.mark.parametrize(
    ("blocking", "said"), [("0", "in one of the kernels"), ("1", "the launch of lambda_kernel failed")]
)
def test_a_failure_inside_a_kernel_names_it(blocking, said):
    environment = {**os.environ, "CUDA_LAUNCH_BLOCKING": blocking}
    done = subprocess.run([sys.executable, "-c", WILD], env=environment, capture_output=True, text=True, check=True)
    assert said in done.stdout
    assert "lambda_kernel" in done.stdout
    assert "CUDA_ERROR_ILLEGAL_ADDRESS" in done.stdout


@pytest.mark.parametrize("dtype", [cg.f32, cg.bf16, cg.bool_])
def test_torch_has_the_same_memory(dtype):
    torch = pytest.importorskip("torch")
    same = cg.compile(lambda x: x, dtype[2, 3], target="cuda", donate=0)
    y = same(X.astype(dtype.numpy))
    tensor = torch.from_dlpack(y)
    assert tensor.data_ptr() == y.address
    np.testing.assert_array_equal(tensor.float().cpu().numpy(), X.astype(dtype.numpy).astype(np.float32))
    assert same(tensor.clone()).shape == (2, 3)
