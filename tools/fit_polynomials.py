"""Derives `passes/to_linalg/polynomials.py`: minimax polynomials by the Remez exchange algorithm.

For a function f on an interval and a weight w the algorithm (E. Remez, 1934) finds the polynomial p of a given degree
that minimises max |w (f - p)|: it solves for the p whose weighted error has one magnitude and alternating sign on a
reference set of degree + 2 points, moves the reference to the extrema of that error, and repeats until the extrema
are level. All of it runs in 80-digit decimal arithmetic, so only the last step, rounding a coefficient to its format,
loses anything. No coefficient comes from elsewhere.

    python -m catgrad.tools.fit_polynomials > passes/to_linalg/polynomials.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, getcontext, localcontext
from itertools import groupby

import numpy as np

__all__ = ["FITS", "Fit", "remez", "source"]

getcontext().prec = 80

Real = Callable[[Decimal], Decimal]

GRID_POINTS = 600
ONE = Decimal(1)
NOTHING = ONE.scaleb(-getcontext().prec)
LN2 = Decimal(2).ln()
SQRT2 = Decimal(2).sqrt()


def arctan_inverse(n: int) -> Decimal:
    """arctan(1/n) by its power series, for Machin's formula."""
    total, power, k = Decimal(0), ONE / n, 0
    while abs(power) > ONE.scaleb(-getcontext().prec):
        total += power / (2 * k + 1)
        power /= -n * n
        k += 1
    return total


def machin() -> Decimal:
    """Π to the precision of the context."""
    return 4 * (4 * arctan_inverse(5) - arctan_inverse(239))


PI = machin()
TWO_OVER_SQRT_PI = 2 / PI.sqrt()


def erf(x: Decimal) -> Decimal:
    """The error function by Kummer's series 2/√π e^(-x²) Σ 2^n x^(2n+1) / (2n+1)!!, whose terms have one sign."""
    total, term, n = Decimal(0), x, 0
    while term > total * NOTHING:
        total += term
        n += 1
        term *= 2 * x * x / (2 * n + 1)
    return TWO_OVER_SQRT_PI * (-x * x).exp() * total


def alternating(z: Decimal, first: int) -> Decimal:
    """Σ (-z)^n / (2n + first)!: cos √z for first = 0, sin √z / √z for first = 1."""
    total, term, n = Decimal(0), ONE, 0
    while abs(term) > NOTHING:
        total += term
        term *= -z / ((2 * n + first + 1) * (2 * n + first + 2))
        n += 1
    return total


def split(value: Decimal, dtype: type[np.floating]) -> tuple[float, float]:
    """The nearest number of `dtype`, and the nearest number to what it leaves over."""
    high = float(dtype(value))
    return high, float(dtype(value - Decimal(high)))


