"""Tables as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench.results.result import Estimate, Result
from reports.tables import Table, metric_title, result_table, with_interval

Make = Callable[..., Path]
EVIL = Table(
    "a <b>", ("na|me", "x_%"), (("<script>alert(1)</script>\n|[x](y)`", "1.5"), ("=2+3", "–")), 1, ("n <i>",)
)


def test_markdown_has_no_markup_of_its_own() -> None:
    text = EVIL.markdown()
    assert "<script" not in text
    assert r"\|" in text
    assert text.splitlines()[2:4] == [r"| na\|me | x_% |", "| --- | ---: |"]
    assert len(text.splitlines()) == 8


def test_csv_reads_back_and_holds_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(EVIL.csv())))
    assert rows == [["na|me", "x_%"], [EVIL.rows[0][0], "1.5"], ["'=2+3", ""]]


def test_latex_is_escaped() -> None:
    text = Table("t", ("a_b", "50%"), (("x & y", "{1}"),), 1).latex()
    assert r"a\_b & 50\%" in text
    assert r"x \& y & \{1\} \\" in text
    assert r"\begin{tabular}{lr}" in text


def test_metric_titles_and_intervals() -> None:
    assert metric_title("video_map/0.50-0.95") == "video-mAP @.5:.95"
    assert metric_title("frame_map/0.20") == "frame-mAP @.2"
    assert metric_title("frame_map/auc") == "frame-mAP auc"
    assert with_interval(Estimate(61.25, 55.0, 66.5)) == "61.2 [55.0–66.5]"
    assert with_interval(Estimate(61.0)) == "61.0"
    assert with_interval(None) == "–"


def printed(result: Result) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(result_table(result))
    return console.export_text()


def test_terminal_table(make: Make) -> None:
    text = printed(Result.read(make("a", 0.5, tubes=False, title="[red]PCSC", partial=True)))
    assert "[red]PCSC full+default, seed 0" in text
    assert "video-mAP @.5" in text
    assert "n/a" in text
    assert "partial 7/12: not ranked" in text
