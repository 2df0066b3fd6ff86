"""What is shown of a video: the best of its tubes, and its annotation."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.metrics.tube_iou import truth_frames, tube_frames, tube_iou
from bench.protocol import TubeRules
from bench.records import Tubes
from bench.showing.scenes import Choice, Shown

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))
import foreign

TRUTH = foreign.truth()
TUBES = foreign.predictions()[1]
SHOWN = Shown(foreign.CLASSES, TUBES, TRUTH)
VIDEO = foreign.VIDEOS[2]


def test_the_best_tubes_come_first() -> None:
    scene = SHOWN.scene(VIDEO, Choice())
    rows = SHOWN.tubes_of(VIDEO)
    assert rows is not None
    scores = sorted(rows.score[rows.starts].tolist(), reverse=True)
    assert [track.score for track in scene.tubes] == scores
    assert scene.found == len(scores) == 2
    alone = SHOWN.scene(VIDEO, Choice(top=1))
    assert (alone.tubes[0].score, len(alone.tubes), alone.found) == (scores[0], 1, 2)


def test_a_track_has_its_tubes_rows() -> None:
    track = SHOWN.scene(VIDEO, Choice()).tubes[0]
    rows = TUBES[np.isclose(TUBES.score, track.score)]
    np.testing.assert_array_equal(track.frame_T, rows.frame)
    np.testing.assert_array_equal(track.boxes_T4, rows.boxes_N4)
    np.testing.assert_array_equal(track.score_T, rows.frame_score)
    assert track.span == (rows.frame[0], rows.frame[-1] + 1)
    found = track.box(int(rows.frame[1]))
    assert found is not None
    np.testing.assert_array_equal(found, rows.boxes_N4[1])
    assert track.box(int(rows.frame[-1]) + 1) is None
    assert track.box(-1) is None


def test_annotation_has_its_span_and_class() -> None:
    scene = SHOWN.scene(VIDEO, Choice())
    own = TRUTH.select((VIDEO,))
    assert sorted(track.span for track in scene.truth) == sorted(zip(own.tubes.start, own.tubes.end))
    assert {track.name for track in scene.truth} == {"Diving"}
    assert (scene.frames, scene.fps) == (foreign.LENGTHS[VIDEO], 25)


def test_overlap_is_the_metrics_with_the_own_class() -> None:
    rules = TubeRules(box_extent=0)
    scene = replace(SHOWN, rules=rules).scene(VIDEO, Choice())
    rows, own = SHOWN.tubes_of(VIDEO), TRUTH.select((VIDEO,))
    assert rows is not None
    for track in scene.tubes:
        number = int(np.flatnonzero(np.isclose(rows.score[rows.starts], track.score))[0])
        pairs = np.full(2, number), np.arange(2)
        overlap = tube_iou(tube_frames(rows), pairs[0], truth_frames(own, rules), pairs[1], rules).max()
        assert track.overlap == (pytest.approx(overlap) if track.name == "Diving" else None)


def test_another_class_has_no_overlap() -> None:
    wrong = replace(SHOWN, tubes=replace(TUBES, label=(TUBES.label + 1) % 3))
    assert [track.overlap for track in wrong.scene(VIDEO, Choice()).tubes] == [None, None]
    unknown = Shown(foreign.CLASSES, TUBES)
    assert [track.overlap for track in unknown.scene(VIDEO, Choice()).tubes] == [None, None]


def test_why_nothing_is_left_is_said() -> None:
    """What is proposed does show it."""
    note = SHOWN.scene(VIDEO, Choice(min_score=0.9)).note
    best = max(track.score or 0 for track in SHOWN.scene(VIDEO, Choice()).tubes)
    assert f"the best {best:.3f}" in note
    proposed = float(note.split("--min-score ")[1].split()[0])
    assert SHOWN.scene(VIDEO, Choice(min_score=proposed)).tubes
    assert SHOWN.scene(VIDEO, Choice(classes=["Biking"])).note.endswith("they are of Diving")
    nothing = replace(SHOWN, tubes=Tubes.empty(foreign.VIDEOS)).scene(VIDEO, Choice(min_score=0.9))
    assert (nothing.note, nothing.found, nothing.tubes) == ("", 0, ())


def test_classes_are_chosen_by_forgiving_names() -> None:
    assert SHOWN.scene(VIDEO, Choice(classes=["diving"])).tubes
    assert not SHOWN.scene(VIDEO, Choice(classes=["biking"])).truth
    with pytest.raises(ValueError, match=r"unknown class 'Divin'; did you mean Diving\?"):
        SHOWN.scene(VIDEO, Choice(classes=["Divin"]))


def test_videos_are_found_with_and_without_their_class() -> None:
    assert SHOWN.find("v_Diving_g01_c01") == SHOWN.find(VIDEO) == VIDEO
    with pytest.raises(ValueError, match=r"video of the tubes.*did you mean"):
        SHOWN.find("v_Diving_g01_c07")
    with pytest.raises(ValueError, match="video of the annotation"):
        Shown(foreign.CLASSES, None, TRUTH).find("xyz")


def test_a_video_without_annotation_is_shown_all_the_same() -> None:
    some = replace(SHOWN, truth=TRUTH.select(foreign.VIDEOS[:2]))
    scene = some.scene(VIDEO, Choice())
    assert (len(scene.tubes), scene.truth, scene.frames) == (2, (), 0)
