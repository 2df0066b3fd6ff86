"""A finished result into MLflow, from its files: an experiment a protocol, a run a method, variant, seed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.store import digest_file
from bench.results.result import FILE, Result
from bench.tracking.curves import Point, files_of, points
from bench.tracking.server import connected, find_experiment
from bench.tracking.values import LONGEST_VALUE, accepted, flat_metrics, flatten, run_key, run_name, tags

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEY, CONTENT = "bench.key", "bench.result"
"""Tags: what a run is of, and the digest of the ``result.json`` that it holds."""
PICTURES = "pictures"
"""Folder of a run whose files become artifacts."""
ARTIFACTS = (FILE, "config.json")


def record(
    result: Result, folder: Path, runs_dir: Path, run_id: str = "", curves: Iterable[Point] | None = None
) -> str:
    """Record a result, its curves and the pictures in ``folder``; returns MLflow's run id.

    ``run_id``: a run that was begun while the method trained; then ``curves`` are the points that it lacks,
    otherwise all that the files hold. Any other run of the same method, variant and seed under the protocol
    is deleted once this one is whole. Raises TrackingError: to be shown as a warning, the files have all.
    """
    curves = points(files_of(result, folder, runs_dir)) if curves is None else curves
    end = int(datetime.fromisoformat(result.times.created).timestamp() * 1000)
    begin = end - int(1000 * sum(result.times.steps.values()))
    with connected(runs_dir) as client:
        experiment = find_experiment(client, result.protocol, runs_dir, result.ranking_metric)
        key = run_key(result.identity)
        others = [run.info.run_id for run in client.search_runs([experiment], f"tags.`{KEY}` = '{key}'")]
        end = int(1000 * time.time()) if run_id else end
        if not run_id:
            named = {KEY: key}
            run_id = client.create_run(experiment, begin, named, run_name(result.identity)).info.run_id
        log_points(client, run_id, curves, end)
        _log(client, run_id, result, end)
        _log_truth(client, run_id, result)
        _log_files(client, run_id, folder)
        client.set_tag(run_id, CONTENT, digest_file(folder / FILE))
        client.set_terminated(run_id, "FINISHED", end)
        for other in set(others) - {run_id}:
            client.delete_run(other)
    return run_id


def log_points(client: MlflowClient, run_id: str, found: Iterable[Point], time_ms: int) -> None:
    """Points in batches, each at its step."""
    from mlflow.entities import Metric

    metrics = (Metric(accepted(p.name), p.value, time_ms, p.step) for p in found)
    for some in batches(metrics, 1000):
        client.log_batch(run_id, metrics=some)


def log_params(client: MlflowClient, run_id: str, config: Mapping[str, Any], prefix: str = "config") -> None:
    """A configuration, nested mappings as names with dots."""
    from mlflow.entities import Param

    values = flatten(config, prefix).items()
    for pairs in batches(values, 100):
        found = [Param(accepted(name), str(value)[:LONGEST_VALUE]) for name, value in pairs]
        client.log_batch(run_id, params=found)


def _log(client: MlflowClient, run_id: str, result: Result, time_ms: int) -> None:
    from mlflow.entities import RunTag

    log_points(client, run_id, (Point(name, 0, v) for name, v in flat_metrics(result).items()), time_ms)
    log_params(client, run_id, result.identity.config)
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags(result).items()])


def _log_truth(client: MlflowClient, run_id: str, result: Result) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name = f"{result.dataset}/{result.split}"
    truth = Dataset(name, result.truth_digest, "local", '{"annotation": "ground truth"}')
    client.log_inputs(run_id, [DatasetInput(truth, [InputTag("mlflow.data.context", "test")])])


def _log_files(client: MlflowClient, run_id: str, folder: Path) -> None:
    for name in ARTIFACTS:
        if (folder / name).is_file():
            client.log_artifact(run_id, str(folder / name))
    if (folder / PICTURES).is_dir():
        client.log_artifacts(run_id, str(folder / PICTURES), PICTURES)


def batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Rows in lists of at most ``size``."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
