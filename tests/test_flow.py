"""Flow sources against known motion, and the store's files."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.flow import CLIP, Dis, FlowSource, FlowStore, dequantize, quantize, source, sources
from bench.video import Video, VideoError

WIDTH, HEIGHT = 96, 64


def texture(rng: np.random.Generator) -> np.ndarray:
    """A smooth random picture [H + 40, W + 40, 3]."""
    noise = rng.integers(0, 256, (HEIGHT + 40, WIDTH + 40), np.uint8)
    return np.repeat(cv2.GaussianBlur(noise, (0, 0), 2)[..., None], 3, axis=2) * 3


def sliding(u: int, v: int, frames: int = 4) -> np.ndarray:
    """Frames in which everything moves by (u, v) pixels from each to the next."""
    big = texture(np.random.default_rng(3))
    rows, columns = 20 - v * np.arange(frames), 20 - u * np.arange(frames)
    return np.stack([big[y : y + HEIGHT, x : x + WIDTH] for y, x in zip(rows, columns)])


def folder_video(folder: Path, name: str, frames_THW3: np.ndarray) -> Video:
    path = folder / name.replace("/", "_")
    path.mkdir(parents=True)
    for k, frame in enumerate(frames_THW3):
        cv2.imwrite(str(path / f"{k:05d}.png"), frame[..., ::-1])
    return Video(name, path, WIDTH, HEIGHT)


@pytest.mark.parametrize(("u", "v"), [(2, 0), (-3, 1), (0, -2), (0, 0)])
def test_dis_finds_a_known_shift(u: int, v: int) -> None:
    flow = Dis().compute(sliding(u, v))
    assert flow.shape == (4, HEIGHT, WIDTH, 2)
    assert flow.dtype == np.float32
    inner = flow[:, 12:-12, 12:-12]
    np.testing.assert_allclose(np.median(inner, axis=(1, 2)), [[u, v]] * 4, atol=0.15)
    np.testing.assert_array_equal(flow[-1], flow[-2])


def test_tvl1_finds_a_known_shift() -> None:
    flow = source("TV-L1").compute(sliding(2, -1, frames=2))
    np.testing.assert_allclose(np.median(flow[0, 12:-12, 12:-12], axis=(0, 1)), [2, -1], atol=0.15)


def test_dis_is_deterministic_and_gives_zeros_for_one_frame() -> None:
    frames = sliding(1, 2)
    np.testing.assert_array_equal(Dis().compute(frames), Dis().compute(frames))
    assert not Dis().compute(frames[:1]).any()


@pytest.mark.parametrize("shape", [(3, 8, 64, 3), (3, 64, 64), (3, 64, 64, 1)])
def test_odd_frames_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="flow wants frames"):
        Dis().compute(np.zeros(shape, np.uint8))


def test_sources_are_found_by_name() -> None:
    assert {"dis", "tvl1"} <= set(sources())
    assert isinstance(source("DIS"), Dis)
    with pytest.raises(ValueError, match="did you mean dis"):
        source("diss")
    with pytest.raises(
        ValueError, match=r"'flownet2' is not available: it needs published weights.*: dis, tvl1"
    ):
        source("FlowNet2")


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 100), st.integers(0, 2**31))
def test_quantized_flow_is_off_by_at_most_half_a_step(largest: float, seed: int) -> None:
    flow = np.random.default_rng(seed).uniform(-largest, largest, (2, 3, 4, 2)).astype(np.float32)
    quantized, bound = quantize(flow)
    assert bound == pytest.approx(min(float(np.abs(flow).max()), CLIP))
    assert quantized.dtype == np.int8
    clipped = np.clip(flow, -bound, bound)
    assert np.abs(dequantize(quantized, bound) - clipped).max() <= bound / 254 * 1.001 + 1e-6
    np.testing.assert_array_equal(quantize(-flow)[0], -quantized)


def test_zero_and_non_finite_flow() -> None:
    quantized, bound = quantize(np.zeros((1, 2, 2, 2), np.float32))
    assert bound == 0
    assert not dequantize(quantized, bound).any()
    with pytest.raises(ValueError, match="not finite"):
        quantize(np.full((1, 2, 2, 2), np.nan, np.float32))


def test_store_keeps_what_it_was_given(tmp_path: Path) -> None:
    video = folder_video(tmp_path / "in", "Class/v!_(it's)_&_g01", sliding(2, 1))
    store = FlowStore(tmp_path / "store", Dis())
    store.compute(video)
    wanted = Dis().compute(sliding(2, 1))
    read = store.read(video)
    assert read.shape == wanted.shape
    np.testing.assert_allclose(read, np.clip(wanted, -CLIP, CLIP), atol=min(np.abs(wanted).max(), CLIP) / 250)
    quantized, bound = store.read_quantized(video)
    np.testing.assert_array_equal(quantized, quantize(wanted)[0])
    assert bound == quantize(wanted)[1]
    assert store.path(video) == tmp_path / "store/dis/Class/v!_(it's)_&_g01.flow"
    assert not list((tmp_path / "store").rglob("*tmp*"))


def test_flow_at_another_size_is_in_pixels_of_that_size(tmp_path: Path) -> None:
    video = folder_video(tmp_path / "in", "a", sliding(4, 0))
    store = FlowStore(tmp_path / "store", Dis(), (WIDTH // 2, HEIGHT // 2))
    store.compute(video)
    flow = store.read(video)
    assert flow.shape == (4, HEIGHT // 2, WIDTH // 2, 2)
    assert np.median(flow[:, 6:-6, 6:-6, 0]) == pytest.approx(2, abs=0.15)
    assert store.path(video) == tmp_path / f"store/dis-{WIDTH // 2}x{HEIGHT // 2}/a.flow"


def test_prepare_in_processes_equals_in_this_one_and_computes_once(tmp_path: Path) -> None:
    videos = [folder_video(tmp_path / "in", f"c/v{k}", sliding(k, 1)) for k in range(3)]
    here, there = FlowStore(tmp_path / "here", Dis()), FlowStore(tmp_path / "there", Dis())
    seen: list[tuple[int, int]] = []
    assert here.prepare([*videos, videos[0]], workers=0) == 3
    assert there.prepare(videos, workers=2, progress=lambda done, total: seen.append((done, total))) == 3
    assert seen == [(1, 3), (2, 3), (3, 3)]
    for video in videos:
        assert here.path(video).read_bytes() == there.path(video).read_bytes()
    assert there.prepare(videos) == 0


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_video_stops_prepare_and_leaves_no_file(tmp_path: Path, workers: int) -> None:
    good = folder_video(tmp_path / "in", "good", sliding(1, 0))
    broken = folder_video(tmp_path / "in", "broken", sliding(1, 0))
    (broken.path / "00001.png").write_text("text")
    store = FlowStore(tmp_path / "store", Dis())
    with pytest.raises(VideoError, match="not a readable image"):
        store.prepare([good, broken], workers=workers)
    assert [p.name for p in (tmp_path / "store").rglob("*") if p.is_file()] == ["good.flow"]
    assert store.missing([good, broken]) == [broken]


def test_a_full_disk_is_noticed_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = folder_video(tmp_path / "in", "a", sliding(1, 0))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    store = FlowStore(tmp_path / "store", Dis())
    with pytest.raises(ValueError, match=r"1 videos needs about .* GB, .* free; make room"):
        store.prepare([video])
    assert store.estimate([video]) == pytest.approx(0.6 * 4 * WIDTH * HEIGHT * 2, abs=1)


def test_missing_damaged_and_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    video = folder_video(tmp_path / "in", "a", sliding(1, 0))
    store = FlowStore(tmp_path / "store", Dis())
    with pytest.raises(ValueError, match=r"no flow for video 'a'; prepare it first"):
        store.read(video)
    store.compute(video)
    path = store.path(video)
    whole = path.read_bytes()
    for data in (
        whole[:-10],
        whole[:14],
        b"",
        b"text\n",
        whole[:-5] + b"\0" + whole[-4:],
        whole.replace(b"dis", b"abc"),
    ):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"a\.flow: not a whole flow file"):
            store.read(video)


@pytest.mark.parametrize("name", ["../a", "/etc/a", "", "a/../../b", "a\0b"])
def test_names_that_leave_the_store_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        FlowStore(tmp_path, Dis()).path(Video(name, tmp_path, 1, 1))


def test_an_outsiders_source_is_found() -> None:
    class Still(FlowSource):
        name = "still"

        def compute(self, frames_THW3: np.ndarray) -> np.ndarray:
            return np.zeros((*frames_THW3.shape[:3], 2), np.float32)

    assert isinstance(source("still"), Still)


@pytest.mark.realdata
def test_real_flow_compresses_below_the_estimate(tmp_path: Path, shared: Path) -> None:
    clips = sorted((shared / "data/jhmdb/ReCompress_Videos").glob("*/*.mp4"))[::130]
    videos = [Video(f"{p.parent.name}/{p.stem}", p, 320, 240) for p in clips]
    store = FlowStore(tmp_path, Dis(), (160, 120))
    assert store.prepare(videos, workers=0) == len(videos)
    size = sum(store.path(v).stat().st_size for v in videos)
    assert 0.1 < size / store.estimate(videos) < 1
    assert all(np.abs(store.read(v)).max() <= CLIP for v in videos)
