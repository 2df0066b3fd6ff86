"""``bench speed`` as it is typed: a fresh process a row, one table, what is wrong in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bench.commands.speed import command
from bench.speed import apart
from bench.speed.apart import Report, measure_apart
from bench.speed.rows import Key, Part, Rate, Row
from bench.speed.subject import Job, Untimed

pytestmark = pytest.mark.usefixtures("installed")


def speed(runs_dir: Path, *words: object) -> Result:
    arguments = [str(word) for word in (*words, "--runs-dir", runs_dir, "--device", "cpu")]
    return CliRunner().invoke(command, arguments)


def context(runs_dir: Path, *words: str) -> click.Context:
    return command.make_context("speed", [*words, "--runs-dir", str(runs_dir)])


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
        (("--run", "x"), "no run x"),
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


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Jobs, in place of being measured: `pcsc` cannot be timed so, `yowo` fails, any other has a row."""
    jobs: list[Job] = []

    def measured(job: Job, report: Report) -> Row:
        jobs.append(job)
        if job.method == "pcsc":
            raise Untimed("pcsc is not timed frame by frame")
        if job.method == "yowo":
            raise ValueError("no such flow")
        key = Key(job.method, "tiny+default", "random", "CPU", "", "2", "fp32", False, job.batch, 1, (64, 48),
                  "d", "v")  # fmt: skip
        rate, parts = Rate(10.0, 100.0, 100.0, "all"), {"network": Part(100.0, 100.0)}
        return Row(key, rate, rate, parts, None, 1, 1.0, 1.0, "tensors", 9, 1, "2020-01-01T00:00:00+00:00")

    monkeypatch.setattr("bench.speed.apart.measure_apart", measured)
    return jobs


def known(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr("methods.base.available", lambda: dict.fromkeys(names, ""))


def test_of_all_methods_those_that_are_not_timed_so_are_skipped(
    runs_dir: Path, told: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, "pcsc", "menet")
    done = speed(runs_dir, "--method", "all", "--batch", "1,4")
    assert done.exit_code == 0, done.exception
    assert done.output.count("skipped    pcsc is not timed frame by frame") == 1
    assert [(job.method, job.batch) for job in told] == [("pcsc", 1), ("menet", 1), ("menet", 4)]
    assert "failed" not in done.output


def test_of_several_methods_those_that_fail_say_why_and_the_others_go_on(
    runs_dir: Path, told: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `bench run`: the exit code is 1. A method that was named is not skipped."""
    known(monkeypatch, "pcsc", "menet", "yowo")
    for words, why in (("all", "yowo, batch 1, fp32: no such flow"),
                       ("pcsc,menet", "pcsc, batch 1, fp32: pcsc is not timed")):  # fmt: skip
        done = speed(runs_dir, "--method", words)
        assert done.exit_code == 1
        assert f"failed     {why}" in done.output
        assert json.loads((runs_dir / "speed/speed.json").read_text())["rows"][0]["key"]["method"] == "menet"
    alone = speed(runs_dir, "--method", "yowo")
    assert str(alone.exception) == "yowo, batch 1, fp32: no such flow"
    known(monkeypatch, "pcsc")
    assert speed(runs_dir, "--method", "all").exit_code == 1


def test_ctrl_c_says_what_is_kept_and_how_the_rest_is_had(
    runs_dir: Path, told: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, "menet", "reclnet")

    def stopped(job: Job, report: Report) -> Row:
        if len(told) == 2:
            raise KeyboardInterrupt
        return measured(job, report)

    measured = apart.measure_apart
    monkeypatch.setattr("bench.speed.apart.measure_apart", stopped)
    with pytest.raises(KeyboardInterrupt) as found:
        command.callback(**context(runs_dir, "--method", "all", "--batch", "1,4").params)  # type: ignore[misc]
    path = runs_dir / "speed/speed.json"
    said = f"2 rows are kept in {path}, the same command with --method reclnet measures the rest"
    assert str(found.value) == said
    assert len(json.loads(path.read_text())["rows"]) == 2


def test_a_process_is_ended_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho $$ 9\nexec sleep 60\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    ids: list[int] = []

    def stop(process: int, total: int) -> None:
        ids.append(process)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_apart(Job("marked"), stop)
    with pytest.raises(ProcessLookupError):
        os.kill(ids[0], 0)


def test_a_process_says_whether_a_method_is_not_timed_so(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question, answer = tmp_path / "job.json", tmp_path / "answer.json"
    monkeypatch.setattr("sys.argv", ["apart", str(question), str(answer)])
    for method, untimed in (("reclnet", True), ("markd", False)):
        question.write_text(json.dumps({"method": method, "device": "cpu", "overrides": [],
                                        "runs_dir": str(runs_dir)}))  # fmt: skip
        apart.main()
        assert json.loads(answer.read_text())["untimed"] is untimed


def test_a_process_that_dies_is_told_of(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(ValueError, match="its process ended with exit code 1"):
        measure_apart(Job("marked", runs_dir=runs_dir), lambda done, total: None)
