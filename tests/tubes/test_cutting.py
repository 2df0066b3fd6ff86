"""Tubes cut to the intervals that a trimming protocol counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.records import Tubes
from bench.tubes.cutting import TOP, cut


def tubes(spans: Sequence[tuple[int, int, int]], scored: bool = True) -> Tubes:
    """One tube a (video, start, end), score 0.5; the score of a box is its frame / 1000."""
    lengths = [end - start for _, start, end in spans]
    frame = np.concatenate([np.arange(start, end) for _, start, end in spans])
    return Tubes(
        ("a", "b"),
        np.repeat([video for video, _, _ in spans], lengths),
        np.repeat(np.arange(len(spans)), lengths),
        np.zeros(len(frame)),
        np.full(len(frame), 0.5),
        frame,
        np.tile([0, 0, 9, 9], (len(frame), 1)),
        frame / 1000 if scored else None,
    )


def frames(*intervals: tuple[int, int, int]) -> np.ndarray:
    return np.array([(video, f) for video, start, end in intervals for f in range(start, end)]).reshape(-1, 2)


def spans(found: Tubes) -> list[tuple[int, int, int]]:
    bounds = [*found.starts, len(found)]
    return [
        (int(found.video[i]), int(found.frame[i]), int(found.frame[j - 1]) + 1) for i, j in pairwise(bounds)
    ]


def test_a_tube_keeps_what_lies_within_an_interval() -> None:
    found = cut(tubes([(0, 0, 30)]), frames((0, 10, 20)))
    assert spans(found) == [(0, 10, 20)]
    assert found.score[0] == pytest.approx(np.mean(np.arange(10, 20) / 1000))


def test_a_tube_in_two_intervals_becomes_two() -> None:
    found = cut(tubes([(0, 0, 30), (1, 0, 30)]), frames((0, 5, 10), (0, 12, 15), (1, 29, 40)))
    assert spans(found) == [(0, 5, 10), (0, 12, 15), (1, 29, 30)]
    assert found.tube[found.starts].tolist() == [0, 1, 2]


def test_the_score_is_of_the_best_boxes_that_are_left() -> None:
    found = cut(tubes([(0, 0, 200)]), frames((0, 0, 100)))
    assert found.score[0] == pytest.approx(np.mean(np.arange(100 - TOP, 100) / 1000))


def test_without_scores_of_boxes_a_tube_keeps_its_own() -> None:
    assert set(cut(tubes([(0, 0, 30)], scored=False), frames((0, 10, 20))).score) == {0.5}


def test_nothing_left_is_no_tube() -> None:
    assert len(cut(tubes([(0, 0, 30)]), frames((1, 0, 30)))) == 0
    assert len(cut(tubes([(0, 0, 30)]), frames())) == 0


interval = st.tuples(st.integers(0, 1), st.integers(0, 20), st.integers(1, 15)).map(
    lambda t: (t[0], t[1], t[1] + t[2])
)


@given(st.lists(interval, min_size=1, max_size=4), st.lists(interval, max_size=4))
def test_every_counted_frame_of_a_tube_stays_and_no_other(
    given_spans: list[tuple[int, int, int]], counted: list[tuple[int, int, int]]
) -> None:
    before, listed = tubes(given_spans), frames(*counted)
    after = cut(before, listed)
    wanted = {tuple(row) for row in listed.tolist()}
    expected = [place for place in zip(before.video.tolist(), before.frame.tolist()) if place in wanted]
    assert list(zip(after.video.tolist(), after.frame.tolist())) == expected
    steps = np.diff(after.frame)[np.diff(after.tube) == 0]
    assert (steps == 1).all()
