"""DALY: seconds to frames, shares to pixels, splits, difficult instances, and truth in every frame."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.files.tables import digest_ground_truth, read_metadata
from datasets.base import DataError
from datasets.daly import Daly

sys.path.insert(0, str(Path(__file__).parent))
from daly_example import FRAMES, LABELS, SIZES, annotation, write, write_video

NAMES = ("-Jx.mp4", "0A_l.mp4", "zz9.mp4")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, annotation())
    return tmp_path


def test_spans_and_boxes_are_in_frames_and_pixels(root: Path) -> None:
    truth = Daly(root).ground_truth()
    assert truth.classes == tuple(LABELS)
    assert truth.videos.names == truth.videos.group == NAMES
    assert list(zip(truth.videos.width.tolist(), truth.videos.height.tolist())) == [SIZES[n] for n in NAMES]
    assert truth.videos.frames.tolist() == [FRAMES[n] for n in NAMES]
    assert truth.tubes.video.tolist() == [0, 0, 0, 1, 2]
    assert truth.tubes.label.tolist() == [1, 1, 2, 2, 0]
    assert truth.tubes.start.tolist() == [25, 75, 0, 9, 10]
    assert truth.tubes.end.tolist() == [51, 100, 14, 40, 16]
    assert truth.boxes.frame.tolist() == [30, 45, 88, 7, 18]
    assert truth.boxes.tube.tolist() == [0, 0, 1, 2, 3]
    np.testing.assert_allclose(truth.boxes.boxes_N4[0], [40, 24, 80, 72])
    np.testing.assert_allclose(truth.boxes.boxes_N4[2], [0, 0, 160, 96])
    np.testing.assert_allclose(truth.boxes.boxes_N4[4], [48, 40, 72, 80])


def test_reflections_ambiguous_ones_and_those_without_a_place_are_difficult(root: Path) -> None:
    assert Daly(root).ground_truth().tubes.difficult.tolist() == [False, False, True, False, True]


def test_the_split_is_the_list_of_test_videos_and_all_others(root: Path) -> None:
    split = Daly(root).split("1")
    assert split.test == ("0A_l.mp4",)
    assert split.train == ("-Jx.mp4", "zz9.mp4")
    with pytest.raises(ValueError, match="unknown split"):
        Daly(root).split("2")


def test_videos_are_found_under_their_official_names(root: Path) -> None:
    data = Daly(root)
    (root / "videos").mkdir()
    (root / "videos" / "-Jx.mp4").touch()
    (root / "videos" / "0A_l.webm").touch()
    (root / "frames" / "zz9").mkdir(parents=True)
    assert [data.video_path(name).name for name in NAMES] == ["-Jx.mp4", "0A_l.webm", "zz9"]


def test_what_is_odd_is_counted_and_told(root: Path) -> None:
    content = annotation()
    brushing = content["annot"]["-Jx.mp4"]["annot"]["BrushingTeeth"][0]
    brushing["keyframes"][0]["boundingBox"] = np.array([[0.1, 0.1, 0.2, 0.2], [0.5, 0.5, 0.6, 0.6]])
    brushing["keyframes"].append(brushing["keyframes"][1] | {"boundingBox": np.zeros((1, 4))})
    brushing["keyframes"].append(brushing["keyframes"][1] | {"time": 2.9})
    write(root, content)
    data = Daly(root)
    assert {quirk.name: quirk.count for quirk in data.quirks()} == {
        "difficult instances": 2,
        "instances without a key-frame": 1,
        "key-frames with more than one box": 1,
        "key-frames on the frame of another": 1,
        "key-frames outside their span": 1,
        "spans that end after their video": 1,
        "videos of unknown size": 0,
    }
    first = data.ground_truth().boxes[:3]
    assert first.frame.tolist() == [30, 45, 73]
    np.testing.assert_allclose(first.boxes_N4[:2], [[16, 9.6, 32, 19.2], [48, 24, 88, 72]], rtol=1e-6)


def test_sizes_come_from_the_annotation_then_the_file_then_from_nowhere(root: Path) -> None:
    content = annotation()
    for name in NAMES:
        del content["metadata"][name]["width"], content["metadata"][name]["height"]
    content["metadata"]["zz9.mp4"]["size"] = (64, 48)
    write(root, content)
    write_video(root / "videos" / "-Jx.mp4", (192, 96), 80, 25)
    data = Daly(root)
    table = data.ground_truth().videos
    assert table.width.tolist() == [192, 1000, 64]
    assert table.height.tolist() == [96, 1000, 48]
    assert table.frames.tolist() == [80, 60, 30]
    assert {q.name: q.count for q in data.quirks()}["videos of unknown size"] == 1


def test_the_number_of_frames_may_follow_from_the_duration(root: Path) -> None:
    content = annotation()
    del content["metadata"]["0A_l.mp4"]["nbframes_ffmpeg"]
    write(root, content)
    assert Daly(root).ground_truth().videos.frames.tolist() == [100, 60, 30]


def damaged(what: str) -> Any:
    content: Any = annotation()
    video = content["annot"]["-Jx.mp4"]
    one = video["annot"]["Drinking"][0]
    if what == "labels":
        content["labels"] = "Drinking"
    elif what == "splits":
        content["splits"] = [["unknown.mp4"]]
    elif what == "action":
        video["annot"]["Flying"] = []
    elif what == "metadata":
        del content["metadata"]["-Jx.mp4"]
    elif what == "fps":
        content["metadata"]["-Jx.mp4"]["fps"] = 0
    elif what == "nan":
        one["endTime"] = float("nan")
    elif what == "order":
        one["beginTime"] = 3.0
    elif what == "pixels":
        one["keyframes"][0]["boundingBox"] *= 300
    elif what == "shape":
        one["keyframes"][0]["boundingBox"] = np.zeros((1, 5))
    elif what == "list":
        one["keyframes"] = {}
    elif what == "hostile":
        content["annot"]["../x"] = video
    else:
        content = [content]
    return content


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("labels", "labels are no list"), ("splits", "unknown.mp4 is not annotated"),
        ("kind", "lacks 'labels'"), ("action", "-Jx.mp4: the action 'Flying' is none of"),
        ("metadata", "-Jx.mp4: metadata: lacks '-Jx.mp4'"),
        ("fps", "-Jx.mp4: fps is no number"), ("nan", "-Jx.mp4: endTime is no number"),
        ("order", "ends at 0.5 s, before it begins"), ("pixels", "is not of shares"),
        ("shape", "boundingBox is an array of shape"), ("list", "keyframes are no list"),
        ("hostile", "'../x' leads out"),
    ],
)  # fmt: skip
def test_annotation_that_does_not_fit_is_refused_by_name(root: Path, what: str, said: str) -> None:
    write(root, damaged(what))
    with pytest.raises(DataError, match=rf"daly1\.1\.0\.pkl: .*{said}"):
        Daly(root).ground_truth()


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"DALY: found no .*daly1\.1\.0\.pkl\. Wanted below .*frames/<video>"):
        Daly(tmp_path).ground_truth()


def test_its_protocols_score_what_is_annotated_or_what_was_extended(root: Path) -> None:
    data = Daly(root)
    sparse, extended = data.protocol("1", "sparse-st"), data.protocol("1")
    assert (sparse.id, extended.id) == ("daly/1/sparse-st@1", "daly/1/extended-st@1")
    assert extended.ranking_metric == "video_map/0.20"
    assert data.truth(sparse) is data.ground_truth()
    with pytest.raises(DataError, match="extended: run `bench data extend daly`, or score with"):
        data.truth(extended)
    with pytest.raises(DataError, match=r"found no video -Jx\.mp4"):
        data.extend()
    for name, size in SIZES.items():
        write_video(root / "videos" / name, size, FRAMES[name], 25)
    told: list[tuple[int, int]] = []
    still = lambda frames, box: np.tile(box, (len(frames), 1))  # noqa: E731
    folder = data.extend(still, "still", lambda done, total: told.append((done, total)))
    facts = read_metadata(folder / "videos.parquet")
    assert facts["tracker"] == "still"
    assert facts["agreed"] == {"0.5": 100, "0.8": 100}  # of two boxes that differ by a tenth, the mean
    assert told == [(1, 3), (2, 3), (3, 3)]
    truth = data.truth(extended)
    assert np.bincount(truth.boxes.tube, minlength=5).tolist() == [26, 25, 14, 31, 0]
    assert digest_ground_truth(data.ground_truth()) != digest_ground_truth(truth)
    np.testing.assert_array_equal(truth.tubes.start, data.ground_truth().tubes.start)
    np.testing.assert_allclose(
        truth.boxes[truth.boxes.tube == 3].boxes_N4, [[48, 40, 72, 80]] * 31, atol=1e-3
    )
    content = annotation()
    content["annot"]["0A_l.mp4"]["annot"]["Drinking"][0]["beginTime"] = 0.1
    write(root, content)
    with pytest.raises(DataError, match="extended: made of another annotation"):
        Daly(root).truth(extended)


def test_the_command_extends_daly_and_nothing_else(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("data")
    (place / "daly").symlink_to(root)
    for name, size in SIZES.items():
        write_video(root / "videos" / name, size, FRAMES[name], 25)
    done = CliRunner().invoke(cli, ["data", "extend", "--tracker", "kcf", "--data-root", str(place)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == str(place / "daly" / "extended")
    assert re.search(r"kcf: IoU with the key-frames above 0\.5 on \d+\.\d%, above 0\.8 on", done.output)
    assert Daly(root).extended().boxes.tube.tolist()[0] == 0
    refused = CliRunner().invoke(cli, ["data", "extend", "ucf24", "--data-root", str(place)])
    assert "UCF101-24 has no key-frames to track from" in str(refused.exception)
    refused = CliRunner().invoke(cli, ["data", "extend", "--videos", "2", "--data-root", str(place)])
    assert "--videos: DALY is extended as a whole" in str(refused.exception)


@pytest.mark.realdata
def test_the_real_names_and_sizes_make_a_dataset(shared: Path, tmp_path: Path) -> None:
    facts = json.loads((shared / "data/daly/daly_videos.json").read_text())
    content = annotation()
    content["splits"] = [facts["test"]]
    one = content["annot"]["0A_l.mp4"]
    content["annot"] = dict.fromkeys(facts["videos"], one)
    content["metadata"] = {
        name: {"fps": 25.0, "duration": 10.0, "size": tuple(size)}
        for name, size in facts["frame_size_wh"].items()
    }
    write(tmp_path, content)
    data = Daly(tmp_path)
    split, table = data.split("1"), data.ground_truth().videos
    assert (len(table), len(split.train), len(split.test)) == (510, 310, 200)
    assert set(split.train) == set(facts["train"])
    assert np.count_nonzero(table.height > table.width) > 0
    assert len({*zip(table.width.tolist(), table.height.tolist())}) > 10