def pieces(value: Decimal, bits: int, count: int) -> list[float]:
    """`value`, below one, as a sum: `count` numbers of `bits` binary digits each, and a double of what is left over."""
    numbers = []
    for position in range(bits, bits * (count + 1), bits):
        unit = Decimal(2) ** -position
        numbers.append(value // unit * unit)
        value -= numbers[-1]
    return [float(number) for number in [*numbers, value]]


def turn_digits(bits: int, count: int) -> list[float]:
    """1/(2π) in digits of so many bits, as fractions: each a double."""
    with localcontext() as context:
        context.prec = bits * count // 3  # a decimal digit has more than three bits
        scaled = int((1 << bits * count) / (2 * machin()))
    return [(scaled >> bits * (count - k) & ((1 << bits) - 1)) / (1 << bits) for k in range(1, count + 1)]


@dataclass(frozen=True)
class Fit:
    """One approximation problem.

    Attributes:
        name: The coefficient table's name.
        function: What the polynomial stands for.
        weight: Makes |w (f - p)| the relative error of the final result.
        interval: Where it must hold.
        degrees: The degree for each format.
        formula: How it is used.
    """

    name: str
    function: Real
    weight: Real
    interval: tuple[Decimal, Decimal]
    degrees: dict[str, int]
    formula: str


def solve(matrix: list[list[Decimal]]) -> list[Decimal]:
    """Solves the augmented linear system by Gaussian elimination with row pivoting."""
    size = len(matrix)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(matrix[row][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        head = [entry / matrix[column][column] for entry in matrix[column]]
        matrix = [
            head if row == column else [a - line[column] * b for a, b in zip(line, head, strict=True)]
            for row, line in enumerate(matrix)
        ]
    return [line[-1] for line in matrix]


def horner(coefficients: Sequence[Decimal], x: Decimal) -> Decimal:
    """The polynomial with the given coefficients, constant first, at x."""
    value = Decimal(0)
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value


def chebyshev_points(low: Decimal, high: Decimal, count: int) -> list[Decimal]:
    """Points of [low, high] that cluster at its ends like the extrema of a Chebyshev polynomial."""
    angles = [PI * k / (count - 1) for k in range(count)]
    return [(low + high) / 2 - (high - low) / 2 * alternating(angle * angle, 0) for angle in angles]


def extrema(errors: Sequence[Decimal], count: int) -> list[int]:
    """Indices of the largest error in each run of one sign; of these, the `count` consecutive ones that matter."""
    runs = [list(run) for _, run in groupby(range(len(errors)), key=lambda i: errors[i] > 0)]
    peaks = [max(run, key=lambda i: abs(errors[i])) for run in runs]
    while len(peaks) > count:
        peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
    return peaks


def remez(fit: Fit, degree: int) -> tuple[list[Decimal], Decimal]:
    """The minimax polynomial of `fit`, constant coefficient first, and its largest weighted error.

    Raises:
        ArithmeticError: The error does not alternate often enough, or the exchange does not converge.
    """
    grid = [x for x in chebyshev_points(*fit.interval, GRID_POINTS) if fit.weight(x) != 0]
    values, weights = [fit.function(x) for x in grid], [fit.weight(x) for x in grid]
    reference = [round(k) for k in np.linspace(0, len(grid) - 1, degree + 2)]
    for _ in range(40):
        system = [
            [grid[i] ** j for j in range(degree + 1)] + [(-1) ** k / weights[i], values[i]]
            for k, i in enumerate(reference)
        ]
        *coefficients, level = solve(system)
        errors = [w * (f - horner(coefficients, x)) for x, f, w in zip(grid, values, weights, strict=True)]
        largest = max(map(abs, errors))
        if largest <= abs(level) * Decimal("1.0001"):
            return coefficients, largest
        reference = extrema(errors, degree + 2)
        if len(reference) < degree + 2:
            raise ArithmeticError(f"{fit.name}: the error of degree {degree} has only {len(reference)} extrema")
    raise ArithmeticError(f"{fit.name}: the exchange did not converge")


def erf_exponent(a: Decimal) -> Decimal:
    """(-ln(1 - erf a)/a - 2/√π) / a."""
    return (-(1 - erf(a)).ln() / a - TWO_OVER_SQRT_PI) / a


def erf_weight(a: Decimal) -> Decimal:
    """Relative change of erf a for a change of `erf_exponent` by one."""
    return a * a * (1 - erf(a)) / erf(a)


def artanh_rest(z: Decimal) -> Decimal:
    """(artanh s / s - 1 - z/3) / z² with z = s²: Σ z^n / (2n + 5)."""
    total, power, n = Decimal(0), ONE, 0
    while power > NOTHING:
        total += power / (2 * n + 5)
        power *= z
        n += 1
    return total


DTYPES: Mapping[str, type[np.floating]] = {"f32": np.float32, "f64": np.float64}

HALF_LN2 = LN2 / 2 * Decimal("1.001")
NEAR_ZERO = Decimal("1e-4")
EIGHTH_TURN = Decimal("0.2505")  # (1/2)², slightly widened
HALF_PI = PI / 2
EIGHTH_TURN_SQUARED = (PI / 4 * Decimal("1.001")) ** 2
ARTANH_END = ((SQRT2 - 1) / (SQRT2 + 1) * Decimal("1.001")) ** 2

FITS = (
    Fit(
        "EXP",
        lambda r: (r.exp() - 1 - r) / (r * r),
        abs,
        (-HALF_LN2, HALF_LN2),
        {"f32": 4, "f64": 9},
        "e^r = 1 + r + r² p(r) for |r| ≤ ln 2 / 2",
    ),
    Fit(
        "LOG",
        lambda m: ((1 + m).ln() - m + m * m / 2) / m**3,
        lambda m: m * m,
        (1 / SQRT2 - 1, SQRT2 - 1),
        {"f32": 7, "f64": 18},
        "ln(1 + m) = m - m²/2 + m³ p(m) for √½ ≤ 1 + m ≤ √2",
    ),
    Fit(
        "ERF",
        erf_exponent,
        erf_weight,
        (NEAR_ZERO, Decimal(6)),
        {"f32": 7, "f64": 22},
        "erf a = 1 - exp(-a (2/√π + a p(a))) for 0 ≤ a ≤ 6",
    ),
    Fit(
        "SIN",
        lambda z: HALF_PI * alternating(z * HALF_PI**2, 1),
        lambda z: 1 / (HALF_PI * alternating(z * HALF_PI**2, 1)),
        (NEAR_ZERO, EIGHTH_TURN),
        {"f64": 4},
        "sin(π/2 f) = f p(f²) for |f| ≤ 1/2, to the accuracy of f32",
    ),
    Fit(
        "COS",
        lambda z: (alternating(z * HALF_PI**2, 0) - 1) / z,
        lambda z: z / alternating(z * HALF_PI**2, 0),
        (NEAR_ZERO, EIGHTH_TURN),
        {"f64": 3},
        "cos(π/2 f) = 1 + f² p(f²) for |f| ≤ 1/2, to the accuracy of f32",
    ),
    Fit(
        "SINE",
        lambda z: (alternating(z, 1) - 1) / z,
        lambda z: z / alternating(z, 1),
        (NEAR_ZERO, EIGHTH_TURN_SQUARED),
        {"f64": 5},
        "sin r = r + r³ p(r²) for |r| ≤ π/4",
    ),
    Fit(
        "COSINE",
        lambda z: (alternating(z, 0) - 1 + z / 2) / (z * z),
        lambda z: z * z / alternating(z, 0),
        (NEAR_ZERO, EIGHTH_TURN_SQUARED),
        {"f64": 5},
        "cos r = 1 - r²/2 + r⁴ p(r²) for |r| ≤ π/4",
    ),
    Fit(
        "ARTANH",
        artanh_rest,
        lambda z: z * z,
        (Decimal(0), ARTANH_END),
        {"f64": 7},
        "artanh s = s (1 + s²/3 + s⁴ p(s²)) for |s| ≤ (√2 - 1) / (√2 + 1)",
    ),
)

SPLITS = {
    "LN2": ("ln 2", LN2),
    "LOG2_E": ("log₂ e", 1 / LN2),
    "TWO_LOG2_E": ("2 log₂ e", 2 / LN2),
    "HALF_PI": ("π/2", HALF_PI),
    "THIRD": ("1/3", ONE / 3),
    "TWO_OVER_SQRT_PI": ("2/√π", TWO_OVER_SQRT_PI),
}

HEADER = '''"""Constants and minimax coefficients, constant term first, for each format.

Written by `python -m catgrad.tools.fit_polynomials`, which says how they are found.
"""
'''

TURN_BITS, TURN_PIECES = 29, 5
TURN_COMMENT = f"""\
# 1/(2π) in pieces of {TURN_BITS} bits and a remainder: an f32 times such a piece is exact in f64. Together they reach
# 2^-198, so that 2^128 times the sum is known to 2^-70 of a turn."""

TURN_DIGIT_BITS, TURN_DIGITS = 53, 36
TURN_DIGITS_COMMENT = f"""\
# 1/(2π) in digits of {TURN_DIGIT_BITS} bits, as fractions."""


def tuple_source(numbers: Sequence[float], indent: str = "") -> str:
    """A tuple display with one number to a line."""
    return "\n".join(["(", *(f"{indent}    {number!r}," for number in numbers), f"{indent})"])


def table_source(name: str, rows: Mapping[str, Sequence[float]]) -> str:
    """The assignment of a table that maps format names to tuples."""
    lines = [f'    "{key}": {tuple_source(numbers, "    ")},' for key, numbers in rows.items()]
    return "\n".join([f"{name} = {{", *lines, "}"])


def fit_source(fit: Fit) -> str:
    """The coefficient table of `fit`, with its accuracy in a comment."""
    solutions = {name: remez(fit, degree) for name, degree in fit.degrees.items()}
    errors = ", ".join(f"2^{np.log2(float(error)):.1f} ({name})" for name, (_, error) in solutions.items())
    rows = {name: [float(DTYPES[name](c)) for c in coefficients] for name, (coefficients, _) in solutions.items()}
    return f"# {fit.formula}; relative error {errors}.\n{table_source(fit.name, rows)}"


def split_source(name: str, symbol: str, value: Decimal) -> str:
    """The table of a constant as high + low."""
    rows = {key: split(value, dtype) for key, dtype in DTYPES.items()}
    return f"# {symbol} = high + low.\n{table_source(name, rows)}"


def source() -> str:
    """The text of `passes/to_linalg/polynomials.py`."""
    splits = [split_source(name, *constant) for name, constant in SPLITS.items()]
    turn = f"{TURN_COMMENT}\nTURN = {tuple_source(pieces(1 / (2 * PI), TURN_BITS, TURN_PIECES))}"
    digits = f"TURN_DIGITS = {tuple_source(turn_digits(TURN_DIGIT_BITS, TURN_DIGITS))}"
    digits = f"{TURN_DIGITS_COMMENT}\nTURN_DIGIT_BITS = {TURN_DIGIT_BITS}\n{digits}"
    return "\n\n".join([HEADER.rstrip(), *splits, turn, digits, *map(fit_source, FITS)]) + "\n"


if __name__ == "__main__":
    print(source(), end="")
