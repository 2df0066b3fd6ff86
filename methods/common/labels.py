"""Labels of key-frames as networks with several labels a box learn them."""

from __future__ import annotations

import numpy as np

from bench.records import Array
from methods.base import Info


def several_labels_notes(info: Info) -> tuple[str, ...]:
    """What a result says of a method that has a sigmoid a class where its paper has no such data."""
    reading = "Several labels a person: a sigmoid a class, learnt from label vectors. The paper does not say."
    return (reading,) if info.multi_label else ()


def label_vectors(boxes_N4: Array, labels_N: Array, num_classes: int) -> tuple[Array, Array]:
    """Distinct boxes_G4 and, for each, labels_GC with 1 for every label that its rows have, float32.

    On multi-label data a person is annotated once a label, with one box: those rows become one.
    """
    distinct, place = np.unique(boxes_N4, axis=0, return_inverse=True)
    vectors = np.zeros((len(distinct), num_classes), np.float32)
    vectors[place.reshape(-1), labels_N.astype(np.int64)] = 1
    return distinct, vectors
