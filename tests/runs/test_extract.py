"""What a method computes of every video once: kept, shared, mended after a kill, or made when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from bench.files.store import TEMPORARY
from bench.footage import Arrays, Footage
from bench.records import Detections, Tubes
from bench.runs import stages
from bench.runs.extract import arrays_path, too_large
from bench.runs.plan import Plan, Request
from bench.runs.predict import speed_of
from bench.runs.recent import HELD
from bench.runs.reporter import Reporter
from bench.runs.run import Run
from bench.testing import noise
from bench.tubes import Linking
from methods.base import Extraction, Method, Reads, TrainingData, TrainingStage


@dataclass(frozen=True)
class Config:
    """power: read by the second extraction alone."""

    power: float = 1.0
    large: int = 0
    postprocess: Linking = Linking()


class Brightness(Method):
    """Two extractions, the second of which reads the first and needs a stage; a stage after reads both."""

    name, title, paper, lookahead, frame_size = "brightness", "Brightness", "", None, (16, 12)
    cpu_threads = 1
    asked: ClassVar[list[tuple[str, str]]] = []

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, Config]:
        return {"default": Config()}

    def training_config(self) -> Mapping[str, Any]:
        return {"first": 1, "second": self.config.power}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        return Stage(name, data)

    def extractions(self) -> Mapping[str, Extraction]:
        return {
            "mean": Extraction((), None),
            "curve": Extraction(("first",), self.config.power, self.config.large),
        }

    def load_extraction(self, name: str, checkpoints: Mapping[str, Path], device: str) -> None:
        assert all(path.is_file() for path in checkpoints.values())
        assert set(checkpoints) == ({"first"} if name == "curve" else set())

    def extract(self, name: str, footage: Footage) -> Arrays:
        self.asked.append((name, footage.name))
        if name == "mean":
            return {"level_T": footage.rgb_THW3.mean(axis=(1, 2, 3)).astype(np.float16)}
        return {"level_T": footage.extracted("mean")["level_T"] ** self.config.power}

    def tracks(self, footage: Footage) -> Tubes:
        """The whole picture, as long as it is bright."""
        frame = np.flatnonzero(footage.extracted("mean")["level_T"] > 0)
        width, height = footage.annotation_size
        boxes_N4 = np.tile([0, 0, width, height], (len(frame), 1))
        zeros = {name: np.zeros(len(frame)) for name in ("video", "tube", "score")}
        return Tubes((footage.name,), **zeros, label=zeros["tube"] - 1, frame=frame, boxes_N4=boxes_N4)

    def predict(self, footage: Footage, frames: Any) -> Detections:
        assert len(footage.extracted("curve")["level_T"]) == len(footage)
        return Detections.empty([footage.name])

    @classmethod
    def postprocess(cls, predictions: Detections, num_frames: int, config: Config, info: Any) -> Any:
        return predictions, config.postprocess.tubes(predictions)


class Stage(TrainingStage):
    """Its batch is what was extracted of a video."""

    steps = 1
    told: ClassVar[dict[str, TrainingData]] = {}

    def __init__(self, name: str, data: TrainingData) -> None:
        self.name, self.data = name, data
        self.told[name] = data

    def prepare(self, folder: Path) -> torch.nn.Module:
        return torch.nn.Linear(1, 1)

    def optimiser(self, module: torch.nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(module.parameters(), 0.1)

    def learning_rate(self, step: int) -> float:
        return 0.1

    def batch(self, step: int) -> Any:
        footage = next(iter(self.data.footage.values()))
        names = ["mean", "curve"] if self.name == "second" else []
        return torch.tensor([[float(footage.extracted(name)["level_T"][0])] for name in names or ["mean"]])

    def losses(self, module: torch.nn.Module, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": module(batch / 255).square().mean()}


@dataclass
class Log(Reporter):
    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def step(self, name: str, detail: str) -> None:
        self.steps.append(name)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def runs_dir(tmp_path: Path, micro_cache: Path) -> Path:
    (tmp_path / "cache").symlink_to(micro_cache)
    Brightness.asked.clear()
    return tmp_path


def run(runs_dir: Path, config: Config = Config(), budget: float = 1.0) -> tuple[Plan, Log]:
    request = Request("pcsc", "ucf24-mini.micro", device="cpu", runs_dir=runs_dir, feature_budget=budget)
    found = Plan.of(request)
    found = replace(found, method=Brightness(config, found.method.info), default=config)
    log = Log()
    job = Run(found, log)
    job.predict(job.train())
    return found, log


def speed(plan: Plan) -> str:
    """What the time of its predictions includes."""
    return speed_of(plan.store.folder("predict", plan.predict_key)).includes


def test_it_is_made_when_its_stages_are_trained_and_kept(runs_dir: Path) -> None:
    found, log = run(runs_dir)
    assert log.steps == [
        "mean of training videos", "train first", "curve of training videos", "train second",
        "predict", "mean of test videos", "curve of test videos",
    ]  # fmt: skip
    videos = {*found.train_truth.videos.names, *found.test_videos}
    assert sorted(Brightness.asked) == sorted((name, v) for name in ("mean", "curve") for v in videos)
    assert ", nor mean and curve, which were extracted before" in speed(found)
    again, log = run(runs_dir, replace(found.method.config, power=2.0))
    assert again.extraction_keys["mean"] == found.extraction_keys["mean"]
    assert "mean of training videos" not in log.steps
    assert log.steps.count("curve of training videos") == 1


def test_a_killed_extraction_goes_on(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extract, left = Brightness.extract, [3]

    def dies(self: Brightness, name: str, footage: Footage) -> Arrays:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return extract(self, name, footage)

    with monkeypatch.context() as patch:
        patch.setattr(Brightness, "extract", dies)
        with pytest.raises(KeyboardInterrupt):
            run(runs_dir)
    found, _ = run(runs_dir)
    videos = {*found.train_truth.videos.names, *found.test_videos}
    assert len(Brightness.asked) == len(set(Brightness.asked)) == 2 * len(videos)
    assert not list((runs_dir / "store" / "extract").rglob(f"{TEMPORARY}*"))


def test_above_the_budget_nothing_is_kept_and_the_run_says_so(runs_dir: Path) -> None:
    found, log = run(runs_dir, Config(large=10**9), budget=0.5)
    assert any("--feature-budget" in text for text in log.warnings)
    folder = runs_dir / "store" / "extract"
    assert not list((folder / found.extraction_keys["curve"]).rglob("*.npy"))
    assert list((folder / found.extraction_keys["mean"]).rglob("*.npy"))
    assert ", nor mean, which were extracted before" in speed(found)


def test_a_stage_is_told_what_is_not_kept(runs_dir: Path) -> None:
    run(runs_dir)
    assert not Stage.told["second"].remade
    run(runs_dir, Config(power=0.5, large=10**9), budget=0.5)
    assert Stage.told["second"].remade == {"curve"}
    assert Stage.told["second"].held == HELD


def test_more_than_the_disk_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--feature-budget"):
        too_large(10**18, 10**18, 10**10, tmp_path)
    assert too_large(10**18, 0, 10**10, tmp_path) == ""  # all of it lies there already


def test_what_lies_there_is_used_whatever_the_budget(tmp_path: Path) -> None:
    assert "computed when asked" in too_large(10**12, 1, 1.0, tmp_path)
    assert too_large(10**12, 0, 1.0, tmp_path) == ""


def test_room_is_reckoned_before_anything_is_trained(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(
        "pcsc", "ucf24-mini.micro", device="cpu", runs_dir=runs_dir, feature_budget=float(10**12)
    )
    plan = Plan.of(request)
    config = Config(large=10**12)
    plan = replace(plan, method=Brightness(config, plan.method.info), default=config)
    with pytest.raises(ValueError, match="GB free"):
        Run(plan).begin()
    log = Log()
    small = Run(replace(plan, request=replace(request, feature_budget=0.5)), log)
    small.begin()
    assert len([text for text in log.warnings if "--feature-budget" in text]) == 1
    small.predict(small.train())
    assert len([text for text in log.warnings if "--feature-budget" in text]) == 1


@pytest.mark.parametrize(
    ("reads", "follows"), [(Reads(), True), (Reads(stages=()), False), (Reads(stages=("first",)), True)]
)
def test_a_stage_is_keyed_by_the_stages_it_reads(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, reads: Reads, follows: bool
) -> None:
    monkeypatch.setattr(Brightness, "reads", lambda self, stage: reads if stage == "second" else Reads())
    plans = []
    for first in (1, 2):
        stages = {"first": first, "second": 0}
        monkeypatch.setattr(Brightness, "training_config", lambda self, stages=stages: stages)
        plan = Plan.of(Request("pcsc", "ucf24-mini.micro", runs_dir=runs_dir))
        plan = replace(plan, method=Brightness(Config(), plan.method.info))
        plans.append(dict(plan.train_keys))
    assert plans[0]["first"] != plans[1]["first"]
    assert (plans[0]["second"] != plans[1]["second"]) is follows


@pytest.mark.parametrize(("after", "follows"), [(None, True), ((), False), (("mean",), True)])
def test_an_extraction_is_keyed_by_those_it_reads(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, after: tuple[str, ...] | None, follows: bool
) -> None:
    plan = Plan.of(Request("pcsc", "ucf24-mini.micro", runs_dir=runs_dir))
    keys = []
    for mean in (1, 2):
        made = {"mean": Extraction((), mean), "curve": Extraction((), 0, after=after)}
        monkeypatch.setattr(Brightness, "extractions", lambda self, made=made: made)
        found = replace(plan, method=Brightness(Config(), plan.method.info))
        keys.append(dict(found.extraction_keys))
    assert (keys[0]["curve"] != keys[1]["curve"]) is follows


@pytest.mark.parametrize("name", ["", "../away", "/root", "a\0b"])
def test_names_stay_in_the_store(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        arrays_path(tmp_path, name)


def test_footage_without_extractions_says_so() -> None:
    with pytest.raises(ValueError, match="nothing was extracted"):
        noise().extracted("tracks")


def test_what_the_tracks_cover_is_asked_of_a_trained_run(runs_dir: Path) -> None:
    plan, _ = run(runs_dir)
    made = len(Brightness.asked)
    found, tracks = stages.recall(Run(plan))
    assert len(Brightness.asked) == made
    assert tracks.videos == plan.test_videos
    assert set(tracks.label.tolist()) == {-1}
    assert len(found.row_M) == len(plan.test_truth.tubes)
    assert 0 < found.overlap_M.min() <= found.overlap_M.max() < 1
    assert found.recall(0.01) == 100
    with pytest.raises(ValueError, match="not trained yet"):
        stages.recall(Run(replace(plan, request=replace(plan.request, seed=7))))


def test_a_method_without_tracks_says_so_before_anything_is_computed(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = run(runs_dir)
    monkeypatch.delattr(Brightness, "tracks")
    monkeypatch.setattr(Run, "flow", None)
    monkeypatch.setattr(Run, "tracks", None)
    with pytest.raises(ValueError, match="brightness follows nobody"):
        stages.recall(Run(plan))
