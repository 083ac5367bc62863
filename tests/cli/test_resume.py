"""Ctrl-C saves what there is, and an interrupted run goes on to the numbers that it would have had."""

import fcntl
import itertools
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catgrad.cli import data, summary
from catgrad.cli.artifacts import write
from catgrad.cli.saved_run import read_run
from catgrad.cli.tasks import TASKS
from catgrad.cli.training import Trainer

INTERRUPTED = """
import os, signal, sys
from catgrad.cli import artifacts, main
from catgrad.cli.data import Examples
from catgrad.cli.training import Trainer

artifacts._ir = lambda _: ()
take, run, taken = Examples.__getitem__, Trainer.run, []

def interrupting(examples, rows):
    taken.append(rows)
    if len(taken) == int(sys.argv[1]):
        for name in sys.argv[2].split(","):
            os.kill(os.getpid(), getattr(signal, name))
    return take(examples, rows)

def training(*arguments):
    Examples.__getitem__ = interrupting
    return run(*arguments)

Trainer.run = training
sys.exit(main(sys.argv[3:]))
"""
CHOSEN = {"optimizer": "adam", "hidden": 5, "batch": 32, "epochs": 3}
RUN = "train", "iris", *itertools.chain(*((f"--{name}", str(value)) for name, value in CHOSEN.items()))
STEPS = 150 // 32


def usual_signals():
    """Let a process begin with the handlers that a shell gives it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def interrupted(step, signals="SIGINT"):
    """Run the command in a process that gets signals at a step of its training."""
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(step), signals, *RUN, "--save", "my run", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=usual_signals,
    )


@pytest.mark.usefixtures("without_ir")
def test_ctrl_c_saves_what_there_is_and_says_how_to_go_on(result, command, monkeypatch):
    monkeypatch.setenv("CATGRAD_CACHE_DIR", "cache")
    whole = result(*RUN, "--save", "whole")
    done = interrupted(STEPS + 2)
    assert (done.returncode, done.stderr) == (
        130,
        "error: interrupted after 1 of 3 epochs and 2 of 4 steps: go on with\n"
        "  catgrad train iris --save 'my run' --resume\n",
    )
    assert "of the 150 examples learned from" in done.stdout
    assert len(json.loads(Path("my run/run.json").read_text())["losses"]) == 1
    code, _, err = command("train", "iris", "--save", "my run", "--resume", "--lr", 3)
    assert (code, "whose rate is 0.02: lr cannot be 3" in err) == (1, True)
    resumed = result("train", "iris", "--save", "my run", "--resume")
    for key in ("settings", "steps", "losses", "accuracies", "train_accuracy", "test_accuracy"):
        assert resumed[key] == whole[key], key
    one, other = (Path(run["files"]["parameters"]) for run in (resumed, whole))
    assert one.read_bytes() == other.read_bytes()
    assert {path.name for path in one.parent.iterdir()} & {"optimizer.safetensors"} == set()
    finished = command("train", "iris", "--save", "my run", "--resume")
    assert finished == (0, "my run is finished: it has all 3 epochs\n", "")


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ("SIGHUP", 129),
        ("SIGINT,SIGINT,SIGINT", 130),
        ("SIGTERM,SIGTERM", 143),
    ],
)
def test_whatever_ends_training_saves_what_there_is(tmp_path, tmp_path_factory, monkeypatch, signals, code):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CATGRAD_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))  # one compilation for all
    done = interrupted(STEPS + 2, signals)
    assert done.returncode == code
    assert done.stderr == (
        "error: interrupted after 1 of 3 epochs and 2 of 4 steps: go on with\n"
        "  catgrad train iris --save 'my run' --resume\n"
    )
    assert len(read_run(Path("my run")).progress().history) == 1


UNSAVED = """
import signal, sys
from catgrad.cli import artifacts, main
from catgrad.cli.training import Trainer

artifacts._ir = lambda _: ()
name, number = sys.argv[1], getattr(signal, sys.argv[2])
own = getattr(Trainer, name)

def interrupting(*arguments):
    signal.raise_signal(number)
    return own(*arguments)

