"""Leaderboards: what stands together, in which rank, and that the page is safe, whole and reproducible."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

from bench.results.result import Result, read_all
from reports.boards import Board, boards, seed_table
from reports.leaderboard import write_report

Make = Callable[..., Path]
EVIL = ("<script>alert(1)</script>", "$x^2$ & \"q\" 'r'", "=cmd|' /C calc'!A0")


def board_of(*folders: Path) -> Board:
    (board,) = boards([(folder / "result.json", Result.read(folder)) for folder in folders])
    return board


def test_rank_counts_the_significantly_better(make: Make) -> None:
    strong, weak, same = make("a", 0.9, method="a"), make("b", 0.2, method="b"), make("c", 0.9, method="c")
    board = board_of(strong, weak, same)
    assert [(row.result.identity.method, row.rank) for row in board.rows] == [("a", 1), ("c", 1), ("b", 3)]


def test_seeds_count_once_and_never_outrank_each_other(make: Make) -> None:
    folders = [make(f"s{seed}", 0.2 + 0.35 * seed, seed=seed, method="a") for seed in range(3)]
    board = board_of(*folders, make("weak", 0.0, seed=9, method="b"))
    assert [row.rank for row in board.rows] == [1, 1, 1, 2]
    table = seed_table(board)
    assert table is not None
    assert len(table.rows) == 1
    assert table.rows[0][2] == "3"


def test_partial_and_inapplicable_results_follow_unranked(make: Make) -> None:
    board = board_of(make("p", 0.9, partial=True), make("t", 0.9, tubes=False), make("full", 0.1))
    assert [(row.rank, row.status) for row in board.rows] == [
        (1, ""), (None, "partial 7/12"), (None, "not applicable"),
    ]  # fmt: skip


def test_real_and_rendered_never_share_a_table(make: Make) -> None:
    results = [make("m", 0.5, "ucf24-mini@1.small"), make("r", 0.5), make("j", 0.5, "jhmdb", split="mean")]
    found = boards([(folder / "result.json", Result.read(folder)) for folder in results])
    assert [(board.protocol, board.synthetic, bool(board.published)) for board in found] == [
        ("jhmdb/mean/act@1", False, True),
        ("ucf24/1/act@1", False, True),
        ("ucf24-mini@1.small/1/act@1", True, False),
    ]


class Checker(HTMLParser):
    """Collects tags and addresses; void elements do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_self_contained_and_escaped(make: Make, tmp_path: Path) -> None:
    make("a", 0.7, classes=EVIL, title=EVIL[0], variant="<b>full</b>+x")
    make("b", 0.4, "ucf24-mini@1.small", title="Méthode", method="b")
    (tmp_path / "runs" / "<i>").mkdir()
    (tmp_path / "runs" / "<i>" / "result.json").write_text('{"schema_version": "<script>"}')
    written = write_report(tmp_path / "runs", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert not checker.tags & {"script", "i", "link", "iframe"}
    assert all(re.match(r"data:image/svg\+xml;base64,|#", address) for address in checker.addresses)
    assert not re.search(r"url\(|@import", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "has schema version &lt;script&gt;" in page
    assert str(tmp_path) not in page
    for path in written:
        if path.suffix in (".svg", ".md"):
            assert "<script" not in path.read_text()


def test_the_same_results_give_the_same_bytes(make: Make, tmp_path: Path) -> None:
    make("a", 0.7)
    make("b", 0.4, method="b", title="B")
    first = {path.name: path.read_bytes() for path in write_report(tmp_path / "runs", tmp_path / "one")}
    shutil.copytree(tmp_path / "runs", tmp_path / "elsewhere" / "runs")
    again = write_report(tmp_path / "elsewhere" / "runs", tmp_path / "two")
    assert {path.name: path.read_bytes() for path in again} == first
    assert {path.suffix for path in again} == {".html", ".md", ".csv", ".tex", ".svg"}


def test_csv_holds_results_and_marked_published_rows(make: Make, tmp_path: Path) -> None:
    folder = make("a", 0.7)
    write_report(tmp_path / "runs", tmp_path / "out")
    (path,) = (tmp_path / "out").glob("ucf24-1-*.leaderboard.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    value = Result.read(folder).metrics["video_map/0.50"]
    assert value is not None
    assert rows[0]["video-mAP @.5"].startswith(f"{value.value:.1f} [")
    assert rows[0]["rank"] == "1"
    assert {row["rank"] for row in rows[1:]} == {"published"}
    assert any(row["source"] == "pcsc2019, Table 2" for row in rows)


def test_no_results_no_tables(tmp_path: Path) -> None:
    (page,) = write_report(tmp_path, tmp_path / "out")
    assert "No results yet" in page.read_text()
    assert read_all(tmp_path).results == ()
