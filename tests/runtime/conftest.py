"""Small programs, written by hand as MLIR on memrefs, and executables made of them."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from mlir import ir

from catgrad.dims import dim
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime import Executable, Signature
from catgrad.runtime.engine import jit
from catgrad.types import f32


def _lower(source: str) -> ir.Module:
    """Parse a module and lower it to the LLVM dialect."""
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(source)
    run(module, stages()[-3:])
    return module


def _elementwise(body: str, element: str, shape: str = "4x", inputs: int = 2, *, in_place: bool = False) -> str:
    """Return a function @f of arrays of one type that computes `body` of %x0, %x1, ... as %r for every element.

    It writes into an array after the inputs, or into the first input.
    """
    memref = f"memref<{shape}{element}>"
    rank = shape.count("x")
    axes = ", ".join(f"d{i}" for i in range(rank))
    index_map = f"affine_map<({axes}) -> ({axes})>"
    names = [f"%a{i}" for i in range(inputs)]
    target = "%a0" if in_place else "%out"
    parameters = [*(["%B: index"] if "?" in shape else []), *(f"{name}: {memref}" for name in names)]
    if not in_place:
        parameters.append(f"%out: {memref}")
    return f"""
      func.func @f({", ".join(parameters)}) {{
        linalg.generic {{
          indexing_maps = [{", ".join([index_map] * (inputs + 1))}],
          iterator_types = [{", ".join(['"parallel"'] * rank)}]
        }} ins({", ".join(names)} : {", ".join([memref] * inputs)}) outs({target} : {memref}) {{
        ^bb0({", ".join(f"%x{i}: {element}" for i in range(inputs))}, %y: {element}):
          {body}
          linalg.yield %r : {element}
        }}
        return
      }}"""


@pytest.fixture
def lower():
    return _lower


@pytest.fixture
def elementwise():
    return _elementwise


@pytest.fixture
def build():
    """Compile a module's function @f for inputs and outputs of given types."""

    def make(source, inputs, outputs, *, names="abcdefghijkl", symbols=(), opt_level=3, **parts):
        input_names = tuple(names[: len(inputs)])
        signature = Signature("f", tuple(symbols), tuple(inputs), tuple(outputs), input_names=input_names, **parts)
        return Executable(signature, jit(_lower(source), "f", opt_level))

    return make


@pytest.fixture
def add(build, elementwise):
    """f(a, b) = (a + b,) for f32[4, 3]."""
    return build(elementwise("%r = arith.addf %x0, %x1 : f32", "f32", "4x3x"), (f32[4, 3],) * 2, (f32[4, 3],))


@pytest.fixture
def strict():
    """Return an executable that does the same and copies no argument."""
    return lambda exe: Executable(replace(exe.signature, strict=True), exe._code)


@pytest.fixture
def add_in_place(build, elementwise):
    """f(a, b) = (a + b,) for f32[4, 3], written into a."""
    source = elementwise("%r = arith.addf %x0, %x1 : f32", "f32", "4x3x", in_place=True)
    return build(source, (f32[4, 3],) * 2, (f32[4, 3],), donated=((0, 0),))


@pytest.fixture
def double(build, elementwise):
    """f(a) = (a + a,) for f32[B, 3]."""
    source = elementwise("%r = arith.addf %x0, %x0 : f32", "f32", "?x3x", inputs=1)
    B = dim("B")
    return build(source, (f32[B, 3],), (f32[B, 3],), symbols=(B,))


@pytest.fixture
def ones():
    """Return a fresh array of ones."""
    return lambda *shape, dtype="float32": np.ones(shape, dtype)


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


@pytest.fixture
def bfloat16_producer():
    """Wrap an array of bfloat16 as another library would export it: NumPy itself cannot."""

    class Producer:
        def __init__(self, array, *, versioned=True, code=4):
            self.bits = array.view(np.uint16)
            self.versioned = versioned
            self.code = code

        def __dlpack__(self, **options):
            if not self.versioned:
                options.pop("max_version")
            capsule = self.bits.__dlpack__(**options)
            tensor = _pointer(capsule, b"dltensor_versioned") + 32 if self.versioned else _pointer(capsule, b"dltensor")
            ctypes.c_uint8.from_address(tensor + 20).value = self.code
            return capsule

        def __dlpack_device__(self):
            return (1, 0)

    return Producer
