"""Files that are broken, truncated, empty or no video: named, and never waited for."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from bench.video import VideoError, readable, survey
from bench.video.helper import examine_apart

sys.path.insert(0, str(Path(__file__).parent))
from numbered import FRAMES, number_frame, open_as, write_video


def endless(folder: Path) -> Path:
    """A video whose reader looks for the next frame in a terabyte of zeros (which take no room)."""
    path = write_video(folder / "endless.avi", "mjpeg", {}, frames=20)
    os.truncate(path, path.stat().st_size * 3 // 4)
    os.truncate(path, 1 << 40)
    return path


@pytest.mark.parametrize(
    "content", [b"this is no video\n" * 50, bytes(4000), b"ffconcat version 1.0\nfile a"]
)
def test_what_is_no_video_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd (name) & 'quotes'!.avi"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"odd \(name\) & 'quotes'!\.avi"):
        open_as(path).read()


def test_missing_and_empty_files_and_pipes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"gone\.avi: no such video"):
        open_as(tmp_path / "gone.avi").read()
    with pytest.raises(VideoError, match=r"gone\.avi: no such video"):
        _ = open_as(tmp_path / "gone.avi").reader()[0]
    (tmp_path / "empty.avi").touch()
    with pytest.raises(VideoError, match=r"empty\.avi: the file is empty"):
        open_as(tmp_path / "empty.avi").read()
    os.mkfifo(tmp_path / "pipe.avi")
    with pytest.raises(VideoError, match=r"pipe\.avi: neither a file nor a folder"):
        open_as(tmp_path / "pipe.avi").read()


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "sound.avi"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    with pytest.raises(VideoError, match=r"sound\.avi: holds no video stream"):
        open_as(tmp_path / "sound.avi").read()


def test_a_frame_folder_with_a_hole_or_a_broken_or_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no frame images"):
        open_as(tmp_path).read()
    for k in (1, 2, 4):
        cv2.imwrite(str(tmp_path / f"{k:05d}.png"), number_frame(k))
    os.mkfifo(tmp_path / "00003.png")
    with pytest.raises(VideoError, match="frame 2 is followed by 4"):
        open_as(tmp_path).read()
    (tmp_path / "00003.png").unlink()
    (tmp_path / "00003.png").write_text("text")
    with pytest.raises(VideoError, match=r"00003\.png: not a readable image"):
        open_as(tmp_path).read()


@pytest.mark.parametrize(("name", "kept"), [("mpeg4.avi", 0.4), ("h264_b.mkv", 0.4), ("h264.mp4", 0.5)])
def test_truncated_files_are_refused(
    written: dict[str, Path], tmp_path: Path, name: str, kept: float
) -> None:
    path, data = tmp_path / name, written[name].read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(VideoError, match=rf"{name}: (truncated or damaged: \d+ frames|cannot be opened)"):
        open_as(path).read()


def test_too_few_frames_are_noticed_by_the_annotation(tmp_path: Path) -> None:
    """A file that was cut between two frames and closed properly looks whole."""
    path = write_video(tmp_path / "half.mp4", "libx264", {"bf": "2"}, frames=FRAMES // 2)
    assert len(open_as(path).read()) == FRAMES // 2
    for read in ("read", "frames", "index", "frame_count"):
        with pytest.raises(VideoError, match=r"half\.mp4: truncated: 30 frames decode, 60 are annotated"):
            getattr(open_as(path, expected=FRAMES), read)()
    with pytest.raises(VideoError, match="truncated"):
        _ = open_as(path, expected=FRAMES).reader()[0]
    assert open_as(path, expected=FRAMES // 2 + 2).frame_count() == 30  # decoders differ at the end
    assert open_as(path, expected=5).frame_count() == 30


def test_a_decoder_that_stalls_is_stopped(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(VideoError, match=r"endless\.avi: the decoder gave no frame for 1 s and was stopped"):
        examine_apart(endless(tmp_path), "", compare=False, limit=1.0)
    assert time.monotonic() - began < 30
    whole = write_video(tmp_path / "whole.avi", "mjpeg", {}, frames=3)
    assert examine_apart(whole, "", compare=True).frames == 3


def children() -> set[psutil.Process]:
    return {p for p in psutil.Process().children() if "bench.video.examiner" in " ".join(p.cmdline())}


def test_a_decoder_that_crashes_takes_nobody_with_it(tmp_path: Path) -> None:
    path, found = endless(tmp_path), []

    def examine() -> None:
        with pytest.raises(VideoError) as caught:
            examine_apart(path, "", compare=False)
        found.append(str(caught.value))

    thread = threading.Thread(target=examine)
    thread.start()
    while not (busy := [p for p in children() if p.cpu_times().user > 0 and _reads(p, path)]):
        time.sleep(0.02)
    busy[0].kill()
    thread.join(30)
    assert found == [f"{path}: the decoder crashed (SIGKILL); get the file again"]


def test_a_helper_that_ended_in_the_meantime_is_replaced(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.avi", "mjpeg", {}, frames=3)
    assert examine_apart(path, "", compare=False).frames == 3
    for process in children():
        process.kill()
        process.wait(10)
    assert examine_apart(path, "", compare=False).frames == 3


def _reads(process: psutil.Process, path: Path) -> bool:
    return any(file.path == str(path) for file in process.open_files())


def test_helpers_end_with_the_process_that_needed_them(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.avi", "mjpeg", {}, frames=3)
    program = f"""
