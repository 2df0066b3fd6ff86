"""Protocols: what a number means. Which videos and frames count, how boxes and tubes match, how AP is summed.

A protocol's id is ``dataset/split/evaluator[+trimmed|+gt-trimmed]@version``; results of different ids are
never ranked together. :data:`EVALUATORS` holds each evaluator's rules by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.names import choose

FRAME_THRESHOLDS = (0.2, 0.5, 0.75)
AUC_THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(1, 20))
VIDEO_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
COCO_THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


@dataclass(frozen=True)
class Rules:
    """What frames and tubes have in common.

    box_extent: pixels added to ``x2 - x1`` for a width (1: inclusive pixel coordinates, 0: continuous).
    matching: ``best-remaining``: a prediction claims the best truth not yet taken;
        ``best-of-all``: it claims the best of all, and is a false positive when that is taken.
    strict: a match needs IoU > threshold instead of >=.
    average: ``trapezoid`` under the raw curve (from recall 0, precision 1), or
        ``envelope`` (VOC, all points).
    absent_classes: a class without truth counts as AP 0 in the mean (``zero``) or is left out (``skip``).
    """

    box_extent: Literal[0, 1] = 1
    matching: Literal["best-remaining", "best-of-all"] = "best-remaining"
    strict: bool = False
    average: Literal["trapezoid", "envelope"] = "trapezoid"
    absent_classes: Literal["zero", "skip"] = "zero"


@dataclass(frozen=True)
class FrameRules(Rules):
    """How boxes of single frames are scored."""


@dataclass(frozen=True)
class TubeRules(Rules):
    """How tubes are scored.

    nms: spatio-temporal IoU above which a weaker tube of its class and video is dropped; None: no NMS.
    """

    nms: float | None = None


@dataclass(frozen=True)
class Evaluator:
    """The rules of one published evaluation script; None for a level that it does not score."""

    name: str
    version: int = 1
    frames: FrameRules | None = None
    tubes: TubeRules | None = None

    def rules(self, level: str) -> Rules:
        """Of level ``frame`` or ``tube``. Raises ValueError for one that the evaluator does not score."""
        found = self.frames if level == "frame" else self.tubes
        if found is None:
            raise ValueError(f"the evaluator {self.name} does not score {level}s")
        return found


EVALUATORS = {
    "act": Evaluator("act", frames=FrameRules(), tubes=TubeRules(nms=0.3)),
}
"""By name. ``act``: Kalogeiton et al. 2017, ACT.py; MOC computes the same."""


@dataclass(frozen=True)
class Protocol:
    """One way of scoring one split of one dataset.

    dataset: as in ids, with a miniature's version and size: ``ucf24``, ``ucf24-mini@1.small``.
    split: ``1``, ``2``, ``3`` (``mean`` for the mean of splits).
    ranking_metric: the one metric that leaderboards of this protocol are sorted by.
    boxes: whose boxes are scored: the method's own, the truth's, or given proposals.
    """

    dataset: str
    split: str
    evaluator: Evaluator
    ranking_metric: str = "video_map/0.50"
    trimming: Literal["", "trimmed", "gt-trimmed"] = ""
    boxes: Literal["own", "truth", "given"] = "own"
    frame_thresholds: tuple[float, ...] = FRAME_THRESHOLDS
    video_thresholds: tuple[float, ...] = VIDEO_THRESHOLDS

    @property
    def id(self) -> str:
        """``dataset/split/evaluator[+trimming]@version``."""
        trimming = f"+{self.trimming}" if self.trimming else ""
        return f"{self.dataset}/{self.split}/{self.evaluator.name}{trimming}@{self.evaluator.version}"

    @property
    def synthetic(self) -> bool:
        """Whether the videos are rendered; such results never share a table with real ones."""
        return "-mini@" in self.dataset


def evaluator(name: str) -> Evaluator:
    """The evaluator of that name. Raises ValueError naming near ones."""
    return EVALUATORS[choose(name, EVALUATORS, "evaluator")]
