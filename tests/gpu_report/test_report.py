"""Reports, with figures that were derived by hand."""

import pytest

import catgrad as cg
from catgrad.cli.tasks import TASKS
from catgrad.errors import CatgradError
from catgrad.gpu_report import GPUS, find_gpu, report
from catgrad.gpu_report.report import roofline
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.work import Work
from catgrad.prepare import prepare
from catgrad.runtime.gpu_emulator import Traffic

MIB = 1 << 20
H100 = GPUS["h100-sxm"]


def reported(f, *types, gpu=H100, **options):
    return report(*prepare(f, *types, bind=options.pop("bind", None)), gpu, **options)


def test_an_elementwise_chain_moves_the_minimum():
    made = reported(lambda x, y, z: x * y + z, *[cg.f32[1024, 1024]] * 3)
    (row,) = made.launches
    assert row.launch.work == made.least == Work({"f32": 2 * MIB}, 12 * MIB, 4 * MIB)
    assert row.traffic == made.traffic == Traffic(12 * MIB, 4 * MIB)
    # A thread computes 4 elements, a block of 256 threads 1024.
    assert (row.launch.grid, row.launch.block) == ((1024, 1, 1), (256, 1, 1))
    assert (row.code.opcodes["LDG.E.128"], row.code.opcodes["STG.E.128"]) == (3, 1)
    assert (row.code.usage.stack_bytes, row.code.usage.spilled_bytes, row.occupancy.fraction) == (0, 0, 1)
    assert row.roofline.bound == "memory"
    assert row.roofline.seconds == made.seconds == 16 * MIB / 3.35e12
    here = test_an_elementwise_chain_moves_the_minimum.__code__.co_firstlineno + 1
    assert row.launch.place == f"{__file__}:{here}"


def test_a_softmax_moves_the_minimum():
    made = reported(lambda x: cg.softmax(x, axis=-1), cg.f32[64, 1000])
    (row,) = made.launches
    # Of each element: the maximum, the difference, its exponential (9 multiply-adds, 4 others), the sum, the quotient.
    assert row.launch.work == made.least == Work({"f32": 64_000 * (4 + 2 * 9 + 4)}, 256_000, 256_000)
    assert row.traffic == Traffic(256_000, 256_000)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("dtype", [cg.f16, cg.f32], ids=str)
def test_a_contraction(dtype):
    made = reported(lambda x, y: x @ y, dtype[96, 40], dtype[40, 72])
    size = dtype.numpy.itemsize
    assert made.work.flop == {f"{dtype} products": 2 * 96 * 40 * 72}
    assert (made.least.read, made.least.written) == ((96 * 40 + 40 * 72) * size, 96 * 72 * size)
    # Each tile of C is computed from strips of A and B, which other tiles have to read again.
    assert made.traffic.read >= made.least.read


def test_the_step_of_digits():
    settings = TASKS["digits"].settings()
    made = reported(settings.learner.step, cg.f32["B", 64], cg.i32["B"], bind={"B": 32}, counts=False)
    # Forward x Wᵀ and h Vᵀ; backward the gradients of both weights, and of h.
    assert made.work.flop["f32 products"] == 2 * 32 * (2 * 64 * 64 + 3 * 64 * 10)
    weights = 64 * 64 + 64 + 64 * 10 + 10
    assert made.least.read == 4 * (3 * weights + 1 + 32 * 64 + 32)
    assert made.least.written == 4 * (3 * weights + 1 + 1)
    assert all(row.code.usage.spilled_bytes == row.code.usage.stack_bytes == 0 for row in made.launches)
    # The padding of the machine code is no instruction.
    assert all(0 < row.code.instructions < sum(row.code.opcodes.values()) for row in made.launches)


def test_what_is_broadcast_is_requested_by_each_thread_that_uses_it():
    (row,) = reported(lambda x, b: x + b, cg.f32[100, 64], cg.f32[64]).launches
    assert row.launch.work == Work({"f32": 6400}, 4 * (6400 + 64), 4 * 6400)
    assert row.launch.work.read < row.traffic.read <= 4 * (6400 + 6400)
    assert row.traffic.written == 4 * 6400


def test_one_kernel_is_launched_for_two_definitions():
    @cg.function
    def f(x, w):
        return cg.tanh(x @ w)

    made = reported(lambda x, w: f(f(x, w), w), cg.f32[8, 32], cg.f32[32, 32])
    first, *_ = made.launches
    again = [row for row in made.launches if row.launch.kernel == first.launch.kernel]
    assert [row.launch.work.flop for row in again] == [first.launch.work.flop] * 2
    assert made.work.flop["f32 products"] == 2 * 2 * 8 * 32 * 32


def test_a_loop_launches_in_every_round():
    @cg.function
    def layer(x, w):
        return cg.tanh(x @ w)

    def deep(x, weights):
        for w in weights:
            x = layer(x, w)
        return x

    made = reported(deep, cg.f32[8, 16], [cg.f32[16, 16]] * 12)
    assert made.work.flop["f32 products"] == 12 * 2 * 8 * 16 * 16
    assert len(made.launches) % 12 == 0
    assert len({row.launch.kernel for row in made.launches}) == len(made.launches) // 12


def test_without_a_run_nothing_is_counted():
    made = reported(lambda x: cg.sum(x), cg.f32[5000], counts=False)
    assert made.traffic is None
    assert {row.traffic for row in made.launches} == {None}


def test_what_launches_nothing():
    made = reported(lambda x: x + 1, cg.f32[0, 3])
    assert (made.launches, made.traffic, made.seconds) == ((), Traffic(0, 0), 0)
    assert made.least == Work({}, 0, 0)


def test_a_size_that_is_open():
    with pytest.raises(CatgradError, match="a report needs every size: lambda leaves B open"):
        reported(lambda x: x + 1, cg.f32["B"])


def test_the_roofline_is_what_takes_longest():
    a100 = GPUS["a100-sxm"]
    assert roofline(Work({"f32": 1}, 0, 2039), a100).bound == "memory"
    assert roofline(Work({"f32": 1}, 0, 2039), a100).seconds == pytest.approx(1e-9)
    product = roofline(Work({"f16 products": 312 * 10**9, "f32": 10**9}, 2039, 0), a100)
    assert (product.seconds, product.bound) == (pytest.approx(1e-3), "f16 products")
    assert roofline(Work({}, 0, 0), a100).seconds == 0


def test_gpus_have_machines_and_peaks():
    formats = {format for gpu in GPUS.values() for format in gpu.flops}
    for gpu in GPUS.values():
        assert gpu.architecture in GpuMachine.names()
        assert set(gpu.flops) == formats
        assert gpu.flops["f64"] <= gpu.flops["f32"] <= gpu.flops["f16 products"]
        assert gpu.source
    for architecture in GpuMachine.names():
        assert find_gpu(architecture=architecture).architecture == architecture
    assert find_gpu("h200-sxm", "sm_90") is GPUS["h200-sxm"]
    with pytest.raises(CatgradError, match="there is no GPU b200 of sm_90: expected one of a100-sxm"):
        find_gpu("b200", "sm_90")
