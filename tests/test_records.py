"""The currency: parallel arrays, checked, picked, joined and renumbered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.records import Detections, GroundTruth, TruthBoxes, TruthTubes, Tubelets, Tubes, VideoTable


def detections(videos: tuple[str, ...] = ("a", "b"), video: Any = (0, 1, 0), **more: Any) -> Detections:
    count = len(video)
    columns: dict[str, Any] = {
        "video": list(video), "frame": range(count), "box": range(count), "label": [0] * count,
        "boxes_N4": np.arange(4.0 * count).reshape(count, 4), "score": np.linspace(0, 1, count),
    }  # fmt: skip
    return Detections(videos, **(columns | more))


def tubes(videos: tuple[str, ...] = ("a",), tube: Any = (0, 0, 1), frame: Any = (3, 4, 0)) -> Tubes:
    count = len(tube)
    return Tubes(videos, np.zeros(count), tube, np.zeros(count), np.ones(count), frame, np.zeros((count, 4)))


def test_columns_take_their_types() -> None:
    found = detections()
    assert found.frame.dtype == np.int32
    assert found.boxes_N4.dtype == np.float32
    assert found.label.dtype == np.int16
    assert found.stage is None
    assert len(found) == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"boxes_N4": np.zeros((3, 5))}, r"boxes_N4 has shape \(3, 5\)"),
        ({"score": np.zeros((3, 1))}, r"score has shape \(3, 1\)"),
        ({"score": np.zeros(2)}, "score has 2 rows, the others 3"),
        ({"stage": np.zeros(4)}, "stage has 4 rows"),
        ({"video": [0, 1, 2]}, "points outside its 2 videos"),
        ({"video": [0, 1, -1]}, "points outside its 2 videos"),
    ],
)
def test_what_does_not_fit_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        detections(**more)


def test_rows_are_picked_by_mask_index_and_slice() -> None:
    found = detections(stage=[5, 6, 7])
    assert found[[2, 0]].stage.tolist() == [7, 5]  # type: ignore[union-attr]
    assert found[found.score > 0.4].frame.tolist() == [1, 2]
    assert found[1:].videos == ("a", "b")
    assert len(found[np.zeros(0, int)]) == 0


@pytest.mark.parametrize("kind", [Detections, Tubelets, Tubes, TruthTubes, TruthBoxes])
def test_nothing_is_something_too(kind: Any) -> None:
    nothing = kind.empty(["a"])
    assert (len(nothing), nothing.videos) == (0, ("a",))
    assert len(kind.concat([])) == 0
    assert len(kind.concat([nothing, nothing])) == 0
    assert [name for name, _ in nothing.by_video()] == ["a"]


def test_parts_are_joined_by_the_names_of_their_videos() -> None:
    one, two = detections(("a", "b"), (0, 1)), detections(("c", "b"), (1, 0))
    joined = Detections.concat([one, two])
    assert joined.videos == ("a", "b", "c")
    assert [joined.videos[v] for v in joined.video] == ["a", "b", "b", "c"]
    assert joined.stage is None
    staged = detections(("a",), (0,), stage=[1])
    assert Detections.concat([one, staged]).stage is None
    assert Detections.concat([staged, staged]).stage.tolist() == [1, 1]  # type: ignore[union-attr]


def test_renumbering_wants_every_video_that_has_rows() -> None:
    found = detections(("a", "b", "c"), (0, 2))
    assert found.with_videos(["c", "x", "a"]).video.tolist() == [2, 0]
    with pytest.raises(ValueError, match="1 videos are not in the list, the first 'c'"):
        found.with_videos(["a", "b"])


@given(st.lists(st.integers(0, 4), max_size=30))
@settings(max_examples=60, deadline=None)
def test_going_over_videos_loses_nothing(video: list[int]) -> None:
    found = detections(tuple("abcde"), video)
    parts = dict(found.by_video())
    assert list(parts) == list("abcde")
    for i, name in enumerate("abcde"):
        assert parts[name].frame.tolist() == [row for row, v in enumerate(video) if v == i]
        assert set(parts[name].video.tolist()) <= {i}


def test_dense_has_one_row_a_box() -> None:
    found = detections(("a", "b"), (0, 0, 1), box=[7, 7, 7], label=[2, 0, 1], score=[0.5, 0.25, 0.75])
    boxes, scores = found.dense(3)
    assert boxes.video.tolist() == [0, 1]
    assert scores.tolist() == [[0.25, 0, 0.5], [0, 0.75, 0]]


def test_rows_of_a_tube_lie_together_with_rising_frames() -> None:
    assert tubes().starts.tolist() == [0, 2]
    assert Tubes.empty().starts.tolist() == []
    for wrong in ({"tube": (0, 1, 0)}, {"frame": (4, 3, 0)}, {"frame": (3, 3, 0)}):
        with pytest.raises(ValueError, match="rows of one tube must lie together"):
            tubes(**wrong)  # type: ignore[arg-type]


def test_joined_tubes_are_numbered_on() -> None:
    joined = Tubes.concat([tubes(("a",)), Tubes.empty(["x"]), tubes(("b",))])
    assert joined.tube.tolist() == [0, 0, 1, 2, 2, 3]
    assert joined.videos == ("a", "x", "b")
    assert joined.video.tolist() == [0, 0, 0, 2, 2, 2]


def test_tubelets_may_be_of_any_length() -> None:
    found = Tubelets(("a",), [0, 0], [0, 1], np.zeros((2, 7, 4)), [0, 1], [0.5, 0.5])  # type: ignore[arg-type]
    assert found.boxes_NK4.shape == (2, 7, 4)


def truth(scored: Any = None) -> GroundTruth:
    names = ("a", "b", "c")
    table = VideoTable(names, [5, 6, 7], [10, 20, 30], [1, 2, 3], [25, 25, 30], ("g1", "g2", "g1"))  # type: ignore[arg-type]
    rows = TruthTubes(names, [2, 0, 2], [9, 4, 6], [1, 0, 2], [0, 0, 1], [2, 1, 3], [False, True, False])  # type: ignore[arg-type]
    boxes = TruthBoxes(names, [2, 0, 2, 2], [9, 4, 6, 9], [0, 0, 1, 1], np.arange(16.0).reshape(4, 4))  # type: ignore[arg-type]
    return GroundTruth(("x", "y", "z"), table, rows, boxes, scored)


def test_boxes_have_the_label_of_their_tube() -> None:
    assert truth().box_labels().tolist() == [1, 0, 2, 1]


def test_some_videos_of_an_annotation() -> None:
    found = truth().select(["c", "b"])
    assert found.videos.names == ("c", "b")
    assert found.videos.frames.tolist() == [7, 6]
    assert found.videos.group == ("g1", "g2")
    assert (found.tubes.tube.tolist(), found.tubes.video.tolist()) == ([9, 6], [0, 0])
    assert found.boxes.tube.tolist() == [9, 6, 9]
    assert found.box_labels().tolist() == [1, 2, 1]
    assert len(truth().select([]).videos) == 0
    with pytest.raises(ValueError, match="lacks 1 videos, the first 'q'"):
        truth().select(["a", "q"])


def test_listed_frames_follow_their_videos() -> None:
    listed = np.array([[0, 2], [2, 5], [1, 1]], np.int32)
    found = replace(truth(listed), excluded_frames=listed[1:]).select(["c", "a"])
    assert found.scored_frames is not None
    assert found.scored_frames.tolist() == [[1, 2], [0, 5]]
    assert found.excluded_frames is not None
    assert found.excluded_frames.tolist() == [[0, 5]]


def test_tables_of_different_videos_are_refused() -> None:
    good = truth()
    with pytest.raises(ValueError, match="same videos"):
        GroundTruth(good.classes, good.videos, good.tubes.with_videos(["a", "c", "b"]), good.boxes)
    with pytest.raises(ValueError, match="tubes that the tube table lacks"):
        GroundTruth(good.classes, good.videos, good.tubes[:1], good.boxes)
    with pytest.raises(ValueError, match=r"VideoTable\.width has 1 rows for 2 videos"):
        VideoTable(("a", "b"), [1, 2], [1], [1, 2], [1, 2], ("g", "g"))  # type: ignore[arg-type]
