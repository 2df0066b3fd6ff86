"""Tuning of a method: on groups that training never saw, then once on the test videos."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import methods.base
from bench.files.store import digest
from bench.results.result import ON_VALIDATION, Result
from bench.runs.asked import Request
from bench.runs.plan import Plan
from bench.runs.reopen import Finished, relink
from bench.runs.reporter import Reporter
from bench.runs.run import Run
from bench.tuning.of_run import Tuned, Validation, tune
from bench.tuning.record import StudyRecord
from bench.tuning.search import Asked
from bench.video import OPEN_EVENT

sys.path.insert(0, str(Path(__file__).parents[1] / "outsider"))

NO_TUBES = "postprocess.scoring.min_frames=1000"
LISTENERS: list[Any] = []


def _hear(event: str, words: tuple[Any, ...]) -> None:
    if event == OPEN_EVENT:
        for listener in LISTENERS:
            listener(str(words[0]))


sys.addaudithook(_hear)


@contextmanager
def opened() -> Iterator[list[str]]:
    """The files of videos that are opened meanwhile."""
    found: list[str] = []
    LISTENERS.append(found.append)
    yield found
    LISTENERS.remove(found.append)


class NoServer:
    """MLflow is not what is tested here."""

    @classmethod
    def start(cls, run: object) -> NoServer:
        return cls()

    def finish(self, folders: object) -> str:
        return ""

    def close(self) -> None:
        return None


@pytest.fixture(scope="module", autouse=True)
def alone() -> Iterator[None]:
    """The outsider's method is found; nothing is drawn or sent."""
    known = methods.base.available() | {"centre-box": "centre_box:CentreBox"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods.base, "available", lambda: known)
        patch.setattr("bench.tracking.Sender", NoServer)
        patch.setattr(Run, "draw", lambda self, tubes: None)
        yield


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory, micro_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "cache").symlink_to(micro_cache)
    return folder


def request_for(runs_dir: Path) -> Request:
    return Request("centre-box", "ucf24-mini.micro", runs_dir=runs_dir, device="cpu", overrides=(NO_TUBES,))


@pytest.fixture(scope="module")
def tuned(runs_dir: Path) -> tuple[StudyRecord, Path]:
    """Trial 0 makes no tubes at all, so that almost any other is better."""
    asked = Asked(8, metric="video_map/0.05", runs_dir=runs_dir, fields=("postprocess.scoring",))
    return tune(asked, request_for(runs_dir), Reporter())


def test_trials_are_scored_on_the_validation_groups(tuned: tuple[StudyRecord, Path], runs_dir: Path) -> None:
    record, _ = tuned
    plan = Plan.of(Request("centre-box", "ucf24-mini.micro", runs_dir=runs_dir, fit="train-minus-val"))
    assert record.tuned_on == ON_VALIDATION
    assert record.videos == len(plan.validation_videos)
    assert record.trials[0].values == (0.0,)
    assert record.gain > 0
    assert all(name.startswith("scoring.") for trial in record.trials for name in trial.params)


def test_test_videos_are_scored_before_and_after_and_the_row_is_marked(
    tuned: tuple[StudyRecord, Path],
) -> None:
    record, _ = tuned
    before, after = (Result.read(Path(record.results[name])) for name in ("before", "tuned"))
    assert (before.identity.tuned, after.identity.tuned) == ("", ON_VALIDATION)
    assert "tuned=validation-of-train" in after.identity.variant
    assert "fit=train-minus-val" in before.identity.variant
    assert before.inputs["predict"] == after.inputs["predict"]
    assert before.truth_digest == after.truth_digest
    assert after.ranked
    comparison = record.comparison
    assert comparison is not None
    assert comparison.difference == pytest.approx(comparison.a - comparison.b)
    assert comparison.a > comparison.b


def test_settings_are_those_of_the_result(tuned: tuple[StudyRecord, Path]) -> None:
    record, _ = tuned
    variant = Result.read(Path(record.results["tuned"])).identity.variant
    assert record.settings
    assert all(setting.startswith("postprocess.") and setting in variant for setting in record.settings)


