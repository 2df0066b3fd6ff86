"""Cutting tubes to given intervals of their videos, as protocols that trim to the ground truth do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.keys import pair_keys
from bench.records import Array, Tubes

TOP = 40
"""Box scores that the score of a cut tube is the mean of."""


def cut(tubes: Tubes, frames_S2: Array) -> Tubes:
    """What lies of the tubes within the intervals that the (video, frame) rows of ``frames_S2`` make up.

    An interval is a maximal run of listed frames; videos are positions in ``tubes.videos``. A tube that lies
    in several becomes several tubes. Where boxes have scores of their own, a tube's score becomes the mean of
    the 40 best that are left of them (Cheron et al. 2018, Tables 4 and 5: cut, then scored as always); else
    it stays. Tubes keep their order, and are numbered anew.
    """
    place_S = np.unique(pair_keys(*frames_S2.T))
    interval_S = np.cumsum(np.diff(place_S, prepend=-2) != 1)
    place_N = pair_keys(tubes.video, tubes.frame)
    at_N = np.searchsorted(place_S, place_N)
    inside_N = at_N < len(place_S)
    inside_N[inside_N] = place_S[at_N[inside_N]] == place_N[inside_N]
    left = tubes[inside_N]
    pieces_N2 = np.stack([left.tube, interval_S[at_N[inside_N]]], axis=1)
    number = np.cumsum(np.r_[True, (np.diff(pieces_N2, axis=0) != 0).any(axis=1)][: len(left)]) - 1
    left = replace(left, tube=number)
    return left if left.frame_score is None else replace(left, score=_scores(left, left.frame_score))


def _scores(tubes: Tubes, frame_score_N: Array) -> Array:
    """Of each row, the mean of its tube's best box scores."""
    order = np.lexsort([-frame_score_N, tubes.tube])
    starts = tubes.starts
    lengths = np.diff(starts, append=len(tubes))
    rank_N = np.arange(len(tubes)) - np.repeat(starts, lengths)
    best_N = np.where(rank_N < TOP, frame_score_N[order].astype(np.float64), 0)
    sums = np.add.reduceat(best_N, starts) if len(starts) else np.zeros(0)
    return np.repeat(sums / np.minimum(lengths, TOP), lengths).astype(np.float32)
