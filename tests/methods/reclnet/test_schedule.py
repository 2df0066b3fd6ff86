"""Which steps of which track a batch holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.reclnet.schedule import IDLE, Groups, Schedule, plan

LENGTHS = st.lists(st.integers(1, 90), min_size=1, max_size=40)


def groups_of(tracks: int, videos: int, room: int) -> Groups:
    """Tracks dealt to videos in turn; every third video has none. A video's features take 10 to 14 bytes."""
    return Groups(np.arange(tracks) % videos * 3 // 2, 10 + np.arange(2 * videos) % 5, room)


def together(lengths: np.ndarray, lanes: int, length: int, seed: int) -> Schedule:
    """All tracks in one group."""
    return Schedule(lengths, lanes, length, seed, groups_of(len(lengths), 5, 10**9))


@given(LENGTHS, st.integers(1, 12), st.integers(1, 25), st.integers(0, 5), st.integers(1, 9))
def test_every_step_of_every_track_is_seen_once_an_epoch_and_in_order(
    lengths: list[int], lanes: int, length: int, seed: int, videos: int
) -> None:
    schedule = Schedule(np.array(lengths), lanes, length, seed, groups_of(len(lengths), videos, 30))
    for epoch in (0, 1):
        steps: list[list[int]] = [[] for _ in lengths]
        lane_of = {}
        last = {}
        for batch in range(schedule.batches(epoch), schedule.batches(epoch + 1)):
            found = schedule[batch]
            tracks = found.track_L[found.track_L != IDLE].tolist()
            assert tracks
            assert len(set(tracks)) == len(tracks)
            for lane in np.flatnonzero(found.track_L != IDLE).tolist():
                track, start = int(found.track_L[lane]), int(found.start_L[lane])
                assert lane_of.setdefault(track, lane) == lane
                assert last.get(track, batch - 1) == batch - 1
                last[track] = batch
                steps[track] += range(start, min(start + length, lengths[track]))
        assert steps == [list(range(n)) for n in lengths]


@given(LENGTHS, st.integers(1, 12), st.integers(1, 25))
def test_a_batch_depends_on_seed_and_step_alone(lengths: list[int], lanes: int, length: int) -> None:
    one, other = (together(np.array(lengths), lanes, length, 3) for _ in range(2))
    total = one.batches(3)
    asked = [total - 1, 0, total // 2, total // 2]
    walked = {step: other[step] for step in range(total)}
    for step in asked:
        assert one[step].track_L.tolist() == walked[step].track_L.tolist()
        assert one[step].start_L.tolist() == walked[step].start_L.tolist()


@pytest.mark.parametrize("room", [0, 25, 60])
def test_all_tracks_of_a_group_of_videos_come_before_those_of_the_next(room: int) -> None:
    """So that whoever holds one group computes the features of every video once an epoch."""
    lengths = np.random.default_rng(0).integers(1, 90, 60)
    groups = groups_of(60, 8, room)
    schedule = Schedule(lengths, 6, 20, 0, groups)
    for epoch in (0, 1):
        seen: list[set[int]] = []
        for batch in range(schedule.batches(epoch), schedule.batches(epoch + 1)):
            track_L = schedule[batch].track_L
            seen.append(set(groups.video_T[track_L[track_L != IDLE]].tolist()))
        spans = {v: [i for i, videos in enumerate(seen) if v in videos] for v in set.union(*seen)}
        for batch in range(len(seen)):
            held = [video for video, span in spans.items() if span[0] <= batch <= span[-1]]
            assert len(held) == 1 or groups.bytes_V[held].sum() <= room


def test_groups_differ_from_epoch_to_epoch() -> None:
    groups = groups_of(60, 8, 25)
    first, second = (groups.drawn(np.random.default_rng(epoch)) for epoch in (0, 1))
    assert sorted(np.concatenate(first).tolist()) == list(range(60))
    assert {tuple(np.unique(groups.video_T[tracks])) for tracks in first} != {
        tuple(np.unique(groups.video_T[tracks])) for tracks in second
    }


def test_where_all_videos_are_one_group_the_order_is_random_over_all_tracks() -> None:
    lengths = np.random.default_rng(0).integers(1, 90, 60)
    schedule, at = together(lengths, 6, 20, 3), 0
    for epoch in (0, 1):
        order = np.random.default_rng([3, 7, epoch]).permutation(60)
        for wanted in plan(lengths, order, 6, 20):
            assert schedule[at].track_L.tolist() == wanted.track_L.tolist()
            assert schedule[at].start_L.tolist() == wanted.start_L.tolist()
            at += 1
    assert at == schedule.batches(2)


def test_lanes_are_filled_as_they_come_free() -> None:
    found = plan(np.array([50, 20, 20, 41]), np.arange(4), 2, 20)
    assert found.track_BL.tolist() == [[0, 1], [0, 2], [0, 3], [IDLE, 3], [IDLE, 3]]
    assert found.start_BL.tolist() == [[0, 0], [20, 0], [40, 0], [0, 20], [0, 40]]
    assert [stretches.track_L.tolist() for stretches in found] == found.track_BL.tolist()


def test_few_steps_of_a_long_epoch_are_empty() -> None:
    lengths = np.random.default_rng(0).integers(30, 300, 2000)
    schedule = together(lengths, 100, 20, 0)
    assert lengths.sum() / (schedule.batches(1) * 100 * 20) > 0.9


def test_epochs_differ_in_order_and_seeds_in_all() -> None:
    lengths = np.full(50, 20)
    schedule = together(lengths, 10, 20, 0)
    assert schedule.batches(2) == 10
    assert schedule[0].track_L.tolist() != schedule[5].track_L.tolist()
    assert schedule[0].track_L.tolist() != together(lengths, 10, 20, 1)[0].track_L.tolist()


def test_there_are_not_more_lanes_than_tracks() -> None:
    assert together(np.array([5, 6]), 100, 20, 0)[0].track_L.shape == (2,)


@pytest.mark.parametrize("lengths", [[], [3, 0]])
def test_no_tracks_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="tracks of at least one step"):
        together(np.array(lengths, int), 2, 20, 0)
