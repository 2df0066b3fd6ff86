"""Results into MLflow. The files of a run are the truth; this is a view of them that can be made again.

MLflow is imported by the functions that need it: importing it takes seconds, making its database more.
One experiment a protocol, one run a (method, variant, seed); recording a result again replaces its run.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.files.store import locked
from bench.results.result import FILE, Estimate, Result

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEY = "bench.key"
PLOTS = (".png", ".svg", ".pdf")
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Makes the dashboard open an experiment on its training runs, not on its traces."""


class TrackingError(RuntimeError):
    """MLflow could not be reached or refused something. The result on disk is untouched."""


class Point(NamedTuple):
    """One point of a training curve, such as ``("train/rgb/loss", 200, 1.75)``."""

    name: str
    step: int
    value: float


def tracking_uri(runs_dir: Path) -> str:
    """``MLFLOW_TRACKING_URI`` if set, else a SQLite file in ``runs_dir``."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{runs_dir.resolve() / 'mlflow.db'}"


def initialise(runs_dir: Path) -> None:
    """Make the database, once, before any worker opens it. Raises TrackingError."""
    with _client(runs_dir) as client:
        client.search_experiments(max_results=1)


def initialise_in_background(runs_dir: Path) -> subprocess.Popen[bytes]:
    """:func:`initialise` in a process of its own, to run beside training; :func:`record` waits for it.

    It says nothing: what hinders it hinders :func:`record` too, which says so.
    """
    command = [sys.executable, "-m", "bench.tracking", str(runs_dir)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def record(result: Result, folder: Path, runs_dir: Path, curves: Iterable[Point] = ()) -> str:
    """Record a result, its curves, ``result.json`` and the plots in ``folder``; returns MLflow's run id.

    An earlier run of the same method, variant and seed under the protocol is deleted once the new one is
    whole. Raises TrackingError: to be shown as a warning, since the files have everything.
    """
    with _client(runs_dir) as client:
        experiment = _experiment(client, result.protocol, runs_dir)
        key = _key(result)
        earlier = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'")
        end = int(datetime.fromisoformat(result.times.created).timestamp() * 1000)
        begin = end - int(1000 * sum(result.times.steps.values()))
        run_id: str = client.create_run(experiment, begin, {KEY: key}, run_name(result)).info.run_id
        _log(client, run_id, result, curves, end)
        _log_truth(client, run_id, result)
        plots = sorted(path for path in folder.iterdir() if path.suffix in PLOTS)
        for path in [folder / FILE, *plots]:
            client.log_artifact(run_id, str(path))
        client.set_terminated(run_id, "FINISHED", end)
        for run in earlier:
            client.delete_run(run.info.run_id)
    return run_id


def ui_command(runs_dir: Path, port: int = 5000) -> str:
    """The shell command that opens the dashboard, for this machine only."""
    uri = tracking_uri(runs_dir)
    if uri.startswith("http"):
        raise ValueError(f"MLFLOW_TRACKING_URI names a server; its dashboard is {uri}")
    artifacts = (runs_dir.resolve() / "mlartifacts").as_uri()
    words = [
        "env",
        "MLFLOW_DISABLE_TELEMETRY=true",
        "DO_NOT_TRACK=true",
        sys.executable,
        "-m",
        "mlflow",
        "ui",
    ]
    words += ["--backend-store-uri", uri, "--default-artifact-root", artifacts]
    return shlex.join([*words, "--host", "127.0.0.1", "--port", str(port)])


def run_name(result: Result) -> str:
    """``pcsc tiny+default seed 0``."""
    return f"{result.identity.method} {result.identity.variant} seed {result.identity.seed}"


def class_slugs(names: Sequence[str]) -> dict[str, str]:
    """Class name -> lower-case letters, digits and dashes, unique: ``CliffDiving`` -> ``cliff-diving``."""
    slugs: dict[str, str] = {}
    for name in names:
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
        slug = re.sub(r"[^a-z0-9]+", "-", spaced).strip("-") or "class"
        taken = set(slugs.values())
        slugs[name] = next(
            s for s in (slug, *(f"{slug}-{i}" for i in range(2, len(names) + 2))) if s not in taken
        )
    return slugs


def _key(result: Result) -> str:
    return re.sub(r"[^\w+.-]+", "-", run_name(result))


@contextmanager
def _client(runs_dir: Path) -> Iterator[MlflowClient]:
    """A client, alone where the store is a SQLite file; every failure inside becomes a TrackingError."""
    uri = tracking_uri(runs_dir)
    alone = locked(runs_dir / ".mlflow.lock") if uri.startswith("sqlite") else nullcontext()
    try:
        with alone:
            yield _import_client()(uri)
    except Exception as error:
        raise TrackingError(f"MLflow at {uri}: {error}") from error


def _import_client() -> type[MlflowClient]:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    return MlflowClient


def _experiment(client: MlflowClient, protocol: str, runs_dir: Path) -> str:
    """The experiment of that name, made if absent, revived if deleted."""
    found = client.get_experiment_by_name(protocol)
    if found is None:
        local = not tracking_uri(runs_dir).startswith("http")
        folder = runs_dir.resolve() / "mlartifacts" / re.sub(r"[^\w.-]+", "_", protocol)
        created: str = client.create_experiment(protocol, folder.as_uri() if local else None, dict(KIND))
        return created
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    existing: str = found.experiment_id
    return existing


def _log(client: MlflowClient, run_id: str, result: Result, curves: Iterable[Point], time_ms: int) -> None:
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(_name(name), value, time_ms, 0) for name, value in flat_metrics(result).items()]
    metrics += [Metric(_name(p.name), p.value, time_ms, p.step) for p in curves]
    config = flatten(result.identity.config, "config")
    for some in _batches(metrics, 1000):
        client.log_batch(run_id, metrics=some)
    for pairs in _batches(config.items(), 100):
        client.log_batch(run_id, params=[Param(_name(name), str(value)[:6000]) for name, value in pairs])
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in _tags(result).items()])


def flat_metrics(result: Result) -> dict[str, float]:
    """Every number of a result by one name each; what is not applicable is absent."""
    flat = dict(result.speed.values) if result.speed else {}
    flat |= {f"seconds/{step}": value for step, value in result.times.steps.items()}
    for name, estimate in result.metrics.items():
        flat |= _with_interval(name, estimate)
    for name, classes in result.per_class.items():
        slugs = class_slugs(list(classes))
        flat |= {f"{name}/{slugs[c]}": estimate.value for c, estimate in classes.items() if estimate}
    for level, kinds in result.errors.items():
        flat |= {f"error/{level}/{kind}": share for kind, share in kinds.items() if share is not None}
    return flat


def _with_interval(name: str, estimate: Estimate | None) -> dict[str, float]:
    if estimate is None:
        return {}
    bounds = {f"interval_low/{name}": estimate.low, f"interval_high/{name}": estimate.high}
    return {name: estimate.value} | {key: bound for key, bound in bounds.items() if bound is not None}


def flatten(tree: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Nested mappings as one: ``{"a": {"b": 1}}`` -> ``{"prefix.a.b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}.{key}"
        flat |= flatten(value, name) if isinstance(value, Mapping) else {name: value}
    return flat


def _batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def _name(name: str) -> str:
    """A name that MLflow accepts."""
    return re.sub(r"[^\w./ -]+", "-", name)


def _tags(result: Result) -> dict[str, str]:
    identity, training = result.identity, result.training
    tags = {
        "method": identity.method,
        "variant": identity.variant,
        "seed": str(identity.seed),
        "paper": identity.paper,
        "dataset": result.dataset,
        "split": result.split,
        "data kind": result.data_kind,
        "coverage": f"{result.coverage.videos}/{result.coverage.expected}",
        "config digest": identity.config_digest,
        "code version": identity.code_version,
        "hardware": result.environment.gpu or result.environment.cpu,
    }
    if training:
        tags |= {
            "flow": training.flow,
            "pretraining": training.pretraining,
            "boxes from": training.boxes_from,
            "training data": training.data,
            "checkpoint": training.checkpoint,
        }
    return tags


def _log_truth(client: MlflowClient, run_id: str, result: Result) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name = f"{result.dataset}/{result.split}"
    truth = Dataset(name, result.truth_digest, "local", '{"annotation": "ground truth"}')
    client.log_inputs(run_id, [DatasetInput(truth, [InputTag("mlflow.data.context", "test")])])


if __name__ == "__main__":
    initialise(Path(sys.argv[1]))
