"""`jhmdb-mini` has the layout of J-HMDB and of the ACT ground truth."""

from __future__ import annotations

import collections
import pickle
from pathlib import Path

import numpy as np
import pytest

from datasets.mini import jhmdb
from datasets.mini.classes import JHMDB_MINI


@pytest.fixture(scope="module")
def truth(jhmdb_micro: Path) -> dict:
    found: dict = pickle.loads((jhmdb_micro / "jhmdb" / "JHMDB-GT.pkl").read_bytes())
    return found


def test_keys_as_the_real_file(truth: dict, shared: Path) -> None:
    with (shared / "data/jhmdb/JHMDB-GT.pkl").open("rb") as file:
        real = pickle.load(file, encoding="latin1")
    assert truth.keys() == real.keys()
    for key, value in real.items():
        assert type(truth[key]) is type(value)
    video, other = next(iter(truth["gttubes"])), next(iter(real["gttubes"]))
    (tube,), (like,) = truth["gttubes"][video].values(), real["gttubes"][other].values()
    assert type(tube) is type(like)
    assert tube[0].dtype == like[0].dtype
    assert tube[0].shape[1] == like[0].shape[1]
    assert truth["resolution"][video] == real["resolution"][other] == (240, 320)
    assert type(truth["nframes"][video]) is type(real["nframes"][other])


def test_tubes(truth: dict) -> None:
    labels = [one.name for one in JHMDB_MINI]
    assert truth["labels"] == labels == sorted(labels)
    assert len(labels) == 21
    for name, tubes in truth["gttubes"].items():
        ((label, (tube,)),) = tubes.items()
        assert labels[label] == name.split("/")[0]
        assert tube.dtype == np.float32
        assert 15 <= truth["nframes"][name] <= 20
        assert tube[:, 0].tolist() == list(range(1, truth["nframes"][name] + 1))
        assert tube[:, 1:].min() >= 0
        assert tube[:, 3].max() <= 319
        assert tube[:, 4].max() <= 239
        assert (tube[:, 3:] - tube[:, 1:3]).min() > 10


def test_splits(jhmdb_micro: Path, truth: dict) -> None:
    tested = []
    for split in range(3):
        train, test = truth["train_videos"][split], truth["test_videos"][split]
        assert collections.Counter(map(Path, train)).keys().isdisjoint(map(Path, test))
        assert set(train) | set(test) == set(truth["gttubes"])
        assert {jhmdb.source_of(name) for name in train}.isdisjoint(jhmdb.source_of(name) for name in test)
        assert collections.Counter(name.split("/")[0] for name in test) == dict.fromkeys(truth["labels"], 1)
        tested += test
        marks = {}
        for label in truth["labels"]:
            text = (jhmdb_micro / "jhmdb" / "splits" / f"{label}_test_split{split + 1}.txt").read_text()
            marks |= {f"{label}/{file}": mark for file, mark in map(str.split, text.splitlines())}
        assert {name for name, mark in marks.items() if mark == "2"} == {f"{name}.avi" for name in test}
        assert {name for name, mark in marks.items() if mark == "1"} == {f"{name}.avi" for name in train}
    assert sorted(tested) == sorted(truth["gttubes"])


def test_sources_of_small() -> None:
    names = [job.name for job in jhmdb.jobs(Path("root"), "small")]
    sources = collections.Counter(map(jhmdb.source_of, names))
    assert len(names) == 21 * 18
    assert len(sources) == 21 * 6
    assert set(sources.values()) == {3}
    assert jhmdb.source_of("kick_slow/Studio_012_kick_slow_f_cm_np1_fr_goo_2") == "Studio_012"
    for split in range(3):
        assert len(jhmdb.tested_videos("small", split)) == 21 * 6
