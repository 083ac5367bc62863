"""The progress of training, live on a terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from catgrad.cli.training import Epoch

__all__ = ["Bar"]

_COLUMNS = (
    TextColumn("epoch {task.completed}/{task.total}"),
    BarColumn(bar_width=24),
    TextColumn("loss {task.fields[loss]:.4f}  accuracy {task.fields[accuracy]:.2%}  {task.fields[rate]:,.0f} steps/s"),
    TimeRemainingColumn(compact=True, elapsed_when_finished=True),
)


class Bar:
    """A progress bar, called after each epoch; as a context manager it restores the terminal whatever happens.

    Args:
        console: Where it is drawn; one that is no terminal gets its last state only.
        epochs: How many there will be.
        steps: How many steps an epoch has.
    """

    def __init__(self, console: Console, epochs: int, steps: int) -> None:
        self._progress = Progress(*_COLUMNS, console=console)
        self._steps = steps
        self._task = self._progress.add_task("", total=epochs, loss=float("nan"), accuracy=0.0, rate=0.0)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, epoch: Epoch) -> None:
        """Show that `epoch` is done."""
        rate = self._steps / epoch.seconds
        self._progress.update(self._task, advance=1, loss=epoch.loss, accuracy=epoch.accuracy, rate=rate)
