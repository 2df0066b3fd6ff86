"""Properties that a measure of detection should have, as checks of one evaluator on one scene."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.metrics.ap import class_mean, class_percents
from bench.metrics.evidence import Level
from bench.metrics.frame_map import frame_ranking
from bench.metrics.video_map import tube_ranking
from bench.protocol import Evaluator
from bench.records import Detections, GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
import worked

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.95)
STEP = 1 / 64
"""Least distance of two scores in a scene."""
SLACK = 1e-9
"""In percentage points."""

Found = Detections | Tubes


@dataclass(frozen=True)
class Scene:
    """Truth and predictions of one level: detections or tubes, all scores different."""

    truth: GroundTruth
    found: Found


class Measured(NamedTuple):
    """What a scene is worth at :data:`THRESHOLDS`, in percent; NaN for a class that is left out."""

    ap_TC: np.ndarray
    mean_T: np.ndarray
    wrong_T: list[np.ndarray]
    """Numbers of the false positives."""


def measure(evaluator: Evaluator, scene: Scene) -> Measured:
    level = _level(evaluator, scene)
    ap_TC = np.stack(
        [class_percents(level.precisions(t), level.truths_C, level.rules)[:, 0] for t in THRESHOLDS]
    )
    numbers = level.ranking.row_N
    wrong_T = [numbers[rows][~positive] for rows, positive in level.outcomes.values()]
    return Measured(ap_TC, class_mean(ap_TC.T), wrong_T)


def _level(evaluator: Evaluator, scene: Scene) -> Level:
    if isinstance(scene.found, Tubes):
        assert evaluator.tubes is not None
        return Level.of(tube_ranking(scene.truth, scene.found, evaluator.tubes), evaluator.tubes, THRESHOLDS)
    assert evaluator.frames is not None
    return Level.of(frame_ranking(scene.truth, scene.found, evaluator.frames), evaluator.frames, THRESHOLDS)


def items(found: Found) -> list[np.ndarray]:
    """Rows of each prediction, by number."""
    if isinstance(found, Tubes):
        return np.split(np.arange(len(found)), found.starts[1:]) if len(found) else []
    return list(np.arange(len(found))[:, None])


def pick(found: Found, chosen: list[np.ndarray]) -> Found:
    """Predictions in that order, numbered anew; one may be picked twice."""
    if isinstance(found, Tubes):
        picked = Tubes.concat([found[part] for part in chosen]) if chosen else Tubes.empty()
        return picked.with_videos(found.videos)
    return found[np.concatenate([np.zeros(0, int), *chosen])]


def order(evaluator: Evaluator, scene: Scene) -> bool:
    """The order of the rows does not matter."""
    before, rows = measure(evaluator, scene), items(scene.found)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    others = (replace(scene, found=pick(scene.found, some)) for some in (rows[::-1], shuffled))
    return all(same(before, measure(evaluator, other)) for other in others)


def perfect(evaluator: Evaluator, scene: Scene) -> bool:
    """Predictions that repeat the truth score 100 in every class with truth."""
    boxes, labels = scene.truth.boxes, scene.truth.box_labels()
    rows = np.lexsort((boxes.frame, boxes.tube))
    videos, boxes, labels = boxes.videos, boxes[rows], labels[rows]
    if isinstance(scene.found, Tubes):
        score = 1 - boxes.tube * STEP / 4
        found: Found = Tubes(videos, boxes.video, boxes.tube, labels, score, boxes.frame, boxes.boxes_N4)
    else:
        number = np.arange(len(rows))
        score = 1 - number * STEP / 4
        found = Detections(videos, boxes.video, boxes.frame, number, boxes.boxes_N4, labels, score)
    ap_TC = measure(evaluator, replace(scene, found=found)).ap_TC
    return bool((np.abs(ap_TC[:, np.unique(labels)] - 100) < SLACK).all())


def none(evaluator: Evaluator, scene: Scene) -> bool:
    """No predictions score 0 in every class with truth."""
    empty = type(scene.found).empty(scene.truth.videos.names)
    ap_TC = measure(evaluator, replace(scene, found=empty)).ap_TC
    return bool((ap_TC[:, np.unique(scene.truth.tubes.label)] == 0).all())


def duplicate(evaluator: Evaluator, scene: Scene) -> bool:
    """A copy of a prediction with a lower score raises no AP, whether it is the first row or the last."""
    before, rows = measure(evaluator, scene), items(scene.found)
    for original in rows:
        for place, chosen in ((0, [original, *rows]), (len(rows), [*rows, original])):
            twice = pick(scene.found, chosen)
            score = twice.score.copy()
            score[items(twice)[place]] -= STEP / 4
            after = measure(evaluator, replace(scene, found=replace(twice, score=score)))
            if not all(none_lower(after, before)):
                return False
    return True


def removal(evaluator: Evaluator, scene: Scene) -> bool:
    """To take a false positive away lowers no AP at its threshold."""
    before, rows = measure(evaluator, scene), items(scene.found)
    for gone in np.unique(np.concatenate(before.wrong_T)):
        left = pick(scene.found, rows[:gone] + rows[gone + 1 :])
        kept = none_lower(before, measure(evaluator, replace(scene, found=left)))
        if not all(fine for fine, wrong in zip(kept, before.wrong_T) if gone in wrong):
            return False
    return True


def scale(evaluator: Evaluator, scene: Scene) -> bool:
    """A picture twice as large, its boxes with it, changes nothing."""
    return same(measure(evaluator, scene), measure(evaluator, doubled(scene, 0)))


def bounds(evaluator: Evaluator, scene: Scene) -> bool:
    """Every AP is between 0 and 100."""
    ap_TC = measure(evaluator, scene).ap_TC
    return bool((np.isnan(ap_TC) | ((ap_TC >= 0) & (ap_TC <= 100 + SLACK))).all())


def absent(evaluator: Evaluator, scene: Scene) -> bool:
    """A class without truth, and a prediction of it on a frame of its own, changes no mean."""
    truth, found = scene.truth, scene.found
    more = replace(truth, classes=(*truth.classes, "without truth"))
    label, last = len(truth.classes), len(truth.videos) - 1
    if isinstance(found, Tubes):
        both: Found = Tubes.concat(
            [found, worked.tubes([(last, label, [45, 46], worked.BOX, 2.0)], last + 1)]
        )
    else:
        both = Detections.concat([found, worked.detections([(last, 45, label, 2.0, worked.BOX)], last + 1)])
    before, after = measure(evaluator, scene), measure(evaluator, Scene(more, both))
    return np.allclose(before.mean_T, after.mean_T, rtol=0, atol=SLACK, equal_nan=True)


PROPERTIES: dict[str, Callable[[Evaluator, Scene], bool]] = {
    check.__name__: check for check in (order, perfect, none, duplicate, removal, scale, bounds, absent)
}


def doubled(scene: Scene, extent: int) -> Scene:
    """Twice as large; ``x2 - x1 + extent`` doubles."""
    truth, found, edges = scene.truth, scene.found, np.array([0, 0, extent, extent])
    videos = replace(truth.videos, width=2 * truth.videos.width, height=2 * truth.videos.height)
    boxes = replace(truth.boxes, boxes_N4=2 * truth.boxes.boxes_N4 + edges)
    return Scene(
        replace(truth, videos=videos, boxes=boxes), replace(found, boxes_N4=2 * found.boxes_N4 + edges)
    )


def same(a: Measured, b: Measured) -> bool:
    """Whether every AP is the same."""
    return np.allclose(a.ap_TC, b.ap_TC, rtol=0, atol=SLACK, equal_nan=True)


def none_lower(low: Measured, high: Measured) -> list[bool]:
    """At each threshold: no AP and no mean of ``high`` is below that of ``low``, classes left out aside."""
    fine_TC = ~(high.ap_TC < low.ap_TC - SLACK)
    return list(fine_TC.all(axis=1) & ~(high.mean_T < low.mean_T - SLACK))
