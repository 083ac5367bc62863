"""The libraries under comparison: each is opened, given a function of arrays, and waited for.

Each gets its best: numpy and eager torch write into an existing array as catgrad does, jax and torch.compile see the
whole function, and no gradient is recorded unless a program asks for it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIBRARIES", "Arrays", "Call", "Library"]

Arrays: TypeAlias = tuple[NDArray[Any], ...]
Call: TypeAlias = Callable[[], Any]

CATGRAD_TYPES: Mapping[str, str] = {"float32": "f32", "int32": "i32"}


class Library:
    """A library in a process of its own, opened for a number of threads."""

    package: ClassVar[str]
    distribution: ClassVar[str]
    # What it can be measured on.
    targets: ClassVar[tuple[str, ...]] = ("cpu",)

    def __init__(self, threads: int, target: str = "cpu") -> None:
        self.threads, self.target = threads, target
        self.module = importlib.import_module(self.package)

    @property
    def version(self) -> str:
        """The installed version."""
        return version(self.distribution)

    def array(self, array: NDArray[Any]) -> Any:
        """The library's own array with these entries."""
        return array

    def waited(self, call: Call) -> Call:
        """The call that does the same, and returns when its results are in memory."""
        return call

    def fetch(self, array: Any) -> NDArray[Any]:
        """A result as a numpy array."""
        return np.asarray(array)

    def forget(self) -> None:
        """Empties the library's caches of compiled functions, so that it compiles again."""

    def bind(self, function: Callable[..., Any], inputs: Arrays) -> Call:
        """The call that applies `function(module, *arrays)` to the inputs, having applied it once."""
        raise NotImplementedError(f"{type(self).__name__} does not run functions of arrays")


class NumPy(Library):
    """numpy, writing into the result of the first call."""

    package = distribution = "numpy"

    def bind(self, function: Callable[..., Any], inputs: Arrays) -> Call:
        """See `Library.bind`."""
        return _reusing(partial(function, self.module, *map(self.array, inputs)))


class Torch(NumPy):
    """torch, operation by operation, writing into the result of the first call."""

    package = distribution = "torch"
    targets = ("cpu", "cuda")

    def __init__(self, threads: int, target: str = "cpu") -> None:
        super().__init__(threads, target)
        self.module.set_num_threads(threads)
        self.module.set_grad_enabled(False)

    def array(self, array: NDArray[Any]) -> Any:
        """See `Library.array`."""
        return self.module.from_numpy(array).to(self.target)

    def waited(self, call: Call) -> Call:
        """See `Library.waited`."""
        return call if self.target == "cpu" else _then(call, self.module.cuda.synchronize)

    def fetch(self, array: Any) -> NDArray[Any]:
        """See `Library.fetch`."""
        return np.asarray(array.cpu())


class TorchCompile(Torch):
    """torch.compile with its defaults, caches on disk switched off."""

    def bind(self, function: Callable[..., Any], inputs: Arrays) -> Call:
        """See `Library.bind`."""
        module = self.module
        compiled = module.compile(lambda *arrays: function(module, *arrays))
        call = partial(compiled, *map(self.array, inputs))
        call()
        return call

    def forget(self) -> None:
        """See `Library.forget`."""
        self.module.compiler.reset()


class Jax(Library):
    """jax.jit; a call runs on the calling thread, which is faster, and ends when its result is in memory."""

    package = distribution = "jax"

    def __init__(self, threads: int, target: str = "cpu") -> None:
        super().__init__(threads, target)
        self.module.config.update("jax_cpu_enable_async_dispatch", False)
        self.array(np.zeros(1)).block_until_ready()

    def array(self, array: NDArray[Any]) -> Any:
        """See `Library.array`."""
        return self.module.numpy.asarray(array)

    def bind(self, function: Callable[..., Any], inputs: Arrays) -> Call:
        """See `Library.bind`."""
        jitted = self.module.jit(partial(function, self.module))
        arrays = [self.array(array) for array in inputs]
        jitted(*arrays).block_until_ready()
        return lambda: jitted(*arrays).block_until_ready()

    def forget(self) -> None:
        """See `Library.forget`."""
        self.module.clear_caches()


class Catgrad(Library):
    """catgrad through its public interface, writing into the result of the first call."""

    package = distribution = "catgrad"
    targets = ("cpu", "cuda")

    def array(self, array: NDArray[Any]) -> Any:
        """See `Library.array`."""
        if self.target == "cpu":
            return array
        from catgrad.runtime.gpu.array import DeviceArray

        return DeviceArray.of(self.device, array)

    def waited(self, call: Call) -> Call:
        """See `Library.waited`."""
        return call if self.target == "cpu" else _then(call, self.device.wait)

    @property
    def device(self) -> Any:
        """The device that runs the target's code, where it is not the processor."""
        from catgrad.runtime.gpu.devices import find_device

        return find_device(self.target)

    def bind(self, function: Callable[..., Any], inputs: Arrays) -> Call:
        """See `Library.bind`."""
        cg = self.module
        types = map(self.type, inputs)
        compiled = cg.compile(lambda *arrays: function(cg, *arrays), *types, target=self.target)
        return _reusing(partial(compiled, *map(self.array, inputs)))

    def type(self, array: NDArray[Any]) -> Any:
        """The catgrad type of an array: f32[512, 1024]."""
        return getattr(self.module, CATGRAD_TYPES[array.dtype.name])[array.shape]


class OnnxRuntime(Library):
    """onnxruntime, which runs models from files."""

    package = distribution = "onnxruntime"


class OpenHypergraphs(Library):
    """open-hypergraphs, the reference implementation of hypergraph algebra in numpy."""

    package, distribution = "open_hypergraphs", "open-hypergraphs"


class Machine(Library):
    """The machine itself: what `bench.roofline` runs on it."""

    package, distribution = "bench.roofline", "numpy"

    @property
    def version(self) -> str:
        """The kind of processor."""
        return os.uname().machine


def _reusing(call: Callable[..., Any]) -> Call:
    return partial(call, out=call())


def _then(call: Call, wait: Callable[[], object]) -> Call:
    def waited() -> Any:
        result = call()
        wait()
        return result

    return waited


LIBRARIES: Mapping[str, type[Library]] = {
    "catgrad": Catgrad,
    "numpy": NumPy,
    "torch": Torch,
    "torch.compile": TorchCompile,
    "jax.jit": Jax,
    "onnxruntime": OnnxRuntime,
    "open-hypergraphs": OpenHypergraphs,
    "machine": Machine,
}
