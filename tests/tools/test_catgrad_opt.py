"""The driver as a whole: in this process, and as the program that users start."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catgrad.tools.catgrad_opt import main

PROGRAM = [sys.executable, "-m", "catgrad.tools.catgrad_opt"]
PLUGIN = str(Path(__file__).parents[2] / "lit_tests/driver/Inputs/passes.py")
MODULE = """\
func.func @f(%a: i32) -> i32 {
  %0 = arith.addi %a, %a : i32
  %1 = arith.addi %a, %a : i32
  %2 = arith.muli %0, %1 : i32
  return %2 : i32
}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "f.mlir"
    path.write_text(MODULE)
    return str(path)


def run(*arguments, **options):
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, timeout=60, cwd="/", **options)


def assert_fails_with_a_message(result):
    assert result.returncode == 1
    assert b"error: " in result.stderr
    assert b"Traceback" not in result.stderr


def test_runs_in_one_process_do_not_know_of_each_other(file, capfd):
    outputs = []
    for arguments in (["--cse"], ["--no-such-pass"], ["--load-pass-plugin", PLUGIN, "--test-raise"], ["--cse"]):
        code = main([file, *arguments])
        outputs.append((code, *capfd.readouterr()))
    assert [code for code, _, _ in outputs] == [0, 1, 1, 0]
    assert outputs[0] == outputs[3]
    assert main([file, "--test-raise"]) == 1
    assert "does not refer to a registered pass" in capfd.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--cse", "--canonicalize"],
        ["--pass-pipeline=builtin.module(func.func(cse,canonicalize{max-iterations=1}))"],
        ["--mlir-print-op-generic"],
        ["--mlir-print-debuginfo", "--convert-arith-to-llvm"],
        ["--cse", "--canonicalize", "--mlir-print-ir-after-all"],
        ["--cse", "--mlir-print-ir-before=cse", "--mlir-print-ir-after=cse", "--mlir-print-debuginfo"],
    ],
)
def test_the_output_is_that_of_mlir_opt(file, capfd, flags):
    beside = os.pathsep.join(str(Path(folder, "bin")) for folder in mlir.__path__)
    mlir_opt = shutil.which("mlir-opt", path=os.pathsep.join([beside, os.environ["PATH"]]))
    theirs = subprocess.run([mlir_opt, file, *flags], capture_output=True, text=True, check=True)
    assert main([file, *flags]) == 0
    assert capfd.readouterr() == (theirs.stdout, theirs.stderr)


@settings(deadline=None, max_examples=40)
@given(
    st.binary(min_size=1, max_size=64) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=64).map(str.encode)
)
def test_any_input_ends_in_a_module_or_a_message(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("input") / "f.mlir"
    path.write_bytes(data)
    assert main([str(path)]) in {0, 1}


def mutations(count):
    generator = random.Random(0)
    data = MODULE.encode()
    for _ in range(count):
        start, length = generator.randrange(len(data)), generator.randrange(1, 12)
        yield data[:start] + bytes(generator.choices(data, k=generator.randrange(8))) + data[start + length :]


def test_damaged_modules_end_in_a_module_or_a_message(tmp_path):
    parts = list(mutations(100))
    path = tmp_path / "f.mlir"
    path.write_bytes(b"\n// -----\n".join(parts))
    result = run(str(path), "--split-input-file", "--canonicalize")
    assert_fails_with_a_message(result)
    assert result.stdout.count(b"// -----") == len(parts) - 1


def test_damaged_bytecode_ends_in_a_message(file, tmp_path):
    whole = tmp_path / "whole"
    assert main([file, "--emit-bytecode", "-o", str(whole)]) == 0
    data = whole.read_bytes()
    part = tmp_path / "part"
    for end in range(4, len(data) - 1, 40):
        part.write_bytes(data[:end])
        assert main([str(part)]) == 1


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["--show-dialects"], ["--list-passes"]])
def test_questions_are_answered(arguments):
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"catgrad" in result.stdout


def test_a_crash_in_the_parser_is_a_message(tmp_path):
    path = tmp_path / "deep.mlir"
    path.write_text("module {" * 200_000)
    result = run(str(path))
    assert result.returncode == 1
    assert b"catgrad-opt: internal error: SIGSEGV while parsing the input" in result.stderr


def test_an_abort_in_a_pass_is_a_message_and_leaves_the_reproducer(file, tmp_path):
    kept = tmp_path / "kept.mlir"
    arguments = [f"--load-pass-plugin={PLUGIN}", f"--mlir-pass-pipeline-crash-reproducer={kept}"]
    result = run(file, *arguments, "--cse", "--test-abort")
    assert result.returncode == 1
    assert b"catgrad-opt: internal error: SIGABRT while running the pass 'test-abort'" in result.stderr
    again = run(str(kept), "--run-reproducer", f"--load-pass-plugin={PLUGIN}")
    assert again.stderr == result.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    path = tmp_path / "large.mlir"
    path.write_text("\n".join(f"func.func private @f{index}()" for index in range(20_000)))
    process = subprocess.Popen([*PROGRAM, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 128 + signal.SIGPIPE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_quietly(number):
    process = subprocess.Popen(
        PROGRAM, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(0.5)
    os.killpg(process.pid, number)
    _, messages = process.communicate(timeout=60)
    assert (process.returncode, messages) == (128 + number, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error(file):
    with open("/dev/full", "w") as full:
        result = subprocess.run([*PROGRAM, file], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert result.returncode == 1
    assert result.stderr == b"catgrad-opt: error: cannot write standard output: No space left on device\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_an_error(file):
    os.chmod(file, 0)
    assert_fails_with_a_message(run(file))


def test_several_threads_of_passes_report_in_order(tmp_path, capfd):
    path = tmp_path / "f.mlir"
    functions = "\n".join(MODULE.replace("@f", f"@f{index}") for index in range(20))
    path.write_text(functions)
    flags = ["--pass-pipeline=builtin.module(func.func(cse,canonicalize),symbol-dce)"]
    assert main([str(path), *flags]) == 0
    threaded = capfd.readouterr()
    assert main([str(path), *flags, "--mlir-disable-threading"]) == 0
    assert capfd.readouterr() == threaded
