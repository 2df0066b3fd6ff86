"""A run: prepare, flow, train, predict, link, score, record. Each step's output is whole or absent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import __version__, tracking
from bench.footage import FootageLibrary
from bench.metrics import evaluate, intervals
from bench.plan import Plan
from bench.predict import predict_videos
from bench.records import Detections, GroundTruth, Tubes
from bench.result import (
    Coverage,
    Environment,
    Estimate,
    Identity,
    Result,
    Speed,
    Times,
    Training,
    write_matches,
)
from bench.store import digest, digest_file, write_json
from bench.tables import (
    digest_ground_truth,
    read_detections,
    read_parts,
    read_tubes,
    write_detections,
    write_tubes,
)
from methods.base import TrainingData

Facts = dict[str, Any]


class Reporter:
    """What a run tells while it works. This one is silent; the command line draws progress bars."""

    def step(self, name: str, detail: str) -> None:
        """A step begins."""

    def progress(self, name: str, done: int, total: int, note: str = "") -> None:
        """A step has come this far."""

    def reused(self, name: str, key: str) -> None:
        """A step's result is in the store already."""

    def warn(self, text: str) -> None:
        """Something a person should know."""


@dataclass
class Run:
    """One run of a plan. ``execute`` does all its steps; each asks the store first."""

    plan: Plan
    reporter: Reporter = field(default_factory=Reporter)

    def execute(self) -> Result:
        """All steps, in order."""
        tracking_process = tracking.initialise_in_background(self.plan.request.runs_dir)
        self.flow(self.plan.train_truth, "flow of training videos", training=True)
        checkpoints = self.train()
        self.flow(self.plan.test_truth, "flow of test videos", training=False)
        self.predict(checkpoints)
        detections, tubes = self.link()
        result = self.score(detections, tubes, checkpoints)
        tracking_process.wait()
        self.record(result)
        return result

    def flow(self, truth: GroundTruth, name: str, training: bool) -> None:
        """Compute the optical flow that the method wants, where the store lacks it."""
        store = self._flow_store()
        done = self._trained() if training else self.plan.store.is_done("predict", self.plan.predict_key)
        if store is None or done:
            return
        videos = self.plan.videos(truth)
        if store.missing(videos):
            self.reporter.step(name, store.source.name)
            store.prepare(videos, progress=lambda n, total: self.reporter.progress(name, n, total))

    def train(self) -> Mapping[str, Path]:
        """Train every stage that is not trained yet; stage -> checkpoint."""
        from bench.training import CHECKPOINT, Compute, train

        request = self.plan.request
        compute = Compute(request.device, request.precision, self.plan.method.cpu_threads)
        checkpoints: dict[str, Path] = {}
        library = None
        for stage, key in self.plan.train_keys.items():
            with self._step("train", key, stage) as (folder, todo):
                checkpoints[stage] = folder / CHECKPOINT
                if todo is None:
                    continue
                library = library or self._library(self.plan.train_truth)
                data = TrainingData(
                    self.plan.train_truth,
                    library,
                    compute.torch_device,
                    compute.workers,
                    self.reporter.progress,
                )
                self.reporter.step(f"train {stage}", f"{len(library)} videos, {compute.torch_device}")
                job = self.plan.method.training_stage(stage, data, request.seed, checkpoints)

                def progress(done: int, total: int, loss: float, stage: str = stage) -> None:
                    self.reporter.progress(f"train {stage}", done, total, f"loss {loss:.3f}")

                todo |= train(job, folder, request.seed, compute, progress)
        return checkpoints

    def predict(self, checkpoints: Mapping[str, Path]) -> None:
        """Predict every test video that no closed part holds."""
        from bench.training import Compute

        plan = self.plan
        with self._step("predict", plan.predict_key, "predict") as (folder, todo):
            if todo is None:
                return
            compute = Compute(plan.request.device, threads=plan.method.cpu_threads)
            device = compute.torch_device
            self.reporter.step("predict", f"{len(plan.test_videos)} videos, {device}")
            plan.method.load(checkpoints, device)
            metadata = {
                "method": plan.method.name,
                "config": digest(plan.method.config),
                "checkpoints": {stage: digest_file(path) for stage, path in checkpoints.items()},
                "protocol": plan.protocol.id,
                "code": __version__,
            }
            library = self._library(plan.test_truth)
            todo |= predict_videos(
                plan.method,
                library,
                folder,
                metadata,
                lambda n, total: self.reporter.progress("predict", n, total),
                compute.workers,
            )

    def link(self) -> tuple[Detections, Tubes | None]:
        """Postprocess the stored predictions of every video: frame detections and tubes."""
        plan, method = self.plan, self.plan.method
        with self._step("link", plan.link_key, "link") as (folder, todo):
            if todo is not None:
                predictions = read_parts(plan.store.folder("predict", plan.predict_key))
                predictions = predictions.with_videos(plan.test_videos)
                self.reporter.step("link", f"{len(predictions):,} boxes")
                frames = dict(zip(plan.test_truth.videos.names, plan.test_truth.videos.frames))
                parts = []
                for n, (name, rows) in enumerate(predictions.by_video(), 1):
                    parts.append(method.postprocess(rows, int(frames[name]), method.config, method.info))
                    self.reporter.progress("link", n, len(frames))
                facts = {"protocol": plan.protocol.id, "config": digest(method.config.postprocess)}
                detections = Detections.concat([d for d, _ in parts]).with_videos(plan.test_videos)
                write_detections(folder / "detections.parquet", detections, facts)
                tubes = [t for _, t in parts if t is not None]
                if len(tubes) == len(parts):
                    joined = Tubes.concat(tubes).with_videos(plan.test_videos)
                    write_tubes(folder / "tubes.parquet", joined, facts)
        path = folder / "tubes.parquet"
        return read_detections(folder / "detections.parquet"), read_tubes(path) if path.is_file() else None

    def score(self, detections: Detections, tubes: Tubes | None, checkpoints: Mapping[str, Path]) -> Result:
        """Score under the protocol and write ``result.json`` with its matches, config and environment."""
        plan = self.plan
        self.reporter.step("score", plan.protocol.id)
        began = time.monotonic()
        truth = plan.test_truth
        evaluation = evaluate(truth, detections, tubes, plan.protocol)
        bounds = intervals(evaluation.matches, evaluation.truth, plan.protocol)
        matches_digest = write_matches(plan.folder, evaluation.matches, evaluation.truth)
        write_json(plan.folder / "config.json", plan.method.config)

        def estimate(name: str, value: float | None) -> Estimate | None:
            return None if value is None else Estimate(value, *bounds.get(name, (None, None)))

        result = Result(
            identity=self._identity(checkpoints),
            protocol=plan.protocol.id,
            rules=plan.protocol,
            dataset=plan.dataset.id,
            split=plan.protocol.split,
            data_kind="rendered" if plan.protocol.synthetic else "real",
            coverage=Coverage(
                len(plan.test_videos),
                len(plan.expected_videos),
                len(plan.test_videos) < len(plan.expected_videos),
            ),
            metrics={name: estimate(name, value) for name, value in evaluation.metrics.items()},
            per_class={
                name: {c: estimate(f"{name}/{c}", value) for c, value in table.items()}
                for name, table in evaluation.per_class.items()
            },
            errors={},
            speed=self._speed(),
            training=self._training(),
            environment=Environment.here(_gpu(plan.request.device)),
            truth_digest=digest_ground_truth(truth),
            matches_digest=matches_digest,
            times=self._times(time.monotonic() - began),
            inputs={**plan.train_keys, "predict": plan.predict_key, "link": plan.link_key},
        )
        result.write(plan.folder)
        return result

    def record(self, result: Result) -> None:
        """Log the result to MLflow. A tracking server that fails loses nothing: the files are the truth."""
        self.reporter.step("record", "MLflow")
        try:
            tracking.record(result, self.plan.folder, self.plan.request.runs_dir, self._curves())
        except tracking.TrackingError as error:
            self.reporter.warn(f"{error}. The result itself is safe in {self.plan.folder}")

    @contextmanager
    def _step(self, step: str, key: str, name: str) -> Iterator[tuple[Path, Facts | None]]:
        """(folder, facts to fill in) of a step still to be done, (folder, None) of one that is done.

        Marks it done afterwards, with the seconds it took over all processes that worked on it.
        """
        store = self.plan.store
        with store.lock(step, key) as folder:
            if store.is_done(step, key):
                self.reporter.reused(name, key)
                yield folder, None
                return
            facts: Facts = {}
            began = time.monotonic()
            yield folder, facts
            store.finish(step, key, {"seconds": round(time.monotonic() - began, 3)} | facts)

    def _trained(self) -> bool:
        return all(self.plan.store.is_done("train", key) for key in self.plan.train_keys.values())

    def _flow_store(self) -> Any:
        from bench.flow import FlowStore, source

        need = self.plan.method.flow
        if need is None:
            return None
        root = self.plan.store.root / "flow" / self.plan.dataset.id
        return FlowStore(root, source(need.source), need.size)

    def _library(self, truth: GroundTruth) -> FootageLibrary:
        return FootageLibrary(self.plan.videos(truth), self.plan.method.frame_size, self._flow_store())

    def _identity(self, checkpoints: Mapping[str, Path]) -> Identity:
        method = self.plan.method
        return Identity(
            method=method.name,
            variant=self.plan.label,
            title=method.title,
            config=asdict(method.config),
            config_digest=digest(method.config),
            seed=self.plan.request.seed,
            checkpoint_digests={stage: digest_file(path) for stage, path in checkpoints.items()},
            code_version=__version__,
            paper=method.paper,
        )

    def _training(self) -> Training:
        facts = self.plan.method.facts()
        first = next(iter(self.plan.train_keys.values()))
        return Training(
            data="train",
            videos=len(self.plan.train_truth.videos),
            steps=int(self.plan.store.facts("train", first)["steps"]),
            pretraining=facts["pretraining"],
            flow=facts["flow_source"] or "none",
            boxes_from=facts["boxes_from"],
            checkpoint="last",
        )

    def _speed(self) -> Speed:
        facts = self.plan.store.facts("predict", self.plan.predict_key)
        return Speed(
            values={"fps/evaluation": facts["frames_per_second"]},
            hardware=facts["hardware"],
            includes="decoding, network and choice of boxes on the test videos, without flow and linking",
        )

    def _times(self, scoring: float) -> Times:
        store = self.plan.store
        steps = {s: store.facts("train", k)["seconds"] for s, k in self.plan.train_keys.items()}
        steps["predict"] = store.facts("predict", self.plan.predict_key)["seconds"]
        steps["link"] = store.facts("link", self.plan.link_key)["seconds"]
        return Times(datetime.now(UTC).isoformat(timespec="seconds"), steps | {"score": round(scoring, 3)})

    def _curves(self) -> Iterator[tracking.Point]:
        from bench.training import CURVE, read_curve

        for stage, key in self.plan.train_keys.items():
            for step, values in read_curve(self.plan.store.folder("train", key) / CURVE):
                for name, value in values.items():
                    yield tracking.Point(f"train/{stage}/{name}", step, value)


def _gpu(device: str) -> str | None:
    import torch

    if device == "cpu" or not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_name()


def run(plan: Plan, reporter: Reporter | None = None) -> Result:
    """Do everything that the plan says; see :class:`Run`."""
    return Run(plan, reporter or Reporter()).execute()
