"""A report for people, as tables, and for programs, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType

from catgrad.gpu_report.report import LaunchReport, Report, Roofline
from catgrad.gpu_report.table import FittingTable
from catgrad.passes.gpu.work import PRODUCTS, Work
from catgrad.runtime.gpu_emulator import Traffic

__all__ = ["as_json", "tables"]


def as_json(report: Report) -> dict[str, Any]:
    """Return a report as what JSON has; bytes, seconds and counts are numbers, and what was not counted is null."""
    return {
        "gpu": asdict(report.gpu),
        "launches": [_launch_as_json(each) for each in report.launches],
        "total": {
            "work": asdict(report.work),
            "traffic": None if report.traffic is None else asdict(report.traffic),
            "seconds": report.seconds,
        },
        "least": {**asdict(report.least), "seconds": report.least_time.seconds},
    }


def _launch_as_json(row: LaunchReport) -> dict[str, Any]:
    return {
        **asdict(row.launch),
        **asdict(row.code.usage),
        "shared_bytes": row.shared_bytes,
        "occupancy": {**asdict(row.occupancy), "fraction": row.occupancy.fraction},
        "instructions": row.code.instructions,
        "kinds": row.code.kinds,
        "opcodes": dict(row.code.opcodes),
        "traffic": None if row.traffic is None else asdict(row.traffic),
        "roofline": asdict(row.roofline),
    }


def tables(report: Report) -> RenderableType:
    """Return the report: the GPU, what the kernels are, and what the launches do, one by one and together."""
    gpu = report.gpu
    peaks = [f"{gpu.flops[format] / 1e12:g} TFLOPS for {format}" for format in ("f32", f"f16{PRODUCTS}")]
    return Group(
        f"{gpu.title}: {gpu.architecture}, {gpu.multiprocessors} multiprocessors",
        f"{', '.join(peaks)}, {gpu.bandwidth / 1e9:,.0f} GB/s",
        f"peaks of the {gpu.source}",
        "",
        _kernels(report),
        "",
        _launches(report),
    )


def _kernels(report: Report) -> FittingTable:
    """Return the table of the kernels, each once."""
    table = FittingTable(
        "kernel", "regs", "shared", "stack", "spill", "occ", "limit", "instr", "MMA", "LDG+STG", "LDS+STS"
    )
    for name, row in {each.launch.kernel: each for each in report.launches}.items():
        table.add_row(name, *_kernel(row))
    return table


def _kernel(row: LaunchReport) -> Iterator[str]:
    usage, kinds = row.code.usage, row.code.kinds
    yield str(usage.registers)
    yield _bytes(row.shared_bytes)
    yield str(usage.stack_bytes)
    yield str(usage.spilled_bytes)
    yield f"{row.occupancy.fraction:.0%}"
    yield row.occupancy.limits[0]
    yield str(row.code.instructions)
    yield str(kinds["tensor"])
    yield f"{kinds['global_load'] + kinds['async_copy']}+{kinds['global_store']}"
    yield f"{kinds['shared_load']}+{kinds['shared_store']}"


def _launches(report: Report) -> FittingTable:
    """Return the table of the launches, in order, and what they amount to."""
    table = FittingTable("launch", "grid", "block", "FLOP", "moved", "least", "ratio", "time", "bound", "at")
    for row in report.launches:
        launch = row.launch
        sizes, place = map(_sizes, (launch.grid, launch.block)), Path(launch.place).name
        table.add_row(launch.kernel, *sizes, *_amounts(launch.work, row.traffic), *_time(row.roofline), place)
    number, together = f"{len(report.launches)} launches", Roofline(report.seconds, "")
    table.add_row(number, "", "", *_amounts(report.work, report.traffic), *_time(together))
    table.add_row("as one", "", "", *_amounts(report.least, None), *_time(report.least_time))
    return table


def _time(roofline: Roofline) -> tuple[str, str]:
    return _seconds(roofline.seconds), roofline.bound


def _amounts(work: Work, traffic: Traffic | None) -> tuple[str, str, str, str]:
    """Return FLOP, bytes moved, bytes that have to, and the ratio."""
    least = work.read + work.written
    moved = None if traffic is None else traffic.read + traffic.written
    return _count(sum(work.flop.values())), "" if moved is None else _bytes(moved), _bytes(least), _ratio(moved, least)


def _ratio(moved: int | None, least: int) -> str:
    """Return a ratio; 1 is exactly 1."""
    if moved is None or not least:
        return ""
    return "1" if moved == least else f"{moved / least:.2f}"


def _sizes(sizes: Sequence[int]) -> str:
    """Return the extents of a grid or a block without those at the end that are 1."""
    x, y, z = sizes
    return "×".join(map(str, sizes if z > 1 else (x, y) if y > 1 else (x,)))


def _scaled(amount: float, base: int, units: Sequence[str]) -> str:
    """Return an amount in the largest unit of which it is one at least, with three digits."""
    power = 0
    while amount >= base and power < len(units) - 1:
        amount, power = amount / base, power + 1
    text = f"{amount:.0f}" if amount >= 100 or amount == int(amount) else f"{amount:.3g}"
    return f"{text} {units[power]}".rstrip()


def _bytes(amount: int) -> str:
    return _scaled(amount, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def _count(amount: int) -> str:
    return _scaled(amount, 1000, ("", "k", "M", "G", "T", "P"))


def _seconds(amount: float) -> str:
    return _scaled(amount * 1e9, 1000, ("ns", "µs", "ms", "s"))
