import builtins
import copy
import operator
import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from catgrad import dims
from catgrad.dims import Solver, dim, divide, evaluate, maximum, minimum, parse, substitute
from catgrad.errors import ArgumentError, CatgradError

n, m = dim("n"), dim("m", min=1)
S, T = dim("S", multiple_of=64, max=2048), dim("T", multiple_of=6, min=3)
SYMBOLS = (n, m, S, T)

# An expression is a number, a symbol, or a tuple of an operator's name and two expressions: it has two meanings, in
# Python's integers and in extents, which must agree.

FUNCTIONS = {
    "+": (operator.add, operator.add),
    "-": (operator.sub, operator.sub),
    "*": (operator.mul, operator.mul),
    "//": (operator.floordiv, operator.floordiv),
    "%": (operator.mod, operator.mod),
    "min": (builtins.min, minimum),
    "max": (builtins.max, maximum),
}

leaves = st.sampled_from(SYMBOLS) | st.integers(-5, 5) | st.sampled_from([64, 128, -64])
expressions = st.recursive(leaves, lambda e: st.tuples(st.sampled_from(list(FUNCTIONS)), e, e), max_leaves=8)
small_expressions = st.recursive(
    st.sampled_from([n, 1, 2]), lambda e: st.tuples(st.sampled_from(list(FUNCTIONS)), e, e), max_leaves=3
)
polynomials = st.recursive(leaves, lambda e: st.tuples(st.sampled_from("+-*"), e, e), max_leaves=6)


