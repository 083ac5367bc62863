"""GPUs that have a name, and the peaks that their vendor states: without sparsity, at the boost clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catgrad.errors import CatgradError
from catgrad.passes.gpu.work import PRODUCTS

__all__ = ["GPUS", "Gpu", "find_gpu"]

_TERA = 10**12
_GIGA = 10**9


@dataclass(frozen=True)
class Gpu:
    """A GPU.

    Attributes:
        name: What the command line calls it.
        title: What its vendor calls it.
        architecture: The name of its `GpuMachine`.
        multiprocessors: How many it has.
        flops: Floating-point operations in a second, by the format of the work; see `Work`. Scalars of 16 bits are
            computed in f32, and so are contractions of f32: TF32 would drop bits of their operands.
        bandwidth: Bytes that its memory moves in a second.
        source: Where these numbers are from.
    """

    name: str
    title: str
    architecture: str
    multiprocessors: int
    flops: Mapping[str, float]
    bandwidth: float
    source: str


def _flops(f64: float, f64_products: float, f32: float, half_products: float) -> dict[str, float]:
    """Return the peaks by format, given those of the data sheet in TFLOPS."""
    return {
        "f64": f64 * _TERA,
        **{format: f32 * _TERA for format in ("f32", "f16", "bf16")},
        f"f64{PRODUCTS}": f64_products * _TERA,
        f"f32{PRODUCTS}": f32 * _TERA,
        **{f"{format}{PRODUCTS}": half_products * _TERA for format in ("f16", "bf16")},
    }


GPUS: Mapping[str, Gpu] = {
    gpu.name: gpu
    for gpu in (
        Gpu(
            "a100-sxm",
            "A100 80GB SXM",
            "sm_80",
            108,
            _flops(9.7, 19.5, 19.5, 312),
            2039 * _GIGA,
            "NVIDIA A100 Tensor Core GPU datasheet",
        ),
        Gpu(
            "a100-pcie",
            "A100 80GB PCIe",
            "sm_80",
            108,
            _flops(9.7, 19.5, 19.5, 312),
            1935 * _GIGA,
            "NVIDIA A100 Tensor Core GPU datasheet",
        ),
        Gpu(
            "h100-sxm",
            "H100 SXM",
            "sm_90",
            132,
            _flops(34, 67, 67, 989.5),
            3350 * _GIGA,
            "NVIDIA H100 Tensor Core GPU datasheet",
        ),
        Gpu(
            "h100-pcie",
            "H100 PCIe",
            "sm_90",
            114,
            _flops(26, 51, 51, 756.5),
            2000 * _GIGA,
            "NVIDIA H100 Tensor Core GPU datasheet",
        ),
        Gpu(
            "h200-sxm",
            "H200 SXM",
            "sm_90",
            132,
            _flops(34, 67, 67, 989.5),
            4800 * _GIGA,
            "NVIDIA H200 Tensor Core GPU datasheet",
        ),
        Gpu(
            "b200",
            "HGX B200",
            "sm_100",
            148,
            _flops(40, 40, 80, 2250),
            8000 * _GIGA,
            "NVIDIA Blackwell Architecture Technical Brief, table of HGX B200",
        ),
    )
}
"""Those that are known, by name; of an architecture, the first stands for all."""


def find_gpu(name: str | None = None, architecture: str | None = None) -> Gpu:
    """Return a GPU by its name, its architecture, or both.

    Args:
        name: Its name.
        architecture: The name of its `GpuMachine`.

    Raises:
        CatgradError: There is no such GPU; the message lists those that there are.
    """
    fitting = [gpu for gpu in GPUS.values() if name in {None, gpu.name} and architecture in {None, gpu.architecture}]
    if not fitting:
        raise CatgradError(_unknown(name, architecture))
    return fitting[0]


def _unknown(name: str | None, architecture: str | None) -> str:
    """Say why there is no such GPU, and which there are."""
    architectures = dict.fromkeys(gpu.architecture for gpu in GPUS.values())
    if architecture is not None and architecture not in architectures:
        return f"there is no architecture {architecture}: expected one of {', '.join(architectures)}"
    known = ", ".join(f"{gpu.name} ({gpu.architecture})" for gpu in GPUS.values())
    asked = " of ".join(filter(None, (name, architecture)))
    return f"there is no GPU {asked}: expected one of {known}"
