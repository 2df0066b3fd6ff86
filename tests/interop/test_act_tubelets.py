"""Frame detections from tubelets: worked by hand, and equal to what ACT and MOC make of the same files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.interop.base import Truth
from bench.interop.formats import Manner, read_predictions, read_truth
from bench.metrics import Evaluation, evaluate
from bench.protocol import EVALUATORS, Protocol
from bench.records import Detections

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "metrics"))
import foreign
import goldens

VIDEO = "Diving/v_Diving_g01_c01"


def scene(folder: Path) -> Truth:
    """One video of three frames."""
    columns = {"video": [VIDEO], "tube": [0], "label": [0], "frame": [0],
               **foreign.corners(np.float32([[0, 0, 9, 9]]))}  # fmt: skip
    path = foreign.write_parquet(
        folder / "truth.parquet", columns, classes=["Diving", "Fencing"], videos={VIDEO: 3}
    )
    return read_truth(path)


def detections(folder: Path, starts: dict[int, Any], truth: Truth) -> Detections:
    for start, content in starts.items():
        foreign.dump(folder / "act" / VIDEO / f"{start:05}.pkl", content)
    found = read_predictions(folder / "act", None, truth, Manner()).detections
    assert found is not None
    return found


LARGE, INSIDE, FAR = [0, 0, 9, 9], [0, 0, 9, 4], [50, 50, 59, 59]


def test_act_keeps_the_best_of_each_frame_and_class(tmp_path: Path) -> None:
    """INSIDE is half of LARGE: IoU 0.5 with inclusive pixels, above 0.3, so the weaker one goes."""
    one = np.array([[0, 0.9, *LARGE, *FAR], [1, 0.8, *LARGE, *LARGE]], np.float32)
    two = np.array([[0, 0.5, *INSIDE, *INSIDE]], np.float32)
    found = detections(tmp_path, {1: (one, one), 2: (two, two)}, scene(tmp_path))
    rows = [(f, c, round(float(s), 6), b.tolist()) for f, c, s, b in
            zip(found.frame, found.label, found.score, found.boxes_N4)]  # fmt: skip
    assert rows == [
        (0, 0, 0.9, LARGE), (0, 1, 0.8, LARGE),
        (1, 0, 0.9, FAR), (1, 0, 0.5, INSIDE), (1, 1, 0.8, LARGE),
        (2, 0, 0.5, INSIDE),
    ]  # fmt: skip
    clash = np.array([[0, 0.5, *INSIDE, *FAR]], np.float32)
    assert len(detections(tmp_path, {1: (np.concatenate([one, clash]), 0)}, scene(tmp_path))) == 6


def test_moc_reduces_scores_and_drops_nothing(tmp_path: Path) -> None:
    """IoU of MOST with LARGE is 0.8: its score is multiplied by 0.2; INSIDE, at 0.5, keeps its own."""
    most = [0, 0, 9, 7]
    content = {1: np.array([[*LARGE, *FAR, 0.9], [*most, *FAR, 0.6], [*INSIDE, *INSIDE, 0.5]], np.float32),
               2: np.zeros((0, 9), np.float32)}  # fmt: skip
    empty = {1: np.zeros((0, 9), np.float32), 2: np.zeros((0, 9), np.float32)}
    found = detections(tmp_path, {1: content, 2: empty}, scene(tmp_path))
    np.testing.assert_array_equal(found.frame, [0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(found.score, [0.9, 0.12, 0.5, 0.9, 0, 0.5], atol=1e-6)


def test_a_video_shorter_than_a_tubelet_has_no_files(tmp_path: Path) -> None:
    truth = scene(tmp_path)
    foreign.dump(tmp_path / "act" / "Other" / "v" / "00001.pkl", (np.array([[0, 0.9, *LARGE * 4]]), 0))
    with pytest.raises(ValueError, match="the truth has no video 'Other/v'"):
        read_predictions(tmp_path / "act", None, truth, Manner())
    columns = {"video": ["Other/v"], "tube": [0], "label": [0], "frame": [0],
               **foreign.corners(np.float32([LARGE]))}  # fmt: skip
    path = foreign.write_parquet(
        tmp_path / "t.parquet", columns, classes=["Diving"], videos={"Other/v": 4, VIDEO: 3}
    )
    found = read_predictions(tmp_path / "act", None, read_truth(path), Manner())
    assert found.covered == {"Other/v", VIDEO}


def golden(shared: Path, folder: Path, moc: bool) -> tuple[Truth, Path]:
    """The reference inputs in ACT's or MOC's files, labels and starts as those programs write them."""
    source = shared / "golden/inputs/ucf24_small"
    table = {path.stem: pd.read_parquet(path) for path in source.glob("*.parquet")}
    labels = json.loads((source / "meta.json").read_text())["labels"]
    truth = goldens.ground_truth(labels, table["videos"], table["gt_tubes"])
    names = truth.videos.names
    stored = dict(np.load(source / "tubelets_K6.npz"))
    rows = pd.DataFrame({"video": stored["video"], "start": stored["start"]})
    starts = {key: index.to_numpy() for key, index in rows.groupby(["video", "start"]).groups.items()}
    for video, frames in enumerate(truth.videos.frames):
        for start in range(1, int(frames) - 4):
            mine = starts.get((video, start), np.zeros(0, int))
            boxes, scores = stored["box"][mine], stored["scores"][mine]
            tubelet, label = np.nonzero(scores > 0.01)
            content: Any = np.column_stack([label, scores[tubelet, label], boxes[tubelet]]).astype(np.float32)
            if moc:
                content = {
                    c + 1: np.column_stack([boxes[kept], scores[kept, c]]).astype(np.float32)
                    for c in range(24) for kept in [scores[:, c] > 0.01]
                }  # fmt: skip
            foreign.dump(folder / names[video] / f"{start:05}.pkl", content if moc else (content, 0))
    return Truth(truth), folder


def tie_bounds(found: Evaluation, label: int, truths: int) -> tuple[float, float]:
    """Lowest and highest AP@.5 that any order of equal scores gives, by ACT's trapezoid; percent.

    The boxes of one tubelet have one score, and the references sort unstably: between these everything goes.
    """
    rows = found.matches[(found.matches["threshold"] == 0.5) & (found.matches["label"] == label)]
    score, hit = rows["score"].to_numpy(), rows["true_positive"].to_numpy()
    values = []
    for first in (1, -1):
        flags = hit[np.lexsort((first * hit, -score))].cumsum()
        precision = np.append(1.0, flags / np.arange(1, len(flags) + 1))
        recall = np.append(0.0, flags / truths)
        values.append(100 * float(np.sum(np.diff(recall) * (precision[1:] + precision[:-1]) / 2)))
    return values[0], values[1]


@pytest.mark.parity
def test_the_boxes_that_act_keeps(shared: Path, tmp_path: Path) -> None:
    """Row by row in six videos, and as many in all. Of two tubelets with one score either may be kept: the
    reference's sort is unstable, so its AP is not compared."""
    truth, folder = golden(shared, tmp_path / "act", moc=False)
    found = read_predictions(folder, None, truth, Manner()).detections
    assert found is not None
    counts = json.loads((shared / "golden/act/ucf24_small_tubelets_K6/output.json").read_text())
    np.testing.assert_allclose(
        np.bincount(found.label), [*counts["frameAP"]["0.5"]["n_det"].values()], atol=2
    )
    stored = np.load(shared / "golden/act/ucf24_small_tubelets_K6/frame_dets_after_nms0.3_first6videos.npz")
    ours = found[found.video < 6]
    columns = (ours.video, ours.frame + 1, ours.label, ours.score, ours.boxes_N4)
    mine, theirs = (
        rows[np.lexsort(rows.T[::-1])]
        for rows in (np.column_stack(columns).astype(np.float32), stored["rows"])
    )
    np.testing.assert_array_equal(mine[:, :4], theirs[:, :4])
    scores = np.load(shared / "golden/inputs/ucf24_small/tubelets_K6.npz")
    video_M, scores_MC = scores["video"], scores["scores"]
    other = mine[(mine[:, 4:] != theirs[:, 4:]).any(axis=1)]
    assert len(other) < 0.002 * len(mine)
    for video, _, label, score in other[:, :4]:
        assert np.count_nonzero(scores_MC[video_M == int(video), int(label)] == score) > 1


@pytest.mark.parity
def test_the_frame_ap_that_moc_reports(shared: Path, tmp_path: Path) -> None:
    truth, folder = golden(shared, tmp_path / "moc", moc=True)
    stored = json.loads((shared / "golden/moc/ucf24_small_tubelets_K6/output.json").read_text())
    found = read_predictions(folder, None, truth, Manner()).detections
    assert found is not None
    assert len(found) == stored["n_frame_dets"]
    protocol = Protocol("golden", "1", EVALUATORS["act"], frame_thresholds=(0.5,))
    result = evaluate(truth.annotation, found, None, protocol)
    counts = np.bincount(truth.annotation.box_labels(), minlength=24)
    for label, ap in enumerate(stored["frameAP"]["0.5"]["ap"]):
        low, high = tie_bounds(result, label, int(counts[label]))
        assert low - 0.01 < ap < high + 0.01, truth.annotation.classes[label]
        assert high - low < 20
