"""The N trials of a study, each computed once, whatever number of processes work on it and whichever die.

A study has N *slots*. A slot is done when one trial of it has finished; a trial whose worker died is failed,
and its slot offered again. Everything is said in the storage, by Optuna's own states: no worker knows of
another.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState

from bench.tuning.sampling import SLOT

BEGUN = "begun"
"""Attribute of a trial whose heartbeat is known to have begun."""
POLL = 0.5
"""Seconds between two looks at the storage while others work on the last trials."""
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)

Objective = Callable[[optuna.Trial], Any]


class Yielded(Exception):
    """Another trial of the same slot goes on; this one ends."""


@dataclass(frozen=True)
class Queue:
    """What is left to do. first: parameters of trial 0; grace: seconds without heartbeat of a dead worker."""

    study: optuna.Study
    storage: BaseStorage
    trials: int
    first: Mapping[str, Any]
    grace: float

    def slots(self) -> dict[int, FrozenTrial]:
        """The trial of every slot that has one: finished, running or waiting; of several the first."""
        found: dict[int, FrozenTrial] = {}
        for trial in self.study.get_trials(deepcopy=False):
            slot = trial.user_attrs.get(SLOT, self.trials)
            if slot >= self.trials or trial.state == TrialState.FAIL:
                continue
            before = found.get(slot)
            if before is None or (trial.state in FINISHED and before.state not in FINISHED):
                found[slot] = trial
        return found

    def finished(self) -> int:
        """How many slots are done."""
        return sum(trial.state in FINISHED for trial in self.slots().values())

    def offer(self) -> bool:
        """Whether a trial waits to be taken; the first free slot is offered if none does."""
        slots = self.slots()
        if any(trial.state == TrialState.WAITING for trial in slots.values()):
            return True
        free = next((slot for slot in range(self.trials) if slot not in slots), None)
        if free is None:
            return False
        self.study.enqueue_trial(dict(self.first) if free == 0 else {}, user_attrs={SLOT: free})
        return True

    def work(self, objective: Objective, stop: Callable[[], bool] = lambda: False) -> None:
        """Take trials until all slots are done, or are in the hands of workers that cannot be seen to die."""
        while not stop():
            if self.offer():
                self._one(objective)
            elif self.finished() == self.trials or not self._has_heartbeat:
                return
            else:
                time.sleep(POLL)
                self.fail_lost()

    def _one(self, objective: Objective) -> None:
        taken_for_dead = False

        def claimed(trial: optuna.Trial) -> Any:
            nonlocal taken_for_dead
            try:
                self._claim(trial)
                value = objective(trial)
                taken_for_dead = True  # if what follows fails: telling the value is all that is left
                return value
            except UpdateFinishedTrialError:
                taken_for_dead = True
                raise

        try:
            self.study.optimize(claimed, n_trials=1, catch=(Yielded,))
        except (ValueError, UpdateFinishedTrialError, AssertionError):  # by when Optuna finds out
            if not taken_for_dead:
                raise  # else the slot is another worker's now

    def _claim(self, trial: optuna.Trial) -> None:
        """Begin the heartbeat, and yield where another trial of the slot is finished or came first."""
        if isinstance(self.storage, RDBStorage):
            self.storage.record_heartbeat(trial._trial_id)
        trial.set_user_attr(BEGUN, True)
        slot = trial.user_attrs.get(SLOT)
        owner = self.slots().get(slot, trial) if slot is not None else None
        if owner is None or owner.number != trial.number:
            raise Yielded(f"slot {slot}")

    @property
    def _has_heartbeat(self) -> bool:
        return isinstance(self.storage, RDBStorage)

    def fail_lost(self) -> None:
        """Fail the trials of workers that died, so that their slots are free again.

        Optuna knows those whose heartbeat has stopped; one that died before its first has none.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna.storages.fail_stale_trials(self.study)
        before = datetime.now() - timedelta(seconds=self.grace)
        self._fail(lambda t: BEGUN not in t.user_attrs and t.datetime_start is not None
                   and t.datetime_start < before)  # fmt: skip

    def fail_running(self) -> None:
        """Fail all that run: for a caller who knows that no worker is left."""
        self._fail(lambda trial: True)

    def _fail(self, lost: Callable[[FrozenTrial], bool]) -> None:
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if lost(trial):
                try:
                    self.study.tell(trial.number, state=TrialState.FAIL)
                except (ValueError, UpdateFinishedTrialError):
                    continue  # it has ended in the meantime
