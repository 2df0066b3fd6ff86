"""What reference evaluators of frames computed, in one form, and how their inputs were fed to them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.interop import ava
from bench.metrics import Evaluation, evaluate
from bench.metrics.ap import average_precisions, class_percents
from bench.protocol import EVALUATORS, Evaluator, Protocol
from bench.records import Detections, GroundTruth

sys.path.insert(0, str(Path(__file__).parent))
import goldens


@dataclass(frozen=True)
class Expected:
    """At one threshold: AP of each class in percent (None: not in the mean) and the mean, or an error."""

    ap: dict[str, float | None]
    mean: float = float("nan")
    error: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any], classes: Iterable[str], scale: float = 1) -> Expected:
        """AP by class, in label order, or in label order of the classes with truth; NaN: not in the mean."""
        if "error" in row:
            return cls({}, error=row["error"])
        found = row.get("ap", row.get("ap_in_label_order_of_classes_with_gt"))
        values = found if isinstance(found, dict) else dict(zip(classes, found, strict=True))
        numbers = {name: scale * float(value) for name, value in values.items()}
        ap = {name: None if np.isnan(value) else value for name, value in numbers.items()}
        return cls(ap, scale * row["mAP"])


Curve = dict[float, Expected]
"""Threshold to what the reference says."""


@dataclass(frozen=True)
class Stored:
    """Where the outputs of one reference lie, and how to read them.

    small: file and keys inside it; cases: likewise for the adversarial ones, ``inner`` within each case.
    by_frame: the reference goes through the frames in turn, so equal scores come in the order of frames.
    every_frame: the cases were run on all frames, whatever the evaluator does.
    """

    evaluator: str
    small: tuple[str, ...]
    cases: str = ""
    inner: str = ""
    scale: float = 1
    by_frame: bool = False
    every_frame: bool = False

    def fed(self, detections: Detections) -> Detections:
        """Detections in the order in which the reference meets them."""
        order = np.lexsort((detections.frame, detections.video))
        return detections[order] if self.by_frame else detections

    def rules(self) -> Evaluator:
        """The evaluator that the cases were run with."""
        evaluator = EVALUATORS[self.evaluator]
        if not self.every_frame:
            return evaluator
        assert evaluator.frames is not None
        return replace(evaluator, frames=replace(evaluator.frames, frames="every"))

    def curve(self, stored: Mapping[str, Any], truth: GroundTruth) -> Curve:
        """What is stored for one input."""
        counted = classes_with_truth(truth) if self.evaluator == "multisports" else truth.classes
        rows = {key: row for key, row in stored.items() if key[0].isdigit()}
        return {float(key): Expected.of(row, counted, self.scale) for key, row in rows.items()}


STORED = {
    "act": Stored("act", ("act/ucf24_small_frameAP", "frameAP"), "act/adv_frame", "frameAP"),
    "moc": Stored("act", ("moc/ucf24_small_frameAP_videoAP", "frameAP")),
    "multisports": Stored("multisports", ("multisports/ucf24_small", "frameAP"), "multisports/adv_frame"),
    "yowo": Stored(
        "yowo", ("yowo_frame_mAP/ucf24_small", "annotated_frames_only_as_YOWO_does"),
        "yowo_frame_mAP/adv_frame", scale=100, by_frame=True, every_frame=True,
    ),
    "road": Stored(
        "road", ("gurkirt_python_frame_mAP/ucf24_small",), "gurkirt_python_frame_mAP/adv_frame",
        scale=100, by_frame=True,
    ),
}  # fmt: skip

AVA_STORED = {
    "ava": "ava_official_HEAD_af461c3_python3",
    "ava-2019": "ava_official_2019-03_3fee089",
    "ava-slowfast": "ava_slowfast",
    "ava-mmaction2": "ava_mmaction2",
}
AVA_CLASSES = {number: f"c{number:02d}" for number in ava.EVALUATED}
"""As the stored outputs name them."""


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def output(shared: Path, *keys: str) -> Any:
    """A stored output, or a part of it."""
    found = load(shared / "golden" / keys[0] / "output.json")
    for key in keys[1:]:
        found = found[key]
    return found


def classes_with_truth(truth: GroundTruth) -> list[str]:
    """In label order."""
    return [truth.classes[label] for label in np.unique(truth.tubes.label)]


def ucf24(shared: Path, size: str) -> tuple[GroundTruth, Detections]:
    """``ucf24_small`` or ``ucf24_full``."""
    folder = shared / f"golden/inputs/ucf24_{size}"
    table = {
        path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet") if path.stem != "det_tubes"
    }
    truth = goldens.ground_truth(load(folder / "meta.json")["labels"], table["videos"], table["gt_tubes"])
    return truth, goldens.detections(truth.videos.names, table["frame_dets"])


def score(
    truth: GroundTruth,
    detections: Detections,
    evaluator: Evaluator | str,
    thresholds: Iterable[float] = (0.5,),
) -> Evaluation:
    """Frames alone."""
    rules = EVALUATORS[evaluator] if isinstance(evaluator, str) else evaluator
    return evaluate(
        truth, detections, None, Protocol("golden", "1", rules, frame_thresholds=tuple(thresholds))
    )


def score_ava(paths: tuple[Path, Path, Path | None], evaluator: str, exclude: bool) -> Evaluation:
    """Ground truth, predictions and, if asked for, excluded timestamps, as CSV files."""
    truth = ava.read_truth(paths[0], AVA_CLASSES, paths[2] if exclude else None)
    return score(truth, ava.read_detections(paths[1], truth, AVA_CLASSES), evaluator)


def compare(result: Evaluation, curve: Curve) -> None:
    """Per class and mean, at every threshold, to 1e-4 percentage points. Classes not named have no AP."""
    for threshold, expected in curve.items():
        assert not expected.error, expected.error
        ours = result.per_class[f"frame_ap/{threshold:.2f}"]
        wanted = {name: expected.ap.get(name) for name in ours}
        assert ours == pytest.approx(wanted, abs=1e-4), threshold
        assert result.metrics[f"frame_map/{threshold:.2f}"] == pytest.approx(expected.mean, abs=1e-4)


def tie_bounds(
    result: Evaluation, evaluator: str, threshold: float
) -> tuple[dict[str, float], dict[str, float]]:
    """AP of each class if of equal scores the false positives, or the true positives, came first."""
    rules = EVALUATORS[evaluator].rules("frame")
    rows = result.matches[result.matches["threshold"] == threshold]
    names = result.truth.drop_duplicates("label").sort_values("label")["class"].tolist()
    truths = result.truth.groupby("label", observed=True)["count"].sum().to_numpy()
    label, score_N, positive = (rows[name].to_numpy() for name in ("label", "score", "true_positive"))
    bounds = []
    for better in (positive, ~positive):
        order = np.lexsort((better, -score_N, label))
        ap = class_percents(average_precisions(positive[order], label[order], truths, rules), truths, rules)
        bounds.append(dict(zip(names, ap[:, 0])))
    return bounds[0], bounds[1]
