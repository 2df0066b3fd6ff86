"""A protocol: which split of which dataset is scored by which evaluator, at which thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.names import choose
from bench.protocol.evaluators import Evaluator, evaluator

Trimming = Literal["", "trimmed", "gt-trimmed"]
TRIMMINGS: dict[str, Trimming] = {"trimmed": "trimmed", "gt-trimmed": "gt-trimmed"}

FRAME_THRESHOLDS = (0.2, 0.5, 0.75)
AUC_THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(1, 20))
VIDEO_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
COCO_THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


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
    trimming: Trimming = ""
    boxes: Literal["own", "truth", "given"] = "own"
    frame_thresholds: tuple[float, ...] = FRAME_THRESHOLDS
    video_thresholds: tuple[float, ...] = VIDEO_THRESHOLDS

    @property
    def id(self) -> str:
        """``dataset/split/evaluator[+trimming]@version``."""
        return f"{self.dataset}/{self.split}/{self.name}@{self.evaluator.version}"

    @property
    def name(self) -> str:
        """``evaluator[+trimming]``, as :func:`named` reads it."""
        return f"{self.evaluator.name}+{self.trimming}" if self.trimming else self.evaluator.name

    @property
    def synthetic(self) -> bool:
        """Whether the videos are rendered; such results never share a table with real ones."""
        return "-mini@" in self.dataset


def named(text: str) -> tuple[Evaluator, Trimming]:
    """What ``evaluator[+trimming]`` means. Raises ValueError naming what there is."""
    name, plus, trimming = text.partition("+")
    return evaluator(name), TRIMMINGS[choose(trimming, TRIMMINGS, "trimming")] if plus else ""
