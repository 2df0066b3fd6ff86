"""N trials, none lost, none twice: alone, side by side, killed and continued; and what can be repeated."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from bench.tuning.queue import FINISHED, Queue
from bench.tuning.sampling import SLOT

sys.path.insert(0, str(Path(__file__).parent))
import toy_study

TRIALS = 12


def outcomes(queue: Queue) -> dict[int, tuple[Any, Any]]:
    """Slot -> (values, parameters) of what is finished."""
    return {
        slot: (trial.values, trial.params) for slot, trial in queue.slots().items() if trial.state in FINISHED
    }


def finished_slots(queue: Queue) -> list[int]:
    """Of every finished trial, duplicates included."""
    trials = queue.study.get_trials(states=FINISHED)
    return sorted(trial.user_attrs[SLOT] for trial in trials)


def in_memory(trials: int = TRIALS, **words: Any) -> Queue:
    return toy_study.in_memory(trials, **words)


def whole(trials: int = TRIALS, seed: int = 0) -> Queue:
    queue = in_memory(trials, seed=seed)
    queue.work(toy_study.objective)
    return queue


def test_one_worker_does_all_and_begins_with_the_base(tmp_path: Path) -> None:
    queue = toy_study.job(tmp_path / "a.db", TRIALS).queue()
    queue.work(toy_study.objective)
    assert finished_slots(queue) == list(range(TRIALS))
    assert outcomes(queue)[0] == (
        [toy_study.worth(toy_study.Settings())],
        {"nms": 0.5, "window": 17, "gaps": "copy"},
    )


def test_the_same_seed_gives_the_same_trials_and_another_seed_others() -> None:
    one, again, other = (outcomes(whole(seed=seed)) for seed in (0, 0, 1))
    assert one == again
    assert one[0] == other[0]
    assert all(one[slot] != other[slot] for slot in range(1, TRIALS))


def test_a_file_gives_the_trials_that_memory_gives(tmp_path: Path) -> None:
    queue = toy_study.job(tmp_path / "a.db", 12).queue()
    queue.work(toy_study.objective)
    assert outcomes(queue) == outcomes(whole(12))


def test_it_learns() -> None:
    queue = whole(40)
    values = [values[0] for values, _ in outcomes(queue).values()]
    assert sum(values[20:]) / 20 > sum(values[1:20]) / 19
    assert max(values) > values[0]


def test_a_longer_study_goes_on_from_a_shorter_one() -> None:
    longer = in_memory(study=whole(5).study)
    longer.work(toy_study.objective)
    assert outcomes(longer) == outcomes(whole())


def test_stopped_in_a_trial_and_continued_it_ends_the_same() -> None:
    """As after a kill: the trial is left running, and whoever has the lock fails it and does it again."""
    queue = in_memory(20)
    calls: list[int] = []

    def dies(trial: optuna.Trial) -> float:
        calls.append(1)
        if len(calls) == 14:
            raise SystemExit
        return toy_study.objective(trial)

    with pytest.raises(SystemExit):
        queue.work(dies)
    assert len(queue.study.get_trials(states=(TrialState.RUNNING,))) == 1
    again = in_memory(20, study=queue.study)
    again.fail_running()
    again.work(toy_study.objective)
    assert outcomes(again) == outcomes(whole(20))


def test_a_mistake_in_the_objective_is_seen_and_its_trial_done_again() -> None:
    queue = in_memory(4)

    def broken(trial: optuna.Trial) -> float:
        if trial.user_attrs[SLOT] == 2:
            raise ValueError("a mistake")
        return toy_study.objective(trial)

    with pytest.raises(ValueError, match="a mistake"):
        queue.work(broken)
    assert finished_slots(queue) == [0, 1]
    queue.work(toy_study.objective)
    assert finished_slots(queue) == [0, 1, 2, 3]


@pytest.mark.parametrize("late", [False, True])
def test_a_worker_taken_for_dead_does_not_count_its_trial_a_second_time(tmp_path: Path, late: bool) -> None:
    queue = toy_study.job(tmp_path / "a.db", 3).queue()
    failed: list[int] = []

    def slow(trial: optuna.Trial) -> float:
        value = toy_study.objective(trial) if late else 0.0
        if trial.user_attrs[SLOT] == 1 and not failed:
            failed.append(trial.number)
            queue.fail_running()
        return value if late else toy_study.objective(trial)

    queue.work(slow)
    assert failed == [1]
    assert finished_slots(queue) == [0, 1, 2]


class Workers:
    """Processes on one storage, killed and started again."""

    def __init__(self, storage: str, log: Path) -> None:
        program = [sys.executable, str(Path(__file__).with_name("toy_study.py"))]
        self.command = [*program, storage, str(TRIALS), "0.15", str(log)]
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, *sys.path])}
        self.running.append(subprocess.Popen(self.command, env=environment))

    def kill(self, which: int) -> None:
        victim = self.running.pop(which)
        victim.send_signal(signal.SIGKILL)
        victim.wait()


def test_two_workers_killed_at_random_end_with_all_trials_none_lost_none_twice(tmp_path: Path) -> None:
    storage, log = f"sqlite:///{tmp_path / 'shared.db'}", tmp_path / "log"
    log.touch()
    queue = toy_study.job(storage, TRIALS).queue()
    workers, chance, kept = Workers(storage, log), random.Random(0), {}
    try:
        for _ in range(2):
            workers.start()
        for kill in range(3):
            began = len(log.read_text().split())
            while (
                len(log.read_text().split()) < min(began + 2, TRIALS - 3 + kill) and queue.finished() < TRIALS
            ):
                time.sleep(0.02)
            time.sleep(chance.random() * 0.15)
            workers.kill(chance.randrange(2))
            now = outcomes(queue)
            assert {slot: now[slot] for slot in kept} == kept, "a finished trial was lost"
            kept = now
            workers.start()
        assert [worker.wait(60) for worker in workers.running] == [0, 0]
    finally:
        for worker in workers.running:
            worker.kill()
    assert finished_slots(queue) == list(range(TRIALS))
    final = outcomes(queue)
    assert {slot: final[slot] for slot in kept} == kept
    assert not queue.study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING))


def test_a_journal_file_works_but_cannot_tell_the_dead(tmp_path: Path) -> None:
    storage = f"journal:///{tmp_path / 'study.log'}"
    queue = toy_study.job(storage, 6).queue()
    calls: list[int] = []

    def dies(trial: optuna.Trial) -> float:
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit
        return toy_study.objective(trial)

    with pytest.raises(SystemExit):
        queue.work(dies)
    toy_study.job(storage, 6).queue().work(toy_study.objective)
    assert finished_slots(queue) == [0, 1, 3, 4, 5]


def test_a_storage_that_cannot_be_opened_says_what_can(tmp_path: Path) -> None:
    for wrong in ("nonsense", f"sqlite:///{tmp_path / 'no/such/folder/a.db'}"):
        with pytest.raises(ValueError, match=r"(?s)cannot be used.*sqlite:///FILE"):
            toy_study.job(wrong, 3).queue()


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nobody:\*\*\*@") as refused:
        toy_study.job("unheard-of://nobody:secret@host/bench", 3).queue()
    assert "secret" not in str(refused.value)
