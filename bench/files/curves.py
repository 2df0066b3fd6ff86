"""Tables of numbers that grow while something works: training curves, samples of the machine's load."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path


def read_curve(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """(step, values) of every whole row of a curve; what its writer has not ended yet is left out."""
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    for row in csv.DictReader(whole.splitlines()):
        yield int(row.pop("step")), {name: float(value) for name, value in row.items()}
