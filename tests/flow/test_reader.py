"""Stored flow by index: what the whole file holds, of which no more is read and kept than must be."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.flow import FlowReader, files, quantize, reader
from bench.flow.files import ROW_GROUP, FlowFile, write_flow
from bench.flow.origin import Origin
from bench.video.memory import Memory

FRAMES, HEIGHT, WIDTH = 3 * ROW_GROUP + 5, 6, 8
FIELD = HEIGHT * WIDTH * 2
Kept = Memory[np.ndarray]
Memories = Callable[[int], Kept]


def write(path: Path, frames: int = FRAMES, seed: int = 0) -> np.ndarray:
    """A file of noise; returns the values that it was given, int8 [T, H, W, 2]."""
    noise = np.random.default_rng(seed).normal(0, 3, (frames, HEIGHT, WIDTH, 2)).astype(np.float32)
    flow = quantize([noise])
    write_flow(path, "a", flow, "source", Origin("", ""))
    return np.concatenate(list(flow.pieces()))


def opened(path: Path) -> FlowReader:
    return FlowReader(FlowFile.open(path))


def held(fields: np.ndarray) -> int:
    """Bytes that an array keeps in memory: of all that it is a view of."""
    return fields.nbytes if fields.base is None else held(fields.base)  # type: ignore[arg-type]


def flip(path: Path, group: int) -> None:
    """Change a bit amid the pages of a row group."""
    column = pq.read_metadata(path).row_group(group).column(0)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(data)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A file and what it holds."""
    path = tmp_path_factory.mktemp("flow") / "noise.flow.parquet"
    return path, write(path)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memories:
    """``memory(fields)``: an empty memory of so many fields."""

    def make(fields: int) -> Kept:
        kept: Kept = Memory(fields * FIELD, held)
        monkeypatch.setattr(reader, "kept_flow", kept)
        return kept

    make(10**6)
    return make


@pytest.fixture
def long_videos(monkeypatch: pytest.MonkeyPatch, memory: Memories) -> Memories:
    """Every video is a long one; as :func:`memory`."""
    monkeypatch.setattr(reader, "SHORT", 0)
    return memory


