"""Annotation cut to the action."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.files.tables import digest_ground_truth
from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from datasets.jhmdb import Jhmdb
from datasets.trimming import annotated_runs, trimmed

VIDEOS = ("a", "b", "c")
SPANS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(1, 10)), max_size=12)


def truth_of(spans: list[tuple[int, int, int]]) -> GroundTruth:
    """Tubes (video, start, length) of three videos, without boxes."""
    video, start, length = np.array(spans, int).reshape(-1, 3).T
    tubes = TruthTubes(
        VIDEOS, video, np.arange(len(video)), video * 0, start, start + length, np.zeros(len(video), bool)
    )
    table = VideoTable(VIDEOS, [40] * 3, [8] * 3, [8] * 3, [25] * 3, VIDEOS)  # type: ignore[arg-type]
    return GroundTruth(("run",), table, tubes, TruthBoxes.empty(VIDEOS))


def test_only_frames_within_a_span_count() -> None:
    truth = truth_of([(0, 3, 2), (2, 10, 3), (2, 12, 4), (2, 30, 1)])
    cut = trimmed(truth)
    assert cut.scored_frames is not None
    assert cut.scored_frames.dtype == np.int32
    frames = [(0, 3), (0, 4), *((2, f) for f in range(10, 16)), (2, 30)]
    assert [tuple(row) for row in cut.scored_frames.tolist()] == frames
    assert annotated_runs(truth).tolist() == [[0, 3, 5], [2, 10, 16], [2, 30, 31]]
    assert replace(cut, scored_frames=None) == truth
    assert truth.scored_frames is None


def test_frames_that_did_not_count_before_do_not_count_now() -> None:
    truth = replace(truth_of([(1, 3, 4)]), scored_frames=np.array([[0, 3], [1, 2], [1, 4], [1, 6]], np.int32))
    cut = trimmed(truth)
    assert cut.scored_frames is not None
    assert cut.scored_frames.tolist() == [[1, 4], [1, 6]]


def test_an_annotation_without_tubes_has_no_frame_that_counts() -> None:
    cut = trimmed(truth_of([]))
    assert cut.scored_frames is not None
    assert cut.scored_frames.shape == (0, 2)


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_the_frames_are_the_union_of_all_spans(spans: list[tuple[int, int, int]]) -> None:
    truth = truth_of(spans)
    cut = trimmed(truth)
    wanted = sorted({(v, f) for v, start, length in spans for f in range(start, start + length)})
    assert cut.scored_frames is not None
    assert [tuple(row) for row in cut.scored_frames.tolist()] == wanted
    runs = annotated_runs(truth)
    for v, start, length in spans:
        assert any(r[0] == v and r[1] <= start and start + length <= r[2] for r in runs)
    assert digest_ground_truth(trimmed(cut)) == digest_ground_truth(cut)


def test_a_trimmed_dataset_has_no_trimmed_protocols(tmp_path: object) -> None:
    with pytest.raises(
        ValueError, match=r"J-HMDB-21 is trimmed as it is; its protocols have no \+gt-trimmed"
    ):
        Jhmdb(tmp_path).protocol("1", trimming="gt-trimmed")  # type: ignore[arg-type]
