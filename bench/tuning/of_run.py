"""Tuning of a method's postprocessing on videos that its training never saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.files.store import digest, digest_file
from bench.files.tables import read_parts
from bench.protocol import Protocol
from bench.records import Array, Detections, GroundTruth, Tubes
from bench.results.result import ON_VALIDATION
from bench.runs import settings
from bench.runs.asked import FITS, Request
from bench.runs.plan import Plan
from bench.runs.reporter import Reporter
from bench.runs.run import Run
from bench.tuning.problem import Outcome, Problem, Source
from bench.tuning.record import StudyRecord
from bench.tuning.search import Asked, Subject, asked_metric, asked_space, search
from bench.tuning.space import field_names
from methods.base import Info, Method

PART = "postprocess"
"""The part of a method's config that works on stored predictions."""


@dataclass(frozen=True)
class Validation(Plan):
    """The plan of predicting the validation videos, by the same checkpoints."""

    @cached_property
    def expected_videos(self) -> tuple[str, ...]:
        """The videos that training left out."""
        return self.validation_videos

    @classmethod
    def of_plan(cls, plan: Plan) -> Validation:
        """The same request on other videos."""
        return cls(plan.request, plan.dataset, plan.method, plan.variant, plan.default, plan.protocol)

    @cached_property
    def test_videos(self) -> tuple[str, ...]:
        """Those of them that are there."""
        return self._present(self.expected_videos, "validation")


@dataclass(frozen=True)
class Tuned(Plan):
    """A plan whose postprocessing was tuned; checkpoints and predictions are those of the plan before."""

    train: tuple[tuple[str, str], ...] = ()
    predict: str = ""

    @property
    def tuned(self) -> str:
        """On the validation groups."""
        return ON_VALIDATION

    @cached_property
    def train_keys(self) -> Mapping[str, str]:
        """Of the plan before."""
        return dict(self.train)

    @cached_property
    def predict_key(self) -> str:
        """Of the plan before."""
        return self.predict

    @classmethod
    def of_plan(cls, plan: Plan, config: Any) -> Tuned:
        """The plan with another postprocess config."""
        method = type(plan.method)(replace(plan.method.config, **{PART: config}), plan.method.info)
        return cls(
            plan.request, plan.dataset, method, plan.variant, plan.default, plan.protocol,
            tuple(plan.train_keys.items()), plan.predict_key,
        )  # fmt: skip


@dataclass(frozen=True)
class RunSource(Source):
    """The stored predictions of a run's validation videos. kind, config, info: the method."""

    predictions: Path
    kind: type[Method]
    config: Any
    info: Info
    truth: GroundTruth
    protocol: Protocol

    def load(self) -> RunProblem:
        """All of them, in memory."""
        rows = read_parts(self.predictions).with_videos(self.truth.videos.names)
        return RunProblem(self, [found.with_videos([name]) for name, found in rows.by_video()])


class RunProblem(Problem):
    """Predictions of a method, postprocessed by it, video by video."""

    def __init__(self, source: RunSource, rows: list[Detections]) -> None:
        self._source, self._rows = source, rows
        self.base, self.truth, self.protocol = getattr(source.config, PART), source.truth, source.protocol

    def outcome(self, config: Any, videos: Array) -> Outcome:
        """As :class:`Problem` says."""
        whole = replace(self._source.config, **{PART: config})
        frames = self.truth.videos.frames
        pairs = [
            self._source.kind.postprocess(self._rows[i], int(frames[i]), whole, self._source.info)
            for i in np.asarray(videos)
        ]
        tubes = [found for _, found in pairs if found is not None]
        return Outcome(
            Detections.concat([found for found, _ in pairs]),
            Tubes.concat(tubes) if len(tubes) == len(pairs) else None,
        )


def tune(asked: Asked, request: Request, reporter: Reporter) -> tuple[StudyRecord, Path]:
    """Train without the validation groups, search on them, and score the test videos before and after.

    Returns the record and the folder that it lies in. Raises ValueError for what cannot be run or tuned.
    """
    plan = Plan.of(replace(request, fit=FITS[1]))
    if not hasattr(plan.method.config, PART):
        raise ValueError(f"{plan.method.name} has no part {PART!r} in its config: there is nothing to tune")
    validation = Validation.of_plan(plan)
    _ = validation.test_truth  # videos that are missing are named before anything long begins
    asked = replace(asked, fields=tuple(name.removeprefix(f"{PART}.") for name in asked.fields))
    asked_metric(asked, validation.protocol)
    asked_space(asked, getattr(plan.method.config, PART), *_limits(plan.method))
    Run(plan, reporter).execute()
    _predict(validation, reporter)
    found = search(asked, _subject(validation), lambda done, total: reporter.progress("trials", done, total))
    results = {"before": plan.folder}
    if found.best:
        tuned = Tuned.of_plan(plan, found.config)
        Run(tuned, reporter).execute()
        results["tuned"] = tuned.folder
    changes = settings.differences(found.problem.base, found.config, f"{PART}.")
    return found.record(plan.title, ON_VALIDATION, tuple(changes), results), found.folder


def _predict(plan: Validation, reporter: Reporter) -> None:
    """Predict the validation videos, unless they have been."""
    run = Run(plan, reporter)
    flow = plan.method.flow
    if flow is not None and not flow.only_training:
        run.flow(plan.test_truth, "flow of validation videos", training=False)
    run.predict(run.train())


def _subject(plan: Validation) -> Subject:
    method = plan.method
    name = f"{method.name}_{plan.variant}_{plan.dataset.id}_{plan.protocol.split}_{plan.request.seed}"
    folder = plan.store.folder("predict", plan.predict_key)
    source = RunSource(folder, type(method), method.config, method.info, plan.test_truth, plan.protocol)
    key = digest([digest_file(part) for part in sorted(folder.glob("part-*.parquet"))])
    return Subject(name, key, source, *_limits(method))


def _limits(method: Method) -> tuple[dict[str, float], dict[str, str]]:
    """Lowest value that makes a difference, by field; and the fields that trials cannot change, and why."""
    limits = {name: getattr(method.config, name, None) for name in field_names(getattr(method.config, PART))}
    floors = {name: limit for name, limit in limits.items() if isinstance(limit, float)}
    elsewhere = {
        name: "training or the network reads it, so that a change needs new predictions: "
        f"`bench run --set {name}=`"
        for name in field_names(method.config)
        if not name.startswith(PART)
    }
    return floors, elsewhere