@pytest.fixture
def groups_read(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each row group of whatever file was read."""
    read: Counter[int] = Counter()
    original = pq.ParquetFile.read_row_groups

    def counted(self: pq.ParquetFile, groups: range, **more: Any) -> pa.Table:
        read.update(groups)
        return original(self, groups, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", counted)
    return read


numbers = st.integers(-FRAMES, FRAMES - 1)
indices = st.one_of(
    numbers,
    st.slices(FRAMES),
    st.lists(numbers, max_size=20),
    st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4).map(np.array),
    st.lists(st.booleans(), min_size=FRAMES, max_size=FRAMES).map(np.array),
)


@pytest.mark.parametrize("kind", ["short", "long", "long, and nothing is kept"])
def test_any_index_gives_what_the_array_gives(noise: tuple[Path, np.ndarray], kind: str) -> None:
    path, wanted = noise

    @settings(max_examples=150, deadline=None)
    @given(indices)
    def check(index: Any) -> None:
        found = flow[index]
        assert found.dtype == np.int8
        np.testing.assert_array_equal(found, wanted[index])

    with pytest.MonkeyPatch.context() as patch:
        if kind != "short":
            patch.setattr(reader, "SHORT", 0)
        patch.setattr(reader, "kept_flow", Memory(0 if "nothing" in kind else 10**6, held))
        flow = opened(path)
        assert (len(flow), flow.shape) == (FRAMES, wanted.shape)
        check()
        assert len(list(flow)) == FRAMES
        for beyond in (FRAMES, -FRAMES - 1, [0, FRAMES]):
            with pytest.raises(IndexError):
                flow[beyond]


def test_only_the_row_groups_asked_for_are_read(
    noise: tuple[Path, np.ndarray], long_videos: Memories, groups_read: Counter[int]
) -> None:
    flow = opened(noise[0])
    assert flow[:0].shape == (0, HEIGHT, WIDTH, 2)
    assert not groups_read
    _ = flow[[ROW_GROUP, 2 * ROW_GROUP - 1, ROW_GROUP]]
    assert groups_read == {1: 1}
    _ = flow[-1], flow[ROW_GROUP + 3], opened(noise[0])[-2:]
    assert groups_read == {1: 1, 3: 1}
    _ = flow[ROW_GROUP - 1 : ROW_GROUP + 1]
    assert groups_read == {0: 1, 1: 1, 3: 1}


def test_a_short_video_is_read_once_and_whole(
    noise: tuple[Path, np.ndarray], memory: Memories, groups_read: Counter[int]
) -> None:
    flow, kept = opened(noise[0]), memory(FRAMES)
    assert not groups_read
    for _ in range(3):
        _ = flow[7], flow[20:30], opened(noise[0])[[1, 2]]
    assert groups_read == {0: 1, 1: 1, 2: 1, 3: 1}
    assert kept.weight == kept.budget
    with pytest.raises(ValueError, match="read-only"):
        flow[3:5][0] = 0


def test_the_flow_least_recently_used_goes_first(
    tmp_path: Path, memory: Memories, groups_read: Counter[int]
) -> None:
    """However many libraries and readers there are: the flow of all takes one budget."""
    kept = memory(2 * 10)
    for seed, name in enumerate("abc"):
        write(tmp_path / name, 10, seed)
    for name, reads in zip("abacab", (1, 2, 2, 3, 3, 4)):
        _ = opened(tmp_path / name)[0]
        assert groups_read[0] == reads, name
        assert kept.weight <= kept.budget


def test_of_more_videos_than_fit_the_row_groups_asked_for_are_read(
    noise: tuple[Path, np.ndarray], tmp_path: Path, memory: Memories, groups_read: Counter[int]
) -> None:
    values, kept = write(tmp_path / "other", seed=1), memory(FRAMES + ROW_GROUP)
    _ = opened(tmp_path / "other")[0]
    assert groups_read == {0: 1, 1: 1, 2: 1, 3: 1}
    groups_read.clear()
    np.testing.assert_array_equal(opened(noise[0])[[20, 17]], noise[1][[20, 17]])
    assert groups_read == {1: 1}
    np.testing.assert_array_equal(opened(tmp_path / "other")[5:40], values[5:40])
    assert groups_read == {1: 1}, "what is kept whole stays"
    assert kept.room == 0


def test_a_quarter_of_an_hour_takes_no_more_than_the_budget(tmp_path: Path, long_videos: Memories) -> None:
    frames = 15 * 60 * 30
    path, kept = tmp_path / "long.flow.parquet", long_videos(10 * ROW_GROUP)
    wanted, flow, outside = write(path, frames), opened(path), pa.total_allocated_bytes()
    for first in range(0, frames, 200):
        np.testing.assert_array_equal(flow[first : first + 40], wanted[first : first + 40])
        assert kept.weight <= kept.budget
    assert kept.weight > kept.budget - ROW_GROUP * FIELD
    assert pa.total_allocated_bytes() == outside


def test_files_of_other_row_groups_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long_videos: Memories, groups_read: Counter[int]
) -> None:
    for rows, read in ((64, {0: 1, 1: 1}), (7, {1: 1, 9: 1})):
        monkeypatch.setattr(files, "ROW_GROUP", rows)
        wanted, flow = write(tmp_path / f"{rows}", 70), opened(tmp_path / f"{rows}")
        np.testing.assert_array_equal(flow[[69, 8]], wanted[[69, 8]])
        assert groups_read == read
        np.testing.assert_array_equal(flow[:], wanted)
        groups_read.clear()


def test_damage_in_a_later_block_is_named_when_that_is_read(tmp_path: Path, long_videos: Memories) -> None:
    path = tmp_path / "a.flow.parquet"
    wanted = write(path)
    flip(path, 2)
    flow = opened(path)
    np.testing.assert_array_equal(flow[: 2 * ROW_GROUP], wanted[: 2 * ROW_GROUP])
    for _ in range(2):
        with pytest.raises(ValueError, match=r"a\.flow\.parquet is damaged .*; delete it and prepare again"):
            flow[[0, 2 * ROW_GROUP]]
    np.testing.assert_array_equal(flow[3 * ROW_GROUP :], wanted[3 * ROW_GROUP :])


def test_damage_in_a_short_video_is_named(tmp_path: Path, memory: Memories) -> None:
    write(tmp_path / "a.flow.parquet")
    flip(tmp_path / "a.flow.parquet", 3)
    with pytest.raises(ValueError, match=r"a\.flow\.parquet is damaged .*; delete it and prepare again"):
        opened(tmp_path / "a.flow.parquet")[0]


def test_rows_that_are_not_the_frames_are_damage(tmp_path: Path) -> None:
    write(tmp_path / "a")
    table = pq.read_table(tmp_path / "a")
    pq.write_table(table.slice(0, 9), tmp_path / "a")
    with pytest.raises(ValueError, match=rf"a is damaged \(it has 9 rows for {FRAMES} frames\)"):
        FlowFile.open(tmp_path / "a")


def test_a_file_that_is_replaced_is_not_mixed_with_the_old_one(tmp_path: Path, long_videos: Memories) -> None:
    path = tmp_path / "a"
    old = write(path)
    flow = opened(path)
    np.testing.assert_array_equal(flow[0], old[0])
    new = write(path, seed=1)
    np.testing.assert_array_equal(flow[1], old[1])
    with pytest.raises(ValueError, match="a was replaced while it was read; start again"):
        flow[-1]
    np.testing.assert_array_equal(opened(path)[:], new)
    path.unlink()
    with pytest.raises(ValueError, match="a is cut off or no Parquet file"):
        flow[-1]


@pytest.mark.parametrize("fields", [10**6, 2 * ROW_GROUP])
def test_threads_share_a_reader(
    noise: tuple[Path, np.ndarray], long_videos: Memories, groups_read: Counter[int], fields: int
) -> None:
    kept, (path, wanted) = long_videos(fields), noise
    flow, start = opened(path), threading.Barrier(8)

    def ask(seed: int) -> None:
        random = np.random.default_rng(seed)
        start.wait()
        for _ in range(30):
            index = random.integers(0, FRAMES, 4)
            np.testing.assert_array_equal(flow[index], wanted[index])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert kept.weight <= kept.budget
    if fields > FRAMES:
        assert groups_read == dict.fromkeys(range(4), 1)
