"""`daly-mini` has the layout of DALY, and its real reader reads it."""

from __future__ import annotations

import json
import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.files.tables import digest_ground_truth
from bench.metrics import evaluate
from bench.records import Tubes
from bench.runs.plan import Plan, Request
from bench.video import Video
from datasets.daly import Daly
from datasets.mini import DalyMini, daly, extension
from datasets.mini.classes import DALY_MINI
from datasets.mini.daly_script import render_film, script
from datasets.trackers import TRACKERS

# A change of any of these is a change of the dataset: raise its VERSION, and store the new numbers.
MICRO = "d60ff89ce5f7d575deda055a686cfe2d9a96b0d11e27c6905d9ba69fc1fe2b6d"
SMALL = {
    37: "74012441e357298d86a9a6726e576a0b1c731ca5480b766ba154c78092bc3524"
}  # of a video at a place of the list
ANNOTATION, DRAWN = "511c2198c45e49e5", "646eaeddffd86c06"
CHANGED = "the rendering changed: raise VERSION of the miniature and store the new digest"


@pytest.fixture(scope="module")
def data(daly_micro: Path) -> DalyMini:
    found = DalyMini(daly_micro / "daly")
    found.size = "micro"
    return found


@pytest.fixture(scope="module")
def content(daly_micro: Path) -> dict[str, Any]:
    found: dict[str, Any] = pickle.loads((daly_micro / "daly" / "daly1.1.0.pkl").read_bytes())
    return found


def test_digests(daly_micro: Path, data: DalyMini, tmp_path: Path) -> None:
    facts = json.loads((daly_micro / "dataset.json").read_text())
    assert (facts["name"], facts["version"], facts["size"]) == ("daly-mini", 1, "micro")
    assert facts["digest"] == MICRO, CHANGED
    assert digest_ground_truth(data.ground_truth()) == ANNOTATION, CHANGED
    assert digest_ground_truth(data.extended()) == DRAWN, CHANGED
    todo = daly.reels(tmp_path, "small")
    assert {place: render_film(todo[place]).digest for place in SMALL} == SMALL, CHANGED


def test_sizes() -> None:
    with pytest.raises(ValueError, match="daly-mini has no size 'tiny'; sizes: micro, small, medium, full"):
        daly.reels(Path(), "tiny")
    assert {size: len(daly.reels(Path(), size)) for size in daly.SIZES} == {
        "micro": 20, "small": 80, "medium": 180, "full": 510,
    }  # fmt: skip
    assert len(daly.tested("full")) == 200
    for size in daly.SIZES:
        names = [reel.name for reel in daly.reels(Path(), size)]
        assert len({name.lower() for name in names}) == len(names)


def test_split_and_classes(data: DalyMini) -> None:
    assert data.classes == tuple(one.name for one in DALY_MINI)
    split = data.split("1")
    assert set(split.test) == set(daly.tested("micro"))
    assert (len(split.train), len(split.test)) == (10, 10)
    truth = data.ground_truth()
    for names in (split.train, split.test):
        kept = truth.select(names)
        assert set(kept.tubes.label[~kept.tubes.difficult]) == set(range(10))
    assert data.id == "daly-mini@1.micro"
    assert data.protocol("1").id == "daly-mini@1.micro/1/extended-st@1"


def test_the_annotation_is_laid_out_as_the_real_one(content: dict[str, Any]) -> None:
    assert content.keys() >= {"labels", "splits", "metadata", "annot"}
    for name, video in content["annot"].items():
        about = content["metadata"][name]
        assert about["duration"] == pytest.approx(about["nbframes_ffmpeg"] / about["fps"])
        assert video["suggestedClass"] in video["annot"]
        for instances in video["annot"].values():
            for one in instances:
                assert 0 <= one["beginTime"] < one["endTime"] < about["duration"]
                assert {"isReflection", "isAmbiguous"} <= one["flags"].keys()
                times = [key["time"] for key in one["keyframes"]]
                assert 1 <= len(times) <= 5
                assert all(one["beginTime"] <= time <= one["endTime"] for time in times)
                assert all(later - earlier > 0.9 for earlier, later in pairwise(times))
                for key in one["keyframes"]:
                    assert key["boundingBox"].shape == (1, 4)
                    assert 0 <= key["boundingBox"].min() < key["boundingBox"].max() <= 1


