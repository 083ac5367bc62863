"""Elementary functions: every stated error bound on dense sweeps, the edges of every range, and vectorised code.

The reference is numpy in f64 for formats up to f32 and in `longdouble` for f64: 80-bit extended precision on x86-64,
binary128 on AArch64 Linux. Where `longdouble` is f64 itself its own error of one unit is allowed for.
"""

import ctypes
import importlib.resources
import re
import subprocess
from decimal import localcontext
from fractions import Fraction
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from mlir import ir
from mlir.dialects import func, linalg
from mlir.dialects.llvm import translate_module_to_llvmir
from mlir.execution_engine import ExecutionEngine
from mlir.passmanager import PassManager

from catgrad.passes.elementary import ExpandElementary
from catgrad.passes.narrow_floats import NarrowFloats
from catgrad.passes.to_linalg import polynomials
from catgrad.passes.to_linalg.math import functions, max_ulp
from catgrad.tools import fit_polynomials

SIZE = 1 << 16  # holds every 16-bit pattern
DTYPES = {"f32": np.float32, "f64": np.float64, "f16": np.float16, "bf16": ml_dtypes.bfloat16}
PRECISION = {"f32": (24, -126), "f64": (53, -1022), "f16": (11, -14), "bf16": (8, -126)}  # bits, smallest exponent
REFERENCE_ULP = 0.0 if np.finfo(np.longdouble).nmant > 60 else 1.0

TO_LOOPS = "convert-linalg-to-loops,canonicalize,cse"
TO_LLVM = (
    "convert-scf-to-cf,convert-math-to-llvm,"
    "arith-expand,convert-arith-to-llvm,finalize-memref-to-llvm,"
    "convert-func-to-llvm{use-bare-ptr-memref-call-conv=1},convert-cf-to-llvm,convert-index-to-llvm,"
    "reconcile-unrealized-casts,canonicalize,cse"
)


def arity(name):
    return 2 if name == "pow" else 1


def define(name, element):
    """A function `name_element` that maps arrays of SIZE elements to one more such array."""
    count = arity(name)
    array = ir.MemRefType.get([SIZE], element)
    function = func.FuncOp(f"{name}_{element}", ([array] * (count + 1), []))
    with ir.InsertionPoint(function.add_entry_block()):
        *inputs, output = function.arguments
        identity = [ir.AffineMap.get_identity(1)] * (count + 1)
        generic = linalg.GenericOp([], inputs, [output], identity, ["parallel"])
        body = generic.regions[0].blocks.append(*[element] * (count + 1))
        with ir.InsertionPoint(body):
            linalg.YieldOp([functions[name](*list(body.arguments)[:count])])
        func.ReturnOp([])


def lowered(dtypes):
    """A module in the llvm dialect with every function for every one of `dtypes`."""
    module = ir.Module.create()
    types = {"f16": ir.F16Type, "bf16": ir.BF16Type, "f32": ir.F32Type, "f64": ir.F64Type}
    with ir.InsertionPoint(module.body):
        for dtype in dtypes:
            for name in functions:
                define(name, types[dtype].get())
    ExpandElementary().run(module.operation)
    PassManager.parse(f"builtin.module({TO_LOOPS})").run(module.operation)
    NarrowFloats().run(module.operation)
    PassManager.parse(f"builtin.module({TO_LLVM})").run(module.operation)
    return module


@pytest.fixture(scope="module")
def compiled():
    """A function (name, dtype, *arrays) -> array that runs native code."""
    context = ir.Context()
    context.emit_error_diagnostics = True
    with context, ir.Location.unknown():
        engine = ExecutionEngine(lowered(DTYPES), opt_level=2)

    def run(name, dtype, *arrays):
        arrays = [np.ascontiguousarray(array, DTYPES[dtype]) for array in arrays]
        arrays.append(np.empty_like(arrays[0]))
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        packed = (ctypes.c_void_p * len(pointers))(*map(ctypes.addressof, pointers))
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.raw_lookup(f"{name}_{dtype}"))(packed)
        return arrays[-1]

    return run


