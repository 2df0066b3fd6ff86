"""Anchor shapes clustered from the boxes of a training set (Redmon and Farhadi 2017, section 2)."""

from __future__ import annotations

import numpy as np

from bench.records import Array, GroundTruth

ROUNDS = 100
SAMPLE = 20_000


def clustered(sizes_N2: Array, number: int, seed: int = 0) -> Array:
    """k-means of widths and heights with 1 - IoU of centred boxes as the distance; by area, float64 [K, 2].

    At most 20,000 boxes, drawn with ``seed``, take part. Raises ValueError for fewer boxes than anchors.
    """
    sizes = np.asarray(sizes_N2, np.float64)
    if len(sizes) < number:
        raise ValueError(f"{number} anchors cannot be clustered from {len(sizes)} boxes")
    rng = np.random.default_rng(seed)
    sizes = sizes[rng.permutation(len(sizes))[:SAMPLE]]
    by_area = sizes[np.argsort(sizes.prod(axis=1), kind="stable")]
    anchors = by_area[(np.arange(number) * len(by_area) + len(by_area) // 2) // number]
    nearest = np.full(len(sizes), -1)
    for _ in range(ROUNDS):
        before, nearest = nearest, overlap(sizes, anchors).argmax(axis=1)
        if np.array_equal(before, nearest):
            break
        anchors = np.stack(
            [sizes[nearest == k].mean(axis=0) if (nearest == k).any() else anchors[k] for k in range(number)]
        )
    return anchors[np.argsort(anchors.prod(axis=1), kind="stable")]


def overlap(a_N2: Array, b_M2: Array) -> Array:
    """IoU of centred boxes of these sizes, [N, M]."""
    common = np.minimum(a_N2[:, None], b_M2[None]).prod(axis=2)
    return common / (a_N2.prod(axis=1)[:, None] + b_M2.prod(axis=1)[None] - common)


def network_sizes(truth: GroundTruth, frame_size: tuple[int, int]) -> Array:
    """Widths and heights of all boxes in pixels of a network's frame, at least 1 each, [N, 2]."""
    boxes, videos = truth.boxes, truth.videos
    scale_V2 = np.array(frame_size) / np.stack([videos.width, videos.height], axis=1)
    return np.maximum((boxes.boxes_N4[:, 2:] - boxes.boxes_N4[:, :2]) * scale_V2[boxes.video], 1.0)
