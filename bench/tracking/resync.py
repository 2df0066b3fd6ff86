"""Results that MLflow lacks, found by their files and sent again: after a server was down, slow or new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.files.store import digest_file
from bench.results.result import Result, read_all
from bench.tracking.record import CONTENT, KEY, record
from bench.tracking.server import TrackingError, connected
from bench.tracking.studies import is_recorded, record_study, studies
from bench.tracking.values import run_key
from bench.tuning.record import FILE as STUDY

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Outcome:
    """What became of one result: ``recorded``, ``there already``, ``missing``, or why it could not be."""

    path: Path
    what: str
    ok: bool = True


def resync(runs_dir: Path, send: bool) -> Iterator[Outcome]:
    """Every result below ``runs_dir``, as it is dealt with; without ``send`` nothing is changed.

    Raises TrackingError where MLflow cannot be asked at all.
    """
    found = read_all(runs_dir)
    known = _known(runs_dir, {result.protocol for _, result in found.results})
    for path, result in found.results:
        yield _dealt_with(path, result, runs_dir, known, send)
    for path, why in found.refused:
        yield Outcome(path, why, ok=False)
    for folder in studies(runs_dir):
        yield _study(folder, runs_dir, send)


def _study(folder: Path, runs_dir: Path, send: bool) -> Outcome:
    try:
        with connected(runs_dir) as client:
            there = is_recorded(client, folder)
        if not there and send:
            record_study(folder, runs_dir)
    except (TrackingError, ValueError) as error:
        return Outcome(folder / STUDY, str(error), ok=False)
    return Outcome(
        folder / STUDY, "there already" if there else "recorded" if send else "missing", there or send
    )


def _dealt_with(
    path: Path, result: Result, runs_dir: Path, known: set[tuple[str, str, str]], send: bool
) -> Outcome:
    if (result.protocol, run_key(result.identity), digest_file(path)) in known:
        return Outcome(path, "there already")
    if not send:
        return Outcome(path, "missing", ok=False)
    try:
        record(result, path.parent, runs_dir)
    except TrackingError as error:
        return Outcome(path, str(error), ok=False)
    return Outcome(path, "recorded")


def _known(runs_dir: Path, protocols: set[str]) -> set[tuple[str, str, str]]:
    """(protocol, key, digest of result.json) of every whole run."""
    found: set[tuple[str, str, str]] = set()
    with connected(runs_dir) as client:
        client.search_experiments(max_results=1)
        for protocol in sorted(protocols):
            experiment = client.get_experiment_by_name(protocol)
            if experiment is not None and experiment.lifecycle_stage == "active":
                found |= {(protocol, *words) for words in _runs(client, experiment.experiment_id)}
    return found


def _runs(client: MlflowClient, experiment: str) -> Iterator[tuple[str, str]]:
    token: str | None = None
    while token != "":
        page = client.search_runs([experiment], "attributes.status = 'FINISHED'", page_token=token)
        for run in page:
            if CONTENT in run.data.tags:
                yield run.data.tags[KEY], run.data.tags[CONTENT]
        token = page.token or ""