def erf(x):
    """Kummer's series, whose terms have one sign, in extended precision."""
    a = np.minimum(np.abs(x), 6.5).astype(np.longdouble)
    total, term = np.zeros_like(a), a
    for n in range(1, 170):
        total, term = total + term, term * (2 * a * a / (2 * n + 1))
    # √π to 80 bits: the nearest f64 and the rest.
    sqrt_pi = np.longdouble(1.772453850905516) + np.longdouble(-7.666586499825799e-17)
    return np.copysign(np.minimum(2 / sqrt_pi * np.exp(-a * a) * total, 1), x)


REFERENCES = {
    "erf": lambda x: np.where(np.isnan(x), x, erf(x)),
    "pow": np.power,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x))),
}


def exact(name, dtype, *arrays):
    """The reference for arguments already rounded to `dtype`."""
    extended = np.longdouble if dtype == "f64" else np.float64
    with np.errstate(all="ignore"):
        return REFERENCES.get(name, getattr(np, name, None))(*(array.astype(extended) for array in arrays))


def ulp_distance(actual, expected, dtype):
    """|actual - expected| in units in the last place of `dtype` at `expected`; inf where kind or sign differ.

    Infinity counts as the power of two that follows the largest finite number.
    """
    bits, smallest = PRECISION[dtype]
    actual = actual.astype(expected.dtype)
    infinity = np.ldexp(expected.dtype.type(1), 2 - smallest)
    with np.errstate(all="ignore"):
        exponent = np.frexp(np.clip(expected, -infinity, infinity))[1] - 1
        unit = np.ldexp(expected.dtype.type(1), np.maximum(exponent, smallest) - bits + 1)
        distance = np.abs(np.clip(actual, -infinity, infinity) - np.clip(expected, -infinity, infinity)) / unit
    both_nan = np.isnan(actual) & np.isnan(expected)
    distance = np.where((actual == expected) | both_nan, 0, distance)
    wrong = np.isnan(actual) != np.isnan(expected)
    wrong |= ~both_nan & (np.signbit(actual) != np.signbit(expected))
    return np.where(wrong, np.inf, distance)


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 2.5, 1e-40, -1e-310]
EDGES = [
    *(exponent * np.log(2) for exponent in (1024, 128, 2, 1, 0.5, -0.5, -1, -126, -149, -150, -1022, -1074, -1075)),
    *(1024, 128, 1, -1, -126, -149, -150, -1022, -1074, -1075),
    *(2**0.5, 0.5**0.5, 2**0.5 - 1, 0.5**0.5 - 1, 9.0, 18.0, 3.9, 5.9, 6.0),
    *(2.0**-149, 2.0**-126, 2.0**-1074, 2.0**-1022, 3.4e38, 1.7e308),
    *(quarter * np.pi / 2 for quarter in (1, 2, 3, 4, 5, 1000, 10**6, 10**9, 10**15)),
]


