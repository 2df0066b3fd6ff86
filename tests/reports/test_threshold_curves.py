"""mAP by IoU threshold, of the level that a board is ranked by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.protocol import AUC_THRESHOLDS
from bench.results.result import Estimate, Result
from reports.boards import Board, boards
from reports.threshold_curves import threshold_curves

Make = Callable[..., Path]


@pytest.fixture
def board(make: Make) -> Board:
    """Two methods, one of which has no tubes."""
    folders = (
        make("a", 0.8, method="a", title="Linked"),
        make("b", 0.5, method="b", title="Framed", tubes=False),
    )
    results = [(folder / "result.json", Result.read(folder)) for folder in folders]
    path, framed = results[1]
    results[1] = path, replace(framed, metrics={**framed.metrics, "frame_map/auc": Estimate(41.25)})
    (found,) = boards(results)
    return found


def test_tubes_where_tubes_are_ranked(board: Board) -> None:
    drawn = threshold_curves(replace(board, ranking_metric="video_map/0.50"))
    assert drawn is not None
    assert "video-mAP (%)" in drawn
    assert "Linked" in drawn
    assert "Framed" not in drawn


def test_frames_and_the_area_where_frames_are_ranked(board: Board) -> None:
    drawn = threshold_curves(replace(board, ranking_metric="frame_map/0.50"))
    assert drawn is not None
    assert "frame-mAP (%)" in drawn
    assert "Linked" in drawn
    assert "AUC 41.2" in drawn
    assert threshold_curves(replace(board, ranking_metric="frame_map/0.50", rows=())) is None


def test_the_whole_curve_of_frames_stands_beside_that_of_tubes(board: Board) -> None:
    old = threshold_curves(replace(board, ranking_metric="video_map/0.50"))
    assert old is not None
    assert "frame-mAP" not in old
    curve = {f"{t:.2f}": 90.0 - 80 * t for t in AUC_THRESHOLDS}
    rows = tuple(replace(row, result=replace(row.result, curves={"frame_map": curve})) for row in board.rows)
    new = threshold_curves(replace(board, ranking_metric="video_map/0.50", rows=rows))
    assert new is not None
    assert "video-mAP (%)" in new
    assert "frame-mAP (%)" in new
    assert "Framed" in new
