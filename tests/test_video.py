"""Reading videos frame by frame: order, sizes, broken files, and which files were opened."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from bench.video import OPEN_EVENT, READERS, Video, VideoError

WIDTH, HEIGHT, FRAMES = 64, 48, 30


def number_frame(k: int) -> np.ndarray:
    """A picture whose five blocks, black or white, spell k in binary; no codec confuses them."""
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for bit in range(5):
        picture[8:40, 12 * bit : 12 * bit + 12] = 230 if k >> bit & 1 else 25
    return picture


def read_number(picture: np.ndarray) -> int:
    height, width = picture.shape[:2]
    row = picture[height // 2, :, 0]
    return sum(int(row[int((12 * bit + 6) * width / WIDTH)] > 128) << bit for bit in range(5))


def write_video(path: Path, codec: str, options: dict[str, str], frames: int = FRAMES) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=Fraction(25), options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for k in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(number_frame(k), format="rgb24")))
        container.mux(stream.encode())
    return path


def has_b_frames(path: Path) -> bool:
    bidirectional = 3
    with av.open(str(path)) as container:
        return any(int(frame.pict_type) == bidirectional for frame in container.decode(video=0))


def open_as(path: Path) -> Video:
    return Video("a", path, WIDTH, HEIGHT)


CODECS = {
    "h264.mp4": ("libx264", {"bf": "0", "g": "10"}, False),
    "h264_b.mp4": ("libx264", {"bf": "3", "g": "12", "x264-params": "b-adapt=0"}, True),
    "h264_b.mkv": ("libx264", {"bf": "3", "g": "12", "x264-params": "b-adapt=0"}, True),
    "mpeg4.avi": ("mpeg4", {"bf": "0", "g": "10", "q:v": "2"}, False),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("videos")
    return {name: write_video(folder / name, codec, options) for name, (codec, options, _) in CODECS.items()}


@pytest.mark.parametrize("backend", READERS)
@pytest.mark.parametrize("name", CODECS)
def test_frame_k_is_the_kth_written(written: dict[str, Path], name: str, backend: str) -> None:
    pytest.importorskip(backend)
    assert has_b_frames(written[name]) == CODECS[name][2]
    frames = list(READERS[backend](written[name]))
    assert [read_number(f) for f in frames] == list(range(FRAMES))
    reference = np.stack(list(READERS["av"](written[name])))
    assert np.abs(np.stack(frames).astype(int) - reference).max() <= 2


def test_read_gives_rgb_of_the_asked_size(written: dict[str, Path]) -> None:
    video = open_as(written["h264_b.mp4"])
    frames = video.read((32, 24))
    assert frames.shape == (FRAMES, 24, 32, 3)
    assert frames.dtype == np.uint8
    assert [read_number(f) for f in video.read((128, 96))] == list(range(FRAMES))
    np.testing.assert_array_equal(
        frames[7], cv2.resize(video.read()[7], (32, 24), interpolation=cv2.INTER_AREA)
    )
    assert video.frame_count() == video.estimated_frames() == FRAMES


def test_colours_are_rgb(tmp_path: Path) -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames" / "0001.png"), red[..., ::-1])
    np.testing.assert_array_equal(open_as(tmp_path / "frames").read()[0], red)


def test_frame_folder_is_read_in_numeric_order(tmp_path: Path) -> None:
    for k in range(12):
        cv2.imwrite(str(tmp_path / f"frame{k + 1}.png"), number_frame(k))
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / "._frame1.png").write_text("not a frame either")
    video = open_as(tmp_path)
    assert [read_number(f) for f in video.read()] == list(range(12))
    assert video.frame_count() == video.estimated_frames() == 12


def test_frame_folder_with_a_hole_or_a_broken_or_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no frame images"):
        open_as(tmp_path).read()
    for k in (1, 2, 4):
        cv2.imwrite(str(tmp_path / f"{k:05d}.png"), number_frame(k))
    with pytest.raises(VideoError, match="frame 2 is followed by 4"):
        open_as(tmp_path).read()
    (tmp_path / "00003.png").write_text("text")
    with pytest.raises(VideoError, match=r"00003\.png: not a readable image"):
        open_as(tmp_path).read()


@pytest.mark.parametrize("backend", READERS)
@pytest.mark.parametrize("content", [b"this is no video\n" * 50, bytes(4000)])
def test_files_that_are_no_video_are_refused_by_name(tmp_path: Path, backend: str, content: bytes) -> None:
    pytest.importorskip(backend)
    path = tmp_path / "odd (name) & 'quotes'!.avi"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"odd \(name\) & 'quotes'!\.avi"):
        list(READERS[backend](path))


def test_missing_and_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"gone\.avi: no such video"):
        open_as(tmp_path / "gone.avi").read()
    (tmp_path / "empty.avi").touch()
    with pytest.raises(VideoError, match=r"empty\.avi: the file is empty"):
        open_as(tmp_path / "empty.avi").read()


@pytest.mark.parametrize(("name", "kept"), [("mpeg4.avi", 0.4), ("h264_b.mkv", 0.4), ("h264.mp4", 0.5)])
def test_truncated_files_are_refused(
    written: dict[str, Path], tmp_path: Path, name: str, kept: float
) -> None:
    path = tmp_path / name
    data = written[name].read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(VideoError, match=rf"{name}: (truncated or damaged: \d+ frames|cannot be opened)"):
        open_as(path).read()


def test_without_decoders_the_mend_is_named(
    written: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(VideoError, match="install av"):
        open_as(written["h264.mp4"]).read()


def test_every_opening_is_audited(written: dict[str, Path], tmp_path: Path) -> None:
    opened: list[str] = []
    recording = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if recording[0] and event == OPEN_EVENT:
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)
    open_as(written["h264.mp4"]).read()
    open_as(written["mpeg4.avi"]).frames()
    open_as(written["h264.mp4"]).frame_count()
    recording[0] = False
    assert opened == [str(written[n]) for n in ("h264.mp4", "mpeg4.avi", "h264.mp4")]


def test_importing_needs_no_decoder() -> None:
    code = "import sys, bench.video, bench.flow; print({'av', 'cv2', 'decord', 'torch'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


@pytest.mark.realdata
def test_b_frame_traps_read_as_in_order_decoding_has_them(shared: Path) -> None:
    files = sorted((shared / "data/video_traps").glob("*.avi"))
    assert len(files) == 2
    for path, count in zip(files, (74, 83)):
        with av.open(str(path), metadata_errors="ignore") as container:
            in_order = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        frames = open_as(path).read()
        assert len(frames) == len(in_order) == count
        np.testing.assert_array_equal(frames, np.stack(in_order))


@pytest.mark.realdata
def test_real_clips_decode_whole_under_odd_names(shared: Path) -> None:
    folder = shared / "data/jhmdb/ReCompress_Videos"
    odd = [p for p in sorted(folder.glob("*/*.mp4")) if set(p.name) & set("!('&@")]
    assert len(odd) > 20
    for path in odd[::10]:
        assert open_as(path).read().shape[1:] == (240, 320, 3)
    fragmented = shared / "data/ucf24/videos/Basketball/v_Basketball_g01_c02.mp4"
    assert open_as(fragmented).read((320, 240)).shape == (180, 240, 320, 3)
