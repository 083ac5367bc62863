"""Elementary functions as formulas that LLVM vectorises: argument reduction and minimax polynomials, in scalar IR.

`functions[name]` takes SSA values of one floating-point type to MLIR's operation for the function, at the current
insertion point, usually in the body of a `linalg.generic`. `formulas` has what `ExpandElementary` replaces that by, on
numbers and on vectors: straight-line `arith` and `math` operations, no calls, no branches, no tables in memory. f16 and
bf16 are computed in f32. The formulas need a fused multiply-add (x86-64-v3, any AArch64) and no fast-math flags.

They hold for every argument: NaN, infinities, signed zeros, subnormal arguments and results, any magnitude of angle.
`max_ulp[name][type]` bounds the distance from the exact result, in units in the last place of the result.

    >>> " ".join(sorted(functions))
    'cos erf exp exp2 expm1 log log1p log2 pow rsqrt sigmoid sin sqrt tanh'
    >>> max_ulp["exp"]["f32"]
    1.1

The method is P. T. P. Tang's (ACM TOMS 15(2), 1989, and 16(4), 1990) without tables. `polynomials` has the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import inf, nan

from mlir import ir
from mlir.dialects import math as math_dialect

from catgrad.passes.to_linalg import math_double, polynomials
from catgrad.passes.to_linalg.math_scalar import F64, Bits, Format, Real, clamp, fma, nearest_integer, polynomial, where

__all__ = ["formulas", "functions", "max_ulp"]

functions: dict[str, Callable[..., ir.Value]] = {}
"""Builders by name: `functions["exp"](x)`; all take one value but `pow`, which takes base and exponent."""

formulas: dict[str, Callable[..., ir.Value]] = {}
"""Builders of the formulas, on f32, f64 and vectors of them, by the operation that each computes: `"math.exp"`."""

max_ulp: dict[str, dict[str, float]] = {}
"""Largest error by name and type, in units in the last place."""

NARROW_ULP = 0.51
"""Error of f16 and bf16 results: that of rounding an almost exact f32."""

LN2, LOG2_E = polynomials.LN2["f64"][0], polynomials.LOG2_E["f64"][0]
ERF_IS_ONE = 6.0
SINE_IS_IDENTITY = 2.0**-27

Formula = Callable[..., Real]

_RENAMED = {"pow": "powf"}
"""What MLIR calls a function, where that is another name."""


def elementary(*, f32: float, f64: float) -> Callable[[Formula], Formula]:
    """Enters a formula into `functions`, with its largest errors in ulp.

    Where MLIR has an operation for the function, that is what is built at first, and the formula is entered into
    `formulas`.
    """

    def register(formula: Formula) -> Formula:
        name = formula.__name__
        operation = getattr(math_dialect, _RENAMED.get(name, name), None)
        expanded = _on_values(formula)

        @wraps(formula)
        def build(*operands: ir.Value) -> ir.Value:
            type = operands[0].type
            wide = ir.F32Type.get() if ir.FloatType(type).width == 16 else type
            return Real((operation or expanded)(*(Real(each).to(wide).value for each in operands))).to(type).value

        functions[name] = build
        max_ulp[name] = {"f32": f32, "f64": f64, "f16": NARROW_ULP, "bf16": NARROW_ULP}
        if operation and name != "sqrt":
            formulas[f"math.{operation.__name__}"] = expanded
        return formula

    return register


def _on_values(formula: Formula) -> Callable[..., ir.Value]:
    return lambda *operands: formula(*map(Real, operands)).value


# Exponentials: x = n ln 2 + r with |r| ≤ ln 2 / 2, so that e^x = 2^n e^r.


def _reduce(x: Real) -> tuple[Real, Bits]:
    """The r and n of x = n ln 2 + r."""
    high, low = polynomials.LN2[x.format.name]
    n, bits = nearest_integer(x, LOG2_E)
    return fma(n, -low, fma(n, -high, x)), bits


def _expm1_reduced(r: Real) -> Real:
    """e^r - 1 for |r| ≤ ln 2 / 2."""
    return fma(r * r, polynomial(polynomials.EXP[r.format.name], r), r)


def _power_of_two(n: Bits) -> Real:
    """2^n, a normal number."""
    return ((n << n.format.mantissa) + n.format.bits_of(1.0)).real


def _halves(n: Bits) -> tuple[Bits, Bits]:
    """Integers a and b with a + b = n and about equal, so that 2^a and 2^b are normal if 2^n is not."""
    a = n.halved()
    return a, n - a


def _exp_scaled(r: Real, n: Bits) -> Real:
    """2^n e^r for |r| ≤ ln 2 / 2, rounded to a subnormal number or to infinity only by the last factor."""
    a, b = _halves(n)
    scale = _power_of_two(a)
    return fma(_expm1_reduced(r), scale, scale) * _power_of_two(b)


def _exponents(format: Format) -> tuple[int, int]:
    """Exponents of two at which results have become zero and infinity."""
    return -(format.bias + format.mantissa + 1), format.bias + 2


@elementary(f32=1.1, f64=1.1)
def exp(x: Real) -> Real:
    """e^x."""
    low, high = _exponents(x.format)
    return _exp_scaled(*_reduce(clamp(x, low * LN2, high * LN2)))


@elementary(f32=1.2, f64=1.2)
def exp2(x: Real) -> Real:
    """2^x, exact for integers."""
    x = clamp(x, *_exponents(x.format))
    whole, n = nearest_integer(x)
    return _exp_scaled((x - whole) * LN2, n)


def _minus_one(format: Format) -> float:
    """An argument at which e^x - 1 has become -1."""
    return -(format.mantissa + 3) * LN2


@elementary(f32=1.9, f64=2.5)
def expm1(x: Real) -> Real:
    """e^x - 1 = (2^a (e^r - 1) + (2^a - 2^-b)) 2^b, where a + b = n."""
    y = clamp(x, _minus_one(x.format), _exponents(x.format)[1] * LN2)
    r, n = _reduce(y)
    a, b = _halves(n)
    scale = _power_of_two(a)
    return (fma(_expm1_reduced(r), scale, scale - _power_of_two(0 - b)) * _power_of_two(b)).with_sign_of(x)


def _expm1_nonpositive(x: Real) -> Real:
    """e^x - 1 for x ≤ 0 whose 2^n is normal."""
    r, n = _reduce(x)
    scale = _power_of_two(n)
    return fma(_expm1_reduced(r), scale, scale - 1)


@elementary(f32=2.7, f64=2.8)
def tanh(x: Real) -> Real:
    """Hyperbolic tangent: tanh |x| = -t / (t + 2) with t = e^(-2|x|) - 1."""
    y, limit = abs(x) * -2, _minus_one(x.format)
    t = _expm1_nonpositive(where(y < limit, limit, y))
    return (t / (t + 2)).with_sign_of(x)


@elementary(f32=2.5, f64=2.5)
def sigmoid(x: Real) -> Real:
    """1 / (1 + e^-x), written with e^-|x| so that small results keep their accuracy."""
    small = Real(math_dialect.exp((-abs(x)).value))
    return where(x.bits.is_negative(), small, 1.0) / (small + 1)


@elementary(f32=2.1, f64=2.1)
def erf(x: Real) -> Real:
    """2/√π ∫₀ˣ e^(-t²) dt = ±(1 - e^-h), where h / |x| is one polynomial: relative accuracy at both ends."""
    name, a = x.format.name, abs(x)
    a = where(a > ERF_IS_ONE, ERF_IS_ONE, a)
    high, low = polynomials.TWO_OVER_SQRT_PI[name]
    h = fma(a, high, a * fma(a, polynomial(polynomials.ERF[name], a), low))
    return _expm1_nonpositive(-h).with_sign_of(x)


# Logarithms: x = 2^n (1 + m) with √½ ≤ 1 + m < √2, so that ln x = n ln 2 + ln(1 + m).


def _decompose(x: Real) -> tuple[Bits, Real]:
    """The n and m of x = 2^n (1 + m), for normal x > 0."""
    format = x.format
    root = format.bits_of(0.5**0.5)
    distance = x.bits - root
    return distance >> format.mantissa, ((distance & (2**format.mantissa - 1)) + root).real - 1


def _decompose_any(x: Real) -> tuple[Real, Real]:
    """The same for x > 0 of any size; n as a real."""
    format = x.format
    subnormal = x < format.smallest_normal
    n, m = _decompose(where(subnormal, x * 2.0**format.mantissa, x))
    return n.to_real() - where(subnormal, x.constant(format.mantissa), 0.0), m


def _log1p_tail(m: Real) -> Real:
    """ln(1 + m) - m for √½ ≤ 1 + m < √2."""
    square = m * m
    return fma(square, -0.5, square * m * polynomial(polynomials.LOG[m.format.name], m))


def _log_decomposed(n: Real, m: Real) -> Real:
    """ln(2^n (1 + m))."""
    high, low = polynomials.LN2[m.format.name]
    return fma(n, high, m + fma(n, low, _log1p_tail(m)))


def _log_domain(x: Real, finite: Real) -> Real:
    """`finite`, the logarithm of x for 0 < x < inf, extended to all x."""
    outside = where(x.equals(0), x.constant(-inf), nan)
    return where(x.equals(inf), inf, where(x > 0, finite, outside))


@elementary(f32=1.0, f64=1.0)
def log(x: Real) -> Real:
    """The natural logarithm."""
    return _log_domain(x, _log_decomposed(*_decompose_any(x)))


@elementary(f32=1.2, f64=1.4)
def log2(x: Real) -> Real:
    """The logarithm to base two, exact for powers of two."""
    n, m = _decompose_any(x)
    high, low = polynomials.LOG2_E[x.format.name]
    return _log_domain(x, n + fma(m, high, fma(m, low, _log1p_tail(m) * high)))


@elementary(f32=1.6, f64=1.6)
def log1p(x: Real) -> Real:
    """ln(1 + x): n is that of the rounded sum, m = 2^-n x + (2^-n - 1), here times 4 as 2^-n may be subnormal."""
    u = x + 1
    n, _ = _decompose(u)
    scale = _power_of_two(2 - n)
    m = fma(x, scale, scale - 4) * 0.25
    return _log_domain(u, _log_decomposed(n.to_real(), m)).with_sign_of(x)


# Trigonometric functions: x = (n + f) π/2 with |f| ≤ 1/2. The fraction of x / 2π, and of nothing else, is exact in f64.


def _quarter_turns(x: Real) -> tuple[Real, Bits]:
    """The f and n (modulo 4) of x = (n + f) π/2, for x an f64 that is an f32."""
    *exact, rest = polynomials.TURN
    turns = (x * exact[0]).fraction()
    for piece in exact[1:]:
        turns = turns + (x * piece).fraction()
    turns = fma(x, rest, turns)
    n, bits = nearest_integer(turns, 4)
    return fma(turns, 4, -n), bits


def _sin_quarters(f: Real, n: Bits) -> Real:
    """sin((n + f) π/2) to the accuracy of f32."""
    square = f * f
    sin = f * polynomial(polynomials.SIN[f.format.name], square)
    cos = fma(square, polynomial(polynomials.COS[f.format.name], square), 1)
    return _of_quarter(sin, cos, n)


def _of_quarter(sin: Real, cos: Real, n: Bits) -> Real:
    """The sine of an angle to which n quarter turns were added."""
    sign = (n & 2) << (n.format.width - 2)
    return (where((n & 1).is_zero(), sin, cos).bits ^ sign).real


def _sin_turned(x: Real, quarters: int) -> Real:
    """The sine of x radians and some quarter turns."""
    if x.format is F64:
        angle, n = math_double.quarter_turns(x)
        return _of_quarter(math_double.sine(angle), math_double.cosine(angle), n + quarters)
    f, n = _quarter_turns(x.to(F64.real_type))
    return _sin_quarters(f, n + quarters).to(x.format.real_type)


@elementary(f32=1.2, f64=0.9)
def sin(x: Real) -> Real:
    """The sine of x radians."""
    return where(abs(x) < SINE_IS_IDENTITY, x, _sin_turned(x, 0))


@elementary(f32=1.2, f64=0.9)
def cos(x: Real) -> Real:
    """The cosine of x radians."""
    return _sin_turned(x, 1)


# Powers and roots.


@elementary(f32=0.51, f64=0.9)
def pow(x: Real, y: Real) -> Real:
    """The power x^y, with the special cases of IEEE 754: 1^y = x^0 = 1 always, and x < 0 needs an integer y."""
    magnitude = _pow_double if x.format is F64 else _pow_wide
    odd = y.is_integer() & ~(y * 0.5).is_integer()
    power = magnitude(abs(x), y)
    signed = where(odd, power.with_sign_of(x), power)
    undefined = (x < 0) & (x > -inf) & ~y.is_integer()
    one = y.equals(0) | x.equals(1) | (x.equals(-1) & abs(y).equals(inf))
    return where(one, 1.0, where(undefined, nan, signed))


def _pow_wide(x: Real, y: Real) -> Real:
    """x^y for f32 x ≥ 0, in f64."""
    wide = F64.real_type
    return exp(y.to(wide) * log(x.to(wide))).to(x.format.real_type)


def _pow_double(x: Real, y: Real) -> Real:
    """x^y for f64 x ≥ 0, through a logarithm of twice the precision."""
    log, log_rest = math_double.log2(*_decompose_any(x))
    exponent, rest = math_double.two_product(_log_domain(x, log), y)
    least, greatest = _exponents(x.format)
    rest = where((exponent > least) & (exponent < greatest), fma(log_rest, y, rest), 0.0)
    exponent = clamp(exponent, least, greatest)
    whole, n = nearest_integer(exponent)
    a, b = _halves(n)
    return math_double.exp2((exponent - whole, rest)) * _power_of_two(a) * _power_of_two(b)


@elementary(f32=0.5, f64=0.5)
def sqrt(x: Real) -> Real:
    """√x."""
    return x.sqrt()


@elementary(f32=1.5, f64=1.5)
def rsqrt(x: Real) -> Real:
    """1 / √x."""
    return 1.0 / x.sqrt()
