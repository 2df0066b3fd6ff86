"""UCF101-24: boxes, spans, splits and file layouts, on a small copy of it and on the real annotation."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from bench.files.tables import digest_ground_truth
from datasets.base import DataError
from datasets.ucf24 import Ucf24

NAMES = ("Alpha/v_Alpha_g01_c01", "Alpha/v_Alpha_g08_c02", "Beta/v_Beta_g01_c01", "Beta/v_Beta_g09_c01")


def tube(label: int, start: int, boxes: list[list[int]], dtype: Any = np.uint8) -> dict[str, Any]:
    return {"label": label, "sf": start, "ef": start + len(boxes), "boxes": np.array(boxes, dtype)}


def annotation() -> dict[str, Any]:
    return {
        NAMES[2]: {"numf": np.uint8(40), "label": 1, "annotations": [tube(1, 0, [[200, 100, 121, 140]])]},
        NAMES[0]: {
            "numf": np.uint16(300),
            "label": 0,
            "annotations": [
                tube(0, 3, [[1, 1, 10, 20], [250, 2, 70, 30]]),
                tube(0, 290, [[300, 200, 21, 41]], np.uint16),
            ],
        },
        NAMES[3]: {"numf": 9, "label": 1, "annotations": [tube(1, 8, [[5, 6, 7, 8]])]},
        NAMES[1]: {"numf": 9, "label": 0, "annotations": [tube(0, 0, [[5, 6, 7, 8]] * 9)]},
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "splitfiles"
    folder.mkdir()
    (folder / "pyannot.pkl").write_bytes(pickle.dumps(annotation(), protocol=2))
    test = [NAMES[2], NAMES[0], "Beta/v_Beta_g01_c99", "Other/v_Other_g01_c01"]
    train = [NAMES[3], NAMES[1], "Other/v_Other_g08_c01"]
    (folder / "testlist01.txt").write_text("".join(f"{name}.avi\r\n" for name in test) + "\n")
    (folder / "trainlist01.txt").write_text("".join(f"{name}.avi 7\n" for name in train))
    return tmp_path


def rewrite(root: Path, content: object) -> None:
    (root / "splitfiles/pyannot.pkl").write_bytes(pickle.dumps(content, protocol=2))


def test_ground_truth_has_corners_from_zero_without_overflow(root: Path) -> None:
    truth = Ucf24(root).ground_truth()
    assert truth.classes == ("Alpha", "Beta")
    assert truth.videos.names == NAMES
    assert truth.videos.frames.tolist() == [300, 9, 40, 9]
    assert set(truth.videos.width) == {320}
    assert set(truth.videos.height) == {240}
    assert set(truth.videos.fps) == {25.0}
    assert truth.videos.group == ("Alpha/g01", "Alpha/g08", "Beta/g01", "Beta/g09")
    first = truth.select(NAMES[:1])
    np.testing.assert_array_equal(
        first.boxes.boxes_N4, [[0, 0, 10, 20], [249, 1, 319, 31], [299, 199, 320, 240]]
    )
    assert first.boxes.frame.tolist() == [3, 4, 290]
    assert first.tubes.start.tolist() == [3, 290]
    assert first.tubes.end.tolist() == [5, 291]
    assert truth.tubes.tube.tolist() == [0, 1, 2, 3, 4]
    assert truth.tubes.label.tolist() == [0, 0, 0, 1, 1]
    assert truth.boxes.video.tolist() == [0] * 3 + [1] * 9 + [2, 3]
    assert truth.boxes.boxes_N4.dtype == np.float32


def test_splits_keep_the_order_of_the_lists_and_drop_what_has_no_annotation(root: Path) -> None:
    split = Ucf24(root).split("1")
    assert split.test == (NAMES[2], NAMES[0])
    assert split.train == (NAMES[3], NAMES[1])
    with pytest.raises(ValueError, match="unknown split"):
        Ucf24(root).split("4")
    with pytest.raises(DataError, match=r"trainlist02\.txt.*ucf24-mini needs no data"):
        Ucf24(root).split("2")


def test_videos_are_files_or_frame_folders(root: Path) -> None:
    data = Ucf24(root)
    files = (root / "videos/Alpha/v_Alpha_g01_c01.mp4", root / "UCF-101/Alpha/v_Alpha_g08_c02.avi")
    for path in files:
        path.parent.mkdir(parents=True)
        path.touch()
    frames = root / "rgb-images" / NAMES[2]
    frames.mkdir(parents=True)
    assert [data.video_path(name) for name in NAMES[:3]] == [*files, frames]
    assert data.missing_videos(NAMES) == [NAMES[3]]
    with pytest.raises(
        DataError, match=r"Beta/v_Beta_g09_c01 in videos or UCF-101 or rgb-images.*ucf24-mini"
    ):
        data.video_path(NAMES[3])


def test_a_missing_layout_is_explained(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"pyannot\.pkl\. Wanted below .*videos/<Class>.*ucf24-mini needs no data"
    ):
        Ucf24(tmp_path).ground_truth()


@pytest.mark.parametrize("damage", ["gap", "negative", "shape", "field", "kind", "label"])
def test_annotation_that_does_not_fit_is_refused_by_name(root: Path, damage: str) -> None:
    content: Any = annotation()
    one = content[NAMES[2]]["annotations"][0]
    if damage == "gap":
        one["ef"] = 5
    elif damage == "negative":
        one["sf"], one["ef"] = -1, 0
    elif damage == "shape":
        one["boxes"] = np.zeros((1, 5), np.uint8)
    elif damage == "field":
        del one["sf"]
    elif damage == "kind":
        content = [1, 2]
    else:
        one["label"] = 7
    rewrite(root, content)
    with pytest.raises(DataError, match=r"pyannot\.pkl: "):
        Ucf24(root).ground_truth()


def as_mat(content: dict[str, Any]) -> np.ndarray:
    """The same annotation as the struct array of finalAnnots.mat: all counted from 1, the last frame in."""
    rows = np.zeros((1, len(content)), [("num_imgs", "O"), ("name", "O"), ("tubes", "O")])
    for i, (name, video) in enumerate(content.items()):
        tubes = np.zeros((1, len(video["annotations"])), [(f, "O") for f in ("ef", "sf", "class", "boxes")])
        for j, one in enumerate(video["annotations"]):
            tubes[0, j] = (np.uint16(one["ef"]), np.uint16(one["sf"] + 1), one["label"] + 1, one["boxes"])
        rows[0, i] = (video["numf"], name, tubes)
    return rows


def as_act(root: Path) -> dict[str, Any]:
    """The same annotation as an ACT pickle whose boxes are those of the suite."""
    truth = Ucf24(root).ground_truth()
    gttubes: dict[str, Any] = {}
    for tube, video, label in zip(truth.tubes.tube, truth.tubes.video, truth.tubes.label):
        rows = truth.boxes[truth.boxes.tube == tube]
        table = np.column_stack([rows.frame + 1, rows.boxes_N4]).astype(np.float32)
        gttubes.setdefault(truth.videos.names[video], {}).setdefault(int(label), []).append(table)
    split = Ucf24(root).split("1")
    return {
        "labels": list(truth.classes),
        "gttubes": gttubes,
        "nframes": dict(zip(truth.videos.names, truth.videos.frames.tolist())),
        "resolution": dict.fromkeys(truth.videos.names, (240, 320)),
        "train_videos": [list(split.train)],
        "test_videos": [list(split.test)],
    }


def test_the_matlab_file_alone_says_the_same(root: Path) -> None:
    by_pickle, split = Ucf24(root).ground_truth(), Ucf24(root).split("1")
    (root / "splitfiles/pyannot.pkl").unlink()
    savemat(root / "splitfiles/finalAnnots.mat", {"annot": as_mat(annotation())})
    data = Ucf24(root)
    assert data.source.path.name == "finalAnnots.mat"
    assert digest_ground_truth(data.ground_truth()) == digest_ground_truth(by_pickle)
    assert data.split("1") == split


def test_the_act_pickle_alone_says_the_same(root: Path) -> None:
    by_pickle, split, content = Ucf24(root).ground_truth(), Ucf24(root).split("1"), as_act(root)
    (root / "splitfiles/pyannot.pkl").unlink()
    (root / "UCF101v2-GT.pkl").write_bytes(pickle.dumps(content, protocol=2))
    data = Ucf24(root)
    assert data.source.path.name == "UCF101v2-GT.pkl"
    truth = data.ground_truth()
    assert digest_ground_truth(truth) == digest_ground_truth(by_pickle)
    assert data.split("1") == split
    for part in ("train", "test"):
        (root / f"splitfiles/{part}list01.txt").unlink()
    assert data.split("1") == split
    with pytest.raises(DataError, match=r"UCF101v2-GT\.pkl: holds no split 2"):
        data.split("2")


def test_what_is_odd_is_counted_and_told(root: Path) -> None:
    content = annotation()
    content[NAMES[1]]["annotations"] *= 3
    rewrite(root, content)
    missing, repeated, small = Ucf24(root).quirks()
    assert (missing.count, repeated.count, small.count) == (1, 2, 7)
    assert "left out" in missing.treatment
    assert "1 uint16, 6 uint8" in small.name


def test_hostile_names_are_refused_wherever_they_stand(root: Path) -> None:
    path = root / "splitfiles/testlist01.txt"
    path.write_text(path.read_text() + "../../etc/passwd.avi\n")
    with pytest.raises(DataError, match=r"testlist01\.txt, line 6: .*'\.\./\.\./etc/passwd' leads out"):
        Ucf24(root).split("1")
    rewrite(root, annotation() | {"/etc/passwd": annotation()[NAMES[0]]})
    with pytest.raises(DataError, match=r"pyannot\.pkl: the video name '/etc/passwd' leads out"):
        Ucf24(root).ground_truth()


def test_a_video_in_training_and_test_is_refused(root: Path) -> None:
    path = root / "splitfiles/trainlist01.txt"
    path.write_text(path.read_text() + f"{NAMES[0]}.avi 1\n")
    with pytest.raises(DataError, match=f"trainlist01.*1 videos are in training and in test: {NAMES[0]}"):
        Ucf24(root).split("1")


def test_the_protocol_of_a_split_trims_if_asked(root: Path) -> None:
    data = Ucf24(root)
    plain, cut = data.protocol("1"), data.protocol("1", "voc", "trimmed")
    assert (plain.id, cut.id) == ("ucf24/1/act@1", "ucf24/1/voc+trimmed@1")
    assert data.truth(plain).scored_frames is None
    scored = data.truth(cut).scored_frames
    assert scored is not None
    assert scored.tolist() == [[0, 3], [0, 4], [0, 290], *([1, f] for f in range(9)), [2, 0], [3, 8]]
