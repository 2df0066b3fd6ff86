"""All decompositions of one set of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.metrics.ap import class_mean, reported
from bench.metrics.errors import dap, frame, oracle, tube
from bench.metrics.errors.tube_pairs import TubePairs
from bench.metrics.evaluation import checked, percent
from bench.protocol import Protocol, TubeRules
from bench.records import Array, Detections, GroundTruth, Tubes

Numbers = dict[str, float | None]

KINDS = {"frame": frame.KINDS, "tube": tube.KINDS, "oracle": oracle.KINDS, "dap": dap.KINDS}
"""Decomposition to the names of its numbers."""


@dataclass(frozen=True)
class Decomposition:
    """Percent or percentage points; None where not applicable.

    overall: decomposition (``frame``, ``tube``, ``oracle``, ``dap``) to kind to the mean over classes, as in
        mAP. ``oracle`` has ``<subset>/<kind>`` besides, the mean over each named subset of classes that the
        ground truth has whole (:data:`bench.metrics.errors.oracle.SUBSETS`).
    per_class: decomposition to kind to class to number; None for a class that the mean leaves out.
    """

    overall: dict[str, Numbers]
    per_class: dict[str, dict[str, Numbers]]


def decompose(
    ground_truth: GroundTruth, detections: Detections | None, tubes: Tubes | None, protocol: Protocol
) -> Decomposition:
    """Decompose the errors of detections and tubes; None means that a method has none (not applicable).

    A level that the protocol's evaluator does not score is not applicable either. The inputs are not changed.
    Raises ValueError for what :func:`bench.metrics.evaluate` refuses.
    """
    evaluator, classes = protocol.evaluator, ground_truth.classes
    values = {name: {kind: np.full(len(classes), np.nan) for kind in kinds} for name, kinds in KINDS.items()}
    if detections is not None and evaluator.frames is not None:
        found = checked(ground_truth, detections)
        values["frame"] = frame.frame_errors(ground_truth, found, evaluator.frames)
    if tubes is not None and evaluator.tubes is not None:
        linked = checked(ground_truth, tubes)
        values |= _tubes(ground_truth, linked, evaluator.tubes, dap_threshold(protocol))
    overall = {
        name: {kind: _mean(value_C) for kind, value_C in kinds.items()} for name, kinds in values.items()
    }
    overall["oracle"] |= _subset_means(values["oracle"], classes)
    per_class = {
        name: {kind: dict(zip(classes, map(percent, value_C))) for kind, value_C in kinds.items()}
        for name, kinds in values.items()
    }
    return Decomposition(overall, per_class)


def dap_threshold(protocol: Protocol) -> float:
    """IoU threshold of dAP: that of the ranking metric if it is a video-mAP at one above 0.1, else 0.5."""
    name = protocol.ranking_metric.replace("_map/", "/")
    level, thresholds = reported(protocol).get(name, ("", ()))
    fits = level == "tube" and len(thresholds) == 1 and thresholds[0] > dap.FOREGROUND
    return thresholds[0] if fits else 0.5


def _tubes(
    truth: GroundTruth, tubes: Tubes, rules: TubeRules, threshold: float
) -> dict[str, dict[str, Array]]:
    """The decompositions of tubes."""
    pairs = TubePairs.build(truth, tubes, rules)
    return {
        "tube": tube.tube_errors(truth, tubes, rules),
        "oracle": oracle.oracle(pairs),
        "dap": dap.dap(pairs, threshold),
    }


def _subset_means(values: Mapping[str, Array], classes: tuple[str, ...]) -> Numbers:
    """``<subset>/<kind>`` to the mean over the subset's classes, of the subsets that are there whole."""
    found: Numbers = {}
    for subset, members in oracle.SUBSETS.items():
        if set(members) <= set(classes):
            rows = [classes.index(name) for name in members]
            found |= {f"{subset}/{kind}": _mean(value_C[rows]) for kind, value_C in values.items()}
    return found


def _mean(value_C: Array) -> float | None:
    """Mean over the classes that are not left out."""
    return percent(class_mean(value_C[:, None])[0])
