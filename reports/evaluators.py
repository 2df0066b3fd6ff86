"""The same predictions under every evaluator, for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from bench.external.rescore import SPREAD, Row
from reports.tables import EMPTY, metric_title


def show_spread(rows: Sequence[Row], title: str) -> None:
    """Print one row an evaluator, and below why one has no number."""
    heads = [Column(metric_title(name).replace(" @", "\n@"), justify="right") for name in SPREAD]
    table = Table(Column("evaluator", no_wrap=True), *heads, title=escape(title), title_justify="left")
    for row in rows:
        values = [row.metrics.get(name) for name in SPREAD]
        table.add_row(row.evaluator, *(EMPTY if value is None else f"{value:.2f}" for value in values))
    Console(file=sys.stdout, highlight=False).print(table)
    for why in dict.fromkeys(row.why for row in rows if row.why):
        print(f"note       {', '.join(row.evaluator for row in rows if row.why == why)}: {why}")