import os, signal
from pathlib import Path
import psutil
from bench.video.helper import examine_apart
examine_apart(Path({str(path)!r}), "", compare=False)
print(*[p.pid for p in psutil.Process().children()], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    helpers = [int(pid) for pid in done.stdout.split()]
    assert len(helpers) == 1
    _, alive = psutil.wait_procs([psutil.Process(p) for p in helpers if psutil.pid_exists(p)], timeout=20)
    assert not alive


def test_many_videos_are_looked_at_and_the_broken_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for k in range(4):
        write_video(tmp_path / f"{k}.avi", "mjpeg", {}, frames=3 + k)
    (tmp_path / "1.avi").write_bytes(b"nothing")
    (tmp_path / "3.avi").unlink()
    videos = [open_as(tmp_path / f"{k}.avi") for k in range(4)]
    told: list[tuple[int, int]] = []
    with pytest.raises(VideoError, match=r"2 of 4 videos cannot be read whole:\n.*1\.avi.*\n.*3\.avi"):
        readable(videos, skip_broken=False)
    with caplog.at_level(logging.WARNING):
        good = readable(videos, skip_broken=True, progress=lambda *counts: told.append(counts))
    assert good == [videos[0], videos[2]]
    assert [r.getMessage().partition(":")[0] for r in caplog.records] == ["skipped", "skipped"]
    assert told == [(k, 4) for k in (1, 2, 3, 4)]
    found = dict(zip("0123", (found for _, found in survey(videos, workers=3, compare=True))))
    assert isinstance(found["1"], VideoError)
    assert not isinstance(found["2"], VideoError)
    assert found["2"].exact


def test_damage_in_between_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No damage goes by silently: the file is refused, or the frames that suffered are told."""
    path = write_video(tmp_path / "v.mp4", "mpeg4", {"bf": "2", "g": "12", "q:v": "2"})
    whole = path.read_bytes()
    marked = 0
    for start in range(len(whole) // 4, len(whole) // 2, len(whole) // 30):
        spoilt = bytearray(whole)
        spoilt[start : start + 20] = np.random.default_rng(start).bytes(20)
        path.write_bytes(spoilt)
        caplog.clear()
        ((_, found),) = survey([open_as(path)])
        if isinstance(found, VideoError):
            assert "v.mp4: truncated or damaged" in str(found)
            continue
        marked += 1
        assert found.frames == FRAMES
        assert found.damaged
        assert f"{len(found.damaged)} frames are damaged, the first is {found.damaged[0]}" in caplog.text
    assert marked > 2
