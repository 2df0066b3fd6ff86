"""Our number beside the paper's: the gap, and what is known to be different.

A gap without its reason invites the wrong one, so whatever differs from what the paper did is named: the
network's size, pre-training, flow, data, budget, evaluator. What nobody knows is not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.results.result import Result, Training
from reports.published import UNSTATED, Number, evaluator_of, numbers

PRETRAINING = {
    "pcsc2019": "Kinetics-400 (I3D)",
    "zhang2020": "ImageNet (VGG16)",
    "elnouby2018": "PASCAL VOC (YOLOv2), Kinetics",
    "menet2020": "COCO (Darknet-19), Kinetics (ResNeXt-101)",
    "reclnet2018": "ImageNet and Kinetics",
}
"""Of each paper, for all of its numbers."""
UNNAMED = "not stated"
"""The split of numbers whose paper does not say of which they are."""
NOTHING_ELSE = ("none", "crops of the training videos")
"""Pre-training, as methods name it, that saw nothing beyond the training videos."""


@dataclass(frozen=True)
class Gap:
    """A result beside its paper: values by metric name, and why they may differ."""

    paper: str
    values: dict[str, float]
    reasons: tuple[str, ...]

    def difference(self, result: Result, metric: str) -> float | None:
        """Ours minus the paper's, percentage points."""
        ours, theirs = result.metrics.get(metric), self.values.get(metric)
        return None if ours is None or theirs is None else ours.value - theirs


def gap(result: Result) -> Gap | None:
    """The paper's numbers for the row that a result is made after; None without such a row.

    A number of another evaluator counts, and is named as a reason; one of another trimming does not.
    """
    rules, identity = result.rules, result.identity
    row = identity.variant.partition(" ")[0].partition("+")[2]
    found = [
        number for number in numbers()
        if (number.our_method, number.our_variant) == (identity.method, row)
        and _place(number.our_protocol) == _place(rules.id) and not result.synthetic
    ]  # fmt: skip
    values: dict[str, float] = {}
    for number in found:
        values[number.metric_key] = max(float(number.value.lstrip("~")), values.get(number.metric_key, 0.0))
    return Gap(found[0].paper, values, reasons(result, found[0])) if found else None


def _place(protocol: str) -> tuple[str, str]:
    """Dataset with split, and trimming, of a protocol's id."""
    where, _, evaluator = protocol.rpartition("/")
    return where, evaluator.partition("@")[0].partition("+")[2]


def reasons(result: Result, number: Number) -> tuple[str, ...]:
    """What is known to differ from what the paper did, most weighty first."""
    variant = result.identity.variant
    found = ["network: tiny, much narrower than the paper's"] * variant.startswith("tiny")
    if result.training is None:
        found.append("origin of the predictions unknown")
    else:
        found += _of_training(result.training, number)
    if " " in variant:
        found.append(f"settings: {variant.partition(' ')[2]}")
    if result.coverage.partial:
        found.append(f"data: {result.coverage.videos} of {result.coverage.expected} test videos")
    if number.split == UNNAMED:
        found.append(f"split: {result.split}; the paper names none")
    ours, theirs = result.rules.evaluator.name, evaluator_of(number.our_protocol)
    if number.paper in UNSTATED:
        found.append(f"evaluator: {ours}; the paper names none")
    elif theirs != ours:
        found.append(f"evaluator: {ours} (paper: {theirs})")
    return tuple(found)


def _of_training(training: Training, number: Number) -> list[str]:
    found = []
    if training.pretraining in NOTHING_ELSE:
        found.append(f"pre-training: {training.pretraining} (paper: {PRETRAINING[number.paper]})")
    if training.flow != number.flow:
        found.append(f"flow: {training.flow} (paper: {number.flow})")
    if training.videos < training.listed:
        found.append(f"data: {training.videos} of {training.listed} training videos")
    if training.data != "train":
        found.append(f"data: trained on {training.data}")
    return [*found, f"budget: {training.steps} steps"]
