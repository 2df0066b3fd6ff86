"""Two methods of outsiders: one that marks its parts, one that marks nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both packages on the import path of this process and of those that it starts, with entry points."""
    import torch

    site = tmp_path / "site"
    (site / "two_methods-1.0.dist-info").mkdir(parents=True)
    (site / "centre_box").symlink_to(HERE.parent / "outsider/centre_box")
    (site / "marked.py").symlink_to(HERE / "marked.py")
    info = site / "two_methods-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: two-methods\nVersion: 1.0\n")
    entries = "[bench.methods]\ncentre-box = centre_box:CentreBox\nmarked = marked:Marked\n"
    (info / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(site)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """In place of the time that marks and walks read."""
    found = Clock()
    monkeypatch.setattr("bench.speed.marks.time", found)
    monkeypatch.setattr("bench.speed.passes.time", found)
    return found
