"""Tables of numbers that are cut nowhere: where a terminal is too narrow for one, its rows become blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

__all__ = ["FittingTable"]

_UNLIMITED = 10_000
"""Characters of a line that a table without limits takes."""


class FittingTable:
    """A table, of which the first column names the rows.

    Args:
        *headers: Of the columns.
    """

    def __init__(self, *headers: str) -> None:
        self._headers = headers
        self._rows: list[Sequence[str]] = []

    def add_row(self, *cells: str) -> None:
        """Add a row, which may lack cells at its end."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table if it fits, else its rows one below the other."""
        table = self._table()
        if Measurement.get(console, options.update(width=_UNLIMITED), table).maximum <= options.max_width:
            yield table
            return
        for name, *cells in self._rows:
            yield Text(name, style="bold", overflow="fold")
            named = [f"{header} {cell}" for header, cell in zip(self._headers[1:], cells, strict=False) if cell]
            yield Text("\n".join(_lines(named, options.max_width)), no_wrap=True, overflow="ignore")

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        table.add_column(self._headers[0])
        for header in self._headers[1:]:
            table.add_column(header, justify="right", no_wrap=True)
        for row in self._rows:
            table.add_row(*row)
        return table


def _lines(words: Sequence[str], width: int) -> Iterator[str]:
    """Yield lines of whole words, indented.

    Example:
        >>> list(_lines(["regs 79", "shared 4 KiB", "stack 0"], 24))
        ['  regs 79  shared 4 KiB', '  stack 0']
    """
    line = ""
    for word in words:
        if line and len(line) + len(word) + 2 > width:
            yield line
            line = ""
        line += f"  {word}"
    yield line