@st.composite
def environments(draw):
    return {s.name: draw(st.integers(s.min // s.multiple_of, 32)) * s.multiple_of for s in SYMBOLS}


def interpret(expression, env, meaning):
    """Return the value with numbers (meaning 0) or extents (meaning 1) for the symbols, or skip a division by zero."""
    if not isinstance(expression, tuple):
        return expression if isinstance(expression, int) else env[expression.name]
    function, *args = expression
    a, b = (interpret(arg, env, meaning) for arg in args)
    assume(not (function in ("//", "%") and isinstance(b, int) and b == 0))
    return FUNCTIONS[function][meaning](a, b)


def symbolic(expression):
    return interpret(expression, {s.name: s for s in SYMBOLS}, 1)


laws = settings(deadline=None, max_examples=150)


@laws
@given(expressions, environments())
def test_normal_forms_have_the_value_of_the_expression(expression, env):
    value = interpret(expression, env, 0)
    assert evaluate(symbolic(expression), env) == value


@laws
@given(expressions, environments())
def test_bounds_hold(expression, env):
    extent, value = symbolic(expression), interpret(expression, env, 0)
    low, high = dims.lower_bound(extent), dims.upper_bound(extent)
    assert low is None or low <= value
    assert high is None or value <= high
    assert value == 0 or not dims.is_zero(extent)
    assert value >= 1 or not dims.provably_positive(extent)


@laws
@given(expressions)
def test_text_is_read_back(expression):
    extent = symbolic(expression)
    assert parse(str(extent), dims.symbols(extent)) == extent


@laws
@given(expressions, expressions, environments())
def test_substitution_is_evaluation_at_the_substituted_value(expression, inner, env):
    extent, value = symbolic(expression), symbolic(inner)
    number = interpret(inner, env, 0)
    assume(number >= 0 and (dims.upper_bound(value) is None or dims.upper_bound(value) >= 0))
    interpret(expression, env | {"n": number}, 0)
    assert evaluate(substitute(extent, {"n": value}), env) == evaluate(extent, env | {"n": number})


@laws
@given(expressions, expressions, expressions)
def test_ring_laws(x, y, z):
    a, b, c = symbolic(x), symbolic(y), symbolic(z)
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a + 0 == a == a * 1
    assert a - a == 0 == a * 0
    assert 0 - (-a) == a


@laws
@given(expressions, expressions)
def test_quotient_and_remainder_add_up(x, y):
    a, b = symbolic(x), symbolic(y)
    assume(b != 0)
    assert b * (a // b) + a % b == a


@laws
@given(polynomials, polynomials)
def test_divide_inverts_multiplication(x, y):
    a, b = symbolic(x), symbolic(y)
    assume(b != 0)
    assert divide(a * b, b) == a


@settings(laws, max_examples=400)
@given(small_expressions, small_expressions)
def test_equal_extents_have_equal_values(x, y):
    if symbolic(x) == symbolic(y):
        assert hash(symbolic(x)) == hash(symbolic(y))
        for size in range(1, 8):
            assert interpret(x, {"n": size}, 0) == interpret(y, {"n": size}, 0)


@laws
@given(st.lists(expressions, max_size=4), environments())
def test_solve_finds_the_environment(expressions, env):
    sizes = [interpret(e, env, 0) for e in expressions] + [2 * size + 1 for size in env.values()]
    declared = [symbolic(e) for e in expressions] + [2 * s + 1 for s in SYMBOLS]
    assert dims.solve([(f"axis {i}", extent) for i, extent in enumerate(declared)], sizes) == env


@laws
@given(expressions, environments())
def test_fold_means_the_same_in_any_algebra(expression, env):
    extent = symbolic(expression)
    functions = {"add": "+", "mul": "*", "floordiv": "//", "min": "min", "max": "max"}
    apply = {name: FUNCTIONS[function][0] for name, function in functions.items()}
    interpret(expression, env, 0)
    assert dims.fold(extent, int, lambda s: env[s.name], lambda f, a, b: apply[f](a, b)) == evaluate(extent, env)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (n + n, 2 * n),
        ((n + 1) * (n - 1), n * n - 1),
        ((2 * n) // 2, n),
        ((2 * n + 1) // 2, n),
        ((n * m) // m, n),
        (S // 64 * 64, S),
        (S // 64 + S // 64, S // 32),
        ((S * T) // 384 * 384, S * T),
        (S % 32, 0),
        ((64 * n + 3) % 64, 3),
        ((n + 63) // 64 * 64, n + (-n) % 64),
        (((n + 1) // 2 + 1) // 2, (n + 3) // 4),
        ((n - 1) // 2 + 1, (n + 1) // 2),
        ((3 * n) // -2, (-3 * n) // 2),
        (minimum(S, 4096), S),
        (maximum(n, 0), n),
        (minimum(n, n + m), n),
        (minimum(n, minimum(m, n)), minimum(m, n)),
        (maximum(minimum(n, 3), n + 1), n + 1),
        ((n % 64) // 64, 0),
        (dim("k", max=63) // 64, 0),
        (n // 1, n),
        ((2 * n) // 3, n - (n + 2) // 3),
    ],
)
def test_provable_equalities(left, right):
    assert left == right


@pytest.mark.parametrize(
    ("left", "right"),
    [(2 * n, 3 * n), (n + n, n), (n * n, n), (n, m), ((m * n) // n, m), (n // 2 * 2, n), (n + 1, n), (32 * 128 * n, n)],
)
def test_different_sizes_are_not_equal(left, right):
    assert left != right


def test_constant_results_are_numbers():
    for result in (n - n, (n + 3) - n, 0 * n, S % 64, (2 * n + 1) % 2):
        assert type(result) is int


def test_a_dimension_is_not_a_number():
    assert n != 3
    assert dim("one", min=1, max=1) != 1


def test_arithmetic_gives_the_symbol_back():
    assert isinstance((n + 1) - 1, dims.Symbol)
    assert isinstance(S // 64 * 64, dims.Symbol)


def test_numpy_integers_are_numbers():
    assert np.int64(3) * n == n * np.int32(3) == 3 * n
    assert type((n + np.int64(2)) - n) is int


def test_other_operands_keep_their_own_operators():
    class Tensor:
        def __rmul__(self, other):
            return "product"

    assert n * Tensor() == "product"
    for foreign in (1.5, True):
        with pytest.raises(TypeError, match="n is a size"):
            n * foreign


@pytest.mark.parametrize(
    "question", [bool, int, range, np.zeros, lambda d: d < 3, lambda d: 3 >= d, lambda d: builtins.min(d, 2)]
)
def test_an_unknown_size_has_no_truth_value_or_order(question):
    with pytest.raises(CatgradError, match=r"the size of 2\*n is not known when tracing"):
        question(2 * n)


def test_facts_are_rounded_to_multiples():
    assert (T.min, S.max, dim("k", multiple_of=64, max=100).max) == (6, 2048, 64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "2n"}, "a name of ASCII letters.*; got '2n'"),
        ({"name": "min"}, "none of .* min, max; got"),
        ({"name": "lambda"}, "no keyword of Python"),
        ({"name": "n", "multiple_of": 0}, "multiple_of >= 1"),
        ({"name": "n", "min": -1}, "min >= 0"),
        ({"name": "n", "multiple_of": 64, "min": 1, "max": 63}, "no multiple of 64 lies between 1 and 63"),
    ],
)
def test_impossible_symbols(arguments, message):
    with pytest.raises(CatgradError, match=message):
        dim(**arguments)


def test_one_name_with_two_sets_of_facts_is_an_error():
    other = dim("n", max=8)
    for clash in (
        lambda: n + other,
        lambda: (n * m) * other,
        lambda: minimum(n, other),
        lambda: dims.symbols([n, other]),
    ):
        with pytest.raises(CatgradError, match="n is used with two sets of facts"):
            clash()


def test_nested_extrema_merge_only_where_they_stand_alone():
    assert str(minimum(minimum(n, m), 5)) == "min(m, n, 5)"
    assert evaluate(minimum(2 * minimum(n, m), 5), {"n": 2, "m": 3}) == 4


def test_symbols_come_in_order_of_appearance():
    assert dims.symbols([3, m, n * m + S]) == (m, n, S)
    assert dims.symbols(T // (n + 1) + S) == (S, T, n)
    assert dims.symbols(3) == ()


def test_product():
    assert dims.product([]) == 1
    assert dims.product([2, n, 3, m]) == 6 * n * m


def test_text_is_deterministic():
    B, S = dim("B"), dim("S")
    assert str(1 + S * B * 2) == "2*B*S + 1"
    assert str(S // 64 - B) == "-B + floordiv(S, 64)"
    assert str(minimum(128, B)) == "min(B, 128)"
    assert str(B % 2) == "B - 2*floordiv(B, 2)"
    assert str(dim("S", multiple_of=64) // 128) == "floordiv(floordiv(S, 64), 2)"


def test_parse_reads_operators_and_several_extents():
    assert parse("n // 2 + n % 2 - mod(n, 2)") == n // 2
    assert parse("-(2*n)") == -2 * n
    assert dims.parse_shape("n, min(n, 3), 4") == (n, minimum(n, 3), 4)
    assert dims.parse_shape(" ") == ()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "n +",
            "n, 2",
            "n), (2",
            "n # 2",
            "*n",
            "\0",
            "n**2",
            "n / 2",
            "n.real",
            "[n]",
            "(x := 3)",
            "n if n else 2",
        ),
        *("1.5", "True", "'n'", "f(n)", "min()", "mod(n)", "min(a=n)", "(" * 300, "-" * 5000 + "n", "9" * 5000),
    ],
)
def test_parse_names_the_text_it_cannot_read(text):
    with pytest.raises(CatgradError) as caught:
        parse(text)
    assert repr(text) in str(caught.value)


def test_parse_refuses_very_long_text():
    with pytest.raises(CatgradError, match="20000 characters is too long"):
        parse("n+" * 10_000)


def test_division_by_zero():
    for quotient in (lambda: n // 0, lambda: n % 0, lambda: evaluate(3 // n, {"n": 0})):
        with pytest.raises(CatgradError, match="is divided by zero"):
            quotient()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"S": 10}, "S = 10 is not a multiple of 64"),
        ({"S": 4096}, "S = 4096 is not at most 2048"),
        ({"S": n}, "S = n is not known to be a multiple of 64"),
        ({"T": 0}, "T = 0 is not at least 6"),
        ({"T": 6 * n}, r"T = 6\*n is not known to be at least 6"),
        ({"n": -1}, "n = -1 is not at least 0"),
    ],
)
def test_substitution_respects_facts(values, message):
    with pytest.raises(CatgradError, match=message):
        substitute(n + S + T, values)


def test_substitution_by_a_dimension_that_has_the_facts():
    assert substitute(S // 64, {"S": 64 * minimum(n, 8)}) == minimum(n, 8)


def test_evaluation_needs_every_symbol():
    with pytest.raises(CatgradError, match=r"m \+ n needs a value for n"):
        evaluate(n + m, {"m": 2})


def test_divide_is_exact_or_nothing():
    assert divide(6, 4) is None
    assert divide(n * m, n) == m
    assert divide(n * m + 1, n) is None
    assert divide(0, n) == 0
    assert divide(n, 0) is None
    assert divide(S, 64) == S // 64


def test_bounds_see_through_division_and_extrema():
    assert (dims.lower_bound(n % 64), dims.upper_bound(n % 64)) == (0, 63)
    assert dims.lower_bound(n - minimum(n, m)) == 0
    assert dims.lower_bound(maximum(n, m) - m) == 0
    assert (dims.lower_bound(S - 64), dims.upper_bound(S - 64)) == (-64, 1984)
    assert dims.lower_bound(-n) is dims.upper_bound(n) is None
    assert dims.upper_bound(10**400 * S) == 2048 * 10**400


def test_bounds_of_many_terms_take_few_steps():
    many = sum((dim(f"n{i}") // (i + 2) for i in range(40)), start=0)
    assert dims.lower_bound(many) == 0


def test_copies_are_equal():
    for extent in (S, 2 * n + S // 64):
        for twin in (copy.deepcopy(extent), pickle.loads(pickle.dumps(extent))):
            assert twin == extent
            assert type(twin) is type(extent)
            assert Counter([twin, extent]) == {extent: 2}


@pytest.mark.parametrize(
    ("declared", "sizes", "message"),
    [
        ([3], [4], "x axis 0: expected 3, got 4"),
        ([n, n], [4, 3], r"x axis 1: expected n \(n = 4 from x axis 0\), got 3"),
        ([2 * n, n], [6, 4], r"x axis 0: expected 2\*n = 8 \(n = 4 from x axis 1\), got 6"),
        ([n * m, n, m], [6, 2, 4], r"expected m\*n = 8 \(m = 4 from x axis 2, n = 2 from x axis 1\), got 6"),
        ([2 * n], [7], r"x axis 0: expected 2\*n, got 7: n would not be an integer"),
        ([n + 1], [0], r"expected n \+ 1, got 0: n would not be at least 0"),
        ([S], [10], "expected S, got 10: S would not be a multiple of 64"),
        ([S + 1], [66], r"expected S \+ 1, got 66: S would not be a multiple of 64"),
        ([S], [4096], "S would not be at most 2048"),
        ([m], [0], "m would not be at least 1"),
    ],
)
def test_solve_says_which_size_is_wrong(declared, sizes, message):
    with pytest.raises(ArgumentError, match=message):
        dims.solve([(f"x axis {i}", extent) for i, extent in enumerate(declared)], sizes)


def test_solve_prefers_plain_symbols_and_undoes_linear_ones():
    solver = Solver([("a", 3 * n + 2), ("b", n), ("c", S // 64), ("d", 10 - m), ("e", n * m)])
    assert solver.symbols == (n, S, m)
    assert solver([14, 4, 2, 7, 12]) == (4, 128, 3)


def test_solve_needs_a_place_that_determines_each_symbol():
    with pytest.raises(CatgradError, match=r"the size n cannot be determined from x: m\*n; y: floordiv\(n, 2\)"):
        Solver([("x", m * n), ("y", n // 2), ("z", m)])
