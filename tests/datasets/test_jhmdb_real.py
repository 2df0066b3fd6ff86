"""J-HMDB-21: the real annotation by pickle and masks, its counts and its ghost frames."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from datasets.jhmdb import GHOSTS, Jhmdb, source_group

pytestmark = pytest.mark.realdata


def test_real_annotation_has_the_known_counts(shared: Path) -> None:
    data = Jhmdb(shared / "data/jhmdb")
    began = time.process_time()
    truth = data.ground_truth()
    assert time.process_time() - began < 1
    assert (len(truth.classes), len(truth.videos), len(truth.tubes)) == (21, 928, 928)
    assert len(truth.boxes) == 31_838 + 14
    assert set(zip(truth.videos.width, truth.videos.height)) == {(320, 240)}
    counts = {name: (len(data.split(name).train), len(data.split(name).test)) for name in data.splits}
    assert counts == {"1": (660, 268), "2": (658, 270), "3": (663, 265)}
    assert not data.missing_videos(truth.videos.names)


def test_real_ghost_frames_are_the_known_ones(shared: Path) -> None:
    data = Jhmdb(shared / "data/jhmdb")
    (quirk,) = data.quirks()
    assert quirk.count == 14
    truth = data.ground_truth().select(tuple(GHOSTS))
    assert dict(zip(truth.videos.names, truth.videos.frames.tolist())) == dict(zip(GHOSTS, (33, 25, 36)))
    tested = [name for name in data.split("1").test if name in GHOSTS]
    test = truth.select(tested)
    real = np.array([GHOSTS[name] for name in tested])
    assert np.count_nonzero(test.boxes.frame >= real[test.boxes.video]) == 13


def test_real_splits_of_files_and_pickle_agree_and_share_no_source_group(shared: Path) -> None:
    data = Jhmdb(shared / "data/jhmdb")
    assert len({source_group(name) for name in data.ground_truth().videos.names}) == 410
    assert len(list((shared / "data/jhmdb/splits").glob("*.txt"))) == 63
    for number in (1, 2, 3):
        split, listed = data.split(str(number)), data.listed(number)
        assert set(split.train) == set(listed.train)
        assert split.test == listed.test
        assert not {source_group(v) for v in split.train} & {source_group(v) for v in split.test}


def test_all_real_masks_equal_the_pickle_but_for_ghost_frames(shared: Path) -> None:
    data = Jhmdb(shared / "data/jhmdb")
    by_pickle, by_mask = data.ground_truth(), data.masks()
    assert len(by_mask.boxes) == by_mask.videos.frames.sum() == 31_838
    length = by_mask.videos.frames
    assert by_mask.videos.names == by_pickle.videos.names
    assert {name: int(n) for name, n in zip(by_mask.videos.names, length) if name in GHOSTS} == GHOSTS
    real = by_pickle.boxes[by_pickle.boxes.frame < length[by_pickle.boxes.video]]
    for column in ("video", "tube", "frame", "boxes_N4"):
        np.testing.assert_array_equal(getattr(by_mask.boxes, column), getattr(real, column))
    np.testing.assert_array_equal(by_mask.tubes.label, by_pickle.tubes.label)


def test_masks_and_lists_alone_give_the_same_dataset(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "puppet_mask").mkdir()
    (tmp_path / "puppet_mask" / "catch").symlink_to(shared / "data/jhmdb/puppet_mask/catch")
    (tmp_path / "splits").symlink_to(shared / "data/jhmdb/splits")
    found, whole = Jhmdb(tmp_path), Jhmdb(shared / "data/jhmdb")
    assert found.classes == ("catch",)
    truth = found.ground_truth()
    other = whole.ground_truth().select(truth.videos.names)
    np.testing.assert_array_equal(truth.boxes.boxes_N4, other.boxes.boxes_N4)
    assert set(found.split("1").test) == {name for name in whole.split("1").test if name.startswith("catch/")}
