"""What holds for every linking rule."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.records import Detections, Tubelets
from bench.tubes import LINKERS, Linker
from bench.tubes.base import Found
from bench.tubes.online import OnlineLinking
from bench.tubes.paths import Paths
from bench.tubes.tracks import GivenTracks, TrackingByDetection
from bench.tubes.tubelet_linking import MOC, TubeletLinking
from bench.tubes.viterbi import SAHA, YOWO, ViterbiLinking

sys.path.insert(0, str(Path(__file__).parent))
from tube_scenes import as_tubelets, detections, many, random_video, video_strategy

RULES: dict[str, Linker] = {
    "online": OnlineLinking(min_boxes=1),
    "online-interpolated": OnlineLinking(max_gap=4, gaps="interpolate"),
    "viterbi": ViterbiLinking(),
    "yowo": YOWO,
    "saha": SAHA,
    "tubelet": TubeletLinking(min_score=0.0),
    "tubelet-far": TubeletLinking(max_gap=9, min_iou=0.4),
    "moc": MOC,
    "moc-sum": replace(MOC, suppression="soft-sum", min_score=-100.0),
    "tracking": TrackingByDetection(min_boxes=1),
    "given": GivenTracks(),
}
rules = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def given_to(rule: Linker, found: Detections) -> Found:
    """The boxes as the rule takes them: as tubelets, with tracks, or as they are."""
    if isinstance(rule, TubeletLinking):
        return as_tubelets(found, 4)
    if isinstance(rule, GivenTracks):
        first = np.searchsorted(found.frame, found.frame)
        return replace(found, track=found.box - found.box[first])
    return found


def equal(a: Paths, b: Paths) -> None:
    """The same paths; rows aside."""
    for column in ("video", "path", "label", "frame", "boxes_R4", "score"):
        np.testing.assert_array_equal(getattr(a, column), getattr(b, column), err_msg=column)


videos = video_strategy(st.sampled_from([None, 1, 3]), people=6)


def test_every_rule_is_tested() -> None:
    assert {rule.name for rule in RULES.values()} == set(LINKERS)
    assert all(LINKERS[name].name == name for name in LINKERS)


@rules
@settings(max_examples=25, deadline=None)
@given(video=videos)
def test_paths_run_on_without_gaps_by_label_and_twice_alike(rule: Linker, video: Detections) -> None:
    found = given_to(rule, video)
    paths = rule.link(found)
    assert paths.videos == ("v",)
    same = np.diff(paths.path) == 0
    assert np.all(np.diff(paths.frame)[same] == 1)
    assert np.all(np.diff(paths.label)[same] == 0)
    assert np.all(np.diff(paths.label[paths.starts]) >= 0)
    assert np.all(np.isfinite(paths.boxes_R4))
    assert np.all(np.isfinite(paths.score))
    equal(paths, rule.link(found))


@rules
@settings(max_examples=25, deadline=None)
@given(video=videos)
def test_no_box_lies_on_two_paths_of_a_class(rule: Linker, video: Detections) -> None:
    """But for boxes that fill a frame which has none; a tubelet has one path."""
    if isinstance(rule, TubeletLinking):
        tubelets = as_tubelets(video, 4)
        path_N, _ = rule.link_tubelets(tubelets)
        linked = np.flatnonzero(path_N >= 0)
        paths = np.stack([path_N[linked], tubelets.start[linked]], axis=1)
        assert len(np.unique(paths, axis=0)) == len(linked), "two tubelets of one start on a path"
        labels = np.stack([path_N[linked], tubelets.label[linked]], axis=1)
        assert len(np.unique(labels, axis=0)) == len(np.unique(path_N[linked])), "a path of two labels"
        return
    found = given_to(rule, video)
    assert isinstance(found, Detections)
    paths = rule.link(found)
    own = found.frame[paths.row] == paths.frame
    used = np.stack([found.box[paths.row[own]], paths.label[own]], axis=1)
    assert len(np.unique(used, axis=0)) == len(used)


@rules
@settings(max_examples=25, deadline=None)
@given(video=video_strategy(people=6), seed=st.integers(0, 100))
def test_row_order_does_not_matter(rule: Linker, video: Detections, seed: int) -> None:
    found = given_to(rule, video)
    shuffle = np.random.default_rng(seed).permutation(len(found))
    straight, shuffled = rule.link(found), rule.link(found[shuffle])
    equal(straight, shuffled)
    if isinstance(found, Detections):
        np.testing.assert_array_equal(found.box[straight.row], found[shuffle].box[shuffled.row])


@rules
@settings(max_examples=10, deadline=None)
@given(parts=st.lists(videos, min_size=1, max_size=3), seed=st.integers(0, 100))
def test_many_videos_at_once_are_each_alone(rule: Linker, parts: list[Detections], seed: int) -> None:
    """Rows of the videos mixed, one of the videos without rows."""
    parts = [*parts, Detections.empty(["none"])]
    each = [given_to(rule, part) for part in parts]
    whole = type(each[0]).concat([replace(found, videos=(str(i),)) for i, found in enumerate(each)])  # type: ignore[arg-type]
    order = np.argsort(np.random.default_rng(seed).integers(0, 3, len(whole)), kind="stable")
    frames_V = np.array([30] * len(parts))
    together = rule.link(whole[order], frames_V)
    assert together.videos == tuple(map(str, range(len(parts))))
    assert np.all(np.diff(together.video) >= 0)
    for i, found in enumerate(each):
        mine = np.flatnonzero(together.video == i)
        alone = rule.link(found[np.argsort(order_of(order, whole, i), kind="stable")], frames_V[:1])
        for column in ("label", "frame", "boxes_R4", "score"):
            np.testing.assert_array_equal(getattr(together, column)[mine], getattr(alone, column))


def order_of(order: np.ndarray, whole: Found, video: int) -> np.ndarray:
    """Place of each row of a video among its rows, as they lie in ``whole[order]``."""
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    return place[whole.video == video]


@rules
def test_nothing_one_frame_and_empty_frames(rule: Linker) -> None:
    nothing = Detections.empty(["a", "b"])
    empty: Found = Tubelets.empty(["a", "b"]) if isinstance(rule, TubeletLinking) else nothing
    if isinstance(rule, GivenTracks):
        empty = replace(nothing, track=np.zeros(0))
    assert len(rule.link(empty)) == 0
    assert rule.link(empty).videos == ("a", "b")
    one = random_video(3, frames=1, people=3, classes=2, levels=None)
    paths = rule.link(given_to(rule, one))
    stack = 4 if isinstance(rule, TubeletLinking) else 1
    assert set(paths.lengths) <= {stack}
    apart = detections([0, 500], [[0, 0, 9, 9], [90, 90, 99, 99]], [0, 0], [0.5, 0.6])
    longest = {"viterbi": 501, "tubelet": stack}.get(rule.name, 1)
    if not isinstance(rule, GivenTracks):
        assert set(rule.link(given_to(rule, apart)).lengths) <= {longest}


@rules
def test_a_thousand_boxes_in_a_frame_all_of_one_score(rule: Linker) -> None:
    rng = np.random.default_rng(3)
    corner = rng.uniform(0, 300, (3 * 1000, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 60, corner.shape)], axis=1)
    video = detections(np.repeat(np.arange(3), 1000), boxes, np.zeros(3000), np.full(3000, 0.5))
    found = given_to(rule, video)
    paths = rule.link(found)
    equal(paths, rule.link(found))
    if isinstance(found, Detections):
        assert np.all(paths.score == 0.5)
        used = paths.row[found.frame[paths.row] == paths.frame]
        assert len(np.unique(used)) == len(used)


@rules
def test_videos_whose_boxes_lie_anywhere(rule: Linker) -> None:
    """Inverted boxes and boxes without extent are linked or left out, and break nothing."""
    video = random_video(5, frames=12, people=4, classes=1, levels=None)
    video = replace(video, boxes_N4=video.boxes_N4 * np.where(np.arange(len(video)) % 3, 1, -1)[:, None])
    video = replace(video, boxes_N4=np.where(np.arange(len(video))[:, None] % 5, video.boxes_N4, 7))
    paths = rule.link(given_to(rule, video))
    assert np.all(np.isfinite(paths.boxes_R4))


def test_many_names_the_videos_in_order() -> None:
    found = many([random_video(i, 4, 2, 1, None) for i in range(3)])
    assert OnlineLinking(min_boxes=1).link(found).videos == ("0", "1", "2")
