"""What a trial computes: settings in, a metric out, from predictions that are held in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bench.metrics.ap import class_mean, reported, summarise
from bench.metrics.evaluation import AUC, checked
from bench.metrics.evidence import Level
from bench.metrics.frame_map import frame_ranking
from bench.metrics.video_map import tube_ranking
from bench.names import choose
from bench.protocol import Protocol
from bench.records import Array, Detections, GroundTruth, Tubes
from bench.runs.validation import held_out

EARLY_SHARE = 1 / 4
"""Of the source groups of every class: what a trial is looked at first where pruning is on."""


class Outcome(NamedTuple):
    """What is scored, over ``videos`` of some truth. None: the method has none."""

    detections: Detections | None
    tubes: Tubes | None


class Problem(ABC):
    """Predictions held in memory, the truth of their videos, and how settings are applied to them."""

    base: Any
    """The settings that are changed: the paper's own."""
    truth: GroundTruth
    protocol: Protocol

    @abstractmethod
    def outcome(self, config: Any, videos: Array) -> Outcome:
        """Detections and tubes of those videos (positions in the truth) under settings like ``base``.

        Pure. Raises ValueError for settings that these predictions do not allow.
        """

    @property
    def everything(self) -> Array:
        """Positions of all videos."""
        return np.arange(len(self.truth.videos))

    def sample(self) -> Array:
        """One video, with annotation if there is any: enough to see whether settings can be used."""
        return np.unique(self.truth.tubes.video)[:1] if len(self.truth.tubes) else self.everything[:1]


class Source(ABC):
    """Where a problem comes from: small enough to be handed to another process, which loads it there."""

    @abstractmethod
    def load(self) -> Problem:
        """The problem. Raises ValueError where what it reads is gone."""


@dataclass(frozen=True)
class Goal:
    """What trials maximise: ``metric`` of the protocol, and with ``speed`` frames a second beside it.

    prune: a trial is looked at on a part of the videos first, and may end there.
    """

    metric: str
    speed: bool = False
    prune: bool = False

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of what is maximised."""
        return (self.metric, SPEED) if self.speed else (self.metric,)


SPEED = "fps/postprocess"
"""Frames a second of everything after the network, on one core; the name of the second objective."""


def metric_value(outcome: Outcome, truth: GroundTruth, protocol: Protocol, metric: str) -> float:
    """One metric in percent, as :func:`bench.metrics.evaluate` has it, and nothing else computed.

    Raises ValueError for a metric that the protocol lacks or that does not apply.
    """
    level, thresholds = _wanted(protocol)[choose(metric, _wanted(protocol), "metric")]
    rules = protocol.evaluator.rules(level)
    if level == "tube" and outcome.tubes is not None and protocol.evaluator.tubes is not None:
        ranking = tube_ranking(truth, checked(truth, outcome.tubes), protocol.evaluator.tubes)
    elif level == "frame" and outcome.detections is not None and protocol.evaluator.frames is not None:
        ranking = frame_ranking(truth, checked(truth, outcome.detections), protocol.evaluator.frames)
    else:
        raise ValueError(f"{metric} does not apply: there are no {level}s to score under {protocol.id}")
    scored = Level.of(ranking, rules, thresholds)
    curves = {(level, t): scored.precisions(t) for t in thresholds}
    percent_C1 = summarise(
        curves, {level: scored.truths_C}, {metric: (level, thresholds)}, protocol.evaluator
    )
    return float(np.nan_to_num(class_mean(percent_C1[metric])[0]))


def metric_names(protocol: Protocol) -> tuple[str, ...]:
    """What can be tuned for under a protocol."""
    return tuple(_wanted(protocol))


def _wanted(protocol: Protocol) -> dict[str, tuple[str, tuple[float, ...]]]:
    return {name.replace("/", "_map/"): what for name, what in (reported(protocol) | AUC).items()}


def early(problem: Problem) -> Array:
    """Positions of the videos that a trial is looked at first: whole source groups of every class."""
    names = set(held_out(problem.truth, EARLY_SHARE))
    return np.flatnonzero([name in names for name in problem.truth.videos.names])
