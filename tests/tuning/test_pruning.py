"""Ending trials early: proven on a recorded study, and seen to work in a small one.

The record: 200 trials of a study of 910 videos with 1.6 million boxes, linked online, in the order in which
they were drawn; what each is worth on the first quarter of the source groups and on all, and what both took.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from bench.tuning.study import pruner

sys.path.insert(0, str(Path(__file__).parent))
import toy_study

RECORD = json.loads((Path(__file__).parents[1] / "reference/pruning.json").read_text())
EARLY, WHOLE, EARLY_SECONDS, SECONDS = np.array(RECORD["trials"]).T
ORDERS = [np.arange(len(EARLY)), *(np.random.default_rng(seed).permutation(len(EARLY)) for seed in range(12))]


def replayed(order: Sequence[int]) -> tuple[list[int], float]:
    """Trials that are not pruned when they come in this order, and the seconds that all took."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", pruner=pruner())
    kept, seconds = [], 0.0
    for number in order:
        trial = study.ask()
        trial.report(EARLY[number], 0)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            seconds += EARLY_SECONDS[number]
        else:
            study.tell(trial, WHOLE[number])
            kept.append(number)
            seconds += SECONDS[number]
    return kept, seconds


@pytest.mark.parametrize("order", ORDERS, ids=["as drawn", *map(str, range(12))])
def test_the_winner_of_the_recorded_study_stays(order: Sequence[int]) -> None:
    kept, seconds = replayed(order)
    assert int(WHOLE.argmax()) in kept
    assert len(kept) < len(EARLY)
    assert seconds < SECONDS.sum()


def test_trials_that_come_at_random_cost_half() -> None:
    assert np.mean([replayed(order)[1] for order in ORDERS[1:]]) < 0.6 * SECONDS.sum()


def test_the_first_trials_are_never_pruned() -> None:
    worst_last = np.argsort(-WHOLE)
    assert set(worst_last[:20].tolist()) <= set(replayed(worst_last)[0])


def test_a_pruned_trial_counts_as_done() -> None:
    queue = toy_study.in_memory(24)

    def looked_at_first(trial: optuna.Trial) -> float:
        value = toy_study.objective(trial) if trial.number < 20 else -1000.0
        trial.report(value, 0)
        if trial.should_prune():
            raise optuna.TrialPruned
        return value

    queue.work(looked_at_first)
    assert queue.finished() == 24
    assert [slot for slot, t in queue.slots().items() if t.state == TrialState.PRUNED] == [20, 21, 22, 23]
