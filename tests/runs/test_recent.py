"""What was asked for last is held within a bound of bytes, whatever memory or file they lie in."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.footage import Arrays, Footage
from bench.runs.extract import Kept
from bench.runs.recent import Recent
from bench.testing import noise

ROWS = 100


class Mapped:
    """An extraction whose arrays lie in files without a name."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def extract(self, name: str, footage: Footage) -> Arrays:
        self.asked.append(footage.name)
        with tempfile.TemporaryFile() as file:
            file.write(bytes(ROWS))
            file.flush()
            return {"rows_SD": np.memmap(file, np.uint8, "r", shape=(ROWS, 1))}


def test_the_latest_are_held_within_the_budget() -> None:
    recent = Recent(budget=250)
    for video in "abcb":
        if recent.get(("x", video)) is None:
            recent.put(("x", video), {"rows_SD": np.zeros(ROWS, np.uint8)}, ROWS)
    assert recent.held == 200
    assert [recent.get(("x", video)) is None for video in "acb"] == [True, False, False]
    recent.put(("y", "c"), {}, 1000)
    assert recent.held == 1000
    assert recent.get(("x", "c")) is None
    assert recent.get(("y", "c")) is not None


def test_not_more_files_are_open_than_allowed() -> None:
    recent = Recent(most=5)
    for video in "abc":
        recent.put(("x", video), {"a": np.zeros(1), "b": np.zeros(1)}, 0)
    assert [recent.get(("x", video)) is None for video in "abc"] == [True, False, False]


def test_files_without_a_name_count_and_are_made_again_when_they_were_let_go() -> None:
    method: Any = Mapped()
    kept = Kept(method, "features", None, Recent(budget=2 * ROWS))
    a, b, c = (noise(seed) for seed in range(3))
    for video in (a, b, a, c, a, b):
        kept.of(video)
    assert method.asked == [a.name, b.name, c.name, b.name]
    assert kept.recent.held == 2 * ROWS


def test_what_is_kept_is_opened_once(tmp_path: Path) -> None:
    method: Any = Mapped()
    kept, video = Kept(method, "features", tmp_path), noise()
    first = kept.of(video)
    assert kept.of(video) is first
    assert kept.recent.held == 0
