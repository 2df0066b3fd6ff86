"""Tuning of anybody's predictions: what a trial is worth, marks of honesty, going on, and refusals."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from bench.commands.tune import command
from bench.external import rescore
from bench.external.relink import pipeline
from bench.metrics import evaluate
from bench.records import Detections
from bench.results.result import ON_SCORED, Result, read_all
from bench.tuning.of_files import FilesSource, Request, tune
from bench.tuning.problem import Goal, metric_names, metric_value
from bench.tuning.record import StudyRecord
from bench.tuning.search import Asked
from bench.tuning.space import Space
from bench.tuning.trials import Objective

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))
import foreign

DETECTIONS, _ = foreign.predictions()
BASE = ("scoring.min_frames=8",)
Ask = Callable[..., Request]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """A request for the scene's own files; keywords change what is scored."""
    truth = foreign.parquet_truth(tmp_path / "scene.parquet")

    def asked(linker: str = "online", found: Detections = DETECTIONS, **changes: Any) -> Request:
        file = foreign.parquet_detections(tmp_path / "found.parquet", found)
        usual: dict[str, Any] = {"predictions": file, "protocol": "act", "truth": truth, "intervals": False,
                                 "runs_dir": tmp_path / "runs"}  # fmt: skip
        return Request(rescore.Request(**(usual | changes)), linker, BASE)

    return asked


def searched(ask: Ask, trials: int = 6, **words: Any) -> tuple[StudyRecord, Path]:
    request = ask()
    asked = Asked(trials, runs_dir=request.scored.runs_dir, **words)
    return tune(asked, request, lambda done, total: None)


@pytest.mark.parametrize(
    "metric", ["video_map/0.50", "video_map/0.50-0.95", "frame_map/0.50", "frame_map/auc"]
)
def test_a_trial_is_worth_what_scoring_says(ask: Ask, metric: str) -> None:
    problem = FilesSource(ask()).load()
    found = problem.outcome(problem.base, problem.everything)
    whole = evaluate(problem.truth, found.detections, found.tubes, problem.protocol)
    value = whole.metrics[metric]
    assert value is not None
    assert metric_value(found, problem.truth, problem.protocol, metric) == pytest.approx(value, abs=1e-9)
    assert set(metric_names(problem.protocol)) == set(whole.metrics)


def test_parts_together_are_the_whole(ask: Ask) -> None:
    """What pruning looks at first and the rest make the same number as all at once."""
    problem = FilesSource(ask()).load()
    objective = Objective(problem, Space(problem.base), Goal("video_map/0.20", prune=True))
    first, rest = np.array([0]), np.arange(1, len(problem.truth.videos))
    objective.__dict__["_parts"] = (first, rest)

    class Watched:
        reported: ClassVar[list[float]] = []

        def report(self, value: float, step: int) -> None:
            self.reported.append(value)

        def should_prune(self) -> bool:
            return False

    joined = objective._pruned(problem.base, Watched())  # type: ignore[arg-type]
    assert joined == objective.value(problem.base)
    alone = problem.truth.select(problem.truth.videos.names[:1])
    some = problem.outcome(problem.base, first)
    assert Watched.reported == [metric_value(some, alone, problem.protocol, "video_map/0.20")]


def test_the_paper_is_trial_0_and_the_tuned_result_is_marked_and_unranked(ask: Ask) -> None:
    record, folder = searched(ask, 12)
    assert record.trials[0].params["linker.online.nms"] == pipeline("online").linker.nms  # type: ignore[attr-defined]
    assert [trial.number for trial in record.trials] == list(range(12))
    assert record.tuned_on == ON_SCORED
    assert record.gain > 0
    before, tuned = (Result.read(Path(record.results[name])) for name in ("before", "tuned"))
    assert (before.identity.tuned, tuned.identity.tuned) == ("", ON_SCORED)
    assert (before.ranked, tuned.ranked) == (True, False)
    assert "tuned=the-scored-videos" in tuned.identity.variant
    for result, number in ((before, 0), (tuned, record.best)):
        estimate = result.metrics[record.objectives[0]]
        assert estimate is not None
        assert estimate.value == pytest.approx(record.trials[number].values[0], abs=1e-9)
    assert record.comparison is not None
    assert record.comparison.difference == pytest.approx(record.gain, abs=1e-6)
    assert len(read_all(folder.parents[1]).results) == 2


def test_the_settings_found_can_be_given_to_link(ask: Ask) -> None:
    record, _ = searched(ask)
    request = ask()
    problem = FilesSource(request).load()
    config = pipeline(request.linker, (*BASE, *record.settings))
    found = problem.outcome(config, problem.everything)
    value = metric_value(found, problem.truth, problem.protocol, record.objectives[0])
    assert value == record.trials[record.best].values[0]


