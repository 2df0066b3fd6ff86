"""The time steps of tracks: what a recurrent network takes one after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.footage import Arrays
from bench.records import Array

ROWS = "rows_SD"
"""The one array of an extraction of :func:`features_of`: float16, a row for each ``Steps.feature_P``."""


def features_of(stream: str) -> str:
    """The extraction of the features of a stream, ``rgb`` or ``flow``."""
    return f"features-{stream}"


class Steps(NamedTuple):
    """The P time steps of the tracks of one video, by track, then time: track rows that share features.

    of_N: step of each track row. feature_P: row of features of each step, or whatever :func:`steps_of` was
    given. middle_P: track row in the middle of each step, whose box or label stands for it. track_P: its
    track.
    """

    of_N: Array
    feature_P: Array
    middle_P: Array
    track_P: Array

    @property
    def bounds(self) -> Array:
        """First step of each track, and the end, in the order of the rows; int64."""
        return np.append(np.flatnonzero(np.diff(self.track_P, prepend=-1)), len(self.track_P))


def frame_steps(tracks: Arrays) -> Steps:
    """A step for every row of these arrays of :class:`Tracks`, with the features of its distinct box."""
    return steps_of(tracks["track_N"], tracks["row_N"])


def steps_of(track_N: Array, step_N: Array) -> Steps:
    """The steps of track rows that lie by track, then frame; those of one step have the same ``step_N``."""
    new_N = (np.diff(track_N, prepend=-1) != 0) | (np.diff(step_N, prepend=-1) != 0)
    head_P = np.flatnonzero(new_N)
    middle_P = head_P + np.diff(head_P, append=len(track_N)) // 2
    return Steps(np.cumsum(new_N) - 1, step_N[head_P], middle_P, track_N[head_P])
