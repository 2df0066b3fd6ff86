"""The papers' numbers as data, and which of them fit a protocol."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from bench.protocol import Protocol, evaluator
from reports.boards import SHOWN
from reports.published import mean_alone, numbers, published_methods

UCF = Protocol("ucf24", "1", evaluator("act"))


def test_all_numbers_are_there() -> None:
    assert len(numbers()) == 584
    assert Counter(n.paper for n in numbers()) == {
        "reclnet2018": 274, "menet2020": 102, "pcsc2019": 82, "zhang2020": 77, "elnouby2018": 49,
    }  # fmt: skip
    assert {n.name for n in numbers() if n.iou_threshold == "0.5:0.95"} == {"video_map/0.50-0.95"}


def test_rows_that_fit_ucf24() -> None:
    rows = published_methods(UCF, SHOWN)
    pcsc = {row.method: row for row in rows if row.paper == "pcsc2019"}
    assert pcsc["PCSC + TR"].values == {
        "video_map/0.20": "84.3", "video_map/0.50": "61.0",
        "video_map/0.75": "23.0", "video_map/0.50-0.95": "27.8",
    }  # fmt: skip
    assert pcsc["PCSC"].values == {"frame_map/0.50": "79.2"}
    (zhang,) = [row for row in rows if row.paper == "zhang2020" and "video_map/0.50" in row.values]
    assert (zhang.fps, zhang.tables) == ("37.8", ("6",))
    assert not any("Ours" in row.method or "ours" in row.method or "[" in row.method for row in rows)
    assert not any("Saha" in row.method for row in rows)


def test_trimming_must_fit() -> None:
    trimmed = published_methods(replace(UCF, trimming="trimmed"), SHOWN)
    assert {row.paper for row in trimmed} == {"elnouby2018"}


def test_a_mean_over_splits_stands_on_the_board_of_the_mean_alone() -> None:
    mean = Protocol("jhmdb", "mean", evaluator("act"))
    assert {row.paper for row in published_methods(mean, SHOWN)} == {"pcsc2019", "zhang2020"}
    assert not mean_alone(mean)
    for split in ("1", "2", "3"):
        assert published_methods(replace(mean, split=split), SHOWN) == []
        assert mean_alone(replace(mean, split=split))
    assert not mean_alone(UCF)
    assert not mean_alone(replace(mean, dataset="jhmdb-mini@1.small", split="1"))


def test_rows_say_by_whose_rules_they_are() -> None:
    rules = {row.paper: row.rules for row in published_methods(UCF, SHOWN)}
    assert rules["pcsc2019"] == "no evaluator named"
    assert rules["zhang2020"] == "evaluator road"


def test_rendered_data_has_no_published_rows() -> None:
    assert published_methods(replace(UCF, dataset="ucf24-mini@1.small"), SHOWN) == []
