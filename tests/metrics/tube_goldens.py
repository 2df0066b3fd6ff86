"""What reference evaluators of tubes computed, in one form, and how their inputs were fed to them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.metrics import Evaluation, evaluate
from bench.protocol import EVALUATORS, Evaluator, Protocol
from bench.records import GroundTruth, TruthBoxes, TruthTubes, Tubes, VideoTable

sys.path.insert(0, str(Path(__file__).parent))
import goldens
from yowo_linking import LinkedPath


@dataclass(frozen=True)
class Expected:
    """At one threshold: AP of each class in percent (None: not in the mean) and the mean, or an error."""

    ap: tuple[float | None, ...] = ()
    mean: float | None = None
    error: str = ""


Curve = dict[float, Expected]
"""Threshold to what the reference says."""


DALY = {
    "spatial_only": ("sparse-spatial", "ignore"),
    "spatial_only_use_diff": ("sparse-spatial", "count"),
    "spatiotemporal": ("sparse-st", "ignore"),
    "spatiotemporal_use_diff": ("sparse-st", "count"),
}
"""Stored variant to evaluator and what is done with difficult truth (``ignore`` is the evaluator's own)."""


def daly(variant: str, nms: bool = True) -> Evaluator:
    name, difficult = DALY[variant]
    found = EVALUATORS[name]
    assert found.tubes is not None
    rules = replace(found.tubes, difficult=difficult)  # type: ignore[arg-type]
    return replace(found, tubes=rules if nms else replace(rules, nms=None))


def differences(truth: GroundTruth, tubes: Tubes, evaluator: Evaluator, expected: Curve) -> dict[float, Any]:
    """Thresholds at which a class or the mean differs by more than 1e-4 points, with ours and theirs."""
    result = scored(truth, tubes, evaluator, expected)
    found = {}
    for threshold, row in expected.items():
        ours = tuple(result.per_class[f"video_ap/{threshold:.2f}"].values())
        mean = result.metrics[f"video_map/{threshold:.2f}"]
        if not all(close(a, b) for a, b in zip((*ours, mean), (*row.ap, row.mean), strict=True)):
            found[threshold] = (ours, row)
    return found


def close(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else math.isclose(a, b, rel_tol=0, abs_tol=1e-4)


def scored(truth: GroundTruth, tubes: Tubes, evaluator: Evaluator, expected: Curve) -> Evaluation:
    return evaluate(truth, None, tubes, Protocol("golden", "1", evaluator, video_thresholds=tuple(expected)))


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def _by_threshold(stored: Mapping[str, Any], scale: float) -> Curve:
    """AP by class name, or a list in label order."""
    curve = {}
    for t, row in stored.items():
        if not t[0].isdigit():
            continue
        if "error" in row:
            curve[float(t)] = Expected(error=row["error"])
        else:
            ap = row["ap"].values() if isinstance(row["ap"], dict) else row["ap"]
            curve[float(t)] = Expected(tuple(scale * value for value in ap), scale * row["mAP"])
    return curve


def read_act(stored: Mapping[str, Any], truth: GroundTruth) -> Curve:
    """ACT and MOC: percent."""
    return _by_threshold(stored, 1)


def read_fractions(stored: Mapping[str, Any], truth: GroundTruth) -> Curve:
    """get_PR_curve and YOWO."""
    return _by_threshold(stored, 100)


def read_multisports(stored: Mapping[str, Any], truth: GroundTruth) -> Curve:
    """MultiSports: percent of the classes with truth, in label order."""
    present = sorted(set(truth.tubes.label.tolist()))
    curve = {}
    for t, row in stored["videoAP"].items():
        ap: list[float | None] = [None] * len(truth.classes)
        if "error" in row:
            curve[float(t)] = Expected(error=row["error"])
            continue
        for label, value in zip(present, row["ap_in_label_order_of_classes_with_gt"], strict=True):
            ap[label] = value
        curve[float(t)] = Expected(tuple(ap), row["mAP"])
    return curve


def read_daly(stored: Mapping[str, Any], truth: GroundTruth) -> Curve:
    """beyond_keyframes: fractions by class and threshold; a text where a class has no number."""
    curve = {}
    for t, mean in stored["mean"].items():
        rows = (stored["per_class"].get(name) for name in truth.classes)
        values = [row[t] if isinstance(row, dict) else None for row in rows]
        ap = tuple(100 * value if isinstance(value, float) else None for value in values)
        curve[float(t)] = Expected(ap, 100 * mean)
    return curve


def fed_to_road(tubes: Tubes) -> Tubes:
    """Tubes as get_PR_curve was given them: 0-based boxes made 1-based, the truth left as it is."""
    return replace(tubes, boxes_N4=tubes.boxes_N4 + 1)


def ucf24(shared: Path, size: str) -> tuple[GroundTruth, Tubes]:
    """Truth and detected tubes of ``ucf24_small`` or ``ucf24_full``."""
    folder = shared / f"golden/inputs/ucf24_{size}"
    table = {
        name: pd.read_parquet(folder / f"{name}.parquet") for name in ("videos", "gt_tubes", "det_tubes")
    }
    truth = goldens.ground_truth(load(folder / "meta.json")["labels"], table["videos"], table["gt_tubes"])
    return truth, goldens.tubes(truth.videos.names, table["det_tubes"])


def daly_small(shared: Path) -> tuple[GroundTruth, Tubes]:
    """Sparse key-frames with annotated spans, both ends inclusive, some of it difficult; frames as given."""
    whole, linked = ucf24(shared, "small")
    rows = pd.read_parquet(shared / "golden/inputs/daly_small/gt_keyframes.parquet")
    names = whole.videos.names
    number = rows.groupby(["video", "tube"], sort=False).ngroup()
    heads = rows.groupby(number).first()
    tubes = TruthTubes(
        names, heads["video"], heads.index, heads["cls"], heads["start_frame"], heads["end_frame"] + 1,
        heads["difficult"].astype(bool),
    )  # fmt: skip
    boxes = TruthBoxes(names, rows["video"], number, rows["frame"], rows[goldens.BOX].to_numpy(np.float32))
    return replace(whole, tubes=tubes, boxes=boxes), replace(linked, frame=linked.frame + 1)


def daly_case(data: Mapping[str, Any]) -> tuple[GroundTruth, Tubes]:
    """One adversarial case of key-frames: one video, one class; spans with both ends inclusive."""
    names, truths, found = ("v",), data["gt"], data["det"]
    ones = np.array([1000])
    spans = np.array([[tube["start"], tube["end"] + 1] for tube in truths])
    lengths = [len(tube["frames"]) for tube in truths]
    annotated = TruthTubes(
        names, np.zeros(len(truths)), np.arange(len(truths)), np.zeros(len(truths)), *spans.T,
        np.array([tube["difficult"] for tube in truths]),
    )  # fmt: skip
    frames, corners = (np.concatenate([tube[name] for tube in truths]) for name in ("frames", "boxes"))
    number = np.repeat(np.arange(len(truths)), lengths)
    boxes = TruthBoxes(names, np.zeros(sum(lengths)), number, frames, corners)
    truth = GroundTruth(("A",), VideoTable(names, ones, ones, ones, ones, names), annotated, boxes)
    lengths = [len(tube["frames"]) for tube in found]
    tubes = Tubes(
        names, np.zeros(sum(lengths)), np.repeat(np.arange(len(found)), lengths), np.zeros(sum(lengths)),
        np.repeat([tube["score"] for tube in found], lengths),
        np.concatenate([tube["frames"] for tube in found]), np.concatenate([tube["boxes"] for tube in found]),
    )  # fmt: skip
    return truth, tubes


def path_tubes(names: tuple[str, ...], paths: Mapping[tuple[int, int], list[LinkedPath]]) -> Tubes:
    """Paths of each (video, label) from frame 0 on as tubes, scored with the mean of their boxes."""
    rows = [(video, label, *path) for (video, label), found in paths.items() for path in found]
    if not rows:
        return Tubes.empty(names)
    lengths = [len(boxes) for _, _, boxes, _ in rows]
    return Tubes(
        names,
        np.repeat([row[0] for row in rows], lengths),
        np.repeat(np.arange(len(rows)), lengths),
        np.repeat([row[1] for row in rows], lengths),
        np.repeat([scores.mean() for *_, scores in rows], lengths),
        np.concatenate([np.arange(length) for length in lengths]),
        np.concatenate([boxes for _, _, boxes, _ in rows]),
    )


def misread_by_yowo(truth: GroundTruth) -> GroundTruth:
    """What YOWO's script takes the truth for.

    All tubes of a video have the class of its last one, and the videos with truth are the first ones.
    """
    tubes = truth.tubes
    last = dict(zip(tubes.video.tolist(), tubes.label.tolist()))
    place = np.zeros(len(truth.videos), int)
    for number, video in enumerate(sorted(last, key=lambda v: truth.videos.names[v])):
        place[video] = number
    label = np.array([last[video] for video in tubes.video.tolist()])
    boxes = replace(truth.boxes, video=place[truth.boxes.video])
    return replace(truth, tubes=replace(tubes, label=label, video=place[tubes.video]), boxes=boxes)
