"""What ``bench data`` shows as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from datasets.checks import Report, Row

STYLES = {"ok": "green", "known": "cyan", "wrong": "bold red", "note": "dim"}
NAMES = 3
"""Names that a row shows; the JSON has all."""


def bytes_said(count: float) -> str:
    """As people read it: ``71.3 MB``, ``1.2 GB``."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def report_tables(report: Report) -> None:
    """Print the check of a dataset: a table a part, the quirks, and the verdict."""
    console = Console(highlight=False)
    for part in report.parts:
        table = Table(title=f"{report.title}: {part.name}", title_justify="left", title_style="bold")
        for column, justify in (("", "left"), ("what", "left"), ("found", "right"), ("published", "right")):
            table.add_column(column, justify=justify)  # type: ignore[arg-type]
        for row in part.rows:
            table.add_row(*_cells(row))
        console.print(table)
    for quirk in (quirk for quirk in report.quirks if quirk.count):
        console.print(Text.assemble(("quirk", "cyan"), f"  {quirk.count:,} {quirk.name}: {quirk.treatment}"))
    for part in report.parts:
        wrong = sum(row.verdict == "wrong" for row in part.rows)
        verdict = Text("whole", "green") if part.whole else Text(f"NOT WHOLE: {wrong} wrong", "bold red")
        console.print(Text.assemble((part.name, "bold"), "  ", verdict))


def _cells(row: Row) -> tuple[Text, Text, str, str]:
    said = Text(row.what)
    for name in row.names[:NAMES]:
        said.append(f"\n  {name}", "dim")
    if len(row.names) > NAMES:
        said.append(f"\n  and {len(row.names) - NAMES:,} more", "dim")
    wanted = "" if row.wanted is None else f"{row.wanted:,}"
    return Text(row.verdict, STYLES[row.verdict]), said, f"{row.found:,}", wanted
