"""Box overlap and non-maximum suppression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics.boxes import area, iou, iou_matrix, nms


@pytest.mark.parametrize(("extent", "expected"), [(1, 50 / 150), (0, 36 / 126)])
def test_iou_by_hand(extent: int, expected: float) -> None:
    # 10 x 10 inclusive pixels, shifted by 5; continuous: 9 x 9, shifted by 5, common 4 x 9
    assert iou([[0, 0, 9, 9]], [[5, 0, 14, 9]], extent)[0] == pytest.approx(expected)


def test_areas_of_degenerate_boxes() -> None:
    boxes = np.array([[3, 3, 3, 3], [5, 0, 2, 9]], np.float32)
    assert area(boxes, 1).tolist() == [1, -20]
    assert area(boxes, 0).tolist() == [0, -27]
    assert iou(boxes[:1], boxes[:1], 0)[0] == 0
    assert iou(boxes[:1], boxes[:1], 1)[0] == 1


def test_sides_below_zero_are_clipped_or_stay_where_boxes_touch() -> None:
    boxes = [[0, 0, 9, 9], [9, 9, 0, 0], [9.5, 0, 20, 9], [9, 0, 20, 9]]
    whole = np.repeat(boxes[:1], 4, axis=0)
    clipped, touching = iou(whole, boxes, 1), iou(whole, boxes, 1, clipped=False)
    # the mirror image has 8 x 8 pixels and so has the common area; half a pixel away is no touch
    assert clipped == pytest.approx([1, 0, 5 / (100 + 115 - 5), 10 / (100 + 120 - 10)])
    assert touching == pytest.approx([1, 64 / 100, 0, 10 / (100 + 120 - 10)])


def test_precision_is_that_of_the_arithmetic() -> None:
    a, b = np.array([[0.1, 0.1, 0.3, 0.3]]), np.array([[0.1, 0.1, 0.5, 0.3]])
    assert iou(a, b, 0).dtype == np.float64
    assert iou(a, b, 0, np.float32).dtype == np.float32
    assert iou(a, b, 0)[0] < 0.5 <= iou(a, b, 0, np.float32)[0]


def test_matrix_holds_every_pair() -> None:
    rng = np.random.default_rng(0)
    a, b = (np.sort(rng.uniform(0, 50, (n, 2, 2)), axis=1).reshape(n, 4) for n in (4, 3))
    matrix = iou_matrix(a, b, 1)
    assert matrix.shape == (4, 3)
    for i in range(4):
        assert np.array_equal(matrix[i], iou(np.repeat(a[i : i + 1], 3, axis=0), b, 1))


def test_nms_keeps_overlap_at_the_threshold_and_order_of_equal_scores() -> None:
    boxes = np.array([[0, 0, 9, 9], [5, 0, 14, 9], [0, 0, 9, 9], [100, 0, 109, 9]])
    assert nms(boxes, [0.5, 0.9, 0.5, 0.1], 1 / 3, 1).tolist() == [1, 0, 3]
    assert nms(boxes, [0.5, 0.9, 0.5, 0.1], 0.33, 1).tolist() == [1, 3]
    assert nms(np.zeros((0, 4)), np.zeros(0), 0.5, 1).tolist() == []


def greedy(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(iou(boxes[i : i + 1], boxes[j : j + 1], 1)[0] <= threshold for j in kept):
            kept.append(i)
    return kept


@given(st.integers(0, 2**32 - 1), st.integers(1, 25))
def test_nms_equals_one_by_one_in_each_group(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = np.sort(rng.integers(0, 12, (number, 2, 2)), axis=1).reshape(number, 4)
    scores = rng.integers(0, 6, number) / 6
    groups = rng.integers(0, 3, number)
    expected: list[int] = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        expected += [int(rows[i]) for i in greedy(boxes[rows], scores[rows], 0.3)]
    assert nms(boxes, scores, 0.3, 1, groups).tolist() == expected
