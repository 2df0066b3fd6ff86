"""Scoring, a pure function of truth, predictions and protocol. What is computed: :mod:`bench.metrics`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from bench.metrics.ap import (
    NAMES,
    average_precisions,
    class_mean,
    class_percents,
    reported,
    summarise,
    thresholds,
)
from bench.metrics.frame_map import frame_ranking
from bench.metrics.matching import Ranking
from bench.metrics.video_map import tube_ranking
from bench.protocol import AUC_THRESHOLDS, Protocol
from bench.records import Array, Detections, GroundTruth, Tubes

Rows = TypeVar("Rows", Detections, Tubes)


@dataclass(frozen=True)
class Evaluation:
    """What a set of predictions is worth under one protocol. Percent; None where not applicable.

    metrics: ``frame_map/0.50``, ``frame_map/auc``, ``video_map/0.50``, ``video_map/0.50-0.95`` ... to mAP.
    per_class: ``frame_ap/0.50``, ``video_ap/0.50-0.95`` ... to class to AP; None for a class left out.
    matches: a row for each scored prediction at each (level, threshold), in the order AP was summed: by
        level, threshold, label, then score descending, equal scores in input order. Columns video, group,
        level (categories), label (int16), threshold (float64), score (float32), true_positive (bool). Level
        ``tube`` has the ten thresholds of 0.50-0.95 too; the thresholds that only ``frame_map/auc`` needs
        are not kept (19 instead of 3 rows a detection), so that metric has no interval.
    truth: level, group, label, class, count: annotated boxes or tubes of every group and label, zeros
        included. A level that was not scored has no rows.
    """

    metrics: dict[str, float | None]
    per_class: dict[str, dict[str, float | None]]
    matches: pd.DataFrame
    truth: pd.DataFrame


def evaluate(
    ground_truth: GroundTruth, detections: Detections | None, tubes: Tubes | None, protocol: Protocol
) -> Evaluation:
    """Score detections and tubes; None means that a method has none (not applicable), empty ones score 0.

    A level that the protocol's evaluator does not score is not applicable either.

    The inputs are not changed. Raises ValueError for predictions in videos that the ground truth lacks,
    labels outside its classes, and NaN among scores or boxes.
    """
    evaluator = protocol.evaluator
    rankings: dict[str, Ranking] = {}
    if detections is not None and evaluator.frames is not None:
        rankings["frame"] = frame_ranking(ground_truth, _checked(ground_truth, detections), evaluator.frames)
    if tubes is not None and evaluator.tubes is not None:
        rankings["tube"] = tube_ranking(ground_truth, _checked(ground_truth, tubes), evaluator.tubes)
    positives: dict[tuple[str, float], Array] = {}
    for level, ranking in rankings.items():
        extra = AUC_THRESHOLDS if level == "frame" else ()
        for threshold in {*thresholds(protocol, level), *extra}:
            positives[level, threshold] = ranking.true_positives(threshold, evaluator.rules(level))
    metrics, per_class = _numbers(ground_truth.classes, rankings, positives, protocol)
    matches = _matches(ground_truth, rankings, positives, protocol)
    return Evaluation(metrics, per_class, matches, _truth(ground_truth, rankings))


def percent(value: float) -> float | None:
    """A plain number, None for NaN."""
    return None if np.isnan(value) else float(value)


def _checked(truth: GroundTruth, rows: Rows) -> Rows:
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
    classes: tuple[str, ...],
    rankings: Mapping[str, Ranking],
    positives: Mapping[tuple[str, float], Array],
    protocol: Protocol,
) -> tuple[dict[str, float | None], dict[str, dict[str, float | None]]]:
    """Metrics and per-class AP."""
    evaluator = protocol.evaluator
    truths = {level: ranking.truths_VC.sum(axis=0) for level, ranking in rankings.items()}
    curves = {
        (level, t): average_precisions(
            flags, rankings[level].label_N, truths[level], evaluator.rules(level).average
        )
        for (level, t), flags in positives.items()
    }
    wanted = {name: what for name, what in reported(protocol).items() if what[0] in rankings}
    percents = summarise(curves, truths, wanted, evaluator)
    metrics: dict[str, float | None] = {}
    per_class: dict[str, dict[str, float | None]] = {}
    for name in reported(protocol):
        level, threshold = name.split("/")
        ap_C1 = percents.get(name, np.full((len(classes), 1), np.nan))
        metrics[f"{level}_map/{threshold}"] = percent(class_mean(ap_C1)[0])
        per_class[f"{level}_ap/{threshold}"] = {c: percent(ap) for c, ap in zip(classes, ap_C1[:, 0])}
    metrics["frame_map/auc"] = None
    if "frame" in rankings:
        inner = [
            class_percents(curves["frame", t], truths["frame"], evaluator.rules("frame"))
            for t in AUC_THRESHOLDS
        ]
        metrics["frame_map/auc"] = percent(float(np.mean([class_mean(ap)[0] for ap in inner])))
    return metrics, per_class


def _matches(
    truth: GroundTruth,
    rankings: Mapping[str, Ranking],
    positives: Mapping[tuple[str, float], Array],
    protocol: Protocol,
) -> pd.DataFrame:
    """The table of matches. Text columns are categories."""
    keys = [(level, t) for level in rankings for t in thresholds(protocol, level)]
    lengths = [len(rankings[level].label_N) for level, _ in keys]
    group_of_video, groups = _groups(truth)

    def column(name: str, dtype: str) -> Array:
        empty = np.zeros(0, dtype)
        return np.concatenate([empty, *(getattr(rankings[level], name) for level, _ in keys)]).astype(dtype)

    video = column("video_N", "int32")
    levels = [list(NAMES).index(level) for level, _ in keys]
    return pd.DataFrame(
        {
            "video": _category(video, truth.videos.names),
            "group": _category(group_of_video[video], groups),
            "label": column("label_N", "int16"),
            "level": _category(np.repeat(np.array(levels, np.int8), lengths), NAMES),
            "threshold": np.repeat(np.array([t for _, t in keys], np.float64), lengths),
            "score": column("score_N", "float32"),
            "true_positive": np.concatenate([np.zeros(0, bool), *(positives[key] for key in keys)]),
        },
        copy=False,
    )


def _groups(truth: GroundTruth) -> tuple[Array, list[str]]:
    """Group code of each video and the names of the groups, sorted."""
    groups = sorted(set(truth.videos.group))
    code = {name: i for i, name in enumerate(groups)}
    return np.array([code[name] for name in truth.videos.group], np.int32), groups


def _category(codes: Array, names: Iterable[str]) -> pd.Categorical[str]:
    """A column of texts from their positions in ``names``."""
    return pd.Categorical.from_codes(codes.astype(np.int32), pd.Index(list(names)))


def _truth(truth: GroundTruth, rankings: Mapping[str, Ranking]) -> pd.DataFrame:
    """The table of truth counts."""
    group_of_video, groups = _groups(truth)
    parts = []
    for level, ranking in rankings.items():
        counts = np.zeros((len(groups), len(truth.classes)), np.int64)
        np.add.at(counts, group_of_video, ranking.truths_VC)
        group, label = np.indices(counts.shape).reshape(2, -1)
        parts.append(
            pd.DataFrame(
                {
                    "level": _category(np.full(counts.size, list(NAMES).index(level)), NAMES),
                    "group": _category(group, groups),
                    "label": label.astype(np.int16),
                    "class": _category(label, truth.classes),
                    "count": counts.ravel(),
                }
            )
        )
    if not parts:
        return pd.DataFrame({"level": [], "group": [], "label": [], "class": [], "count": []})
    return pd.concat(parts, ignore_index=True)
