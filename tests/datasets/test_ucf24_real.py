"""UCF101-24: the real annotation, its counts and what is odd in it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from bench.files.tables import digest_ground_truth
from datasets.probe import probe
from datasets.trimming import trimmed
from datasets.ucf24 import Ucf24

pytestmark = pytest.mark.realdata


def test_real_annotation_has_the_known_counts(shared: Path) -> None:
    data = Ucf24(shared / "data/ucf24")
    began = time.process_time()
    truth = data.ground_truth()
    assert time.process_time() - began < 2
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


def test_real_annotation_has_the_known_oddities(shared: Path) -> None:
    data = Ucf24(shared / "data/ucf24")
    missing, repeated, small = data.quirks()
    assert (missing.count, repeated.count) == (13, 2)
    assert "167 uint16, 4291 uint8" in small.name
    files = [shared / f"data/ucf24/splitfiles/{part}list01.txt" for part in ("train", "test")]
    lacking = [
        sum(line.split("/")[0] in data.classes for line in path.read_text().splitlines()) - found
        for path, found in zip(files, (2284, 910))
    ]
    assert lacking == [9, 4]
    assert sum(lacking) + len(data.source.videos) == 3207
    truth = data.ground_truth()
    length = truth.tubes.end - truth.tubes.start
    assert (length.min(), length.max()) == (4, 880)
    assert np.bincount(truth.tubes.video).max() == 10
    labels = {(v, label) for v, label in zip(truth.tubes.video, truth.tubes.label)}
    assert len(labels) == len(truth.videos)
    covered = np.bincount(trimmed(truth).scored_frames[:, 0])  # type: ignore[index]
    assert np.count_nonzero(covered < truth.videos.frames) == 1249


def test_the_real_matlab_file_says_exactly_what_the_pickle_says(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data/ucf24/splitfiles"
    (tmp_path / "splitfiles").mkdir()
    (tmp_path / "splitfiles" / "finalAnnots.mat").symlink_to(folder / "finalAnnots.mat")
    by_mat, by_pickle = Ucf24(tmp_path), Ucf24(shared / "data/ucf24")
    assert by_mat.source.path.name == "finalAnnots.mat"
    assert digest_ground_truth(by_mat.ground_truth()) == digest_ground_truth(by_pickle.ground_truth())
    assert by_mat.source.types == by_pickle.source.types  # type: ignore[union-attr]


def test_the_real_clips_are_found(shared: Path) -> None:
    data = Ucf24(shared / "data/ucf24")
    names = data.ground_truth().videos.names
    there = set(names) - set(data.missing_videos(names))
    files = {f"{path.parent.name}/{path.stem}" for path in (shared / "data/ucf24/videos").glob("*/*")}
    assert there == files
    assert len(there) == 12
    files_of = {path: probe(path, 25.0) for path in map(data.video_path, there)}
    sizes = [(path.suffix, found.width, found.height) for path, found in files_of.items()]
    assert sorted(sizes) == [(".avi", 320, 240)] * 6 + [(".mp4", 340, 256)] * 6
    train = set(data.split("1").train)
    assert {name.split("/")[0] for name in there & train} == {"SoccerJuggling"}


def test_real_splits_share_no_source_group(shared: Path) -> None:
    data = Ucf24(shared / "data/ucf24")
    table = data.ground_truth().videos
    group = dict(zip(table.names, table.group))
    assert len(set(group.values())) == 24 * 25
    for name in data.splits:
        split = data.split(name)
        assert not {group[v] for v in split.train} & {group[v] for v in split.test}
