"""Figures are drawn again when what they show has changed, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports import leaderboard
from reports.boards import Board
from reports.kept import FOLDER, kept
from reports.leaderboard import write_report

Make = Callable[..., Path]


def test_what_was_drawn_of_the_same_is_taken(tmp_path: Path) -> None:
    drawn: list[str] = []

    def draw() -> dict[str, str]:
        drawn.append("once more")
        return {"curves": f"<svg>{len(drawn)}</svg>"}

    def ask(shown: Any) -> str:
        return kept(tmp_path, "board", shown, draw)["curves"]

    assert [ask([1.5]), ask([1.5]), ask([2.5]), ask([1.5])] == [f"<svg>{n}</svg>" for n in (1, 1, 2, 3)]
    (path,) = (tmp_path / FOLDER).iterdir()
    for broken in ("no JSON", "[]", "{}", path.read_text().replace('"<svg>3</svg>"', "3")):
        path.write_text(broken)
        again = len(drawn) + 1
        assert ask([1.5]) == f"<svg>{again}</svg>"


def test_a_report_draws_the_boards_that_changed(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def draw(board: Board) -> str:
        seen.append(board.protocol)
        return f"<svg>{[row.label for row in board.rows]}</svg>"

    monkeypatch.setattr(leaderboard, "FIGURES", {"curves": draw})
    make("a", 0.7)
    make("b", 0.7, dataset="jhmdb")

    def report() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in write_report(tmp_path / "runs", tmp_path / "out")}

    first = report()
    assert (report(), len(seen)) == (first, 2)
    make("c", 0.5, method="c", title="New")
    changed = report()
    assert seen[2:] == ["ucf24/1/act@1"]
    assert any("New" in text.decode() for name, text in changed.items() if name.endswith(".svg"))
