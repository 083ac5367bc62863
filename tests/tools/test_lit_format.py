"""The lit format, through lit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[2] / "lit_tests" / "lit.cfg.py"
PLUGIN = CONFIGURATION.parent / "driver/Inputs/passes.py"


def outcomes(folder, tests, seconds=60, **environment):
    """Return the result of each test, by name, and all that lit printed."""
    (folder / "lit.cfg.py").write_text(CONFIGURATION.read_text().replace("InProcess()", f"InProcess({seconds})"))
    for name, text in tests.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-c", "from lit.main import main; main()", "-v", "-j1", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    words = [line.split() for line in result.stdout.splitlines() if " :: " in line and ": catgrad ::" in line]
    return {line[3]: line[0].rstrip(":") for line in words}, result.stdout + result.stderr


LINES = """\
// RUN: %catgrad-opt %s \\
// RUN:   -o %t
// RUN: %catgrad-opt %t | %filecheck %s
// CHECK: module
"""
PASSING = {
    "pipe.mlir": "// RUN: %catgrad-opt %s | %filecheck %s\n// CHECK: @f\nfunc.func private @f()\n",
    "lines.mlir": LINES,
    "not.mlir": "// RUN: not %catgrad-opt %s 2>&1 | %filecheck %s\n// CHECK: error: custom op\nnonsense\n",
    "quoted.mlir": "// RUN: %catgrad-opt %s --pass-pipeline='builtin.module( cse )' --dump-pass-pipeline\n",
    "script.py": "# RUN: %python %s | %filecheck %s\n# CHECK: hello\nprint('hello')\n",
    "shell.mlir": "// RUN: %catgrad-opt %s > %t && %filecheck %s < %t\n// CHECK: module\n",
    "xfail.mlir": "// RUN: %catgrad-opt %s\n// XFAIL: *\nnonsense\n",
}
FAILING = {
    "code.mlir": "// RUN: %catgrad-opt %s\nnonsense\n",
    "text.mlir": "// RUN: %catgrad-opt %s | %filecheck %s\n// CHECK: @g\nfunc.func private @f()\n",
    "success.mlir": "// RUN: not %catgrad-opt %s\n",
    "first.mlir": "// RUN: %catgrad-opt %s --nope | %filecheck %s --allow-empty\n// CHECK-NOT: x\n",
    "script.py": "# RUN: %python %s\nraise SystemExit('over')\n",
}


ABORTING = {"abort.mlir": f"// RUN: not %catgrad-opt %s --load-pass-plugin={PLUGIN} --test-abort\n"}
UNSUPPORTED = {"gpu.mlir": "// REQUIRES: gpu\n// RUN: %catgrad-opt %s\nnonsense\n"}
EXTERNAL = ("pipe.mlir", "not.mlir", "xfail.mlir")
"""Tests that differ where programs are started: pipes, exit codes that are meant, and those that are not."""


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The outcomes of all tests in one run of lit, and what it printed."""
    named = {"passing": PASSING, "failing": FAILING, "aborting": ABORTING, "unsupported": UNSUPPORTED}
    tests = {f"{kind}-{name}": text for kind, tests in named.items() for name, text in tests.items()}
    return outcomes(tmp_path_factory.mktemp("lit"), tests)


def of_kind(kind, found):
    """Return the outcomes of one kind of tests."""
    return {name.removeprefix(f"{kind}-"): result for name, result in found.items() if name.startswith(f"{kind}-")}


def passes(tests):
    """Return the outcomes of tests that pass, but for one that is to fail."""
    return {name: "XFAIL" if name == "xfail.mlir" else "PASS" for name in tests}


def test_tests_that_pass(together):
    assert of_kind("passing", together[0]) == passes(PASSING)


@pytest.mark.parametrize("names", [EXTERNAL, pytest.param(tuple(PASSING), marks=pytest.mark.slow)], ids=["few", "all"])
def test_tests_that_pass_as_programs(tmp_path, names):
    found, _ = outcomes(tmp_path, {name: PASSING[name] for name in names}, CATGRAD_LIT_EXTERNAL="1")
    assert found == passes(names)


def test_tests_that_fail_say_why(together):
    found, printed = together
    assert of_kind("failing", found) == dict.fromkeys(FAILING, "FAIL")
    for reason in (
        "over",
        "error: custom op 'nonsense' is unknown",
        'Couldn\'t match "@g"',
        "'nope' does not refer",
        "exit code 1",
    ):
        assert reason in printed


def test_an_abort_fails_only_its_own_test(together):
    found, printed = together
    assert found["aborting-abort.mlir"] == "FAIL"
    assert list(found).index("aborting-abort.mlir") < list(found).index("passing-pipe.mlir")
    assert found["passing-pipe.mlir"] == "PASS"
    assert "exit code -6" in printed


def test_a_test_that_does_not_end_is_ended(tmp_path):
    found, printed = outcomes(tmp_path, {"slow.py": "# RUN: %python %s\nwhile True: pass\n"}, seconds=1)
    assert found == {"slow.py": "FAIL"}
    assert "exit code -14" in printed


def test_unsupported_tests_are_not_run(together):
    assert of_kind("unsupported", together[0]) == {"gpu.mlir": "UNSUPPORTED"}
