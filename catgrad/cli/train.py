"""Train a classifier with one compiled step."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from catgrad.cli.arguments import natural, positive, rate
from catgrad.cli.tasks import MODELS, OPTIMIZERS, TASKS
from catgrad.errors import CatgradError

if TYPE_CHECKING:
    from catgrad.cli.tasks import Settings

__all__ = ["EPILOG", "configure", "run"]

EPILOG = """\
examples:
  catgrad train digits
  catgrad train iris --model dense
  catgrad train fashion-mnist --hidden 512 --epochs 5 --save runs/wide
"""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("dataset", choices=TASKS, help="what to learn: %(choices)s", metavar="DATASET")
    parser.add_argument("--model", choices=MODELS, help="x Wᵀ; a dense layer; or two (default: hidden)")
    parser.add_argument("--hidden", type=positive, metavar="N", help="width of the hidden layer")
    parser.add_argument("--epochs", type=positive, metavar="N", help="how often the examples are seen")
    parser.add_argument("--batch", type=positive, metavar="N", help="examples in a step")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="how parameters change")
    parser.add_argument("--lr", type=rate, metavar="X", help="learning rate")
    parser.add_argument("--seed", type=natural, metavar="N", help="the same seed gives the same numbers (default: 0)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the dataset's files, where it has files")
    parser.add_argument("--target", default="cpu", help="cpu, cuda or cuda:emulate (default: %(default)s)")
    parser.add_argument("--save", type=Path, metavar="DIR", help="where to write (default: runs/DATASET)")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--quiet", action="store_true", help="print nothing but the accuracy")
    shown.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: Namespace) -> int:
    """Train, write the files of the run, and say how it went."""
    # Here and not above: these take long to load, and help needs none of them.
    from rich.console import Console

    from catgrad.cli import data, summary
    from catgrad.cli.artifacts import prepare, write
    from catgrad.cli.progress import Bar
    from catgrad.cli.training import Trainer

    settings = _settings(arguments)
    folder = arguments.save or Path("runs", settings.dataset)
    console = Console(highlight=False, soft_wrap=True, quiet=arguments.quiet or arguments.json)
    with console.status(f"reading {settings.dataset} and compiling the training step"):
        examples = data.load(settings.dataset, settings.seed, arguments.data)
        trainer = Trainer(settings, examples, arguments.target)
        introduction = summary.before(trainer)
    prepare(folder)
    console.print(introduction)
    with Bar(console, settings.epochs, trainer.steps) as bar:
        outcome = trainer.run(watch=bar)
    record = summary.record(trainer, outcome)
    files = write(folder, trainer.step, trainer.predict, outcome.parameters, record)
    console.print(summary.after(trainer, outcome, files))
    if arguments.quiet:
        print(summary.accuracy(trainer, outcome))
    if arguments.json:
        print(json.dumps({**record, "files": files.paths}))
    return 0


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
