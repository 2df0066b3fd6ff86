"""UCF101-24: boxes, spans, splits and file layouts, on a small copy of it and on the real annotation."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
    with pytest.raises(DataError, match=r"videos/Beta/v_Beta_g09_c01.*rgb-images.*ucf24-mini"):
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


@pytest.mark.realdata
def test_real_annotation_has_the_known_counts(shared: Path) -> None:
    data = Ucf24(shared / "data/ucf24")
    begin = time.perf_counter()
    truth = data.ground_truth()
    assert time.perf_counter() - begin < 4
    assert (len(truth.videos), len(truth.tubes), len(truth.boxes)) == (3194, 4458, 573_862)
    assert len(truth.classes) == 24
    assert list(truth.classes) == sorted(truth.classes)
    assert truth.boxes.boxes_N4.min() == 0
    assert truth.boxes.boxes_N4[:, 2].max() == 319
    counts = {name: (len(data.split(name).train), len(data.split(name).test)) for name in data.splits}
    assert counts == {"1": (2284, 910), "2": (2300, 894), "3": (2295, 899)}
    test = truth.select(data.split("1").test)
    assert (len(test.videos), len(test.tubes), len(test.boxes)) == (910, 1315, 170_580)
    listed = (shared / "data/ucf24/splitfiles/testlist01_annotated.txt").read_text().split()
    assert set(listed) == set(test.videos.names)


@pytest.mark.realdata
def test_real_splits_share_no_source_group(shared: Path) -> None:
    data = Ucf24(shared / "data/ucf24")
    table = data.ground_truth().videos
    group = dict(zip(table.names, table.group))
    assert len(set(group.values())) == 24 * 25
    for name in data.splits:
        split = data.split(name)
        assert not {group[v] for v in split.train} & {group[v] for v in split.test}