def test_videos_differ_in_size_and_rate(data: DalyMini) -> None:
    table = data.ground_truth().videos
    sizes = {(int(w), int(h)) for w, h in zip(table.width, table.height, strict=True)}
    assert sizes == {(160, 120), (192, 108), (120, 160)}
    assert set(table.fps.tolist()) == {25, 30}
    assert data.missing_videos(table.names) == []
    for row in range(0, len(table), 6):
        video = Video(table.names[row], data.video_path(table.names[row]), 1, 1)
        assert video.read().shape == (table.frames[row], table.height[row], table.width[row], 3)
        assert video.frame_at(1.0) == round(table.fps[row])


def test_the_truth_in_every_frame_goes_through_the_key_frames(data: DalyMini) -> None:
    sparse, drawn = data.ground_truth(), data.extended()
    np.testing.assert_array_equal(sparse.tubes.start, drawn.tubes.start)
    np.testing.assert_array_equal(sparse.tubes.difficult, drawn.tubes.difficult)
    lengths = np.bincount(drawn.boxes.tube)
    np.testing.assert_array_equal(lengths, drawn.tubes.end - drawn.tubes.start)
    found = extension.agreement(sparse, drawn, drawn)
    assert (found.keys, found.between, found.scored, found.tubes) == (100, 100, 100, 100)
    assert found.agreed == (100, 100)
    again = extension.agreement(sparse, sparse, drawn)
    assert again.keys == pytest.approx(100, abs=0.1)  # the annotation has six decimals
    assert again.between == again.scored == 0


def test_what_was_drawn_scores_100(data: DalyMini) -> None:
    protocol = data.protocol("1")
    truth = data.truth(protocol).select(data.split("1").test)
    boxes = truth.boxes
    perfect = Tubes(
        truth.videos.names, boxes.video, boxes.tube, truth.box_labels(), np.ones(len(boxes)), boxes.frame,
        boxes.boxes_N4,
    )  # fmt: skip
    score = evaluate(truth, None, perfect, protocol).metrics
    assert (score["video_map/0.20"], score["video_map/0.75"]) == (100, 100)


def test_some_actions_are_seen_in_mirrors_or_cut_off_and_some_videos_have_two() -> None:
    seen = {"reflection": 0, "two": 0}
    for reel in daly.reels(Path(), "small")[:24]:
        roles = [role for shot in script(reel).shots for role in shot.roles]
        seen["reflection"] += sum(role.person.framed for role in roles)
        seen["two"] += len({label for role in roles for label in role.labels}) > 1
        assert roles[0].labels == (reel.label,)
    assert seen["reflection"] > 2
    assert seen["two"] > 2


def test_a_tracker_comes_near_to_what_was_drawn(data: DalyMini) -> None:
    found = extension.measure(data, TRACKERS["kcf"], data.split("1").test[:1])
    assert 70 < found.keys <= 100
    assert found.agreed[0] >= found.agreed[1]
    assert 40 < found.between < 100
    assert found.milliseconds > 0


def test_it_cannot_be_extended_a_second_time(data: DalyMini) -> None:
    with pytest.raises(ValueError, match=r"is drawn and lies in .*extended; .* bench data extend daly-mini"):
        data.extend()
    assert isinstance(data, Daly)


def test_the_command_measures_a_tracker_and_keeps_nothing(daly_micro: Path, tmp_path: Path) -> None:
    place = tmp_path / "cache" / "daly-mini@1.micro"
    place.parent.mkdir()
    place.symlink_to(daly_micro)
    before = sorted(daly_micro.rglob("*"))
    words = ["data", "extend", "daly-mini.micro", "--tracker", "kcf", "--videos", "1"]
    done = CliRunner().invoke(cli, [*words, "--runs-dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()[-3:]
    assert lines[0].startswith("| tracker | key-frames IoU > 0.5 | > 0.8 |")
    assert lines[2].startswith("| `kcf` | ")
    assert len({line.count("|") for line in lines}) == 1
    assert sorted(daly_micro.rglob("*")) == before


def test_a_run_knows_which_boxes_were_drawn(daly_micro: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "daly-mini@1.micro").symlink_to(daly_micro)
    plan = Plan.of(Request("reclnet", "daly-mini.micro", runs_dir=tmp_path))
    drawn = plan.train_key_truth
    assert drawn is not None
    assert drawn.videos.names == plan.train_truth.videos.names
    assert np.array_equal(drawn.tubes.tube, plan.train_truth.tubes.tube)
    places = {(int(tube), int(frame)) for tube, frame in zip(drawn.boxes.tube, drawn.boxes.frame)}
    tracked = plan.train_truth.boxes
    assert places < {(int(tube), int(frame)) for tube, frame in zip(tracked.tube, tracked.frame)}
    assert len(places) == len(drawn.boxes) < len(tracked) / 10