def neighbours(dtype, values, count):
    """The `count` numbers of `dtype` around each value."""
    integer = np.dtype(f"i{np.dtype(dtype).itemsize}")
    with np.errstate(over="ignore"):
        bits = np.array(values, dtype).view(integer)
    return (bits[:, None] + np.arange(-count // 2, count // 2, dtype=integer)).ravel().view(dtype)


def sweep(dtype):
    """SIZE arguments: all there are of 16 bits; else random bits, all magnitudes, a dense middle and the edges."""
    if dtype in ("f16", "bf16"):
        return np.arange(SIZE, dtype=np.uint16).view(DTYPES[dtype])
    rng = np.random.default_rng(0)
    edges = np.concatenate([np.array(SPECIAL, DTYPES[dtype]), neighbours(DTYPES[dtype], EDGES, 64)])
    share = (SIZE - len(edges)) // 3
    pattern = rng.integers(0, 256, (share, np.dtype(DTYPES[dtype]).itemsize), np.uint8).view(DTYPES[dtype]).ravel()
    magnitude = rng.choice([-1, 1], share) * 2.0 ** rng.uniform(-30, 10, share)
    middle = rng.uniform(-8, 8, SIZE - len(edges) - 2 * share)
    return np.concatenate([pattern, magnitude.astype(DTYPES[dtype]), middle.astype(DTYPES[dtype]), edges])


def arguments(name, dtype):
    """The sweep; for `pow` also exponents: random ones, ones with results in range, and all pairs of special cases."""
    x = sweep(dtype)
    if arity(name) == 1:
        return (x,)
    rng = np.random.default_rng(1)
    y = rng.permutation(x)
    with np.errstate(all="ignore"):
        moderate = rng.uniform(-1100, 1100, SIZE // 2) / np.log2(np.abs(x[::2].astype(np.float64)))
        y[::2] = np.where(rng.integers(0, 2, SIZE // 2), moderate, np.rint(moderate)).astype(DTYPES[dtype])
        special = np.array(SPECIAL, DTYPES[dtype])
    x[1 : 2 * len(special) ** 2 : 2] = np.repeat(special, len(special))
    y[1 : 2 * len(special) ** 2 : 2] = np.tile(special, len(special))
    return x, y


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", functions)
def test_every_result_is_within_its_bound(compiled, name, dtype):
    inputs = arguments(name, dtype)
    actual = compiled(name, dtype, *inputs)
    distance = ulp_distance(actual, exact(name, dtype, *inputs), dtype)
    worst = int(np.argmax(distance))
    given = ", ".join(repr(array[worst]) for array in inputs)
    allowed = max_ulp[name][dtype] + (REFERENCE_ULP if dtype == "f64" else 0)
    assert distance[worst] <= allowed, f"{name}({given}) = {actual[worst]!r} is {distance[worst]:.3f} ulp off"


def convergent_denominators(fraction, limit):
    """Denominators below `limit` of the continued fraction of a number in (0, 1): q with q * fraction near integers."""
    previous, current = 0, 1
    while fraction:
        fraction = 1 / fraction
        previous, current = current, int(fraction) * current + previous
        if current >= limit:
            return
        yield current
        fraction -= int(fraction)


with localcontext() as context:
    context.prec = 640
    PI = Fraction(fit_polynomials.machin())


def extended(number):
    """A fraction as the nearest sum of two f64."""
    high = float(number)
    return np.longdouble(high) + np.longdouble(float(number - Fraction(high)))


def exact_turned(name, angle):
    """The sine or cosine of an f64, by exact reduction."""
    quarters = Fraction(angle) * 2 / PI
    turned = round(quarters)
    rest = extended((quarters - turned) * PI / 2)
    sines = np.sin(rest), np.cos(rest), -np.sin(rest), -np.cos(rest)
    return sines[(turned + (name == "cos")) % 4]


@pytest.mark.parametrize(("dtype", "exponents"), [("f32", range(-24, 105)), ("f64", range(-53, 972, 5))])
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_angles_nearest_to_multiples_of_a_quarter_turn(compiled, name, dtype, exponents):
    bits = PRECISION[dtype][0]
    quarters = [(e, Fraction(2) ** e * 2 / PI % 1) for e in exponents]
    angles = [q * 2.0**e for e, quarter in quarters for q in convergent_denominators(quarter, 2**bits)]
    expected = np.array([exact_turned(name, angle) for angle in angles])
    assert np.min(np.abs(expected)) < 2.0 ** -(bits + 2)
    actual = compiled(name, dtype, np.resize(angles, SIZE))[: len(angles)]
    assert np.max(ulp_distance(actual, expected, dtype)) <= max_ulp[name][dtype]


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_powers_have_the_special_cases_of_the_standard(compiled, dtype):
    limits = np.finfo(DTYPES[dtype])
    given = [*SPECIAL[:-2], limits.tiny, -limits.tiny, limits.smallest_subnormal, limits.max, -limits.max]
    given += [np.nextafter(DTYPES[dtype](1), DTYPES[dtype](2)), 2.0**52 + 1, -(2.0**31) - 1, 1 / 3]
    x, y = map(np.ravel, np.meshgrid(given, given))
    actual = compiled("pow", dtype, np.resize(x, SIZE), np.resize(y, SIZE))[: len(x)]
    x, y = x.astype(DTYPES[dtype]), y.astype(DTYPES[dtype])
    assert np.max(ulp_distance(actual, exact("pow", dtype, x, y), dtype)) <= max_ulp["pow"][dtype]


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_powers_of_two_are_exact(compiled, dtype):
    bits, smallest = PRECISION[dtype]
    exponents = np.resize(np.arange(smallest - bits + 1, 1 - smallest + 1, dtype=DTYPES[dtype]), SIZE)
    powers = compiled("exp2", dtype, exponents)
    np.testing.assert_array_equal(powers, np.ldexp(DTYPES[dtype](1), exponents.astype(int)))
    np.testing.assert_array_equal(compiled("log2", dtype, powers), exponents)


def test_ulp_distance_sees_differences_of_kind_and_sign():
    expected = np.array([1.0, 1.0, 0.0, np.nan, np.inf, 2.0**-149, 1.0])
    actual = np.array([1 + 2**-23, 1 - 2**-24, -0.0, 0.0, np.finfo(np.float32).max, 0, 1.0], np.float32)
    np.testing.assert_array_equal(ulp_distance(actual, expected, "f32"), [1, 0.5, np.inf, np.inf, 0.5, 1, 0])


# A packed operation on the widest registers of the machine, and a call.
MACHINES = {
    "x86-64-v3": ("x86_64-linux-gnu", r"\tv(?:fmadd|fnmadd|sqrt|div)\w*p[sd]\t.*%ymm", r"\tcallq?\t"),
    "generic": ("aarch64-linux-gnu", r"\t(?:fmla|fmls|fsqrt|fdiv)\tv\d+\.(?:4s|2d)", r"\tbl\t"),
}


@pytest.fixture(scope="module", params=MACHINES)
def assembly(request):
    """Patterns of vector instructions and calls of a machine, and its assembly of each function by name."""
    triple, packed, call = MACHINES[request.param]
    target = [f"-mtriple={triple}", f"-mcpu={request.param}"]
    context = ir.Context()
    context.emit_error_diagnostics = True
    with context, ir.Location.unknown():
        text = translate_module_to_llvmir(lowered(["f32", "f64"]).operation)
    programs = Path(str(importlib.resources.files("llvm"))) / "bin"
    for command in (["opt", "-O2", "-S", *target], ["llc", "-O2", *target]):
        text = subprocess.run(
            [programs / command[0], *command[1:]], input=text, capture_output=True, text=True, check=True
        ).stdout
    parts = re.split(r"^(\w+):", text, flags=re.MULTILINE)
    return packed, call, dict(zip(parts[1::2], parts[2::2], strict=True))


def test_loops_are_vectorised_without_calls(assembly):
    packed, call, code = assembly
    names = [f"{name}_{dtype}" for name in functions for dtype in ("f32", "f64")]
    assert [name for name in names if re.search(call, code[name])] == []
    assert [name for name in names if not re.search(packed, code[name])] == []


@pytest.mark.sampled(10)
@pytest.mark.parametrize("fit", fit_polynomials.FITS, ids=lambda fit: fit.name)
def test_coefficients_are_those_the_tool_finds(fit):
    assert fit_polynomials.fit_source(fit) in Path(polynomials.__file__).read_text()


@pytest.mark.slow
def test_the_file_of_coefficients_is_that_of_the_tool():
    assert Path(polynomials.__file__).read_text() == fit_polynomials.source()


def test_pieces_of_a_turn_are_exact_in_products():
    *exact_pieces, rest = polynomials.TURN
    assert all(Fraction(piece) * 2 ** (29 * k) % 1 == 0 for k, piece in enumerate(exact_pieces, 1))
    assert abs(sum(map(Fraction, polynomials.TURN)) * 2 * Fraction(fit_polynomials.PI) - 1) < Fraction(2) ** -190
    assert 0 < rest < 2.0**-145


def test_digits_of_a_turn_leave_less_than_the_last():
    turn = sum(Fraction(d) / 2 ** (53 * k) for k, d in enumerate(polynomials.TURN_DIGITS))
    assert 0 < 1 / (2 * PI) - turn < Fraction(2) ** (-53 * len(polynomials.TURN_DIGITS))
