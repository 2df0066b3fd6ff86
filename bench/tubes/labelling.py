"""Temporal labelling: each path's frames get the labels of highest total score, changes of label costing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.tubes.base import Found, Trimming, looked_up
from bench.tubes.boxes import class_scores
from bench.tubes.kernels.labelling import action_wins, own_label_wins
from bench.tubes.paths import Paths


@dataclass(frozen=True)
class TemporalLabelling(Trimming):
    """The runs of frames where a path's own class wins among all action classes.

    Singh et al. 2017, section 3.5. A frame's scores are those of its box for the action classes, background
    left out, 0 for a class that the box lacks; so a path is cut only where another action wins. All boxes of
    a tie go to the lowest label.

    alpha: what a change of label costs; the authors' program has 3, their evaluation also 5.
    """

    name: str = field(default="labelling", init=False)
    alpha: float = field(default=3.0, metadata={"range": (0.1, 10.0)})

    def trim(self, paths: Paths, found: Found) -> Paths:
        """As :class:`bench.tubes.base.Trimming` says."""
        detections = looked_up(paths, found, self.name)
        box_N, scores_BC = class_scores(detections)
        keep_R = np.zeros(len(paths), bool)
        bounds = np.append(paths.starts, len(paths))
        own_label_wins(bounds, paths.label[bounds[:-1]], box_N[paths.row], scores_BC, self.alpha, keep_R)
        return paths.runs(keep_R)


@dataclass(frozen=True)
class BinaryLabelling(Trimming):
    """The runs of frames where a path's class wins against background.

    The second pass of Saha et al. 2016, section 3.4, one class at a time: the action has the box's score s,
    background 1 - s.

    alpha: what a change costs. The authors fit one a class and state none.
    """

    name: str = field(default="binary-labelling", init=False)
    alpha: float = field(default=3.0, metadata={"range": (0.1, 10.0)})

    def trim(self, paths: Paths, found: Found) -> Paths:
        """As :class:`bench.tubes.base.Trimming` says."""
        keep_R = np.zeros(len(paths), bool)
        action_wins(np.append(paths.starts, len(paths)), paths.score, self.alpha, keep_R)
        return paths.runs(keep_R)
