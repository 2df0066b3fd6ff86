"""A run: prepare, flow, train, predict, link, score, record. Each step's output is whole or absent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
from bench import __version__, tracking
from bench.files.store import digest, digest_file
from bench.files.tables import (
    read_detections,
    read_parts,
    read_tubes,
    write_detections,
    write_tubes,
)
from bench.footage import FootageLibrary
from bench.records import Detections, GroundTruth, Tubes
from bench.results.result import Result
from bench.runs.begun import begin
from bench.runs.extract import Extractor
from bench.runs.plan import Plan
from bench.runs.predict import predict_videos
from bench.runs.record import announcement, write_results
from bench.runs.reporter import Reporter
from bench.sources import placeless
from methods.base import TrainingData

Facts = dict[str, Any]


@dataclass
class Run:
    """One run of a plan. ``execute`` does all its steps; each asks the store first."""

    plan: Plan
    reporter: Reporter = field(default_factory=Reporter)

    def __post_init__(self) -> None:
        self.extractor = Extractor(self.plan, self.reporter)

    def execute(self) -> Result:
        """All steps, in order. What can be refused is refused before anything long begins."""
        self.begin()
        with closing(tracking.Sender.start(announcement(self.plan))) as sender:
            self.flow(self.plan.train_truth, "flow of training videos", training=True)
            checkpoints = self.train()
            if self.plan.method.flow and not self.plan.method.flow.only_training:
                self.flow(self.plan.test_truth, "flow of test videos", training=False)
            self.predict(checkpoints)
            detections, tubes = self.link()
            result = self.score(detections, tubes, checkpoints)
            self.draw(tubes)
            self.record(sender)
        return result

    def begin(self) -> None:
        """Check, and write what was asked for, by which stages find a run; of a tuned one none tells."""
        self.check()
        if not self.plan.tuned:
            begin(self.plan)

    def check(self) -> None:
        """Raise ValueError if videos, the flow source, weights to start from, the device, or room for what
        is kept are missing."""
        from bench.training import Compute

        _ = self.plan.train_truth, self.plan.test_truth, self.plan.protocols, self._flow_store()
        self.plan.method.check()
        if not self.plan.store.is_done("predict", self.plan.predict_key):
            self.extractor.check()
        _ = Compute(self.plan.request.device).torch_device

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
                before = dict(checkpoints)
                checkpoints[stage] = folder / CHECKPOINT
                if todo is None:
                    continue
                library = library or self._library(self.plan.train_truth)
                self.extractor.prepare(library, before, "training videos")
                data = TrainingData(
                    self.plan.train_truth,
                    library,
                    compute.torch_device,
                    compute.workers,
                    self.reporter.progress,
                    datasets.rendered_motion,
                    key_truth=self.plan.train_key_truth,
                    remade=self.extractor.remade,
                    held=self.extractor.recent.budget,
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
            compute.set_threads()
            device = compute.torch_device
            which = "" if plan.asked_frames is None else ", their scored frames"
            self.reporter.step("predict", f"{len(plan.test_videos)} videos{which}, {device}")
            plan.method.load(checkpoints, device)
            metadata = {
                "method": plan.method.name,
                "config": digest(placeless(plan.method.config)),
                "checkpoints": {stage: digest_file(path) for stage, path in checkpoints.items()},
                "protocol": plan.protocol.id,
                "code": __version__,
            }
            library = self._library(plan.test_truth)
            self.extractor.prepare(library, checkpoints, "test videos")
            metadata |= {"hardware": compute.hardware, "extracted": self.extractor.kept}
            todo |= predict_videos(
                plan.method,
                library,
                folder,
                metadata,
                lambda n, total: self.reporter.progress("predict", n, total),
                compute.workers,
                compute.wait,
                plan.asked_frames,
            )

    def tracks(self, checkpoints: Mapping[str, Path]) -> Tubes:
        """The tracks that the method follows through the test videos, made again where none are kept.

        Raises ValueError for a method that has none.
        """
        from bench.training import Compute

        Compute(self.plan.request.device, threads=self.plan.method.cpu_threads).set_threads()
        library = self._library(self.plan.test_truth)
        self.extractor.prepare(library, checkpoints, "test videos", keep=False)
        parts = [self.plan.method.tracks(library[name]) for name in library]
        return Tubes.concat(parts).with_videos(self.plan.test_videos)

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
                    own = rows.with_videos([name])
                    parts.append(method.postprocess(own, int(frames[name]), method.config, method.info))
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
        """Score under all protocols and write each ``result.json``; returns that of the plan's own."""
        self.reporter.step("score", ", ".join(protocol.id for protocol in self.plan.protocols))
        return write_results(self.plan, detections, tubes, checkpoints)[0]

    def draw(self, tubes: Tubes | None) -> None:
        """Draw the best and the worst videos; what cannot be drawn is a warning, no failure."""
        from reports.pictures import draw_result

        plan = self.plan
        self.reporter.step("draw", "best and worst videos")
        try:
            videos = {video.name: video for video in plan.videos(plan.test_truth)}
            draw_result(plan.folder, plan.protocol, plan.test_truth, tubes, videos.__getitem__)
        except (OSError, ValueError) as error:
            self.reporter.warn(f"no pictures: {error}")

    def record(self, sender: tracking.Sender) -> None:
        """Send the result to MLflow. A server that fails loses nothing: the files are the truth."""
        self.reporter.step("record", "MLflow")
        if problem := sender.finish([self.plan.folder_of(each) for each in self.plan.protocols]):
            self.reporter.warn(
                f"{problem}. The result is safe in {self.plan.folder}; `bench track --resync` sends it later"
            )

    @contextmanager
    def _step(self, step: str, key: str, name: str) -> Iterator[tuple[Path, Facts | None]]:
        """(folder, facts to fill in) of a step still to be done, (folder, None) of one that is done.

        Marks it done afterwards, with the seconds that this process worked on it.
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
        try:
            found = source(need.source)
        except ValueError as error:
            mend = f"--set {need.setting}=dis takes another flow, --variant tiny a small network that uses it"
            raise ValueError(f"{error}; {mend}") from None
        plan = self.plan
        return FlowStore.of_dataset(plan.request.runs_dir, plan.dataset.id, found, need.size)

    def _library(self, truth: GroundTruth) -> FootageLibrary:
        size = self.plan.method.frame_size
        return FootageLibrary(self.plan.videos(truth), size, self._flow_store(), extractions=self.extractor)


def run(plan: Plan, reporter: Reporter | None = None) -> Result:
    """Do everything that the plan says; see :class:`Run`."""
    return Run(plan, reporter or Reporter()).execute()
