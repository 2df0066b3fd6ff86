"""What is found of a file is kept, by what the file is; random access is decided by comparison."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.video import VideoError, known
from bench.video.known import identity, index_of
from bench.video.memory import Memory

sys.path.insert(0, str(Path(__file__).parent))
from numbered import FRAMES, KINDS, in_order, number_frame, open_as, write_video

SEEKS_EXACTLY = {name: not name.endswith((".ts", "h264_b.avi", "mpeg1_b.avi")) for name in KINDS}


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Every examination that is asked of a helper from here on, with an empty memory: (file, compare)."""
    asked: list[tuple[str, bool]] = []
    examine = known.examine_apart

    def heard(path: Path, key: str, compare: bool, *more: object) -> object:
        asked.append((path.name, compare))
        return examine(path, key, compare, *more)

    monkeypatch.setattr(known, "examine_apart", heard)
    monkeypatch.setattr(known, "_indexes", Memory(100, lambda index: 1))
    return asked


@pytest.mark.parametrize("name", KINDS)
def test_random_access_is_decided_by_comparison(written: dict[str, Path], name: str) -> None:
    index = index_of(written[name], compare=True)
    assert index.exact == SEEKS_EXACTLY[name]
    assert bool(index.why) != index.exact
    assert index.b_frames == ("_b" in name or "open" in name)
    assert (index.frames, index.width, index.height) == (FRAMES, 64, 48)