def test_a_tuned_run_can_be_opened_and_linked_again(tuned: tuple[StudyRecord, Path]) -> None:
    folder = Path(tuned[0].results["tuned"])
    plan = Finished.of(folder).plan(None)
    assert plan.link_key == Result.read(folder).inputs["link"]
    again = relink(folder, None, ("postprocess.scoring.min_frames=2",), Reporter())
    assert len(again.tubes)


def test_a_second_time_nothing_is_computed(tuned: tuple[StudyRecord, Path], runs_dir: Path) -> None:
    asked = Asked(8, metric="video_map/0.05", runs_dir=runs_dir, fields=("postprocess.scoring",))
    with opened() as files:
        record, folder = tune(asked, request_for(runs_dir), Reporter())
    assert files == []
    assert folder == tuned[1]
    assert record.trials == tuned[0].trials


def test_only_validation_videos_are_opened_for_the_search(tmp_path: Path, micro_cache: Path) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)
    plan = Plan.of(Request("centre-box", "ucf24-mini.micro", runs_dir=tmp_path, fit="train-minus-val"))
    validation = Validation.of_plan(plan)
    with opened() as files:
        Run(validation, Reporter()).predict({})
    assert {Path(file).stem for file in files} == {Path(name).name for name in plan.validation_videos}


def test_the_tuned_plan_keeps_checkpoints_and_predictions(runs_dir: Path) -> None:
    plan = Plan.of(
        Request("pcsc", "ucf24-mini.micro", runs_dir=runs_dir, device="cpu", fit="train-minus-val")
    )
    config = plan.method.config.postprocess
    other = Tuned.of_plan(plan, type(config)(nms=0.3, score_floor=0.05))
    assert other.train_keys == plan.train_keys
    assert other.predict_key == plan.predict_key
    assert other.link_key != plan.link_key
    assert other.folder != plan.folder
    assert digest([other.link_key, plan.protocol.id])[:8] not in other.folder.name, "a row of its own"
    assert other.method.config.model == plan.method.config.model
    assert Validation.of_plan(plan).predict_key != plan.predict_key


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("size", "needs new predictions"),
        ("postprocess.scoring.mim_frames", "did you mean scoring.min_frames"),
    ],
)
def test_what_cannot_be_searched_says_so(
    tuned: tuple[StudyRecord, Path], runs_dir: Path, name: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        tune(Asked(2, runs_dir=runs_dir, fields=(name,)), request_for(runs_dir), Reporter())


@pytest.mark.parametrize("words", [{"metric": "nope"}, {"fields": ("nope",)}])
def test_what_cannot_be_searched_is_refused_before_anything_runs(
    tmp_path: Path, micro_cache: Path, words: dict[str, Any]
) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)
    with pytest.raises(ValueError, match="nope"):
        tune(Asked(2, runs_dir=tmp_path, **words), request_for(tmp_path), Reporter())
    assert not (tmp_path / "store").exists()


def test_predictions_of_a_video_are_postprocessed_alone(runs_dir: Path) -> None:
    """As a run does: a method is given one video, named alone."""
    plan = Plan.of(Request("centre-box", "ucf24-mini.micro", runs_dir=runs_dir, fit="train-minus-val"))
    seen: list[tuple[str, ...]] = []
    kind = type(plan.method)

    class Watched(kind):  # type: ignore[misc, valid-type]
        @classmethod
        def postprocess(cls, predictions: Any, num_frames: int, config: Any, info: Any) -> Any:
            seen.append(predictions.videos)
            return super().postprocess(predictions, num_frames, config, info)

    from bench.records import Detections
    from bench.tuning.of_run import RunProblem, RunSource

    truth = plan.truth.select(plan.validation_videos)
    source = RunSource(Path(), Watched, plan.method.config, plan.method.info, truth, plan.protocol)
    rows = [Detections.empty([name]) for name in truth.videos.names]
    RunProblem(source, rows).outcome(plan.method.config.postprocess, np.array([1, 0]))
    assert seen == [(truth.videos.names[1],), (truth.videos.names[0],)]