def test_two_processes_give_every_trial_the_value_of_its_settings(ask: Ask) -> None:
    record, _ = searched(ask, jobs=2)
    assert len(record.trials) == 6
    problem = FilesSource(ask()).load()
    space = Space(problem.base)
    for trial in record.trials:
        config = space.chosen(lambda p, trial=trial: trial.params.get(p.name, p.default))  # type: ignore[misc]
        found = problem.outcome(config, problem.everything)
        assert trial.values == (metric_value(found, problem.truth, problem.protocol, record.objectives[0]),)


def test_two_objectives_have_a_front(ask: Ask) -> None:
    record, _ = searched(ask, 8, speed=True)
    assert record.objectives == ("video_map/0.50", "fps/postprocess")
    assert all(len(trial.values) == 2 and trial.values[1] > 0 for trial in record.trials)
    front = [record.trials[number].values for number in record.pareto]
    assert record.trials[record.best].values[0] == max(values[0] for values in front)
    assert not any(a[0] > b[0] and a[1] > b[1] for a in front for b in front)


def test_choices_without_their_columns_are_left_out_with_the_reason(ask: Ask) -> None:
    record, _ = searched(ask, 1)
    assert not any(entry.name.startswith("fusion") for entry in record.space)
    assert any("union, average, gating, boost is not searched" in note for note in record.notes)
    assert "tuned" not in record.results, "trial 0 alone cannot be better than itself"


def test_settings_that_break_are_worth_nothing_and_say_why(ask: Ask) -> None:
    problem = FilesSource(ask()).load()
    objective = Objective(problem, Space(problem.base), Goal("video_map/0.50"))

    class Refusing:
        attributes: ClassVar[dict[str, Any]] = {}

        def suggest_categorical(self, name: str, choices: tuple[Any, ...]) -> Any:
            return "boost" if name == "fusion" else choices[0]

        def suggest_float(self, name: str, low: float, high: float, log: bool) -> float:
            return low

        def suggest_int(self, name: str, low: int, high: int, step: int, log: bool) -> int:
            return low

        def set_user_attr(self, name: str, value: Any) -> None:
            self.attributes[name] = value

    assert objective(Refusing()) == 0.0  # type: ignore[arg-type]
    assert "no column 'stream'" in Refusing.attributes["refused"]


def test_missing_videos_are_refused_before_anything_is_searched(ask: Ask, tmp_path: Path) -> None:
    names = np.array(foreign.names_of(DETECTIONS))
    request = ask(found=DETECTIONS[names == names[0]])
    with pytest.raises(ValueError, match=r"lacks \d+ of \d+ videos"):
        tune(Asked(2, runs_dir=tmp_path / "runs"), request, lambda done, total: None)
    assert not (tmp_path / "runs").exists()


def test_a_record_reads_back_as_it_was_written(ask: Ask, tmp_path: Path) -> None:
    record, _ = searched(ask, 3)
    assert StudyRecord.read(record.write(tmp_path / "study")) == record
    with pytest.raises(ValueError, match="schema version 9"):
        StudyRecord.read(replace(record, schema_version=9).write(tmp_path / "study"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Name --method and --dataset, or --predictions"),
        (["--method", "yowo"], "--method needs --dataset"),
        (["--method", "yowo", "--dataset", "ucf24-mini", "--linker", "online"], "goes with --predictions"),
        (["--predictions", "x.parquet", "--truth", "y.parquet"], "--predictions needs --linker"),
        (["--predictions", "x.parquet", "--linker", "online", "--device", "cpu"], "goes with --method"),
        (["--predictions", "x.parquet", "--linker", "online", "--prune", "--speed"], "one objective"),
        (["--predictions", "x.parquet", "--linker", "online", "--jobs", "0"], "--jobs 0: at least 1"),
    ],
)
def test_what_a_user_gets_wrong(words: list[str], said: str) -> None:
    done = CliRunner().invoke(command, [*words, "--trials", "3"])
    assert isinstance(done.exception, ValueError)
    assert said in str(done.exception)


def test_the_command_prints_both_settings_and_goes_on(ask: Ask, tmp_path: Path) -> None:
    scored = ask().scored
    words = ["--predictions", str(scored.predictions), "--truth", str(scored.truth), "--linker", "online",
             "--set", "scoring.min_frames=8", "--runs-dir", str(tmp_path / "runs"),
             "--field", "linker.*"]  # fmt: skip
    first = CliRunner().invoke(command, [*words, "--trials", "4"], catch_exceptions=False)
    assert first.exit_code == 0
    assert "as it was (trial 0)" in first.output
    longer = CliRunner().invoke(command, [*words, "--trials", "6"], catch_exceptions=False)
    assert longer.exit_code == 0
    (study,) = (tmp_path / "runs/tune").glob("*/study.json")
    record = StudyRecord.read(study)
    assert len(record.trials) == 6
    assert "history.svg" in record.pictures
    assert all((study.parent / name).read_text().startswith("<?xml") for name in record.pictures)
