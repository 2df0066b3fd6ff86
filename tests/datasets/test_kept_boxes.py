"""Tracking that was stopped goes on where it was."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from daly_example import FRAMES, SIZES, annotation, write, write_video

from bench.files.tables import digest_ground_truth
from bench.video import Frame, VideoError
from datasets.daly import Daly

TRACKED = ["-Jx.mp4", "0A_l.mp4"]
"""The videos with key-frames, in order."""
KILLED = """
    import os, signal, sys
    from pathlib import Path

    import numpy as np
    from datasets.daly import Daly

    def killed_in_the_second_video(frames, box):
        if frames[0].shape[:2] == (160, 96):
            os.kill(os.getpid(), signal.SIGKILL)
        return np.tile(box, (len(frames), 1))

    Daly(Path(sys.argv[1])).extend(killed_in_the_second_video, "still")
"""
Tracker = Callable[[Sequence[Frame], np.ndarray], np.ndarray]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, annotation())
    for name, size in SIZES.items():
        write_video(tmp_path / "videos" / name, size, FRAMES[name], 25)
    return tmp_path


@pytest.fixture
def asked() -> list[str]:
    """The videos that :func:`still` followed something in."""
    return []


@pytest.fixture
def still(asked: list[str]) -> Tracker:
    def follow(frames: Sequence[Frame], box: np.ndarray) -> np.ndarray:
        name = next(name for name, (width, height) in SIZES.items() if frames[0].shape == (height, width, 3))
        asked.extend([name] * (name not in asked))
        return np.tile(box, (len(frames), 1))

    return follow


def stop(root: Path, name: str, tracker: Tracker) -> None:
    """Extend until the last video that is tracked, whose file is away meanwhile."""
    path = root / "videos" / TRACKED[-1]
    content, times = path.read_bytes(), path.stat()
    path.write_bytes(b"no video")
    with pytest.raises(VideoError):
        Daly(root).extend(tracker, name)
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_killed_and_started_again_it_ends_as_if_nothing_had_been(
    root: Path, still: Tracker, asked: list[str]
) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(root)]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (root / "extended" / "videos.parquet").exists()
    told: list[tuple[int, int]] = []
    Daly(root).extend(still, "still", lambda done, total: told.append((done, total)))
    assert asked == ["0A_l.mp4"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    gone_on = digest_ground_truth(Daly(root).extended())
    assert {path.name for path in (root / "extended").iterdir()} == {
        *(".lock", "videos.parquet", "tubes.parquet", "boxes.parquet")
    }
    asked.clear()
    Daly(root).extend(still, "still")
    assert asked == TRACKED  # what is whole is made anew
    assert digest_ground_truth(Daly(root).extended()) == gone_on


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("nothing", TRACKED[1:]),
        ("tracker", TRACKED),
        ("annotation", TRACKED),
        ("video", TRACKED),
        ("copied", TRACKED[1:]),
    ],
)
def test_what_was_made_of_something_else_is_made_again(
    root: Path, still: Tracker, asked: list[str], changed: str, again: list[str]
) -> None:
    stop(root, "still", still)
    assert asked == TRACKED[:1]
    asked.clear()
    first, content = root / "videos" / TRACKED[0], annotation()
    if changed == "annotation":
        content["annot"][TRACKED[0]]["annot"]["Drinking"][0]["endTime"] = 0.4
        write(root, content)
    elif changed == "video":
        write_video(first, SIZES[TRACKED[0]], FRAMES[TRACKED[0]] - 1, 25)
    elif changed == "copied":
        os.utime(first, (1, 1))
    Daly(root).extend(still, "other" if changed == "tracker" else "still")
    assert asked == again


def test_a_damaged_file_is_named_and_made_again(
    root: Path, still: Tracker, asked: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    stop(root, "still", still)
    kept = root / "extended" / "unfinished-still" / f"{TRACKED[0]}.parquet"
    kept.write_bytes(kept.read_bytes()[:100])
    asked.clear()
    with caplog.at_level(logging.WARNING, "bench"):
        Daly(root).extend(still, "still")
    assert asked == TRACKED
    assert f"{kept} is of no use" in caplog.text
