"""Written in a format, read back: the same rows, and the same score as of the arrays themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.files.tables import write_detections, write_ground_truth, write_part, write_tubes
from bench.interop.base import Truth
from bench.interop.formats import Manner, Predictions, read_predictions, read_truth
from bench.metrics import evaluate
from bench.protocol import Protocol, evaluator
from bench.records import GroundTruth

sys.path.insert(0, str(Path(__file__).parent))
import foreign

DETECTIONS, TUBES = foreign.predictions()
PROTOCOL = Protocol("scene", "1", evaluator("act"))
Write = Callable[[Path], Path]

WRITERS: dict[str, Write] = {
    "parquet": lambda folder: foreign.parquet_detections(folder / "d.parquet", DETECTIONS),
    "act": lambda folder: foreign.act_folder(folder / "act", DETECTIONS, TUBES),
    "moc": lambda folder: foreign.act_folder(folder / "moc", DETECTIONS, TUBES, moc=True),
    "yowo": lambda folder: foreign.yowo_folder(folder / "yowo", DETECTIONS),
    "coco": lambda folder: foreign.coco_results(folder / "r.json", DETECTIONS, whole=True),
}
TRUTHS: dict[str, Write] = {
    "parquet": lambda folder: foreign.parquet_truth(folder / "truth.parquet"),
    "act": lambda folder: foreign.gt_pickle(folder / "X-GT.pkl"),
    "coco": lambda folder: foreign.coco_truth(folder / "truth.json"),
}


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    return read_truth(foreign.parquet_truth(tmp_path / "truth.parquet"))


def metrics(truth: GroundTruth, found: Predictions) -> dict[str, float | None]:
    return evaluate(truth, found.detections, found.tubes, PROTOCOL).metrics


def direct(tubes: bool) -> dict[str, float | None]:
    return evaluate(foreign.truth(), DETECTIONS, TUBES if tubes else None, PROTOCOL).metrics


def test_the_scene_is_worth_comparing() -> None:
    values = direct(tubes=True)
    for name in ("frame_map/0.50", "frame_map/0.75", "video_map/0.50"):
        value = values[name]
        assert value is not None
        assert 5 < value < 95


@pytest.mark.parametrize("name", WRITERS)
def test_predictions(tmp_path: Path, truth: Truth, name: str) -> None:
    found = read_predictions(WRITERS[name](tmp_path), None, truth, Manner())
    assert found.detections is not None
    assert found.covered == set(foreign.VIDEOS)
    order = np.lexsort((found.detections.score, found.detections.frame, found.detections.video))
    wanted = np.lexsort((DETECTIONS.score, DETECTIONS.frame, DETECTIONS.video))
    for column in ("video", "frame", "label", "score", "boxes_N4"):
        ours, theirs = getattr(DETECTIONS[wanted], column), getattr(found.detections[order], column)
        np.testing.assert_array_equal(theirs, ours, column)
    assert metrics(truth.annotation, found) == pytest.approx(direct(tubes=found.tubes is not None), abs=1e-9)
    assert (found.tubes is not None) == (name in ("act", "moc"))


@pytest.mark.parametrize("name", TRUTHS)
def test_truth(tmp_path: Path, name: str) -> None:
    found = read_truth(TRUTHS[name](tmp_path)).annotation
    ours = foreign.truth()
    assert (found.classes, found.videos.names) == (ours.classes, ours.videos.names)
    np.testing.assert_array_equal(found.videos.frames, ours.videos.frames)
    assert len(set(found.videos.group)) == 5
    if name != "parquet":
        np.testing.assert_array_equal(found.videos.width, ours.videos.width)
    names = ("start", "end", "label", "video")
    spans = [sorted(zip(*(getattr(t.tubes, column).tolist() for column in names))) for t in (found, ours)]
    assert spans[0] == spans[1]
    values = evaluate(found, DETECTIONS, TUBES, PROTOCOL).metrics
    assert values == pytest.approx(direct(tubes=True), abs=1e-9)


def test_a_folder_of_tables_is_read_as_it_was_written(tmp_path: Path) -> None:
    ours = foreign.truth()
    write_ground_truth(tmp_path / "truth", ours)
    found = read_truth(tmp_path / "truth")
    assert found.annotation.videos.group == ours.videos.group
    assert found.lengths_known
    write_detections(tmp_path / "link" / "detections.parquet", DETECTIONS, {"method": "pcsc"})
    write_tubes(tmp_path / "link" / "tubes.parquet", TUBES, {})
    both = read_predictions(tmp_path / "link", None, found, Manner())
    assert metrics(found.annotation, both) == pytest.approx(direct(tubes=True), abs=1e-9)
    for number, name in enumerate(foreign.VIDEOS):
        mine = DETECTIONS[DETECTIONS.video == number].with_videos([name])
        write_part(tmp_path / "parts", number, mine, {})
    parts = read_predictions(tmp_path / "parts", None, found, Manner())
    assert metrics(found.annotation, parts) == pytest.approx(direct(tubes=False), abs=1e-9)


@pytest.mark.parametrize("split", ["1", "2"])
@pytest.mark.parametrize("array", [True, False])
def test_multisports_numbers_videos_by_the_test_list(tmp_path: Path, split: str, array: bool) -> None:
    """Split 2 lists them backwards: the numbers must be those of that list."""
    truth = read_truth(foreign.gt_pickle(tmp_path / "X_GT.pkl"), split)
    assert truth.annotation.videos.names == foreign.VIDEOS[:: 1 if split == "1" else -1]
    written = DETECTIONS.with_videos(truth.annotation.videos.names)
    frames = foreign.multisports_frames(tmp_path / "frame_detections.pkl", written, array)
    tubes = foreign.multisports_tubes(tmp_path / "video_detections.pkl", TUBES)
    found = read_predictions(frames, tubes, truth, Manner())
    assert metrics(truth.annotation, found) == pytest.approx(direct(tubes=True), abs=1e-9)


def test_tubes_alone_give_detections(tmp_path: Path, truth: Truth) -> None:
    path = foreign.multisports_tubes(tmp_path / "video_detections.pkl", TUBES)
    found = read_predictions(path, None, truth, Manner())
    assert found.detections is not None
    assert any("detections are the boxes of the tubes" in note for note in found.notes)
    assert TUBES.frame_score is not None
    np.testing.assert_array_equal(np.sort(found.detections.score), np.sort(TUBES.frame_score))


def test_tubes_may_lie_in_any_order_and_be_numbered_by_video(tmp_path: Path, truth: Truth) -> None:
    shuffled = np.random.default_rng(1).permutation(len(TUBES))
    number = np.array([t % 2 for t in TUBES.tube])  # two tubes a video: numbered 0 and 1 in each
    columns = {
        name: np.asarray(values)[shuffled]
        for name, values in {
            "video": foreign.names_of(TUBES), "tube": number, "label": TUBES.label, "score": TUBES.score,
            "frame": TUBES.frame, **foreign.corners(TUBES.boxes_N4),
        }.items()
    }  # fmt: skip
    detections = foreign.parquet_detections(tmp_path / "d.parquet", DETECTIONS)
    tubes = foreign.write_parquet(tmp_path / "t.parquet", columns)
    found = read_predictions(detections, tubes, truth, Manner())
    assert metrics(truth.annotation, found) == pytest.approx(direct(tubes=True), abs=1e-9)


def test_a_list_of_coco_results_needs_coco_truth(tmp_path: Path, truth: Truth) -> None:
    path = foreign.coco_results(tmp_path / "results.json", DETECTIONS)
    known = read_truth(foreign.coco_truth(tmp_path / "truth.json"))
    found = read_predictions(path, None, known, Manner())
    assert metrics(known.annotation, found) == pytest.approx(direct(tubes=False), abs=1e-9)
    with pytest.raises(ValueError, match=r"results\.json names images and categories by ids that only COCO"):
        read_predictions(path, None, truth, Manner())


def test_yowo_truth_serves_for_frames(tmp_path: Path) -> None:
    truth = read_truth(foreign.yowo_truth(tmp_path / "gt"))
    found = read_predictions(foreign.yowo_folder(tmp_path / "dt", DETECTIONS), None, truth, Manner())
    values = metrics(truth.annotation, found)
    frames = {name: value for name, value in direct(tubes=False).items() if name.startswith("frame")}
    assert {name: values[name] for name in frames} == pytest.approx(frames, abs=1e-9)
    assert truth.annotation.classes == ("class 1", "class 2", "class 3")


def test_tubes_want_truth_that_has_some(tmp_path: Path, truth: Truth) -> None:
    frames = replace(truth, has_tubes=False)
    detections, tubes = WRITERS["parquet"](tmp_path), foreign.parquet_tubes(tmp_path / "t.parquet", TUBES)
    with pytest.raises(
        ValueError, match=r"t\.parquet: tubes cannot be scored, the truth has boxes of single"
    ):
        read_predictions(detections, tubes, frames, Manner())
    both = read_predictions(WRITERS["act"](tmp_path), None, frames, Manner())
    assert both.tubes is None
    assert both.notes[-1] == "tubes not scored: the truth has boxes of single frames"


@pytest.mark.parametrize(("name", "own"), [("parquet", 0.0), ("yowo", -1.0)])
def test_a_box_offset_takes_the_place_of_the_formats_own(
    tmp_path: Path, truth: Truth, name: str, own: float
) -> None:
    path = WRITERS[name](tmp_path)
    usual = read_predictions(path, None, truth, Manner()).detections
    moved = read_predictions(path, None, truth, Manner(box_shift=2.5)).detections
    assert usual is not None
    assert moved is not None
    np.testing.assert_array_equal(moved.boxes_N4 - usual.boxes_N4, np.float32(2.5 - own))


def test_the_notes_say_what_was_assumed(tmp_path: Path, truth: Truth) -> None:
    assert truth.notes[0] == (
        "truth truth.parquet read as the suite's Parquet: frames as they are, coordinates as they are"
    )
    found = read_predictions(WRITERS["yowo"](tmp_path), None, truth, Manner())
    assert found.notes[0] == "yowo read as text files of YOWO: frames -1, coordinates -1 px"


def test_videos_of_other_splits_are_left_out_and_counted(tmp_path: Path, truth: Truth) -> None:
    part = replace(truth, annotation=truth.annotation.select(foreign.VIDEOS[:3]),
                   others=frozenset(foreign.VIDEOS[3:]))  # fmt: skip
    found = read_predictions(WRITERS["parquet"](tmp_path), None, part, Manner())
    assert found.detections is not None
    outside = int(np.count_nonzero(DETECTIONS.video >= 3))
    assert len(found.detections) == len(DETECTIONS) - outside
    assert found.covered == set(foreign.VIDEOS[:3])
    assert found.notes[-1] == f"{outside} rows of videos outside split all were left out"
