"""Start-up time of programs until their first result: the process, what it imports, and what it compiles.

`cold-start` predicts once, for one example, with an MLP 784-128-10 whose parameters are in files. `first-step` is what
`catgrad train digits` does until the first step is done: with nothing in the cache, and with the step there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Entry
from bench.cases import training
from bench.libraries import Arrays, Call, Library

__all__ = ["CASES"]

_PROGRAMS = Path(__file__).parents[1] / "programs"
_EXAMPLE = Path(__file__).parents[2] / "examples" / "c"
_NAMES = ("hidden.weight", "hidden.bias", "out.weight", "out.bias")


def draw(random: np.random.Generator) -> Arrays:
    """x, and the parameters of two layers, outputs by inputs."""
    x, _, w1, b1, w2, b2 = training.draw(random)
    return (x[:1], *(np.ascontiguousarray(array) for array in (w1.T, b1, w2.T, b2)))


def reference(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """The scores."""
    return np.maximum(x @ w1.T + b1, 0) @ w2.T + b2


def started(prepare: Callable[[Library, Arrays, Path], list[str]], library: Library, inputs: Arrays) -> Call:
    """The call that starts a program, and reads the numbers that it writes.

    Args:
        prepare: Puts what the program needs into a folder, and gives its command.
        library: For which.
        inputs: x and the parameters.
    """
    folder = TemporaryDirectory(prefix="bench-")
    command = prepare(library, inputs, Path(folder.name))

    def call() -> NDArray[Any]:
        done = subprocess.run(command, capture_output=True, check=True)
        return np.frombuffer(done.stdout, "f4").reshape(1, -1)

    weakref.finalize(call, folder.cleanup)
    return call


def script(name: str, library: Library, inputs: Arrays, folder: Path) -> list[str]:
    """A program in Python, with parameters and x in files."""
    for key, array in zip(_NAMES, inputs[1:], strict=True):
        np.save(folder / f"{key}.npy", array)
    inputs[0].tofile(folder / "x.bin")
    return [sys.executable, str(_PROGRAMS / name), str(folder)]


def loader(library: Library, inputs: Arrays, folder: Path) -> list[str]:
    """catgrad's library, called from Python with numpy alone."""
    exported(library, inputs, folder)
    return script("predict_library.py", library, inputs, folder)


def program_in_c(library: Library, inputs: Arrays, folder: Path) -> list[str]:
    """catgrad's library in a program in C."""
    exported(library, inputs, folder)
    inputs[0].tofile(folder / "x.bin")
    sources = [_PROGRAMS / "predict.c", _EXAMPLE / "safetensors.c", folder / "libnet.a"]
    subprocess.run(["cc", "-O2", f"-I{folder}", f"-I{_EXAMPLE}", "-o", folder / "predict", *sources], check=True)
    return [str(folder / "predict"), str(folder)]


def exported(library: Library, inputs: Arrays, folder: Path) -> None:
    """Writes the library "net" into a folder."""
    cg = library.module
    learner = cg.learner(training.model(cg), loss=cg.nn.softmax_cross_entropy, optimizer=cg.optim.sgd(0.1))
    parameters = dict(zip(_NAMES, inputs[1:], strict=True))
    types = cg.f32[1, training.INPUTS], cg.i32[1]
    learner.export(folder, *types, functions=("predict",), name="net", parameters=parameters)


def saved(library: Library, inputs: Arrays, folder: Path) -> list[str]:
    """catgrad itself, loading what it has compiled."""
    cg = library.module
    cg.compile(training.model(cg), cg.f32[1, training.INPUTS]).save(folder / "net.catgrad")
    return script("predict_saved.py", library, inputs, folder)


def onnx(library: Library, inputs: Arrays, folder: Path) -> list[str]:
    """onnxruntime, with the parameters in the model."""
    from onnx import TensorProto, helper, numpy_helper, save

    layer = partial(helper.make_node, "Gemm", transB=1)
    nodes = [
        layer(["x", "hidden.weight", "hidden.bias"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["relu"]),
        layer(["relu", "out.weight", "out.bias"], ["scores"]),
    ]
    about = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT)
    graph = helper.make_graph(
        nodes,
        "net",
        [about("x", shape=[1, training.INPUTS])],
        [about("scores", shape=[1, training.CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in zip(_NAMES, inputs[1:], strict=True)],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "net.onnx")
    return script("predict_onnx.py", library, inputs, folder)


def first_step(is_warm: bool, library: Library, inputs: Arrays) -> Call:
    """The call that trains one step in a new process, with a cache that is filled or empty."""
    kept = TemporaryDirectory(prefix="bench-")

    def call() -> NDArray[Any]:
        with TemporaryDirectory(prefix="bench-") as empty:
            return step_in(kept.name if is_warm else empty)

    weakref.finalize(call, kept.cleanup)
    if is_warm:
        call()
    return call


def step_in(cache: str) -> NDArray[Any]:
    """The loss of a first step, with a cache in a folder."""
    environment: Mapping[str, str] = {**os.environ, "CATGRAD_CACHE_DIR": cache}
    command = [sys.executable, str(_PROGRAMS / "first_step.py")]
    return np.frombuffer(subprocess.run(command, env=environment, capture_output=True, check=True).stdout, "f4")


def first_loss() -> NDArray[Any]:
    """The loss of the first step, operation by operation."""
    from catgrad.cli.data import load
    from catgrad.cli.tasks import TASKS

    settings = TASKS["digits"].settings()
    batch = load("digits", settings.seed, None).train[slice(0, settings.batch)]
    return np.asarray(settings.learner.step(settings.learner.init(settings.seed), batch.x, batch.y)[1]).reshape(1)


CASES = (
    Case(
        "cold-start/mlp-predict",
        draw,
        (
            Entry("catgrad", partial(started, program_in_c), "C program"),
            Entry("catgrad", partial(started, loader), "Python loader"),
            Entry("catgrad", partial(started, saved), "saved executable"),
            Entry("torch", partial(started, partial(script, "predict_torch.py"))),
            Entry("jax.jit", partial(started, partial(script, "predict_jax.py"))),
            Entry("onnxruntime", partial(started, onnx)),
        ),
        reference,
    ),
    Case(
        "first-step/digits",
        lambda random: (),
        (
            Entry("catgrad", partial(first_step, False), "cold"),
            Entry("catgrad", partial(first_step, True), "warm"),
        ),
        first_loss,
        tolerance=1e-4,
    ),
)
