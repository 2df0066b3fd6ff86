"""From a problem to the best settings: space, study, and what came of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from bench import __version__
from bench.files.store import digest
from bench.files.tables import digest_ground_truth
from bench.names import choose
from bench.protocol import Protocol
from bench.results.comparison import compare
from bench.tuning.problem import Goal, Problem, Source, metric_names, metric_value
from bench.tuning.queue import Queue
from bench.tuning.record import Searched, StudyRecord, Trial
from bench.tuning.space import Space, usable
from bench.tuning.study import Job, run
from bench.tuning.trials import REFUSED, SECONDS


@dataclass(frozen=True)
class Asked:
    """What a user asks of a study, in words.

    metric: of the protocol, its ranking metric unless named; storage: a URL, a file of its own unless named;
    fields: patterns of the parameters to search, all unless named.
    """

    trials: int
    jobs: int = 1
    metric: str | None = None
    storage: str | None = None
    fields: tuple[str, ...] = ()
    prune: bool = False
    speed: bool = False
    seed: int = 0
    runs_dir: Path = Path("runs")

    def __post_init__(self) -> None:
        for name in ("trials", "jobs"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)}: at least 1")
        if self.speed and self.prune:
            raise ValueError("--prune is for one objective: leave it or --speed out")


@dataclass(frozen=True)
class Subject:
    """What is tuned. name: for folders; key: digest of the predictions and of what else a trial reads.

    floors: see :class:`Space`; elsewhere: fields that trials cannot change, and why.
    """

    name: str
    key: str
    source: Source
    floors: Mapping[str, float] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """A finished study: its folder, job and queue, and remarks for the reader."""

    folder: Path
    job: Job
    queue: Queue
    problem: Problem
    notes: tuple[str, ...]

    def record(
        self, title: str, tuned_on: str, settings: tuple[str, ...], results: Mapping[str, Path]
    ) -> StudyRecord:
        """All of it as data, the results ``before`` and ``tuned`` compared; the fields of the record."""
        protocol, metric = self.problem.protocol, self.job.goal.metric
        pair = (results.get("tuned", results["before"]), results["before"])
        return StudyRecord(
            name=self.job.name,
            title=title,
            protocol=protocol.id,
            dataset=protocol.dataset,
            seed=self.job.seed,
            tuned_on=tuned_on,
            videos=len(self.problem.truth.videos),
            objectives=self.job.goal.objectives,
            space=self.searched,
            trials=self.trials,
            best=self.best,
            pareto=self.pareto,
            settings=settings,
            importances=self.importances,
            results={name: path.resolve().as_posix() for name, path in results.items()},
            comparison=compare(pair, metric).metrics[0] if "tuned" in results else None,
            notes=self.notes,
        )

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """All of them, by number."""
        slots = self.queue.slots()
        return tuple(_trial(slot, slots[slot]) for slot in sorted(slots))

    @cached_property
    def best(self) -> int:
        """The trial with the highest metric; the first of equals, so that the paper's own needs no excuse."""
        return max((t for t in self.trials if t.values), key=lambda t: (t.values[0], -t.number)).number

    @property
    def pareto(self) -> tuple[int, ...]:
        """The trials that no other beats in one objective without losing in another."""
        done = [trial for trial in self.trials if trial.values]
        if len(self.job.goal.objectives) == 1:
            return (self.best,)
        return tuple(t.number for t in done if not any(_beats(other, t) for other in done))

    @property
    def config(self) -> Any:
        """The settings of the best trial."""
        params = self.trials[self.best].params
        return self.job.space.chosen(lambda parameter: params.get(parameter.name, parameter.default))

    @property
    def importances(self) -> dict[str, float]:
        """Share of each parameter in what sets good trials apart, largest first; empty for few trials."""
        done = self.queue.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len({trial.values[0] for trial in done}) < 2:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return get_param_importances(
                self.queue.study,
                evaluator=PedAnovaImportanceEvaluator(),
                target=lambda trial: trial.values[0],
            )

    @property
    def searched(self) -> tuple[Searched, ...]:
        """Every parameter, with its range."""
        return tuple(
            Searched(p.name, p.default, p.choices, float(p.low), float(p.high), p.log)
            for p in self.job.space.parameters().values()
        )


def search(asked: Asked, subject: Subject, progress: Callable[[int, int], None]) -> Search:
    """Make or go on with the study. Raises ValueError for what cannot be tuned or opened."""
    problem = subject.source.load()
    metric = asked_metric(asked, problem.protocol)
    goal = Goal(metric, asked.speed, asked.prune)
    space, notes = _space(asked, subject, problem, metric)
    key = digest([subject.key, digest_ground_truth(problem.truth), problem.protocol.id, space.base,
                  [p.name for p in space.parameters().values()], goal, asked.seed, __version__])  # fmt: skip
    name = f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', subject.name)}_{key[:8]}"
    folder = asked.runs_dir / "tune" / name
    job = Job(
        name, asked.storage or folder / "trials.db", asked.trials, asked.seed, goal, space, subject.source
    )
    queue = run(job, problem, asked.jobs, progress)
    return Search(folder, job, queue, problem, notes)


def asked_metric(asked: Asked, protocol: Protocol) -> str:
    """The metric that is maximised. Raises ValueError for one that the protocol has not, naming near ones."""
    return choose(asked.metric or protocol.ranking_metric, metric_names(protocol), "metric")


def asked_space(asked: Asked, base: Any, floors: Mapping[str, float], elsewhere: Mapping[str, str]) -> Space:
    """What may be searched around ``base``. Raises ValueError for fields that cannot be, and why."""
    space = Space(base, floors=floors)
    return space.restricted(asked.fields, elsewhere) if asked.fields else space


def _space(asked: Asked, subject: Subject, problem: Problem, metric: str) -> tuple[Space, tuple[str, ...]]:
    """What is searched, and what is not and why. Raises ValueError where metric or base do not apply."""
    sample = problem.sample()
    truth = problem.truth.select([problem.truth.videos.names[i] for i in sample])
    metric_value(problem.outcome(problem.base, sample), truth, problem.protocol, metric)
    space, refused = usable(
        asked_space(asked, problem.base, subject.floors, subject.elsewhere),
        lambda config: problem.outcome(config, sample),
    )
    if not space.parameters():
        raise ValueError("there is nothing to search: no field of these settings has a range")
    floors = [
        f"{name} is searched from {low:g}: the stored predictions hold nothing below, less needs new ones"
        for name, low in subject.floors.items()
        if name in space.parameters() and replace(space, floors={}).parameters()[name].low < low
    ]
    return space, (*refused, *floors)


def _trial(slot: int, trial: FrozenTrial) -> Trial:
    complete = trial.state == TrialState.COMPLETE
    return Trial(
        number=slot,
        state=trial.state.name.lower(),
        values=tuple(trial.values) if complete else (),
        params=dict(trial.params),
        refused=trial.user_attrs.get(REFUSED, ""),
        seconds=trial.user_attrs.get(SECONDS, 0.0),
    )


def _beats(one: Trial, other: Trial) -> bool:
    pairs = list(zip(one.values, other.values))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)
