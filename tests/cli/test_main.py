import subprocess
import sys

import pytest

from catgrad.cli import main
from catgrad.cli import train as train_command


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
        (["train", "digits", "--quiet", "--json"], "not allowed with"),
    ],
)
def test_misunderstood_arguments(argv, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


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


def test_a_reader_that_leaves_is_not_a_traceback():
    script = "import sys; from catgrad.cli import main; sys.exit(main(['show', 'digits', '--step', '--stage', 'json']))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 1)
