"""Frames of a file that is examined come with what is found, so that a short video is decoded once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.video import Video, VideoError
from bench.video.decoders import Decoded
from bench.video.helper import Wanted, examine_apart
from bench.video.pictures import Frame
from bench.video.shelf import Filling, new_shelf, take_all

sys.path.insert(0, str(Path(__file__).parent))
from numbered import FRAMES, HEIGHT, KINDS, WIDTH, in_order, number_frame, open_as, write_video

ALL = FRAMES * HEIGHT * WIDTH * 3


def delivered(path: Path, size: tuple[int, int] | None, room: int) -> list[Frame]:
    """What is delivered when the file is examined; the identity must be the one that was named."""
    found: list[tuple[str, Frame]] = []
    index = examine_apart(path, "it", False, Wanted(size, room, lambda *both: found.append(both)))
    assert index.frames == FRAMES
    assert all(identity == "it" for identity, _ in found)
    return [frames for _, frames in found]


@pytest.mark.parametrize("name", KINDS)
def test_wanted_frames_are_those_in_order(written: dict[str, Path], name: str) -> None:
    (frames,) = delivered(written[name], None, ALL)
    np.testing.assert_array_equal(frames, in_order(written[name]))


def test_they_come_in_the_asked_size(written: dict[str, Path]) -> None:
    (frames,) = delivered(written["h264_b.avi"], (32, 24), ALL)
    np.testing.assert_array_equal(frames, open_as(written["h264_b.avi"]).read((32, 24)))


def test_too_many_are_not_delivered_and_leave_nothing_behind(written: dict[str, Path]) -> None:
    assert not delivered(written["h264.mp4"], None, ALL - 1)
    assert not delivered(written["h264.mp4"], None, 0)
    (frames,) = delivered(written["mjpeg.avi"], None, ALL)  # by the same helper
    np.testing.assert_array_equal(frames, in_order(written["mjpeg.avi"]))


def test_a_broken_file_delivers_nothing_and_the_next_is_right(
    written: dict[str, Path], tmp_path: Path
) -> None:
    data = written["h264_b.mkv"].read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) * 2 // 5])
    found: list[object] = []
    with pytest.raises(VideoError, match=r"cut\.mkv"):
        examine_apart(tmp_path / "cut.mkv", "", False, Wanted(None, ALL, lambda *both: found.append(both)))
    assert not found
    (frames,) = delivered(written["h264.mkv"], None, ALL)
    np.testing.assert_array_equal(frames, in_order(written["h264.mkv"]))


def test_a_short_video_that_nobody_knows_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: Video, size: tuple[int, int] | None = None) -> np.ndarray:
        raise AssertionError("decoded once more")

    path = write_video(tmp_path / "v.mp4", "libx264", {"bf": "2"})
    expected = in_order(path)
    monkeypatch.setattr(Video, "read", never)
    np.testing.assert_array_equal(open_as(path).reader()[[50, 0, 7]], expected[[50, 0, 7]])
    np.testing.assert_array_equal(open_as(path).reader()[3], expected[3])
    with pytest.raises(ValueError, match="read-only"):
        open_as(path).reader().whole()[0] = 0


def test_frames_of_several_sizes_are_given_up() -> None:
    shelf = new_shelf()
    filling = Filling(shelf, None, ALL)
    for number, side in enumerate((8, 8, 10, 8)):
        picture = np.full((side, side, 3), number, np.uint8)
        filling.put(Decoded(None, True, False, False, lambda picture=picture: picture))  # type: ignore[misc]
        assert filling.shape == ((number + 1, 8, 8, 3) if number < 2 else ())
    os.close(shelf)


def test_a_shelf_in_a_file_does_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the system keeps no file in memory."""
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shelf = new_shelf()
    assert not list(tmp_path.iterdir())
    for _ in range(2):
        filling = Filling(shelf, None, ALL)
        for k in range(3):
            filling.put(Decoded(None, True, False, False, lambda k=k: number_frame(k)))  # type: ignore[misc]
        frames = take_all(shelf, filling.shape)
        np.testing.assert_array_equal(frames, np.stack([number_frame(k) for k in range(3)]))
    os.close(shelf)
