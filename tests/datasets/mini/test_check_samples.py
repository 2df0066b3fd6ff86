"""The crops by which a miniature is judged show those who act, and nobody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datasets.mini import check, daly, ucf24
from datasets.mini.check_samples import OFFSETS, STORED, collect
from datasets.mini.classes import DALY_MINI

MOVING = frozenset(label for label, one in enumerate(DALY_MINI) if one.motion_only)


def test_of_long_videos_only_what_is_looked_for_is_cut() -> None:
    reels = [reel for reel in daly.reels(Path(), "micro") if reel.label in MOVING][:3]
    found = collect(reels, MOVING, False, 1)
    count = len(found.labels_N)
    assert found.clips_NTHW.shape == (count, len(OFFSETS), STORED, STORED)
    assert found.frames_NHWC.shape == (count, STORED, STORED, 3)
    assert {reel.label for reel in reels} <= set(found.labels_N) <= MOVING
    assert found.tubes_N.tolist() == list(range(count))
    assert all(np.ptp(clip.astype(int), axis=0).max() > 60 for clip in found.clips_NTHW)
    more = collect(reels[:1], {reels[0].label}, True, 1)
    assert set(more.labels_N) == {reels[0].label}
    assert len(more.labels_N) > 3 * len(set(more.tubes_N))


def test_of_short_videos_every_actor_is_cut_once() -> None:
    jobs = ucf24.jobs(Path(), "micro")[:2]
    found = collect(jobs, {jobs[0].label}, False, 1)
    assert set(found.labels_N) == {jobs[0].label}
    assert len(set(found.tubes_N)) == len(found.labels_N) >= 2


def test_what_cannot_be_checked_is_refused() -> None:
    with pytest.raises(ValueError, match="there are ucf24-mini, jhmdb-mini, daly-mini"):
        check.check("ava-mini")
