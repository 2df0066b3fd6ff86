"""A study of nothing: settings are worth what a formula says. Run as a program it is one worker of it.

Usage: ``toy_study.py STORAGE TRIALS SECONDS LOG``; every trial that begins writes its slot into LOG.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna

from bench.tuning.problem import Goal, Problem, Source
from bench.tuning.queue import Queue
from bench.tuning.sampling import SLOT, SlotSampler
from bench.tuning.space import Space
from bench.tuning.study import Job, pruner
from bench.tuning.trials import suggestion


@dataclass(frozen=True)
class Settings:
    """Two numbers and a choice; the base is trial 0."""

    nms: float = field(default=0.5, metadata={"range": (0.2, 0.8)})
    window: int = field(default=17, metadata={"range": (1, 41), "step": 2})
    gaps: str = field(default="copy", metadata={"choices": ("copy", "interpolate")})


def worth(config: Settings) -> float:
    """Best at 0.3, 25, interpolate."""
    gaps = 5.0 if config.gaps == "interpolate" else 0.0
    return 50 - 100 * (config.nms - 0.3) ** 2 - abs(config.window - 25) / 10 + gaps


@dataclass(frozen=True)
class NoSource(Source):
    """Nothing is loaded: the objective is a formula."""

    def load(self) -> Problem:
        raise AssertionError("a toy needs no predictions")


def job(storage: str | Path, trials: int, seed: int = 0, heartbeat: int = 1, grace: int = 3) -> Job:
    """The study in some storage; by default its dead are found within seconds."""
    goal = Goal("video_map/0.50")
    return Job("toy", storage, trials, seed, goal, Space(Settings()), NoSource(), heartbeat, grace)


def in_memory(trials: int, seed: int = 0, study: optuna.Study | None = None) -> Queue:
    """The study in no storage, or one that exists, with another number of trials."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.InMemoryStorage()
    study = study or optuna.create_study(
        storage=storage, sampler=SlotSampler(seed), direction="maximize", pruner=pruner()
    )
    return Queue(study, storage, trials, {"nms": 0.5, "window": 17, "gaps": "copy"}, 3.0)


def objective(trial: optuna.Trial) -> float:
    """What one trial is worth."""
    config: Any = Space(Settings()).chosen(lambda parameter: suggestion(trial, parameter))
    return worth(config)


def main(storage: str, trials: int, seconds: float, log: Path) -> None:
    """One worker, until nothing is left to do."""

    def slow(trial: optuna.Trial) -> float:
        with log.open("a") as file:
            file.write(f"{trial.user_attrs[SLOT]}\n")
        time.sleep(seconds)
        return objective(trial)

    job(storage, trials).queue().work(slow)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
