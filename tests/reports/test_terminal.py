"""Tables in a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Column, Table

from reports.terminal import show_whole


@pytest.mark.parametrize("width", [20, 80])
def test_a_narrow_terminal_cuts_no_number(width: int) -> None:
    numbers = [f"{100 * n + 23.4:.1f}" for n in range(12)]
    table = Table("method", *(Column(f"@{n}", justify="right") for n in range(12)))
    table.add_row("a name of several words", *numbers)
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    show_whole(table, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\u2026" not in text
    assert all(number in text for number in numbers)
    assert all(word in text for word in ["a", "name", "of", "several", "words"])


def test_a_wide_one_is_not_filled() -> None:
    table = Table("a")
    table.add_row("b")
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    show_whole(table, console)
    assert max(map(len, console.file.getvalue().splitlines())) < 10  # type: ignore[attr-defined]
