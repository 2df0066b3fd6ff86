"""Flow of a long video through its footage: methods that take some fields read and compute no others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.flow import FlowStore, dequantize, image, reader
from bench.flow.classical import Dis
from bench.flow.files import ROW_GROUP, FlowFile
from bench.footage import Footage, FootageLibrary
from bench.video import Video
from bench.video.memory import Memory
from methods.common.flow import FlowScale, scaled_flow
from methods.reclnet.pictures import pictures

FRAMES = 2 * ROW_GROUP + 5
SIZE = (48, 32)


@pytest.fixture
def stored(
    tmp_path: Path,
    sliding: Callable[..., np.ndarray],
    folder_video: Callable[..., Video],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[FlowStore, Video]:
    """A video whose flow is stored, and is long."""
    video, store = folder_video("a", sliding(1, 0, frames=FRAMES)), FlowStore(tmp_path / "store", Dis(), SIZE)
    store.compute(video)
    monkeypatch.setattr(reader, "SHORT", 0)
    monkeypatch.setattr(reader, "kept_flow", Memory(10**7, lambda fields: fields.nbytes))
    return store, video


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The row groups in the order in which they are read."""
    found: list[int] = []
    original = FlowFile.read

    def noted(self: FlowFile, groups: range) -> np.ndarray:
        found.extend(groups)
        return original(self, groups)

    monkeypatch.setattr(FlowFile, "read", noted)
    return found


def opened(store: FlowStore, video: Video) -> Footage:
    return FootageLibrary([video], SIZE, store)["a"]


def whole(store: FlowStore, video: Video) -> tuple[np.ndarray, float]:
    table = pq.read_table(store.path(video))
    values = np.stack([np.frombuffer(row, np.int8) for row in table["uv"].to_pylist()])
    return values.reshape(FRAMES, *SIZE[::-1], 2), FlowFile.open(store.path(video)).facts.bound


def test_networks_and_pictures_get_the_fields_they_ask_for(
    stored: tuple[FlowStore, Video], read: list[int]
) -> None:
    (fields, bound), footage = whole(*stored), opened(*stored)
    last = np.array([FRAMES - 2, FRAMES - 1, FRAMES + 3])
    flow = scaled_flow(footage, last, FlowScale(5))
    wanted = fields[[-2, -1, -1]].astype(np.float32) * (bound / 127 / 5)
    np.testing.assert_array_equal(flow, wanted.clip(-1, 1))
    seen = pictures(footage, "flow", np.array([[3, 4], [4, 3]]))
    np.testing.assert_array_equal(seen, image(dequantize(fields[[[3, 4], [4, 3]]], bound)))
    assert read == [2, 0]


def test_the_median_is_computed_of_the_fields_asked_for_and_once(
    stored: tuple[FlowStore, Video], read: list[int]
) -> None:
    fields, footage = whole(*stored)[0], opened(*stored)
    medians = np.median(fields, axis=(1, 2)).astype(np.float32)
    for index in (4, [5, 4, 5], [[2, 3], [3, -1]], range(0)):
        found = footage.flow_median(np.array(index, int))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, medians[np.array(index, int)])
    assert read == [0, 2]
    reader.kept_flow.clear()
    footage.flow_median([5, 4, 3, -1])
    assert read == [0, 2]


def test_threads_share_a_footage(stored: tuple[FlowStore, Video], read: list[int]) -> None:
    (fields, bound), footage = whole(*stored), opened(*stored)
    off = fields - np.median(fields, axis=(1, 2)).astype(np.float32)[:, None, None]
    wanted = (off * (bound / 127 / 5)).clip(-1, 1)

    def ask(seed: int) -> None:
        frames = np.random.default_rng(seed).integers(0, FRAMES, 3)
        np.testing.assert_array_equal(scaled_flow(footage, frames, FlowScale(5, True)), wanted[frames])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(100)))
    assert sorted(read) == [0, 1, 2]


def test_a_damaged_block_is_named_by_who_asks_for_it(stored: tuple[FlowStore, Video]) -> None:
    store, video = stored
    path = store.path(video)
    column = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(data)
    footage = opened(store, video)
    assert scaled_flow(footage, np.arange(ROW_GROUP), FlowScale()).any()
    with pytest.raises(ValueError, match=r"a\.flow\.parquet is damaged .*; delete it and prepare again"):
        scaled_flow(footage, np.array([3, ROW_GROUP]), FlowScale())
