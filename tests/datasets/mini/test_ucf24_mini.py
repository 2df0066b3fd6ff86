"""`ucf24-mini` has the layout of UCF101-24."""

from __future__ import annotations

import collections
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from datasets.mini import ucf24
from datasets.mini.classes import UCF24_MINI


@pytest.fixture(scope="module")
def truth(ucf24_micro: Path) -> dict[str, dict]:
    found: dict[str, dict] = pickle.loads((ucf24_micro / "ucf24/splitfiles/pyannot.pkl").read_bytes())
    return found


def lines(root: Path, name: str) -> list[str]:
    return (root / "ucf24" / "splitfiles" / name).read_text().splitlines()


def test_lists(ucf24_micro: Path, truth: dict[str, dict]) -> None:
    train = [line.split() for line in lines(ucf24_micro, "trainlist01.txt")]
    test = lines(ucf24_micro, "testlist01.txt")
    index = dict(reversed(line.split()) for line in lines(ucf24_micro, "classInd.txt"))
    assert len(index) == 24
    assert list(index) == [one.name for one in UCF24_MINI] == sorted(index)
    assert collections.Counter(name.split("/")[0] for name, _ in train) == dict.fromkeys(index, 2)
    assert collections.Counter(name.split("/")[0] for name in test) == dict.fromkeys(index, 1)
    assert all(index[name.split("/")[0]] == label for name, label in train)
    assert {f"{name}.avi" for name in truth} == {name for name, _ in train} | set(test)
    assert {ucf24.group_of(Path(name).stem) for name, _ in train} == {8, 9}
    assert {ucf24.group_of(Path(name).stem) for name in test} == {1}
    assert {path.name for path in (ucf24_micro / "ucf24/videos").iterdir()} == set(index)


def test_tubes(truth: dict[str, dict]) -> None:
    actors = collections.Counter()
    for name, video in truth.items():
        label = [one.name for one in UCF24_MINI].index(name.split("/")[0])
        assert video["label"] == label
        assert video["numf"] == 24
        actors[len(video["annotations"])] += 1
        for tube in video["annotations"]:
            boxes = tube["boxes"].astype(int)
            assert tube["label"] == label
            assert tube["boxes"].dtype == np.uint16
            assert 0 <= tube["sf"] < tube["ef"] <= 24
            assert len(boxes) == tube["ef"] - tube["sf"]
            assert 0.45 * 24 - 1 <= len(boxes) <= 0.9 * 24 + 1
            assert boxes[:, :2].min() >= 1
            assert boxes[:, 2:].min() > 10
            assert (boxes[:, 0] + boxes[:, 2]).max() <= 320
            assert (boxes[:, 1] + boxes[:, 3]).max() <= 240
    assert set(actors) == {1, 2, 3}
    assert actors[1] > actors[2] > actors[3]


def test_manifest(ucf24_micro: Path, truth: dict[str, dict]) -> None:
    facts = json.loads((ucf24_micro / "dataset.json").read_text())
    assert [one["name"] for one in facts["classes"]] == [one.name for one in UCF24_MINI]
    assert sum(one["motion_only"] for one in facts["classes"]) == 16
    assert facts["videos"].keys() == truth.keys()
    row = facts["videos"]["WaveSlow/v_WaveSlow_g08_c01"]
    assert row["source"] == "WaveSlow/v_WaveSlow_g08"
    assert row["set"] == "train"


def test_small_is_balanced() -> None:
    todo = ucf24.jobs(Path("root"), "small")
    assert len({job.name for job in todo}) == len(todo) == 24 * 17
    counts = collections.Counter((job.label, ucf24.group_of(job.name) < 8) for job in todo)
    assert set(counts.values()) == {12, 5}
    assert len(counts) == 48
    trained = {job.group_key for job in todo if ucf24.group_of(job.name) >= 8}
    assert not trained & {job.group_key for job in todo if ucf24.group_of(job.name) < 8}
