"""The crops by which a miniature is judged show those who act, and nobody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datasets.mini import ava, ava_script, check, daly, daly_script, ucf24
from datasets.mini.ava_classes import AVA_MINI
from datasets.mini.check_samples import OFFSETS, STORED, Filmed, collect
from datasets.mini.classes import DALY_MINI

MOVING = frozenset(label for label, one in enumerate(DALY_MINI) if one.motion_only)


def test_of_long_videos_only_what_is_looked_for_is_cut() -> None:
    reels = [reel for reel in daly.reels(Path(), "micro") if reel.label in MOVING][:3]
    films = [Filmed(reel, daly_script.script, 0) for reel in reels]
    found = collect(films, MOVING, False, 1)
    count = len(found.labels_N)
    assert found.clips_NTHW.shape == (count, len(OFFSETS), STORED, STORED)
    assert found.frames_NHWC.shape == (count, STORED, STORED, 3)
    assert {reel.label for reel in reels} <= set(found.labels_N) <= MOVING
    assert found.tubes_N.tolist() == list(range(count))
    assert all(np.ptp(clip.astype(int), axis=0).max() > 60 for clip in found.clips_NTHW)
    more = collect(films[:1], {reels[0].label}, True, 1)
    assert set(more.labels_N) == {reels[0].label}
    assert len(more.labels_N) > 3 * len(set(more.tubes_N))


def test_of_movies_with_several_labels_a_person_each_is_cut() -> None:
    """Labels are counted from 0, the ids of actions from 1."""
    (reel,) = ava.reels(Path(), "micro")[:1]
    told = sorted(
        label - 1 for shot in ava_script.script(reel).shots for role in shot.roles for label in role.labels
    )
    found = collect([Filmed(reel, ava_script.script, 1)], range(len(AVA_MINI)), False, 1)
    assert 0 < len(found.labels_N) <= len(told)
    assert not set(found.labels_N.tolist()) - set(told)
    motion = frozenset(label for label, one in enumerate(AVA_MINI) if one.motion_only)
    moving = collect([Filmed(reel, ava_script.script, 1)], motion, False, 1)
    assert sorted(moving.labels_N) == sorted(label for label in found.labels_N if label in motion)


def test_of_short_videos_every_actor_is_cut_once() -> None:
    jobs = ucf24.jobs(Path(), "micro")[:2]
    found = collect(jobs, {jobs[0].label}, False, 1)
    assert set(found.labels_N) == {jobs[0].label}
    assert len(set(found.tubes_N)) == len(found.labels_N) >= 2


def test_what_cannot_be_checked_is_refused() -> None:
    with pytest.raises(ValueError, match="there are ucf24-mini, jhmdb-mini, daly-mini, ava-mini"):
        check.check("ava")
    for offsets in ((), (-2, 1)):
        with pytest.raises(ValueError, match=r"--clip: a clip is of the frames -7, -5, .*, or some of them"):
            check.check("ucf24-mini", offsets=offsets)
