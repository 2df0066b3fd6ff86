"""Every real file: all ways of reading give the pictures that PyAV alone decodes one after the other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.video import VIDEO_SUFFIXES, FrameReader, Video
from bench.video.known import index_of
from bench.video.memory import Memory
from bench.video.reader import kept_frames

sys.path.insert(0, str(Path(__file__).parent))
from numbered import in_order

pytestmark = [pytest.mark.realdata, pytest.mark.timeout(1200)]


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in VIDEO_SUFFIXES)


def agrees(path: Path, rng: np.random.Generator, short: pytest.MonkeyPatch) -> bool:
    """Whether the whole, ten single frames in a random order and five clips of 8 are those read in order.

    First as a short video, which the helper decodes; then as a long one, whose frames are sought where that
    was found to be exact; then as a short one while there is no room in memory, likewise.
    """
    expected, video = in_order(path), Video("a", path, 320, 240)
    kept_frames.clear()
    if not (np.array_equal(video.reader()[:], expected) and np.array_equal(video.read(), expected)):
        return False
    with short.context() as patch:
        patch.setattr("bench.video.reader.SHORT", 0)
        patch.setattr("bench.video.reader.FAR", 0)
        assert not video.reader().is_short
        if not clips_agree(video.reader(), expected, rng):
            return False
        full: Memory[np.ndarray] = Memory(expected.nbytes, lambda frames: frames.nbytes)
        full.put("another", np.zeros(expected.nbytes, np.uint8))
        patch.setattr("bench.video.reader.SHORT", expected.nbytes)
        patch.setattr("bench.video.reader.kept_frames", full)
        patch.setattr("bench.video.reader._clips", Memory(0, lambda clips: 1))
        return clips_agree(video.reader(), expected, rng) and full.find("another") is not None


def clips_agree(reader: FrameReader, expected: np.ndarray, rng: np.random.Generator) -> bool:
    count = len(expected)
    singles = rng.permutation(count)[:10]
    clips = rng.integers(0, count, (5, 1)) + np.arange(8)
    return all(np.array_equal(reader[i], expected[i]) for i in (*singles, *np.minimum(clips, count - 1)))


@pytest.mark.parametrize(
    ("folder", "count"), [("video_traps", 2), ("ava/segments", 2), ("ucf24/videos", 12), ("jhmdb", 928)]
)
def test_every_file_reads_as_in_order(
    shared: Path, monkeypatch: pytest.MonkeyPatch, folder: str, count: int
) -> None:
    rng = np.random.default_rng(0)
    paths = list(files(shared / "data" / folder))
    assert len(paths) == count
    assert not [path for path in paths if not agrees(path, rng, monkeypatch)]


def test_the_traps_catch_who_asks_for_frames_by_number(shared: Path) -> None:
    """Without this the tests here would prove nothing."""
    decord = pytest.importorskip("decord")
    for path in files(shared / "data/video_traps"):
        expected, reader = in_order(path), decord.VideoReader(str(path))
        order = np.random.default_rng(0).permutation(len(expected))
        wrong = [k for k in order if np.abs(reader[int(k)].asnumpy() - 1.0 * expected[k]).mean() > 2]
        assert len(wrong) > len(expected) / 4


def test_traps_are_read_in_order_alone(shared: Path) -> None:
    found = {path.name: index_of(path, compare=True) for path in files(shared / "data/video_traps")}
    assert sorted(index.frames for index in found.values()) == [74, 83]
    assert all(index.b_frames and not index.exact for index in found.values())


def test_b_frames_alone_do_not_forbid_random_access(shared: Path) -> None:
    """Most files of J-HMDB have them, and timestamps that are right."""
    paths = list(files(shared / "data/jhmdb/ReCompress_Videos"))[::40]
    indexes = [index_of(path, compare=True) for path in paths]
    assert all(index.exact for index in indexes)
    assert sum(index.b_frames for index in indexes) > len(indexes) / 2
