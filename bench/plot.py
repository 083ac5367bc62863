"""The plot: each peer's time over ours, one line a case, on a logarithmic scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.results import OURS, CaseResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot"]

MARKERS = "osD^v<>Ph*"


def plot(results: list[CaseResult], path: Path) -> None:
    """Draws the results of all cases that have any.

    Args:
        results: What was measured.
        path: Where to; the suffix (.png, .svg, .pdf) says in which format.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    drawn = [result for result in results if result.ratio is not None][::-1]
    if not drawn:
        raise SystemExit("nothing to draw: no case has figures of catgrad and of a peer")
    figure, axes = pyplot.subplots(figsize=(8, 1.5 + 0.3 * len(drawn)), layout="constrained")
    draw_peers(axes, drawn)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(drawn)), [result.case for result in drawn])
    axes.set_xlabel("time relative to catgrad: right of the line, catgrad is faster")
    axes.grid(axis="x", which="both", alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.savefig(path)
    pyplot.close(figure)


def draw_peers(axes: Axes, results: list[CaseResult]) -> None:
    """A mark for each peer in each case."""
    points = peer_points(results)
    for position, (name, peer) in enumerate(sorted(points.items())):
        ratios, lines = zip(*peer, strict=True)
        axes.plot(ratios, lines, linestyle="", marker=MARKERS[position % len(MARKERS)], alpha=0.8, label=name)


def peer_points(results: list[CaseResult]) -> dict[str, list[tuple[float, int]]]:
    """For each peer, its time over ours and the line it is drawn on."""
    points: dict[str, list[tuple[float, int]]] = {}
    for line, result in enumerate(results):
        for figures in result.measured:
            if result.ours is not None and figures.name != OURS:
                points.setdefault(figures.name, []).append((figures.seconds / result.ours.seconds, line))
    return points
