"""A study: N trials in a storage, by as many processes and machines as are given to it."""

from __future__ import annotations

import multiprocessing
import os
import re
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, PercentilePruner
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from bench.files.store import locked
from bench.interrupts import interrupts_wait
from bench.tuning.problem import Goal, Problem, Source
from bench.tuning.queue import POLL, Queue
from bench.tuning.sampling import SlotSampler
from bench.tuning.space import Space
from bench.tuning.trials import Objective

HEARTBEAT, GRACE = 10, 60
"""Seconds between two signs of life of a worker, and without one after which it is taken for dead."""
JOURNAL = "journal:///"


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know, small enough to be handed to another process.

    storage: a database's URL, ``journal:///FILE``, or a file that is made and belongs to this study alone.
    """

    name: str
    storage: str | Path
    trials: int
    seed: int
    goal: Goal
    space: Space
    source: Source
    heartbeat: int = HEARTBEAT
    grace: int = GRACE

    @property
    def url(self) -> str:
        """What Optuna calls the storage."""
        return self.storage if isinstance(self.storage, str) else f"sqlite:///{self.storage.resolve()}"

    def queue(self) -> Queue:
        """The study, made where there is none. Raises ValueError for a storage that cannot be opened."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            try:
                storage = self._opened()
                study = optuna.create_study(
                    storage=storage, study_name=self.name, load_if_exists=True, pruner=pruner(),
                    sampler=SlotSampler(self.seed), directions=["maximize"] * len(self.goal.objectives),
                )  # fmt: skip
                study.set_metric_names(list(self.goal.objectives))
            except Exception as error:
                shown = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", self.url)
                raise ValueError(
                    f"the storage {shown} cannot be used: {error}; name a database (sqlite:///FILE, "
                    "mysql://..., postgresql://...) or journal:///FILE"
                ) from error
        first: dict[str, Any] = {}
        self.space.chosen(lambda parameter: first.setdefault(parameter.name, parameter.default))
        return Queue(study, storage, self.trials, first, self.grace)

    def _opened(self) -> BaseStorage:
        if self.url.startswith(JOURNAL):
            return JournalStorage(JournalFileBackend(self.url.removeprefix(JOURNAL)))
        if isinstance(self.storage, Path):
            self.storage.parent.mkdir(parents=True, exist_ok=True)
        waits = {"connect_args": {"timeout": self.grace}} if self.url.startswith("sqlite") else {}
        return RDBStorage(
            self.url, engine_kwargs=waits, heartbeat_interval=self.heartbeat, grace_period=self.grace
        )


def pruner() -> BasePruner:
    """Ends a trial that, on the first videos, is among the worst half of those before it.

    Not before 20 trials are finished.
    """
    return PercentilePruner(50.0, n_startup_trials=20, n_min_trials=20)


Progress = Callable[[int, int], None]


def run(job: Job, problem: Problem, jobs: int, progress: Progress = lambda done, total: None) -> Queue:
    """Do what is left of the study's trials with ``jobs`` processes. ``problem``: what ``job.source`` loads.

    Raises ValueError where trials are left because workers died, and what to do.
    """
    own = isinstance(job.storage, Path)
    with locked(job.storage.with_suffix(".lock")) if isinstance(job.storage, Path) else nullcontext():
        queue = job.queue()
        if own:
            queue.fail_running()  # the lock is ours, so that nobody works on them
        done = queue.finished()
        progress(done, job.trials)
        if done < job.trials:
            objective = Objective(problem, job.space, job.goal)
            _alone(objective, queue, progress) if jobs == 1 else _in_processes(job, jobs, queue, progress)
    _check_all_done(queue)
    return queue


def _alone(objective: Objective, queue: Queue, progress: Progress) -> None:

    def told(trial: optuna.Trial) -> Any:
        value = objective(trial)
        progress(queue.finished() + 1, queue.trials)
        return value

    queue.work(told)


def _in_processes(job: Job, jobs: int, queue: Queue, progress: Progress) -> None:
    """Workers of their own; one that dies is missed by none, its trial goes to another."""
    context = multiprocessing.get_context("spawn")
    workers: list[BaseProcess] = [context.Process(target=work, args=(job,)) for _ in range(jobs)]
    try:
        with interrupts_wait():
            for worker in workers:
                worker.start()
        while any(worker.is_alive() for worker in workers):
            time.sleep(POLL)
            progress(queue.finished(), job.trials)
    finally:
        for worker in workers:
            if worker.pid is not None:
                worker.terminate()
                worker.join()


def work(job: Job) -> None:
    """What a worker process does; it ends when its parent has died."""
    parent = os.getppid()
    objective = Objective(job.source.load(), job.space, job.goal)
    job.queue().work(objective, stop=lambda: os.getppid() != parent)


def _check_all_done(queue: Queue) -> None:
    left = queue.trials - queue.finished()
    if left and isinstance(queue.storage, JournalStorage):
        raise ValueError(
            f"{left} of {queue.trials} trials are not finished. A journal file has no heartbeat: a trial "
            "whose worker died cannot be told from one at work. Once no worker is left, begin another study "
            "(--seed), better in a database, where such trials are done again"
        )
    if left:
        raise ValueError(
            f"{left} of {queue.trials} trials are not finished, the workers have died; "
            "the same command goes on"
        )
