"""Paths: their rows, their gaps, their parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.tubes.paths import Paths, chained


def columns(path: list[int], frame: list[int]) -> dict[str, Any]:
    count = len(path)
    boxes = np.arange(4.0 * count).reshape(count, 4)
    return {
        "video": np.zeros(count), "path": np.array(path), "label": np.array(path) + 2,
        "frame": np.array(frame), "boxes_R4": boxes, "score": np.arange(count) / 10, "row": np.arange(count),
    }  # fmt: skip


PATHS = Paths(("v",), **columns([0, 0, 0, 1, 1, 2], [4, 5, 6, 4, 5, 9]))


def test_starts_and_lengths() -> None:
    assert PATHS.starts.tolist() == [0, 3, 5]
    assert PATHS.lengths.tolist() == [3, 2, 1]
    nothing = Paths(("v",), **columns([], []))
    assert len(nothing.starts) == len(nothing.lengths) == len(nothing.top_mean(None)) == 0


def test_top_mean() -> None:
    np.testing.assert_allclose(PATHS.top_mean(None), [0.1, 0.35, 0.5], rtol=1e-6)
    np.testing.assert_allclose(PATHS.top_mean(2), [0.15, 0.35, 0.5], rtol=1e-6)
    np.testing.assert_allclose(PATHS.top_mean(1), [0.2, 0.4, 0.5], rtol=1e-6)


def test_runs_cut_paths_where_rows_are_dropped() -> None:
    cut = PATHS.runs(np.array([True, False, True, True, True, False]))
    assert cut.path.tolist() == [0, 1, 2, 2]
    assert cut.row.tolist() == [0, 2, 3, 4]
    with pytest.raises(ValueError, match="6 rows, mask of shape"):
        PATHS.runs(np.ones(3, bool))


def test_ordered_takes_whole_paths_in_any_order_and_more_than_once() -> None:
    turned = PATHS.ordered(np.array([2, 0, 2]))
    assert turned.row.tolist() == [5, 0, 1, 2, 5]
    assert turned.path.tolist() == [0, 1, 1, 1, 2]


def test_gaps_are_filled_with_the_next_box_or_on_the_line() -> None:
    given = columns([3, 3, 3, 8, 8], [1, 2, 5, 0, 2])
    copied = chained(("v",), "copy", **given)
    assert copied.path.tolist() == [0] * 5 + [1] * 3
    assert copied.frame.tolist() == [1, 2, 3, 4, 5, 0, 1, 2]
    assert copied.row.tolist() == [0, 1, 2, 2, 2, 3, 4, 4]
    assert copied.boxes_R4[:, 0].tolist() == [0, 4, 8, 8, 8, 12, 16, 16]
    between = chained(("v",), "interpolate", **given)
    assert between.row.tolist() == copied.row.tolist()
    np.testing.assert_allclose(between.boxes_R4[:, 0], [0, 4, 16 / 3, 20 / 3, 8, 12, 14, 16], rtol=1e-6)
    np.testing.assert_allclose(between.score * 40, between.boxes_R4[:, 0], rtol=1e-6)


def test_broken_rows_are_refused() -> None:
    good = columns([0, 0], [1, 2])
    with pytest.raises(ValueError, match="consecutive"):
        Paths(("v",), **good | {"frame": np.array([1, 3])})
    with pytest.raises(ValueError, match="numbered from 0"):
        Paths(("v",), **good | {"path": np.array([1, 1])})
    with pytest.raises(ValueError, match="numbered from 0"):
        Paths(("v",), **good | {"path": np.array([0, 2])})
    with pytest.raises(ValueError, match="differ in length"):
        Paths(("v",), **good | {"score": np.zeros(3)})
