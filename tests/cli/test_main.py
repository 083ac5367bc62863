import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from catgrad.cli import main
from catgrad.cli import train as train_command
from catgrad.target import target

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "argv", [["--help"], ["train", "--help"], ["show", "--help"], ["doctor", "--help"], ["--version"]]
)
def test_help_and_version(argv, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 0
    assert "catgrad" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required"),
        (["train", "cifar"], "invalid choice: 'cifar'"),
        (["train", "digits", "--epochs", "0"], "at least 1, got '0'"),
        (["train", "digits", "--epochs", "many"], "at least 1, got 'many'"),
        (["train", "digits", "--seed", "-1"], "at least 0, got '-1'"),
        (["train", "digits", "--lr", "nan"], "at least 0, got 'nan'"),
        (["train", "digits", "--lr", "1e300"], "a number of f32 that is at least 0, got '1e300'"),
        (["train", "digits", "--lr", "9" * 5000], "at least 0, got '999999999999...9999999999999'"),
        (
            ["train", "digits", "--seed", "9" * 5000],
            "of 64 bits that is at least 0, got '999999999999...9999999999999'",
        ),
        (["train", "digits", "--hidden", str(1 << 63)], "of 64 bits that is at least 1, got '9223372036854775808'"),
        (["train", "digits", "--batch", ""], "at least 1, got ''"),
        (["train", "digits", "--epochs", "²"], "at least 1, got '²'"),
        (["train", "digits", "--save", ""], "argument --save: expected a path, got ''"),
        (["train", "digits", "--data", ""], "argument --data: expected a path, got ''"),
        (["show", "digits", "-o", ""], "argument -o: expected a path, got ''"),
        (["build", "digits", "-o", ""], "argument -o: expected a path, got ''"),
        (
            ["build", "digits", "-o", "x", "--bind", "B=" + "9" * 5000],
            "such as B=128, got 'B=9999999999...9999999999999'",
        ),
        (["gpu-report", "digits", "--bind", "B="], "such as B=128, got 'B='"),
        (["train", "digits", "--model", "x" * 5000], f"invalid choice: '{'x' * 39}...{'x' * 19}' (choose"),
        (["x y" * 5000], "..."),
        (["train", "digits", "--quiet", "--json"], "not allowed with"),
    ],
)
def test_misunderstood_arguments(argv, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said) < 2000


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "argv",
    [
        ["train", "iris", "--model", "linear", "--save"],
        ["show", "iris", "--target"],
        ["build", "iris", "--target", "cpu:x86-64-v2", "-o"],
    ],
)
def test_long_words_are_not_said_in_full(command, argv):
    code, out, err = command(*argv, "x" * 5000)
    assert (code, out) == (1, "")
    assert len(err) < 500


@pytest.mark.parametrize("argv", [("--target", "bogus"), ("--target", "cpu:x86-64-v9"), ("--batch", "100000")])
def test_what_cannot_be_trained_leaves_no_folder(command, tmp_path, argv):
    assert command("train", "iris", *argv, "--save", tmp_path / "run")[0] == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["train", "show"])
def test_help_names_targets(capsys, name):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    said = "".join(capsys.readouterr().out.split())
    for form in ("cpu", "cpu:x86-64-v3", "cpu:x86-64-v4+avx512bf16"):
        assert form in said
        assert target(form).name == form


def test_help_names_the_actions_of_the_cache(capsys):
    with pytest.raises(SystemExit):
        main(["cache", "--help"])
    assert "{list,clear}" in capsys.readouterr().out


def test_help_loads_neither_mlir_nor_what_trains():
    code = (
        "import sys, contextlib, catgrad.cli\n"
        "with contextlib.suppress(SystemExit): catgrad.cli.main(['--help'])\n"
        "assert not {'mlir', 'sklearn', 'rich', 'safetensors'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_interruption_is_not_a_traceback(command, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(train_command, "run", interrupt)
    assert command("train", "digits") == (130, "", "error: interrupted\n")


@pytest.mark.parametrize("module", ["numpy", "catgrad", "catgrad.cli.main"])
def test_interruption_of_its_imports_is_not_a_traceback(module):
    """Ctrl-C comes in the first line of a module."""
    script = f"""
import signal, sys
sys.path.insert(0, {str(ROOT)!r})
from catgrad_command import main
def interrupt(frame, event, argument):
    if event == "call" and frame.f_code.co_name == "<module>" and frame.f_globals["__name__"] == {module!r}:
        sys.setprofile(None)
        signal.raise_signal(signal.SIGINT)
sys.argv = ["catgrad", "show", "digits"]
sys.setprofile(interrupt)
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")


@pytest.mark.parametrize("size", ["0", "²", "9" * 5000, "-3", "many"])
def test_a_terminal_of_no_size_is_not_believed(command, monkeypatch, size):
    monkeypatch.setenv("COLUMNS", size)
    monkeypatch.setenv("LINES", size)
    code, _, err = command("show", "nothing")
    assert (code, err.startswith("error: unknown model 'nothing'")) == (1, True)


def test_too_little_memory_is_not_a_traceback(command, monkeypatch):
    def allocate(_):
        raise MemoryError("Unable to allocate 23.8 GiB")

    monkeypatch.setattr(train_command, "run", allocate)
    assert command("train", "digits") == (1, "", "error: not enough memory: Unable to allocate 23.8 GiB\n")


def test_a_reader_that_leaves_is_not_a_traceback():
    script = "import sys; from catgrad.cli import main; sys.exit(main(['show', 'digits', '--step', '--stage', 'json']))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 1)


@pytest.mark.sampled(7)
@pytest.mark.parametrize(
    "argv",
    [
        ("show", "{file}:f", "--types", "f32[3]", "--stage", "asm", "--target", "zzz"),
        ("show", "{file}:f", "--types", ""),
        ("show", "{file}:f", "--types", "f32[3], f32[3]"),
        ("show", "{file}:learner", "--types", "f32[4, 3], f32[4]", "--step"),
        ("train", "iris", "--target", "zzz"),
        ("train", "iris", "--target", "cuda:zzz"),
        ("build", "iris", "-o", "out", "--name", "no name"),
    ],
)
def test_the_command_is_nobody_s_program(tmp_path, argv):
    """Errors that no line of the user's leads to show none: not that of the command either."""
    file = tmp_path / "model.py"
    file.write_text(
        "import catgrad as cg\n"
        "def f(x): return cg.exp(x)\n"
        "learner = cg.learner(cg.nn.Linear(3, 2), loss=cg.nn.mse, optimizer=cg.optim.sgd(0.1))\n"
    )
    command = Path(sysconfig.get_path("scripts"), "catgrad")
    words = [word.format(file=file) for word in argv]
    done = subprocess.run([command, *words], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
