"""Leaderboards: what stands together, in which rank, and that the page is safe, whole and reproducible."""

from __future__ import annotations

import base64
import csv
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.results.result import ON_SCORED, ON_VALIDATION, Result, read_all
from bench.sources import Source
from bench.tuning.record import StudyRecord, Trial
from reports.board_tables import error_table, leaderboard_table, seed_table
from reports.boards import Board, boards
from reports.leaderboard import write_report
from reports.page import TEMPLATES

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
    assert table.rows[0][2] == "0, 1, 2"


def test_runs_of_other_weights_are_no_seeds_of_one_configuration(make: Make) -> None:
    folders = [make(f"s{seed}", 0.1 + 0.7 * seed, seed=seed) for seed in range(2)]
    assert [row.rank for row in board_of(*folders).rows] == [1, 1]
    given = Result.read(folders[1])
    source = Source("vgg16.pth", "0123456789abcdef")
    replace(given, identity=replace(given.identity, sources={"model.pretrained": source})).write(folders[1])
    board = board_of(*folders)
    assert [row.rank for row in board.rows] == [1, 2]
    assert seed_table(board) is None
    told = [dict(zip(leaderboard_table(board).columns, row)) for row in leaderboard_table(board).rows]
    assert told[0]["remarks"] == "model.pretrained: vgg16.pth (0123456789abcdef)"
    assert told[1]["remarks"] == "–"


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
    """Collects tags, addresses and scripts; void elements do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.scripts: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def hostile(make: Make, tmp_path: Path) -> None:
    """Results whose every name is an attempt at something."""
    make("a", 0.7, classes=EVIL, title=EVIL[0], variant="<b>full</b>+x")
    make("b", 0.6, classes=EVIL, title="m" * 10_000, method="m" * 10_000)
    make("c", 0.5, classes=EVIL, title="\u202eevil \u0642\u0641\u0632", method="rtl")
    make("d", 0.4, "ucf24-mini@1.small", title="Méthode", method="b")
    (tmp_path / "runs" / "<i>").mkdir()
    (tmp_path / "runs" / "<i>" / "result.json").write_text('{"schema_version": "<script>"}')


def test_the_page_is_well_formed_self_contained_and_escaped(make: Make, tmp_path: Path) -> None:
    hostile(make, tmp_path)
    written = write_report(tmp_path / "runs", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert not checker.tags & {"i", "link", "iframe", "b" * 2}
    assert not checker.handlers
    *data, program = checker.scripts
    assert program.strip() == (TEMPLATES / "page.js").read_text().strip()
    assert all(json.loads(text)["classes"] for text in data)
    assert all(re.match(r"data:image/svg\+xml;base64,|#", address) for address in checker.addresses)
    assert not re.search(r"url\(|@import", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "has schema version &lt;script&gt;" in page
    assert str(tmp_path) not in page
    assert "m" * 61 not in re.sub(r'title="[^"]*"', "", page)
    for path in written:
        if path.suffix in (".svg", ".md"):
            assert "<script" not in path.read_text()


def test_gaps_and_their_reasons_stand_beside_the_papers_numbers(make: Make) -> None:
    board = board_of(make("a", 0.7, variant="tiny+default"), make("b", 0.5, variant="full+another"))
    table = leaderboard_table(board)
    row, other = (dict(zip(table.columns, cells)) for cells in table.rows[:2])
    value = board.rows[0].result.metrics["video_map/0.50"]
    assert value is not None
    assert (row["paper"], row["gap"]) == ("61.0", f"{value.value - 61.0:+.1f}")
    for reason in (
        "network: tiny",
        "pre-training: none (paper: Kinetics",
        "flow: dis (paper: flownet2)",
        "400 steps",
    ):
        assert reason in row["known reasons"]
    assert (other["paper"], other["gap"]) == ("–", "–")  # no row of the paper


def test_rendered_data_has_no_gap(make: Make) -> None:
    table = leaderboard_table(board_of(make("m", 0.5, "ucf24-mini@1.small")))
    assert not {"paper", "gap"} & set(table.columns)


def test_errors_are_a_table_a_decomposition(make: Make) -> None:
    board = board_of(make("a", 0.7), make("b", 0.5, method="b"))
    table = error_table(board, "frame")
    assert table is not None
    assert [row[0] for row in table.rows] == ["localization", "classification", "time", "other", "missed"]
    assert table.columns[1:] == tuple(row.label for row in board.rows)
    assert error_table(board, "oracle") is None


def test_the_same_predictions_under_two_evaluators_show_the_spread(make: Make, tmp_path: Path) -> None:
    make("a", 0.7, "ucf24-mini@1.small")
    make("b", 0.6, "ucf24-mini@1.small", evaluator="road")
    make("other", 0.6, "ucf24-mini@1.small", evaluator="road", seed=1)
    written = write_report(tmp_path / "runs", tmp_path / "out")
    (path,) = [
        p
        for p in written
        if p.name.startswith("spread-") and "video-mAP-.5." in p.name and p.suffix == ".csv"
    ]
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["spread"]) == pytest.approx(abs(float(row["act"]) - float(row["road"])), abs=0.11)


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


def test_studies_stand_on_the_page_with_their_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "tune" / "s"
    trials = (Trial(0, "complete", (40.0,), {}, "", 1.0), Trial(1, "complete", (43.5,), {}, "", 1.0))
    StudyRecord(
        name="s", title="<b>PCSC</b>", protocol="ucf24-mini@1.micro/1/act@1", dataset="ucf24-mini@1.micro",
        seed=0, tuned_on="validation of train", videos=12, objectives=("video_map/0.50",), space=(),
        trials=trials, best=1, pareto=(1,), settings=("postprocess.nms=0.4",), importances={},
        pictures=("history.svg", "../secret.svg", "gone.svg"),
    ).write(folder)  # fmt: skip
    (folder / "history.svg").write_text("<svg>history</svg>")
    (folder.parent / "secret.svg").write_text("<svg>secret</svg>")
    write_report(tmp_path / "runs", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "&lt;b&gt;PCSC&lt;/b&gt;" in page
    assert "+3.5 points of video-mAP @.5" in page
    shown = [base64.b64decode(text).decode() for text in re.findall(r"svg\+xml;base64,([^\"]*)", page)]
    assert shown == ["<svg>history</svg>"]


def test_tuned_rows_say_so_and_those_tuned_on_what_is_scored_are_not_ranked(make: Make) -> None:
    folders = {
        tuned: make(tuned or "plain", 0.5, method=f"m{n}")
        for n, tuned in enumerate(("", ON_VALIDATION, ON_SCORED))
    }
    for tuned, folder in folders.items():
        result = Result.read(folder)
        replace(result, identity=replace(result.identity, tuned=tuned)).write(folder)
    rows = {row.result.identity.tuned: row for row in board_of(*folders.values()).rows}
    assert [rows[tuned].rank is None for tuned in folders] == [False, False, True]
    assert rows[""].marks == ()
    assert rows[ON_VALIDATION].marks == ("tuned on validation of train",)
    assert rows[ON_SCORED].status == "tuned on the scored videos"
