"""Videos that are missing, broken, of another length or refused; going on after a kill."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.video import known as known_videos
from bench.video.memory import Memory
from datasets.base import Split
from datasets.checks import check

sys.path.insert(0, str(Path(__file__).parent))
from toy import FRAMES, Toy, listen, rows, truth, write_frames


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


def test_a_check_that_was_killed_goes_on_where_it_was(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined: list[str] = []
    stop = 2
    examine = known_videos.examine_apart

    def heard(path: Path, key: str, compare: bool, wanted: Any) -> Any:
        if len(examined) == stop:
            raise KeyboardInterrupt
        examined.append(path.name)
        return examine(path, key, compare, wanted)

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
