"""Linking, temporal labelling and tube scoring against the program of Singh et al. 2017, run in Octave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.records import Detections
from bench.tubes import PUBLISHED
from bench.tubes.kernels.labelling import viterbi
from bench.tubes.labelling import TemporalLabelling
from bench.tubes.online import OnlineLinking
from bench.tubes.paths import Paths

STORED = Path(__file__).parents[1] / "reference" / "road_linking.npz"


def all_labels(video: str, frame_B: np.ndarray, boxes_B4: np.ndarray, scores_BC: np.ndarray) -> Detections:
    """Every box with every label."""
    boxes, classes = scores_BC.shape
    return Detections(
        videos=(video,),
        video=np.zeros(boxes * classes),
        frame=np.repeat(frame_B, classes),
        box=np.repeat(np.arange(boxes), classes),
        boxes_N4=np.repeat(boxes_B4, classes, axis=0),
        label=np.tile(np.arange(classes), boxes),
        score=scores_BC.ravel(),
    )


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(STORED) as file:
        return dict(file)


def stored_video(stored: dict[str, np.ndarray], video: int) -> Detections:
    counts = stored[f"counts_{video}"].astype(int)
    frames = np.repeat(np.arange(len(counts)), counts)
    return all_labels(str(video), frames, stored[f"boxes_{video}"], stored[f"scores_{video}"])


def summary(paths: Paths) -> list[list[float]]:
    """As the reference prints a path: class, number, first and last frame, boxes found, length, mean."""
    rows: list[list[float]] = []
    for p, (start, length) in enumerate(zip(paths.starts, paths.lengths)):
        part = slice(start, start + length)
        label = paths.label[start]
        number = p - int(np.searchsorted(paths.label[paths.starts], label)) + 1
        frames = paths.frame[part] + 1
        found = len(np.unique(paths.row[part]))
        rows.append([label + 1, number, frames[0], frames[-1], found, length, paths.score[part].mean()])
    return rows


@pytest.mark.parametrize("video", [1, 2, 3])
def test_paths_are_those_of_the_reference(stored: dict[str, np.ndarray], video: int) -> None:
    expected = stored["paths"][stored["paths"][:, 0] == video, 1:]
    found = np.array(summary(OnlineLinking().link(stored_video(stored, video))))
    np.testing.assert_array_equal(found[:, :6], expected[:, :6])
    np.testing.assert_allclose(found[:, 6], expected[:, 6], rtol=1e-6)


def test_labelled_tubes_are_those_of_the_reference(stored: dict[str, np.ndarray]) -> None:
    rows = []
    for video in (1, 2, 3):
        tubes = PUBLISHED["singh"].tubes(stored_video(stored, video))
        ends = np.append(tubes.starts[1:], len(tubes)) - 1
        for first, last in zip(tubes.starts, ends):
            frames = tubes.frame[[first, last]] + 1
            rows.append([video, tubes.label[first] + 1, *frames, tubes.score[first]])
        if video == 1:
            corner, far = tubes.boxes_N4[:, :2], tubes.boxes_N4[:, 2:]
            sized = np.column_stack([tubes.tube + 1, tubes.frame + 1, corner, far - corner])
            np.testing.assert_allclose(sized, stored["tube_boxes"], atol=1e-4)
    np.testing.assert_allclose(rows, stored["tubes"], rtol=1e-6)


@pytest.mark.parametrize(("alpha", "case"), [(0.5, "1"), (3.0, "3")])
def test_labelling_dynamic_programme(stored: dict[str, np.ndarray], alpha: float, case: str) -> None:
    labels_T, totals_TC = viterbi(np.ascontiguousarray(stored["labelling_M"].T), alpha)
    np.testing.assert_array_equal(labels_T + 1, stored[f"labelling_p{case}"][0])
    np.testing.assert_allclose(totals_TC.T, stored[f"labelling_D{case}"], rtol=1e-12)


@pytest.fixture(scope="module")
def proposals(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden/inputs/ucf24_small/proposals.npz") as file:
        return dict(file)


def golden_rows(shared: Path, name: str) -> pd.DataFrame:
    with np.load(shared / f"golden/gurkirt_linking/ucf24_small_first10/{name}.npz") as file:
        columns = [c.split(" ")[0] for c in file["columns"]]
        return pd.DataFrame(file["rows"], columns=columns)


def proposals_of(proposals: dict[str, np.ndarray], video: int) -> Detections:
    mine = proposals["video"] == video
    return all_labels(
        str(video), proposals["frame"][mine] - 1, proposals["box"][mine], proposals["scores"][mine]
    )


@pytest.mark.parity
def test_ucf24_paths_box_for_box(shared: Path, proposals: dict[str, np.ndarray]) -> None:
    golden = golden_rows(shared, "action_paths_first4videos")
    found = Detections.concat([proposals_of(proposals, video) for video in range(4)])
    paths = OnlineLinking().link(found)
    np.testing.assert_array_equal(paths.video, golden["video_index"])
    np.testing.assert_array_equal(paths.label, golden["class0"])
    np.testing.assert_array_equal(paths.frame + 1, golden["frame"])
    np.testing.assert_allclose(paths.boxes_R4 + 1, golden[["x1", "y1", "x2", "y2"]], atol=1e-4)
    np.testing.assert_allclose(paths.score, golden["score"], rtol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("alpha", [3, 5])
def test_ucf24_labelled_tubes_box_for_box(shared: Path, proposals: dict[str, np.ndarray], alpha: int) -> None:
    golden = golden_rows(shared, "labelled_tubes")
    golden = golden[golden["alpha"] == alpha]
    order = np.lexsort((golden["tube"], -golden["score"], golden["class0"], golden["video_index"]))
    golden = golden.iloc[order]
    found = Detections.concat([proposals_of(proposals, video) for video in range(10)])
    tubes = replace(PUBLISHED["singh"], trimming=TemporalLabelling(alpha)).tubes(found)
    np.testing.assert_array_equal(tubes.video, golden["video_index"])
    assert len(tubes.starts) == len(golden[["video_index", "tube"]].drop_duplicates())
    np.testing.assert_array_equal(tubes.label, golden["class0"])
    np.testing.assert_array_equal(tubes.frame + 1, golden["frame"])
    np.testing.assert_allclose(tubes.score, golden["score"], rtol=1e-6)
    corner, far = tubes.boxes_N4[:, :2], tubes.boxes_N4[:, 2:]
    sized = np.column_stack([corner + 1, far - corner])
    np.testing.assert_allclose(sized, golden[["x1", "y1", "w", "h"]], atol=1e-4)
