"""Is a dataset whole: what is found in annotation and videos, what is known, and what the command says."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from bench.commands.data import command
from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from bench.video import OPEN_EVENT
from bench.video import known as known_videos
from bench.video.memory import Memory
from datasets.base import Dataset, Split
from datasets.checks import Report, Row, check
from datasets.jhmdb import GHOSTS

NAMES = ("a/one", "a/two", "b/three")
FRAMES = 4


def truth() -> GroundTruth:
    """Three videos of four frames, 64x48; the first has two tubes, the others one of all their frames."""
    video = np.array([0, 0, 1, 2])
    tubes = TruthTubes(NAMES, video, [0, 1, 2, 3], [0, 0, 0, 1], [0, 0, 0, 0], [4, 2, 4, 4], [False] * 4)
    length = [4, 2, 4, 4]
    frame = np.concatenate([np.arange(n) for n in length])
    boxes_N4 = np.tile(np.array([4, 8, 20, 40], np.float32), (14, 1)) + np.repeat(range(4), length)[:, None]
    boxes = TruthBoxes(NAMES, np.repeat(video, length), np.repeat(range(4), length), frame, boxes_N4)
    table = VideoTable(NAMES, [4] * 3, [64] * 3, [48] * 3, [25] * 3, ("a/x", "a/y", "b/z"))
    return GroundTruth(("a", "b"), table, tubes, boxes)


class Toy(Dataset):
    """A dataset as it is told to be."""

    name = title = folder = "toy"
    layout = "nothing"
    splits: ClassVar[tuple[str, ...]] = ("1",)
    trimmed = False

    def __init__(self, root: Path, found: GroundTruth | None = None) -> None:
        super().__init__(root)
        self.found = found or truth()
        self.published: dict[str, int] = {}
        self.lists = Split(NAMES[:2], NAMES[2:])

    @property
    def classes(self) -> tuple[str, ...]:
        return self.found.classes

    def split(self, name: str) -> Split:
        return self.lists

    def ground_truth(self) -> GroundTruth:
        return self.found

    def published_counts(self) -> Mapping[str, int]:
        return self.published


def rows(report: Report, part: int = 0) -> dict[str, Row]:
    return {row.what: row for row in report.parts[part].rows}


def write_frames(folder: Path, frames: int = FRAMES, size: tuple[int, int] = (48, 64)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for t in range(frames):
        cv2.imwrite(str(folder / f"{t + 1:05d}.png"), np.full((*size, 3), 30 * t, np.uint8))


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """With all its videos."""
    for name in NAMES:
        write_frames(tmp_path / "toy" / "videos" / name)
    return Toy(tmp_path / "toy")


def test_whole_annotation_is_whole(tmp_path: Path) -> None:
    report = check(Toy(tmp_path), None)
    assert report.whole
    assert [part.name for part in report.parts] == ["annotation"]
    counts = {what: row.found for what, row in rows(report).items() if not row.is_fault}
    assert counts == {
        "classes": 2, "videos": 3, "tubes": 4, "boxes": 14, "frames of all videos as annotated": 12,
        "source groups": 3, "most tubes in a video": 2, "shortest tube, frames": 2, "longest tube, frames": 4,
        "untrimmed videos": 0, "videos of more than one class": 0, "split 1: training videos": 2,
        "split 1: test videos": 1, "split 1: test tubes": 1, "split 1: test boxes": 4,
        "split 1: test boxes past the end of their video": 0,
    }  # fmt: skip
    assert {row.verdict for row in rows(report).values()} == {"note", "ok"}


def test_counts_are_compared_with_the_published_ones(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    toy.published = {"videos": 3, "boxes": 15, "untrimmed videos": 0}
    report = check(toy, None)
    assert not report.whole
    verdicts = {what: row.verdict for what, row in rows(report).items()}
    assert (verdicts["videos"], verdicts["boxes"], verdicts["tubes"]) == ("ok", "wrong", "note")


def spoilt(what: str) -> GroundTruth:
    """The annotation with one fault."""
    found = truth()
    boxes_N4, frame, video = found.boxes.boxes_N4.copy(), found.boxes.frame.copy(), found.boxes.video
    if what == "boxes past the end of their video":
        frame[[3, 13]] = 4, 9
    elif what == "boxes outside the frame":
        boxes_N4[0, 0], boxes_N4[1, 2], boxes_N4[6, 3] = -1, 64.5, 49
    elif what == "boxes without area":
        boxes_N4[2] = 20, 20, 10, 30
    elif what == "boxes that are no numbers":
        boxes_N4[2, 1] = np.nan
    elif what == "tubes that repeat another of their video exactly":
        again = replace(found.tubes[[2, 2]], tube=np.array([8, 9], np.int32))
        copies = [replace(found.boxes[found.boxes.tube == 2], tube=np.full(4, n, np.int32)) for n in (8, 9)]
        tubes, boxes = TruthTubes.concat([found.tubes, again]), TruthBoxes.concat([found.boxes, *copies])
        return replace(found, tubes=tubes, boxes=boxes)
    else:
        group = ("a/x", "a/y", "a/x")
        return replace(found, videos=replace(found.videos, group=group))
    return replace(found, boxes=TruthBoxes(NAMES, video, found.boxes.tube, frame, boxes_N4))


FAULTS = {
    "boxes past the end of their video": (2, ("a/one", "b/three")),
    "boxes outside the frame": (3, ("a/one", "a/two")),
    "boxes without area": (1, ("a/one",)),
    "boxes that are no numbers": (1, ("a/one",)),
    "tubes that repeat another of their video exactly": (2, ("a/two",)),
    "source groups in training and test of a split": (1, ("split 1: a/x",)),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_found_counted_and_named(tmp_path: Path, what: str) -> None:
    toy = Toy(tmp_path, spoilt(what))
    report = check(toy, None)
    assert not report.whole
    row = rows(report)[what]
    assert (row.found, row.names, row.verdict) == (*FAULTS[what], "wrong")
    assert [r.what for r in report.parts[0].rows if r.verdict == "wrong"] == [what]


def test_a_fault_of_the_published_data_is_known_when_it_is_just_that(tmp_path: Path) -> None:
    what = "tubes that repeat another of their video exactly"
    toy = Toy(tmp_path, spoilt(what))
    for known, verdict in ((2, "known"), (1, "wrong"), (3, "wrong")):
        toy.published = {what: known}
        assert rows(check(toy, None))[what].verdict == verdict


def test_a_gap_between_tubes_makes_a_video_untrimmed(tmp_path: Path) -> None:
    found = truth()
    start, end = found.tubes.start.copy(), found.tubes.end.copy()
    start[1], end[0] = 2, 2
    joined = replace(found, tubes=replace(found.tubes, start=start, end=end + np.array([0, 2, 0, 0])))
    assert rows(check(Toy(tmp_path, joined), None))["untrimmed videos"].found == 0
    start[1] = 3
    apart = replace(found, tubes=replace(found.tubes, start=start, end=end + np.array([0, 2, 0, 0])))
    assert rows(check(Toy(tmp_path, apart), None))["untrimmed videos"].found == 1


def test_whole_videos_are_whole(toy: Toy, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    report = check(toy, tmp_path / "known", progress=lambda *counts: told.append(counts))
    assert report.whole
    found = {what: row.found for what, row in rows(report, 1).items() if row.found}
    assert found == {
        "videos that are there": 3, "frames that decode": 12, "videos by kind": 3,
        "videos whose random access is exact": 3,
    }  # fmt: skip
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_videos_that_are_missing_broken_or_of_another_length(toy: Toy, tmp_path: Path) -> None:
    folder = toy.root / "videos"
    (folder / "a/one/00003.png").write_text("no picture")
    shutil.rmtree(folder / "a/two")
    write_frames(folder / "b/three", 7, (24, 32))
    report = check(toy, tmp_path / "known")
    found = rows(report, 1)
    assert report.parts[0].whole
    assert not report.parts[1].whole
    assert found["videos that are missing"].names == ("a/two",)
    (broken,) = found["videos that cannot be read whole"].names
    assert "00003.png: not a readable image" in broken
    longer = found["videos with another number of frames than annotated"]
    assert (longer.names, longer.verdict) == (("b/three: 7 of 4",), "wrong")
    assert found["boxes that this leaves without a frame"].verdict == "ok"
    size = found["videos of another size than annotated (boxes are scaled)"]
    assert (size.names, size.verdict) == (("1 32x24",), "note")


def test_boxes_on_frames_that_do_not_decode_are_counted(toy: Toy, tmp_path: Path) -> None:
    for t in (3, 4):
        (toy.root / f"videos/a/one/0000{t}.png").unlink()
    found = rows(check(toy, tmp_path / "known"), 1)
    lost = found["boxes that this leaves without a frame"]
    assert (lost.found, lost.names, lost.verdict) == (2, ("a/one",), "wrong")


def test_another_length_is_known_when_it_is_just_that(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (toy.root / "videos/a/one/00004.png").unlink()
    what = "videos with another number of frames than annotated"
    for real, verdict in ((3, "known"), (2, "wrong")):
        monkeypatch.setattr(Toy, "real_frames", {"a/one": real})
        report = check(toy, tmp_path / "known")
        assert rows(report, 1)[what].verdict == verdict
        assert rows(report)["boxes past the end of their video"].found == FRAMES - real


def test_names_that_lead_out_of_the_data_root_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write_frames(outside)
    names = ("../../outside", str(outside), "a/link")
    (tmp_path / "toy/videos/a").mkdir(parents=True)
    (tmp_path / "toy/videos/a/link").symlink_to(outside)
    found = truth()
    found = replace(
        found,
        videos=replace(found.videos, names=names),
        tubes=replace(found.tubes, videos=names),
        boxes=replace(found.boxes, videos=names),
    )
    toy = Toy(tmp_path / "toy", found)
    toy.lists = Split(names[:2], names[2:])
    opened: list[str] = []
    listen(opened)
    report = check(toy, tmp_path / "known")
    assert rows(report, 1)["videos refused for their name or place"].found == 3
    assert not opened


LISTENING: list[list[str]] = []


def listen(opened: list[str]) -> None:
    """Hear of every video that is opened from here to the end of the test."""
    if not LISTENING:
        sys.addaudithook(
            lambda event, words: LISTENING[-1].append(str(words[0])) if event == OPEN_EVENT else None
        )
    LISTENING.append(opened)


def test_a_check_that_was_killed_goes_on_where_it_was(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined: list[str] = []
    stop = 2
    examine = known_videos.examine_apart

    def heard(path: Path, key: str, compare: bool) -> Any:
        if len(examined) == stop:
            raise KeyboardInterrupt
        examined.append(path.name)
        return examine(path, key, compare)

    def forget() -> None:
        monkeypatch.setattr(known_videos, "_indexes", Memory(100, lambda index: 1))

    forget()
    monkeypatch.setattr(known_videos, "examine_apart", heard)
    with pytest.raises(KeyboardInterrupt):
        check(toy, tmp_path / "known", workers=1)
    assert examined == ["one", "two"]
    forget()
    stop = -1
    assert check(toy, tmp_path / "known", workers=1).whole
    assert examined == ["one", "two", "three"]
    forget()
    assert check(toy, tmp_path / "known", workers=1).whole
    assert len(examined) == 3


CLIPS = ("run/a_run_u_nm_np1_fr_med_1", "run/b_run_u_nm_np1_fr_med_1")


@pytest.fixture
def jhmdb(tmp_path: Path) -> Path:
    """A data root with a J-HMDB of two videos, which has not the published counts."""
    rows_N5 = np.array([[t + 1, 8, 8, 40, 40] for t in range(FRAMES)], np.float32)
    content = {
        "labels": ["run", "walk"],
        "gttubes": {name: {0: [rows_N5]} for name in CLIPS},
        "nframes": dict.fromkeys(CLIPS, FRAMES),
        "train_videos": [[CLIPS[0]]] * 3,
        "test_videos": [[CLIPS[1]]] * 3,
        "resolution": dict.fromkeys(CLIPS, (48, 64)),
    }
    for name in CLIPS:
        write_frames(tmp_path / "data/jhmdb/Rename_Images" / name)
    (tmp_path / "data/jhmdb/JHMDB-GT.pkl").write_bytes(pickle.dumps(content))
    return tmp_path / "data"


def bench_data(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def test_the_command_tells_what_is_wrong(jhmdb: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    words = ("check", "jhmdb", "--data-root", jhmdb, "--runs-dir", tmp_path / "runs", "--json", out)
    done = bench_data(*words)
    assert done.exit_code == 1
    assert "NOT WHOLE" in done.output
    report = json.loads(out.read_text())
    assert (report["kind"], report["version"], report["dataset"]) == ("data-check", 1, "jhmdb")
    assert not report["whole"]
    found = {row["what"]: row for row in report["parts"]["annotation"]["rows"]}
    assert found["videos"] == {"what": "videos", "found": 2, "wanted": 928, "verdict": "wrong", "names": []}
    there = {row["what"]: row["found"] for row in report["parts"]["videos"]["rows"]}
    assert there["videos that are there"] == 2
    assert list((tmp_path / "runs/cache/videos").rglob("*.json"))


def test_annotations_only_opens_no_video(jhmdb: Path, tmp_path: Path) -> None:
    opened: list[str] = []
    listen(opened)
    done = bench_data("check", "jhmdb", "--data-root", jhmdb, "--annotations-only")
    assert done.exit_code == 1
    assert "videos that are there" not in done.output
    assert not opened


def test_a_miniature_is_whole(micro_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)
    done = bench_data("check", "ucf24-mini.micro", "--runs-dir", tmp_path, "--json", tmp_path / "out.json")
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["whole"]
    assert all(part["whole"] for part in report["parts"].values())


def test_what_cannot_be_checked_is_said(tmp_path: Path) -> None:
    done = bench_data("check", "jhmdb", "--data-root", tmp_path)
    assert isinstance(done.exception, ValueError)
    assert "no J-HMDB-21 in" in str(done.exception)
    done = bench_data("check", "jhmdb")
    assert "--data-root or BENCH_DATA" in str(done.exception)


def test_what_is_on_disk_is_listed(jhmdb: Path, tmp_path: Path) -> None:
    done = bench_data("list", "--data-root", jhmdb)
    assert done.exit_code == 0
    assert "2 of 2 annotated videos" in done.output
    assert f"nothing: there is no {jhmdb / 'ucf24'}" in done.output
    for words in ("http://jhmdb.is.tue.mpg.de", "ICCV 2013", "CC BY 4.0", "UCF101.rar", "daly1.1.0.pkl"):
        assert words in done.output
    shutil.rmtree(jhmdb / "jhmdb/Rename_Images" / CLIPS[0])
    assert "1 of 2 annotated videos" in bench_data("list", "--data-root", jhmdb).output
    (jhmdb / "jhmdb/JHMDB-GT.pkl").write_bytes(b"broken")
    assert "not usable" in bench_data("list", "--data-root", jhmdb).output
    assert "--data-root or BENCH_DATA" in bench_data("list").output


@pytest.mark.realdata
def test_real_jhmdb_is_whole_with_its_ghosts(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    done = bench_data("check", "jhmdb", "--data-root", shared / "data", "--runs-dir", tmp_path, "--json", out)
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    found = {row["what"]: row for part in report["parts"].values() for row in part["rows"]}
    counts = {
        "videos": 928, "boxes": 31_852, "frames that decode": 31_838, "videos with a mask": 928,
        "boxes of masks that are annotated": 31_838, "splits whose lists equal the pickle's": 3,
        "split 1: training videos": 660, "split 1: test videos": 268, "split 2: training videos": 658,
        "split 2: test videos": 270, "split 3: training videos": 663, "split 3: test videos": 265,
        "boxes past the end of their video": 14, "split 1: test boxes past the end of their video": 13,
        "videos with another number of frames than annotated": 3, "videos that cannot be read whole": 0,
    }  # fmt: skip
    assert {what: found[what]["found"] for what in counts} == counts
    known = {what: row["names"] for what, row in found.items() if row["verdict"] == "known"}
    assert set(known) == {
        "boxes past the end of their video", "videos with another number of frames than annotated"
    }  # fmt: skip
    assert set(known["boxes past the end of their video"]) == set(GHOSTS)
    assert [quirk["count"] for quirk in report["quirks"]] == [14]


@pytest.mark.realdata
def test_real_ucf24_has_whole_annotation_and_most_videos_missing(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    words = ("check", "ucf24", "--data-root", shared / "data", "--runs-dir", tmp_path, "--json", out)
    assert bench_data(*words).exit_code == 1
    report = json.loads(out.read_text())
    assert report["parts"]["annotation"]["whole"]
    found = {row["what"]: row for part in report["parts"].values() for row in part["rows"]}
    counts = {
        "videos": 3194, "tubes": 4458, "boxes": 573_862, "split 1: test videos": 910,
        "split 1: test tubes": 1315, "split 1: test boxes": 170_580, "untrimmed videos": 1249,
        "most tubes in a video": 10, "shortest tube, frames": 4, "longest tube, frames": 880,
        "videos of more than one class": 0, "videos that finalAnnots.mat annotates alike": 3194,
        "tubes that repeat another of their video exactly": 2, "videos that are there": 12,
        "videos that are missing": 3182, "videos with another number of frames than annotated": 0,
        "videos of another size than annotated (boxes are scaled)": 6, "videos that cannot be read whole": 0,
    }  # fmt: skip
    assert {what: found[what]["found"] for what in counts} == counts
    assert [what for what, row in found.items() if row["verdict"] == "wrong"] == ["videos that are missing"]
    assert {quirk["count"] for quirk in report["quirks"]} == {13, 2, 4458}
    assert bench_data(*words, "--annotations-only").exit_code == 0
