"""Killed at its worst moment, nothing is left half, and the next call completes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.flow import FlowStore
from bench.flow.classical import Dis
from bench.video import Video

Sliding = Callable[..., np.ndarray]
FolderVideo = Callable[..., Video]

WORKER_KILLED = """
    import os, signal, sys
    from dataclasses import dataclass
    from pathlib import Path
    from bench.flow import FlowStore
    from bench.flow.classical import Dis
    from bench.video import Video

    class Killed(Dis):
        '''The process that takes the third video dies when its file is whole but has a temporary name.'''
        def compute(self, frames):
            def kill(event, words):
                if event == "os.rename" and str(words[1]).endswith("v2.flow.parquet"):
                    if not Path("killed").exists():
                        Path("killed").touch()
                        os.kill(os.getpid(), signal.SIGKILL)
            sys.addaudithook(kill)
            return super().compute(frames)

    def main():
        videos = [Video(f"v{k}", Path(f"videos/v{k}"), 96, 64) for k in range(4)]
        store = FlowStore(Path("store"), Killed())
        try:
            store.prepare(videos)
        except ValueError as error:
            print(error)
        print(sorted(p.name for p in store.folder.iterdir()), len(store.missing(videos)) > 0)
        print(store.prepare(videos) > 0, store.missing(videos))

    if __name__ == "__main__":
        main()
"""

PARENT_KILLED = """
    import os, signal, time
    from pathlib import Path
    from bench.flow import FlowStore
    from bench.flow.classical import Dis
    from bench.video import Video

    class Slow(Dis):
        def compute(self, frames):
            Path(f"worker-{os.getpid()}").touch()
            time.sleep(60)

    def main():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
        videos = [Video(f"v{k}", Path(f"videos/v{k}"), 96, 64) for k in range(2)]
        store = FlowStore(Path("store"), Slow())
        FlowStore.estimate = lambda self, videos: __import__("bench.flow").flow.Estimate(2, 8, 0, 0.0)
        store.prepare(videos)

    if __name__ == "__main__":
        main()
"""


def script(folder: Path, text: str) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(textwrap.dedent(text))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "script.py"], cwd=folder, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def test_a_killed_worker_leaves_nothing_half(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    videos = [folder_video(f"v{k}", sliding(k, 1)) for k in range(4)]
    running = script(tmp_path, WORKER_KILLED)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    told, left, again = out.splitlines()
    assert "a worker process was killed" in told
    assert "what is finished stays" in told
    assert ".tmp-" in left, "the kill came too early to leave half a file"
    assert "'v2.flow.parquet'" not in left
    assert left.endswith("True")
    assert again == "True []"
    whole = FlowStore(tmp_path / "store", Dis())
    for video in videos:
        np.testing.assert_allclose(whole.read(video), Dis().compute(video.read()), atol=0.08)
    assert not list((tmp_path / "store").rglob(".tmp-*"))


def test_workers_end_with_the_process_that_started_them(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    for k in range(2):
        folder_video(f"v{k}", sliding(k, 1))
    running = script(tmp_path, PARENT_KILLED)
    try:
        workers = wait_for(lambda: [int(p.name[7:]) for p in tmp_path.glob("worker-*")], count=2)
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=30)
    assert running.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 30
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.05)
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_an_interrupt_ends_the_workers_at_once(
    tmp_path: Path, sliding: Sliding, folder_video: FolderVideo
) -> None:
    for k in range(2):
        folder_video(f"v{k}", sliding(k, 1))
    running = script(tmp_path, PARENT_KILLED)
    workers = wait_for(lambda: [int(p.name[7:]) for p in tmp_path.glob("worker-*")], count=2)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)  # a worker is busy for a minute
    assert "KeyboardInterrupt" in err
    assert not any(alive(pid) for pid in workers)


def wait_for(seen: Callable[[], list[int]], count: int) -> list[int]:
    deadline = time.monotonic() + 60
    while len(found := seen()) < count:
        assert time.monotonic() < deadline, "no workers started"
        time.sleep(0.05)
    return found


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc for processes")
