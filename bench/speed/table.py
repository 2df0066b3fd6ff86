"""Rows of ``bench speed`` as one table, with what each number includes below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.speed.marks import DECODE, FLOW, LINK, NETWORK, NMS
from bench.speed.rows import RANDOM, Rate, Row

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = {DECODE: "decode", FLOW: "flow", NETWORK: "network", NMS: "NMS", LINK: "linking"}
EMPTY = "–"


def table(rows: Sequence[Row]) -> Table:
    """A row a measurement: frames a second (milliseconds a frame, 90th percentile), shares of the parts.

    The letters after the numbers lead to :func:`notes`.
    """
    from rich.markup import escape
    from rich.table import Column, Table

    numbers = [Column(name, justify="right") for name in ("network alone", "file to tubes", "latency, ms")]
    shares = [Column(f"{name}, %", justify="right") for name in (*SHOWN.values(), "rest")]
    costs = [Column(name, justify="right") for name in ("parameters, M", "GFLOP", "peak, MB")]
    found = Table("method", "batch", "precision", *numbers, *shares, *costs, title_justify="left",
                  title="Frames a second (ms a frame, 90th percentile)")  # fmt: skip
    letters = _letters(rows)
    for row in rows:
        key = row.key
        found.add_row(
            escape(f"{key.method} {key.variant}"),
            str(key.batch),
            key.precision + ", compiled" * key.compiled,
            *(_rate(rate, letters) for rate in (row.network, row.end_to_end)),
            EMPTY if row.latency is None else _milliseconds(row.latency, letters),
            *_shares(row),
            f"{row.parameters / 1e6:.2f}",
            f"{row.gflops:.2f}",
            f"{row.peak_mb:.0f}",
        )
    return found


def notes(rows: Sequence[Row]) -> list[str]:
    """What every letter, weight and machine of the table means, a line each."""
    said = [f"{letter}  {includes}" for includes, letter in _letters(rows).items()]
    said.append("rest: inputs made of frames, boxes chosen, and what a method does without a mark of its own")
    for weights in dict.fromkeys(row.key.weights for row in rows):
        random = weights == RANDOM
        caution = "; how many boxes there are, and so NMS and linking, is not as after training" * random
        said.append(f"weights: {weights}{caution}")
    for key in dict.fromkeys(_machine(row) for row in rows):
        said.append(key)
    return said


def _letters(rows: Sequence[Row]) -> dict[str, str]:
    """What a rate includes -> its letter."""
    rates = (rate for row in rows for rate in (row.network, row.end_to_end, row.latency) if rate)
    return {includes: _letter(n) for n, includes in enumerate(dict.fromkeys(r.includes for r in rates))}


def _letter(number: int) -> str:
    return chr(ord("a") + number % 26) * (1 + number // 26)


def _rate(rate: Rate, letters: dict[str, str]) -> str:
    return f"{rate.fps:.1f} ({rate.ms_p90:.1f}) {letters[rate.includes]}"


def _milliseconds(rate: Rate, letters: dict[str, str]) -> str:
    return f"{rate.ms:.1f} ({rate.ms_p90:.1f}) {letters[rate.includes]}"


def _shares(row: Row) -> list[str]:
    shares = [row.parts[name].share if name in row.parts else None for name in SHOWN]
    rest = sum(part.share for name, part in row.parts.items() if name not in SHOWN)
    return [EMPTY if share is None else f"{share:.0f}" for share in (*shares, rest)]


def _machine(row: Row) -> str:
    key = row.key
    return (
        f"{key.method} {key.variant}: {key.machine}, "
        f"{row.repeats} {'walks' if row.repeats > 1 else 'walk'} over {key.video}; peak of the {row.peak_of}"
    )
