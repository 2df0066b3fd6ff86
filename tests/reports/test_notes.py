"""What stands below a leaderboard: why numbers have no interval, which rows figures leave out, and more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.results.result import Estimate, Result, read_matches, write_matches
from reports.board_tables import leaderboard_table, seed_table
from reports.boards import Board, best_rows, boards
from reports.leaderboard import write_report
from reports.notes import EVALUATED, MEANS_ELSEWHERE, PUBLISHED, SEVERAL_CONFIGS, UNVARIED, notes, sample

Make = Callable[..., Path]


def board_of(*results: tuple[Path, Result]) -> Board:
    (board,) = boards(results)
    return board


def read(folder: Path) -> tuple[Path, Result]:
    return folder / "result.json", Result.read(folder)


def without_intervals(folder: Path) -> tuple[Path, Result]:
    path, result = read(folder)
    bare = {name: one and Estimate(one.value) for name, one in result.metrics.items()}
    return path, replace(result, metrics=bare)


def test_numbers_without_intervals_say_why(make: Make) -> None:
    whole, bare = (
        read(make("a", 0.7, method="a", title="Whole")),
        without_intervals(make("b", 0.6, title="Bare")),
    )
    said = notes(board_of(whole, bare))
    assert "Scored without intervals (--no-intervals): Bare · full+default · seed 0." in said
    assert not any("--no-intervals" in note for note in notes(board_of(whole)))


def test_one_source_group_a_class_is_another_reason(make: Make) -> None:
    """Of one video a class no resample differs, so that there is no interval and no rank."""
    entries = [
        without_intervals(make(name, quality, method=name)) for name, quality in (("a", 0.9), ("b", 0.1))
    ]
    for path, _ in entries:
        matches, truth = read_matches(path.parent)
        first = [f"g{label:02}00" for label in range(8)]
        write_matches(path.parent, *(table[table["group"].isin(first)] for table in (matches, truth)))
    board = board_of(*entries)
    assert UNVARIED in notes(board)
    assert not any("--no-intervals" in note for note in notes(board))
    assert [row.rank for row in board.rows] == [1, 1]
    assert sample(board) == "12 test videos of 8 source groups"


def test_what_numbers_rest_on(make: Make) -> None:
    assert sample(board_of(read(make("a", 0.7)))) == "12 test videos of 80 source groups"
    partial = read(make("p", 0.7, partial=True))
    assert sample(board_of(partial)).startswith("12 test videos")
    mean = read(make("m", 0.7, "jhmdb", split="mean"))
    assert sample(board_of(mean)).endswith(", a video counted once a split")


def test_figures_say_which_rows_they_leave_out(make: Make) -> None:
    rows = [read(make(f"s{seed}", 0.5, seed=seed)) for seed in range(2)]
    said = notes(board_of(*rows))
    assert "Figures show the best seed of each configuration." in said
    assert not any(note.startswith("Figures") for note in notes(board_of(rows[0])))
    many = [read(make(f"m{n}", 0.5, method=f"m{n}")) for n in range(5)]
    (limits,) = (note for note in notes(board_of(*many)) if note.startswith("Figures"))
    assert limits.startswith("Figures show at most 8 configurations")


def test_the_same_names_with_other_settings_are_another_configuration(make: Make) -> None:
    """As two versions of the suite leave them, whose defaults differ."""
    entries = [read(make(f"r{n}", 0.5, seed=seed)) for n, seed in enumerate((0, 0, 2))]
    path, old = entries[0]
    entries[0] = path, replace(old, identity=replace(old.identity, config_digest="feedfeedfeedfeed"))
    board = board_of(*entries)
    assert SEVERAL_CONFIGS in notes(board)
    assert len(best_rows(board)) == 2
    table = seed_table(board)
    assert table is not None
    ((_, variant, seeds, *_),) = table.rows
    assert (variant, seeds) == ("full+default · config 5bd4a4e6", "0, 2")
    assert len({row.label for row in board.rows}) == 3
    told = [dict(zip(leaderboard_table(board).columns, row)) for row in leaderboard_table(board).rows]
    assert {row["remarks"] for row in told[:3]} == {"config feedfeed", "config 5bd4a4e6"}
    assert SEVERAL_CONFIGS not in notes(board_of(*entries[1:]))


def test_imported_predictions_have_no_seed(make: Make) -> None:
    path, result = read(make("a", 0.5))
    identity = replace(result.identity, variant="imported", config={})
    (row,) = board_of((path, replace(result, identity=identity, training=None))).rows
    assert (row.seed, row.label) == ("–", "PCSC · imported")


@pytest.mark.parametrize(("split", "published"), [("1", False), ("mean", True)])
def test_means_of_papers_are_told_where_they_do_not_stand(make: Make, split: str, published: bool) -> None:
    board = board_of(read(make("a", 0.7, "jhmdb", split=split, method="other")))
    assert bool(board.published) is published
    assert (PUBLISHED in notes(board)) is published
    assert (MEANS_ELSEWHERE in notes(board)) is not published
    assert ("gap" in leaderboard_table(board).columns) is published


def test_a_gap_stands_where_no_row_of_the_paper_does(make: Make) -> None:
    """MENet's numbers of J-HMDB, of which the paper names no split."""
    board = board_of(read(make("a", 0.7, "jhmdb", method="menet", variant="full+default", title="MENet")))
    assert not board.published
    row = dict(zip(leaderboard_table(board).columns, leaderboard_table(board).rows[0]))
    assert row["paper"] == "88.1"
    assert "split: 1; the paper names none" in row["known reasons"]


def test_the_page_and_the_tables_say_the_same(make: Make, tmp_path: Path) -> None:
    path, _ = read(make("a", 0.7))
    board = board_of(read(path.parent))
    write_report(tmp_path / "runs", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    (text,) = (p.read_text() for p in (tmp_path / "out").glob("ucf24-1-*.md"))
    assert sample(board) in page
    assert sample(board) in text
    for note in notes(board):
        assert note.replace("'", "&#39;") in page
        assert note in text
    assert EVALUATED in page