def test_a_file_is_examined_once_and_remembered_on_disk(
    written: dict[str, Path],
    tmp_path: Path,
    examined: list[tuple[str, bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = shutil.copy2(written["h264_b.mp4"], tmp_path / "v.mp4")
    first = index_of(path, tmp_path / "known")
    assert index_of(path, tmp_path / "known") is first
    assert examined == [("v.mp4", False)]
    monkeypatch.setattr(known, "_indexes", Memory(100, lambda index: 1))  # as in another process
    assert index_of(path, tmp_path / "known") == first
    assert examined == [("v.mp4", False)]
    compared = index_of(path, tmp_path / "known", compare=True)
    assert (first.exact, compared.exact) == (None, True)
    assert index_of(path, tmp_path / "known") == compared
    assert examined == [("v.mp4", False), ("v.mp4", True)]


def test_identity_is_of_the_file_not_of_its_name(written: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    shutil.copy2(written["h264.mp4"], path)
    before = identity(path)
    moved = path.rename(tmp_path / "w.mp4")
    assert identity(moved) == before == identity(written["h264.mp4"])
    os.utime(moved, (1, 1))
    assert identity(moved) != before
    touched = identity(moved)
    moved.write_bytes(moved.read_bytes()[:-1] + b"x")
    os.utime(moved, (1, 1))
    assert identity(moved) != touched


def test_a_changed_file_is_examined_again(tmp_path: Path, examined: list[tuple[str, bool]]) -> None:
    path = write_video(tmp_path / "v.avi", "mjpeg", {}, frames=5)
    assert open_as(path, known=tmp_path).frame_count() == 5
    write_video(path, "mjpeg", {}, frames=7)
    assert open_as(path, known=tmp_path).frame_count() == 7
    assert len(examined) == 2


def test_what_is_broken_is_not_remembered(tmp_path: Path, examined: list[tuple[str, bool]]) -> None:
    path = tmp_path / "v.avi"
    path.write_bytes(b"nothing")
    for _ in range(2):
        with pytest.raises(VideoError):
            index_of(path, tmp_path / "known")
    assert len(examined) == 2
    assert not (tmp_path / "known").exists()


@pytest.mark.parametrize("content", ['{"frames": "five"}', "", "not JSON", "[]"])
def test_a_spoilt_record_is_told_and_made_again(
    tmp_path: Path, examined: list[tuple[str, bool]], caplog: pytest.LogCaptureFixture, content: str
) -> None:
    path = write_video(tmp_path / "v.avi", "mjpeg", {}, frames=5)
    record = tmp_path / identity(path)[:2] / f"{identity(path)}.json"
    record.parent.mkdir()
    record.write_text(content)
    found = index_of(path, tmp_path)
    assert found.frames == 5
    assert f"{record} is of no use" in caplog.text
    assert json.loads(record.read_text()) == found.to_json()
    assert len(list(record.parent.iterdir())) == 1


def test_frame_folders_are_listed_and_only_a_comparison_decodes_them(
    tmp_path: Path, examined: list[tuple[str, bool]]
) -> None:
    import cv2

    for k in range(3):
        cv2.imwrite(str(tmp_path / f"{k}.png"), number_frame(k))
    assert index_of(tmp_path).frames == 3
    assert not examined
    index = index_of(tmp_path, compare=True)
    assert (index.frames, index.container, index.codec, index.exact) == (3, "folder", "png", True)
    (tmp_path / "2.png").write_text("text")
    with pytest.raises(VideoError, match=r"2\.png: not a readable image"):
        index_of(tmp_path, compare=True)


@pytest.mark.parametrize("name", ["h264_b.avi", "mpeg1_b.avi", "h264_b.mp4", "mjpeg.avi"])
def test_a_long_video_is_decoded_no_further_than_needed(
    written: dict[str, Path], long_videos: Callable[[], int], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward no frame twice; back from the key frame before where that is exact, else from the start."""
    from bench.video import decoders

    decoded: list[int | None] = []
    original = decoders.AvFile._decoded

    def counted(self: decoders.AvFile) -> object:
        for frame in original(self):
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(decoders.AvFile, "_decoded", counted)
    expected, reader = in_order(written[name]), open_as(written[name]).reader()
    for k in range(FRAMES):
        np.testing.assert_array_equal(reader[k], expected[k])
    assert len(decoded) <= FRAMES
    decoded.clear()
    np.testing.assert_array_equal(reader[20], expected[20])  # the memory holds the last 40 frames or fewer
    assert len(decoded) <= (28 if SEEKS_EXACTLY[name] else 32)
    decoded.clear()
    np.testing.assert_array_equal(reader[0], expected[0])
    assert len(decoded) <= 16


def test_a_file_that_changes_while_it_is_read_is_noticed(
    tmp_path: Path, long_videos: Callable[[], int]
) -> None:
    path = write_video(tmp_path / "v.mkv", "libx264", {"g": "5", "bf": "0"})
    reader = open_as(path).reader()
    assert len(reader) == FRAMES
    write_video(path, "libx264", {"g": "5", "bf": "0"}, frames=20)
    with pytest.raises(VideoError, match=r"v\.mkv: .*(changed|cannot be read)"):
        _ = reader[50]


def test_frames_that_come_or_go_while_they_are_read_are_noticed(tmp_path: Path) -> None:
    import cv2

    for k in range(4):
        cv2.imwrite(str(tmp_path / f"{k}.png"), number_frame(k))
    for change in (
        (tmp_path / "3.png").unlink,
        lambda: cv2.imwrite(str(tmp_path / "3.png"), number_frame(3)),
    ):
        frames = open_as(tmp_path).frames()
        change()
        with pytest.raises(VideoError, match=r"has \d frames, \d a moment ago; it is being changed"):
            next(frames)
    path = write_video(tmp_path / "v.avi", "mjpeg", {}, frames=5)
    for now in (7, 3):
        frames = open_as(path).frames()
        write_video(path, "mjpeg", {}, frames=now)
        with pytest.raises(VideoError, match=rf"v\.avi: has {now} frames"):
            list(frames)


def test_memory_keeps_what_fits_and_makes_it_once() -> None:
    memory: Memory[bytes] = Memory(10, len)
    made: list[str] = []

    def make(key: str, size: int = 4) -> bytes:
        made.append(key)
        return key.encode() * size

    for key in "aabacab":
        assert memory.get(key, lambda key=key: make(key)) == key.encode() * 4  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]
    assert memory.weight == 8
    assert memory.get("d", lambda: make("d", 11)) == b"d" * 11
    assert memory.get("d", lambda: make("d", 11)) == b"d" * 11
    assert made[-2:] == ["d", "d"]
    assert memory.weight == 8
    with pytest.raises(ZeroDivisionError):
        memory.get("e", lambda: bytes(1 // 0))
    assert memory.get("e", lambda: make("e", 1)) == b"e"
    memory.drop("e")
    memory.drop("never")
    assert memory.weight == 8
    memory.clear()
    assert memory.weight == 0


def test_threads_that_ask_together_make_one(written: dict[str, Path]) -> None:
    memory: Memory[int] = Memory(10, lambda value: 1)
    made: list[int] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        for key in range(5):
            memory.get(key, lambda key=key: made.append(key) or key)  # type: ignore[misc, func-returns-value]

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 1, 2, 3, 4]
