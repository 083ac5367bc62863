"""Symbolic dimensions: integer polynomials over symbols, with floor division, minimum and maximum.

An *extent* is a number or a `Dim`: a non-constant polynomial in normal form, so that equality is decided by comparing
normal forms. It is sound: two extents that are equal have the same value for every value of their symbols.

* A polynomial is a sum of integer multiples of monomials; a monomial is a product of atoms.
* An atom is a symbol or one of `floordiv(p, q)`, `min(p, ...)`, `max(p, ...)` applied to extents in normal form.
* `p % q` is `p - q * (p // q)`, so the two always add up.
* A symbol S with the fact `multiple_of=k` is held as k times the atom S/k: `S // k` is exact, and `S // k * k == S`.

| module | what it adds |
|---|---|
| `expression` | atoms, extents and their normal form |
| `polynomial` | sums, products, exact quotients |
| `bounds` | what is provable about values |
| `functions` | floor division, remainder, minimum, maximum |
| `interpretation` | evaluation, substitution, any other algebra |
| `parsing`, `solver` | from text, and from the sizes of arrays |

Example:
    >>> n, m = dim("n"), dim("m", min=1)
    >>> n + n == 2 * n, 2 * n == 3 * n
    (True, False)
    >>> (2 * n + 1) // 2, (n * m) // m, n % 2
    (n, n, n - 2*floordiv(n, 2))
    >>> s = dim("S", multiple_of=64, max=2048)
    >>> s // 64 * 64 == s, s % 32, minimum(s, 4096)
    (True, 0, S)
"""

from __future__ import annotations

from catgrad.dims.bounds import is_zero as is_zero
from catgrad.dims.bounds import lower_bound as lower_bound
from catgrad.dims.bounds import provably_positive as provably_positive
from catgrad.dims.bounds import upper_bound as upper_bound
from catgrad.dims.expression import LARGEST_EXTENT as LARGEST_EXTENT
from catgrad.dims.expression import Dim as Dim
from catgrad.dims.expression import Extent as Extent
from catgrad.dims.expression import Symbol as Symbol
from catgrad.dims.expression import dim as dim
from catgrad.dims.expression import extent as extent
from catgrad.dims.expression import fits as fits
from catgrad.dims.expression import symbols as symbols
from catgrad.dims.functions import maximum as maximum
from catgrad.dims.functions import minimum as minimum
from catgrad.dims.interpretation import evaluate as evaluate
from catgrad.dims.interpretation import fold as fold
from catgrad.dims.interpretation import substitute as substitute
from catgrad.dims.parsing import parse as parse
from catgrad.dims.parsing import parse_shape as parse_shape
from catgrad.dims.polynomial import divide as divide
from catgrad.dims.polynomial import product as product
from catgrad.dims.solver import Solver as Solver
from catgrad.dims.solver import solve as solve
