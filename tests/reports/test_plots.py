"""Curves read from matches, the Pareto line, and which videos are the best and the worst."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.protocol import Protocol, evaluator
from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from bench.results.result import Result, write_matches
from reports.boards import boards
from reports.figures import class_map, clipped, looks
from reports.pictures import chosen, ranked_videos
from reports.plots import error_bars, precision_recall
from reports.precision_recall import RECALL_P, class_mean, precision_curves
from reports.ranks import configuration
from reports.speed_plot import pareto, speed_accuracy

Make = Callable[..., Path]
POINTS = st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 100)), min_size=1, max_size=20)


def test_the_area_below_the_curve_is_about_the_map(make: Make) -> None:
    folder = make("a", 0.8)
    curves = precision_curves(folder, "frame", 0.5)
    result = Result.read(folder)
    estimate = result.metrics["frame_map/0.50"]
    assert estimate is not None
    assert set(curves) == set(result.per_class["frame_ap/0.50"])
    assert np.mean(class_mean(curves)) == pytest.approx(estimate.value, abs=3)


def test_a_curve_by_hand(tmp_path: Path) -> None:
    """True, false, true of four truths: precision 1 up to recall 1/4, then 2/3 up to 1/2, then none."""
    hits = [True, False, True]
    rows = [("v", "g", 0, "frame", 0.5, 0.9 - i / 10, hit) for i, hit in enumerate(hits)]
    columns = ["video", "group", "label", "level", "threshold", "score", "true_positive"]
    truth = [("g", 0, "A", "frame", 4), ("g", 1, "B", "frame", 2), ("g", 2, "C", "frame", 0)]
    frame = pd.DataFrame(truth, columns=["group", "label", "class", "level", "count"])
    write_matches(tmp_path, pd.DataFrame(rows, columns=columns), frame)
    curves = precision_curves(tmp_path, "frame", 0.5)
    wanted = np.where(RECALL_P <= 0.25, 100.0, np.where(RECALL_P <= 0.5, 200 / 3, 0.0))
    np.testing.assert_allclose(curves["A"], wanted)
    np.testing.assert_array_equal(curves["B"], 0.0)
    assert set(curves) == {"A", "B"}
    assert precision_curves(tmp_path, "tube", 0.5) == {}


@given(POINTS)
def test_nobody_beats_the_pareto_line(points: list[tuple[float, float]]) -> None:
    front = pareto(points)
    assert set(front) <= set(points)
    for x, y in points:
        assert any(a >= x and b >= y for a, b in front)
    assert all(a < c and b > d for (a, b), (c, d) in pairwise(front))


def test_a_configuration_looks_the_same_in_every_figure(make: Make) -> None:
    folders = [make("a", 0.9), make("a2", 0.8, seed=1), make("b", 0.4, method="b", title="B <i>")]
    (board,) = boards([(folder / "result.json", Result.read(folder)) for folder in folders])
    look = looks(board)
    assert len(look) == 2
    colour = look[configuration(Result.read(folders[2]))].colour.lower()
    for picture in (precision_recall(board), speed_accuracy(board)):
        assert picture is not None
        assert colour in picture.lower()
    for picture in (error_bars(board, "frame"), class_map(board, "video_ap/0.50")):
        assert picture is not None
        assert "B &lt;i&gt;" in picture
    assert error_bars(board, "tube") is None


def test_the_best_and_the_worst_videos(tmp_path: Path) -> None:
    """One tube a video: found; found behind a false one; missed with a sure false one; without annotation."""
    names = ("a", "b", "c", "d", "e")
    rows = [("a", 0.5, True), ("b", 0.9, False), ("b", 0.5, True), ("c", 0.8, False), ("d", 0.3, False)]
    frame = pd.DataFrame(
        [(v, "g", 0, "tube", 0.5, s, hit) for v, s, hit in sorted(rows, key=lambda row: -row[1])],
        columns=["video", "group", "label", "level", "threshold", "score", "true_positive"],
    )
    count = pd.DataFrame([("g", 0, "A", "tube", 4)], columns=["group", "label", "class", "level", "count"])
    write_matches(tmp_path, frame, count)
    zeros = np.zeros(4, int)
    tubes = TruthTubes(names, np.arange(4), np.arange(4), zeros, zeros, zeros + 5, zeros.astype(bool))
    boxes = TruthBoxes(names, zeros[:0], zeros[:0], zeros[:0], np.zeros((0, 4)))
    five = np.full(5, 10)
    truth = GroundTruth(("A",), VideoTable(names, five, five, five, five, names), tubes, boxes)
    ranked = ranked_videos(tmp_path, Protocol("ucf24", "1", evaluator("act")), truth)
    assert ranked == [("a", 100.0), ("b", 50.0), ("c", 0.0), ("d", 0.0)]
    assert [(d.name, d.video) for d in chosen(ranked)] == [
        ("best-1", "a"), ("best-2", "b"), ("worst-1", "d"), ("worst-2", "c"),
    ]  # fmt: skip
    assert chosen(ranked[:1]) == []


def test_labels_that_differ_at_the_end_differ_when_clipped() -> None:
    label = "YOWO \u00b7 tiny+default crops.steps=45 training.steps=80 \u00b7 seed {}"
    shown = [clipped(label.format(seed), 34) for seed in range(3)]
    assert len(set(shown)) == 3
    assert all(len(one) == 34 and one.startswith("YOWO") for one in shown)
    assert clipped("short", 34) == "short"
