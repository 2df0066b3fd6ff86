"""Label vectors of boxes with several labels."""

from __future__ import annotations

import numpy as np

from methods.common.labels import label_vectors


def test_rows_of_one_person_become_one_vector() -> None:
    boxes = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4]], np.float32)
    distinct, vectors = label_vectors(boxes, np.array([0, 2, 1]), 3)
    found = {tuple(box): vector.tolist() for box, vector in zip(distinct.tolist(), vectors)}
    assert found == {(1, 2, 3, 4): [1, 1, 0], (5, 6, 7, 8): [0, 0, 1]}


def test_no_box_has_no_vector() -> None:
    distinct, vectors = label_vectors(np.zeros((0, 4), np.float32), np.zeros(0, int), 3)
    assert distinct.shape == (0, 4)
    assert vectors.shape == (0, 3)
