"""Footage: one video at one size, read once, kept while it fits."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench.footage import FootageLibrary
from bench.video import Video

READS: Counter[str] = Counter()
BYTES = 5 * 6 * 8 * 3


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
        if video.name == "lost":
            raise ValueError("no flow for video 'lost'")
        return np.ones((5, 6, 8, 2), np.int8), 3.5


def library(names: str = "a b c", budget: int = 10**6, flow: bool = False) -> FootageLibrary:
    READS.clear()
    videos = [Counted(name, Path(name), 32, 12) for name in names.split()]
    return FootageLibrary(videos, (8, 6), Store() if flow else None, budget)  # type: ignore[arg-type]


def test_a_video_is_read_when_it_is_used_and_once() -> None:
    found = library()
    assert (list(found), len(found), dict(READS)) == (["a", "b", "c"], 3, {})
    assert found["b"].scale == (0.25, 0.5)
    assert not READS
    assert len(found["b"]) == 5
    assert found["b"].rgb_THW3.shape == (5, 6, 8, 3)
    assert READS == {"b": 1}
    assert found["b"].nbytes == BYTES


def test_no_other_video_is_opened() -> None:
    with pytest.raises(KeyError):
        library()["z"]


def test_the_least_recently_used_is_let_go() -> None:
    found = library("a b c", budget=2 * BYTES)
    for name in "abac":
        found[name].load()
    found["a"].load()
    assert READS == {"a": 1, "b": 1, "c": 1}
    found["a"].load()  # only now is the third one counted and b let go
    found["b"].load()
    assert READS["b"] == 2
    assert READS["a"] == 1


def test_one_video_is_kept_even_beyond_the_budget() -> None:
    found = library("a", budget=1)
    found["a"].load()
    found["a"].load()
    assert READS == {"a": 1}


def test_flow_comes_from_the_store() -> None:
    found = library("a lost", flow=True)
    flow, bound = found["a"].flow_THW2
    assert (str(flow.dtype), flow.shape, bound) == ("int8", (5, 6, 8, 2), 3.5)
    assert not READS
    found["a"].load()
    assert found["a"].nbytes == BYTES + flow.nbytes
    with pytest.raises(ValueError, match="no flow for video 'lost'"):
        found["lost"].load()
    with pytest.raises(ValueError, match="a: no flow store was given"):
        _ = library("a")["a"].flow_THW2


def test_threads_share_one_reading() -> None:
    found = library("a b c d e")
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda i: len(found["abcde"[i % 5]]), range(200)))
    assert set(sizes) == {5}
    assert set(READS.values()) == {1}
