"""``bench track``: what MLflow lacks, and sending it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands.track import command
from bench.results.result import Result

Example = Callable[..., Result]


def track(runs_dir: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, ["--runs-dir", str(runs_dir), *words])
    if isinstance(done.exception, ValueError):
        raise done.exception
    return done.exit_code, done.output


def test_what_is_missing_is_said_and_sent_once(tmp_path: Path, example: Example) -> None:
    example(tmp_path / "data" / "a", "resync")
    example(tmp_path / "data" / "b", "resync", seed=1)
    (tmp_path / "data" / "bad").mkdir()
    (tmp_path / "data" / "bad" / "result.json").write_text("{}")
    code, said = track(tmp_path)
    assert code == 1
    assert "data/a  missing\ndata/b  missing\n" in said
    code, said = track(tmp_path, "--resync")
    assert code == 1  # the one that cannot be read
    assert "data/a  recorded\ndata/b  recorded\ndata/bad  " in said
    assert "3 results: 2 recorded, 1 missing" in said
    (tmp_path / "data" / "bad" / "result.json").unlink()
    assert track(tmp_path) == (
        0,
        "data/a  there already\ndata/b  there already\n2 results: 0 recorded, 0 missing\n",
    )


def test_a_result_that_was_scored_again_is_sent_again(tmp_path: Path, example: Example) -> None:
    example(tmp_path / "data" / "a", "resync")
    assert track(tmp_path, "--resync")[0] == 0
    example(tmp_path / "data" / "a", "resync", title="renamed")
    assert track(tmp_path)[0] == 1
    assert track(tmp_path, "--resync")[0] == 0


def test_a_server_that_is_not_there_is_one_line(
    tmp_path: Path, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    example(tmp_path / "data" / "a", "resync")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"^MLflow at http://127\.0\.0\.1:9: [^\n]*$"):
        track(tmp_path)
