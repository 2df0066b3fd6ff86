"""Our records scored by pycocotools itself."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bench.records import Array, Detections, GroundTruth


def coco_precisions(
    truth: GroundTruth, detections: Detections, thresholds: Sequence[float]
) -> dict[float, dict[str, float | None]]:
    """AP of each class in percent by threshold, None for a class without truth. Skips without pycocotools.

    Every frame with truth or a detection is an image; images are in the order of video and frame.
    """
    pytest.importorskip("pycocotools", reason="pycocotools is not installed; tox -e parity installs it")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    boxes = truth.boxes
    video, frame = (
        np.concatenate([getattr(boxes, name), getattr(detections, name)]) for name in ("video", "frame")
    )
    _, image = np.unique(np.stack([video, frame], axis=1), axis=0, return_inverse=True)
    split = len(boxes)
    ones = np.ones(split)
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for rows in (
            _annotations(image[:split], truth.box_labels(), boxes.boxes_N4, ones),
            _annotations(image[split:], detections.label, detections.boxes_N4, detections.score),
        ):
            side = COCO()
            side.dataset = {
                "images": [{"id": int(i)} for i in np.unique(image)],
                "categories": [{"id": i} for i in range(len(truth.classes))],
                "annotations": rows,
            }
            side.createIndex()
            sides.append(side)
        evaluation = COCOeval(*sides, "bbox")
        evaluation.params.iouThrs = np.array(thresholds)
        evaluation.params.maxDets = [100]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    heights = evaluation.eval["precision"][:, :, :, 0, 0].mean(axis=1)
    return {
        threshold: {name: None if ap < 0 else 100 * ap for name, ap in zip(truth.classes, row)}
        for threshold, row in zip(thresholds, heights)
    }


def _annotations(image_N: Array, label_N: Array, boxes_N4: Array, score_N: Array) -> list[dict[str, Any]]:
    corner, size = boxes_N4[:, :2].astype(float), np.diff(boxes_N4.reshape(-1, 2, 2).astype(float), axis=1)
    return [
        {
            "id": i + 1,
            "image_id": int(image_N[i]),
            "category_id": int(label_N[i]),
            "bbox": [*corner[i].tolist(), *size[i, 0].tolist()],
            "area": float(size[i, 0].prod()),
            "iscrowd": 0,
            "ignore": 0,
            "score": float(score_N[i]),
        }
        for i in range(len(image_N))
    ]