setattr(Trainer, name, interrupting)
sys.exit(main(sys.argv[3:]))
"""


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("number", "place", "message"),
    [
        ("SIGTERM", "__init__", "error: interrupted\n"),
        ("SIGINT", "run", "error: interrupted before the first step: there is nothing to save\n"),
        ("SIGHUP", "run", "error: interrupted before the first step: there is nothing to save\n"),
    ],
)
def test_where_nothing_is_saved_no_folder_is_left(tmp_path, place, message, number):
    done = subprocess.run(
        [sys.executable, "-c", UNSAVED, place, number, *RUN, "--save", "runs/mine", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        preexec_fn=usual_signals,
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + getattr(signal, number), "", message)
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_that_hangs_up_loses_nothing(tmp_path):
    """Training is in a process that leads a session, whose terminal goes away."""
    terminal, inner = pty.openpty()

    def own_terminal():
        fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
        usual_signals()

    script = "import sys; from catgrad.cli import artifacts, main; artifacts._ir = lambda _: (); sys.exit(main())"
    words = ["train", "iris", "--epochs", "400000", "--save", "run"]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        cwd=tmp_path,
        start_new_session=True,
        preexec_fn=own_terminal,
    )
    os.close(inner)
    said = b""
    while b"loss" not in said:
        said += os.read(terminal, 1 << 16)
    os.close(terminal)
    assert process.wait() == 129
    assert read_run(tmp_path / "run").progress().history


@pytest.fixture(scope="module")
def trainer():
    """A trainer of a small model with a batch that does not divide the examples."""
    return Trainer(TASKS["iris"].settings(**CHOSEN), data.load("iris"))


def save(folder, trainer, outcome):
    """Save an interrupted run."""
    folder.mkdir(exist_ok=True)
    write(folder, {}, outcome.progress.state, summary.record(trainer, outcome), finished=False)


def numbers(outcome):
    """All that training led to, but for times."""
    now = outcome.progress
    arrays = {path: array.tobytes() for path, array in now.state["parameters"].items()}
    return arrays, [(epoch.loss, epoch.accuracy) for epoch in now.history], outcome.train_accuracy


def run(trainer, start=None, questions=10**6):
    """Train until Ctrl-C, which is asked for so many times: after each step, and before each epoch."""
    asked = itertools.count(1)
    return trainer.run(lambda _: None, start, lambda: next(asked) >= questions)


def test_after_any_step_a_run_goes_on_to_the_same_numbers(trainer, tmp_path):
    whole = numbers(run(trainer))
    for questions in range(2, 3 * (STEPS + 1)):
        save(tmp_path, trainer, run(trainer, questions=questions))
        assert numbers(run(trainer, read_run(tmp_path).progress())) == whole, questions


def test_a_run_goes_on_to_the_same_numbers_however_often_it_is_interrupted(trainer, tmp_path):
    outcome, times = run(trainer, questions=2), 0
    while not trainer.has_finished(outcome.progress):
        save(tmp_path, trainer, outcome)
        outcome, times = run(trainer, read_run(tmp_path).progress(), questions=2), times + 1
    assert times == 3 * STEPS - 1
    assert numbers(outcome) == numbers(run(trainer))


def test_a_loss_that_is_no_number_does_not_stop_going_on(trainer, tmp_path):
    outcome = run(trainer, questions=STEPS + 4)
    now = replace(outcome.progress, loss=np.inf, history=(replace(outcome.progress.history[0], loss=np.nan),))
    save(tmp_path, trainer, replace(outcome, progress=now))
    assert json.loads((tmp_path / "run.json").read_text())["losses"] == [None]
    losses = [epoch.loss for epoch in run(trainer, read_run(tmp_path).progress()).progress.history]
    assert np.isfinite(losses).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"epoch": None}, "epoch must say"),
        ({"epoch": {"steps": -1, "loss": 0, "seconds": 0}}, "epoch must say"),
        ({"epoch": {"steps": 1, "loss": "x", "seconds": 0}}, "epoch must say"),
        ({"losses": [1.0] * 4}, "a number for each epoch that is done"),
        ({"losses": {}}, "losses must be a list of numbers"),
        ({"accuracies": ["x"]}, "accuracies must be a list of numbers"),
        ({"sha256": {}}, "is not the file that the run of run.json wrote"),
        ({"sha256": 3}, "sha256 must be hashes by file"),
        ({"target": 3}, "target must be a text"),
        ({"train_examples": 7}, "--resume needs the data that run has learned from"),
        ({"epoch": {"steps": 4, "loss": 0, "seconds": 0}}, "--resume needs the data that run has learned from"),
        ({"epoch": {"steps": 10**30, "loss": 0, "seconds": 0}}, "epoch must say"),
    ],
)
def test_a_damaged_run_does_not_go_on(trainer, command, tmp_path, monkeypatch, record, message):
    save(tmp_path / "run", trainer, run(trainer, questions=STEPS + 4))
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **record}))
    monkeypatch.setattr("catgrad.cli.training.Trainer", lambda *_: trainer)
    code, out, err = command("train", "iris", "--save", "run", "--resume", "--quiet")
    assert (code, out) == (1, "")
    assert message in err


def test_where_there_is_no_run_none_goes_on(command):
    code, out, err = command("train", "iris", "--resume")
    assert (code, out) == (1, "")
    assert "runs/iris is not what `catgrad train --save` writes" in err
