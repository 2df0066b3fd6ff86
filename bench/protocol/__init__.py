"""Protocols: what a number means. Which videos and frames count, how boxes and tubes match, how AP is summed.

A protocol's id is ``dataset/split/evaluator[+trimmed|+gt-trimmed]@version``; results of different ids are
never ranked together. :data:`EVALUATORS` holds each evaluator's rules by name.
"""

from bench.protocol.evaluators import EVALUATORS, Evaluator, evaluator
from bench.protocol.protocol import (
    AUC_THRESHOLDS,
    COCO_THRESHOLDS,
    FRAME_THRESHOLDS,
    VIDEO_THRESHOLDS,
    Protocol,
    Trimming,
    named,
)
from bench.protocol.rules import FrameRules, Rules, TubeRules

__all__ = [
    "AUC_THRESHOLDS",
    "COCO_THRESHOLDS",
    "EVALUATORS",
    "FRAME_THRESHOLDS",
    "VIDEO_THRESHOLDS",
    "Evaluator",
    "FrameRules",
    "Protocol",
    "Rules",
    "Trimming",
    "TubeRules",
    "evaluator",
    "named",
]
