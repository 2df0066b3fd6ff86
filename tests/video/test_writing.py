"""Written videos: what is in them, how they are encoded, and that a failure leaves nothing."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from bench.video.writing import write_video

sys.path.insert(0, str(Path(__file__).parent))
import numbered


def test_frames_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.mp4"
    assert write_video(path, map(numbered.number_frame, range(40)), 25) == 40
    frames = numbered.in_order(path)
    assert [numbered.read_number(frame) for frame in frames] == list(range(40))


@pytest.mark.parametrize(("fps", "rate"), [(25, "25"), (29.97, "2997/100"), (30000 / 1001, "30000/1001")])
def test_players_everywhere_can_play_it(tmp_path: Path, fps: float, rate: str) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, [numbered.number_frame(0)] * 3, fps)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, str(stream.average_rate)) == (
            "h264",
            "yuv420p",
            rate,
        )
        frame = next(container.decode(stream))
        assert int(frame.colorspace) == 6  # SMPTE 170M, which the conversion used
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # playable while it loads


def test_colours_are_kept(tmp_path: Path) -> None:
    colours = np.uint8([[214, 94, 10], [10, 114, 178], [250, 250, 250], [20, 20, 20]])
    frame = np.repeat(np.repeat(colours[None], 32, axis=0), 16, axis=1)
    write_video(tmp_path / "a.mp4", [frame] * 5, 25)
    found = numbered.in_order(tmp_path / "a.mp4")[2]
    np.testing.assert_allclose(found[16, 8::16], colours, atol=8)


def test_odd_sides_become_even(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [np.full((33, 47, 3), 128, np.uint8)] * 2, 25)
    assert numbered.in_order(tmp_path / "a.mp4").shape == (2, 34, 48, 3)


def test_frames_are_not_gathered(tmp_path: Path) -> None:
    alive, most = [0], [0]

    def gone() -> None:
        alive[0] -= 1

    def frames() -> Iterator[np.ndarray]:
        for k in range(200):
            frame = numbered.number_frame(k % 64)
            weakref.finalize(frame, gone)
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            yield frame

    assert write_video(tmp_path / "a.mp4", frames(), 25) == 200
    assert most[0] <= 4


@pytest.mark.parametrize(
    ("frames", "fps", "said"),
    [
        ([], 25, "no frame"),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)], 25, "frame 1 is"),
        ([np.zeros((8, 8, 3), np.uint8)], 0, "positive rate"),
        ([np.zeros((8, 8, 3), np.uint8)], float("nan"), "positive rate"),
    ],
)
def test_what_is_no_video_leaves_nothing(
    tmp_path: Path, frames: list[np.ndarray], fps: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        write_video(tmp_path / "a.mp4", frames, fps)
    assert not list(tmp_path.iterdir())
