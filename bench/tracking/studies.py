"""A study into MLflow: one parent run and a nested run a trial, in the experiment ``tune/<protocol>``."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.files.store import digest, digest_file
from bench.results.result import NO_RESULTS
from bench.tracking.curves import Point
from bench.tracking.record import CONTENT, KEY, log_params, log_points
from bench.tracking.server import connected, find_experiment
from bench.tracking.values import LONGEST_VALUE, shortened
from bench.tuning.record import FILE, StudyRecord, Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PARENT = "mlflow.parentRunId"
STATES = {"complete": "FINISHED", "pruned": "KILLED"}


def record_study(folder: Path, runs_dir: Path) -> str:
    """Record the study whose ``study.json`` is in a folder; returns the parent's run id.

    An earlier recording of the same study is deleted once this one is whole. Raises TrackingError, and
    ValueError for a study that cannot be read.
    """
    study = StudyRecord.read(folder)
    now = int(time.time() * 1000)
    with connected(runs_dir) as client:
        experiment = find_experiment(client, f"tune/{study.protocol}", runs_dir, study.objectives[0])
        earlier = [run.info.run_id for run in _of_study(client, experiment, study)]
        begin = now - int(1000 * sum(trial.seconds for trial in study.trials))
        name = shortened(f"{study.title} study")
        parent: str = client.create_run(experiment, begin, _tags(study), name).info.run_id
        for trial in study.trials:
            begin = _log_trial(_Parent(client, experiment, parent), study, trial, begin)
        _log_parent(client, parent, study, folder, now)
        for run_id in earlier:
            client.delete_run(run_id)
    return parent


def studies(runs_dir: Path) -> Iterator[Path]:
    """Folders below ``runs_dir`` that hold a study."""
    for root, folders, files in os.walk(runs_dir):
        folders[:] = sorted(name for name in folders if name not in NO_RESULTS)
        if FILE in files:
            yield Path(root)


def pictures(study: StudyRecord, folder: Path) -> list[Path]:
    """Those of its pictures that are there; names that lead out of the folder are left out."""
    return [folder / name for name in study.pictures if Path(name).name == name and (folder / name).is_file()]


def is_recorded(client: MlflowClient, folder: Path) -> bool:
    """Whether this very study is there."""
    study = StudyRecord.read(folder)
    found = client.get_experiment_by_name(f"tune/{study.protocol}")
    if found is None:
        return False
    tag = f"tags.`{CONTENT}` = '{digest_file(folder / FILE)}' and attributes.status = 'FINISHED'"
    return bool(client.search_runs([found.experiment_id], tag, max_results=1))


def _tags(study: StudyRecord) -> dict[str, str]:
    return {
        KEY: _key(study),
        "study": study.name[:LONGEST_VALUE],
        "dataset": study.dataset,
        "protocol": study.protocol,
        "tuned on": study.tuned_on,
        "seed": str(study.seed),
        "objectives": ", ".join(study.objectives),
        "best trial": str(study.best),
    }


def _key(study: StudyRecord) -> str:
    return f"study-{digest(study.name)}"


def _of_study(client: MlflowClient, experiment: str, study: StudyRecord) -> Iterator[Run]:
    """Parent and trials of an earlier recording."""
    token: str | None = None
    while token != "":
        page = client.search_runs([experiment], f"tags.`{KEY}` = '{_key(study)}'", page_token=token)
        yield from page
        token = page.token or ""


class _Parent(NamedTuple):
    """The run that trials lie in."""

    client: MlflowClient
    experiment: str
    run_id: str


def _log_trial(parent: _Parent, study: StudyRecord, trial: Trial, begin: int) -> int:
    """One nested run, begun when the one before it ended; returns when it ended."""
    end = begin + int(1000 * trial.seconds)
    tags = {PARENT: parent.run_id, KEY: _key(study), "state": trial.state}
    tags |= {"refused": trial.refused[:LONGEST_VALUE]} if trial.refused else {}
    tags |= {"best": "yes"} if trial.number == study.best else {}
    name = f"trial {trial.number}" + " (as published)" * (trial.number == 0)
    client = parent.client
    run_id = client.create_run(parent.experiment, begin, tags, name).info.run_id
    log_params(client, run_id, trial.params, "")
    values = zip(study.objectives, trial.values)
    log_points(client, run_id, [Point(objective, 0, value) for objective, value in values], end)
    client.set_terminated(run_id, STATES.get(trial.state, "FAILED"), end)
    return end


def _log_parent(client: MlflowClient, run_id: str, study: StudyRecord, folder: Path, now: int) -> None:
    """Each objective by trial, the best so far, what mattered, and the files."""
    best = float("-inf")
    points: list[Point] = []
    for trial in study.trials:
        points += [Point(f"trial/{name}", trial.number, v) for name, v in zip(study.objectives, trial.values)]
        if trial.values:
            best = max(best, trial.values[0])
            points.append(Point(f"best/{study.objectives[0]}", trial.number, best))
    points += [Point(f"importance/{name}", 0, share) for name, share in study.importances.items()]
    points.append(Point("gain", 0, study.gain))
    log_points(client, run_id, points, now)
    log_params(client, run_id, study.trials[study.best].params, "best")
    for path in (folder / FILE, *pictures(study, folder)):
        client.log_artifact(run_id, str(path))
    client.set_tag(run_id, CONTENT, digest_file(folder / FILE))
    client.set_terminated(run_id, "FINISHED", now)
