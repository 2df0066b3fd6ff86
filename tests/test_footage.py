"""Footage: one video at one size, read once, kept while it fits."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench.footage import FootageLibrary, LiveFootage
from bench.video import Video, VideoError
from bench.video.memory import Memory

READS: Counter[str] = Counter()
FLOWS: Counter[str] = Counter()


@dataclass(frozen=True)
class Counted(Video):
    """A video of grey frames that counts how often it is read."""

    def read(self, size: tuple[int, int] | None = None) -> np.ndarray:
        READS[self.name] += 1
        assert size == (8, 6)
        return np.full((5, 6, 8, 3), len(self.name), np.uint8)


class Store:
    """Flow for every video but one."""

    def read_quantized(self, video: Video) -> tuple[np.ndarray, float]:
        FLOWS[video.name] += 1
        if video.name == "lost":
            raise ValueError("no flow for video 'lost'")
        return np.ones((5, 6, 8, 2), np.int8), 3.5


def library(names: str = "a b c", flow: bool = False) -> FootageLibrary:
    READS.clear()
    FLOWS.clear()
    videos = [Counted(name, Path(name), 32, 12) for name in names.split()]
    return FootageLibrary(videos, (8, 6), Store() if flow else None)  # type: ignore[arg-type]


def test_a_video_is_read_when_it_is_used_and_once() -> None:
    found = library()
    assert (list(found), len(found), dict(READS)) == (["a", "b", "c"], 3, {})
    assert found["b"].scale == (0.25, 0.5)
    assert not READS
    assert len(found["b"]) == 5
    assert found["b"].rgb_THW3.shape == (5, 6, 8, 3)
    np.testing.assert_array_equal(found["b"].clip([[4, 0], [2, 2]]), np.ones((2, 2, 6, 8, 3)))
    assert READS == {"b": 1}


def test_no_other_video_is_opened() -> None:
    with pytest.raises(KeyError):
        library()["z"]


def test_frames_are_kept_in_the_memory_that_all_readers_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many libraries there are, and without a word of theirs: the frames of all take its budget."""
    frames: Memory[np.ndarray] = Memory(2 * 5 * 6 * 8 * 3, lambda kept: kept.nbytes)
    monkeypatch.setattr("bench.video.reader.kept_frames", frames)
    first = library("a b")
    second = FootageLibrary([Counted("c", Path("c"), 32, 12)], (8, 6))
    for footage in (first["a"], first["b"], first["a"], second["c"], first["a"]):
        footage.load()
    assert READS == {"a": 1, "b": 1, "c": 1}
    assert frames.weight == frames.budget
    first["b"].load()
    assert READS["b"] == 2


def test_flow_comes_from_the_store() -> None:
    found = library("a lost", flow=True)
    flow, bound = found["a"].flow_THW2
    assert (str(flow[:].dtype), flow.shape, bound) == ("int8", (5, 6, 8, 2), 3.5)
    assert not READS
    found["a"].load()
    assert found["a"].flow_THW2[0].shape == (5, 6, 8, 2)
    assert (FLOWS, READS) == ({"a": 1}, {"a": 1})
    with pytest.raises(ValueError, match="no flow for video 'lost'"):
        _ = found["lost"].flow_THW2
    with pytest.raises(ValueError, match="a: no flow store was given"):
        _ = library("a")["a"].flow_THW2


def test_threads_share_one_reading() -> None:
    found = library("a b c d e")
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda i: len(found["abcde"[i % 5]]), range(200)))
    assert set(sizes) == {5}
    assert set(READS.values()) == {1}


def test_a_long_video_is_read_by_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    for t in range(40):
        cv2.imwrite(str(tmp_path / f"{t}.png"), np.full((6, 8, 3), t, np.uint8))
    monkeypatch.setattr("bench.video.reader.SHORT", 1000)
    footage = FootageLibrary([Video("v", tmp_path, 8, 6)], (16, 12))["v"]
    footage.load()
    assert len(footage) == 40
    assert footage.clip(np.array([39, 0, 17]))[:, 5, 5, 0].tolist() == [39, 0, 17]
    with pytest.raises(VideoError, match="too many for memory"):
        _ = footage.rgb_THW3


def test_a_stream_says_what_it_has_not() -> None:
    live = LiveFootage("camera", (8, 6), (32, 12), history=2)
    live.load()
    for number in range(4):
        assert live.push(np.full((12, 16, 3), number, np.uint8)) == number
    assert (len(live), live.scale) == (4, (0.25, 0.5))
    assert live.clip([[3, 2]])[..., 0, 0, 0].tolist() == [[3, 2]]
    with pytest.raises(ValueError, match="camera: frames 2 to 3 of the stream are kept, 1 to 3 asked"):
        live.clip([1, 3])
    with pytest.raises(ValueError, match="camera: a stream has no flow computed ahead"):
        _ = live.flow_THW2
    with pytest.raises(ValueError, match="camera: a stream has no flow computed ahead"):
        live.flow_median([3])
    with pytest.raises(ValueError, match="camera: a stream has no end"):
        _ = live.rgb_THW3
    with pytest.raises(ValueError, match="camera: nothing was extracted"):
        live.extracted("tracks")
