"""Linking of whole videos against the program of YOWO (Köpüklü et al. 2019)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.records import Detections
from bench.tubes import PUBLISHED
from bench.tubes.viterbi import YOWO

STORED = Path(__file__).parents[1] / "reference" / "yowo_linking.npz"


def test_paths_are_those_of_the_reference() -> None:
    """Twelve frames of five boxes; the program numbers frames from 1."""
    with np.load(STORED) as file:
        rows_N5, tubes_R6 = file["frames"].reshape(-1, 5), file["tubes"].reshape(-1, 6)
    count = len(rows_N5)
    found = Detections(
        ("v",), np.zeros(count), np.repeat(np.arange(12), 5), np.arange(count), rows_N5[:, :4],
        np.zeros(count), rows_N5[:, 4],
    )  # fmt: skip
    paths = YOWO.link(found, np.array([12]))
    assert paths.lengths.tolist() == [12, 12, 12]
    np.testing.assert_array_equal(paths.frame + 1, tubes_R6[:, 0])
    np.testing.assert_array_equal(paths.boxes_R4, tubes_R6[:, 1:5])
    np.testing.assert_array_equal(paths.score, tubes_R6[:, 5])


@pytest.mark.parity
def test_ucf24_tubes_box_for_box(shared: Path) -> None:
    """Six videos, all classes, after 3D-NMS; frames without boxes borrow them from the nearest."""
    import pandas as pd

    folder = shared / "golden/inputs/ucf24_small"
    with np.load(folder / "proposals.npz") as file:
        given = dict(file)
    lengths = pd.read_parquet(folder / "videos.parquet")["nframes"].to_numpy()[:6]
    mine = given["video"] < 6
    boxes, classes = int(mine.sum()), given["scores"].shape[1]
    found = Detections(
        tuple("012345"), np.repeat(given["video"][mine], classes),
        np.repeat(given["frame"][mine] - 1, classes), np.repeat(np.arange(boxes), classes),
        np.repeat(given["box"][mine], classes, axis=0), np.tile(np.arange(classes), boxes),
        given["scores"][mine].ravel(),
    )  # fmt: skip
    with np.load(shared / "golden/yowo_video_mAP/ucf24_small/linked_tubes_first6videos.npz") as file:
        golden = file["rows"]
    tubes = PUBLISHED["yowo"].tubes(found, lengths)
    ours = np.column_stack([tubes.video, tubes.label, tubes.frame + 1, tubes.boxes_N4, tubes.frame_score])
    np.testing.assert_allclose(ours, golden[:, [0, 1, 3, 4, 5, 6, 7, 8]], atol=1e-6)
