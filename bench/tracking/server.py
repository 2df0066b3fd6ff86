"""The MLflow server or database: which one, reached by one client, and how to open its dashboard.

MLflow is imported by the functions that need it: importing it takes seconds, making its database more.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from bench.files.store import locked
from bench.tracking.view import TAG, address, shared_view

if TYPE_CHECKING:
    from mlflow import MlflowClient

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Settings of MLflow, where the environment says nothing else."""

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Makes the dashboard open an experiment on its training runs, not on its traces."""


class TrackingError(RuntimeError):
    """MLflow could not be reached or refused something. The result on disk is untouched."""


def tracking_uri(runs_dir: Path) -> str:
    """``MLFLOW_TRACKING_URI`` if set, else a SQLite file in ``runs_dir``."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{runs_dir.resolve() / 'mlflow.db'}"


@contextmanager
def connected(runs_dir: Path) -> Iterator[MlflowClient]:
    """A client, alone where the store is a SQLite file; every failure inside becomes a TrackingError."""
    uri = tracking_uri(runs_dir)
    alone = locked(runs_dir / ".mlflow.lock") if uri.startswith("sqlite") else nullcontext()
    try:
        with alone:
            yield import_client()(uri)
    except Exception as error:
        raise TrackingError(f"MLflow at {_without_password(uri)}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:400]


def _without_password(uri: str) -> str:
    """The address as it may be printed."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.password else uri


def import_client() -> type[MlflowClient]:
    """MLflow's client class, imported without telemetry and chatter."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    return MlflowClient


def find_experiment(client: MlflowClient, name: str, runs_dir: Path, ranking_metric: str) -> str:
    """The id of the experiment of that name, made if absent, revived if deleted.

    One that is made opens on a view of its own, sorted by the metric: :mod:`bench.tracking.view`.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        local = not tracking_uri(runs_dir).startswith("http")
        folder = runs_dir.resolve() / "mlartifacts" / re.sub(r"[^\w.-]+", "_", name)
        tags = {**KIND, **shared_view(ranking_metric)}
        created: str = client.create_experiment(name, folder.as_uri() if local else None, tags)
        return created
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    existing: str = found.experiment_id
    return existing


def ui_command(runs_dir: Path, port: int = 5000) -> list[str]:
    """The command that serves the dashboard to this machine alone.

    Raises ValueError where the tracking address is a server's, which has a dashboard of its own.
    """
    uri = tracking_uri(runs_dir)
    if uri.startswith("http"):
        raise ValueError(
            f"MLFLOW_TRACKING_URI names a server; its dashboard is {_without_password(uri)}, or unset it"
        )
    artifacts = (runs_dir.resolve() / "mlartifacts").as_uri()
    words = [sys.executable, "-m", "mlflow", "server"]
    words += ["--backend-store-uri", uri, "--default-artifact-root", artifacts]
    return [*words, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]


def views(runs_dir: Path) -> list[tuple[str, str]]:
    """(experiment, address below the dashboard's) of every view that compares the runs of an experiment."""
    with connected(runs_dir) as client:
        found = client.search_experiments()
        return sorted((e.name, address(e.experiment_id)) for e in found if TAG in e.tags)


def ui_environment() -> Mapping[str, str]:
    """The environment of :func:`ui_command`: no telemetry, and no worker that sends itself requests."""
    return {**QUIET, **os.environ}
