"""``bench recall`` as a person meets it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bench.commands.recall import command
from bench.files.tables import read_tubes, write_tubes
from bench.metrics.track_recall import coverage
from bench.protocol import TubeRules

sys.path.insert(0, str(Path(__file__).parent / "interop"))
import foreign

Recall = Callable[..., Result]


@pytest.fixture
def recall(tmp_path: Path) -> Recall:
    """Asks for what tracks cover of the foreign scene's annotation."""
    truth = tmp_path / "truth.parquet"
    foreign.parquet_truth(truth)
    return lambda *words: CliRunner().invoke(command, ["--truth", str(truth), *map(str, words)])


def tracks(path: Path, label: int | None = None, frames: int = 10**6) -> Path:
    """The foreign tubes, of one label if one is said, so many frames of each."""
    _, found = foreign.predictions()
    first_T = found.frame[found.starts]
    found = found[found.frame - np.repeat(first_T, np.diff(found.starts, append=len(found))) < frames]
    if label is not None:
        found = replace(found, label=np.full(len(found), label))
    write_tubes(path, found, {})
    return path


def shares(answer: Result) -> list[float]:
    """The recalls of the last row."""
    assert answer.exit_code == 0, answer.output
    (line,) = [line for line in answer.output.splitlines() if line.startswith("\u2502 all")]
    return [float(cell) for cell in line.split("\u2502")[3:-1]]


def test_tubes_in_a_file(recall: Recall, tmp_path: Path) -> None:
    path = tracks(tmp_path / "t.parquet")
    expected = coverage(foreign.truth(), read_tubes(path), TubeRules())
    found = shares(recall("--tubes", path, "--threshold", "0.1", "--threshold", "0.5"))
    assert found == [pytest.approx(expected.recall(t), abs=0.05) for t in (0.1, 0.5)]
    assert found[0] > 0


def test_tracks_of_no_class_cover_at_least_as_much(recall: Recall, tmp_path: Path) -> None:
    own = shares(recall("--tubes", tracks(tmp_path / "own.parquet"), "--threshold", "0.1"))
    any_class = shares(recall("--tubes", tracks(tmp_path / "any.parquet", -1), "--threshold", "0.1"))
    short = shares(recall("--tubes", tracks(tmp_path / "short.parquet", -1, 1), "--threshold", "0.5"))
    assert any_class >= own > short


def test_tubes_may_be_numbered_within_their_video(recall: Recall, tmp_path: Path) -> None:
    """As anybody's Parquet may."""
    _, found = foreign.predictions()
    numbers = found.tube - found.tube[np.searchsorted(found.video, found.video)]
    foreign.parquet_tubes(tmp_path / "own.parquet", found, tube=numbers)
    assert len(set(numbers.tolist())) < len(set(found.tube.tolist()))
    apart = shares(recall("--tubes", tmp_path / "own.parquet"))
    assert apart == shares(recall("--tubes", tracks(tmp_path / "t.parquet")))


def test_what_cannot_be_told_is_refused(recall: Recall, tmp_path: Path) -> None:
    path = tracks(tmp_path / "t.parquet")
    for words, why in (
        ([], "name a run, or tubes"),
        (["some-run", "--tubes", path], "name a run, or tubes"),
        (["some-run"], "--truth is for tubes in files"),
        (["--tubes", path, "--threshold", "0"], "outside (0, 1]"),
        (["--tubes", path, "--dataset", "ucf24"], "both name the truth"),
        (
            ["--tubes", tracks(tmp_path / "strange.parquet", 99)],
            "strange.parquet, row 0: label 99",
        ),
    ):
        answer = recall(*words)
        assert answer.exit_code != 0
        assert why in str(answer.exception)
