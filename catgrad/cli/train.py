"""Train a classifier with one compiled step."""

from __future__ import annotations

import json
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from catgrad.cli.arguments import add_target, epochs, natural, path, positive, rate
from catgrad.cli.tasks import MODELS, OPTIMIZERS, TASKS
from catgrad.errors import CatgradError

if TYPE_CHECKING:
    from rich.console import Console

    from catgrad.cli.artifacts import Artifacts
    from catgrad.cli.interruption import StopRequest
    from catgrad.cli.saved_run import SavedRun
    from catgrad.cli.tasks import Settings
    from catgrad.cli.training import Outcome, Progress, Trainer

__all__ = ["EPILOG", "configure", "run"]

EPILOG = """\
examples:
  catgrad train digits
  catgrad train iris --model dense
  catgrad train fashion-mnist --hidden 512 --epochs 5 --save runs/wide
  catgrad train fashion-mnist --save runs/wide --resume

Ctrl-C saves what there is, and so do SIGTERM and SIGHUP; --resume goes on from
there, to the same numbers as without it.
"""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dataset", choices=TASKS, help="what to learn: %(choices)s", metavar="DATASET")
    parser.add_argument("--model", choices=MODELS, help="x Wᵀ; a dense layer; or two (default: hidden)")
    parser.add_argument("--hidden", type=positive, metavar="N", help="width of the hidden layer")
    parser.add_argument("--epochs", type=epochs, metavar="N", help="how often the examples are seen")
    parser.add_argument("--batch", type=positive, metavar="N", help="examples in a step")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="how parameters change")
    parser.add_argument("--lr", type=rate, metavar="X", help="learning rate")
    parser.add_argument("--seed", type=natural, metavar="N", help="the same seed gives the same numbers (default: 0)")
    parser.add_argument("--data", type=path, metavar="DIR", help="folder of the dataset's files, where it has files")
    add_target(parser, "cuda", "cuda:emulate", default=None)
    parser.add_argument("--save", type=path, metavar="DIR", help="where to write (default: runs/DATASET)")
    parser.add_argument("--resume", action="store_true", help="go on with the run that Ctrl-C has interrupted")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--quiet", action="store_true", help="print nothing but the accuracy")
    shown.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: Namespace) -> int:
    """Train, write the files of the run, and say how it went."""
    # Here and not above: these take long to load, and help needs none of them.
    from catgrad.cli.console import terminal
    from catgrad.cli.resumption import resumed

    folder = arguments.save or Path("runs", arguments.dataset)
    saved = resumed(folder, arguments) if arguments.resume else None
    if saved is None or not saved.is_finished:
        return _train(arguments, folder, saved, terminal(quiet=arguments.quiet or arguments.json))
    print(
        json.dumps(saved.described) if arguments.json else f"{folder} is finished: it has all {saved.epochs:,} epochs"
    )
    return 0


def _train(arguments: Namespace, folder: Path, saved: SavedRun | None, console: Console) -> int:
    """Train from the beginning, or from where a saved run was."""
    from catgrad.cli import data, summary
    from catgrad.cli.artifacts import pictures, prepared
    from catgrad.cli.interruption import Interrupted, interruptible
    from catgrad.cli.resumption import start_of
    from catgrad.cli.training import Trainer

    settings = _settings(arguments) if saved is None else saved.settings
    chosen = "cpu" if arguments.target is None else arguments.target
    target = chosen if saved is None else saved.target
    with ExitStack() as stack:
        with console.status(f"reading {settings.dataset} and compiling the training step"):
            trainer = Trainer(settings, data.load(settings.dataset, settings.seed, arguments.data), target)
            start = None if saved is None else start_of(saved, trainer)
            introduction = summary.before(trainer, console.width)
            shown = pictures(trainer.step, trainer.predict)
            stack.enter_context(prepared(folder, shown))  # only now: what cannot be trained leaves no folder
        console.print(introduction)
        is_stopped = stack.enter_context(interruptible())
        outcome, files = _run(trainer, start, shown, folder, console, is_stopped)
        _report(arguments, trainer, outcome, files, console)
        if not trainer.has_finished(outcome.progress):
            advice = _advice(arguments, console.width)
            done = f"interrupted after {summary.progress(trainer, outcome)}: go on with\n{advice}"
            raise Interrupted(is_stopped.number, done)
    return 0


def _run(
    trainer: Trainer,
    start: Progress | None,
    shown: Mapping[str, str],
    folder: Path,
    console: Console,
    is_stopped: StopRequest,
) -> tuple[Outcome, Artifacts]:
    """Train until the end or until a signal comes, and write what there is then.

    Raises:
        Interrupted: There is nothing yet.
    """
    from catgrad.cli import summary
    from catgrad.cli.artifacts import write
    from catgrad.cli.interruption import Interrupted
    from catgrad.cli.progress import Bar

    with Bar(console, trainer, start) as bar:  # written inside: a bar that cannot be drawn any more loses nothing
        outcome = trainer.run(bar, start, is_stopped)
        now = outcome.progress
        if not now.history and not now.steps:
            raise Interrupted(is_stopped.number, "interrupted before the first step: there is nothing to save")
        record, finished = summary.record(trainer, outcome), trainer.has_finished(now)
        return outcome, write(folder, shown, now.state, record, finished=finished)


def _report(arguments: Namespace, trainer: Trainer, outcome: Outcome, files: Artifacts, console: Console) -> None:
    """Print how training went, in the form that is asked for."""
    from catgrad.cli import summary

    console.print(summary.after(trainer, outcome, files, console.width))
    if arguments.quiet:
        print(summary.accuracy(trainer, outcome))
    if arguments.json:
        print(json.dumps({**summary.record(trainer, outcome), "files": files.paths}))


def _advice(arguments: Namespace, width: int) -> str:
    """Return the command that goes on, in lines of a width."""
    from catgrad.cli.console import folded_command
    from catgrad.cli.summary import command

    places = {"--data": arguments.data, "--save": arguments.save}
    options = [f"{option} {shlex.quote(str(place))}" for option, place in places.items() if place is not None]
    return folded_command([command(), "train", arguments.dataset, *options, "--resume"], width)


def _settings(arguments: Namespace) -> Settings:
    if arguments.hidden and arguments.model in {"linear", "dense"}:
        raise CatgradError(f"--hidden: the model {arguments.model} has no hidden layer")
    return TASKS[arguments.dataset].settings(
        model=arguments.model,
        hidden=arguments.hidden,
        epochs=arguments.epochs,
        batch=arguments.batch,
        optimizer=arguments.optimizer,
        rate=arguments.lr,
        seed=arguments.seed,
    )
