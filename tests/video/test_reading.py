"""Frame k is the k-th that decodes, whatever the file; sizes, colours, times; which files were opened."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.video import OPEN_EVENT, Video, VideoError, reader, resize
from bench.video.decoders import DECODERS
from bench.video.memory import Memory, budget

sys.path.insert(0, str(Path(__file__).parent))
from numbered import FRAMES, HEIGHT, KINDS, WIDTH, in_order, number_frame, open_as, read_number, write_video

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", KINDS)
def test_every_way_of_reading_gives_the_pictures_in_order(written: dict[str, Path], name: str) -> None:
    expected = in_order(written[name])
    assert [read_number(picture) for picture in expected] == list(range(FRAMES))
    video = open_as(written[name])
    assert video.frame_count() == len(video.reader()) == FRAMES
    np.testing.assert_array_equal(video.read(), expected)
    np.testing.assert_array_equal(np.stack(list(video.frames())), expected)
    np.testing.assert_array_equal(video.reader()[::-1], expected[::-1])


@pytest.mark.parametrize("name", KINDS)
def test_a_long_video_gives_the_same_pictures_in_any_order(
    written: dict[str, Path], long_videos: Callable[[], int], name: str
) -> None:
    expected, reader = in_order(written[name]), open_as(written[name]).reader()
    assert not reader.is_short
    for k in RNG.permutation(FRAMES):
        np.testing.assert_array_equal(reader[k], expected[k])
    for _ in range(10):
        index = RNG.integers(0, FRAMES, (2, 4))
        np.testing.assert_array_equal(reader[index], expected[index])
    np.testing.assert_array_equal(reader[10:50:7], expected[10:50:7])
    assert 0 < long_videos() <= 40 * WIDTH * HEIGHT * 3
    with pytest.raises(IndexError):
        reader[FRAMES]
    with pytest.raises(VideoError, match=r"its 60 frames are too many for memory; read them by number"):
        reader.whole()


@pytest.mark.parametrize("module", DECODERS)
@pytest.mark.parametrize("name", ["h264.mp4", "h264_b.mkv", "mpeg4.avi"])
def test_decoders_agree_in_order(written: dict[str, Path], name: str, module: str) -> None:
    pytest.importorskip(module)
    with DECODERS[module](written[name]) as file:
        pictures = np.stack([frame.picture() for frame in file.in_order()])
    assert np.abs(pictures.astype(int) - in_order(written[name])).max() <= 2


def test_without_decoders_the_mend_is_named(
    written: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.video.decoders.DECODERS", {"no_such_module": DECODERS["av"]})
    with pytest.raises(VideoError, match="install av"):
        open_as(written["h264.mp4"]).read()


def test_frames_come_in_the_asked_size(written: dict[str, Path], long_videos: Callable[[], int]) -> None:
    video = open_as(written["h264_b.mp4"])
    full, small = video.read(), video.read((32, 24))
    assert small.shape == (FRAMES, 24, 32, 3)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small[7], cv2.resize(full[7], (32, 24), interpolation=cv2.INTER_AREA))
    np.testing.assert_array_equal(video.reader((32, 24))[5:9], small[5:9])
    larger = video.read((128, 96))
    assert [read_number(picture) for picture in larger] == list(range(FRAMES))
    np.testing.assert_array_equal(larger[7], cv2.resize(full[7], (128, 96), interpolation=cv2.INTER_LINEAR))


def test_what_comes_from_memory_cannot_be_spoilt(written: dict[str, Path]) -> None:
    video = open_as(written["h264.mp4"])
    with pytest.raises(ValueError, match="read-only"):
        video.reader().whole()[0] = 0
    mine = video.read()
    mine[:] = 0
    assert read_number(video.reader()[5]) == 5


def test_frame_folders_read_alike(tmp_path: Path, long_videos: Callable[[], int]) -> None:
    for k in range(40):
        suffix = ("png", "PNG", "bmp", "tiff")[k % 4]
        cv2.imwrite(str(tmp_path / f"frame{k + 1}.{suffix}"), number_frame(k))
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / "._frame1.png").write_text("not a frame either")
    (tmp_path / "frame99.png").mkdir()
    video = open_as(tmp_path, fps=10)
    assert [read_number(f) for f in video.read()] == list(range(40))
    assert [read_number(f) for f in video.reader()[[39, 0, 17]]] == [39, 0, 17]
    assert video.frame_count() == 40
    assert video.frame_at(1.26) == 13
    with pytest.raises(VideoError, match="has no times; say how many frames a second"):
        open_as(tmp_path).frame_at(1)


def test_colours_are_rgb(tmp_path: Path) -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames" / "0001.png"), red[..., ::-1])
    np.testing.assert_array_equal(open_as(tmp_path / "frames").read()[0], red)


def test_frames_of_several_sizes_want_a_size(tmp_path: Path) -> None:
    for k, size in enumerate([(32, 32), (32, 40)]):
        cv2.imwrite(str(tmp_path / f"{k}.png"), np.zeros((*size, 3), np.uint8))
    with pytest.raises(VideoError, match="frames differ in size; read it with a size"):
        open_as(tmp_path).read()
    assert open_as(tmp_path).read((16, 16)).shape == (2, 16, 16, 3)


@pytest.mark.parametrize("name", KINDS)
def test_the_frame_nearest_to_a_time(written: dict[str, Path], name: str) -> None:
    video = open_as(written[name])
    for k in (0, 1, 17, FRAMES - 1):
        for off in (-0.019, 0, 0.019):
            assert video.frame_at(k / 25 + off) == k
    assert video.frame_at(0.5 / 25) == 1
    assert video.frame_at(FRAMES / 25 + 0.9) == FRAMES - 1
    for seconds in (-1.1, FRAMES / 25 + 1.1, float("nan")):
        with pytest.raises(VideoError, match=r"has no frame at .* its frames are at 0.00 to 2.36 s"):
            video.frame_at(seconds)


def test_times_of_a_variable_rate_are_those_of_the_frames(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "v.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for k, milliseconds in enumerate([0, 40, 200, 1000, 1040, 3000]):
            frame = av.VideoFrame.from_ndarray(number_frame(k), format="rgb24")
            frame.pts = milliseconds
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    video = open_as(tmp_path / "v.mkv")
    found = [video.frame_at(seconds) for seconds in (0.01, 0.11, 0.13, 0.7, 1.03, 2.5)]
    assert found == [0, 1, 2, 3, 4, 5]


def test_every_opening_is_audited(written: dict[str, Path]) -> None:
    opened: list[str] = []
    recording = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if recording[0] and event == OPEN_EVENT:
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)
    open_as(written["h264.mp4"]).read()
    open_as(written["mpeg4.avi"]).frames()
    reader = open_as(written["h264_b.mp4"]).reader()
    assert set(opened) == {str(written[n]) for n in ("h264.mp4", "mpeg4.avi")}
    _ = reader[0]
    recording[0] = False
    assert opened[-1] == str(written["h264_b.mp4"])


def test_importing_needs_no_decoder() -> None:
    code = (
        "import sys, bench.video, bench.footage; print({'av', 'cv2', 'decord', 'torch'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("http:a.avi", "concat:a|b.avi", "odd (name) & 'quotes'!.avi", "100%d.avi"):
        write_video(tmp_path / name, "mjpeg", {}, frames=3)
        assert len(Video("a", Path(name), WIDTH, HEIGHT).read()) == 3


@pytest.fixture
def full_memory(monkeypatch: pytest.MonkeyPatch) -> Memory[np.ndarray]:
    """A memory for one whole video, which is taken."""
    memory: Memory[np.ndarray] = Memory(FRAMES * WIDTH * HEIGHT * 3, lambda found: found.nbytes)
    memory.put("another", np.zeros(memory.budget, np.uint8))
    monkeypatch.setattr(reader, "kept_frames", memory)
    monkeypatch.setattr(reader, "_sources", Memory(2, lambda source: 1))
    monkeypatch.setattr(reader, "_clips", Memory(2, lambda clips: 1))
    return memory


@pytest.mark.parametrize("compared", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_clips_of_more_videos_than_fit_are_the_same_pictures_and_let_nothing_go(
    written: dict[str, Path], full_memory: Memory[np.ndarray], name: str, compared: bool
) -> None:
    expected, video = in_order(written[name]), open_as(written[name])
    video.index(compared)  # as any run after the first finds it
    for index in (3, -1, [40, 12, 13, 12], slice(30, 46), RNG.integers(0, FRAMES, (3, 5)), []):
        reader._clips.clear()  # between two clips of one video come those of many others
        np.testing.assert_array_equal(video.reader()[index], expected[index])
        small = np.stack([resize(picture, (32, 24)) for picture in expected])
        np.testing.assert_array_equal(video.reader((32, 24))[index], small[index])
    assert full_memory.find("another") is not None
    assert full_memory.room == 0


def test_who_comes_back_at_once_gets_the_whole_video(
    written: dict[str, Path], full_memory: Memory[np.ndarray]
) -> None:
    video = open_as(written["h264.mp4"])
    video.index()
    frames = video.reader()
    for first in range(reader.CLIPS):
        assert full_memory.find("another") is not None
        assert [read_number(picture) for picture in frames[first : first + 2]] == [first, first + 1]
    assert full_memory.find("another") is None
    np.testing.assert_array_equal(frames[:], in_order(written["h264.mp4"]))
    full_memory.put("another", np.zeros(full_memory.budget, np.uint8))
    assert len(frames[: FRAMES // 2 + 1]) == FRAMES // 2 + 1
    assert full_memory.find("another") is None, "more than half of a video is decoded as all of it"


def test_of_a_folder_only_the_images_that_are_asked_for_are_opened(
    tmp_path: Path, full_memory: Memory[np.ndarray]
) -> None:
    for k in range(FRAMES):
        cv2.imwrite(str(tmp_path / f"{k}.png"), number_frame(k))
    (tmp_path / "30.png").write_bytes(b"no image")
    frames = open_as(tmp_path).reader()
    assert [read_number(picture) for picture in frames[[2, 29, 31]]] == [2, 29, 31]
    with pytest.raises(VideoError, match=r"30\.png: not a readable image"):
        _ = frames[28:32]


def test_the_memory_for_frames_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_FRAME_MEMORY", raising=False)
    assert budget("BENCH_FRAME_MEMORY", 1) == 1 << 30
    monkeypatch.setenv("BENCH_FRAME_MEMORY", "2.5")
    assert budget("BENCH_FRAME_MEMORY", 1) == 5 << 29
    for said in ("2 GB", "-1", "nan", "inf"):
        monkeypatch.setenv("BENCH_FRAME_MEMORY", said)
        with pytest.raises(ValueError, match=f"BENCH_FRAME_MEMORY is '{said}'; it wants gigabytes"):
            budget("BENCH_FRAME_MEMORY", 1)
    code = "from bench.video import reader; print(reader.BUDGET >> 30, reader.SHORT >> 20)"
    environment = os.environ | {"BENCH_FRAME_MEMORY": "64"}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert shown.stdout.split() == ["64", "256"], shown.stderr
