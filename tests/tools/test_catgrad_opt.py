"""The driver as a whole: in this process, and as the program that users start."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import mlir
import pytest

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
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, cwd="/", **options)


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


def damaged(data, count):
    """Yield variants of `data` with a few bytes replaced by others of it, and some texts of its bytes."""
    generator = random.Random(0)
    for _ in range(count):
        start, length = generator.randrange(len(data)), generator.randrange(1, 12)
        yield data[:start] + bytes(generator.choices(data, k=generator.randrange(8))) + data[start + length :]
        yield bytes(generator.choices(data, k=generator.randrange(1, 64)))


def test_damaged_text_ends_in_a_module_or_a_message(tmp_path):
    parts = list(damaged(MODULE.encode(), 50))
    path = tmp_path / "f.mlir"
    path.write_bytes(b"\n// -----\n".join(parts))
    result = run(str(path), "--split-input-file", "--canonicalize")
    assert_fails_with_a_message(result)
    assert result.stdout.count(b"// -----") == len(parts) - 1


def test_damaged_files_end_in_a_module_or_a_message(file, tmp_path):
    """Runs in one process of its own, which a crash would end."""
    whole = tmp_path / "whole"
    assert main([file, "--emit-bytecode", "-o", str(whole)]) == 0
    data = whole.read_bytes()
    truncated = [data[:end] for end in range(1, len(data) - 1, 20)]
    generator = random.Random(0)
    binary = [generator.randbytes(generator.randrange(1, 200)) for _ in range(20)]
    names = []
    for index, part in enumerate([*truncated, *binary]):
        names.append(str(tmp_path / str(index)))
        Path(names[-1]).write_bytes(part)
    script = "import sys; from catgrad.tools.catgrad_opt import main; print([main([name]) for name in sys.argv[1:]])"
    result = subprocess.run([sys.executable, "-c", script, *names], capture_output=True, check=True)
    assert result.stdout.decode() == f"{[1] * len(names)}\n"
    assert result.stderr.count(b"error: ") >= len(names)
    assert b"internal error" not in result.stderr


QUESTIONS = ["--version", "--help", "--show-dialects", "--list-passes"]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("argument", QUESTIONS)
def test_questions_are_answered_by_the_program(argument):
    result = run(argument)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"catgrad" in result.stdout


@pytest.mark.parametrize("argument", QUESTIONS)
def test_questions_are_answered(argument, capfd):
    assert main([argument]) == 0
    said, errors = capfd.readouterr()
    assert errors == ""
    assert "catgrad" in said


@pytest.mark.parametrize(
    ("text", "end"),
    [("module {" * 200_000, b"SIGSEGV"), ('"catgrad."() : () -> ()', b"SIGABRT")],
    ids=["deep", "unnamed"],
)
def test_a_crash_in_the_parser_is_a_message(tmp_path, text, end):
    path = tmp_path / "f.mlir"
    path.write_text(text)
    result = run(str(path))
    assert result.returncode == 1
    assert b"catgrad-opt: internal error: " + end + b" while parsing the input" in result.stderr


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


@pytest.mark.sampled(2)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_quietly(tmp_path, number):
    plugin = tmp_path / "ready.py"
    plugin.write_text("print('ready', flush=True)\n")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([*PROGRAM, f"--load-pass-plugin={plugin}"], start_new_session=True, **pipes)
    assert process.stdout.readline() == b"ready\n"
    os.killpg(process.pid, number)
    assert process.communicate() == (b"", b"")
    assert process.returncode == 128 + number


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error(file):
    with open("/dev/full", "w") as full:
        result = subprocess.run([*PROGRAM, file], stdout=full, stderr=subprocess.PIPE, check=False)
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
