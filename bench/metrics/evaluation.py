"""Scoring, a pure function of truth, predictions and protocol. What is computed: :mod:`bench.metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pandas as pd

from bench.metrics.ap import Curves, class_mean, reported, summarise, thresholds
from bench.metrics.detection_scores import detection_scores
from bench.metrics.evidence import Level, match_table, truth_table
from bench.metrics.frame_map import frame_ranking
from bench.metrics.video_map import tube_ranking
from bench.protocol import AUC_THRESHOLDS, Evaluator, Protocol
from bench.records import Detections, GroundTruth, Tubes

AUC = {"frame/auc": ("frame", AUC_THRESHOLDS)}
"""The one mean that has no classes and no matches of its own; as a part of :func:`reported`."""

Rows = TypeVar("Rows", Detections, Tubes)


@dataclass(frozen=True)
class Evaluation:
    """What a set of predictions is worth under one protocol. Percent; None where not applicable.

    metrics: ``frame_map/0.50``, ``frame_map/auc``, ``video_map/0.50``, ``video_map/0.50-0.95`` ... to mAP.
    per_class: ``frame_ap/0.50``, ``video_ap/0.50-0.95`` ... to class to AP; None for a class left out.
    matches: a row for each prediction that counts at each (level, threshold), in the order AP was summed: by
        level, threshold, label, then score descending, equal scores as the rules say. Predictions that claim
        ignored truth are neither true nor false positives and have no row there. Columns video, group,
        level (categories), label (int16), threshold (float64), score (float32), true_positive (bool). Level
        ``tube`` has the ten thresholds of 0.50-0.95 too; the thresholds that only ``frame_map/auc`` needs
        are not kept (19 instead of 3 rows a detection), so that metric has no interval.
    truth: level, group, label, class, count: annotated boxes or tubes of every group and label, zeros
        included. A level that was not scored has no rows.
    curves: ``frame_map`` to threshold (``0.05``) to mAP, the nineteen whose mean is ``frame_map/auc``; empty
        where that is not applicable.
    """

    metrics: dict[str, float | None]
    per_class: dict[str, dict[str, float | None]]
    matches: pd.DataFrame
    truth: pd.DataFrame
    curves: dict[str, dict[str, float]] = field(default_factory=dict)


def evaluate(
    ground_truth: GroundTruth, detections: Detections | None, tubes: Tubes | None, protocol: Protocol
) -> Evaluation:
    """Score detections and tubes; None means that a method has none (not applicable), empty ones score 0.

    A level that the protocol's evaluator does not score is not applicable either.

    The inputs are not changed. Raises ValueError for predictions in videos that the ground truth lacks,
    labels outside its classes, and NaN among scores or boxes.
    """
    frames, linked = protocol.evaluator.frames, protocol.evaluator.tubes
    levels: dict[str, Level] = {}
    if detections is not None and frames is not None:
        ranking = frame_ranking(ground_truth, checked(ground_truth, detections), frames)
        levels["frame"] = Level.of(ranking, frames, {*thresholds(protocol, "frame"), *AUC_THRESHOLDS})
    if tubes is not None and linked is not None:
        ranking = tube_ranking(ground_truth, checked(ground_truth, tubes), linked)
        levels["tube"] = Level.of(ranking, linked, thresholds(protocol, "tube"))
    precisions = {(name, t): level.precisions(t) for name, level in levels.items() for t in level.outcomes}
    metrics, per_class = _numbers(ground_truth.classes, levels, precisions, protocol)
    if "frame" in levels and detections is not None and detections.objectness is not None:
        metrics |= detection_scores(ground_truth, checked(ground_truth, detections))
    keys = [(level, threshold) for level in levels for threshold in thresholds(protocol, level)]
    matches = match_table(ground_truth, levels, keys)
    curves = _curves(levels, precisions, protocol.evaluator)
    return Evaluation(metrics, per_class, matches, truth_table(ground_truth, levels), curves)


def percent(value: float) -> float | None:
    """A plain number, None for NaN."""
    return None if np.isnan(value) else float(value)


def checked(truth: GroundTruth, rows: Rows) -> Rows:
    """The same rows over the videos of the ground truth, after the checks that ``evaluate`` promises."""
    kind = type(rows).__name__
    if len(rows) and not 0 <= rows.label.min() <= rows.label.max() < len(truth.classes):
        raise ValueError(
            f"{kind}: labels {rows.label.min()} to {rows.label.max()}, but the ground truth has"
            f" {len(truth.classes)} classes; labels are 0-based in its order"
        )
    if np.isnan(rows.score).any() or np.isnan(rows.boxes_N4).any():
        bad = int(np.flatnonzero(np.isnan(rows.score) | np.isnan(rows.boxes_N4).any(axis=1))[0])
        raise ValueError(f"{kind}: NaN in row {bad}, video {rows.videos[rows.video[bad]]!r}; drop such rows")
    return rows.with_videos(truth.videos.names)


def _numbers(
    classes: tuple[str, ...], levels: Mapping[str, Level], precisions: Curves, protocol: Protocol
) -> tuple[dict[str, float | None], dict[str, dict[str, float | None]]]:
    """Metrics and per-class AP."""
    kept = reported(protocol)
    truths = {name: level.truths_C for name, level in levels.items()}
    wanted = {name: what for name, what in (kept | AUC).items() if what[0] in levels}
    percents = dict.fromkeys(kept | AUC, np.full((len(classes), 1), np.nan))
    percents |= summarise(precisions, truths, wanted, protocol.evaluator)
    metrics = {name.replace("/", "_map/"): percent(class_mean(ap)[0]) for name, ap in percents.items()}
    per_class = {
        name.replace("/", "_ap/"): {c: percent(ap) for c, ap in zip(classes, percents[name][:, 0])}
        for name in kept
    }
    return metrics, per_class


def _curves(
    levels: Mapping[str, Level], precisions: Curves, evaluator: Evaluator
) -> dict[str, dict[str, float]]:
    """mAP of frames at each threshold under ``frame_map/auc``."""
    if "frame" not in levels:
        return {}
    truths = {"frame": levels["frame"].truths_C}
    wanted = {f"{t:.2f}": ("frame", (t,)) for t in AUC_THRESHOLDS}
    percents = summarise(precisions, truths, wanted, evaluator)
    values = {name: percent(class_mean(ap)[0]) for name, ap in percents.items()}
    return {"frame_map": {name: value for name, value in values.items() if value is not None}}
