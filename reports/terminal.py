"""Tables in a terminal, of which nothing is cut."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPED = 400
"""Columns where no terminal says how many there are."""


def show_whole(table: Table, console: Console | None = None) -> None:
    """Print a table with all its words: where the terminal is too narrow for them, lines are longer than it.

    rich would cut words at the end, and of a number what is left is another number.
    """
    from rich.console import Console
    from rich.measure import Measurement

    console = console or Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = PIPED
    needed = Measurement.get(console, console.options.update(max_width=10_000), table).minimum
    console.width = max(console.width, needed)
    for column in table.columns:
        column.overflow = "fold"  # a word that rich gives too little room still goes on in the next line
    console.print(table, soft_wrap=False, crop=False)
