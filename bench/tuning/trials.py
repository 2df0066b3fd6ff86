"""One trial: settings are chosen, applied to the stored predictions, and scored by the metric alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from bench.records import Array, Detections, Tubes
from bench.tuning.problem import Goal, Outcome, Problem, early, metric_value
from bench.tuning.space import Parameter, Space

REFUSED, SECONDS = "refused", "seconds"
"""Attributes of a trial: why its settings cannot be used, and the processor seconds that it took."""


def distribution(parameter: Parameter) -> BaseDistribution:
    """What Optuna draws a parameter from."""
    if parameter.choices:
        return CategoricalDistribution(parameter.choices)
    if parameter.step:
        low, high = int(parameter.low), int(parameter.high)
        return IntDistribution(low, high - (high - low) % parameter.step, parameter.log, parameter.step)
    return FloatDistribution(parameter.low, parameter.high, parameter.log)


def suggestion(trial: optuna.Trial, parameter: Parameter) -> Any:
    """The trial's value of a parameter."""
    if parameter.choices:
        return trial.suggest_categorical(parameter.name, parameter.choices)
    drawn = distribution(parameter)
    if isinstance(drawn, IntDistribution):
        return trial.suggest_int(parameter.name, drawn.low, drawn.high, step=drawn.step, log=drawn.log)
    return trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.log)


@dataclass(frozen=True)
class Objective:
    """What Optuna maximises. Settings that these predictions do not allow are worth 0, with the reason."""

    problem: Problem
    space: Space
    goal: Goal

    def __call__(self, trial: optuna.Trial) -> float | tuple[float, ...]:
        """The metric in percent, and frames a second where the goal says so.

        Raises ``optuna.TrialPruned`` where a part of the videos shows that the rest is not worth it.
        """
        config = self.space.chosen(lambda parameter: suggestion(trial, parameter))
        began = time.thread_time()
        try:
            value = self._pruned(config, trial) if self.goal.prune else self.value(config)
        except ValueError as error:
            trial.set_user_attr(REFUSED, str(error))
            value = (0.0,) * len(self.goal.objectives)
        finally:
            trial.set_user_attr(SECONDS, round(time.thread_time() - began, 3))
        return value if self.goal.speed else value[0]

    def value(self, config: Any) -> tuple[float, ...]:
        """The objectives of one configuration."""
        everything = self.problem.everything
        began = time.thread_time()
        found = self.problem.outcome(config, everything)
        seconds = time.thread_time() - began
        metric = self._metric(found, everything)
        frames = int(self.problem.truth.videos.frames.sum())
        return (metric, frames / max(seconds, 1e-9)) if self.goal.speed else (metric,)

    def _pruned(self, config: Any, trial: optuna.Trial) -> tuple[float, ...]:
        first, rest = self._parts
        some = self.problem.outcome(config, first)
        trial.report(self._metric(some, first), 0)
        if trial.should_prune():
            raise optuna.TrialPruned
        others = self.problem.outcome(config, rest)
        return (self._metric(_joined(some, others), self.problem.everything),)

    @cached_property
    def _parts(self) -> tuple[Array, Array]:
        first = early(self.problem)
        return first, np.setdiff1d(self.problem.everything, first)

    def _metric(self, found: Outcome, videos: Array) -> float:
        problem = self.problem
        truth = problem.truth
        if len(videos) < len(truth.videos):
            truth = truth.select([truth.videos.names[i] for i in videos])
        return metric_value(found, truth, problem.protocol, self.goal.metric)


def _joined(one: Outcome, other: Outcome) -> Outcome:
    """Outcomes of disjoint videos as one."""
    detections, tubes = None, None
    if one.detections is not None and other.detections is not None:
        detections = Detections.concat([one.detections, other.detections])
    if one.tubes is not None and other.tubes is not None:
        tubes = Tubes.concat([one.tubes, other.tubes])
    return Outcome(detections, tubes)
