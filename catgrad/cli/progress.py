"""The progress of training, live on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from catgrad.cli.training import Epoch, Trainer
from catgrad.cli.training import Progress as Training

__all__ = ["Bar"]

_WHOLE = Column(no_wrap=True)


class _Known(ProgressColumn):
    """A text about the last epoch; nothing before there is one.

    Args:
        template: The text, with `{epoch.loss}` and the like.
    """

    max_refresh = None

    def __init__(self, template: str) -> None:
        self._template = template
        super().__init__(_WHOLE)

    def render(self, task: Task) -> Text:
        """Return the text."""
        return Text(self._template.format(**task.fields) if task.fields else "")


_COLUMNS: tuple[tuple[ProgressColumn, int], ...] = (
    (TextColumn("epoch {task.completed}/{task.total}", table_column=_WHOLE), 0),
    (BarColumn(bar_width=24), 4),
    (_Known("loss {epoch.loss:.4f}"), 1),
    (_Known("accuracy {epoch.accuracy:.2%}"), 2),
    (_Known("{rate:,.0f} steps/s"), 5),
    (TimeRemainingColumn(compact=True, elapsed_when_finished=True, table_column=_WHOLE), 3),
)
"""What is shown, and in which order it goes where there is no room for all: the greatest first."""


class _Fitting(Progress):
    """Progress in one line, of as many columns as the terminal has room for."""

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        """Return the line."""
        shown, count = list(tasks), len(_COLUMNS)
        while True:
            self.columns = tuple(column for column, importance in _COLUMNS if importance < count)
            table = super().make_tasks_table(shown)
            if count == 1 or not shown or self._has_room(table):
                return table
            count -= 1

    def _has_room(self, table: Table) -> bool:
        unlimited = self.console.options.update(width=10_000)
        return Measurement.get(self.console, unlimited, table).maximum <= self.console.width


class Bar:
    """A progress bar, called after each epoch; as a context manager it restores the terminal whatever happens.

    Args:
        console: Where it is drawn; one that is no terminal gets its last state only.
        trainer: What trains.
        start: Where it goes on, if it does not begin.
    """

    def __init__(self, console: Console, trainer: Trainer, start: Training | None = None) -> None:
        self._progress = _Fitting(console=console)
        self._steps = trainer.steps
        done = 0 if start is None else len(start.history)
        self._task: TaskID = self._progress.add_task("", total=trainer.settings.epochs, completed=done)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, epoch: Epoch) -> None:
        """Show that `epoch` is done."""
        self._progress.update(self._task, advance=1, epoch=epoch, rate=self._steps / epoch.seconds)
