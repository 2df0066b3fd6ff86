"""Flow on disk: what was put in comes out, for the same video file and source, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.flow import CLIP, Estimate, FlowStore, QuantizedFlow, quantize
from bench.flow.brox import Brox
from bench.flow.classical import Dis
from bench.flow.files import FlowFile
from bench.flow.store import PIECE
from bench.video import Video, VideoError

WIDTH, HEIGHT = 96, 64
Sliding = Callable[..., np.ndarray]
FolderVideo = Callable[..., Video]


def values(flow: QuantizedFlow) -> np.ndarray:
    return np.concatenate(list(flow.pieces()))


def test_store_keeps_what_it_was_given(tmp_path: Path, sliding: Sliding, folder_video: FolderVideo) -> None:
    video = folder_video("Class/v!_(it's)_&_g01", sliding(2, 1))
    store = FlowStore(tmp_path / "store", Dis())
    store.compute(video)
    wanted = Dis().compute(sliding(2, 1))
    np.testing.assert_allclose(store.read(video), wanted, atol=np.abs(wanted).max() / 254 + 0.0004)
    quantized, bound = store.read_quantized(video)
    np.testing.assert_array_equal(quantized[:], values(quantize([wanted])))
    assert bound == quantize([wanted]).bound
    assert store.path(video) == tmp_path / "store" / Dis().key / "Class/v!_(it's)_&_g01.flow.parquet"
    facts = FlowFile.open(store.path(video)).facts
    assert (facts.source, facts.frames, facts.size) == (Dis().key, 4, (WIDTH, HEIGHT))
    assert not list((tmp_path / "store").rglob("*tmp*"))


@pytest.mark.parametrize("frames", [1, 2, PIECE, PIECE + 1, PIECE + 2, 2 * PIECE + 1])
def test_long_videos_are_computed_in_pieces(
    frames: int, tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    seen = np.concatenate([sliding(k % 5 - 2, k % 3 - 1, frames=2) for k in range(PIECE + 1)])[
        :frames, :32, :48
    ]
    video = folder_video("a", seen)
    store = FlowStore(tmp_path / "store", Dis())
    store.compute(video)
    np.testing.assert_array_equal(store.read_quantized(video)[0][:], values(quantize([Dis().compute(seen)])))


def test_flow_at_another_size_is_in_pixels_of_that_size(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    video = folder_video("a", sliding(4, 0))
    store = FlowStore(tmp_path / "store", Dis(), (WIDTH // 2, HEIGHT // 2))
    store.compute(video)
    flow = store.read(video)
    assert flow.shape == (4, HEIGHT // 2, WIDTH // 2, 2)
    assert np.median(flow[:, 6:-6, 6:-6, 0]) == pytest.approx(2, abs=0.15)
    assert store.path(video) == tmp_path / f"store/{Dis().key}-{WIDTH // 2}x{HEIGHT // 2}/a.flow.parquet"


def test_frames_of_two_sizes_want_a_size(tmp_path: Path, sliding: Sliding, folder_video: FolderVideo) -> None:
    video = folder_video("a", sliding(1, 0))
    cv2.imwrite(str(video.path / "00003.png"), np.zeros((32, 48, 3), np.uint8))
    with pytest.raises(VideoError, match=r"a: frames differ in size .*; name one size"):
        FlowStore(tmp_path / "store", Dis()).compute(video)
    FlowStore(tmp_path / "store", Dis(), (48, 32)).compute(video)


def test_prepare_in_processes_equals_in_this_one_and_computes_once(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    videos = [folder_video(f"c/v{k}", sliding(k, 1)) for k in range(3)]
    here, there = FlowStore(tmp_path / "here", Dis()), FlowStore(tmp_path / "there", Dis())
    seen: list[tuple[int, int]] = []
    told: list[Estimate] = []
    assert here.prepare([*videos, videos[0]], workers=0) == 3
    assert there.prepare(videos, 2, lambda done, total: seen.append((done, total)), told.append) == 3
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [(e.videos, e.frames) for e in told] == [(3, 12)]
    for video in videos:
        assert here.path(video).read_bytes() == there.path(video).read_bytes()
    assert there.prepare(videos, 2, lambda done, total: seen.append((done, total)), told.append) == 0
    assert (len(seen), len(told)) == (3, 1)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_video_stops_prepare_and_leaves_no_file(
    workers: int, tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    good, broken = (folder_video(name, sliding(1, 0, frames=8)) for name in ("good", "broken"))
    (broken.path / "00007.png").write_text("text")
    store = FlowStore(tmp_path / "store", Dis())
    with pytest.raises(VideoError, match="not a readable image"):
        store.prepare([good, broken], workers=workers)
    assert {p.name for p in (tmp_path / "store").rglob("*") if p.is_file()} == {".lock", "good.flow.parquet"}
    assert store.missing([good, broken]) == [broken]
    with pytest.raises(VideoError, match="no such video file"):
        store.compute(Video("gone", tmp_path / "gone", 1, 1))


def test_a_full_disk_is_noticed_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sliding: Sliding, folder_video: FolderVideo
) -> None:
    video = folder_video("a", sliding(1, 0))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    store = FlowStore(tmp_path / "store", Dis())
    with pytest.raises(ValueError, match=r"1 videos needs about .* GB, .* free; make room"):
        store.prepare([video])
    assert store.missing([video]) == [video]


def test_the_estimate_is_near_what_it_takes(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    videos = [folder_video(str(k), sliding(k, 1, frames=9)) for k in range(4)]
    store = FlowStore(tmp_path / "store", Dis())
    estimate = store.estimate(videos)
    store.prepare(videos, workers=0)
    size = sum(store.path(video).stat().st_size for video in videos)
    assert 0.5 < estimate.bytes / size < 2
    assert estimate.frames == 36
    assert 0 < estimate.seconds < 60
    assert store.estimate([]) == Estimate(0, 0, 0, 0.0)


def test_a_changed_video_is_computed_again(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    video, store = folder_video("a", sliding(1, 0)), FlowStore(tmp_path / "store", Dis())
    store.prepare([video], workers=0)
    cv2.imwrite(str(video.path / "00002.png"), sliding(3, 0)[2])
    with pytest.raises(ValueError, match=r"not the flow of .*videos/a by dis-\w+; prepare it again"):
        store.read(video)
    assert store.missing([video]) == [video]
    assert store.prepare([video], workers=0) == 1
    assert store.read(video).shape == (4, HEIGHT, WIDTH, 2)
    (video.path / "00003.png").unlink()
    assert store.missing([video]) == [video]


def test_a_copied_video_is_the_same_video(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    video, store = folder_video("a", sliding(1, 0)), FlowStore(tmp_path / "store", Dis())
    store.prepare([video], workers=0)
    shutil.copytree(video.path, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    os.utime(video.path / "00001.png", (1, 1))
    for path in (video.path, tmp_path / "elsewhere"):
        assert store.missing([replace(video, path=path)]) == []
        assert store.read(replace(video, path=path)).any()


def test_a_video_file_may_be_renamed_but_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (48, 32))
    for k in range(4):
        writer.write(np.full((32, 48, 3), 40 * k, np.uint8))
    writer.release()
    video, store = Video("a", file, 48, 32), FlowStore(tmp_path / "store", Dis())
    store.prepare([video], workers=0)
    moved = replace(video, path=file.rename(tmp_path / "b.avi"))
    assert store.missing([moved]) == []
    moved.path.write_bytes(moved.path.read_bytes() + b"\0")
    assert store.missing([moved]) == [moved]


def test_missing_and_damaged_files_are_refused_by_name(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    video, store = folder_video("a", sliding(1, 0)), FlowStore(tmp_path / "store", Dis())
    with pytest.raises(ValueError, match=r"no flow for video 'a'; prepare it first"):
        store.read(video)
    store.compute(video)
    path = store.path(video)
    whole = path.read_bytes()
    for data in (whole[:-10], whole[: len(whole) // 2], b"", b"text\n"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"a\.flow\.parquet.*: no whole flow file; delete it"):
            store.read(video)
        assert store.missing([video]) == [video]


def test_a_flipped_bit_never_gives_other_flow(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    video, store = folder_video("a", sliding(1, 0)), FlowStore(tmp_path / "store", Dis())
    store.compute(video)
    path, wanted = store.path(video), store.read_quantized(video)[0][:]
    whole, refused = path.read_bytes(), 0
    for place in range(4, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            np.testing.assert_array_equal(store.read_quantized(video)[0][:], wanted)
        except ValueError:
            refused += 1
    assert refused > 30


def test_foreign_files_are_refused(tmp_path: Path, sliding: Sliding, folder_video: FolderVideo) -> None:
    video, store = folder_video("a", sliding(1, 0)), FlowStore(tmp_path / "store", Dis())
    other = FlowStore(tmp_path / "store", Brox(relaxations=1))
    other.compute(video)
    store.path(video).parent.mkdir(parents=True)
    shutil.copy(other.path(video), store.path(video))
    with pytest.raises(ValueError, match=r"not the flow of .* by dis-"):
        store.read(video)
    pq.write_table(pa.table({"uv": [1, 2]}), store.path(video))
    with pytest.raises(ValueError, match="holds rows of another program, not flow"):
        store.read(video)


@pytest.mark.parametrize("name", ["../a", "/etc/a", "", "a/../../b", "a\0b"])
def test_names_that_leave_the_store_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        FlowStore(tmp_path, Dis()).path(Video(name, tmp_path, 1, 1))


@pytest.mark.realdata
@pytest.mark.parametrize("flow", [Dis(), Brox()])
def test_real_flow_takes_about_what_was_estimated(flow: Dis | Brox, tmp_path: Path, shared: Path) -> None:
    clips = sorted((shared / "data/jhmdb/ReCompress_Videos").glob("*/*.mp4"))[::300]
    videos = [Video(f"{p.parent.name}/{p.stem}", p, 320, 240) for p in clips]
    store = FlowStore(tmp_path, flow, (160, 120))
    estimate = store.estimate(videos)
    assert store.prepare(videos, workers=0) == len(videos)
    size = sum(store.path(v).stat().st_size for v in videos)
    assert 0.5 < size / estimate.bytes < 2
    assert all(np.abs(store.read(v)).max() <= CLIP for v in videos)
