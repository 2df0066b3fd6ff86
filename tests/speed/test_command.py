"""``bench speed`` as it is typed: a fresh process a row, one table, what is wrong in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.commands.speed import command
from bench.speed.apart import measure_apart
from bench.speed.subject import Job

pytestmark = pytest.mark.usefixtures("installed")


def speed(runs_dir: Path, *words: object) -> Result:
    arguments = [str(word) for word in (*words, "--runs-dir", runs_dir, "--device", "cpu")]
    return CliRunner().invoke(command, arguments)


def test_a_row_from_a_fresh_process(runs_dir: Path) -> None:
    done = speed(runs_dir, "--method", "marked", "--batch", "2", "--repeats", 1)
    assert done.exit_code == 0, done.exception
    rows = json.loads((runs_dir / "speed/speed.json").read_text())["rows"]
    assert [row["key"]["batch"] for row in rows] == [2]
    for said in ("marked tiny+default", "network alone", "file to tubes"):
        assert said in done.output
    for row in rows:
        for rate in ("network", "end_to_end", "latency"):
            assert row[rate]["includes"] in done.output
    assert "weights: seeded random" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--method, or a finished run"),
        (("--method", "marked", "--run", "x"), "--method, or a finished run"),
        (("--run", "x", "--variant", "tiny"), "leave out --variant"),
        (("--method", "markd"), "did you mean marked"),
        (("--method", "marked", "--batch", "0"), "--batch: '0'"),
        (("--method", "marked", "--batch", "1,x"), "--batch: 'x'"),
        (("--method", "marked", "--precision", "fp16"), "unknown precision 'fp16'"),
    ],
)
def test_what_is_typed_wrong_is_said_before_anything_is_timed(
    words: tuple[str, ...], said: str, runs_dir: Path
) -> None:
    done = speed(runs_dir, *words)
    assert isinstance(done.exception, ValueError)
    assert said in str(done.exception)
    assert not (runs_dir / "speed").exists()


def test_a_process_that_dies_is_told_of(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(ValueError, match="its process ended with exit code 1"):
        measure_apart(Job("marked", runs_dir=runs_dir), lambda done, total: None)
