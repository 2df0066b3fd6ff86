"""What a reader of the papers' tables must know: contradictions in and between them, and our readings."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

CSV = Path(__file__).with_name("footnotes.csv")
"""One row a note: paper, table, note. Without a table it goes with all of the paper's."""


def footnotes(paper: str, table: str) -> tuple[str, ...]:
    """Of one table, those of the whole paper last."""
    rows = [(place, note) for key, place, note in _rows() if key == paper and place in (table, "")]
    return tuple(note for place, note in sorted(rows, key=lambda row: not row[0]))


@cache
def _rows() -> tuple[tuple[str, str, str], ...]:
    with CSV.open(newline="", encoding="utf-8") as file:
        return tuple((row["paper"], row["table"], row["note"]) for row in csv.DictReader(file))
