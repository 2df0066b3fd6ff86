"""What is counted in annotation, what is wrong with it, and what of that is known."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.records import GroundTruth, TruthBoxes, TruthTubes
from datasets.checks import check

sys.path.insert(0, str(Path(__file__).parent))
from toy import NAMES, Toy, rows, truth


def test_whole_annotation_is_whole(tmp_path: Path) -> None:
    report = check(Toy(tmp_path), None)
    assert report.whole
    assert [part.name for part in report.parts] == ["annotation"]
    counts = {what: row.found for what, row in rows(report).items() if not row.is_fault}
    assert counts == {
        "classes": 2, "videos": 3, "tubes": 4, "boxes": 14, "frames of all videos as annotated": 12,
        "source groups": 3, "most tubes in a video": 2, "shortest tube, frames": 2, "longest tube, frames": 4,
        "untrimmed videos": 0, "videos of more than one class": 0, "split 1: training videos": 2,
        "split 1: test videos": 1, "split 1: test tubes": 1, "split 1: test boxes": 4,
        "split 1: test boxes past the end of their video": 0,
    }  # fmt: skip
    assert {row.verdict for row in rows(report).values()} == {"note", "ok"}


def test_counts_are_compared_with_the_published_ones(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    toy.published = {"videos": 3, "boxes": 15, "untrimmed videos": 0}
    report = check(toy, None)
    assert not report.whole
    verdicts = {what: row.verdict for what, row in rows(report).items()}
    assert (verdicts["videos"], verdicts["boxes"], verdicts["tubes"]) == ("ok", "wrong", "note")


def spoilt(what: str) -> GroundTruth:
    """The annotation with one fault."""
    found = truth()
    boxes_N4, frame, video = found.boxes.boxes_N4.copy(), found.boxes.frame.copy(), found.boxes.video
    if what == "boxes past the end of their video":
        frame[[3, 13]] = 4, 9
    elif what == "boxes outside the frame":
        boxes_N4[0, 0], boxes_N4[1, 2], boxes_N4[6, 3] = -1, 64.5, 49
    elif what == "boxes without area":
        boxes_N4[2] = 20, 20, 10, 30
    elif what == "boxes that are no numbers":
        boxes_N4[2, 1] = np.nan
    elif what == "tubes that repeat another of their video exactly":
        again = replace(found.tubes[[2, 2]], tube=np.array([8, 9], np.int32))
        copies = [replace(found.boxes[found.boxes.tube == 2], tube=np.full(4, n, np.int32)) for n in (8, 9)]
        tubes, boxes = TruthTubes.concat([found.tubes, again]), TruthBoxes.concat([found.boxes, *copies])
        return replace(found, tubes=tubes, boxes=boxes)
    else:
        group = ("a/x", "a/y", "a/x")
        return replace(found, videos=replace(found.videos, group=group))
    return replace(found, boxes=TruthBoxes(NAMES, video, found.boxes.tube, frame, boxes_N4))


FAULTS = {
    "boxes past the end of their video": (2, ("a/one", "b/three")),
    "boxes outside the frame": (3, ("a/one", "a/two")),
    "boxes without area": (1, ("a/one",)),
    "boxes that are no numbers": (1, ("a/one",)),
    "tubes that repeat another of their video exactly": (2, ("a/two",)),
    "source groups in training and test of a split": (1, ("split 1: a/x",)),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_found_counted_and_named(tmp_path: Path, what: str) -> None:
    toy = Toy(tmp_path, spoilt(what))
    report = check(toy, None)
    assert not report.whole
    row = rows(report)[what]
    assert (row.found, row.names, row.verdict) == (*FAULTS[what], "wrong")
    assert [r.what for r in report.parts[0].rows if r.verdict == "wrong"] == [what]


def test_a_fault_of_the_published_data_is_known_when_it_is_just_that(tmp_path: Path) -> None:
    what = "tubes that repeat another of their video exactly"
    toy = Toy(tmp_path, spoilt(what))
    for known, verdict in ((2, "known"), (1, "wrong"), (3, "wrong")):
        toy.published = {what: known}
        assert rows(check(toy, None))[what].verdict == verdict


def test_a_gap_between_tubes_makes_a_video_untrimmed(tmp_path: Path) -> None:
    found = truth()
    start, end = found.tubes.start.copy(), found.tubes.end.copy()
    start[1], end[0] = 2, 2
    joined = replace(found, tubes=replace(found.tubes, start=start, end=end + np.array([0, 2, 0, 0])))
    assert rows(check(Toy(tmp_path, joined), None))["untrimmed videos"].found == 0
    start[1] = 3
    apart = replace(found, tubes=replace(found.tubes, start=start, end=end + np.array([0, 2, 0, 0])))
    assert rows(check(Toy(tmp_path, apart), None))["untrimmed videos"].found == 1
