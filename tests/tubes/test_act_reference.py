"""Tubelet linking against the programs of ACT (Kalogeiton et al. 2017) and MOC (Li et al. 2020), K = 6.

Of equal scores the programs take the last, ours the first: rows are given to ours in reverse.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.records import Tubelets, Tubes
from bench.tubes import PUBLISHED, Linking
from bench.tubes.tubelet_linking import MOC, TubeletLinking
from bench.tubes.tubelets import frame_detections

STORED = Path(__file__).parents[1] / "reference" / "tubelet_linking.npz"
ACT = PUBLISHED["act"]
MOC_PROGRAM = replace(PUBLISHED["moc"], linker=replace(MOC, suppression="soft-sum"))


def all_labels(
    video_B: np.ndarray, start_B: np.ndarray, boxes_BK4: np.ndarray, scores_BC: np.ndarray
) -> Tubelets:
    """Every tubelet with every label, last row first."""
    count, classes = scores_BC.shape
    names = tuple(map(str, range(int(video_B.max()) + 1)))
    video, start, boxes = (np.repeat(column, classes, axis=0) for column in (video_B, start_B, boxes_BK4))
    return Tubelets(names, video, start, boxes, np.tile(np.arange(classes), count), scores_BC.ravel())[::-1]


@pytest.mark.parametrize(("name", "linking"), [("act", ACT), ("moc", MOC_PROGRAM)])
def test_tubes_of_a_video_are_those_of_the_reference(name: str, linking: Linking) -> None:
    """Video 3 of the golden cases, three classes; columns label, tube score, frame, box, score."""
    with np.load(STORED) as file:
        stored = dict(file)
    start = stored["start"]
    tubes = linking.tubes(all_labels(np.zeros(len(start)), start, stored["boxes"], stored["scores"]))
    ours = np.column_stack([tubes.label, tubes.score, tubes.frame, tubes.boxes_N4, tubes.frame_score])
    np.testing.assert_allclose(ours, stored[name], atol=1e-4)


@pytest.fixture(scope="module")
def tubelets(shared: Path) -> Tubelets:
    with np.load(shared / "golden/inputs/ucf24_small/tubelets_K6.npz") as file:
        boxes = file["box"].reshape(-1, 6, 4)
        return all_labels(file["video"], file["start"] - 1, boxes, file["scores"])


def golden(shared: Path, name: str) -> np.ndarray:
    """Rows video, label, tube score, frame, box, score; tubes of a video and label by falling score."""
    folder = shared / f"golden/{name}/ucf24_small_tubelets_K6"
    with np.load(next(folder.glob("linked_tubes_*.npz"))) as file:
        rows = dict(file)
    key = {tuple(k): s for k, s in zip(rows["tube_score_video_cls_tube"].tolist(), rows["tube_score"])}
    numbers = zip(rows["video"].tolist(), rows["cls"].tolist(), rows["tube"].tolist())
    score = np.array([key[number] for number in numbers])
    order = np.lexsort((rows["frame"], rows["tube"], -score, rows["cls"], rows["video"]))
    columns = [rows["video"], rows["cls"], score, rows["frame"] - 1, rows["box"], rows["score"]]
    return np.column_stack(columns)[order]


def as_rows(tubes: Tubes, videos: int) -> np.ndarray:
    rows = tubes[tubes.video < videos]
    return np.column_stack([rows.video, rows.label, rows.score, rows.frame, rows.boxes_N4, rows.frame_score])


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "linking", "videos", "number"), [("act", ACT, 20, 4367), ("moc", MOC_PROGRAM, 12, 4990)]
)
def test_ucf24_tubes_box_for_box(
    shared: Path, tubelets: Tubelets, name: str, linking: Linking, videos: int, number: int
) -> None:
    tubes = linking.tubes(tubelets)
    assert len(tubes.starts) == number
    np.testing.assert_allclose(as_rows(tubes, videos), golden(shared, name), atol=1e-4)


@pytest.mark.parity
def test_moc_differs_from_its_program_only_where_something_was_suppressed(
    shared: Path, tubelets: Tubelets
) -> None:
    """The program lowers a suppressed score by the sum of K IoUs, below zero; ours by their mean."""
    plain, expected = as_rows(PUBLISHED["moc"].tubes(tubelets), 12), golden(shared, "moc")
    _, value_N = MOC.link_tubelets(tubelets)
    lowered = np.flatnonzero((value_N != tubelets.score) & (tubelets.video < 12))
    touched = set(zip(tubelets.video[lowered].tolist(), tubelets.label[lowered].tolist()))
    assert np.all(plain[:, 2] >= 0.005)
    same, other = (
        rows[[pair not in touched for pair in zip(rows[:, 0], rows[:, 1])]] for rows in (plain, expected)
    )
    np.testing.assert_allclose(same, other, atol=1e-4)
    assert len(plain) > len(expected)


@pytest.mark.parity
def test_frame_detections_are_those_of_the_reference(shared: Path, tubelets: Tubelets) -> None:
    folder = shared / "golden/act/ucf24_small_tubelets_K6"
    with np.load(folder / "frame_dets_after_nms0.3_first6videos.npz") as file:
        expected = file["rows"]
    rows = tubelets[(tubelets.video < 6) & (tubelets.score > 0.01)]
    found = frame_detections(rows)
    ours = np.column_stack([found.video, found.frame + 1, found.label, found.score, found.boxes_N4])
    expected = expected[np.lexsort((-expected[:, 3], expected[:, 2], expected[:, 1], expected[:, 0]))]
    np.testing.assert_allclose(ours[:, :4], expected[:, :4], rtol=1e-6)
    untied = expected[:, 3] < np.float32(0.9999)  # where the made-up scores end, boxes of a frame are equal
    assert np.mean(untied) > 0.99
    np.testing.assert_allclose(ours[untied], expected[untied], atol=1e-4)


def test_the_numbers_of_act_are_the_defaults() -> None:
    assert ACT.linker == TubeletLinking()
    assert (TubeletLinking().nms, TubeletLinking().min_iou, TubeletLinking().max_gap) == (0.3, 0.2, 5)
