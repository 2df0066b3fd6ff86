"""J-HMDB-21: the pickle, the masks, ghost frames, splits and source groups."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from datasets.base import DataError
from datasets.jhmdb import GHOSTS, Jhmdb, mask_boxes, source_group

NAMES = (
    "catch/Goal!_(it's)_catch_f_cm_np1_fr_bad_0",
    "catch/Goal!_(it's)_catch_u_cm_np1_fr_bad_10",
    "run/A_&_B_run_f_cm_np1_ri_goo_2",
)


def masks() -> dict[str, np.ndarray]:
    """Masks [24, 32, T]: a rectangle, one pixel, and one with a frame left empty."""
    found = {name: np.zeros((24, 32, 4), np.uint8) for name in NAMES}
    found[NAMES[0]][5:11, 3:20] = 2
    found[NAMES[1]][23, 31] = 1
    found[NAMES[2]][0, 0] = 1
    found[NAMES[2]][:, :, 2] = 0
    return found


def tube_rows(mask_HWT: np.ndarray) -> np.ndarray:
    """Rows [frame (1-based), x1, y1, x2, y2], as the pickle has them."""
    frame_N, boxes_N4 = mask_boxes(mask_HWT)
    return np.column_stack([frame_N + 1, boxes_N4]).astype(np.float32)


def ground_truth() -> dict[str, Any]:
    tubes = {
        name: {("catch", "run").index(name.split("/")[0]): [tube_rows(m)]} for name, m in masks().items()
    }
    return {
        "labels": ["catch", "run"],
        "gttubes": tubes,
        "nframes": dict.fromkeys(NAMES, 4),
        "resolution": dict.fromkeys(NAMES, (24, 32)),
        "train_videos": [[NAMES[0], NAMES[1]]],
        "test_videos": [[NAMES[2]]],
    }


def write_pickle(root: Path, content: object) -> None:
    (root / "JHMDB-GT.pkl").write_bytes(pickle.dumps(content, protocol=2))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, mask in masks().items():
        folder = tmp_path / "puppet_mask" / name
        folder.mkdir(parents=True)
        savemat(folder / "puppet_mask.mat", {"part_mask": mask})
    (tmp_path / "splits").mkdir()
    for label in ("catch", "run"):
        rows = [
            f"{n.split('/')[1]}.avi {1 if label == 'catch' else 2}\n" for n in NAMES if n.startswith(label)
        ]
        (tmp_path / "splits" / f"{label}_test_split1.txt").write_text("".join(rows) + "unused.avi 0\n\n")
    return tmp_path


def test_masks_give_inclusive_extents_from_zero(root: Path) -> None:
    truth = Jhmdb(root).ground_truth()
    assert truth.classes == ("catch", "run")
    assert truth.videos.names == NAMES
    assert truth.videos.frames.tolist() == [4, 4, 4]
    assert (truth.videos.width[0], truth.videos.height[0], truth.videos.fps[0]) == (32, 24, 30)
    np.testing.assert_array_equal(
        truth.boxes.boxes_N4, [[3, 5, 19, 10]] * 4 + [[31, 23, 31, 23]] * 4 + [[0] * 4] * 3
    )
    assert truth.boxes.frame.tolist() == [0, 1, 2, 3] * 2 + [0, 1, 3]
    assert truth.tubes.start.tolist() == [0, 0, 0]
    assert truth.tubes.end.tolist() == [4, 4, 4]
    assert truth.tubes.label.tolist() == [0, 0, 1]


def test_pickle_and_masks_say_the_same(root: Path) -> None:
    by_mask = Jhmdb(root)
    truth, split = by_mask.ground_truth(), by_mask.split("1")
    write_pickle(root, ground_truth())
    by_pickle = Jhmdb(root)
    assert by_pickle.split("1") == split
    for mine, other in (
        (truth.tubes, by_pickle.ground_truth().tubes),
        (truth.boxes, by_pickle.ground_truth().boxes),
    ):
        for column in mine.columns():
            np.testing.assert_array_equal(getattr(mine, column), getattr(other, column))


def test_truth_beyond_the_end_stays(root: Path) -> None:
    content = ground_truth()
    content["nframes"][NAMES[0]] = 2
    write_pickle(root, content)
    truth = Jhmdb(root).ground_truth().select(NAMES[:1])
    assert truth.videos.frames.tolist() == [2]
    assert truth.boxes.frame.tolist() == [0, 1, 2, 3]
    assert truth.tubes.end.tolist() == [4]


def test_splits_that_are_not_there_are_refused(root: Path) -> None:
    with pytest.raises(ValueError, match="unknown split"):
        Jhmdb(root).split("5")
    with pytest.raises(DataError, match=r"catch_test_split2\.txt.*jhmdb-mini needs no data"):
        Jhmdb(root).split("2")
    write_pickle(root, ground_truth())
    with pytest.raises(DataError, match="holds no split 3"):
        Jhmdb(root).split("3")


def test_videos_are_files_or_frame_folders(root: Path) -> None:
    data = Jhmdb(root)
    file = root / "ReCompress_Videos" / f"{NAMES[0]}.avi"
    file.parent.mkdir(parents=True)
    file.touch()
    folder = root / "Rename_Images" / NAMES[1]
    folder.mkdir(parents=True)
    assert data.video_path(NAMES[0]) == file
    assert data.video_path(NAMES[1]) == folder
    assert data.missing_videos(NAMES) == [NAMES[2]]
    with pytest.raises(
        DataError, match=r"run/A_&_B.* in ReCompress_Videos or Rename_Images.*jhmdb-mini needs no data"
    ):
        data.video_path(NAMES[2])


def test_a_missing_layout_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no .*JHMDB-GT\.pkl and no class folders.*Wanted below"):
        Jhmdb(tmp_path).ground_truth()


@pytest.mark.parametrize("damage", ["keys", "frames", "zero", "columns", "label", "length", "half", "nan"])
def test_a_pickle_that_does_not_fit_is_refused_by_name(root: Path, damage: str) -> None:
    content = ground_truth()
    rows = content["gttubes"][NAMES[0]][0][0]
    if damage == "keys":
        del content["nframes"]
    elif damage == "frames":
        rows[1, 0] = rows[0, 0]
    elif damage == "zero":
        rows[0, 0] = 0
    elif damage == "columns":
        content["gttubes"][NAMES[0]] = {0: [rows[:, :4]]}
    elif damage == "label":
        content["gttubes"][NAMES[0]] = {9: [rows]}
    elif damage == "length":
        del content["nframes"][NAMES[0]]
    elif damage == "half":
        rows[0, 0] = 0.5
    else:
        rows[0, 3] = np.nan
    write_pickle(root, content)
    with pytest.raises(DataError, match=r"JHMDB-GT\.pkl"):
        Jhmdb(root).ground_truth()


def test_a_broken_mask_is_refused_by_name(root: Path) -> None:
    (root / "puppet_mask" / NAMES[2] / "puppet_mask.mat").write_text("text")
    with pytest.raises(DataError, match=r"puppet_mask\.mat: no MATLAB file"):
        Jhmdb(root).ground_truth()
    savemat(root / "puppet_mask" / NAMES[2] / "puppet_mask.mat", {"part_mask": ["text"]})
    with pytest.raises(DataError, match=r"puppet_mask\.mat: part_mask is no array"):
        Jhmdb(root).ground_truth()


def test_a_broken_list_is_refused_by_line(root: Path) -> None:
    path = root / "splits" / "catch_test_split1.txt"
    whole = path.read_text()
    for line, said in (
        ("name.avi 3", "is not `name.avi`"),
        ("alone", "is not"),
        ("../../x.avi 1", "leads out"),
    ):
        path.write_text(whole + line)
        with pytest.raises(DataError, match=rf"catch_test_split1\.txt, line 5: .*{said}"):
            Jhmdb(root).split("1")
    path.write_text(whole + whole.replace(" 1", " 2"))
    with pytest.raises(
        DataError, match=r"catch_test_split1\.txt: 2 videos are in training and in test: catch/Goal"
    ):
        Jhmdb(root).split("1")


def test_boxes_past_the_end_are_told(root: Path) -> None:
    assert Jhmdb(root).quirks() == ()
    content = ground_truth()
    ghost, frames = next(iter(GHOSTS.items()))
    rows = np.zeros((33, 5), np.float32)
    rows[:, 0] = np.arange(33) + 1
    content["gttubes"][ghost] = {0: [rows]}
    content["nframes"][ghost], content["resolution"][ghost] = 33, (24, 32)
    write_pickle(root, content)
    (quirk,) = Jhmdb(root).quirks()
    assert (ghost in quirk.name, quirk.count) == (True, 33 - frames)
    assert "kept and counted" in quirk.treatment


def test_source_groups_are_the_films_of_a_class() -> None:
    assert [source_group(name) for name in NAMES] == ["catch/Goal!_(it's)", "catch/Goal!_(it's)", "run/A_&_B"]
    assert source_group("run/odd") == "run/odd"
