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


@pytest.mark.parametrize("external", ["0", "1"])
def test_tests_that_pass(tmp_path, external):
    found, _ = outcomes(tmp_path, PASSING, CATGRAD_LIT_EXTERNAL=external)
    assert found == {**dict.fromkeys(PASSING, "PASS"), "xfail.mlir": "XFAIL"}


def test_tests_that_fail_say_why(tmp_path):
    found, printed = outcomes(tmp_path, FAILING)
    assert found == dict.fromkeys(FAILING, "FAIL")
    for reason in (
        "over",
        "error: custom op 'nonsense' is unknown",
        'Couldn\'t match "@g"',
        "'nope' does not refer",
        "exit code 1",
    ):
        assert reason in printed


def test_an_abort_fails_only_its_own_test(tmp_path):
    tests = {
        "abort.mlir": f"// RUN: not %catgrad-opt %s --load-pass-plugin={PLUGIN} --test-abort\n",
        "pipe.mlir": PASSING["pipe.mlir"],
    }
    found, printed = outcomes(tmp_path, tests)
    assert found == {"abort.mlir": "FAIL", "pipe.mlir": "PASS"}
    assert "exit code -6" in printed


def test_a_test_that_does_not_end_is_ended(tmp_path):
    found, printed = outcomes(tmp_path, {"slow.py": "# RUN: %python %s\nwhile True: pass\n"}, seconds=1)
    assert found == {"slow.py": "FAIL"}
    assert "exit code -14" in printed


def test_unsupported_tests_are_not_run(tmp_path):
    found, _ = outcomes(tmp_path, {"gpu.mlir": "// REQUIRES: gpu\n// RUN: %catgrad-opt %s\nnonsense\n"})
    assert found == {"gpu.mlir": "UNSUPPORTED"}
