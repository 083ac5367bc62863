"""The command line."""

import pytest

from catgrad.tools.driver.arguments import Settings, parse
from catgrad.tools.driver.errors import UsageError
from catgrad.tools.driver.pipeline import Element


def test_no_arguments_read_standard_input():
    line = parse([])
    assert (line.input, line.passes, line.settings) == ("-", (), Settings())


def test_passes_keep_their_order_and_options():
    line = parse(["--cse", "f.mlir", "-canonicalize=max-iterations=3", "--x=a='b c'", "--verify-each=false", "--cse"])
    assert line.input == "f.mlir"
    assert line.passes == (
        Element("cse"),
        Element("canonicalize", "max-iterations=3"),
        Element("x", "a='b c'"),
        Element("cse"),
    )


@pytest.mark.parametrize("words", [["-o", "g"], ["-o=g"], ["--output", "g"], ["--output=g"], ["-o", "f", "-o", "g"]])
def test_a_value_follows_its_option_or_an_equals_sign(words):
    assert parse(words).settings.output == "g"


def test_an_optional_value_needs_an_equals_sign():
    assert parse(["--split-input-file", "f"]).settings.split_input_file == "// -----"
    assert parse(["--split-input-file=#", "f"]).settings.split_input_file == "#"
    assert parse(["--verify-diagnostics", "f"]).settings.verify_diagnostics == "all"
    assert parse(["--verify-diagnostics=only-expected"]).settings.verify_diagnostics == "only-expected"


def test_switches_can_be_turned_off():
    assert parse([]).settings.verify_each
    assert not parse(["--no-verify-each"]).settings.verify_each
    assert not parse(["--verify-each=0"]).settings.verify_each
    assert parse(["--no-output"]).passes == (Element("no-output"),)


def test_lists_grow():
    line = parse(["--mlir-print-ir-after=a,b", "--mlir-print-ir-after", "c"])
    assert line.settings.mlir_print_ir_after == ("a", "b", "c")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "b"], "one input is expected, not 2: a b"),
        (["--pass-pipeline"], "--pass-pipeline needs a value: --pass-pipeline=PIPELINE"),
        (["--mlir-timing=often"], "option 'mlir-timing' expects bool, not 'often'"),
        (["--cse", "--pass-pipeline=x"], "--pass-pipeline and --cse exclude each other"),
    ],
)
def test_arguments_that_do_not_fit_are_errors(words, message):
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert str(caught.value).startswith(f"catgrad-opt: error: {message}")
